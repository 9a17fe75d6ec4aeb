//! Everything a key can do, said once: name, words, where it applies, and how much room it deserves in the footer.
//!
//! Knows no keys (that is [`super::keymap`]) and no state (that is `available`), so that footer, help, keymap files
//! and documentation cannot disagree.

/// Where a key is looked up. A screen's own bindings come before the global ones; a prompt has only its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Everywhere except in a prompt.
    Global,
    /// The board of stages.
    Board,
    /// One stage with its charts.
    Stage,
    /// Who is sending what.
    Sources,
    /// A plan under review.
    Review,
    /// The incident's timeline and what is in force.
    Timeline,
    /// The playbooks.
    Playbooks,
    /// One playbook with its steps.
    Playbook,
    /// The help.
    Help,
    /// While a line is being typed.
    Prompt,
}

impl Context {
    /// Every context, in the order in which they are documented.
    pub const ALL: [Self; 10] = [
        Self::Global,
        Self::Board,
        Self::Stage,
        Self::Sources,
        Self::Review,
        Self::Timeline,
        Self::Playbooks,
        Self::Playbook,
        Self::Help,
        Self::Prompt,
    ];

    /// The name of its table in a keymap file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Board => "board",
            Self::Stage => "stage",
            Self::Sources => "sources",
            Self::Review => "review",
            Self::Timeline => "timeline",
            Self::Playbooks => "playbooks",
            Self::Playbook => "playbook",
            Self::Help => "help",
            Self::Prompt => "prompt",
        }
    }

    /// One line that says where it applies.
    #[must_use]
    pub fn doc(self) -> &'static str {
        match self {
            Self::Global => "everywhere, except while a line is being typed",
            Self::Board => "the board of stages",
            Self::Stage => "one stage with its charts",
            Self::Sources => "who is sending what",
            Self::Review => "a plan under review",
            Self::Timeline => "the timeline, and what is in force",
            Self::Playbooks => "the playbooks",
            Self::Playbook => "one playbook with its steps",
            Self::Help => "this help",
            Self::Prompt => "while a line is being typed",
        }
    }
}

macro_rules! commands {
    ($( $variant:ident $name:literal in [$($context:ident),+] label $label:literal rank $rank:literal: $doc:literal; )+) => {
        /// What a key can do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Command {
            $(#[doc = $doc] $variant,)+
        }

        impl Command {
            /// Every command, in the order in which they are documented.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used in keymap files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// One line for the help and the documentation.
            #[must_use]
            pub fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc,)+ }
            }

            /// A word or two for the footer; empty where the footer leaves it out.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }

            /// Its rank in the footer: the lower, the longer it stays as the screen narrows.
            #[must_use]
            pub fn rank(self) -> u8 {
                match self { $(Self::$variant => $rank,)+ }
            }

            /// Where it applies.
            #[must_use]
            pub fn contexts(self) -> &'static [Context] {
                match self { $(Self::$variant => &[$(Context::$context),+],)+ }
            }
        }
    };
}

