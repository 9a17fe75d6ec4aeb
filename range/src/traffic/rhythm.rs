//! The rhythm of the day in what an account's metrics remember: whose traffic each series is made of, out of the
//! range's own books.

use super::Traffic;
use super::front::Front;
use super::truth::Counts;
use crate::scenario::DailySpec;
use crate::state::{Mix, Rhythm, SeriesKey, Swing};

/// The curve of a specification.
pub(super) fn of(daily: DailySpec) -> Rhythm {
    Rhythm { peak: daily.peak.second, trough: daily.trough }
}

/// How many of a population's requests a series counts.
type Of = fn(&Counts) -> u64;

/// Of whose data a series consists, and of whose above zero.
fn counted(namespace: &str, metric: &str) -> (Of, Of) {
    let requests: Of = |counts| counts.requests;
    let cached: Of = |counts| counts.cache_hits + counts.integrated();
    match (namespace, metric) {
        (_, "4XXError" | "4xx") => (requests, Counts::status_4xx),
        (_, "5XXError" | "5xx") => (requests, |counts| counts.server_errors),
        (_, "CacheHitCount") => (cached, |counts| counts.cache_hits),
        (_, "CacheMissCount") => (cached, Counts::integrated),
        (_, "IntegrationLatency") => (Counts::integrated, Counts::integrated),
        ("AWS/WAFV2", "AllowedRequests") => (|counts| counts.requests - counts.waf_blocked, requests),
        ("AWS/WAFV2", "BlockedRequests") => (|counts| counts.waf_blocked, requests),
        _ => (requests, requests),
    }
}

impl Traffic {
    /// How a series swings over the day, after what traffic has been so far; `None` where nobody has a rhythm.
    pub(crate) fn swing(&self, key: &SeriesKey) -> Option<Swing> {
        if self.crowds.iter().all(|crowd| crowd.conduct.rhythm == Rhythm::EVEN) {
            return None;
        }
        let (data, above_zero) = counted(&key.namespace, &key.metric);
        let mut swing = Swing { sums: key.namespace == "AWS/WAFV2", ..Swing::default() };
        for crowd in self.crowds.iter().filter(|crowd| self.is_of(&self.fronts[crowd.front], key)) {
            let rhythm = crowd.conduct.rhythm;
            let (mut counts, mut share) = (Counts::default(), 0.0);
            for (minute, had) in self.truth.minutes(crowd.book) {
                counts.add(had);
                share += rhythm.at(minute * 60 + 30);
            }
            let at_peak = |count: u64| if share > 0.0 { count as f64 / share } else { 0.0 };
            swing.data.add(at_peak(data(&counts)), rhythm);
            swing.above_zero.add(at_peak(above_zero(&counts)), rhythm);
        }
        (swing.data != Mix::default()).then_some(swing)
    }

    /// Whether what is sent to a stage is in a series. Methods, rules and labels are not told apart.
    fn is_of(&self, front: &Front, key: &SeriesKey) -> bool {
        let acl = front.shield.and_then(|shield| self.shields.get(shield)).map(|shield| shield.acl.name.as_str());
        let fits = |(name, value): &(String, String)| match name.as_str() {
            "ApiName" => *value == front.id.name,
            "ApiId" => *value == front.id.api,
            "Stage" => *value == front.id.stage,
            "WebACL" => Some(value.as_str()) == acl,
            _ => key.namespace != "AWS/WAFV2" || acl.is_some(),
        };
        key.dimensions.iter().all(fits)
    }
}
