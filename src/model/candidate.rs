//! Candidate block sets: a few prefixes that carry much of an attack and little of the rest.
//!
//! Plain results; how they are found is `watch::candidate`'s. Knows nothing of WAF, logs or screens.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::words::portion;

/// Which side a caller is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Not there before the attack, and telling rules match it or it asks mostly for what rose in the attack.
    Attack,
    /// There before the attack.
    Legitimate,
    /// Neither can be said.
    Unclassified,
}

/// One prefix of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CandidatePrefix {
    /// The prefix: the narrowest that holds the addresses it stands for.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub prefix: IpNet,
    /// Its part of the attack's requests, a fraction.
    pub attack_share: f64,
    /// Its part of the requests of callers who were there before, a fraction; `None` where nobody is known.
    pub legitimate_share: Option<f64>,
    /// Addresses seen inside it, whoever they are.
    pub addresses: usize,
    /// Those of them that belong to the attack.
    pub attack_addresses: usize,
    /// What to think of before blocking it.
    pub warnings: Vec<String>,
}

/// The best set of at most so many disjoint prefixes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CandidateSet {
    /// The prefixes, those with most of the attack first.
    pub prefixes: Vec<CandidatePrefix>,
    /// Their part of the attack's requests, a fraction.
    pub attack_share: f64,
    /// Their part of the requests of callers who were there before, a fraction; `None` where nobody is known.
    pub legitimate_share: Option<f64>,
    /// Their part of the requests that could not be told either way, a fraction.
    pub unclassified_share: f64,
    /// Addresses seen inside them.
    pub addresses: usize,
    /// What a share of the rest weighed against a share of the attack when the set was found. It is more than was
    /// configured where that would have given a set with too much of the rest.
    pub weight: f64,
}

impl CandidateSet {
    /// `3 prefixes: 71 % of the attack, 0.2 % of the rest`.
    #[must_use]
    pub fn words(&self) -> String {
        let prefixes = match self.prefixes.len() {
            1 => "1 prefix".to_owned(),
            n => format!("{n} prefixes"),
        };
        let rest = self.legitimate_share.map_or_else(|| "?".to_owned(), portion);
        format!("{prefixes}: {} of the attack, {rest} of the rest", portion(self.attack_share))
    }
}

/// Requests a second that were told apart, and those that were not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Classified {
    /// Of the attack.
    pub attack_per_second: f64,
    /// Of callers who were there before, as they called before the attack; `None` where nobody is known.
    pub legitimate_per_second: Option<f64>,
    /// That could not be told.
    pub unclassified_per_second: f64,
    /// Part of the requests in the window that could be told, a fraction.
    pub share: f64,
}

/// A range that no candidate may touch, and what of the attack comes from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Excluded {
    /// The range.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub range: IpNet,
    /// Why.
    pub reason: String,
    /// Its part of the attack's requests, a fraction.
    pub attack_share: f64,
}

/// What to block, in sets of growing size.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Candidates {
    /// The sets, smallest first; a larger one is there only where it is better.
    pub sets: Vec<CandidateSet>,
    /// What they rest on.
    pub classified: Classified,
    /// Ranges that are never candidates although the attack comes from them.
    pub excluded: Vec<Excluded>,
    /// Why there is no set, where there is none.
    pub reason: Option<String>,
}
