//! Which actions a playbook can name: their parameters, and the way from those to an [`Action`].
//!
//! One table. Overrides are no parameter of any action, so a file cannot lift a guard.

use crate::model::action::{Action, AllowIp, BlockIp, Close, FlushCache, KillSwitch, Terms, Throttle};
use crate::model::playbook::{Kind, Value};
use crate::model::stage::StageSelector;

/// The value of a parameter, where it is given and of its kind.
macro_rules! take {
    ($given:expr, $name:literal, $kind:ident) => {
        match $given.get($name) {
            Some(Value::$kind(value)) => Some(value.clone()),
            _ => None,
        }
    };
}

/// A parameter of an action.
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

/// An action that a step can name.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// The action's name.
    pub name: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    build: fn(&Arguments<'_>) -> Option<Action>,
}

const fn needs(name: &'static str, kind: Kind, doc: &'static str) -> Parameter {
    Parameter { name, kind, required: true, doc }
}

const fn takes(name: &'static str, kind: Kind, doc: &'static str) -> Parameter {
    Parameter { name, kind, required: false, doc }
}

const STAGE: Parameter =
    takes("stage", Kind::Stage, "the stage; the one that the playbook runs for where it is left out");
const FOR: Parameter = takes("for", Kind::Duration, "when it is undone by itself");
const REASON: Parameter =
    takes("reason", Kind::Reason, "why, for the journal; the playbook and the step where it is left out");

/// Every action that a playbook can name.
pub const ACTIONS: &[Form] = &[
    Form {
        name: "block-ip",
        doc: "Add prefixes to the IP sets that block on the stage",
        parameters: &[
            STAGE,
            needs("targets", Kind::Prefixes, "what to block"),
            takes("ip-sets", Kind::IpSets, "the IP sets to use, where several would do"),
            FOR,
            REASON,
        ],
        build: |given| {
            Some(Action::BlockIp(BlockIp {
                stage: given.stage(),
                targets: take!(given, "targets", Prefixes)?,
                ip_sets: take!(given, "ip-sets", IpSets).unwrap_or_default(),
                terms: given.terms(),
            }))
        },
    },
    Form {
        name: "allow-ip",
        doc: "Let prefixes in through the web ACL that the stage is closed by, or will be",
        parameters: &[
            STAGE,
            needs("targets", Kind::Prefixes, "whom to let in"),
            takes("ip-sets", Kind::IpSets, "the IP sets to use, where several would do"),
            takes(
                "web-acl",
                Kind::WebAcl,
                "the closed web ACL; where it is left out the one before the stage, else `guards.closed-web-acl` of the configuration",
            ),
            REASON,
        ],
        build: |given| {
            Some(Action::AllowIp(AllowIp {
                stage: given.stage(),
                targets: take!(given, "targets", Prefixes)?,
                ip_sets: take!(given, "ip-sets", IpSets).unwrap_or_default(),
                web_acl: take!(given, "web-acl", WebAcl),
                terms: given.terms(),
            }))
        },
    },
    Form {
        name: "throttle",
        doc: "Tighten the throttle of a method, or of every method of the stage",
        parameters: &[
            STAGE,
            takes("method", Kind::Method, "the method; every method where it is left out"),
            needs("rate", Kind::Rate, "requests a second from then on"),
            needs("burst", Kind::Burst, "requests that may come at once"),
            FOR,
            REASON,
        ],
        build: |given| {
            Some(Action::Throttle(Throttle {
                stage: given.stage(),
                method: take!(given, "method", Method).flatten(),
                rate: take!(given, "rate", Rate)?,
                burst: take!(given, "burst", Burst)?,
                terms: given.terms(),
            }))
        },
    },
    Form {
        name: "flush-cache",
        doc: "Drop what the stage has cached; cannot be undone",
        parameters: &[
            STAGE,
            takes("authorizers", Kind::Flag, "the authorizers' cached verdicts instead of the cached answers"),
            REASON,
        ],
        build: |given| {
            Some(Action::FlushCache(FlushCache {
                stage: given.stage(),
                authorizers: take!(given, "authorizers", Flag).unwrap_or_default(),
                terms: given.terms(),
            }))
        },
    },
    Form {
        name: "close",
        doc: "Close the stage to everybody but a few",
        parameters: &[
            STAGE,
            needs("by", Kind::Closure, "in which way"),
            takes(
                "web-acl",
                Kind::WebAcl,
                "the closed web ACL; `guards.closed-web-acl` of the configuration where it is left out",
            ),
            FOR,
            REASON,
        ],
        build: |given| {
            let close = Close {
                stage: given.stage(),
                by: take!(given, "by", Closure)?,
                web_acl: take!(given, "web-acl", WebAcl),
                again: None,
                terms: given.terms(),
            };
            Some(Action::Close(close).for_an_hour_by_default())
        },
    },
    Form {
        name: "kill-switch",
        doc: "Close the stage to all but a list by its resource policy, or prove on another stage that it would",
        parameters: &[
            STAGE,
            needs("allow", Kind::Prefixes, "who is still let in"),
            takes("prove-on", Kind::Stage, "prove it on this other stage of the same API, and close nothing"),
            takes(
                "commit-confirmed",
                Kind::Flag,
                "take it back unless a probe gets through; always so without a proof",
            ),
            FOR,
            REASON,
        ],
        build: |given| {
            let switch = KillSwitch {
                stage: given.stage(),
                allow: take!(given, "allow", Prefixes)?,
                prove_on: take!(given, "prove-on", Stage).map(|on| Box::new(on.beside(&given.stage()))),
                commit_confirmed: take!(given, "commit-confirmed", Flag).unwrap_or_default(),
                own: Vec::new(),
                terms: given.terms(),
            };
            Some(Action::KillSwitch(switch).for_an_hour_by_default())
        },
    },
];

