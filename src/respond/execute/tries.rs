//! What is known of the attempts to make one change: in which way, how often, what is in doubt, and how long AWS may go
//! on limiting them.
//!
//! Knows neither calls nor readings.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::aws::AwsError;
use crate::model::waf::IpSet;

/// Account time for which a write, or a reading, is repeated that AWS turns away as one too many. When it is sent
/// again, the pace decides.
pub(super) const LIMITED_FOR: TimeDelta = TimeDelta::minutes(5);
/// In words, of an answer that says that a call was one too many, where it has been waited for as long as is waited.
pub(super) fn kept_throttling(error: &AwsError) -> String {
    format!("AWS kept throttling {} for {} minutes", error.operation, LIMITED_FOR.num_minutes())
}

/// In which way a change is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// As it was confirmed: nothing is sent of which the journal does not know.
    Confirmed,
    /// What was is to be again. The journal has the intent, and is not waited for. One call whose answer does not tell,
    /// or one reading that fails, ends it: whoever asks comes back at once, and looks at what is there before.
    Back {
        /// Whether an earlier call may take effect after the look: then it is written whatever shows, and only
        /// an answer that says so makes it done.
        doubt: bool,
    },
}

/// What a resource holds, by one reading.
#[derive(Debug, Clone)]
pub(super) enum Reading {
    Entries(IpSet),
    Values(Map<String, Value>),
}

/// What is known of the attempts to make one change.
#[derive(Debug)]
pub(super) struct Tries {
    pub(super) manner: Manner,
    pub(super) doubt: Doubt,
    pub(super) patience: Patience,
    /// Calls that were sent, and when the last was (account time).
    pub(super) sent: usize,
    pub(super) sent_at: Option<DateTime<Utc>>,
    /// Whether one was accepted.
    pub(super) accepted: bool,
    /// What has been read already, for the first attempt.
    pub(super) read: Option<Reading>,
    /// The lock token that was sent last.
    pub(super) token: String,
    pub(super) merges: usize,
    pub(super) not_yet: usize,
}

impl Tries {
    pub(super) fn new(manner: Manner, patience: Patience) -> Self {
        let (doubt, token) = (Doubt::default(), String::new());
        Self {
            manner,
            doubt,
            patience,
            sent: 0,
            sent_at: None,
            accepted: false,
            read: None,
            token,
            merges: 0,
            not_yet: 0,
        }
    }

    pub(super) fn reading(self, read: Option<Reading>) -> Self {
        Self { read, ..self }
    }

    /// Whether it is written although it shows already.
    pub(super) fn is_written_anyway(&self) -> bool {
        self.manner == Manner::Back { doubt: true }
    }

    /// The end of a sentence that says why a change was not made.
    pub(super) fn next_step(&self) -> &'static str {
        if self.puts_back() { "" } else { ". Plan again" }
    }

    pub(super) fn puts_back(&self) -> bool {
        self.manner != Manner::Confirmed
    }
}

/// What is not known of the attempts so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Doubt {
    /// Sendings whose answer did not tell.
    pub(super) sendings: usize,
    /// Whether what became of them is still open.
    open: bool,
    /// Whether one of them may take effect yet.
    pub(super) may_land: bool,
}

impl Doubt {
    pub(super) fn add(&mut self, ended: bool) {
        self.sendings += 1;
        self.open = true;
        self.may_land |= !ended;
    }

    /// What was sent has not done it, and never will.
    pub(super) fn settled(&mut self) {
        self.open = false;
        self.may_land = false;
    }

    pub(super) fn may_land(self) -> bool {
        self.may_land
    }

    pub(super) fn is_open(self) -> bool {
        self.open
    }
}

/// Until when AWS may go on limiting the calls of one change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) until: DateTime<Utc>,
    /// Whether it has been said that something is waited for.
    pub(super) said: bool,
}
