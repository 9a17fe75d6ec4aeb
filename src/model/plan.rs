//! A plan: what would be done, to what, with which guards' verdicts, and how it is taken back.
//!
//! A plan is data. It is made by `respond/` from state read for it, shown, confirmed by its phrase, and written to the
//! journal whole, so that the review can see what the responder saw.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

mod changed;

pub use changed::{Change, ChangedKind, ResourceRef};

use super::action::form::{REASON_TO_GIVE, command};
use super::action::{Action, Terms};
use super::identity::Identity;
use super::probe::Probe;
use super::reader::Mistake;
use super::stage::StageId;
use super::text::quoted;

/// A guard's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing to say.
    Pass,
    /// Read this before you confirm.
    Warn,
    /// What the guard needs is not known; stops like `Stop`.
    Unknown,
    /// Do not.
    Stop,
}

impl Verdict {
    /// The verdict as a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Unknown => "unknown",
            Self::Stop => "stop",
        }
    }

    /// Whether the verdict halts the plan unless it is overridden.
    #[must_use]
    pub fn halts(self) -> bool {
        matches!(self, Self::Unknown | Self::Stop)
    }
}

/// What one guard found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GuardResult {
    /// The guard's id, e.g. `block-ip.never-block`.
    pub id: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// One line: what is so, to what, and the next step.
    pub reason: String,
    /// What the verdict rests on, a line each.
    pub evidence: Vec<String>,
    /// Whether `--override` with a reason lifts it.
    pub can_be_overridden: bool,
    /// Whether it was overridden in this plan.
    pub overridden: bool,
}

impl GuardResult {
    /// Whether this result halts the plan.
    #[must_use]
    pub fn halts(&self) -> bool {
        self.verdict.halts() && !self.overridden
    }
}

/// The guards that say whom a plan hits, one an action.
pub const SAY_WHOM_IT_HITS: [&str; 5] =
    ["block-ip.legitimate-share", "throttle.shedding", "close.who-loses", "flush-cache.herd", "allow-ip.known"];

/// An API call that the plan would make, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedCall {
    /// The service as IAM names it, e.g. `wafv2`.
    pub service: String,
    /// The operation, e.g. `UpdateIPSet`.
    pub operation: String,
    /// The resource's ARN.
    pub resource: String,
    /// The parameters that matter to a reader.
    pub parameters: Vec<(String, String)>,
}

/// What must hold when the plan is carried out; part of the digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Precondition {
    /// What it is about.
    pub subject: String,
    /// What it must be.
    pub expected: String,
}

/// Where the effect of a change of an IP set will show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WatchFor {
    /// The changed resource's ARN.
    pub resource: String,
    /// The web ACL it works in: name.
    pub web_acl: String,
    /// The web ACL's ARN.
    pub web_acl_arn: String,
    /// The metric name under which WAF samples the rule that uses it.
    pub rule: String,
    /// The rule inside the group, where `rule` is a rule group's: its siblings block for reasons of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner: Option<String>,
}

/// Entries that an undo leaves in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Left {
    /// The resource's ARN.
    pub resource: String,
    /// The entries.
    pub entries: Vec<String>,
}

/// Undo or do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Purpose {
    /// Carry the action out.
    Apply,
    /// Take an earlier action back.
    Undo {
        /// Which one.
        action_id: String,
        /// Overrides of the undo's own guards, and why.
        #[serde(default, skip_serializing_if = "Terms::is_none")]
        terms: Terms,
    },
}

/// A plan, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Plan {
    /// Do, or take back.
    pub purpose: Purpose,
    /// What was asked for.
    pub action: Action,
    /// Whose account.
    pub identity: Identity,
    /// Which stage.
    pub stage: StageId,
    /// Account time at which the state was read, UTC.
    pub read_at: DateTime<Utc>,
    /// One line: what would happen.
    pub summary: String,
    /// The diff.
    pub changes: Vec<Change>,
    /// The calls, in order.
    pub calls: Vec<PlannedCall>,
    /// What the guards found, worst first.
    pub guards: Vec<GuardResult>,
    /// What must still hold.
    pub preconditions: Vec<Precondition>,
    /// Where its effect will show.
    #[serde(default)]
    pub watch: Vec<WatchFor>,
    /// How to see, from outside, that whoever carried it out still gets in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// For an undo: entries of the action that stay, since another action in force wants them. Then the action is not
    /// wholly taken back and stays in force with these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Left>,
    /// How it is taken back, in one line.
    pub undo: String,
    /// Things to know that are no guard's business: a change that would wire a set, what AWS leaves undocumented.
    pub notes: Vec<String>,
    /// Sixty-four hexadecimal characters over everything that must not change between reading and doing.
    pub digest: String,
}

impl Plan {
    /// A plan to do `action` at a stage of an account, out of what was read at `read_at` (account time, UTC):
    /// it changes nothing yet.
    #[must_use]
    pub fn of(action: Action, identity: Identity, stage: StageId, read_at: DateTime<Utc>) -> Self {
        Self {
            purpose: Purpose::Apply,
            action,
            identity,
            stage,
            read_at,
            summary: String::new(),
            changes: Vec::new(),
            calls: Vec::new(),
            guards: Vec::new(),
            preconditions: Vec::new(),
            watch: Vec::new(),
            probe: None,
            left: Vec::new(),
            undo: String::new(),
            notes: Vec::new(),
            digest: String::new(),
        }
    }

