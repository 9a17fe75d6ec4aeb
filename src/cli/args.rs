//! What can be typed.

mod action;
mod list;
pub(super) mod playbook;

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand, ValueEnum};

use self::action::lifetime;
pub(super) use self::action::{ActionCommand, LadderWanted, Wanted};
use crate::model::attack::AttackKind;
use crate::model::export::Format;
use crate::model::stage::StageSelector;

/// A console for the people on call when an AWS API Gateway API is under attack.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, about, propagate_version = true)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) common: Common,
    /// Words for people, or one JSON object
    #[arg(short = 'o', long, global = true, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The command line as clap knows it: for completions and generated documentation.
#[must_use]
pub fn command() -> clap::Command {
    Args::command()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Text,
    Json,
}

#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Common {
    /// The AWS profile; repeatable where several accounts can be watched at once
    #[arg(long, global = true, value_name = "PROFILE")]
    pub(super) profile: Vec<String>,
    /// The region; repeatable, for every profile [default: each profile's own]
    #[arg(long, global = true, value_name = "REGION")]
    pub(super) region: Vec<String>,
    /// A different endpoint for every service: a range, an emulator
    #[arg(long, global = true, value_name = "URL")]
    pub(super) endpoint_url: Option<String>,
    /// The configuration file [default: `$XDG_CONFIG_HOME/portcullis/config.toml`]
    #[arg(long, global = true, env = "PORTCULLIS_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The incident to write to [default: the newest open one of the account and region]
    #[arg(long, global = true, value_name = "ID")]
    pub(super) incident: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Practise on a simulated account: no credentials, no network, no configuration
    Drill(DrillArgs),
    /// Watch AWS; read-only until --armed
    Live(LiveArgs),
    /// One reading of the board
    Snapshot(SnapshotArgs),
    /// Who is sending what, ranked
    Sources(SourcesArgs),
    /// What would help a stage now, the best first; changes nothing
    Proposals(ProposalsArgs),
    /// Which actions would work on which stage, checked in advance; changes nothing
    Preflight(PreflightArgs),
    /// Show the plan of an action; change nothing
    Plan(PlanArgs),
    /// Plan again, compare, confirm, do
    Apply(ApplyArgs),
    /// Undo an action
    Undo(UndoArgs),
    /// What is in force, and what expires when
    Actions,
    /// Let an action in force expire at another time
    Extend(ExtendArgs),
    /// Undo what has expired
    Sweep,
    /// Guarded steps for a kind of attack: list, show, check, run
    #[command(subcommand)]
    Playbook(playbook::PlaybookCommand),
    /// Incidents and their timelines
    #[command(subcommand)]
    Timeline(TimelineCommand),
    /// The keymap in force
    Keys(KeysArgs),
    /// The configuration: what is wrong with it, and what it does not set
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The simulated account
    #[command(subcommand)]
    Range(RangeCommand),
    /// Completions for a shell
    Completions(CompletionsArgs),
}

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct DrillArgs {
    #[command(subcommand)]
    pub(super) command: Option<DrillCommand>,
    /// A scenario that comes with the program, or a file
    pub(super) scenario: Option<String>,
    /// Account seconds per second [default: the scenario's; 1 is real time]
    #[arg(long)]
    pub(super) speed: Option<f64>,
    /// A different seed from the scenario's
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// The keymap: default, vim, emacs, or a file [default: the configuration's]
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) keymap: Option<String>,
    /// The theme: dark, light, high-contrast, monochrome, or a file [default: the configuration's]
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) theme: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum DrillCommand {
    /// Check scenarios: that everything in them is known, in its range, and refers to something
    Check {
        /// Scenarios that come with the program, or files
        #[arg(required = true, value_name = "SCENARIO")]
        scenarios: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Say what is wrong with the configuration, and what it does not set
    Check(ConfigCheckArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct ConfigCheckArgs {
    /// The file [default: the one in force]
    pub(super) file: Option<PathBuf>,
    /// Ask AWS as well whether the stages, IP sets and web ACLs that it names exist
    #[arg(long)]
    pub(super) account: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct LiveArgs {
    /// Allow changes, each with its own confirmation
    #[arg(long)]
    pub(super) armed: bool,
    /// The keymap: default, vim, emacs, or a file [default: the configuration's]
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) keymap: Option<String>,
    /// The theme: dark, light, high-contrast, monochrome, or a file [default: the configuration's]
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) theme: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct SnapshotArgs {
    /// Keep going, a reading after every poll (JSON Lines with -o json)
    #[arg(long)]
    pub(super) watch: bool,
    /// One stage in depth, beside its row: [region:]api/stage
    #[arg(long, value_name = "STAGE", conflicts_with = "watch")]
    pub(super) stage: Option<StageSelector>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct SourcesArgs {
    /// The stage: [profile/][region:]api/stage
    pub(super) stage: StageSelector,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ProposalsArgs {
    /// The stage: [profile/][region:]api/stage
    pub(super) stage: StageSelector,
}

#[derive(Debug, ClapArgs)]
pub(super) struct PreflightArgs {
    /// The stages: [profile/][region:]api/stage [default: every one]
    pub(super) stages: Vec<StageSelector>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct PlanArgs {
    #[command(subcommand)]
    pub(super) action: ActionCommand,
    /// Write the plan to a file, for `apply FILE`
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) save: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct ApplyArgs {
    /// A plan written by `plan --save`
    #[arg(required = true)]
    pub(super) file: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) action: Option<ActionCommand>,
    #[command(flatten)]
    pub(super) confirmation: Confirmation,
}

#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Confirmation {
    /// The phrase that the plan printed, for example "shop/prod 7f3a"
    #[arg(long, global = true, value_name = "PHRASE")]
    pub(super) confirm: Option<String>,
    /// Stay until the effect is observed, or say that it was not
    #[arg(long, global = true)]
    pub(super) wait: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct UndoArgs {
    /// The action's id, as `actions` lists it
    pub(super) action_id: String,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
    /// Lift a guard's stop; needs --reason (repeatable)
    #[arg(long = "override", value_name = "GUARD-ID")]
    pub(super) overrides: Vec<String>,
    #[command(flatten)]
    pub(super) confirmation: Confirmation,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ExtendArgs {
    /// The action's id, as `actions` lists it
    pub(super) action_id: String,
    /// From now on, for example 4h [default: until undone]
    #[arg(long = "for", value_name = "DURATION", value_parser = lifetime)]
    pub(super) lifetime: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub(super) enum TimelineCommand {
    /// Every incident
    List,
    /// One incident's timeline [default: the newest]
    Show {
        /// The incident
        id: Option<String>,
    },
    /// Write a note
    Note {
        /// The note
        text: String,
    },
    /// Say when the attack on a stage began, or correct it
    AttackBegan {
        /// The stage
        stage: StageSelector,
        /// When: 03:01 (the most recent time it was 03:01, UTC), or 2026-03-03T03:01:00Z
        #[arg(value_name = "TIME")]
        began: String,
        /// What it is after
        #[arg(long, value_enum)]
        kind: Option<Kind>,
    },
    /// Say that the attack on a stage is over
    AttackEnded {
        /// The stage
        stage: StageSelector,
        /// Since when [default: now]
        #[arg(value_name = "TIME")]
        ended: Option<String>,
    },
    /// Check the journal's chain of hashes
    Verify {
        /// The incident
        id: Option<String>,
    },
    /// Export for the review
    Export {
        /// The incident
        id: Option<String>,
        /// As what
        #[arg(long, value_enum, default_value_t = ExportFormat(Format::Markdown))]
        format: ExportFormat,
        /// Write to a file instead of standard output
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Close an incident: nothing more is written to it by itself
    Close {
        /// The incident
        id: Option<String>,
    },
}

/// [`AttackKind`], as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(pub(super) AttackKind);

impl ValueEnum for Kind {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [Kind; AttackKind::ALL.len()] = {
            let mut all = [Kind(AttackKind::Other); AttackKind::ALL.len()];
            let mut n = 0;
            while n < all.len() {
                all[n] = Kind(AttackKind::ALL[n]);
                n += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.word()))
    }
}

/// A format of `report`'s table, as clap wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExportFormat(pub(super) Format);

impl ValueEnum for ExportFormat {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<ExportFormat>> = LazyLock::new(|| Format::ALL.into_iter().map(ExportFormat).collect());
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let value = clap::builder::PossibleValue::new(self.0.name()).help(self.0.title());
        Some(match self.0.alias() {
            Some(alias) => value.alias(alias),
            None => value,
        })
    }
}

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct KeysArgs {
    /// The keymap: default, vim, emacs, or a file [default: the configuration's]
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) keymap: Option<String>,
    #[command(subcommand)]
    pub(super) command: Option<KeysCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Check a keymap file
    Check {
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum RangeCommand {
    /// Serve the simulated account on a loopback port
    Serve(ServeArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct ServeArgs {
    /// A scenario that comes with the program, or a file
    pub(super) scenario: Option<String>,
    /// Where to listen; loopback only
    #[arg(long, default_value = "127.0.0.1:4599")]
    pub(super) listen: std::net::SocketAddr,
    /// Account seconds per second
    #[arg(long, default_value_t = 1.0)]
    pub(super) speed: f64,
    /// A different seed from the scenario's
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Take a request's client address from X-Forwarded-For
    #[arg(long)]
    pub(super) trust_forwarded_for: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CompletionsArgs {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }
}
