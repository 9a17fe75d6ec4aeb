//! What a responder can ask for: one typed change to the account each.

use serde::{Deserialize, Serialize};

use super::address::Target;
use super::stage::StageSelector;

/// An action as asked for, before anything was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Add prefixes to the IP sets that block on a stage.
    BlockIp(BlockIp),
}

impl Action {
    /// The action's name as it is typed.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::BlockIp(_) => "block-ip",
        }
    }

    /// The stage it is asked for.
    #[must_use]
    pub fn stage(&self) -> &StageSelector {
        match self {
            Self::BlockIp(block) => &block.stage,
        }
    }

    /// What every action carries.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        match self {
            Self::BlockIp(block) => &block.terms,
        }
    }

    /// What every action carries, to be changed.
    pub fn terms_mut(&mut self) -> &mut Terms {
        match self {
            Self::BlockIp(block) => &mut block.terms,
        }
    }
}

/// What every action carries: how long, why, and which guards are overridden.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Seconds after which it is to be undone; `None` means until somebody undoes it.
    pub expires_after_seconds: Option<u64>,
    /// Why, in the responder's words.
    pub reason: Option<String>,
    /// Ids of guards whose `stop` is overridden; needs a reason.
    pub overrides: Vec<String>,
}

/// Add prefixes to the IP sets that block on a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockIp {
    /// The stage to protect.
    pub stage: StageSelector,
    /// What to block, in the order given.
    pub targets: Vec<Target>,
    /// IP sets (name, id or ARN) to use where several would do.
    pub ip_sets: Vec<String>,
    /// How long, why, which overrides.
    #[serde(flatten)]
    pub terms: Terms,
}
