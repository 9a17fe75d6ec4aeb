//! API Gateway's metrics of one set of dimensions.
//!
//! `Count` has one datum of 1 a request (read with `SampleCount`); `4XXError`, `5XXError`, `CacheHitCount` and
//! `CacheMissCount` have one datum of 0 or 1 a request, so that Sum is the number and Average the rate; latencies are
//! milliseconds (all documented). Where a request was refused before the integration there is no `IntegrationLatency`
//! (inferred).

use chrono::{DateTime, Utc};

use super::backend::{Latency, QUANTILES};
use super::chance::{Chance, whole};
use crate::scenario::LatencySpec;
use crate::state::{MetricStore, SeriesId, SeriesKey};

/// Handles of the series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    count: SeriesId,
    client_errors: SeriesId,
    server_errors: SeriesId,
    latency: SeriesId,
    integration: SeriesId,
    /// Hits and misses of the cache, which HTTP APIs do not have.
    cache: Option<[SeriesId; 2]>,
    /// Bytes, which only HTTP APIs count.
    data: Option<SeriesId>,
}

/// Whose names metrics have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// `4XXError`, `5XXError`, `CacheHitCount`, … by `ApiName`.
    Rest,
    /// `4xx`, `5xx`, `DataProcessed`, … by `ApiId`.
    Http,
}

/// Bytes of a request and its answer (the range's own figure).
const BYTES: f64 = 2_400.0;

/// What one second brought, ready to be written.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    /// Requests that count.
    pub(crate) requests: u64,
    /// Of them, answered with 4XX.
    pub(crate) client_errors: u64,
    /// Of them, answered with 5XX.
    pub(crate) server_errors: u64,
    /// Cache hits.
    pub(crate) hits: u64,
    /// Cache misses.
    pub(crate) misses: u64,
    /// Milliseconds and how many requests took them, as the client saw it.
    pub(crate) latency: Vec<(f64, u64)>,
    /// Answered by API Gateway itself before the integration; their latency is drawn by [`Tally::finish`].
    refused: u64,
    /// Milliseconds and how many requests took them, of the integration.
    pub(crate) integration: Vec<(f64, u64)>,
}

/// Milliseconds that API Gateway itself adds to an integration (the range's own figure).
pub(crate) const OVERHEAD_MS: f64 = 3.0;
/// How long API Gateway takes to refuse, and to answer out of the cache (the range's own figures).
pub(crate) const REFUSAL: LatencySpec = LatencySpec { p50: 2.0, p99: 9.0 };
/// See [`REFUSAL`].
pub(crate) const CACHE_HIT: LatencySpec = LatencySpec { p50: 4.0, p99: 18.0 };

impl Series {
    pub(crate) fn new(metrics: &mut MetricStore, family: Family, dimensions: &[(&str, &str)]) -> Self {
        let rest = family == Family::Rest;
        let mut series = |metric| metrics.series(SeriesKey::new("AWS/ApiGateway", metric, dimensions));
        Self {
            count: series("Count"),
            client_errors: series(if rest { "4XXError" } else { "4xx" }),
            server_errors: series(if rest { "5XXError" } else { "5xx" }),
            latency: series("Latency"),
            integration: series("IntegrationLatency"),
            cache: rest.then(|| [series("CacheHitCount"), series("CacheMissCount")]),
            data: (!rest).then(|| series("DataProcessed")),
        }
    }

    /// Writes a second.
    pub(crate) fn write(&self, metrics: &mut MetricStore, at: DateTime<Utc>, tally: &Tally) {
        if tally.requests == 0 {
            return;
        }
        metrics.record(self.count, at, 1.0, tally.requests);
        for (id, ones) in [(self.client_errors, tally.client_errors), (self.server_errors, tally.server_errors)] {
            metrics.record(id, at, 1.0, ones);
            metrics.record(id, at, 0.0, tally.requests.saturating_sub(ones));
        }
        let cached = tally.hits + tally.misses;
        if let Some(data) = self.data {
            metrics.record(data, at, BYTES, tally.requests);
        }
        for (id, ones) in self.cache.into_iter().flatten().zip([tally.hits, tally.misses]) {
            metrics.record(id, at, 1.0, ones);
            metrics.record(id, at, 0.0, cached - ones);
        }
        for (id, values) in [(self.latency, &tally.latency), (self.integration, &tally.integration)] {
            for (ms, count) in values {
                metrics.record(id, at, *ms, *count);
            }
        }
    }
}

