//! What is known of the account and region as a whole: whose it is, and what all its stages do together.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::rows::{Entry, RowKey};
use crate::model::board::{HISTORY_MINUTES, Metric};
use crate::model::identity::Identity;
use crate::model::limits::Limit;
use crate::model::series::Series;
use crate::model::stage::Place;
use crate::watch::store::Held;

/// Minutes of the account's requests that are added up anew after a poll: late points change.
const ACCOUNT_MINUTES: i64 = 10;

/// Minutes before one that is not published that tell how much may be missing.
const LATELY: usize = 10;

/// The part of the account's requests that may be missing from a minute that is told.
const LITTLE: f64 = 0.02;

/// How many times the busiest stage's requests another must have to be it.
const CLEARLY: f64 = 1.2;

/// The account and region as a whole.
pub(in crate::watch) struct Account {
    pub(in crate::watch) region: String,
    /// Where the stages are, as settings may name it.
    pub(in crate::watch) place: Place,
    pub(in crate::watch) identity: Option<Identity>,
    /// Its own limit, where it was read.
    pub(in crate::watch) limit: Option<Limit>,
    /// Requests a minute of all stages together.
    pub(in crate::watch) requests: Series,
    /// The stage with the most requests: on it what concerns all of them is told.
    pub(in crate::watch) busiest: Option<RowKey>,
}

impl Account {
    pub(super) fn new(region: &str) -> Self {
        Self {
            region: region.to_owned(),
            place: Place { profile: None, region: Some(region.to_owned()) },
            identity: None,
            limit: None,
            requests: Series::new(HISTORY_MINUTES),
            busiest: None,
        }
    }

    /// The requests of all stages that are called together, anew up to the minute `last`, where what is not published
    /// of a minute is too little to matter, by what those stages received before.
    pub(super) fn add_up(&mut self, called: &[&Held], last: DateTime<Utc>) {
        for back in 0..ACCOUNT_MINUTES {
            let minute = last - TimeDelta::minutes(back);
            let (mut known, mut missing, mut any) = (0.0, 0.0, false);
            for held in called {
                match held.series()[0].at(minute) {
                    Some(requests) => (known, any) = (known + requests, true),
                    None => missing += usual_before(&held.series()[0], minute),
                }
            }
            if any && missing <= known * LITTLE {
                self.requests.set(minute, known);
            }
        }
    }

    /// Keeps the busiest stage until another one clearly is: what is told on it must not hop between two.
    pub(super) fn find_busiest(&mut self, entries: &BTreeMap<RowKey, Entry>, minute: DateTime<Utc>) {
        let requests = |entry: &Entry| entry.history[Metric::Requests.index()].at(minute).unwrap_or(0.0);
        let most = entries.iter().map(|(key, entry)| (requests(entry), key)).max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((most, key)) = most.filter(|(requests, _)| *requests > 0.0) else {
            self.busiest = None;
            return;
        };
        let held = self.busiest.as_ref().and_then(|key| entries.get(key)).map_or(0.0, requests);
        if held * CLEARLY < most {
            self.busiest = Some(key.clone());
        }
    }

    /// Its minutes are to be read again.
    pub(super) fn forget_minutes(&mut self) {
        self.requests = Series::new(HISTORY_MINUTES);
    }
}

/// The most that a stage received in a minute lately, before `minute`, of which nothing is there.
fn usual_before(requests: &Series, minute: DateTime<Utc>) -> f64 {
    let before = requests.window(minute - TimeDelta::minutes(1), LATELY);
    before.into_iter().flatten().fold(0.0, f64::max)
}
