//! An action as it is typed at one prompt: the words that follow its name and its stage on the command line.
//!
//! By the table alone: a new action has its prompt with its entry. Overrides are not typed here: whoever lifts a guard
//! has seen the plan that it stops.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::form::{Form, Life, Need, Parameter, Typed};
use super::{Action, Arguments, Reopening, Terms, UNTIL_UNDONE, life};
use crate::model::playbook::{Kind, Value};
use crate::model::stage::StageSelector;

const FOR: &str = "for";
const REASON: &str = "reason";
const REOPEN: &str = "reopen";

/// Beyond what is typed: shows where a comment would begin, which a shell drops in silence.
const END: &str = "end";

/// What is to be typed for an action, in one line: `CIDR… [--ip-set NAME] [--for TIME] [--reason TEXT]`.
#[must_use]
pub fn usage(form: &Form) -> String {
    let own = form.parameters.iter().filter_map(|one| {
        let typed = one.typed?;
        let more = if one.kind == Kind::Prefixes { "…" } else { "" };
        let words = match typed.flag {
            None => format!("{}{more}", typed.value_name),
            Some(flag) if one.kind == Kind::Flag => format!("--{flag}"),
            Some(flag) => format!("--{flag} {}{more}", typed.value_name),
        };
        Some(if is_needed(one) { words } else { format!("[{words}]") })
    });
    let terms = terms(form).iter().map(|(flag, value, _)| format!("[--{flag} {value}]"));
    own.chain(terms).collect::<Vec<_>>().join(" ")
}

/// What a parameter is at the prompt, in one line: nothing is read from a file or from standard input there, and where
/// something is needed, nothing stands in for it.
#[must_use]
pub fn help(parameter: &Parameter) -> &'static str {
    let of_a_flag = parameter.typed.filter(|typed| typed.flag.is_some() && !is_needed(parameter));
    of_a_flag.map_or(parameter.doc, |typed| typed.help)
}

/// What every action is typed with, beside its parameters: flag, what stands for its value, and what it is.
#[must_use]
pub fn terms(form: &Form) -> &'static [(&'static str, &'static str, &'static str)] {
    const WHY: (&str, &str, &str) = (REASON, "TEXT", "Why, for the journal");
    match form.life {
        Life::Untimed => &[WHY],
        Life::Open => &[(FOR, "TIME", "How long, for example 4h [default: until somebody undoes it]"), WHY],
        Life::Closure => &[
            (FOR, "TIME", "How long, for example 4h, or until-undone [default: 1h]"),
            (REOPEN, "HOW", "What happens to it then: ask, when-quiet or when-quiet-close-again [default: ask]"),
            WHY,
        ],
    }
}

/// The action that was typed for the stage.
///
/// # Errors
/// In one sentence what is wrong or missing.
pub fn typed(form: &Form, stage: &StageSelector, text: &str) -> Result<Action, String> {
    let unclosed = |_| "a quotation mark is not closed".to_owned();
    let mut words = shell_words::split(&format!("{text} {END}")).map_err(unclosed)?;
    if words.pop().as_deref() != Some(END) {
        return Err("put a word that begins with # in quotation marks, and write no \\ at the end".to_owned());
    }
    let mut line = Line { form, values: Vec::new(), terms: Terms::default(), said: Vec::new() };
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        match word.strip_prefix("--") {
            Some(flag) => line.flag(flag, &mut words)?,
            None => line.word(&word)?,
        }
    }
    line.action(stage)
}

/// Whether the action cannot be made without it.
fn is_needed(parameter: &Parameter) -> bool {
    parameter.typed.is_some_and(|typed| typed.need == Need::Required) || parameter.written == Some(Need::Required)
}

/// What was read of the line so far.
struct Line<'a> {
    form: &'a Form,
    /// What was given to each parameter, as it was typed.
    values: Vec<(&'a Parameter, String)>,
    terms: Terms,
    /// Which of the terms were given.
    said: Vec<&'static str>,
}

impl<'a> Line<'a> {
    /// A word without a flag before it.
    fn word(&mut self, word: &str) -> Result<(), String> {
        let alone = |one: &&Parameter| one.typed.is_some_and(|typed| typed.flag.is_none());
        let parameter = self.form.parameters.iter().find(alone);
        self.give(parameter.ok_or_else(|| format!("“{word}” is not expected; write {}", usage(self.form)))?, word)
    }

