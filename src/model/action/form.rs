//! What an entry of the table of actions says, and what is made of it: an action out of values, and a command line out
//! of an action.

use super::{Action, CLOSURE_LIFE, Close, Closure, Terms, UNTIL_UNDONE};
use crate::model::address::Target;
use crate::model::playbook::{Kind, Value};
use crate::model::stage::{ApiKind, StageSelector};
use crate::model::text::quoted;

/// The value of a parameter, where it is given and of its kind.
macro_rules! take {
    ($given:expr, $name:literal, $kind:ident) => {
        match $given.get($name) {
            Some(Value::$kind(value)) => Some(value.clone()),
            _ => None,
        }
    };
}

pub(super) use take;

/// A parameter of an action.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name, as playbooks write it.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it is, in one line.
    pub doc: &'static str,
    /// How playbooks give it; `None` where they do not.
    pub written: Option<Need>,
    /// How the command line gives it; `None` where it does not.
    pub typed: Option<Typed>,
}

/// Whether something has to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It has to be.
    Required,
    /// It may be left out.
    Optional,
}

/// A parameter on the command line.
#[derive(Debug, Clone, Copy)]
pub struct Typed {
    /// Its flag, without dashes; `None` for words behind the flags.
    pub flag: Option<&'static str>,
    /// What stands for its value in the help.
    pub value_name: &'static str,
    /// What it is, in one line.
    pub help: &'static str,
    /// Whether it has to be given.
    pub need: Need,
    /// The parameter that it cannot stand beside.
    pub excludes: Option<&'static str>,
}

/// How long an action stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It is over as soon as it is done, or is never undone by itself.
    Untimed,
    /// Until somebody undoes it, or for as long as is said.
    Open,
    /// It closes a stage: for an hour where nobody says for how long, and its end is consented to with the plan.
    Closure,
}

/// An action's entry.
#[derive(Debug)]
pub struct Form {
    /// Its name as it is typed.
    pub name: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    /// What the stage is to it, as the help says.
    pub stage: &'static str,
    /// Its parameters, but for the stage and its terms.
    pub parameters: &'static [Parameter],
    /// How long it stays.
    pub life: Life,
    /// Whether a step of a playbook may be one.
    pub in_playbooks: bool,
    /// The kinds of API that it works on: HTTP APIs have no web ACL, no cache and no resource policy (documented).
    pub apis: &'static [ApiKind],
    /// Whether it can be undone.
    pub can_be_undone: bool,
    /// Whether traffic takes another course once it is done.
    pub moves_traffic: bool,
    /// What must move once it works, in a sentence or two.
    pub what_moves: &'static str,
    /// What its undo brings, and how soon.
    pub undone: &'static str,
    pub(super) build: fn(&Arguments<'_>) -> Option<Action>,
    pub(super) given: fn(&Action) -> Vec<(&'static str, Value)>,
}

/// What is given to an action, every value known.
#[derive(Debug)]
pub struct Arguments<'a> {
    /// The stage.
    pub stage: StageSelector,
    /// The parameters by name.
    pub values: Vec<(&'a str, Value)>,
    /// How long, why, and which overrides.
    pub terms: Terms,
}

impl Arguments<'_> {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(have, _)| *have == name).map(|(_, value)| value)
    }

    pub(super) fn prefixes(&self, name: &str) -> Option<Vec<Target>> {
        match self.get(name) {
            Some(Value::Prefixes(targets)) => Some(targets.clone()),
            _ => None,
        }
    }

    pub(super) fn ip_sets(&self) -> Vec<String> {
        take!(self, "ip-sets", IpSets).unwrap_or_default()
    }

    pub(super) fn web_acl(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Some(Value::WebAcl(name)) => Some(name.clone()),
            _ => None,
        }
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Flag(true))
    }
}

impl Form {
    /// The action with these values; `None` where one that it needs is missing.
    #[must_use]
    pub fn action(&self, given: &Arguments<'_>) -> Option<Action> {
        (self.build)(given)
    }
}

/// How a command ends that still needs a reason.
pub const REASON_TO_GIVE: &str = " --reason '…'";

/// The command line that plans and carries out `action` on the stage as it was written.
#[must_use]
pub fn command(action: &Action, stage: &StageSelector) -> String {
    let form = action.form();
    let mut words: Vec<String> = ["portcullis", "apply", form.name, "--stage"].map(str::to_owned).to_vec();
    words.push(stage.to_string());
    words.extend(life(action));
    let given = (form.given)(action);
    let typed = |flagged: bool| {
        given.iter().filter_map(move |(name, value)| {
            let typed = form.parameters.iter().find(|parameter| parameter.name == *name)?.typed?;
            (typed.flag.is_some() == flagged).then(|| as_typed(typed.flag, value))
        })
    };
    // Words without a flag come last, so that no flag takes them for its own.
    words.extend(typed(true).chain(typed(false)).flatten());
    // Whoever closes to everybody says why.
    if matches!(action, Action::Close(Close { by: Closure::ThrottleZero, .. })) {
        words.extend(["--reason".to_owned(), "…".to_owned()]);
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A value as the words of a command line.
fn as_typed(flag: Option<&str>, value: &Value) -> Vec<String> {
    let flag = flag.map(|flag| format!("--{flag}"));
    let each = |words: Vec<String>| words.into_iter().flat_map(|word| flag.iter().cloned().chain([word])).collect();
    match value {
        Value::Prefixes(targets) if targets.is_empty() => Vec::new(),
        Value::Prefixes(targets) => flag.into_iter().chain(targets.iter().map(|one| one.net.to_string())).collect(),
        Value::IpSets(names) => each(names.clone()),
        Value::Addresses(addresses) => each(addresses.iter().map(ToString::to_string).collect()),
        Value::Flag(false) => Vec::new(),
        Value::Flag(true) => flag.into_iter().collect(),
        other => flag.into_iter().chain([other.to_string()]).collect(),
    }
}

/// How long it lasts and what becomes of it then, where that is not what the command line takes by itself.
fn life(action: &Action) -> Vec<String> {
    let terms = action.terms();
    let mut words = Vec::new();
    match terms.expires_after_seconds {
        Some(CLOSURE_LIFE) if action.is_closure() => {}
        Some(seconds) => words.extend(["--for".to_owned(), Value::Duration(seconds).to_string()]),
        None if action.is_closure() => words.extend(["--for".to_owned(), UNTIL_UNDONE.to_owned()]),
        None => {}
    }
    if !terms.reopen.is_asked() {
        words.extend(["--reopen".to_owned(), terms.reopen.word().to_owned()]);
    }
    words
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::action::Throttle;

    #[test]
    fn a_command_is_one_that_a_shell_takes() {
        let stage: StageSelector = "shop/prod".parse().unwrap();
        let method = Some("POST /orders/{id}".parse().unwrap());
        let action =
            Action::Throttle(Throttle { stage: stage.clone(), method, rate: 30, burst: 40, terms: Terms::default() });
        assert_eq!(
            command(&action, &stage),
            "portcullis apply throttle --stage shop/prod --method \"POST /orders/{id}\" --rate 30 --burst 40"
        );
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    }
}
