//! The accounts and regions watched, each with what was last heard from it.
//!
//! Nothing of one is ever shown as another's: whoever asks says of which connection.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::board::{Board, StageRow};
use crate::model::connection::{ConnectionId, StageAt};
use crate::model::playbook::RunRecord;

use super::timeline_view::TimelineView;

/// One account and region to watch, before anybody has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What its rows are called where there are several: `ops`, `eu-west-1`, `ops/eu-west-1`.
    pub name: String,
    /// What is shown where the account is until credentials have answered, e.g. `profile ops, eu-west-1`.
    pub words: String,
    /// How a stage in it is written: what stands before `api/stage`, e.g. `ops/eu-west-1:`.
    pub prefix: String,
}

impl Target {
    /// The only one: it needs no name of its own.
    #[must_use]
    pub fn only(words: impl Into<String>) -> Self {
        Self { name: String::new(), words: words.into(), prefix: String::new() }
    }
}

/// What is known of one connection.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) target: Target,
    /// `None` until the first board.
    pub(crate) board: Option<Arc<Board>>,
    /// Account time, as last heard.
    pub(crate) now: Option<DateTime<Utc>>,
    pub(crate) rate: f64,
    pub(crate) timeline: Arc<TimelineView>,
    pub(crate) runs: Arc<[RunRecord]>,
    /// The connection that is the same account and region, and writes for both.
    pub(crate) same_as: Option<ConnectionId>,
    /// What plans and changes wait for there.
    pub(crate) waiting: Option<String>,
}

impl Watched {
    fn new(target: Target) -> Self {
        Self {
            target,
            board: None,
            now: None,
            rate: 1.0,
            timeline: Arc::default(),
            runs: Arc::new([]),
            same_as: None,
            waiting: None,
        }
    }

    /// The age of its figures; `None` while there are none.
    pub(crate) fn age(&self) -> Option<TimeDelta> {
        Some(self.now? - self.board.as_ref()?.polling.read_at?)
    }

    /// Its stages; none before the first board.
    pub(crate) fn stages(&self) -> &[StageRow] {
        self.board.as_ref().map_or(&[], |board| &board.stages)
    }

    /// Why there is no stage of it, where it could not be read.
    pub(crate) fn unread(&self) -> Option<&str> {
        self.trouble().filter(|_| self.stages().is_empty())
    }

    /// What goes wrong there, where something does.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.board.as_ref()?.polling.trouble.as_deref()
    }
}

/// Every connection. Never empty.
#[derive(Debug)]
pub(crate) struct Fleet {
    first: Watched,
    rest: Vec<Watched>,
}

impl Fleet {
    pub(crate) fn new(targets: Vec<Target>) -> Self {
        let mut all = targets.into_iter().map(Watched::new);
        let first = all.next().unwrap_or_else(|| Watched::new(Target::only("asking AWS who we are")));
        Self { first, rest: all.collect() }
    }

    /// Whether there is more than one, so that everything has to say whose it is.
    pub(crate) fn several(&self) -> bool {
        !self.rest.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        1 + self.rest.len()
    }

    /// Whether there is such a connection; what comes from any other is dropped.
    pub(crate) fn knows(&self, at: ConnectionId) -> bool {
        at.0 < self.len()
    }

    pub(crate) fn get(&self, at: ConnectionId) -> &Watched {
        at.0.checked_sub(1).and_then(|n| self.rest.get(n)).unwrap_or(&self.first)
    }

    pub(crate) fn get_mut(&mut self, at: ConnectionId) -> &mut Watched {
        at.0.checked_sub(1).and_then(|n| self.rest.get_mut(n)).unwrap_or(&mut self.first)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConnectionId, &Watched)> {
        std::iter::once(&self.first).chain(&self.rest).enumerate().map(|(n, watched)| (ConnectionId(n), watched))
    }

    /// The one after `at`, the first after the last.
    pub(crate) fn after(&self, at: ConnectionId) -> ConnectionId {
        ConnectionId((at.0 + 1) % self.len())
    }

    /// The row of a stage.
    pub(crate) fn row(&self, of: &StageAt) -> Option<&StageRow> {
        self.get(of.at).board.as_deref()?.row(&of.stage)
    }

    /// A connection's name; empty where there is only one.
    pub(crate) fn name(&self, at: ConnectionId) -> &str {
        &self.get(at).target.name
    }

    /// What is waited for, and where if there are several; the first, which is as good as any.
    pub(crate) fn waiting(&self) -> Option<String> {
        let (at, what) = self.iter().find_map(|(at, watched)| Some((at, watched.waiting.as_ref()?)))?;
        Some(if self.several() { format!("{}: {what}", self.name(at)) } else { what.clone() })
    }

    /// A stage as it is written on a command line that knows the same profiles and regions: `ops/eu-west-1:shop/prod`.
    pub(crate) fn label(&self, of: &StageAt) -> String {
        let label = of.stage.label();
        if self.several() { format!("{}{label}", self.get(of.at).target.prefix) } else { label }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_numbered_in_the_order_of_their_targets() {
        let target = |name: &str| Target { name: name.into(), ..Target::only(name) };
        let fleet = Fleet::new(vec![target("a"), target("b"), target("c")]);
        let names: Vec<&str> = (0..3).map(|n| fleet.name(ConnectionId(n))).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(fleet.several() && fleet.knows(ConnectionId(2)) && !fleet.knows(ConnectionId(3)));
        assert_eq!((fleet.after(ConnectionId(1)), fleet.after(ConnectionId(2))), (ConnectionId(2), ConnectionId(0)));
        assert!(!Fleet::new(Vec::new()).several());
    }
}
