//! What is believed of the stages: which attacks stand on them, and which measures of ours are in force. Made by the
//! desk, and handed to whoever reads figures.
//!
//! Knows nothing of how it is found out.

use super::attack::Attacks;
use super::measure::Measures;

/// Attacks and measures of one account and region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beliefs {
    /// The attacks that are pinned.
    pub attacks: Attacks,
    /// The measures in force.
    pub measures: Measures,
}

impl From<Attacks> for Beliefs {
    fn from(attacks: Attacks) -> Self {
        Self { attacks, ..Self::default() }
    }
}
