//! Which numbers and lengths of time each key of a scenario takes: one table, by which a file is checked and which the
//! documentation shows.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::ScenarioError;
use super::values::Span;

/// The numbers that a key takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Takes {
    /// Where the key stands, lists left out: `world.backends.capacity`.
    pub path: &'static str,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// Whether the least itself is left out.
    pub above: bool,
    /// Whether it is a length of time, in seconds here and written `90s`.
    pub time: bool,
}

const fn of(path: &'static str, least: f64, most: f64) -> Takes {
    Takes { path, least, most, above: false, time: false }
}

const fn above(path: &'static str, least: f64, most: f64) -> Takes {
    Takes { path, least, most, above: true, time: false }
}

const fn time(path: &'static str, least: f64, most: f64) -> Takes {
    Takes { path, least, most, above: false, time: true }
}

const DAY: f64 = 86_400.0;
const BILLION: f64 = 1_000_000_000.0;

/// Every number of a scenario.
pub const RANGES: &[Takes] = &[
    above("speed", 0.0, 3_600.0),
    time("world.history", 0.0, DAY),
    time("world.logs_delay", 0.0, DAY),
    of("world.throttle.rate", 0.0, BILLION),
    of("world.throttle.burst", 0.0, BILLION),
    of("world.apis.stages.throttle.rate", 0.0, BILLION),
    of("world.apis.stages.throttle.burst", 0.0, BILLION),
    of("world.apis.stages.cache.ttl", 0.0, 3_600.0),
    above("world.apis.methods.latency_ms.p50", 0.0, 600_000.0),
    above("world.apis.methods.latency_ms.p99", 0.0, 600_000.0),
    above("world.apis.methods.cost", 0.0, 1_000_000.0),
    above("world.apis.methods.cacheable.keys", 0.0, BILLION),
    of("world.apis.methods.cacheable.ttl", 0.0, 3_600.0),
    of("world.usage_plans.throttle.rate", 0.0, BILLION),
    of("world.usage_plans.throttle.burst", 0.0, BILLION),
    of("world.usage_plans.stages.methods.rate", 0.0, BILLION),
    of("world.usage_plans.stages.methods.burst", 0.0, BILLION),
    above("world.backends.capacity", 0.0, BILLION),
    of("world.backends.queue_seconds", 0.0, 3_600.0),
    of("world.backends.collapse", 0.0, 1.0),
    of("world.backends.timeout_ms", 50.0, 300_000.0),
    of("world.backends.cold_start.ms", 0.0, 600_000.0),
    of("world.backends.cold_start.idle_seconds", 1.0, DAY),
    of("world.rule_groups.capacity", 1.0, 5_000.0),
    of("world.rule_groups.rules.rate.limit", 10.0, 2_000_000_000.0),
    of("world.web_acls.rules.rate.limit", 10.0, 2_000_000_000.0),
    of("world.populations.rate", 0.0, 10_000_000.0),
    of("world.populations.daily.trough", 0.05, 1.0),
    of("world.populations.noise", 0.0, 10.0),
    time("world.populations.start", 0.0, 7.0 * DAY),
    time("world.populations.ramp", 0.0, 7.0 * DAY),
    time("world.populations.stop", 0.0, 7.0 * DAY),
    time("world.populations.revoked", 0.0, 7.0 * DAY),
    of("world.populations.sources.count", 0.0, 1_000_000.0),
    above("world.populations.requests.share", 0.0, 1_000_000.0),
    of("world.populations.client_errors", 0.0, 1.0),
    of("world.populations.server_errors", 0.0, 1.0),
    above("world.populations.cost", 0.0, 1_000_000.0),
    of("world.populations.retry.share", 0.0, 1.0),
    of("world.populations.retry.times", 1.0, 10.0),
    time("world.populations.retry.after", 1.0, 3_600.0),
    time("world.populations.patience.lasts", 1.0, DAY),
    time("world.populations.patience.away", 1.0, DAY),
    time("world.populations.pulse.on", 1.0, 7.0 * DAY),
    time("world.populations.pulse.off", 1.0, 7.0 * DAY),
    time("world.populations.pulse.until", 0.0, 7.0 * DAY),
    above("world.populations.gives_up.blocked", 0.0, 1.0),
    time("world.populations.gives_up.for", 1.0, 7.0 * DAY),
    time("world.populations.gives_up.returns", 1.0, 7.0 * DAY),
    time("world.populations.habits.after", 0.0, 7.0 * DAY),
    of("world.populations.habits.share", 0.0, 1.0),
    time("world.populations.habits.returns", 1.0, 7.0 * DAY),
];

impl Takes {
    fn holds(&self, number: f64) -> bool {
        let enough = if self.above { number > self.least } else { number >= self.least };
        enough && number <= self.most
    }

    /// `0 to 1`, `above 0 to 3600`, `0s to 24h`.
    #[must_use]
    pub fn words(&self) -> String {
        let (least, most) = if self.time {
            (format!("{}s", self.least), format!("{}h", self.most / 3_600.0))
        } else {
            (self.least.to_string(), self.most.to_string())
        };
        format!("{}{least} to {most}", if self.above { "above " } else { "" })
    }
}

/// Refuses the first number that is outside its range.
pub(super) fn check(text: &str) -> Result<(), ScenarioError> {
    // What is no TOML was refused before.
    let Ok(table) = DeTable::parse(text) else { return Ok(()) };
    let mut wrong: Vec<ScenarioError> = Vec::new();
    walk(text, table.get_ref(), "", &mut wrong);
    wrong.into_iter().min_by_key(|error| (error.line, error.column)).map_or(Ok(()), Err)
}

fn walk(text: &str, table: &DeTable<'_>, path: &str, wrong: &mut Vec<ScenarioError>) {
    for (key, node) in table {
        let name = key.get_ref().as_ref();
        // What follows is the drill's, which is not this crate's.
        if path.is_empty() && name == "drill" {
            continue;
        }
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        one(text, &path, node.get_ref(), &node.span(), wrong);
    }
}

fn one(text: &str, path: &str, value: &DeValue<'_>, at: &Range<usize>, wrong: &mut Vec<ScenarioError>) {
    let number = match value {
        DeValue::Table(inner) => return walk(text, inner, path, wrong),
        DeValue::Array(items) => {
            return items.iter().for_each(|item| one(text, path, item.get_ref(), &item.span(), wrong));
        }
        DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
        DeValue::Integer(whole) => i64::from_str_radix(whole.as_str(), whole.radix()).ok().map(|whole| whole as f64),
        DeValue::String(span) => Span::parse(span).map(Span::as_f64),
        _ => None,
    };
    let known = RANGES.iter().find(|known| known.path == path);
    let (Some(known), Some(number)) = (known, number) else { return };
    if known.time == matches!(value, DeValue::String(_)) && !known.holds(number) {
        let name = path.rsplit('.').next().unwrap_or(path);
        let written = text.get(at.clone()).unwrap_or_default().trim();
        let message = format!("`{name}` is {}, not {written}", known.words());
        wrong.push(ScenarioError::at(text, at, message).hint(format!("`{path}`")));
    }
}
