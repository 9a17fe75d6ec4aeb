//! Every key of the configuration, once: name, what it holds, its range, what it means. Reading, `config check` and
//! `docs/configuration.md` all go by this table.

use std::sync::LazyLock;

use ipnet::IpNet;

use super::Settings;
use crate::model::signal::{THRESHOLDS, Threshold};
pub use crate::model::span::Span;
use crate::model::span::{DOLLARS, SHARE};

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
    /// A number that a signal is judged by.
    Threshold(&'static Threshold),
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

impl Key {
    /// The numbers that it takes; `None` where it takes none.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        match self.holds {
            Holds::Number(span, _)
            | Holds::MaybeNumber(span, _)
            | Holds::Bits(span, _)
            | Holds::Minutes(span, _)
            | Holds::Seconds(span, _) => Some(span),
            Holds::Threshold(threshold) => Some(threshold.span),
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
            Holds::Number(_, at) => toml::Value::from(*at(&mut settings)).to_string(),
            Holds::Threshold(threshold) => toml::Value::from(*(threshold.at)(&mut settings.signals)).to_string(),
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
    ("probes", "How stages are probed from outside, by `kill-switch` only."),
    ("screen", "How `live` and `drill` look, and their keys."),
    ("accounts", "What accounts are called, on the screen and where a change is confirmed."),
];

/// How the documentation writes the number of an account.
pub(super) const ACCOUNT: &str = "ACCOUNT-ID";

macro_rules! key {
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

/// Every key, in the order of the documentation.
pub static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let of_signals = THRESHOLDS.iter().map(|threshold| Key {
        section: "signals",
        name: threshold.name,
        meaning: threshold.meaning,
        holds: Holds::Threshold(threshold),
    });
    GUARDS.iter().copied().chain(of_signals).chain(OTHERS.iter().copied()).collect()
});

#[rustfmt::skip]
const GUARDS: &[Key] = &[
    key!(guards.never_block, "never-block", MaybePrefixes,
        "Prefixes that must never be blocked: partners, monitors, offices. `[]` means that there are none. Not set: nobody has decided, and the guard answers `unknown`, which stops"),
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
        "The share of the requests inside the targets that may come from callers seen before the attack, and the share of the traffic from before the attack that a block or a throttle may turn away"),
    key!(guards.block_lists, "block-lists", Names,
        "IP sets (name, id or ARN) to use for blocking if several are possible. `--ip-set` takes precedence"),
    key!(guards.closed_web_acl, "closed-web-acl", MaybeName,
        "The web ACL (name or ARN) that `close --by web-acl` swaps in: Block by default, an allow list of addresses ([how to build it](safety.md#the-closed-web-acl)). `--web-acl` takes precedence"),
];

