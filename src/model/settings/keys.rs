//! Every key of the configuration, once: name, what it holds, its range, what it means. Reading, `config check` and
//! `docs/configuration.md` all go by this table.

use std::fmt;

use ipnet::IpNet;

use super::{Settings, StageThresholds};

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The table it stands in.
    pub section: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it means, in Markdown.
    pub meaning: &'static str,
    pub(super) holds: Holds,
}

/// What a key holds, and where that goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holds {
    Number(Span, fn(&mut Settings) -> &mut f64),
    MaybeNumber(Span, fn(&mut Settings) -> &mut Option<f64>),
    /// A number that single stages may have of their own.
    Threshold(Span, fn(&mut Settings) -> &mut f64, fn(&mut StageThresholds) -> &mut Option<f64>),
    Bits(Span, fn(&mut Settings) -> &mut u8),
    Minutes(Span, fn(&mut Settings) -> &mut u32),
    Seconds(Span, fn(&mut Settings) -> &mut u64),
    Flag(fn(&mut Settings) -> &mut bool),
    Prefixes(fn(&mut Settings) -> &mut Vec<IpNet>),
    MaybePrefixes(fn(&mut Settings) -> &mut Option<Vec<IpNet>>),
    Names(fn(&mut Settings) -> &mut Vec<String>),
    MaybeName(fn(&mut Settings) -> &mut Option<String>),
    Text(fn(&mut Settings) -> &mut String),
    Urls(fn(&mut Settings) -> &mut Vec<String>),
    StageThresholds,
    StageProbes,
    /// Any number of them, each under its own name.
    Accounts,
}

/// The numbers that a key takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// Whether the least itself is left out.
    pub above: bool,
    /// What they count.
    pub unit: &'static str,
}

impl Span {
    const fn of(least: f64, most: f64, unit: &'static str) -> Self {
        Self { least, most, above: false, unit }
    }

    const fn above(least: f64, most: f64, unit: &'static str) -> Self {
        Self { least, most, above: true, unit }
    }

    /// Whether a number is inside; what is none (NaN) is not.
    #[must_use]
    pub fn holds(&self, number: f64) -> bool {
        let enough = if self.above { number > self.least } else { number >= self.least };
        enough && number <= self.most
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.above {
            write!(f, "above ")?;
        }
        write!(f, "{} to {}", grouped(self.least), grouped(self.most))
    }
}

/// `1,000,000`, and small numbers as they are.
fn grouped(number: f64) -> String {
    let text = number.to_string();
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    rest.map_or(out.clone(), |rest| format!("{out}.{rest}"))
}

const SHARE: Span = Span::of(0.0, 1.0, "share");
const MULTIPLE: Span = Span::of(1.0, 1_000_000.0, "times");
const MILLISECONDS: Span = Span::of(0.0, 3_600_000.0, "ms");
const DOLLARS: Span = Span::of(0.0, 1_000_000.0, "dollars");

impl Key {
    /// The numbers that it takes; `None` where it takes none.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        match self.holds {
            Holds::Number(span, _)
            | Holds::MaybeNumber(span, _)
            | Holds::Threshold(span, ..)
            | Holds::Bits(span, _)
            | Holds::Minutes(span, _)
            | Holds::Seconds(span, _) => Some(span),
            _ => None,
        }
    }

    /// Whether it takes whole numbers only.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        matches!(self.holds, Holds::Bits(..) | Holds::Minutes(..) | Holds::Seconds(..))
    }

    /// What it takes, as the documentation says it: `0 to 1 (share)`, `prefixes`.
    #[must_use]
    pub fn takes(&self) -> String {
        if let Some(span) = self.span() {
            return format!("{span} ({})", span.unit);
        }
        let words = match self.holds {
            Holds::Flag(_) => "`true` or `false`",
            Holds::Prefixes(_) | Holds::MaybePrefixes(_) => "prefixes and addresses",
            Holds::Names(_) => "names",
            Holds::MaybeName(_) => "a name",
            Holds::Urls(_) => "URLs",
            Holds::StageThresholds | Holds::StageProbes => "tables",
            Holds::Accounts => "a name, or a table",
            _ => "a text",
        };
        words.to_owned()
    }

    /// The default as TOML writes it; `None` where there is none.
    #[must_use]
    pub fn default(&self) -> Option<String> {
        let mut settings = Settings::default();
        Some(match self.holds {
            Holds::Number(_, at) | Holds::Threshold(_, at, _) => toml::Value::from(*at(&mut settings)).to_string(),
            Holds::MaybeNumber(_, at) => toml::Value::from((*at(&mut settings))?).to_string(),
            Holds::Bits(_, at) => at(&mut settings).to_string(),
            Holds::Minutes(_, at) => at(&mut settings).to_string(),
            Holds::Seconds(_, at) => at(&mut settings).to_string(),
            Holds::Flag(at) => at(&mut settings).to_string(),
            Holds::Text(at) => toml::Value::from(at(&mut settings).clone()).to_string(),
            Holds::MaybePrefixes(_) | Holds::MaybeName(_) | Holds::Accounts => return None,
            Holds::Prefixes(_) | Holds::Names(_) | Holds::Urls(_) | Holds::StageThresholds | Holds::StageProbes => {
                "[]".to_owned()
            }
        })
    }
}

