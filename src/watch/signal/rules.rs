//! The table of conditions: whom each concerns, how a minute is judged by it, and what shows it. Every kind of signal
//! has an entry.

use chrono::{DateTime, Utc};

use super::judge::{Finding, Judge, Verdict, above};
use super::{AclScope, Situation};
use crate::model::board::Metric;
use crate::model::signal::{Severity, SignalKind};
use crate::watch::words::{clock_time, dollars, percent, rounded};

/// How a kind of signal is judged and told.
pub(super) struct Rule {
    /// Whether it concerns a stage at all: what does not is neither fine nor unknown.
    pub(super) applies: fn(&Situation<'_>) -> bool,
    /// What a minute is by it.
    pub(super) verdict: fn(&Judge<'_>, DateTime<Utc>) -> Verdict,
    /// Its evidence, in numbers.
    pub(super) evidence: fn(&Judge<'_>, DateTime<Utc>, &Finding) -> String,
}

/// The rule of a kind.
// Long: the table of rules, an arm a kind.
pub(super) const fn rule(kind: SignalKind) -> Rule {
    match kind {
        SignalKind::ServerErrorsHigh => Rule {
            applies: always,
            verdict: |judge, minute| judge.server_errors(minute),
            evidence: |judge, minute, finding| of_requests(judge, "5XX", minute, finding),
        },
        SignalKind::ClientErrorsHigh => Rule {
            applies: always,
            verdict: |judge, minute| {
                if judge.awaits_log(minute) {
                    return Verdict::NotJudged;
                }
                judge.share(Metric::ClientErrors, minute, |share| judge.client_errors(share, minute))
            },
            evidence: |judge, minute, finding| {
                format!("{}{}", of_requests(judge, "4XX", minute, finding), judge.own_part(minute, finding))
            },
        },
        SignalKind::Throttling => Rule {
            applies: always,
            verdict: throttling,
            evidence: |judge, minute, finding| {
                let ours = if finding.ours { "; a throttle of ours is in force" } else { "" };
                format!("{}{ours}", of_requests(judge, "throttled", minute, finding))
            },
        },
        SignalKind::AllowedShareLow => Rule {
            applies: |situation| situation.acl != AclScope::None,
            verdict: |judge, minute| judge.allowed_share(minute),
            evidence: let_through,
        },
        SignalKind::BlockedSpike => Rule {
            applies: |situation| situation.acl != AclScope::None,
            verdict: |judge, minute| judge.blocked_spike(minute),
            evidence: |judge, minute, _| {
                format!(
                    "WAF blocked {} at {} UTC, usually {} a minute ({})",
                    value(judge, Metric::WafBlocked, minute),
                    clock_time(minute),
                    or_unknown(judge.usual_blocked(minute)),
                    judge.situation.acl.label()
                )
            },
        },
        SignalKind::LatencyHigh => Rule {
            applies: always,
            verdict: |judge, minute| judge.latency(Metric::LatencyP99, minute),
            evidence: |judge, minute, _| judge.slow("p99", Metric::LatencyP99, minute),
        },
        SignalKind::IntegrationLatencyHigh => Rule {
            applies: always,
            verdict: |judge, minute| judge.latency(Metric::IntegrationP99, minute),
            evidence: |judge, minute, _| judge.slow("integration p99", Metric::IntegrationP99, minute),
        },
        SignalKind::ColdStartCascade => {
            Rule { applies: always, verdict: |judge, minute| judge.cascade(minute), evidence: cascading }
        }
        SignalKind::CacheHitCollapse => Rule {
            applies: |situation| situation.cache != Some(false),
            verdict: |judge, minute| judge.cache(minute),
            evidence: |judge, minute, finding| {
                let looked_up = number(judge, Metric::CacheHits, minute) + number(judge, Metric::CacheMisses, minute);
                format!(
                    "the cache answered {} of {} lookups at {} UTC, {} of what is usual",
                    percent(judge.hit_share(minute).unwrap_or(0.0)),
                    rounded(looked_up),
                    clock_time(minute),
                    percent(finding.value)
                )
            },
        },
        SignalKind::AccountLimitNear => Rule {
            applies: |situation| situation.tells_account,
            verdict: |judge, minute| {
                let limits = judge.thresholds;
                (judge.situation.account)(minute).map_or(Verdict::NotJudged, |used| {
                    above(used, limits.account_limit_notice, limits.account_limit_attack).into()
                })
            },
            evidence: |_, minute, finding| {
                let (used, when) = (percent(finding.value), clock_time(minute));
                format!("all APIs of the board together use {used} of the account's limit at {when} UTC")
            },
        },
        SignalKind::CostBurn => Rule {
            applies: always,
            verdict: |judge, minute| judge.cost(minute),
            evidence: |judge, minute, finding| {
                format!(
                    "about {} an hour at {} UTC, {:.1} times what is usual (estimate)",
                    dollars((judge.situation.dollars)(minute).unwrap_or(0.0) * 60.0),
                    clock_time(minute),
                    finding.value
                )
            },
        },
    }
}

fn always(_: &Situation<'_>) -> bool {
    true
}

fn throttling(judge: &Judge<'_>, minute: DateTime<Utc>) -> Verdict {
    let limits = judge.thresholds;
    if !judge.situation.throttles {
        return Verdict::NotJudged;
    }
    judge.share(Metric::Throttled, minute, |share| {
        let found = above(share, limits.throttled_notice, limits.throttled_attack)?;
        // 429s of our own throttle are what it is for.
        let ours = found.severity == Severity::Attack && judge.is_throttled(minute);
        Some(if ours { Finding { severity: Severity::Notice, ours, ..found } } else { found })
    })
}

fn number(judge: &Judge<'_>, metric: Metric, minute: DateTime<Utc>) -> f64 {
    judge.at(metric, minute).unwrap_or(0.0)
}

fn value(judge: &Judge<'_>, metric: Metric, minute: DateTime<Utc>) -> String {
    rounded(number(judge, metric, minute))
}

fn or_unknown(usual: Option<f64>) -> String {
    usual.map_or("?".to_owned(), rounded)
}

fn of_requests(judge: &Judge<'_>, word: &str, minute: DateTime<Utc>, finding: &Finding) -> String {
    let (share, when) = (percent(finding.value), clock_time(minute));
    format!("{word} {share} of {} requests at {when} UTC", value(judge, Metric::Requests, minute))
}

fn let_through(judge: &Judge<'_>, minute: DateTime<Utc>, finding: &Finding) -> String {
    let inspected = number(judge, Metric::WafAllowed, minute) + number(judge, Metric::WafBlocked, minute);
    let ours = judge.blocked_by_us(minute);
    format!(
        "WAF let through {} of {} inspected at {} UTC ({}){}",
        percent(finding.value),
        rounded(inspected),
        clock_time(minute),
        judge.situation.acl.label(),
        ours.map_or_else(String::new, |ours| format!("; our own blocks are about {} of it", rounded(ours)))
    )
}

fn cascading(judge: &Judge<'_>, minute: DateTime<Utc>, _: &Finding) -> String {
    let failing = number(judge, Metric::ServerErrors, minute) / number(judge, Metric::Requests, minute).max(1.0);
    format!(
        "{}; {} requests, usually {}; then 5XX {} (looks like more instances starting than the backend can start, or a backend at \
         its end)",
        judge.slow("p99", Metric::LatencyP99, minute),
        value(judge, Metric::Requests, minute),
        or_unknown(judge.usual_requests(minute)),
        percent(failing),
    )
}
