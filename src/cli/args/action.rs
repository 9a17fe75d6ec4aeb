//! The actions as they are typed: their table as clap wants it, and what was typed as an action.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{
    Arg, ArgAction, ArgMatches, Args as ClapArgs, Command, Error, FromArgMatches, Subcommand, ValueEnum, value_parser,
};

use super::list::{self, Targets};
use crate::model::action::form::{Life, Need, Typed};
use crate::model::action::{
    ACTIONS, Action, Arguments, Closure, Form, LifeError, Parameter, Reopening, Terms, UNTIL_UNDONE, life,
};
use crate::model::address::{self, Target};
use crate::model::method::MethodName;
use crate::model::playbook::{Kind, Value};
use crate::model::stage::StageSelector;

/// How the stage is given.
const STAGE: &str = "stage";
/// The action whose way may be left out, and how that is given.
const CLOSE: &str = "close";
const BY: &str = "by";
/// How a file with more prefixes is given.
const FROM: &str = "from";

/// What an action's command line asks for.
#[derive(Debug)]
pub(in crate::cli) enum Wanted {
    /// An action.
    Action(Action),
    /// A closure without a way: what every way would do.
    Ladder(LadderWanted),
}

/// A closure of which no way was named.
#[derive(Debug)]
pub(in crate::cli) struct LadderWanted {
    pub(in crate::cli) stage: StageSelector,
    pub(in crate::cli) web_acl: Option<String>,
}

/// An action as a subcommand, one an entry of the table.
#[derive(Debug)]
pub(in crate::cli) struct ActionCommand(Wanted);

impl From<ActionCommand> for Wanted {
    fn from(command: ActionCommand) -> Self {
        command.0
    }
}

impl Subcommand for ActionCommand {
    fn augment_subcommands(command: Command) -> Command {
        command.subcommands(ACTIONS.into_iter().map(subcommand))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        Form::named(name).is_some()
    }
}

impl FromArgMatches for ActionCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let missing = || Error::raw(ErrorKind::MissingSubcommand, "no action is named");
        let (name, given) = matches.subcommand().ok_or_else(missing)?;
        asked(Form::named(name).ok_or_else(missing)?, given).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn subcommand(form: &'static Form) -> Command {
    let stage = Arg::new(STAGE)
        .long(STAGE)
        .value_name("STAGE")
        .required(true)
        .value_parser(value_parser!(StageSelector))
        .help(format!("{}: [profile/][region:]api/stage", form.stage));
    let own = form.parameters.iter().filter_map(|one| one.typed.map(|typed| (one, typed)));
    let command = Command::new(form.name).arg(stage).args(own.flat_map(|(one, typed)| args(one, typed)));
    let command = match form.life {
        Life::Untimed | Life::Open => TermsArgs::augment_args(command),
        Life::Closure => ClosureTermsArgs::augment_args(command),
    };
    // What carries the terms has a title of its own.
    command.about(form.doc)
}

/// A parameter, and where it is a list of words without a flag, the file that may hold more of them.
fn args(parameter: &Parameter, typed: Typed) -> Vec<Arg> {
    let arg = Arg::new(parameter.name).help(typed.help).required(typed.need == Need::Required);
    let arg = typed.excludes.into_iter().fold(arg, Arg::conflicts_with);
    let Some(flag) = typed.flag else {
        let words = arg.required(false).required_unless_present(FROM).value_name(typed.value_name);
        let more = Arg::new(FROM).long(FROM).value_name("FILE").action(ArgAction::Append).value_parser(list::file);
        let help =
            "A file with more of them, separated by spaces, commas or line ends; # begins a comment (repeatable)";
        let words = words.action(ArgAction::Append).value_delimiter(',').value_parser(list::word);
        return vec![words, more.help(help)];
    };
    let arg = arg.long(flag);
    if parameter.kind == Kind::Flag {
        return vec![arg.action(ArgAction::SetTrue)];
    }
    vec![valued(parameter.kind, arg.value_name(typed.value_name))]
}

