//! WAF's sampled requests: what `GetSampledRequests` draws from.
//!
//! Records stand for many requests of one flow; the store knows nothing of how a verdict came about.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};

use super::ids::{self, Ids};

/// The part of a sampled request that a whole flow shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledRequest {
    /// The method.
    pub method: String,
    /// Path and query, exactly as the client sent them: an attacker's text.
    pub uri: String,
    /// Such as `HTTP/1.1`.
    pub http_version: String,
    /// Names and values in order: an attacker's text.
    pub headers: Vec<(String, String)>,
}

/// What WAF made of the flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledVerdict {
    /// `ALLOW`, `BLOCK`, `COUNT`, `CAPTCHA` or `CHALLENGE`.
    pub action: String,
    /// The rule inside a rule group that matched, written `vendor#group#rule` for managed groups.
    pub rule_within_group: Option<String>,
    /// Labels on the request.
    pub labels: Vec<String>,
    /// Set where WAF answered by itself.
    pub response_code: Option<u16>,
    /// Where a Count override changed the action: the action that the rule group had meant.
    pub overridden_action: Option<String>,
}

/// One record: a request standing for `count` alike ones from the same address at about the same moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: DateTime<Utc>,
    /// The address WAF saw.
    pub client_ip: IpAddr,
    /// ISO 3166-1 alpha-2, or `-`.
    pub country: Arc<str>,
    /// The request.
    pub request: Arc<SampledRequest>,
    /// The verdict.
    pub verdict: Arc<SampledVerdict>,
    /// How many requests this record stands for; at least 1.
    pub count: u32,
}

/// A drawn sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Records with the weight of each: how many of the drawn requests it stands for.
    pub rows: Vec<(Sample, u64)>,
    /// How many requests the sample was drawn from: those of the window that was really covered.
    pub population: u64,
    /// Start of the window covered.
    pub from: DateTime<Utc>,
    /// End of the window covered: earlier than asked where the first 5,000 requests came before it.
    pub to: DateTime<Utc>,
}

/// Sampled requests by web ACL and rule metric name.
#[derive(Debug, Clone)]
pub struct SampleStore {
    rings: HashMap<String, HashMap<String, VecDeque<Sample>>>,
    seed: u64,
}

impl SampleStore {
    /// Only the first so many requests of a window are candidates (documented).
    pub const CANDIDATES: u64 = 5_000;
    /// Nothing older can be asked for (documented).
    pub const RETENTION_HOURS: i64 = 3;
    /// Records kept for each rule; beyond it the older ones are thinned out. A bound on memory, not one of AWS's.
    const RING: usize = 100_000;

    /// Minutes of which nothing is thinned out.
    const WHOLE_MINUTES: i64 = 10;

    /// An empty store whose draws are keyed by `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rings: HashMap::new(), seed }
    }

    /// Keeps a record for a rule (by its metric name) of a web ACL (by its ARN). Records arrive in order of time.
    pub fn record_sample(&mut self, web_acl_arn: &str, rule_metric: &str, sample: Sample) {
        if !self.has(web_acl_arn, rule_metric) {
            let rules = self.rings.entry(web_acl_arn.to_owned()).or_default();
            rules.insert(rule_metric.to_owned(), VecDeque::new());
        }
        let rules = self.rings.get_mut(web_acl_arn);
        let Some(ring) = rules.and_then(|rules| rules.get_mut(rule_metric)) else { return };
        let oldest = sample.at - Duration::hours(Self::RETENTION_HOURS);
        while ring.front().is_some_and(|first| first.at < oldest) {
            ring.pop_front();
        }
        if ring.len() >= Self::RING {
            thin(ring, sample.at - Duration::minutes(Self::WHOLE_MINUTES));
        }
        while ring.len() >= Self::RING {
            ring.pop_front();
        }
        ring.push_back(sample);
    }

    /// Whether anything was ever recorded for a rule of a web ACL.
    #[must_use]
    pub fn has(&self, web_acl_arn: &str, rule_metric: &str) -> bool {
        self.ring(web_acl_arn, rule_metric).is_some()
    }

    fn ring(&self, web_acl_arn: &str, rule_metric: &str) -> Option<&VecDeque<Sample>> {
        self.rings.get(web_acl_arn)?.get(rule_metric)
    }

    /// Draws at most `max_items` requests out of the first 5,000 in `[from, to)`. The same question gets the same
    /// draw: chance is keyed by the seed and the question.
    #[must_use]
    pub fn draw(
        &self,
        web_acl_arn: &str,
        rule_metric: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        max_items: u64,
    ) -> Drawn {
        let mut drawn = Drawn { rows: Vec::new(), population: 0, from, to };
        let Some(ring) = self.ring(web_acl_arn, rule_metric) else {
            return drawn;
        };
        let mut candidates: Vec<(&Sample, u64)> = Vec::new();
        let first = ring.partition_point(|sample| sample.at < from);
        for sample in ring.range(first..).take_while(|sample| sample.at < to) {
            let room = Self::CANDIDATES - drawn.population;
            if room == 0 {
                drawn.to = sample.at;
                break;
            }
            let taken = u64::from(sample.count).min(room);
            if taken < u64::from(sample.count) {
                drawn.to = (sample.at + Duration::seconds(1)).min(to);
            }
            candidates.push((sample, taken));
            drawn.population += taken;
        }
        drawn.rows = self.choose(candidates, drawn.population, max_items, rule_metric, from);
        drawn
    }

    /// Draws requests without replacement, each as likely as any other; a record drawn several times becomes one row
    /// with that weight.
    fn choose(
        &self,
        candidates: Vec<(&Sample, u64)>,
        population: u64,
        max_items: u64,
        rule_metric: &str,
        from: DateTime<Utc>,
    ) -> Vec<(Sample, u64)> {
        let key = self.seed ^ ids::hash(rule_metric) ^ ids::mix(from.timestamp().unsigned_abs());
        let mut random = Ids::new(key);
        let (mut wanted, mut left) = (max_items.min(population), population);
        let mut rows = Vec::new();
        for (sample, count) in candidates {
            let mut weight = 0;
            for _ in 0..count {
                if random.next_u64() % left < wanted {
                    wanted -= 1;
                    weight += 1;
                }
                left -= 1;
            }
            if weight > 0 {
                rows.push((sample.clone(), weight));
            }
        }
        rows
    }
}

/// Halves what is older than `edge`: of every two records the first stands for both. What was before an attack must be
/// there for three hours, as AWS keeps it, and need not be there in full.
fn thin(ring: &mut VecDeque<Sample>, edge: DateTime<Utc>) {
    let recent = ring.split_off(ring.partition_point(|sample| sample.at < edge));
    let mut old = std::mem::replace(ring, recent).into_iter();
    let mut kept = VecDeque::new();
    while let Some(mut first) = old.next() {
        first.count = first.count.saturating_add(old.next().map_or(0, |second| second.count));
        kept.push_back(first);
    }
    kept.append(ring);
    *ring = kept;
}
