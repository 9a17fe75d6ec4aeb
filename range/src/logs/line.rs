//! Kinds of lines, how many came of each in a second, and the lines that they stand for.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use super::format::{Dynamic, Piece, common_log_time};
use crate::state::Ids;
use crate::state::ids::mix;
use crate::traffic::chance::Chance;
use crate::traffic::{Latency, OVERHEAD_MS, spread};

/// Addresses with running sums of their weights.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Roster {
    addresses: Vec<IpAddr>,
    sums: Vec<f64>,
}

impl Roster {
    pub(crate) fn new(addresses: Vec<IpAddr>, sums: Vec<f64>) -> Self {
        Self { addresses, sums }
    }

    /// How many addresses.
    pub(crate) fn len(&self) -> usize {
        self.addresses.len()
    }

    /// An address by its index.
    pub(crate) fn address(&self, at: usize) -> Option<IpAddr> {
        self.addresses.get(at).copied()
    }

    /// The index of an address, by weight.
    fn pick(&self, chance: &mut Chance) -> usize {
        let target = chance.unit() * self.sums.last().copied().unwrap_or(0.0);
        self.sums.partition_point(|sum| *sum <= target).min(self.addresses.len().saturating_sub(1))
    }
}

/// What is known of a single request that really came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) request_id: String,
    /// Milliseconds within its second.
    pub(crate) millis: u16,
}

/// Lines that are alike but for address, moment, latency and id.
#[derive(Debug)]
pub(crate) struct Kind {
    /// No other kind has it.
    serial: u64,
    pieces: Vec<Piece>,
    roster: Arc<Roster>,
    stream: Arc<str>,
    own: Option<Own>,
}

/// How long requests of one second took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    /// Without the rest.
    pub(crate) latency: Latency,
    /// Factor on it.
    pub(crate) slower: f64,
    /// Added to it, in milliseconds.
    pub(crate) wait_ms: f64,
    /// What nothing takes longer than.
    pub(crate) cap_ms: f64,
    /// Share that meets a cold start, and what that adds, in milliseconds.
    pub(crate) cold: (f64, f64),
    /// Whether the integration was asked: then the client waits a little longer than it took.
    pub(crate) integrated: bool,
}

impl Pace {
    /// Requests that API Gateway answers by itself.
    pub(crate) fn own(latency: Latency) -> Self {
        Self { latency, slower: 1.0, wait_ms: 0.0, cap_ms: f64::INFINITY, cold: (0.0, 0.0), integrated: false }
    }

    /// Requests whose integration took just so long.
    pub(crate) fn integrated(ms: f64) -> Self {
        Self { integrated: true, ..Self::own(Latency::fixed(ms)) }
    }
}

/// Requests of one kind in one second.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) kind: Arc<Kind>,
    pub(crate) count: u32,
    /// Index of the pace in its second.
    pace: u16,
}

/// Everything that came in one second.
#[derive(Debug, Clone)]
pub(crate) struct Second {
    /// Seconds since the epoch.
    pub(crate) at: i64,
    pub(crate) records: Vec<Record>,
    pub(super) paces: Vec<Pace>,
}

/// Milliseconds of a request as the client and the integration saw them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Took {
    pub(crate) response: u32,
    pub(crate) integration: Option<u32>,
}

/// What a line has that others of its kind have not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Milliseconds since the epoch.
    pub(crate) millis: i64,
    pub(crate) address: IpAddr,
    pub(crate) took: Took,
    /// Draws the ids.
    pub(crate) id: u64,
}

/// Streams of randomness, one for each thing that is drawn: drawing one leaves the others as they are.
const ADDRESSES: u64 = 0xadd7_e55e;
const LATENCIES: u64 = 0x1a7e_9c1e;
const MOMENTS: u64 = 0x0309_e975;

impl Kind {
    pub(crate) fn new(
        serial: u64,
        pieces: Vec<Piece>,
        roster: Arc<Roster>,
        stream: Arc<str>,
        own: Option<Own>,
    ) -> Self {
        Self { serial, pieces, roster, stream, own }
    }

    /// Whether its lines say what these pieces and addresses would.
    pub(crate) fn says(&self, pieces: &[Piece], roster: &Arc<Roster>) -> bool {
        Arc::ptr_eq(&self.roster, roster) && self.pieces == pieces
    }

