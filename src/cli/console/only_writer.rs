//! Two names for one account and region: only one of the connections writes, to the account and to its journal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::model::connection::ConnectionId;
use crate::model::identity::AccountRegion;
use crate::respond::desk::books::Permit;

/// Who writes to which account and region; shared by every connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Writers(Arc<Mutex<HashMap<AccountRegion, (ConnectionId, String)>>>);

impl Writers {
    /// The part of a connection that is called `name`.
    pub(super) fn of(&self, at: ConnectionId, name: &str) -> OnlyWriter {
        OnlyWriter { writers: self.clone(), at, name: name.to_owned(), other: Arc::default() }
    }
}

/// Whether one connection writes to its account and region. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct OnlyWriter {
    writers: Writers,
    at: ConnectionId,
    name: String,
    other: Arc<OnceLock<(ConnectionId, String)>>,
}

impl OnlyWriter {
    /// Called once it is known where the connection leads: the first that says so writes from then on. Gives the one
    /// that does, where it is another.
    pub(super) fn lead_to(&self, place: &AccountRegion) -> Option<ConnectionId> {
        let mut writers = self.writers.0.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = writers.entry(place.clone()).or_insert_with(|| (self.at, self.name.clone()));
        if writer.0 == self.at {
            return None;
        }
        Some(self.other.get_or_init(|| writer.clone()).0)
    }

    /// The name of the connection that writes in this one's place.
    pub(super) fn other(&self) -> Option<&str> {
        self.other.get().map(|(_, name)| name.as_str())
    }
}

/// What a console's connection may do to its account.
#[derive(Debug)]
pub(super) struct Rights {
    pub(super) only_writer: OnlyWriter,
    /// Whether the console was started to make changes; the screen knows it too, and either of them is enough to
    /// refuse.
    pub(super) may_write: bool,
}

impl Permit for Rights {
    fn may_keep(&self, at: &AccountRegion) -> Result<(), String> {
        self.only_writer.lead_to(at);
        match self.only_writer.other() {
            Some(other) => Err(format!("{other} is the same account and region and keeps its journal; do it there")),
            None => Ok(()),
        }
    }

    fn may_change(&self, at: &AccountRegion) -> Result<(), String> {
        if !self.may_write {
            return Err("this console is read-only, so nothing was done; start it with --armed".to_owned());
        }
        self.only_writer.lead_to(at);
        match self.only_writer.other() {
            Some(other) => Err(format!("{other} is the same account and region and alone changes it; do it there")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_leads_somewhere_writes_there() {
        let place = |region: &str| AccountRegion::of_aws("111122223333", region);
        let writers = Writers::default();
        let [a, b, c] = [0, 1, 2].map(|n| writers.of(ConnectionId(n), &format!("c{n}")));
        assert_eq!(b.lead_to(&place("eu-west-1")), None);
        assert_eq!(a.lead_to(&place("eu-west-1")), Some(ConnectionId(1)));
        assert_eq!(c.lead_to(&place("us-east-1")), None);
        assert_eq!((a.other(), b.other(), c.other()), (Some("c1"), None, None));
        assert_eq!(b.lead_to(&place("eu-west-1")), None, "asked again, it is still the one");
    }
}
