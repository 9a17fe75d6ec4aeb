//! The ways of closing a stage, from the lightest to the heaviest, as they stand for one stage now, and which one is recommended.

use std::time::Duration;

use chrono::{DateTime, Utc};
use humantime::format_duration;
use serde::{Deserialize, Serialize};

use super::action::{Action, CLOSURE_LIFE, Closure, UNTIL_UNDONE};
use super::method::MethodName;
use super::plan::{GuardResult, Plan};
use super::stage::{StageId, StageSelector};

/// A way of closing. The order is that of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
            Self::ThrottleMethod => "throttles the attacked method; every other one goes on",
            Self::WebAcl => "swaps in the closed web ACL: this stage lets in its addresses only",
            Self::ThrottleZero => "throttles every method of the stage to nothing",
            Self::KillSwitch => {
                "proves on another stage that a resource policy lets in those listed only, and then closes with that very snapshot"
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
            unfit: (plan.is_empty() && !stopped).then(|| "it is so already: nothing would change".to_owned()),
            command: command(&plan.action, stage),
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
    /// The lightest way that can be done now; none where no attack is known, since each turns somebody away. Never to throttle everything to
    /// nothing, which keeps everybody out: whoever wants that writes it, and why.
    #[must_use]
    pub fn recommended(&self) -> Option<&Rung> {
        self.rungs.iter().find(|rung| self.attack && rung.way != Way::ThrottleZero && rung.fits())
    }
}

/// How a command ends that still needs a reason.
pub(super) const REASON_TO_GIVE: &str = " --reason '…'";

/// The command line that plans and carries out `action` on the stage as it was written.
#[must_use]
pub fn command(action: &Action, stage: &StageSelector) -> Option<String> {
    let mut words: Vec<String> = ["portcullis", "apply", action.name(), "--stage"].map(str::to_owned).to_vec();
    words.push(stage.to_string());
    words.extend(life(action));
    match action {
        Action::Throttle(throttle) => {
            if let Some(method) = &throttle.method {
                words.extend(["--method".to_owned(), method.to_string()]);
            }
            words.extend(["--rate".to_owned(), throttle.rate.to_string()]);
            words.extend(["--burst".to_owned(), throttle.burst.to_string()]);
        }
        Action::Close(close) => {
            words.extend(["--by".to_owned(), close.by.word().to_owned()]);
            if let Some(acl) = &close.web_acl {
                words.extend(["--web-acl".to_owned(), acl.clone()]);
            }
            if close.by == Closure::ThrottleZero {
                words.extend(["--reason".to_owned(), "…".to_owned()]);
            }
        }
        Action::KillSwitch(switch) => {
            words.push("--allow".to_owned());
            words.extend(switch.allow.iter().map(|target| target.net.to_string()));
            words.extend(switch.prove_on.iter().flat_map(|on| ["--prove-on".to_owned(), on.to_string()]));
            words.extend(switch.own.iter().flat_map(|own| ["--own-address".to_owned(), own.to_string()]));
            words.extend(
                (switch.commit_confirmed && switch.prove_on.is_none()).then(|| "--commit-confirmed".to_owned()),
            );
        }
        Action::BlockIp(block) => {
            words.extend(block.ip_sets.iter().flat_map(|set| ["--ip-set".to_owned(), set.clone()]));
            words.extend(block.targets.iter().map(|target| target.net.to_string()));
        }
        Action::AllowIp(allow) => {
            if let Some(acl) = &allow.web_acl {
                words.extend(["--web-acl".to_owned(), acl.clone()]);
            }
            words.extend(allow.ip_sets.iter().flat_map(|set| ["--ip-set".to_owned(), set.clone()]));
            words.extend(allow.targets.iter().map(|target| target.net.to_string()));
        }
        Action::FlushCache(flush) => words.extend(flush.authorizers.then(|| "--authorizers".to_owned())),
        Action::PrepareClosedWebAcl(_) => return None,
    }
    Some(words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

/// How long it lasts and what becomes of it then, where that is not what the command line takes by itself.
fn life(action: &Action) -> Vec<String> {
    let terms = action.terms();
    let mut words = Vec::new();
    match terms.expires_after_seconds {
        Some(CLOSURE_LIFE) if action.is_closure() => {}
        Some(seconds) => {
            words.extend([
                "--for".to_owned(),
                format_duration(Duration::from_secs(seconds)).to_string().replace(' ', ""),
            ]);
        }
        None if action.is_closure() => words.extend(["--for".to_owned(), UNTIL_UNDONE.to_owned()]),
        None => {}
    }
    if !terms.reopen.is_asked() {
        words.extend(["--reopen".to_owned(), terms.reopen.word().to_owned()]);
    }
    words
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    let tame = |c: char| bare(c) || " {}".contains(c);
    if !word.is_empty() && word.chars().all(bare) {
        word.to_owned()
    } else if word.chars().all(tame) {
        format!("\"{word}\"")
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::action::{Terms, Throttle};

    #[test]
    fn a_command_is_one_that_a_shell_takes() {
        let stage: StageSelector = "shop/prod".parse().unwrap();
        let method = Some("POST /orders/{id}".parse().unwrap());
        let action =
            Action::Throttle(Throttle { stage: stage.clone(), method, rate: 30, burst: 40, terms: Terms::default() });
        assert_eq!(
            command(&action, &stage).unwrap(),
            "portcullis apply throttle --stage shop/prod --method \"POST /orders/{id}\" --rate 30 --burst 40"
        );
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    }

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
