//! Which actions a playbook can name, and the parameters that it gives them: the table of actions as a file writes it.

use crate::model::action::form::{Life, Need};
use crate::model::action::{ACTIONS, Action, Arguments, Form, Terms};
use crate::model::playbook::{Kind, Value};
use crate::model::stage::StageSelector;

/// A parameter of an action, as a playbook gives it.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a step has to give it.
    pub required: bool,
    /// What it is, in one line.
    pub doc: &'static str,
}

const STAGE: Parameter = Parameter {
    name: "stage",
    kind: Kind::Stage,
    required: false,
    doc: "the stage; if left out, the one that the playbook runs for",
};
const FOR: Parameter =
    Parameter { name: "for", kind: Kind::Duration, required: false, doc: "when it is undone by itself" };
const REASON: Parameter = Parameter {
    name: "reason",
    kind: Kind::Reason,
    required: false,
    doc: "why, for the journal; the playbook and the step if left out",
};

/// Every action that a playbook can name.
pub fn forms() -> impl Iterator<Item = &'static Form> {
    ACTIONS.into_iter().filter(|form| form.in_playbooks)
}

/// The entry of the action called `name`, where a playbook can name it.
#[must_use]
pub fn form(name: &str) -> Option<&'static Form> {
    forms().find(|form| form.name == name)
}

/// What a step can give to an action, in the order in which plans tell it.
pub fn parameters(form: &Form) -> impl Iterator<Item = Parameter> {
    let own = form.parameters.iter().filter_map(|one| {
        let required = one.written? == Need::Required;
        Some(Parameter { name: one.name, kind: one.kind, required, doc: one.doc })
    });
    let lasts = Some(FOR).filter(|_| form.life != Life::Untimed);
    std::iter::once(STAGE).chain(own).chain(lasts).chain([REASON])
}

/// The action of a step that gives these values, for the stage that the playbook runs for; `reason` is what the journal
/// is told where the step gives none. `None` where a value that it needs is missing, which loading a file has ruled
/// out.
#[must_use]
pub fn action(form: &Form, runs_for: &StageSelector, values: Vec<(&str, Value)>, reason: String) -> Option<Action> {
    let (mut stage, mut terms) = (runs_for.clone(), Terms { reason: Some(reason), ..Terms::default() });
    let mut own = Vec::new();
    for (name, value) in values {
        match value {
            Value::Stage(named) if name == STAGE.name => stage = named.beside(runs_for),
            Value::Duration(seconds) if name == FOR.name => terms.expires_after_seconds = Some(seconds),
            Value::Reason(given) if name == REASON.name => terms.reason = Some(given),
            other => own.push((name, other)),
        }
    }
    Some(form.action(&Arguments { stage, values: own, terms })?.for_an_hour_by_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_form_builds_the_action_of_its_name_for_the_stage_and_overrides_nothing() {
        let stage: StageSelector = "shop/prod".parse().unwrap();
        for form in forms() {
            let text = |kind: Kind| kind.example().replace(['"', '[', ']'], "");
            let value = |p: Parameter| (p.name, p.kind.parse(&text(p.kind)).unwrap());
            let build = |values| action(form, &stage, values, "a test".into()).unwrap();
            let short = build(parameters(form).filter(|p| p.required).map(value).collect());
            assert_eq!((short.name(), short.stage()), (form.name, &stage));
            assert_eq!(short.terms().reason.as_deref(), Some("a test"));
            let all: Vec<(&str, Value)> = parameters(form).map(value).collect();
            let full = build(all.clone());
            assert!(full.terms().overrides.is_empty());
            assert_eq!(full.terms().reason.as_deref(), Some("SQL injection"));
            for optional in parameters(form).filter(|p| !p.required && p.name != "stage") {
                let values = all.iter().filter(|(name, _)| *name != optional.name).cloned().collect();
                assert_ne!(build(values), full, "{} of {} does nothing", optional.name, form.name);
            }
        }
    }
}