    /// No other kind has it.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// Name of the log stream.
    pub(crate) fn stream(&self) -> &str {
        &self.stream
    }

    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// About how long a line is, in bytes.
    pub(crate) fn line_bytes(&self) -> u64 {
        let length = |piece: &Piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Dynamic(Dynamic::RequestId) => 36,
            Piece::Dynamic(Dynamic::RequestTime) => 26,
            Piece::Dynamic(Dynamic::ExtendedRequestId) => 16,
            Piece::Dynamic(Dynamic::SourceIp | Dynamic::RequestTimeEpoch) => 13,
            Piece::Dynamic(Dynamic::ResponseLatency | Dynamic::IntegrationLatency) => 2,
        };
        self.pieces.iter().map(length).sum::<usize>() as u64
    }

    /// The line's text.
    pub(crate) fn render(&self, line: &Line) -> String {
        let mut text = String::with_capacity(256);
        for piece in &self.pieces {
            match piece {
                Piece::Text(known) => text.push_str(known),
                Piece::Dynamic(dynamic) => self.fill_in(*dynamic, line, &mut text),
            }
        }
        text
    }

    /// Appends what a variable holds in a line.
    pub(crate) fn fill_in(&self, dynamic: Dynamic, line: &Line, text: &mut String) {
        // Writing to a String cannot fail.
        let _ = match dynamic {
            Dynamic::RequestId => text.write_str(&self.request_id(line)),
            Dynamic::ExtendedRequestId => write!(text, "{}=", Ids::new(line.id ^ 1).short(15)),
            Dynamic::SourceIp => write!(text, "{}", line.address),
            Dynamic::RequestTime => text.write_str(&common_log_time(line.millis)),
            Dynamic::RequestTimeEpoch => write!(text, "{}", line.millis),
            Dynamic::ResponseLatency => write!(text, "{}", line.took.response),
            Dynamic::IntegrationLatency => match line.took.integration {
                Some(ms) => write!(text, "{ms}"),
                None => text.write_str("-"),
            },
        };
    }

    fn request_id(&self, line: &Line) -> String {
        self.own.as_ref().map_or_else(|| Ids::new(line.id).uuid(), |own| own.request_id.clone())
    }

    fn chance(&self, seed: u64, stream: u64, second: i64) -> Chance {
        Chance::keyed(seed, stream ^ mix(self.serial), second)
    }
}

impl Line {
    /// Lines that have nothing in common, and no two variables alike: where a kind's are alike in them, all lines of
    /// the kind are.
    pub(crate) fn strangers() -> [Self; 3] {
        let took = |ms| Took { response: ms, integration: Some(ms + 1) };
        [
            Self { millis: 0, address: IpAddr::from([0, 0, 0, 0]), took: took(0), id: 0 },
            Self { millis: 1_234_567_890_123, address: IpAddr::from([255; 4]), took: took(99_999), id: 1 },
            Self {
                millis: 987_654_321_000,
                address: IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7]),
                took: took(77),
                id: 2,
            },
        ]
    }
}

impl Record {
    /// Requests of a kind, not yet in a second.
    pub(crate) fn new(kind: Arc<Kind>, count: u32) -> Self {
        Self { kind, count, pace: 0 }
    }

    /// The address of every line, as an index into the roster, in the order of the lines.
    pub(crate) fn addresses(&self, second: i64, seed: u64) -> impl Iterator<Item = usize> + '_ {
        let mut chance = self.kind.chance(seed, ADDRESSES, second);
        (0..self.count).map(move |_| self.kind.roster.pick(&mut chance))
    }
}

impl Second {
    pub(super) fn put(&mut self, mut record: Record, pace: Pace) {
        let known = self.paces.iter().position(|known| *known == pace).unwrap_or_else(|| {
            self.paces.push(pace);
            self.paces.len() - 1
        });
        // A second has a pace for each method and outcome: far fewer than 65,536.
        record.pace = u16::try_from(known).unwrap_or(u16::MAX);
        self.records.push(record);
    }

    /// How long the lines of a record took, and how many took so long; in the order of the lines.
    pub(crate) fn latencies(&self, record: &Record, seed: u64) -> Vec<(Took, u64)> {
        let Some(pace) = self.paces.get(usize::from(record.pace)) else { return Vec::new() };
        let mut chance = record.kind.chance(seed, LATENCIES, self.at);
        let count = u64::from(record.count);
        let cold = chance.round(count as f64 * pace.cold.0).min(count);
        let mut took: Vec<(Took, u64)> = Vec::new();
        for (extra, requests) in [(0.0, count - cold), (pace.cold.1, cold)] {
            spread(&pace.latency, requests, &mut chance, |ms, count| {
                let ms = (ms * pace.slower + pace.wait_ms + extra).min(pace.cap_ms);
                let response = ms + if pace.integrated { OVERHEAD_MS } else { 0.0 };
                let one = Took { response: whole(response), integration: pace.integrated.then(|| whole(ms)) };
                match took.last_mut() {
                    Some((last, so_many)) if *last == one => *so_many += count,
                    _ => took.push((one, count)),
                }
            });
        }
        took
    }

    /// The lines of a record, in no order of time.
    pub(crate) fn lines<'s>(&'s self, record: &'s Record, seed: u64) -> impl Iterator<Item = Line> + 's {
        let mut moments = record.kind.chance(seed, MOMENTS, self.at);
        let took = self.latencies(record, seed).into_iter().flat_map(|(took, count)| (0..count).map(move |_| took));
        record.addresses(self.at, seed).zip(took).map(move |(address, took)| {
            let (moment, id) = (moments.bits() % 1000, moments.bits());
            let moment = record.kind.own.as_ref().map_or(moment, |own| u64::from(own.millis));
            Line {
                millis: self.at * 1000 + i64::try_from(moment).unwrap_or(0),
                address: record.kind.roster.address(address).unwrap_or(IpAddr::from([0, 0, 0, 0])),
                took,
                id,
            }
        })
    }
}

/// Whole milliseconds.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the cast saturates
fn whole(ms: f64) -> u32 {
    ms.round() as u32
}
