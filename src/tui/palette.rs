//! The palette: everything that can be done here, every action, and every stage there is, found by a few letters.
//!
//! Knows what there is and how well it matches. What a command does, and whether it can be done now, is `update`'s and
//! `available`'s.

use super::command::{Command, Context};
use super::list::Cursor;
use super::search::{Hay, Needle};
use crate::model::action::{ACTIONS, Form};
use crate::model::connection::StageAt;

/// One line of it.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// A command.
    Command(Command),
    /// To plan an action of the table.
    Action(&'static Form),
    /// To go to a stage.
    Stage {
        /// Which.
        at: StageAt,
        /// How it is written on the screen.
        label: String,
    },
}

/// The palette while it is open.
#[derive(Debug)]
pub(crate) struct Palette {
    /// Where it was opened: its keys come first.
    context: Context,
    entries: Vec<Entry>,
    /// What matches, the best first: indices into the entries.
    found: Vec<usize>,
    pub(crate) cursor: Cursor,
    /// The stage that the board's cursor was held at when it was opened.
    pub(crate) held_before: Option<StageAt>,
}

impl Palette {
    /// Of the commands of `context` and those that are the same everywhere, then those of other screens, then the
    /// stages.
    pub(crate) fn new(context: Context, stages: impl Iterator<Item = (StageAt, String)>) -> Self {
        let offered = |command: &Command| {
            *command != Command::Palette && command.contexts().iter().any(|place| *place != Context::Prompt)
        };
        let mut commands: Vec<Command> = Command::ALL.iter().copied().filter(offered).collect();
        commands.sort_by_key(|command| (!is_here(*command, context), command.rank()));
        let stages = stages.map(|(at, label)| Entry::Stage { at, label });
        let actions = ACTIONS.into_iter().map(Entry::Action);
        let entries: Vec<Entry> = commands.into_iter().map(Entry::Command).chain(actions).chain(stages).collect();
        let mut palette = Self { context, entries, found: Vec::new(), cursor: Cursor::default(), held_before: None };
        palette.search("");
        palette
    }

    /// Finds what `text` matches; without a text, what can be done here and the stages.
    pub(crate) fn search(&mut self, text: &str) {
        let needle = Needle::new(text);
        self.cursor = Cursor::default();
        let context = self.context;
        if needle.is_empty() {
            let shown = |entry: &Entry| match entry {
                Entry::Command(command) => is_here(*command, context),
                // Most have a command with choices of its own.
                Entry::Action(_) => false,
                Entry::Stage { .. } => true,
            };
            self.found = (0..self.entries.len()).filter(|index| shown(&self.entries[*index])).collect();
            return;
        }
        let mut scored: Vec<(u32, usize)> = self
            .entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| Some((score(&needle, entry, context)?, index)))
            .collect();
        scored.sort_by_key(|(score, index)| (std::cmp::Reverse(*score), *index));
        self.found = scored.into_iter().map(|(_, index)| index).collect();
    }

    /// How many match.
    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    /// What stands in a line.
    pub(crate) fn line(&self, at: usize) -> Option<&Entry> {
        self.entries.get(*self.found.get(at)?)
    }

    /// What is under the cursor.
    pub(crate) fn chosen(&self) -> Option<&Entry> {
        self.line(self.cursor.at)
    }

    /// Where it was opened.
    pub(crate) fn context(&self) -> Context {
        self.context
    }
}

/// Whether a key leads to the command on that screen.
pub(crate) fn is_here(command: Command, context: Context) -> bool {
    command.contexts().contains(&context) || command.contexts().contains(&Context::Global)
}

fn score(needle: &Needle, entry: &Entry, context: Context) -> Option<u32> {
    match entry {
        Entry::Command(command) => {
            let hay = [Hay::Name(command.name()), Hay::Name(command.label()), Hay::Word(command.doc())];
            let found = needle.score(&hay.into_iter().filter(|hay| !hay.is_empty()))?;
            // What can be done here comes before its like elsewhere.
            Some(found + if is_here(*command, context) { HERE } else { 0 })
        }
        Entry::Action(form) => needle.score(&[Hay::Name(form.name), Hay::Word(form.doc)].into_iter()),
        Entry::Stage { label, .. } => needle.score(&[Hay::Name(label)].into_iter()),
    }
}

/// What it is worth that a command belongs to the screen.
const HERE: u32 = 60;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::connection::ConnectionId;
    use crate::model::stage::StageId;

    fn palette(stages: &[&str]) -> Palette {
        let stage = |name: &&str| {
            let (api, stage) = name.split_once('/').unwrap();
            let stage = StageId { api_id: format!("{api}-id"), api_name: api.to_owned(), stage: stage.to_owned() };
            (StageAt { at: ConnectionId::FIRST, stage }, (*name).to_owned())
        };
        Palette::new(Context::Board, stages.iter().map(stage))
    }

    fn first(palette: &mut Palette, text: &str) -> String {
        palette.search(text);
        match palette.chosen() {
            Some(Entry::Command(command)) => command.name().to_owned(),
            Some(Entry::Action(form)) => form.name.to_owned(),
            Some(Entry::Stage { label, .. }) => label.clone(),
            None => String::new(),
        }
    }

    #[test]
    fn a_few_letters_find_a_command_or_a_stage() {
        let mut palette = palette(&["shop/prod", "billing/prod"]);
        assert_eq!(first(&mut palette, "thr"), "throttle");
        assert_eq!(first(&mut palette, "bil"), "billing/prod");
        assert_eq!(first(&mut palette, "flush aut"), "flush-authorizers");
        assert_eq!(first(&mut palette, "zzzz"), "");
    }

    #[test]
    fn without_letters_it_lists_what_can_be_done_here() {
        let palette = palette(&["shop/prod"]);
        let named = |palette: &Palette| -> Vec<Entry> {
            (0..palette.len()).filter_map(|at| palette.line(at).cloned()).collect()
        };
        let listed = named(&palette);
        let lists = |wanted| listed.iter().any(|entry| matches!(entry, Entry::Command(one) if *one == wanted));
        assert!(lists(Command::Throttle));
        assert!(!lists(Command::Undo), "it belongs to the timeline");
        assert!(matches!(listed.last(), Some(Entry::Stage { .. })));
    }

    #[test]
    fn every_action_of_the_table_is_found_by_its_name() {
        let mut palette = palette(&[]);
        for form in ACTIONS {
            palette.search(form.name);
            let is_it = |at| matches!(palette.line(at), Some(Entry::Action(found)) if found.name == form.name);
            assert!((0..palette.len()).any(is_it), "{}", form.name);
        }
    }

    #[test]
    fn every_command_but_those_of_a_prompt_is_found_by_its_name() {
        let mut palette = palette(&[]);
        for command in Command::ALL {
            palette.search(command.name());
            let is_it = |at| matches!(palette.line(at), Some(Entry::Command(found)) if found == command);
            let found = (0..palette.len()).any(is_it);
            let of_a_prompt = command.contexts().iter().all(|place| *place == Context::Prompt);
            assert_eq!(found, !of_a_prompt && *command != Command::Palette, "{}", command.name());
        }
    }
}
