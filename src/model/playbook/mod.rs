//! Playbooks as data: what a file says, the values its steps are given, and how far a run of one has got.
//!
//! A value is typed from the moment it is read; nothing is ever filled into text. Knows neither files nor which actions
//! there are: that is the layer `playbook`.

mod run;
mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::attack::AttackKind;
use super::condition::StageState;
use super::signal::SignalKind;
use super::stage::StageId;

pub use run::{RunRecord, StepRecord, StepState};
pub use value::{Kind, Situation, Value};

/// What an input is where nobody gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fallback {
    /// A value.
    Value(Value),
    /// What the console knows.
    From(Situation),
}

/// An input of a playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// What it is for, in one line.
    pub describe: String,
    /// What it is where nobody gives it; without one it has to be given.
    pub default: Option<Fallback>,
}

/// What a parameter of a step is given: a value, or an input by name. Never text with something filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// A value.
    Literal(Value),
    /// The input of that name.
    Input(String),
}

/// What an observation looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// The effect of an earlier step's change.
    Effect {
        /// Which step.
        of: String,
    },
    /// None of these signals stands on the stage.
    SignalsCleared {
        /// Which.
        signals: Vec<SignalKind>,
        /// For so long without one of them, seconds.
        for_seconds: u64,
    },
    /// The stage gets fewer requests a second than this.
    RequestsBelow {
        /// Requests a second.
        rate: Given,
        /// In every minute of this span, seconds.
        for_seconds: u64,
    },
    /// The stage is in one of these states.
    State {
        /// Which.
        states: Vec<StageState>,
    },
}

impl Look {
    /// What is looked for, in words after `observe`; `shown` says what is given.
    #[must_use]
    pub fn words(&self, shown: impl Fn(&Given) -> String) -> String {
        match self {
            Self::Effect { of } => format!("the effect of step {of}"),
            Self::SignalsCleared { signals, for_seconds } => {
                let ids: Vec<&str> = signals.iter().map(|kind| kind.id()).collect();
                let minutes = for_seconds.div_ceil(60);
                let long = if minutes > 1 { format!(" for {minutes} min") } else { String::new() };
                format!("that {} is no longer active{long}", ids.join(", "))
            }
            Self::RequestsBelow { rate, for_seconds } => {
                format!("fewer than {} requests/s for {} min", shown(rate), for_seconds.div_ceil(60))
            }
            Self::State { states } => {
                let words: Vec<&str> = states.iter().map(|state| state.word()).collect();
                format!("that the stage is {}", words.join(" or "))
            }
        }
    }

    /// The name after `observe =`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Effect { .. } => "effect",
            Self::SignalsCleared { .. } => "signals-cleared",
            Self::RequestsBelow { .. } => "requests-below",
            Self::State { .. } => "state",
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// A guarded action, planned and confirmed like any other.
    Action {
        /// The action's name.
        action: String,
        /// Its parameters.
        with: Vec<(String, Given)>,
    },
    /// The undo of what an earlier step did; planned and confirmed like any other.
    Undo {
        /// Which step.
        step: String,
    },
    /// Waiting until something is seen.
    Observe {
        /// What.
        look: Look,
        /// For how long, seconds of account time.
        within_seconds: u64,
    },
    /// Words for the responder.
    Note {
        /// The words.
        text: String,
    },
}

impl Task {
    /// The kind of step in a word: the action's name, `undo`, `observe`, `note`.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Action { action, .. } => action,
            Self::Undo { .. } => "undo",
            Self::Observe { .. } => "observe",
            Self::Note { .. } => "note",
        }
    }

    /// Whether it changes the account, so that it needs a plan and a phrase.
    #[must_use]
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Action { .. } | Self::Undo { .. })
    }

    /// The inputs it refers to.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        let with: &[(String, Given)] = match self {
            Self::Action { with, .. } => with,
            _ => &[],
        };
        let rate = match self {
            Self::Observe { look: Look::RequestsBelow { rate, .. }, .. } => Some(rate),
            _ => None,
        };
        with.iter().map(|(_, given)| given).chain(rate).filter_map(|given| match given {
            Given::Input(name) => Some(name.as_str()),
            Given::Literal(_) => None,
        })
    }

    /// The earlier step that it is about.
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        match self {
            Self::Undo { step } | Self::Observe { look: Look::Effect { of: step }, .. } => Some(step),
            _ => None,
        }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name inside the playbook.
    pub id: String,
    /// One line.
    pub title: String,
    /// Whether it may be left out.
    pub optional: bool,
    /// What it does.
    pub task: Task,
}

/// Where a playbook comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It comes with the program.
    Embedded,
    /// The user's own.
    File {
        /// Which file.
        path: PathBuf,
        /// Whether it takes the place of one that comes with the program.
        replaces: bool,
    },
}

/// A playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playbook {
    /// Its name.
    pub name: String,
    /// One line.
    pub title: String,
    /// A few sentences.
    pub summary: String,
    /// The signals it answers.
    pub answers: Vec<SignalKind>,
    /// The kinds of attack it is for.
    pub kinds: Vec<AttackKind>,
    /// The drill to practise it on.
    pub drill: Option<String>,
    /// What it has to be told.
    pub inputs: Vec<Input>,
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// Where it comes from.
    pub origin: Origin,
    /// SHA-256 of the file, hexadecimal: a run says of which text it was one.
    pub digest: String,
}

impl Playbook {
    /// The step of that id.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// The input of that name.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// The first step that is not over.
    #[must_use]
    pub fn next(&self, run: Option<&RunRecord>) -> Option<&Step> {
        self.steps.iter().find(|step| !run.is_some_and(|run| run.is_over(step)))
    }

    /// The inputs that a step refers to and that have neither a value nor a default.
    pub fn missing<'a>(
        &'a self,
        step: &'a Step,
        given: &'a BTreeMap<String, Value>,
    ) -> impl Iterator<Item = &'a Input> {
        let inputs = step.task.inputs().filter_map(|name| self.input(name));
        inputs.filter(|input| input.default.is_none() && !given.contains_key(&input.name))
    }

    /// How well it fits an attack of that kind with these signals, the better the more: its kind counts more than its
    /// signals, which many attacks share.
    #[must_use]
    pub fn fits(&self, kind: Option<AttackKind>, signals: &[SignalKind]) -> u8 {
        let of_kind = kind.is_some_and(|kind| self.kinds.contains(&kind));
        2 * u8::from(of_kind) + u8::from(self.answers_any(signals.iter().copied()))
    }

    /// Whether it answers one of these signals.
    pub fn answers_any(&self, signals: impl IntoIterator<Item = SignalKind>) -> bool {
        signals.into_iter().any(|kind| self.answers.contains(&kind))
    }

    /// The newest run of it for a stage that is not over yet.
    #[must_use]
    pub fn open_run<'a>(&self, runs: &'a [RunRecord], stage: &StageId) -> Option<&'a RunRecord> {
        let of_it = |run: &&RunRecord| run.playbook == self.name && run.stage == *stage;
        runs.iter().rfind(of_it).filter(|run| self.next(Some(run)).is_some())
    }
}