    /// A flag, and what follows it.
    fn flag(&mut self, flag: &str, words: &mut Peekable<IntoIter<String>>) -> Result<(), String> {
        let (flag, joined) = match flag.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (flag, None),
        };
        let own = |one: &&Parameter| one.typed.is_some_and(|typed| typed.flag == Some(flag));
        let parameter = self.form.parameters.iter().find(own);
        if let Some(parameter) = parameter.filter(|one| one.kind == Kind::Flag) {
            if joined.is_some() {
                return Err(format!("--{flag} takes no value"));
            }
            return self.give(parameter, "true");
        }
        let term = terms(self.form).iter().map(|(name, ..)| *name).find(|name| *name == flag);
        if parameter.is_none() && term.is_none() {
            return Err(format!("there is no --{flag} here; write {}", usage(self.form)));
        }
        let value = joined.or_else(|| value_of(words));
        let value = value.ok_or_else(|| format!("--{flag} needs a value; write {}", usage(self.form)))?;
        let Some(parameter) = parameter else { return term.map_or(Ok(()), |term| self.term(term, &value)) };
        self.give(parameter, &value)?;
        while parameter.kind == Kind::Prefixes
            && let Some(more) = value_of(words)
        {
            self.give(parameter, &more)?;
        }
        Ok(())
    }

    fn term(&mut self, flag: &'static str, value: &str) -> Result<(), String> {
        if self.said.contains(&flag) {
            return Err(format!("--{flag} is given twice"));
        }
        self.said.push(flag);
        match flag {
            FOR if value == UNTIL_UNDONE => {}
            FOR => {
                self.terms.expires_after_seconds = Some(life(value).map_err(|why| format!("“{value}”: {why}"))?);
            }
            REOPEN => {
                let words = || Reopening::ALL.map(Reopening::word).join(", ");
                let found = Reopening::ALL.into_iter().find(|one| one.word() == value);
                self.terms.reopen = found.ok_or_else(|| format!("--reopen is one of {}", words()))?;
            }
            _ => self.terms.reason = Some(value.to_owned()),
        }
        Ok(())
    }

    fn give(&mut self, parameter: &'a Parameter, value: &str) -> Result<(), String> {
        let before = self.values.iter_mut().find(|(known, _)| known.name == parameter.name);
        match before {
            Some((_, values)) if matches!(parameter.kind, Kind::Prefixes | Kind::IpSets | Kind::Addresses) => {
                values.push(' ');
                values.push_str(value);
            }
            Some(_) => return Err(format!("{} is given twice", shown(parameter))),
            None => self.values.push((parameter, value.to_owned())),
        }
        Ok(())
    }

    fn action(self, stage: &StageSelector) -> Result<Action, String> {
        let is_given = |name: &str| self.values.iter().any(|(known, _)| known.name == name);
        for parameter in self.form.parameters {
            let Some(typed) = parameter.typed else { continue };
            if is_needed(parameter) && !is_given(parameter.name) {
                return Err(format!("{} is missing: {}", shown(parameter), help(parameter)));
            }
            if let Some(other) = typed.excludes.filter(|other| is_given(other) && is_given(parameter.name)) {
                return Err(format!("{} cannot stand beside --{other}", shown(parameter)));
            }
        }
        let parsed = self.values.iter().map(|(parameter, text)| {
            let value = parameter.kind.parse(text).map_err(|why| format!("{}: {why}", shown(parameter)))?;
            Ok((parameter.name, value))
        });
        let values = parsed.collect::<Result<Vec<(&str, Value)>, String>>()?;
        let action = self.form.action(&Arguments { stage: stage.clone(), values, terms: self.terms });
        let action = action.ok_or_else(|| format!("something is missing; write {}", usage(self.form)))?;
        Ok(if self.said.contains(&FOR) { action } else { action.for_an_hour_by_default() })
    }
}

/// The next word, unless it is a flag.
fn value_of(words: &mut Peekable<IntoIter<String>>) -> Option<String> {
    words.next_if(|word| !word.starts_with("--"))
}