#[rustfmt::skip]
const OTHERS: &[Key] = &[
    key!(signals.quiet_minutes, "quiet-minutes", Minutes(Span::of(1.0, 180.0, "minutes")),
        "minutes that must be fine before a signal ends: what comes and goes is one signal"),
    Key { section: "signals", name: "stages", holds: Holds::StageThresholds,
        meaning: "other thresholds for single stages: `stage`, by the API's name or id, and any key above but the account's and `quiet-minutes`" },
    key!(polling.interval_seconds, "interval-seconds", Seconds(Span::of(1.0, 3_600.0, "seconds")),
        "Account seconds between polls of the metrics"),
    key!(polling.close_seconds, "close-seconds", Seconds(Span::of(1.0, 3_600.0, "seconds")),
        "the same for stages that look attacked or are being viewed, `interval-seconds` at most; more is read of them: integration latency, the cache, the access log"),
    key!(polling.idle_seconds, "idle-seconds", Seconds(Span::of(1.0, 86_400.0, "seconds")),
        "the same for stages that nobody called within three hours, `interval-seconds` at least: one metric"),
    key!(polling.budget_dollars_per_hour, "budget-dollars-per-hour", Number(Span::above(0.0, 1_000_000.0, "dollars an hour")),
        "what polling may cost (an estimate). Above it, uncalled stages are read less often, then all others, attacked ones last; the board says so"),
    key!(polling.log_budget_dollars_per_hour, "log-budget-dollars-per-hour", Number(Span::of(0.0, 1_000_000.0, "dollars an hour")),
        "what queries over access logs may cost (an estimate); `0` asks none"),
    key!(polling.dollars_per_thousand_metrics, "dollars-per-thousand-metrics", Number(DOLLARS),
        "The price of a thousand metrics read with `GetMetricData`, for the estimate on the screen. From third-party pages quoting AWS for us-east-1: check your own"),
    key!(polling.provisional_seconds, "provisional-seconds", Seconds(Span::of(0.0, 3_600.0, "seconds")),
        "How long after a minute its figures are marked `~`: AWS may still change them. AWS documents no publish delay"),
    key!(sources.front_doors, "front-doors", Prefixes,
        "Prefixes of what is in front of the APIs: your own CDN or proxies. Never proposed for blocking, nor any prefix around or inside them"),
    key!(sources.rest_weight, "rest-weight", Number(Span::above(0.0, 1_000_000.0, "times")),
        "How much a share of the legitimate requests counts against the same share of the attack, when sets of prefixes are compared"),
    key!(sources.ask_access_logs, "ask-access-logs", Flag,
        "Whether access logs are queried for who sends. AWS bills what such a query scans; the answer says what it cost"),
    key!(prices.source, "source", Text, "when and where the prices were looked up; printed with the estimates"),
    key!(prices.rest_dollars_per_million, "rest-dollars-per-million", Number(DOLLARS), "a million requests to REST APIs, first tier"),
    key!(prices.http_dollars_per_million, "http-dollars-per-million", Number(DOLLARS), "a million requests to HTTP APIs, first tier"),
    key!(prices.waf_dollars_per_million, "waf-dollars-per-million", Number(DOLLARS),
        "a million requests that WAF inspected, blocked ones included"),
    key!(prices.lambda_dollars_per_million, "lambda-dollars-per-million", Number(DOLLARS), "a million invocations"),
    key!(prices.lambda_dollars_per_gb_second, "lambda-dollars-per-gb-second", Number(DOLLARS), "a second of a gigabyte"),
    key!(prices.lambda_memory_gb, "lambda-memory-gb", MaybeNumber(Span::above(0.0, 1_024.0, "GB")),
        "memory of the functions behind the APIs; if it is not set, what Lambda costs is unknown"),
    key!(prices.log_dollars_per_gb, "log-dollars-per-gb", Number(DOLLARS), "a gigabyte taken in by CloudWatch Logs"),
    key!(prices.log_query_dollars_per_gb, "log-query-dollars-per-gb", Number(DOLLARS), "a gigabyte scanned by a Logs Insights query"),
    key!(probes.address_services, "address-services", Urls,
        "URLs that answer with the address they are asked from, one for IPv4 and one for IPv6. None: `https://checkip.amazonaws.com/`, which knows IPv4 only (with an overridden endpoint: its `/checkip`, which a range has)"),
    Key { section: "probes", name: "stages", holds: Holds::StageProbes,
        meaning: "How to probe which stage, below. A stage without an entry is probed at AWS's own address with a deployed `GET` without parameters, authorization and key" },
    key!(screen.theme, "theme", MaybeName,
        "The [theme](#themes): `dark`, `light`, `high-contrast`, `monochrome`, or a file, relative to this file's folder. `--theme` takes precedence. Not set: `light` if `COLORFGBG`, or the terminal's answer before the first key, says that the background is light, else `dark`"),
    key!(screen.keymap, "keymap", MaybeName,
        "The [keymap](keymaps.md): `default`, `vim`, `emacs`, or a file, relative to this file's folder. `--keymap` takes precedence. Your own `keymap.toml` is laid over one that is named. Not set: `default`"),
    Key { section: "accounts", name: ACCOUNT, holds: Holds::Accounts,
        meaning: "the account's name under its twelve digits, `111122223333 = \"shop-prod\"`, or a table: `444455556666 = { name = \"shop-dev\", production = false }`. An account counts as production unless it is marked otherwise: an armed console frames what it confirms there in red" },
];
