//! Two names for one account and region: only one of the connections writes, to the account and to its journal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::model::connection::ConnectionId;
use crate::model::identity::AccountRegion;

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
    /// Called once it is known where the connection leads: the first that says so writes from then on. Gives the one that does,
    /// where it is another.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_leads_somewhere_writes_there() {
        let place = |region: &str| AccountRegion { account: "111122223333".into(), region: region.into() };
        let writers = Writers::default();
        let [a, b, c] = [0, 1, 2].map(|n| writers.of(ConnectionId(n), &format!("c{n}")));
        assert_eq!(b.lead_to(&place("eu-west-1")), None);
        assert_eq!(a.lead_to(&place("eu-west-1")), Some(ConnectionId(1)));
        assert_eq!(c.lead_to(&place("us-east-1")), None);
        assert_eq!((a.other(), b.other(), c.other()), (Some("c1"), None, None));
        assert_eq!(b.lead_to(&place("eu-west-1")), None, "asked again, it is still the one");
    }
}
