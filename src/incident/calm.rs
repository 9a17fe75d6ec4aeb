//! How long an incident has been calm. The next attack may be another then, and what is believed of the last one (when
//! it began, who was there before) must not be believed of it.

use chrono::{DateTime, TimeDelta, Utc};

use super::event::Event;
use super::folded::Folded;
use crate::model::attack::RestsOn;
use crate::model::signal::Severity;

/// An incident that has been calm for so long takes no attack without somebody who says so.
pub const CALM: TimeDelta = TimeDelta::hours(12);

impl Folded {
    /// Since when it has been calm, where at `now` (account time) that is too long to take the next attack without a
    /// word.
    #[must_use]
    pub fn long_calm(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        too_long(self.calm_since(), now)
    }

    /// Since when nothing was done and no attack stood (account time); `None` while one stands, and where nothing could
    /// be read.
    ///
    /// An attack stands while its signals do; one that somebody has spoken of, which may do harm without volume, until
    /// somebody says that it has ended.
    #[must_use]
    pub fn calm_since(&self) -> Option<DateTime<Utc>> {
        let signalled = self.standing().any(|signal| signal.severity == Severity::Attack);
        let spoken_of = self.attacks.iter().any(|attack| attack.stands() && attack.rests_on == RestsOn::Person);
        self.stirred_at.filter(|_| !signalled && !spoken_of)
    }
}

/// Since when an incident has been calm, where at `now` that is too long to take an attack without a word.
pub(super) fn too_long(calm_since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    calm_since.filter(|since| now.signed_duration_since(since) >= CALM)
}

/// That an incident was left aside for a new one, in words.
#[must_use]
pub fn left_aside(id: &str, since: DateTime<Utc>, new: &str) -> String {
    format!(
        "incident {id} is open, and nothing has happened in it since {}: this is written to a new one, {new}. Where it belongs to the former, \
         name that with --incident {id}",
        since.format("%Y-%m-%d %H:%M:%SZ")
    )
}

/// Whether an incident is not calm when this happens: something is done, or an attack begins or ends. Looking at it and
/// writing about it are not enough.
pub(super) fn stirs(folded: &Folded, event: &Event) -> bool {
    if let Event::SignalRaised { signal, .. } = event {
        return signal.severity == Severity::Attack;
    }
    if let Event::SignalEnded { stage, kind, .. } = event {
        let mut ending = folded.standing().filter(|s| s.stage == *stage && s.kind == *kind);
        return ending.any(|s| s.severity == Severity::Attack);
    }
    event.is_deed()
}
