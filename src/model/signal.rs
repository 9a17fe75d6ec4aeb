//! Conditions worth waking up for, with the evidence for them; and the tables of their kinds and thresholds.
//!
//! All that a new kind needs is here and in `watch::signal::rules`, which judges it.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::span::{DOLLARS, MILLISECONDS, MULTIPLE, SHARE, Span};
use super::stage::{Place, StageId};

/// How bad a signal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look.
    Notice,
    /// Looks like an attack or an outage.
    Attack,
}

impl Severity {
    /// The severity as a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Attack => "ATTACK",
        }
    }
}

/// What was detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SignalKind {
    /// The share of 4XX answers is high.
    ClientErrorsHigh,
    /// The share of 5XX answers is high.
    ServerErrorsHigh,
    /// Little of what the web ACL inspected was let through.
    AllowedShareLow,
    /// Blocked requests far above their own recent median.
    BlockedSpike,
    /// Requests are throttled.
    Throttling,
    /// Clients wait much longer than usual.
    LatencyHigh,
    /// The integration takes much longer than usual.
    IntegrationLatencyHigh,
    /// Latency climbs while requests climb, and 5XX follow: more instances start than the backend can start.
    ColdStartCascade,
    /// The cache answers far less than usual.
    CacheHitCollapse,
    /// All APIs together come near the account's limit.
    AccountLimitNear,
    /// Traffic costs far more than usual.
    CostBurn,
}

impl SignalKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::ServerErrorsHigh,
        Self::ClientErrorsHigh,
        Self::Throttling,
        Self::AllowedShareLow,
        Self::ColdStartCascade,
        Self::IntegrationLatencyHigh,
        Self::LatencyHigh,
        Self::CacheHitCollapse,
        Self::AccountLimitNear,
        Self::BlockedSpike,
        Self::CostBurn,
    ];

    // Long: the table of signals, an arm a signal.
    const fn form(self) -> Form {
        match self {
            Self::ServerErrorsHigh => Form {
                id: "server-errors-high",
                unit: Unit::Share,
                low_is_bad: false,
                figures: Figures::Stage,
                suggests: |_| "The backend is failing: see who is sending it; do not flush the cache now",
            },
            Self::ClientErrorsHigh => Form {
                id: "client-errors-high",
                unit: Unit::Share,
                low_is_bad: false,
                figures: Figures::Stage,
                suggests: |severity| match severity {
                    Severity::Attack => "See who is sending it; block the sources or throttle the attacked method",
                    Severity::Notice => "See which sources cause the 4XX before doing anything",
                },
            },
            Self::Throttling => Form {
                id: "throttling",
                unit: Unit::Share,
                low_is_bad: false,
                figures: Figures::Stage,
                suggests: |severity| match severity {
                    Severity::Attack => {
                        "Callers are turned away in proportion, customers too: block the sources, so that the limit is left to the others"
                    }
                    Severity::Notice => "See whether it is the attack or the customers who hit the limit",
                },
            },
            Self::AllowedShareLow => Form {
                id: "allowed-share-low",
                unit: Unit::Share,
                low_is_bad: true,
                figures: Figures::WebAcl,
                suggests: |_| "WAF refuses most of the traffic: check that it is the attack and not the customers",
            },
            Self::ColdStartCascade => Form {
                id: "cold-start-cascade",
                unit: Unit::Multiple,
                low_is_bad: false,
                figures: Figures::Stage,
                suggests: |_| "Throttle the method whose requests climb: the backend recovers once less reaches it; do not flush the cache now",
            },
            Self::IntegrationLatencyHigh => Form {
                id: "integration-latency-high",
                unit: Unit::Multiple,
                low_is_bad: false,
                figures: Figures::Stage,
                suggests: |_| "The backend is slow: throttle the costly method before it fails for everybody",
            },
            Self::LatencyHigh => Form {
                id: "latency-high",
                unit: Unit::Multiple,
                low_is_bad: false,
                figures: Figures::Stage,
                suggests: |_| "See whether the integration or API Gateway is slow (stage detail), and who is sending more than usual",
            },
            Self::CacheHitCollapse => Form {
                id: "cache-hit-collapse",
                unit: Unit::Share,
                low_is_bad: true,
                figures: Figures::Stage,
                suggests: |_| "Requests get past the cache: look for unique (cache-busting) queries, and do not flush the cache now",
            },
            Self::AccountLimitNear => Form {
                id: "account-limit-near",
                unit: Unit::Share,
                low_is_bad: false,
                figures: Figures::Account,
                suggests: |_| "Soon every API of the account is throttled: throttle or close the attacked stage, not the others",
            },
            Self::BlockedSpike => Form {
                id: "blocked-spike",
                unit: Unit::Multiple,
                low_is_bad: false,
                figures: Figures::WebAcl,
                suggests: |_| "See whom WAF blocks, and whether something gets past it",
            },
            Self::CostBurn => Form {
                id: "cost-burn",
                unit: Unit::Multiple,
                low_is_bad: false,
                figures: Figures::Stage,
                suggests: |_| "Blocked requests cost as well: throttling or blocking stops backend charges; WAF charges continue",
            },
        }
    }

    /// The signal's id, e.g. `client-errors-high`.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.form().id
    }

    /// What its values are measured in.
    #[must_use]
    pub fn unit(self) -> Unit {
        self.form().unit
    }

    /// Whose figures it is judged by.
    #[must_use]
    pub fn figures(self) -> Figures {
        self.form().figures
    }

    /// What to do next, and why.
    #[must_use]
    pub fn suggests(self, severity: Severity) -> &'static str {
        (self.form().suggests)(severity)
    }

    /// Whether low values are the bad ones.
    #[must_use]
    pub fn low_is_bad(self) -> bool {
        self.form().low_is_bad
    }

    /// Whether `a` is worse than `b`.
    #[must_use]
    pub fn is_worse(self, a: f64, b: f64) -> bool {
        if self.low_is_bad() { a < b } else { a > b }
    }
}

