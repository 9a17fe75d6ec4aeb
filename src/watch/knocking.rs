//! Whether whoever attacked a stage still knocks at its door while it is closed: how many come, turned away or not,
//! against what is usual.
//!
//! A closure's own 403s say nothing of that, and neither do signals, which are of what gets through. Reads only.

use chrono::{DateTime, TimeDelta, Utc};

use super::baseline;
use super::cost::Meter;
use super::poll::Past;
use super::signal::AclScope;
use super::state::{SeriesKey, provisional};
use super::store::Window;
use super::usual::{Frozen, Reckoned};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::attack::Attacks;
use crate::model::board::{History, Metric};
use crate::model::settings::Settings;
use crate::model::stage::{ApiKind, StageId};
use crate::model::usual::UsualOf;

/// Settled minutes in a row in which hardly more than usual come, before it is quiet.
const QUIET_MINUTES: i64 = 10;

/// As many times what is usual are hardly more.
const QUIET_MULTIPLE: f64 = 1.5;

/// How many come to a stage under an attack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Knocking {
    /// No attack on it is believed in.
    NoAttack,
    /// Ten settled minutes in a row hardly more than usual came.
    Quiet,
    /// More come: the most in a minute, and what is usual.
    Loud {
        /// Requests a minute.
        requests: f64,
        /// What is usual, requests a minute.
        usual: f64,
    },
    /// A minute, or what is usual, is not known.
    NotKnown,
}

/// Asks how many come to a stage. `web_acl_name` is the dimension value of the web ACL that stands before it now: what
/// it blocks may be missing in the stage's own figures. One `GetMetricData` call, and up to five more for what is
/// usual.
///
/// # Errors
/// As `GetMetricData` fails.
pub async fn knocking(
    aws: &Aws,
    settings: &Settings,
    (stage, kind): (&StageId, ApiKind),
    web_acl_name: Option<&str>,
    attacks: &Attacks,
) -> Result<Knocking, AwsError> {
    let Some(began) = attacks.began(stage) else { return Ok(Knocking::NoAttack) };
    let now = aws.clock().now();
    let key = SeriesKey::of(stage, kind);
    let past = Past { key: &key, wanted: Metric::Requests.index() + 1, web_acl_name };
    let settles = provisional(settings);
    let lately = past.read(aws, settings, Window::last(QUIET_MINUTES + settles.num_minutes(), now), Lane::Plan).await?;
    let frozen = Frozen::new(began, attacks.over(stage));
    let before = Past { web_acl_name: None, ..past };
    let frozen = baseline::filled(aws, settings, frozen, &before, now).await?;
    let meter = Meter {
        history: &lately,
        prices: &settings.prices,
        kind,
        inspected: None,
        acl: &AclScope::None,
        line_bytes: None,
    };
    let reckoned = Reckoned::of(&frozen, &meter);
    let usual = |minute| reckoned.at(UsualOf::Requests, minute)?.ok();
    Ok(judged(&lately, now, settles, web_acl_name.is_some(), &usual))
}

/// By ten settled minutes: any that is loud says so, and all of them have to be known for it to be quiet.
fn judged(
    lately: &History,
    now: DateTime<Utc>,
    settles: TimeDelta,
    inspected: bool,
    usual: &dyn Fn(DateTime<Utc>) -> Option<f64>,
) -> Knocking {
    let last = crate::model::series::floor_minute(now - settles) - TimeDelta::minutes(1);
    let minutes = (0..QUIET_MINUTES).map(|n| last - TimeDelta::minutes(n));
    let known: Vec<(f64, f64)> =
        minutes.filter_map(|minute| Some((came(lately, minute, inspected)?, usual(minute)?))).collect();
    let times = |(requests, usual): &(f64, f64)| requests / usual.max(1.0);
    match known.iter().max_by(|a, b| times(a).total_cmp(&times(b))) {
        Some(&(requests, usual)) if requests > QUIET_MULTIPLE * usual => Knocking::Loud { requests, usual },
        Some(_) if i64::try_from(known.len()).is_ok_and(|known| known == QUIET_MINUTES) => Knocking::Quiet,
        _ => Knocking::NotKnown,
    }
}

/// Requests that came in a minute. Whether a stage's own include what WAF blocks is inferred only: what it inspected
/// counts where that is more.
fn came(history: &History, minute: DateTime<Utc>, inspected: bool) -> Option<f64> {
    let at = |metric: Metric| history[metric.index()].at(minute);
    let own = at(Metric::Requests)?;
    if !inspected {
        return Some(own);
    }
    Some(own.max(at(Metric::WafAllowed)? + at(Metric::WafBlocked)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::model::series::Series;

    fn at(minute: i64) -> DateTime<Utc> {
        "2026-03-03T03:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
    }

    /// Thirteen minutes; each `(requests, inspected)`.
    fn knocks(of: impl Fn(i64) -> (Option<f64>, Option<f64>), inspected: bool) -> Knocking {
        let mut series: [Series; Metric::ALL.len()] = std::array::from_fn(|_| Series::new(60));
        for minute in 0..13 {
            let (own, waf) = of(minute);
            if let Some(own) = own {
                series[Metric::Requests.index()].set(at(minute), own);
            }
            if let Some(waf) = waf {
                series[Metric::WafAllowed.index()].set(at(minute), 0.0);
                series[Metric::WafBlocked.index()].set(at(minute), waf);
            }
        }
        judged(&series.map(Arc::new), at(13), TimeDelta::minutes(3), inspected, &|_| Some(1_000.0))
    }

    #[test]
    fn it_is_quiet_only_where_ten_settled_minutes_say_so() {
        assert_eq!(knocks(|_| (Some(1_500.0), None), false), Knocking::Quiet);
        let one_more = |minute| (Some(if minute == 0 { 1_501.0 } else { 900.0 }), None);
        assert_eq!(knocks(one_more, false), Knocking::Loud { requests: 1_501.0, usual: 1_000.0 });
        let young = |minute| (Some(if minute >= 10 { 9_000.0 } else { 900.0 }), None);
        assert_eq!(knocks(young, false), Knocking::Quiet, "minutes that may change do not count");
        assert_eq!(knocks(|minute| ((minute != 4).then_some(900.0), None), false), Knocking::NotKnown);
        assert_eq!(
            knocks(|_| (Some(900.0), Some(9_000.0)), true),
            Knocking::Loud { requests: 9_000.0, usual: 1_000.0 }
        );
        assert_eq!(knocks(|_| (Some(900.0), None), true), Knocking::NotKnown, "what WAF turns away is not known");
    }
}
