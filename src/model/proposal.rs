//! What would help a stage now: at most three things, the best first, each with what it is predicted to come to.
//!
//! Plain data, made by `respond`. Knows nothing of how it is found, of calls and of screens.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::action::{Action, BlockIp};
use super::condition::StageState;
use super::stage::StageId;
use super::words::tenths;

/// The most that are proposed at once.
pub const MOST_PROPOSALS: usize = 3;

/// What kind of thing is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Proposed {
    /// To block addresses.
    Block,
    /// To throttle the attacked method.
    Throttle,
    /// To flush the stage's cache.
    Flush,
    /// To close the stage to all but a few.
    Close,
    /// To let customers in through the web ACL that the stage is closed by.
    Allow,
    /// To take an action of ours back.
    Undo,
}

/// One thing that would help.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProposedStep {
    /// What kind of thing it is.
    pub kind: Proposed,
    /// What it is, in a few words: `block 40 addresses`.
    pub what: String,
    /// Which part of what came with the attack it would stop, a fraction; `None` where that does not apply or is not
    /// known.
    #[serde(rename = "attack_share_stopped")]
    pub stops: Option<f64>,
    /// Whether that is a part of what gets past the blocks in force, and not of the whole attack.
    #[serde(rename = "of_what_gets_past")]
    pub of_rest: bool,
    /// Which part of the customers of before it would turn away, a fraction, as far as samples and logs show; `None`
    /// where that is not known.
    #[serde(rename = "customer_share_turned_away")]
    pub costs: Option<f64>,
    /// The most that this may be, where it rests on few requests: nought of n is at most 3/n. `None` where it is not
    /// known.
    #[serde(rename = "customer_share_turned_away_at_most")]
    pub costs_at_most: Option<f64>,
    /// The most that would be served then, a fraction of customers; `None` where that is not known.
    #[serde(rename = "served_share_then_at_most")]
    pub served_after_at_most: Option<f64>,
    /// Why, in one line.
    pub because: String,
    /// The key that leads to it on the screen.
    pub key: String,
    /// The command line that does it.
    pub command: String,
    /// The action; `None` for an undo.
    #[serde(skip)]
    pub action: Option<Action>,
    /// Of an undo, which action of ours it takes back.
    #[serde(skip)]
    pub action_id: Option<String>,
}

impl ProposedStep {
    /// Whether it is the same thing to do: of addresses to block the order is no matter.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let actions = match (&self.action, &other.action) {
            (Some(Action::BlockIp(one)), Some(Action::BlockIp(another))) => {
                nets(one) == nets(another) && one.stage == another.stage && one.ip_sets == another.ip_sets
            }
            (one, another) => one == another,
        };
        actions && self.kind == other.kind && self.action_id == other.action_id
    }

    /// What it has become: `block 43 addresses, 3 of them new`.
    #[must_use]
    pub fn become_words(&self, now: &Self) -> String {
        match (&self.action, &now.action) {
            (Some(Action::BlockIp(before)), Some(Action::BlockIp(after))) => {
                let (before, after) = (nets(before), nets(after));
                format!("{} → {}, {} of them new", self.what, now.what, after.difference(&before).count())
            }
            _ => format!("{} → {}", self.what, now.what),
        }
    }

    /// `block 40 addresses: ≈100 % of the attack, ≤0.3 % of customers; served ≤100 % then`.
    #[must_use]
    pub fn short(&self) -> String {
        let of = if self.of_rest { "what gets past" } else { "the attack" };
        let stops = self.stops.map(|share| format!("≈{} of {of}", tenths(share)));
        let costs = match (self.costs_at_most, self.kind) {
            (Some(share), _) => Some(format!("≤{} of customers", tenths(share))),
            (None, Proposed::Undo | Proposed::Flush | Proposed::Allow) => None,
            (None, _) => Some("customers: ?".to_owned()),
        };
        let after = self.served_after_at_most.map(|share| format!("served ≤{} then", tenths(share)));
        let said: Vec<String> = [stops, costs, after].into_iter().flatten().collect();
        if said.is_empty() { self.what.clone() } else { format!("{}: {}", self.what, said.join(", ")) }
    }
}

fn nets(block: &BlockIp) -> HashSet<IpNet> {
    block.targets.iter().map(|target| target.net).collect()
}

/// What is proposed for a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proposals {
    /// Which stage.
    pub stage: StageId,
    /// Account time of the reading, UTC.
    pub read_at: DateTime<Utc>,
    /// How it stands.
    pub state: StageState,
    /// The share of customers served now, a fraction; `None` where it is not known.
    pub served_now: Option<f64>,
    /// What the attack is, in one line; `None` where nothing tells who sends it, or no attack stands.
    pub cause: Option<String>,
    /// At most three, the best first.
    pub proposals: Vec<ProposedStep>,
    /// Why there is none, where there is none.
    pub none: Option<String>,
    /// What could not be found out, a line each: something may be missing for it.
    pub unknown: Vec<String>,
}