commands! {
    Quit "quit" in [Global] label "quit" rank 2: "Leave; asks once more while a change is being made";
    Back "back" in [Global] label "back" rank 1: "Go back one screen; on the board, clear the filter. What is selected stays selected";
    Help "help" in [Global] label "help" rank 0: "Show the keys, and what the marks mean";
    Palette "palette" in [Global] label "commands" rank 15: "Find a command, an action or a stage by a few letters of its name, and do it or go there";
    Up "up" in [Global] label "" rank 90: "One line up";
    Down "down" in [Global] label "" rank 90: "One line down";
    PageUp "page-up" in [Global] label "" rank 90: "One page up";
    PageDown "page-down" in [Global] label "" rank 90: "One page down";
    First "first" in [Global] label "" rank 90: "To the first line";
    Last "last" in [Global] label "" rank 90: "To the last line";
    Timeline "timeline" in [Global] label "timeline" rank 26: "Show the timeline, and what is in force";
    Note "note" in [Global] label "note" rank 40: "Write a note into the timeline";
    Redraw "redraw" in [Global] label "" rank 95: "Draw the whole screen again";
    Suspend "suspend" in [Global, Prompt] label "" rank 96: "Suspend the console until fg; not while a change is being made";
    Copy "copy" in [Board, Stage, Review] label "copy" rank 45: "Copy into the terminal's clipboard: a sentence on the stage for a status page; of a plan, the command that does the same";
    Find "find" in [Stage, Sources, Review, Timeline, Playbooks, Playbook, Help] label "find" rank 42: "Find text in what is shown; again for the next match";
    Open "open" in [Board] label "stage" rank 12: "Open the selected stage: charts, facts, signals";
    Sources "sources" in [Board, Stage] label "sources" rank 10: "Show who is sending what to the selected stage";
    Propose "propose" in [Board, Stage] label "what next" rank 9: "Show what would help the selected stage, at most three steps, the best first; changes nothing yet";
    Throttle "throttle" in [Board, Stage] label "throttle" rank 14: "Plan to tighten the throttle of a method, or of all; changes nothing yet";
    FlushCache "flush-cache" in [Board, Stage] label "flush" rank 27: "Plan to drop the stage's cache; changes nothing yet";
    FlushAuthorizers "flush-authorizers" in [Board, Stage] label "" rank 91: "Plan to drop the authorizers' cached verdicts; changes nothing yet";
    Close "close" in [Board, Stage] label "close" rank 16: "Plan to close the stage to everybody but a few; changes nothing yet";
    Playbooks "playbooks" in [Board, Stage] label "playbook" rank 18: "Show the playbooks; those that answer the signals first";
    KillSwitch "kill-switch" in [Board, Stage] label "kill switch" rank 35: "Plan the kill switch, or its proof; changes nothing yet";
    BlockList "block-list" in [Board, Stage] label "" rank 91: "Plan to block addresses that are typed or pasted; changes nothing yet";
    NextAccount "next-account" in [Board, Timeline] label "account" rank 24: "To the next account and region: its first row, or its timeline";
    Filter "filter" in [Board] label "filter" rank 20: "Search by name, account, region, web ACL, API id or signal";
    Follow "follow" in [Board] label "to the worst" rank 29: "Let the cursor follow the worst stage again";
    Pin "pin" in [Board] label "pin" rank 28: "Keep the selected stage on top, or let it go again";
    Sort "sort" in [Board] label "sort" rank 22: "Sort by the next column; first the worst, then by name";
    Reverse "reverse" in [Board] label "" rank 91: "Reverse the order";
    Mark "mark" in [Sources] label "mark" rank 12: "Mark the source, or remove its mark";
    MarkSuspects "mark-suspects" in [Sources] label "mark suspects" rank 11: "Mark every listed source that rules match and that was not there before, possible proxies left out";
    MarkAll "mark-all" in [Sources] label "mark all" rank 24: "Mark every listed source, known callers and proxies too";
    Unmark "unmark" in [Sources] label "unmark" rank 25: "Remove every mark";
    NextSet "next-set" in [Sources] label "what to block" rank 13: "Choose the next set of prefixes that carry most of the attack for least of the rest; after the last, none";
    NextList "next-list" in [Sources] label "list" rank 14: "Show what the requests have in common: prefixes, requests, countries, user agents, …; then the addresses again";
    PreviousList "previous-list" in [Sources] label "" rank 91: "Show the previous list";
    Block "block" in [Sources] label "block" rank 10: "Plan to block the chosen set, else the marked sources and prefixes, or what is under the cursor; changes nothing yet";
    Reload "reload" in [Stage, Sources] label "reload" rank 26: "Read the stage or its sources again";
    Confirm "confirm" in [Review] label "confirm" rank 10: "Type the phrase that confirms the plan";
    Override "override" in [Review] label "override" rank 11: "Override the guards that halt the plan, with a reason; plans again";
    Replan "replan" in [Review] label "plan again" rank 24: "Read the account again and make the plan again";
    AllGuards "all-guards" in [Review] label "guards" rank 26: "List every guard with its evidence, or only what has to be read";
    WholeDiff "whole-diff" in [Review] label "diff" rank 27: "Show the whole diff, or its first entries";
    Undo "undo" in [Timeline] label "undo" rank 10: "Plan to undo the selected action; changes nothing yet";
    Extend "extend" in [Timeline] label "extend" rank 12: "Let the selected action expire later or earlier, or not at all; changes nothing in the account";
    ExportMarkdown "export-markdown" in [Timeline] label "export" rank 20: "Export the timeline as Markdown";
    ExportJsonLines "export-json-lines" in [Timeline] label "" rank 92: "Export the timeline as JSON Lines";
    ExportAs "export-as" in [Timeline] label "" rank 93: "Export the timeline in a format to be chosen";
    OpenPlaybook "open-playbook" in [Playbooks] label "open" rank 10: "Open the selected playbook for the stage";
    DoStep "do-step" in [Playbook] label "do" rank 10: "Do the selected step: plan its change, begin to observe, tick its note off; changes nothing yet";
    SkipStep "skip-step" in [Playbook] label "skip" rank 12: "Skip the selected step, if it is optional";
    SetInput "set-input" in [Playbook] label "input" rank 14: "Give an input of the playbook another value";
    Submit "submit" in [Prompt] label "done" rank 1: "Accept what was typed";
    Cancel "cancel" in [Prompt] label "cancel" rank 2: "Leave the prompt; nothing happens";
    ScrollUp "scroll-up" in [Prompt] label "" rank 90: "Scroll what is behind the prompt up";
    ScrollDown "scroll-down" in [Prompt] label "" rank 90: "Scroll what is behind the prompt down";
    ScrollPageUp "scroll-page-up" in [Prompt] label "" rank 90: "Scroll what is behind the prompt a page up";
    ScrollPageDown "scroll-page-down" in [Prompt] label "" rank 90: "Scroll what is behind the prompt a page down";
    Leave "leave" in [Prompt] label "" rank 90: "Leave the console, prompt and all; asks once more while a change is being made";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_kebab_case() {
        let names: HashSet<_> = Command::ALL.iter().map(|c| c.name()).collect();
        assert_eq!(names.len(), Command::ALL.len());
        for name in names {
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
        }
    }
}