/// What is said of a table of keys.
pub const SECTIONS: [(&str, &str); 8] = [
    ("guards", "Whom never to block, and what the guards let pass."),
    (
        "signals",
        "When a signal is raised, and [how a stage stands](watching.md#how-a-stage-stands). Shares are fractions, 0 to 1. A limit must be crossed, not touched.",
    ),
    ("polling", "How often AWS is asked, and what that may cost."),
    ("sources", "Who sends what, and what to block ([how sets are weighed up](architecture.md#candidate-block-sets))."),
    (
        "prices",
        "Prices in US dollars, for estimates of what traffic costs. AWS's own price page decides; set your region's and the day you looked.",
    ),
    ("probes", "How stages are asked from outside, by `kill-switch` only."),
    ("screen", "How `live` and `drill` look, and their keys."),
    ("accounts", "What accounts are called, on the screen and where a change is confirmed."),
];

/// How the documentation writes the number of an account.
pub(super) const ACCOUNT: &str = "ACCOUNT-ID";

/// Pairs of which the second is never to be below the first: a notice comes before an attack.
pub const ORDERED: [(&str, &str); 4] = [
    ("client-errors-notice", "client-errors-attack"),
    ("server-errors-notice", "server-errors-attack"),
    ("throttled-notice", "throttled-attack"),
    ("account-limit-notice", "account-limit-attack"),
];

macro_rules! key {
    ($section:ident . $field:ident, $name:literal, Threshold($span:expr), $meaning:literal) => {
        Key {
            section: stringify!($section),
            name: $name,
            meaning: $meaning,
            holds: Holds::Threshold($span, |settings| &mut settings.$section.$field, |stage| &mut stage.$field),
        }
    };
    ($section:ident . $field:ident, $name:literal, $holds:ident($span:expr), $meaning:literal) => {
        Key {
            section: stringify!($section),
            name: $name,
            meaning: $meaning,
            holds: Holds::$holds($span, |settings| &mut settings.$section.$field),
        }
    };
    ($section:ident . $field:ident, $name:literal, $holds:ident, $meaning:literal) => {
        Key {
            section: stringify!($section),
            name: $name,
            meaning: $meaning,
            holds: Holds::$holds(|settings| &mut settings.$section.$field),
        }
    };
}

