//! From inputs, defaults and the situation to the values of a step, and from those to the action that is planned.

use std::collections::BTreeMap;

use thiserror::Error;

use super::action::{self, form};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::action::Action;
use crate::model::address::Target;
use crate::model::playbook::{Fallback, Given, Input, Playbook, RunRecord, Situation, Step, Task, Value};
use crate::model::settings::Settings;
use crate::model::stage::{StageId, StageSelector};
use crate::respond::desk::Desk;
use crate::respond::resolve::{self, ResolveError};
use crate::watch;

/// Inputs by name.
pub type Inputs = BTreeMap<String, Value>;

/// Why a step has no values yet.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ValueError {
    /// An input without a value.
    #[error("the input “{name}” ({describe}) has to be given, for example --input {name}={example}")]
    Missing {
        /// Its name.
        name: String,
        /// What it is for.
        describe: String,
        /// A value of its kind.
        example: String,
    },
    /// No input of that name.
    #[error("playbook {playbook} has no input “{name}”{near}")]
    Unknown {
        /// The playbook.
        playbook: String,
        /// What was given.
        name: String,
        /// The nearest.
        near: String,
    },
    /// A text that is no value of the input's type.
    #[error("the input “{name}”: {why}")]
    Malformed {
        /// Its name.
        name: String,
        /// What is wrong, with an example.
        why: String,
    },
    /// Not `NAME=VALUE`.
    #[error("“{0}” is not an input; write NAME=VALUE")]
    NotAnInput(String),
    /// Nobody stands out.
    #[error("no source of {stage} stands out now; name whom you mean with --input {name}=203.0.113.7/32")]
    NoSuspects {
        /// The stage.
        stage: String,
        /// The input.
        name: String,
    },
    /// WAF has no samples of the stage.
    #[error("{stage} has no web ACL, so the console knows no sources; name them with --input {name}=203.0.113.7/32")]
    NoSamples {
        /// The stage.
        stage: String,
        /// The input.
        name: String,
    },
    /// What is believed of the attack could not be read.
    #[error("{0}")]
    Belief(String),
    /// The configuration names nobody.
    #[error(
        "the configuration names nobody to let in (guards.break-glass, guards.never-block); name them with --input {0}=192.0.2.240/28"
    )]
    NobodyAdmitted(String),
    /// A step without an action.
    #[error("step “{0}” changes nothing, so there is nothing to plan")]
    NoAction(String),
    /// The situation could not be read.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The situation could not be read.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

/// Inputs out of `NAME=VALUE`, each of the type that the playbook gives it.
///
/// # Errors
/// An input that the playbook does not have, or a text that is no value of its type.
pub fn typed<'a>(
    playbook: &Playbook,
    given: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Inputs, ValueError> {
    let mut inputs = Inputs::new();
    for (name, text) in given {
        let Some(input) = playbook.input(name) else {
            let near = crate::model::reader::near(name, playbook.inputs.iter().map(|input| input.name.as_str()));
            let name = crate::model::text::shortened(name, 60);
            return Err(ValueError::Unknown { playbook: playbook.name.clone(), name, near });
        };
        let value = input.kind.parse(text);
        let value = value.map_err(|why| ValueError::Malformed { name: input.name.clone(), why })?;
        inputs.insert(input.name.clone(), value);
    }
    Ok(inputs)
}

/// `NAME=VALUE` in two.
///
/// # Errors
/// Where there is no `=`.
pub fn split(text: &str) -> Result<(&str, &str), ValueError> {
    let parts = text.split_once('=').filter(|(name, _)| !name.trim().is_empty());
    let (name, value) = parts.ok_or_else(|| ValueError::NotAnInput(crate::model::text::shortened(text, 60)))?;
    Ok((name.trim(), value.trim()))
}

/// What values are read from.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The playbook.
    pub playbook: &'a Playbook,
    /// The stage that it runs for.
    pub stage: &'a StageId,
    /// The inputs given.
    pub given: &'a Inputs,
}