/// What a step gives to its action, every value known.
#[derive(Debug)]
pub struct Arguments<'a> {
    /// The stage that the playbook runs for.
    pub stage: &'a StageSelector,
    /// The parameters by name.
    pub values: Vec<(&'a str, Value)>,
    /// What the journal is told where the step gives no reason.
    pub reason: String,
}

impl Arguments<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(have, _)| *have == name).map(|(_, value)| value)
    }

    fn stage(&self) -> StageSelector {
        take!(self, "stage", Stage).map_or_else(|| self.stage.clone(), |stage| stage.beside(self.stage))
    }

    fn terms(&self) -> Terms {
        Terms {
            expires_after_seconds: take!(self, "for", Duration),
            reason: Some(take!(self, "reason", Reason).unwrap_or_else(|| self.reason.clone())),
            ..Terms::default()
        }
    }
}

/// The form of the action called `name`.
#[must_use]
pub fn form(name: &str) -> Option<&'static Form> {
    ACTIONS.iter().find(|form| form.name == name)
}

impl Form {
    /// The parameter called `name`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// The action with these values; `None` where a required one is missing, which loading a file has ruled out.
    #[must_use]
    pub fn action(&self, given: &Arguments<'_>) -> Option<Action> {
        (self.build)(given)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_form_builds_the_action_of_its_name_for_the_stage_and_overrides_nothing() {
        let stage: StageSelector = "shop/prod".parse().unwrap();
        for form in ACTIONS {
            let text = |kind: Kind| kind.example().replace(['"', '[', ']'], "");
            let value = |p: &Parameter| (p.name, p.kind.parse(&text(p.kind)).unwrap());
            let required = form.parameters.iter().filter(|p| p.required).map(value).collect();
            let given = Arguments { stage: &stage, values: required, reason: "a test".into() };
            let action = form.action(&given).unwrap();
            assert_eq!((action.name(), action.stage()), (form.name, &stage));
            assert_eq!(action.terms().reason.as_deref(), Some("a test"));
            let all = Arguments { values: form.parameters.iter().map(value).collect(), ..given };
            let full = form.action(&all).unwrap();
            assert!(full.terms().overrides.is_empty());
            assert_eq!(full.terms().reason.as_deref(), Some("SQL injection"));
            for optional in form.parameters.iter().filter(|p| !p.required && p.name != "stage") {
                let values = all.values.iter().filter(|(name, _)| *name != optional.name).cloned().collect();
                let without = Arguments { stage: &stage, values, reason: "a test".into() };
                assert_ne!(form.action(&without).unwrap(), full, "{} of {} does nothing", optional.name, form.name);
            }
        }
    }
}