/// Every key.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key!(guards.never_block, "never-block", MaybePrefixes,
        "Prefixes that must never be blocked: partners, monitors, offices. `[]` says that there are none. Not set: nobody has said, and the guard answers `unknown`, which stops"),
    key!(guards.break_glass, "break-glass", MaybePrefixes,
        "Prefixes from which responders reach the API in an emergency. The same rules"),
    key!(guards.widest_v4, "widest-v4", Bits(Span::of(8.0, 32.0, "bits")),
        "The shortest IPv4 prefix that may be blocked without an override"),
    key!(guards.widest_v6, "widest-v6", Bits(Span::of(16.0, 128.0, "bits")),
        "The shortest IPv6 prefix that may be blocked without an override"),
    key!(guards.widest_total_v4, "widest-total-v4", Bits(Span::of(0.0, 32.0, "bits")),
        "All IPv4 prefixes of a block together, and the IP set as it would be, may be as wide as one prefix of this length without an override"),
    key!(guards.widest_total_v6, "widest-total-v6", Bits(Span::of(0.0, 128.0, "bits")),
        "The same for IPv6"),
    key!(guards.most_legitimate_share, "most-legitimate-share", Number(SHARE),
        "The share of the requests inside the targets that may come from callers seen before the attack, and the share of the traffic of before the attack that a block or a throttle may take"),
    key!(guards.block_lists, "block-lists", Names,
        "IP sets (name, id or ARN) to use for blocking where several would do. `--ip-set` comes first"),
    key!(guards.closed_web_acl, "closed-web-acl", MaybeName,
        "The web ACL (name or ARN) that `close --by web-acl` swaps in: Block by default, an allow list of addresses ([how to build it](safety.md#the-closed-web-acl)). `--web-acl` comes first"),
    key!(signals.client_errors_notice, "client-errors-notice", Threshold(SHARE), "4XX share for a notice"),
    key!(signals.client_errors_attack, "client-errors-attack", Threshold(SHARE), "4XX share for an attack"),
    key!(signals.server_errors_notice, "server-errors-notice", Threshold(SHARE), "5XX share for a notice"),
    key!(signals.server_errors_attack, "server-errors-attack", Threshold(SHARE), "5XX share for an attack"),
    key!(signals.allowed_share_attack, "allowed-share-attack", Threshold(SHARE),
        "What the web ACL let through, as a share of what it inspected; below this is an attack"),
    key!(signals.blocked_spike, "blocked-spike", Threshold(MULTIPLE),
        "Blocked requests as a multiple of their own median over the last half hour"),
    key!(signals.least_requests_per_minute, "least-requests-per-minute", Threshold(Span::of(1.0, 1_000_000_000.0, "requests a minute")),
        "With fewer requests a minute shares are not judged: two errors out of three are no attack"),
    key!(signals.throttled_notice, "throttled-notice", Threshold(SHARE),
        "throttled requests above this share: notice. Known only where an access log or a metric filter tells"),
    key!(signals.throttled_attack, "throttled-attack", Threshold(SHARE), "throttled requests above this share: attack"),
    key!(signals.latency_multiple, "latency-multiple", Threshold(MULTIPLE),
        "p99 latency at this multiple of what is usual: notice"),
    key!(signals.latency_least_ms, "latency-least-ms", Threshold(MILLISECONDS), "p99 latency below this is never high"),
    key!(signals.cache_hit_collapse, "cache-hit-collapse", Threshold(SHARE),
        "the cache hit share below this fraction of its own median: notice"),
    key!(signals.account_limit_notice, "account-limit-notice", Number(SHARE),
        "all APIs together above this share of the account's limit: notice, on the busiest stage"),
    key!(signals.account_limit_attack, "account-limit-attack", Number(SHARE), "the same: attack"),
    key!(signals.cost_multiple, "cost-multiple", Threshold(MULTIPLE), "dollars an hour at this multiple of what is usual: notice"),
    key!(signals.cost_least_dollars_per_hour, "cost-least-dollars-per-hour", Threshold(DOLLARS), "costs below this are never high"),
    key!(signals.out_below, "out-below", Threshold(SHARE), "customers served below this share while something of ours is in force: `CUSTOMERS OUT`, until a tenth more are served"),
    key!(signals.out_drop, "out-drop", Threshold(SHARE), "the same where this much less is served than before: 0.2 is 20 points"),
    key!(signals.leaking_above, "leaking-above", Threshold(SHARE), "what gets past a measure beyond what is usual, as a part of usual: `LEAKING`, until it is half of this"),
    key!(signals.contained_turned_away, "contained-turned-away", Threshold(SHARE), "part of what is above usual that has to be turned away for `CONTAINED`"),
    key!(signals.contained_served, "contained-served", Threshold(SHARE), "customers served at least for `CONTAINED`"),
    key!(signals.recovering_below, "recovering-below", Threshold(SHARE), "what is above usual, as a part of its peak, below which hardly more than usual is sent: `RECOVERING`"),
    key!(signals.quiet_minutes, "quiet-minutes", Minutes(Span::of(1.0, 180.0, "minutes")),
        "minutes that must be fine before a signal ends: what comes and goes is one signal"),
    Key { section: "signals", name: "stages", holds: Holds::StageThresholds,
        meaning: "other thresholds for single stages: `stage`, by the API's name or id, and any key above but the account's and `quiet-minutes`" },
    key!(polling.interval_seconds, "interval-seconds", Seconds(Span::of(1.0, 3_600.0, "seconds")),
        "Account seconds between polls of the metrics"),
    key!(polling.close_seconds, "close-seconds", Seconds(Span::of(1.0, 3_600.0, "seconds")),
        "the same for stages that look attacked or are looked at, `interval-seconds` at most; more is read of them: integration latency, the cache, the access log"),
    key!(polling.idle_seconds, "idle-seconds", Seconds(Span::of(1.0, 86_400.0, "seconds")),
        "the same for stages that nobody called within three hours, `interval-seconds` at least: one metric"),
    key!(polling.budget_dollars_per_hour, "budget-dollars-per-hour", Number(Span::above(0.0, 1_000_000.0, "dollars an hour")),
        "what polling may cost (an estimate). Above it, uncalled stages are read less often, then all others, attacked ones last; the board says so"),
    key!(polling.log_budget_dollars_per_hour, "log-budget-dollars-per-hour", Number(Span::of(0.0, 1_000_000.0, "dollars an hour")),
        "what queries over access logs may cost (an estimate); `0` asks none"),
    key!(polling.dollars_per_thousand_metrics, "dollars-per-thousand-metrics", Number(DOLLARS),
        "The price of a thousand metrics read with `GetMetricData`, for the estimate on the screen. From third-party pages quoting AWS for us-east-1: check your own"),
    key!(polling.provisional_seconds, "provisional-seconds", Seconds(Span::of(0.0, 3_600.0, "seconds")),
        "For so long after a minute its figures carry `~`: AWS may still change them. AWS documents no publish delay"),
    key!(sources.front_doors, "front-doors", Prefixes,
        "Prefixes of what stands in front of the APIs: your own CDN or proxies. Never proposed for blocking, nor any prefix around or inside them"),
    key!(sources.rest_weight, "rest-weight", Number(Span::above(0.0, 1_000_000.0, "times")),
        "What a share of the legitimate requests weighs against the same share of the attack, when sets of prefixes are weighed up"),
    key!(sources.ask_access_logs, "ask-access-logs", Flag,
        "Whether access logs are asked who sends. AWS bills what such a query scans; the answer says what it came to"),
    key!(prices.source, "source", Text, "when and where the prices were looked up; printed with what is made of them"),
    key!(prices.rest_dollars_per_million, "rest-dollars-per-million", Number(DOLLARS), "a million requests to REST APIs, first tier"),
    key!(prices.http_dollars_per_million, "http-dollars-per-million", Number(DOLLARS), "a million requests to HTTP APIs, first tier"),
    key!(prices.waf_dollars_per_million, "waf-dollars-per-million", Number(DOLLARS),
        "a million requests that WAF inspected, blocked ones included"),
    key!(prices.lambda_dollars_per_million, "lambda-dollars-per-million", Number(DOLLARS), "a million invocations"),
    key!(prices.lambda_dollars_per_gb_second, "lambda-dollars-per-gb-second", Number(DOLLARS), "a second of a gigabyte"),
    key!(prices.lambda_memory_gb, "lambda-memory-gb", MaybeNumber(Span::above(0.0, 1_024.0, "GB")),
        "memory of the functions behind the APIs; where it is not set, what Lambda costs is unknown"),
    key!(prices.log_dollars_per_gb, "log-dollars-per-gb", Number(DOLLARS), "a gigabyte taken in by CloudWatch Logs"),
    key!(prices.log_query_dollars_per_gb, "log-query-dollars-per-gb", Number(DOLLARS), "a gigabyte scanned by a Logs Insights query"),
    key!(probes.address_services, "address-services", Urls,
        "URLs that answer with the address they are asked from, one for IPv4 and one for IPv6. None: `https://checkip.amazonaws.com/`, which knows IPv4 only (with an overridden endpoint: its `/checkip`, which a range has)"),
    Key { section: "probes", name: "stages", holds: Holds::StageProbes,
        meaning: "What to ask of which stage, below. A stage without an entry is asked at AWS's own address for a deployed `GET` without parameters, authorization and key" },
    key!(screen.theme, "theme", MaybeName,
        "The [theme](#themes): `dark`, `light`, `high-contrast`, `monochrome`, or a file, from this file's folder on. `--theme` comes first. Not set: `light` where `COLORFGBG` says that the background is, or the terminal answers so before the first key, else `dark`"),
    key!(screen.keymap, "keymap", MaybeName,
        "The [keymap](keymaps.md): `default`, `vim`, `emacs`, or a file, from this file's folder on. `--keymap` comes first. Your own `keymap.toml` is laid over one that is named. Not set: `default`"),
    Key { section: "accounts", name: ACCOUNT, holds: Holds::Accounts,
        meaning: "under the account's twelve digits its name, `111122223333 = \"shop-prod\"`, or a table: `444455556666 = { name = \"shop-dev\", production = false }`. An account counts as production unless it is said that it is not: an armed console frames what it confirms there in red" },
];