impl Context<'_> {
    /// The stage as actions name it: by id, since a name may fit two APIs.
    fn selector(&self) -> StageSelector {
        StageSelector { profile: None, region: None, api: self.stage.api_id.clone(), stage: self.stage.stage.clone() }
    }

    /// The inputs of a step that the situation gives, read now.
    ///
    /// # Errors
    /// Where the situation cannot be read, or has nothing to give.
    pub async fn situation(
        &self,
        step: &Step,
        (aws, desk): (&Aws, &Desk),
        settings: &Settings,
    ) -> Result<Inputs, ValueError> {
        let mut found = Inputs::new();
        for input in step.task.inputs().filter_map(|name| self.playbook.input(name)) {
            if self.given.contains_key(&input.name) || found.contains_key(&input.name) {
                continue;
            }
            let targets = match input.default {
                Some(Fallback::From(Situation::Suspects)) => self.suspects(input, (aws, desk), settings).await?,
                Some(Fallback::From(Situation::Admitted)) => admitted(input, settings)?,
                _ => continue,
            };
            found.insert(input.name.clone(), Value::Prefixes(targets));
        }
        Ok(found)
    }

    /// Whom rules speak against, in the order of the ranking.
    async fn suspects(
        &self,
        input: &Input,
        (aws, desk): (&Aws, &Desk),
        settings: &Settings,
    ) -> Result<Vec<Target>, ValueError> {
        let detail = resolve::stage(aws, &self.selector(), Lane::Plan).await?;
        let (stage, name) = (self.stage.label(), input.name.clone());
        let Some(arn) = &detail.web_acl_arn else { return Err(ValueError::NoSamples { stage, name }) };
        let pinned = desk.attack_on(&detail.id).await.map_err(|error| ValueError::Belief(error.to_string()))?;
        let began = match pinned {
            Some(attack) => Some(attack.began),
            None => watch::attack_began(aws, settings, &detail.id, arn.rsplit('/').nth(1)).await?,
        };
        let sources = watch::sources(aws, arn, 1, began).await?;
        let suspects = sources.sources.iter().filter(|source| source.is_suspect() && !source.behind_proxy);
        let targets: Vec<Target> = suspects
            .map(|source| Target { net: ipnet::IpNet::from(source.address.to_canonical()), masked_from: None })
            .collect();
        if targets.is_empty() { Err(ValueError::NoSuspects { stage, name }) } else { Ok(targets) }
    }

    /// The value of an input, where it has one: given, found in the situation, or the file's default.
    fn input(&self, name: &str, found: &Inputs) -> Result<Value, ValueError> {
        if let Some(value) = self.given.get(name).or_else(|| found.get(name)) {
            return Ok(value.clone());
        }
        let input = self.playbook.input(name);
        match input.map(|input| (&input.default, input)) {
            Some((Some(Fallback::Value(value)), _)) => Ok(value.clone()),
            Some((Some(Fallback::From(Situation::Stage)), _)) => Ok(Value::Stage(self.selector())),
            Some((_, input)) => Err(ValueError::Missing {
                name: input.name.clone(),
                describe: input.describe.clone(),
                example: input.kind.example().replace(['[', ']', '"'], ""),
            }),
            None => Err(ValueError::Unknown {
                playbook: self.playbook.name.clone(),
                name: name.to_owned(),
                near: String::new(),
            }),
        }
    }

    /// The value of a parameter.
    ///
    /// # Errors
    /// Where it refers to an input that has no value yet.
    pub fn value(&self, given: &Given, found: &Inputs) -> Result<Value, ValueError> {
        match given {
            Given::Literal(value) => Ok(value.clone()),
            Given::Input(name) => self.input(name, found),
        }
    }

    /// The action of a step; `found` is what [`Context::situation`] gave.
    ///
    /// # Errors
    /// Where the step has no action, or an input has no value.
    pub fn action(&self, step: &Step, found: &Inputs) -> Result<Action, ValueError> {
        let no_action = || ValueError::NoAction(step.id.clone());
        let Task::Action { action, with } = &step.task else { return Err(no_action()) };
        let stage = self.selector();
        let mut values = Vec::new();
        for (name, given) in with {
            values.push((name.as_str(), self.value(given, found)?));
        }
        let reason = format!("playbook {}, step {}", self.playbook.name, step.id);
        let form = form(action).ok_or_else(no_action)?;
        action::action(form, &stage, values, reason).ok_or_else(no_action)
    }
}

/// Whom the team has named.
fn admitted(input: &Input, settings: &Settings) -> Result<Vec<Target>, ValueError> {
    let guards = &settings.guards;
    let named = guards.break_glass.iter().chain(&guards.never_block).flatten();
    let targets: Vec<Target> = named.map(|net| Target { net: *net, masked_from: None }).collect();
    if targets.is_empty() { Err(ValueError::NobodyAdmitted(input.name.clone())) } else { Ok(targets) }
}

/// The inputs that a run was given, typed again. What the playbook no longer has is left out.
#[must_use]
pub fn of_run(playbook: &Playbook, run: &RunRecord) -> Inputs {
    read_back(playbook, &run.inputs)
}

/// Inputs as the journal has them, typed again.
#[must_use]
pub fn read_back(playbook: &Playbook, written: &BTreeMap<String, String>) -> Inputs {
    let typed = written.iter().filter_map(|(name, text)| {
        let input = playbook.input(name)?;
        Some((name.clone(), input.kind.parse(text).ok()?))
    });
    typed.collect()
}

/// Inputs as the journal writes them.
#[must_use]
pub fn written(inputs: &Inputs) -> BTreeMap<String, String> {
    inputs.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
}
