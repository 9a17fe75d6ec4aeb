//! The ways of closing a stage, from the lightest to the heaviest, as they stand for one stage now, and which one is
//! recommended.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::action::form::command;
use super::action::{Action, Closure};
use super::method::MethodName;
use super::plan::{GuardResult, Plan};
use super::stage::{StageId, StageSelector};

/// A way of closing. The order is that of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Throttle the method that is attacked.
    ThrottleMethod,
    /// Swap in the closed web ACL.
    WebAcl,
    /// Throttle every method to nothing.
    ThrottleZero,
    /// A resource policy, proven on another stage first.
    KillSwitch,
}

/// How sure it is how fast a way acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// AWS says so.
    Documented,
    /// Others have measured it; AWS does not say, or contradicts itself.
    Reported,
}

impl Way {
    /// Every way, from the lightest to the heaviest.
    pub const ALL: [Self; 4] = [Self::ThrottleMethod, Self::WebAcl, Self::ThrottleZero, Self::KillSwitch];

    /// The way as `close --by` takes it; `None` where it is no closure.
    #[must_use]
    pub fn closure(self) -> Option<Closure> {
        match self {
            Self::ThrottleMethod | Self::KillSwitch => None,
            Self::WebAcl => Some(Closure::WebAcl),
            Self::ThrottleZero => Some(Closure::ThrottleZero),
        }
    }

    /// A word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::KillSwitch => "kill-switch",
            way => way.closure().map_or("throttle", Closure::word),
        }
    }

    /// What it does.
    #[must_use]
    pub fn does(self) -> &'static str {
        match self {
            Self::ThrottleMethod => "throttles the attacked method; all others go on",
            Self::WebAcl => "swaps in the closed web ACL: only its addresses get in",
            Self::ThrottleZero => "throttles every method of the stage to 0",
            Self::KillSwitch => {
                "proves on another stage that a resource policy lets in only those listed, and then closes with that same snapshot"
            }
        }
    }

    /// How fast it acts, and what that rests on.
    #[must_use]
    pub fn speed(self) -> (&'static str, Basis) {
        match self {
            Self::WebAcl => ("a few seconds to some minutes (documented)", Basis::Documented),
            Self::KillSwitch => (
                "a minute or two for the proof; then as long as a deployment takes to spread, which AWS does not say",
                Basis::Reported,
            ),
            Self::ThrottleMethod | Self::ThrottleZero => (
                "3 to 10 seconds in others' experience (Steadybit); AWS's own pages contradict each other on it",
                Basis::Reported,
            ),
        }
    }
}

/// One way, as it stands now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rung {
    /// Which.
    pub way: Way,
    /// What it does.
    pub does: String,
    /// Whom it hits; `None` where no plan could be made.
    pub whom: Option<String>,
    /// How fast it acts.
    pub acts_within: String,
    /// What that rests on.
    pub basis: Basis,
    /// How it is undone.
    pub undo: String,
    /// The guards that would stop it now.
    pub stopped_by: Vec<GuardResult>,
    /// Why there is no plan, or why the plan would not do, and the next step.
    pub unfit: Option<String>,
    /// The command that carries it out; `None` where it cannot be named.
    pub command: Option<String>,
    /// What would be asked for.
    #[serde(skip)]
    pub action: Option<Action>,
}

impl Rung {
    /// A way of which nothing is known but why not.
    #[must_use]
    pub fn unfit(way: Way, why: impl Into<String>) -> Self {
        let (acts_within, basis) = way.speed();
        Self {
            way,
            does: way.does().to_owned(),
            whom: None,
            acts_within: acts_within.to_owned(),
            basis,
            undo: "nothing to undo".to_owned(),
            stopped_by: Vec::new(),
            unfit: Some(why.into()),
            command: None,
            action: None,
        }
    }

    /// A way with the plan that was made of it. `whom` is the id of the guard that says whom it hits.
    #[must_use]
    pub fn planned(way: Way, plan: &Plan, whom: &str, stage: &StageSelector) -> Self {
        let said = plan.guards.iter().find(|guard| guard.id == whom).map(|guard| guard.reason.clone());
        let stopped = plan.halting().next().is_some();
        Self {
            whom: said,
            undo: plan.undo.clone(),
            stopped_by: plan.halting().cloned().collect(),
            unfit: (plan.is_empty() && !stopped).then(|| "already so: nothing would change".to_owned()),
            command: Some(command(&plan.action, stage)),
            action: Some(plan.action.clone()),
            ..Self::unfit(way, String::new())
        }
    }

    /// Whether it can be done now: a plan without a guard that stops it.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.unfit.is_none() && self.stopped_by.is_empty()
    }
}

/// The method that gets most of what came with an attack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttackedMethod {
    /// Which.
    pub method: MethodName,
    /// Requests a second now.
    pub now: f64,
    /// Requests a second before the attack.
    pub before: f64,
    /// Requests a second of all methods before the attack.
    pub before_of_all: f64,
    /// Its share of what came with the attack, a fraction.
    pub share: f64,
}

/// The ladder of a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ladder {
    /// Which stage.
    pub stage: StageId,
    /// Account time of the reading, UTC.
    pub read_at: DateTime<Utc>,
    /// Whether an attack is known, or nothing tells; without one nothing is recommended.
    pub attack: bool,
    /// The method that is attacked, where one can be told.
    pub attacked: Option<AttackedMethod>,
    /// What the recommendation rests on, a line each.
    pub situation: Vec<String>,
    /// The ways, from the lightest to the heaviest.
    pub rungs: Vec<Rung>,
}

impl Ladder {
    /// The lightest way that can be done now; none where no attack is known, since each turns somebody away. Never to
    /// throttle everything to nothing, which keeps everybody out: whoever wants that writes it, and why.
    #[must_use]
    pub fn recommended(&self) -> Option<&Rung> {
        self.rungs.iter().find(|rung| self.attack && rung.way != Way::ThrottleZero && rung.fits())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_lightest_that_fits_is_recommended() {
        let rung = |way, unfit: Option<&str>| Rung { unfit: unfit.map(str::to_owned), ..Rung::unfit(way, "") };
        let ladder = Ladder {
            stage: StageId { api_id: "a".into(), api_name: "shop".into(), stage: "prod".into() },
            read_at: DateTime::UNIX_EPOCH,
            attack: true,
            attacked: None,
            situation: vec![],
            rungs: vec![rung(Way::ThrottleMethod, Some("no")), rung(Way::WebAcl, None), rung(Way::ThrottleZero, None)],
        };
        assert_eq!(ladder.recommended().unwrap().way, Way::WebAcl);
        assert_eq!(Ladder { attack: false, ..ladder }.recommended(), None);
    }
}