/// What is known of a kind.
struct Form {
    id: &'static str,
    unit: Unit,
    low_is_bad: bool,
    figures: Figures,
    suggests: fn(Severity) -> &'static str,
}

/// Whose figures a signal is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figures {
    /// The stage's own.
    Stage,
    /// Those of the web ACL before it, which may guard other stages as well and may be read more often.
    WebAcl,
    /// Those of all stages of the account and region together.
    Account,
}

/// What a signal's values are measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A fraction, 0 to 1.
    Share,
    /// A multiple of what is usual.
    Multiple,
}

/// The worst of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Peak {
    /// The value, in the threshold's unit.
    pub value: f64,
    /// The minute, its start, account time, UTC.
    pub at: DateTime<Utc>,
}

/// What is known of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SignalState {
    /// It is met.
    Stands,
    /// It could not be judged lately: neither met nor over.
    NotJudged,
    /// It was met, and was judged to be over.
    Ended,
}

/// A condition that could not be judged lately and that did not stand when it last could be: not known to be fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotJudged {
    /// Which.
    pub kind: SignalKind,
    /// The end of the last minute that could be judged (account time, UTC); `None` where none could be of those that
    /// are kept.
    pub since: Option<DateTime<Utc>>,
}

/// One condition on one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Signal {
    /// What.
    pub kind: SignalKind,
    /// How bad.
    pub severity: Severity,
    /// The minute (its start, account time, UTC) since which it has stood without a break.
    pub since: DateTime<Utc>,
    /// The minute (its start, account time, UTC) with which it ended; `None` while it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<DateTime<Utc>>,
    /// The end of the last minute that could be judged (account time, UTC), where none could be since: it stands by
    /// what was known then. `None` where it was judged lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_judged_since: Option<DateTime<Utc>>,
    /// The measured value, in the threshold's unit (a fraction, or a multiple for spikes): the latest while it stands,
    /// the last of it where it has ended.
    pub value: f64,
    /// The worst value of its run, and its minute (its start, account time, UTC); `None` where it was not looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<Peak>,
    /// The threshold it crossed.
    pub threshold: f64,
    /// Whether it would be attack-level, were it not for what we do ourselves: the evidence says what part that is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ours: bool,
    /// One line of evidence with numbers, their minute and their scope.
    pub evidence: String,
    /// What to do next, in one line.
    pub suggests: String,
}