/// What a flag with a value takes.
fn valued(kind: Kind, arg: Arg) -> Arg {
    match kind {
        Kind::Stage => arg.value_parser(StageSelector::of_same_api),
        Kind::Prefixes => {
            arg.action(ArgAction::Append).num_args(1..).value_delimiter(',').value_parser(value_parser!(Target))
        }
        Kind::Method => arg.value_parser(value_parser!(MethodName)),
        Kind::Rate | Kind::Burst => arg.value_parser(value_parser!(u32)),
        Kind::Closure => {
            let possible = |way: Closure| clap::builder::PossibleValue::new(way.word()).help(way.doc());
            arg.value_parser(PossibleValuesParser::new(Closure::ALL.map(possible)))
        }
        Kind::IpSets => arg.action(ArgAction::Append),
        Kind::Addresses => arg.action(ArgAction::Append).value_parser(address::address),
        // Told by their text alone. Terms and flags never come here.
        Kind::WebAcl | Kind::Duration | Kind::Reason | Kind::Flag => arg,
    }
}

fn all<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Option<Vec<T>> {
    matches.get_many::<T>(name).map(|found| found.cloned().collect())
}

/// What was typed for a parameter.
fn value(parameter: &Parameter, typed: Typed, matches: &ArgMatches) -> Option<Value> {
    let name = parameter.name;
    let text = || matches.get_one::<String>(name).cloned();
    match parameter.kind {
        Kind::Stage => matches.get_one::<StageSelector>(name).cloned().map(Value::Stage),
        Kind::Prefixes if typed.flag.is_none() => {
            let words = all::<Targets>(matches, name).unwrap_or_default();
            Some(Value::Prefixes(list::together(words, all::<Targets>(matches, FROM).unwrap_or_default())))
        }
        Kind::Prefixes => all(matches, name).map(Value::Prefixes),
        Kind::Method => matches.get_one::<MethodName>(name).cloned().map(|method| Value::Method(Some(method))),
        Kind::Rate => matches.get_one::<u32>(name).copied().map(Value::Rate),
        Kind::Burst => matches.get_one::<u32>(name).copied().map(Value::Burst),
        Kind::Closure => {
            let word = text()?;
            Closure::ALL.into_iter().find(|way| way.word() == word).map(Value::Closure)
        }
        Kind::IpSets => all(matches, name).map(Value::IpSets),
        Kind::Addresses => all(matches, name).map(Value::Addresses),
        Kind::WebAcl => text().map(Value::WebAcl),
        Kind::Flag => Some(Value::Flag(matches.get_flag(name))),
        Kind::Duration | Kind::Reason => None,
    }
}

fn asked(form: &Form, matches: &ArgMatches) -> Result<Wanted, Error> {
    let missing = || Error::raw(ErrorKind::MissingRequiredArgument, "a required value is missing");
    let stage: StageSelector = matches.get_one(STAGE).cloned().ok_or_else(missing)?;
    let typed = form.parameters.iter().filter_map(|one| one.typed.map(|typed| (one, typed)));
    let values = typed.filter_map(|(one, typed)| Some((one.name, value(one, typed, matches)?))).collect();
    let (terms, for_an_hour) = match form.life {
        Life::Untimed | Life::Open => (TermsArgs::from_arg_matches(matches)?.into(), false),
        Life::Closure => ClosureTermsArgs::from_arg_matches(matches)?.terms(),
    };
    let given = Arguments { stage, values, terms };
    match form.action(&given) {
        Some(action) if for_an_hour => Ok(Wanted::Action(action.for_an_hour_by_default())),
        Some(action) => Ok(Wanted::Action(action)),
        // Of all that an action needs only the way of closing may be left out.
        None if form.name == CLOSE && !given.values.iter().any(|(name, _)| *name == BY) => {
            let web_acl = matches.try_get_one::<String>("web-acl").ok().flatten().cloned();
            Ok(Wanted::Ladder(LadderWanted { stage: given.stage, web_acl }))
        }
        None => Err(missing()),
    }
}

#[derive(Debug, Clone, ClapArgs)]
struct TermsArgs {
    /// Undo it after this long, for example 4h
    #[arg(long = "for", value_name = "DURATION", value_parser = lifetime)]
    lifetime: Option<Duration>,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Lift a guard's stop; needs --reason (repeatable)
    #[arg(long = "override", value_name = "GUARD-ID")]
    overrides: Vec<String>,
}

