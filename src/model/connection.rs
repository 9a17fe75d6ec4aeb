//! Which account and region something belongs to, where the console watches several at once.

use super::stage::StageId;

/// One of the console's connections: a profile, a region, and the account that they turn out to be. Numbered in the
/// order in which they were asked for, from 0; says nothing outside of the process that gave it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub usize);

impl ConnectionId {
    /// The first one, and the only one where one profile in one region is watched.
    pub const FIRST: Self = Self(0);
}

/// A stage and the connection that it was seen through. Two accounts may have stages that are alike to the last letter
/// of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StageAt {
    /// The connection.
    pub at: ConnectionId,
    /// The stage.
    pub stage: StageId,
}