impl Signal {
    /// Whether it stands, is over, or could not be judged lately.
    #[must_use]
    pub fn state(&self) -> SignalState {
        match (self.ended, self.not_judged_since) {
            (Some(_), _) => SignalState::Ended,
            (None, Some(_)) => SignalState::NotJudged,
            (None, None) => SignalState::Stands,
        }
    }
}

/// A threshold in the table: what it is called, what it takes and where it is kept.
#[derive(Debug, Clone, Copy)]
pub struct Threshold {
    /// Its key in the configuration.
    pub name: &'static str,
    /// What it means, in Markdown.
    pub meaning: &'static str,
    /// What it takes.
    pub span: Span,
    /// Where it is kept.
    pub at: fn(&mut Thresholds) -> &mut f64,
    /// Where a single stage's own is kept; `None` where it holds for the whole account.
    pub of_stage: Option<fn(&mut StageThresholds) -> &mut Option<f64>>,
}

/// Makes the thresholds out of their table: the settings, those of single stages, their defaults, and what the
/// configuration is read by.
macro_rules! thresholds {
    (
        of_stages { $($(#[$doc:meta])+ $field:ident $name:literal = $default:literal, $span:expr, $meaning:literal;)+ }
        of_all { $($(#[$all_doc:meta])+ $all:ident $all_name:literal = $all_default:literal, $all_span:expr, $all_meaning:literal;)+ }
    ) => {
        /// When signals are raised, and how a stage stands. Shares are fractions, 0 to 1.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub struct Thresholds {
            $($(#[$doc])+ pub $field: f64,)+
            $($(#[$all_doc])+ pub $all: f64,)+
            /// Minutes that must be fine before a signal ends: what comes and goes is one signal and not ten.
            pub quiet_minutes: u32,
            /// Other thresholds for single stages.
            pub stages: Vec<StageThresholds>,
        }

        /// Thresholds of one stage, where they differ.
        #[derive(Debug, Clone, Default, PartialEq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub struct StageThresholds {
            /// The stage, `shop/prod`: the API by name or id.
            pub stage: String,
            $($(#[$doc])+ pub $field: Option<f64>,)+
        }

        impl Default for Thresholds {
            fn default() -> Self {
                Self { $($field: $default,)+ $($all: $all_default,)+ quiet_minutes: 3, stages: Vec::new() }
            }
        }

        impl Thresholds {
            /// Those of all stages with one stage's own over them.
            #[must_use]
            pub fn merged(&self, own: &StageThresholds) -> Self {
                Self {
                    $($field: own.$field.unwrap_or(self.$field),)+
                    $($all: self.$all,)+
                    quiet_minutes: self.quiet_minutes,
                    stages: Vec::new(),
                }
            }
        }

        /// Every threshold.
        pub static THRESHOLDS: &[Threshold] = &[
            $(Threshold {
                name: $name,
                meaning: $meaning,
                span: $span,
                at: |thresholds| &mut thresholds.$field,
                of_stage: Some(|stage| &mut stage.$field),
            },)+
            $(Threshold {
                name: $all_name,
                meaning: $all_meaning,
                span: $all_span,
                at: |thresholds| &mut thresholds.$all,
                of_stage: None,
            },)+
        ];
    };
}

thresholds! {
    of_stages {
        /// 4XX share for a notice.
        client_errors_notice "client-errors-notice" = 0.20, SHARE,
            "4XX share for a notice";
        /// 4XX share for an attack.
        client_errors_attack "client-errors-attack" = 0.50, SHARE,
            "4XX share for an attack";
        /// 5XX share for a notice.
        server_errors_notice "server-errors-notice" = 0.02, SHARE,
            "5XX share for a notice";
        /// 5XX share for an attack.
        server_errors_attack "server-errors-attack" = 0.10, SHARE,
            "5XX share for an attack";
        /// Allowed share of what the web ACL inspected, below which it is an attack.
        allowed_share_attack "allowed-share-attack" = 0.50, SHARE,
            "What the web ACL let through, as a share of what it inspected; below this is an attack";
        /// Blocked requests as a multiple of their own median over the last half hour.
        blocked_spike "blocked-spike" = 5.0, MULTIPLE,
            "Blocked requests as a multiple of their own median over the last half hour";
        /// Requests a minute below which shares are not judged: two errors out of three are no attack.
        least_requests_per_minute "least-requests-per-minute" = 60.0, Span::of(1.0, 1_000_000_000.0, "requests a minute"),
            "With fewer requests a minute shares are not judged: two errors out of three are no attack";
        /// Throttled share of requests for a notice.
        throttled_notice "throttled-notice" = 0.01, SHARE,
            "throttled requests above this share: notice. Known only where an access log or a metric filter tells";
        /// Throttled share of requests for an attack.
        throttled_attack "throttled-attack" = 0.20, SHARE,
            "throttled requests above this share: attack";
        /// p99 latency as a multiple of its own median over the half hour before.
        latency_multiple "latency-multiple" = 3.0, MULTIPLE,
            "p99 latency at this multiple of what is usual: notice";
        /// p99 latency below which it is never high, ms.
        latency_least_ms "latency-least-ms" = 500.0, MILLISECONDS,
            "p99 latency below this is never high";
        /// Cache hit share as a fraction of its own median over the half hour before, below which it has collapsed.
        cache_hit_collapse "cache-hit-collapse" = 0.5, SHARE,
            "the cache hit share below this fraction of its own median: notice";
        /// Dollars an hour as a multiple of what is usual.
        cost_multiple "cost-multiple" = 4.0, MULTIPLE,
            "dollars an hour at this multiple of what is usual: notice";
        /// Dollars an hour below which costs are never high.
        cost_least_dollars_per_hour "cost-least-dollars-per-hour" = 1.0, DOLLARS,
            "costs below this are never high";
        /// Share of customers served below which a measure of ours keeps them out.
        out_below "out-below" = 0.5, SHARE,
            "customers served below this share while something of ours is in force: `CUSTOMERS OUT`, until a tenth more are served";
        /// Share of customers served that a measure may cost before it keeps them out.
        out_drop "out-drop" = 0.2, SHARE,
            "the same where this much less is served than before: 0.2 is 20 points";
        /// What gets past a measure beyond what is usual, as a part of usual, from which on it leaks.
        leaking_above "leaking-above" = 0.3, SHARE,
            "what gets past a measure beyond what is usual, as a part of usual: `LEAKING`, until it is half of this";
        /// Part of what is above usual that has to be turned away for it to be contained.
        contained_turned_away "contained-turned-away" = 0.8, SHARE,
            "part of what is above usual that has to be turned away for `CONTAINED`";
        /// Share of customers that has to be served for it to be contained.
        contained_served "contained-served" = 0.85, SHARE,
            "customers served at least for `CONTAINED`";
        /// What is above usual, as a part of its peak, below which hardly more than usual is sent.
        recovering_below "recovering-below" = 0.2, SHARE,
            "what is above usual, as a part of its peak, below which hardly more than usual is sent: `RECOVERING`";
    }
    of_all {
        /// Share of the account's limit for a notice.
        account_limit_notice "account-limit-notice" = 0.6, SHARE,
            "all APIs together above this share of the account's limit: notice, on the busiest stage";
        /// Share of the account's limit for an attack.
        account_limit_attack "account-limit-attack" = 0.8, SHARE,
            "the same: attack";
    }
}

/// Pairs of which the second is never to be below the first: a notice comes before an attack.
pub const ORDERED: [(&str, &str); 4] = [
    ("client-errors-notice", "client-errors-attack"),
    ("server-errors-notice", "server-errors-attack"),
    ("throttled-notice", "throttled-attack"),
    ("account-limit-notice", "account-limit-attack"),
];

impl Thresholds {
    /// Those of one stage, as it is known where it stands.
    #[must_use]
    pub fn of_stage(&self, stage: &StageId, place: &Place) -> Cow<'_, Self> {
        match self.stages.iter().find(|own| place.means(&own.stage, stage)) {
            Some(own) => Cow::Owned(self.merged(own)),
            None => Cow::Borrowed(self),
        }
    }
}