/// A parameter as it is typed.
fn shown(parameter: &Parameter) -> String {
    match parameter.typed {
        Some(Typed { flag: Some(flag), .. }) => format!("--{flag}"),
        Some(typed) => typed.value_name.to_owned(),
        None => parameter.name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::action::ACTIONS;
    use crate::model::action::form::command;

    fn stage() -> StageSelector {
        "shop/prod".parse().unwrap()
    }

    #[test]
    fn every_action_s_command_line_can_be_typed_at_its_prompt() {
        for form in ACTIONS {
            let example = |kind: Kind| kind.parse(&kind.example().replace(['"', '[', ']'], "")).unwrap();
            let alone = |one: &&Parameter| one.typed.is_some_and(|typed| typed.excludes.is_none());
            let given = form.parameters.iter().filter(alone).map(|one| match one.kind {
                Kind::Stage => (one.name, Value::Stage("shop/dev".parse().unwrap())),
                kind => (one.name, example(kind)),
            });
            let values = given.collect();
            let action = form.action(&Arguments { stage: stage(), values, terms: Terms::default() }).unwrap();
            let line = command(&action, &stage()).replace(" --reason '…'", "");
            let words = line.split_once("--stage shop/prod").unwrap().1;
            assert_eq!(typed(form, &stage(), words).unwrap(), action, "{line}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_by_its_flag() {
        let said = |name: &str, text: &str| typed(Form::named(name).unwrap(), &stage(), text).unwrap_err();
        assert!(said("throttle", "--rate 5").starts_with("--burst is missing: "));
        assert_eq!(said("block-ip", ""), "CIDR is missing: what to block");
        assert!(said("block-ip", "shop.example").starts_with("CIDR: “shop.example” is not an IP address"));
        assert_eq!(said("throttle", "--rate 5 --rate 6 --burst 5"), "--rate is given twice");
        assert_eq!(said("throttle", "--rate 5 --burst \"5"), "a quotation mark is not closed");
        assert!(said("throttle", "--rate --burst 5").starts_with("--rate needs a value; write "));
        assert!(said("throttle", "--reopen when-quiet").starts_with("there is no --reopen here; write "));
        assert!(said("flush-cache", "now").starts_with("“now” is not expected; write [--authorizers]"));
        assert_eq!(
            said("kill-switch", "--allow 192.0.2.0/28 --prove-on dev --commit-confirmed"),
            "--commit-confirmed cannot stand beside --prove-on"
        );
        assert!(said("close", "").starts_with("--by is missing: in which way"));
        // What a shell would drop in silence is no part of what was meant.
        for text in ["203.0.113.7 --reason ticket #4711 --for 30m", "203.0.113.7 #203.0.113.8", "203.0.113.7 \\"] {
            assert!(said("block-ip", text).starts_with("put a word that begins with #"), "{text}");
        }
        assert_eq!(said("flush-cache", "--authorizers=false"), "--authorizers takes no value");
        for twice in ["--for 4h --for until-undone", "--for until-undone --for 4h", "--for 4h --for 5h"] {
            assert_eq!(said("close", &format!("--by web-acl {twice}")), "--for is given twice");
        }
        assert_eq!(said("block-ip", "203.0.113.7 --reason a --reason b"), "--reason is given twice");
        assert!(said("block-ip", "203.0.113.7 --override never-block").starts_with("there is no --override here"));
    }

    #[test]
    fn a_closure_lasts_an_hour_unless_it_is_said_for_how_long() {
        let terms = |text: &str| typed(Form::named("close").unwrap(), &stage(), text).unwrap().terms().clone();
        assert_eq!(terms("--by web-acl").expires_after_seconds, Some(3_600));
        assert_eq!(terms("--by web-acl --for 2h --reopen when-quiet").reopen, Reopening::WhenQuiet);
        assert_eq!(terms("--by web-acl --for until-undone").expires_after_seconds, None);
        assert_eq!(terms("--by web-acl --reason 'it burns, #42'").reason.as_deref(), Some("it burns, #42"));
    }

    #[test]
    fn what_is_to_be_typed_is_told_by_the_table() {
        let told = |name: &str| usage(Form::named(name).unwrap());
        assert_eq!(told("throttle"), "[--method METHOD] --rate N --burst N [--for TIME] [--reason TEXT]");
        assert_eq!(told("flush-cache"), "[--authorizers] [--reason TEXT]");
        assert_eq!(told("block-ip"), "CIDR… [--ip-set NAME] [--for TIME] [--reason TEXT]");
    }
}