/// What a closure carries.
#[derive(Debug, Clone, ClapArgs)]
struct ClosureTermsArgs {
    /// How long, for example 4h, or until-undone [default: 1h]
    #[arg(long = "for", value_name = "DURATION", value_parser = closed_for)]
    lifetime: Option<Lasts>,
    /// What happens to it when it expires
    #[arg(long, value_enum, default_value_t)]
    reopen: ReopenArg,
    /// Why, for the journal; closing to everybody needs it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Lift a guard's stop; needs --reason (repeatable)
    #[arg(long = "override", value_name = "GUARD-ID")]
    overrides: Vec<String>,
}

/// What becomes of a closure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ReopenArg {
    /// It stays closed, and asks you
    #[default]
    Ask,
    /// It reopens by itself once hardly more requests than usual come, and otherwise stays closed
    WhenQuiet,
    /// The same, and closes again by itself, once, if the attack comes back within a quarter of an hour
    WhenQuietCloseAgain,
}

/// How long a closure lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lasts {
    For(Duration),
    UntilUndone,
}

fn closed_for(text: &str) -> Result<Lasts, LifeError> {
    if text == UNTIL_UNDONE { Ok(Lasts::UntilUndone) } else { lifetime(text).map(Lasts::For) }
}

impl ClosureTermsArgs {
    /// Its terms, and whether nobody has said how long.
    fn terms(self) -> (Terms, bool) {
        let reopen = match self.reopen {
            ReopenArg::Ask => Reopening::Ask,
            ReopenArg::WhenQuiet => Reopening::WhenQuiet,
            ReopenArg::WhenQuietCloseAgain => Reopening::WhenQuietCloseAgain,
        };
        let expires_after_seconds = match self.lifetime {
            Some(Lasts::For(duration)) => Some(duration.as_secs()),
            Some(Lasts::UntilUndone) | None => None,
        };
        let terms = Terms { expires_after_seconds, reason: self.reason, overrides: self.overrides, reopen };
        (terms, self.lifetime.is_none())
    }
}

/// How long an action is to last, as it is typed.
pub(super) fn lifetime(text: &str) -> Result<Duration, LifeError> {
    life(text).map(Duration::from_secs)
}

impl From<TermsArgs> for Terms {
    fn from(args: TermsArgs) -> Self {
        Self {
            expires_after_seconds: args.lifetime.map(|d| d.as_secs()),
            reason: args.reason,
            overrides: args.overrides,
            reopen: Reopening::Ask,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::action::form::command;

    /// The words of a command line in which only double quotes quote.
    fn words(line: &str) -> Vec<String> {
        let quoted = line.split('"').enumerate();
        quoted
            .flat_map(|(n, part)| {
                if n % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
            })
            .collect()
    }

    fn parsed(line: &str) -> Wanted {
        let words = words(line);
        let command = ActionCommand::augment_subcommands(Command::new("apply"));
        ActionCommand::from_arg_matches(&command.try_get_matches_from(&words[1..]).unwrap()).unwrap().into()
    }

    #[test]
    fn the_command_line_that_is_shown_asks_for_the_very_action() {
        let stage: StageSelector = "shop/prod".parse().unwrap();
        for form in ACTIONS {
            let example = |kind: Kind| kind.parse(&kind.example().replace(['"', '[', ']'], "")).unwrap();
            let alone = |one: &&Parameter| one.typed.is_some_and(|typed| typed.excludes.is_none());
            let given = form.parameters.iter().filter(alone).map(|one| match one.kind {
                // On the command line a stage of the same API is written whole.
                Kind::Stage => (one.name, Value::Stage("shop/dev".parse().unwrap())),
                kind => (one.name, example(kind)),
            });
            let whole: Vec<_> = given.collect();
            for left_out in 0..=whole.len() {
                let mut values = whole.clone();
                if left_out < whole.len() {
                    values.remove(left_out);
                }
                let given = Arguments { stage: stage.clone(), values, terms: Terms::default() };
                // Some of them it needs.
                let Some(action) = form.action(&given) else { continue };
                let line = command(&action, &stage).replace(" --reason '…'", "");
                match parsed(&line) {
                    Wanted::Action(typed) => assert_eq!(typed, action, "{line}"),
                    Wanted::Ladder(_) => unreachable!("{line}"),
                }
            }
        }
    }
}
