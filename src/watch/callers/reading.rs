//! What an access log says of who calls: lines by address and by prefix, and all that one reading found. Plain data:
//! knows no queries.

use std::collections::HashMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;

use crate::model::address::surroundings;
use crate::model::top_list::TopList;

/// From when to when, UTC.
pub(in crate::watch) type Window = (DateTime<Utc>, DateTime<Utc>);

/// Lines by address.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    pub(super) lines: HashMap<IpAddr, f64>,
    /// All lines of the window.
    pub(super) total: f64,
    /// All addresses of it.
    pub(super) distinct: f64,
    /// The same, and lines in another format than the stage's.
    pub(super) all: f64,
    /// Lines that do not say who sent them: of the total, unless it is sure that lines in the stage's format do.
    pub(super) unread: f64,
    /// What the address with the fewest listed lines sent, where there are more addresses than an answer has rows:
    /// nobody who is not listed sent more.
    pub(super) unlisted_at_most: Option<f64>,
}

impl Addresses {
    /// Whether every address of the window is listed.
    pub(super) fn are_all_listed(&self) -> bool {
        self.unlisted_at_most.is_none()
    }

    /// The part of the lines that the listed addresses sent.
    pub(super) fn listed_share(&self) -> f64 {
        self.listed_of(self.total)
    }

    /// The same of all lines that may be the stage's: those in another format too, which it may have had then.
    pub(super) fn listed_share_at_least(&self) -> f64 {
        self.listed_of(self.all)
    }

    fn listed_of(&self, all: f64) -> f64 {
        let listed: f64 = self.lines.values().sum();
        if all > 0.0 { (listed / all).min(1.0) } else { 1.0 }
    }
}

/// Requests of a prefix, and how many addresses sent them, as Insights estimates it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) requests: f64,
    pub(super) addresses: f64,
}

/// Requests by prefix.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    pub(super) by: HashMap<IpNet, Sum>,
    /// All lines of the window.
    pub(super) total: f64,
    /// Whether every prefix is among them.
    pub(super) whole: bool,
}

impl Prefixes {
    /// Adds up addresses that are all listed.
    pub(super) fn of(addresses: &Addresses) -> Self {
        let mut prefixes = Self { by: HashMap::new(), total: addresses.total, whole: true };
        for (address, requests) in &addresses.lines {
            let sum = prefixes.by.entry(surroundings(*address)).or_default();
            sum.requests += requests;
            sum.addresses += 1.0;
        }
        prefixes
    }
}

/// What the log says.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) now: Addresses,
    pub(super) before: Option<Addresses>,
    /// Lines by address of the kinds that rose; `None` where nothing is known to have risen.
    pub(super) risen: Option<HashMap<IpAddr, f64>>,
    /// Those kinds, neutralised.
    pub(super) rose: Vec<String>,
    /// What the requests have in common, as far as the format says it.
    pub(super) top: Vec<TopList>,
    /// What could not be asked, a line each.
    pub(super) missing: Vec<String>,
}