/// How long an integration took to answer.
pub(crate) struct Answered<'a> {
    /// When nothing is wrong.
    pub(crate) latency: &'a Latency,
    /// Factor on it.
    pub(crate) slower: f64,
    /// Added to it, in milliseconds.
    pub(crate) wait_ms: f64,
    /// What took longer was not answered and is not here.
    pub(crate) timeout_ms: f64,
}

impl Tally {
    /// Adds another's requests to this one's.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.requests += other.requests;
        self.client_errors += other.client_errors;
        self.server_errors += other.server_errors;
        self.hits += other.hits;
        self.misses += other.misses;
        self.latency.extend_from_slice(&other.latency);
        self.integration.extend_from_slice(&other.integration);
    }

    /// Empties it, keeping its room.
    pub(crate) fn clear(&mut self) {
        (self.requests, self.client_errors, self.server_errors, self.hits, self.misses) = (0, 0, 0, 0, 0);
        self.latency.clear();
        self.integration.clear();
    }

    /// Requests that the integration answered after `latency` times `slower` plus `wait_ms`, and before `timeout_ms`.
    pub(crate) fn integrated(&mut self, how: &Answered<'_>, requests: u64, chance: &mut Chance) {
        let (client, integration) = (&mut self.latency, &mut self.integration);
        spread(how.latency, requests, chance, |ms, count| {
            let ms = (ms * how.slower + how.wait_ms).min(how.timeout_ms);
            integration.push((ms, count));
            client.push((ms + OVERHEAD_MS, count));
        });
    }

    /// Requests whose integration failed after just so many milliseconds.
    pub(crate) fn failed(&mut self, ms: f64, requests: u64) {
        if requests > 0 {
            self.integration.push((ms, requests));
            self.latency.push((ms + OVERHEAD_MS, requests));
        }
    }

    /// Requests that API Gateway or WAF refuse.
    pub(crate) fn refuse(&mut self, requests: u64, is_4xx: bool) {
        self.requests += requests;
        self.refused += requests;
        self.client_errors += if is_4xx { requests } else { 0 };
    }

    /// Draws the latencies of what needed no integration: refusals and cache hits.
    pub(crate) fn finish(&mut self, chance: &mut Chance) {
        let refused = std::mem::take(&mut self.refused);
        self.answered(&Latency::new(REFUSAL), refused, chance);
        self.answered(&Latency::new(CACHE_HIT), self.hits, chance);
    }

    /// Requests that API Gateway answered by itself.
    fn answered(&mut self, latency: &Latency, requests: u64, chance: &mut Chance) {
        let client = &mut self.latency;
        spread(latency, requests, chance, |ms, count| client.push((ms, count)));
    }
}

/// Spreads requests over a distribution: few are drawn one by one, many go to its quantiles.
pub(crate) fn spread(latency: &Latency, requests: u64, chance: &mut Chance, mut put: impl FnMut(f64, u64)) {
    if requests < QUANTILES.len() as u64 {
        for _ in 0..requests {
            put(latency.draw(chance), 1);
        }
        return;
    }
    // One random offset decides all roundings, so that the counts add up.
    let offset = chance.unit();
    let (mut share, mut given) = (0.0, 0);
    for (at, (_, part)) in QUANTILES.iter().enumerate() {
        share += part;
        let upto = if at + 1 == QUANTILES.len() {
            requests
        } else {
            whole((share * requests as f64 + offset).floor()).min(requests)
        };
        if upto > given {
            put(latency.at(at), upto - given);
            given = upto;
        }
    }
}