    /// The plan in a file that `plan --save` wrote, called `file` in what is wrong with it.
    ///
    /// # Errors
    /// Where it is none, or asks for what the command line would refuse.
    pub fn read(file: &str, text: &str) -> Result<Self, Mistake> {
        let wrong = |line: usize, column: usize, why: String| {
            let message = format!("not a plan written by `plan --save`: {why}. Plan again with --save");
            Mistake { file: file.to_owned(), line: line.max(1), column: column.max(1), message }
        };
        let plan: Self =
            serde_json::from_str(text).map_err(|error| wrong(error.line(), error.column(), error.to_string()))?;
        let line_of = |key: &str| text.lines().position(|line| line.contains(key)).map_or(1, |at| at + 1);
        match plan.action.out_of_range() {
            Some(why) => Err(wrong(line_of(why.split(' ').next().unwrap_or_default()), 1, why)),
            None => Ok(plan),
        }
    }

    /// The phrase that confirms this plan: the stage and four characters of the digest, `shop/prod 7f3a`. A closure's
    /// names what it does: `CLOSE shop/prod 7f3a`.
    #[must_use]
    pub fn phrase(&self) -> String {
        let short: String = self.digest.chars().take(4).collect();
        let closes = self.purpose == Purpose::Apply && self.action.is_closure();
        format!("{}{} {short}", if closes { "CLOSE " } else { "" }, self.stage.label())
    }

    /// What confirms it on a screen that names the stage beside it: four characters of the digest, `7f3a`; of a closure
    /// what it does as well: `CLOSE 7f3a`.
    #[must_use]
    pub fn short_phrase(&self) -> String {
        let stage = format!("{} ", self.stage.label());
        self.phrase().replacen(&stage, "", 1)
    }

    /// The guard that says whom it hits, where one does.
    #[must_use]
    pub fn hits(&self) -> Option<&GuardResult> {
        self.guards.iter().find(|guard| SAY_WHOM_IT_HITS.contains(&guard.id.as_str()))
    }

    /// The command line that carries the same out, with the profile and region that it is for; `None` where none can be
    /// named, or where what answers is not AWS: a shell would ask another.
    #[must_use]
    pub fn command(&self) -> Option<String> {
        if self.identity.endpoint.is_some() {
            return None;
        }
        let profile = self.identity.profile.iter().map(|name| format!(" --profile {}", quoted(name)));
        let place = profile.collect::<String>() + " --region " + &quoted(&self.identity.at.region);
        if let Purpose::Undo { action_id, terms } = &self.purpose {
            return Some(format!("portcullis undo {action_id}{place}{}", terms.command()));
        }
        let stage = self.stage.label().parse().ok()?;
        let (command, terms) = (command(&self.action, &stage), self.action.terms());
        let command = command.strip_suffix(REASON_TO_GIVE).filter(|_| terms.reason.is_some()).unwrap_or(&command);
        Some(format!("{command}{}{place}", terms.command()))
    }

    /// The worst verdict that still halts or warns.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.guards
            .iter()
            .map(|g| if g.overridden { Verdict::Warn.min(g.verdict) } else { g.verdict })
            .max()
            .unwrap_or(Verdict::Pass)
    }

    /// The guards that halt it.
    pub fn halting(&self) -> impl Iterator<Item = &GuardResult> {
        self.guards.iter().filter(|g| g.halts())
    }

    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.iter().all(Change::is_empty)
    }

    /// How long it is to stay in force, where it expires.
    #[must_use]
    pub fn lifetime(&self) -> Option<chrono::TimeDelta> {
        seconds(self.action.terms().expires_after_seconds?)
    }

    /// How long it stays in force unless it is seen to let the responder in; else its lifetime.
    #[must_use]
    pub fn first_lifetime(&self) -> Option<chrono::TimeDelta> {
        let commit = self.action.commit_within().and_then(seconds);
        commit.into_iter().chain(self.lifetime()).min()
    }
}

fn seconds(count: u64) -> Option<chrono::TimeDelta> {
    chrono::TimeDelta::try_seconds(i64::try_from(count).ok()?)
}

/// How far a change has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// AWS accepted it and reads it back.
    Saved,
    /// Every part of the account that must carry it does.
    Deployed,
    /// What must move has moved.
    Observed,
}

impl Effect {
    /// How far it was seen, as a title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Saved => "Saved: AWS reads it back",
            Self::Deployed => "Deployed: every part that must carry it does",
            Self::Observed => "Observed: what had to move has moved",
        }
    }
}

/// How carrying out a plan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Done and read back.
    Done,
    /// There was nothing to change.
    NothingToChange,
    /// Nothing was changed.
    NotDone,
    /// Done, but reading back did not show it.
    NotVerified,
    /// Some parts done, others not.
    Partly,
    /// AWS did not say, and it could not be read.
    NotKnown,
}

impl Outcome {
    /// How carrying out a plan ended, as a clause: `done and read back`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Done => "done and read back",
            Self::NothingToChange => "nothing to change",
            Self::NotDone => "NOT done; no change remains in place",
            Self::NotVerified => "accepted by AWS, but NOT verified: reading it back did not show it",
            Self::Partly => "PARTLY done, or not known for every part",
            Self::NotKnown => "NOT KNOWN whether it was done: AWS did not say, and reading did not tell",
        }
    }

    /// The same in a few words, to stand inside a sentence.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NothingToChange => "nothing to change",
            Self::NotDone => "not done",
            Self::NotVerified => "done, but not verified",
            Self::Partly => "partly done",
            Self::NotKnown => "not known",
        }
    }
}

/// How carrying out a plan ended, for whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// The action's id; for an undo, the id of the action taken back.
    pub action_id: String,
    /// The id under which the journal has this very run: the action's own, or the undo's.
    pub run_id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How far its effect was seen so far.
    pub effect: Option<Effect>,
    /// What was done and found, a line each, in order.
    pub lines: Vec<String>,
}

/// What was seen of a change's effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Observation {
    /// Whether the effect was seen.
    pub observed: bool,
    /// What shows it, or why nothing could be seen.
    pub evidence: Vec<String>,
}
