//! What traffic costs: estimates out of minutes and configured prices.
//!
//! Knows prices and counts only. What is not known is left out of the sum, and the part says why.

use chrono::{DateTime, TimeDelta, Utc};

use super::habit::{BEFORE_MINUTES, median};
use super::signal::{AclScope, own_blocks};
use crate::model::board::{HISTORY_MINUTES, History, Metric};
use crate::model::cost::{Burn, CostOf};
use crate::model::figure::{Figure, Origin, Reading, Scope};
use crate::model::settings::Prices;
use crate::model::stage::ApiKind;

/// Dollars per dollar-million.
const MILLION: f64 = 1e6;

/// Bytes of a gigabyte as CloudWatch Logs bills them.
const GIGABYTE: f64 = 1e9;

/// What CloudWatch Logs adds to each line taken in, bytes (documented for `PutLogEvents`).
const LINE_OVERHEAD: f64 = 26.0;

/// What a stage's costs are made of.
pub(super) struct Meter<'a> {
    pub(super) history: &'a History,
    pub(super) prices: &'a Prices,
    pub(super) kind: ApiKind,
    /// Whether WAF inspects its requests; `None` where that is not known.
    pub(super) inspected: Option<bool>,
    /// What the web ACL's figures speak of: its blocks are the stage's only where it guards it alone.
    pub(super) acl: &'a AclScope,
    /// Bytes of a line of its access log, where it has one; 0 where it has none; `None` where that is not known.
    pub(super) line_bytes: Option<f64>,
}

impl Meter<'_> {
    /// The same of other minutes of the stage.
    pub(super) fn of<'h>(&'h self, history: &'h History) -> Meter<'h> {
        let Self { prices, kind, inspected, acl, line_bytes, .. } = *self;
        Meter { history, prices, kind, inspected, acl, line_bytes }
    }

    /// Dollars of one minute, by [`CostOf::index`]; `None` where a part is not known or the minute is not.
    ///
    /// Throttled requests are not billed (documented in 2020, since withdrawn; AWS's answers still say so). Whether
    /// what WAF blocks is billed by API Gateway is unverified: it is counted, so that the estimate is the most it can
    /// be.
    fn parts(&self, minute: DateTime<Utc>) -> Option<[Option<f64>; 4]> {
        let at = |metric: Metric| self.history[metric.index()].at(minute);
        let requests = at(Metric::Requests)?;
        let prices = self.prices;
        let per_million = match self.kind {
            ApiKind::Rest => prices.rest_dollars_per_million,
            ApiKind::Http => prices.http_dollars_per_million,
        };
        let billed = (requests - at(Metric::Throttled).unwrap_or(0.0)).max(0.0);
        let waf = self
            .inspected
            .map(|inspected| if inspected { requests * prices.waf_dollars_per_million / MILLION } else { 0.0 });
        let lambda = prices.lambda_memory_gb.and_then(|gigabytes| {
            let seconds = at(Metric::LatencyP50)? / 1_000.0;
            let blocked = own_blocks(self.history, minute, self.acl).unwrap_or(0.0).min(billed);
            let each =
                prices.lambda_dollars_per_million / MILLION + gigabytes * seconds * prices.lambda_dollars_per_gb_second;
            Some((billed - blocked) * each)
        });
        let logs = self.line_bytes.map(|bytes| requests * bytes * prices.log_dollars_per_gb / GIGABYTE);
        Some([Some(billed * per_million / MILLION), waf, lambda, logs])
    }

    /// Dollars of one minute, of all parts that are known.
    pub(super) fn minute(&self, minute: DateTime<Utc>) -> Option<f64> {
        self.parts(minute).map(|parts| parts.into_iter().flatten().sum())
    }

    /// What it costs at account time `now`, of the minute `last`, with what it came to since the attack began. What is
    /// usual is what was frozen then; where no attack is believed in, the half hour before.
    pub(super) fn burn(
        &self,
        last: Option<DateTime<Utc>>,
        attack: Option<(DateTime<Utc>, Figure)>,
        scope: &Scope,
        now: DateTime<Utc>,
    ) -> Burn {
        let Some((last, parts)) = last.and_then(|last| Some((last, self.parts(last)?))) else {
            return Burn::unknown("its requests are not known");
        };
        let end = last + TimeDelta::minutes(1);
        let figure = |value: f64| {
            let (at, origin, scope) = (end, Origin::Derived, scope.clone());
            Figure::Known(Reading { value, at, origin, scope, provisional: (now - end).num_minutes() < 3 })
        };
        let part = |of: CostOf| match parts[of.index()] {
            Some(dollars) => figure(dollars * 60.0),
            None => Figure::unknown(reason(of)),
        };
        let (attack, frozen) = attack.unzip();
        Burn {
            parts_per_hour: CostOf::ALL.map(part),
            per_hour: figure(parts.into_iter().flatten().sum::<f64>() * 60.0),
            usual_per_hour: match (frozen, self.usual(last)) {
                (Some(Figure::Known(frozen)), _) => Figure::Known(Reading { value: frozen.value * 60.0, ..frozen }),
                (Some(unknown), _) => unknown,
                (None, Some(dollars)) => figure(dollars * 60.0),
                (None, None) => Figure::unknown("too few minutes before to tell what is usual"),
            },
            since: attack.map(|began| (began, self.since(began, last).map_or_else(Figure::unknown, figure))),
        }
    }

    /// The median of the half hour before.
    fn usual(&self, before: DateTime<Utc>) -> Option<f64> {
        median((1..=BEFORE_MINUTES).filter_map(|n| self.minute(before - TimeDelta::minutes(n))))
    }

    /// Dollars from the minute `began` to the minute `last`, both included; the reason where they cannot be told. A sum
    /// without the minutes that are not known would be too small.
    fn since(&self, began: DateTime<Utc>, last: DateTime<Utc>) -> Result<f64, String> {
        let minutes = (last - began).num_minutes();
        if minutes >= i64::try_from(HISTORY_MINUTES).unwrap_or(180) {
            return Err("the attack is longer than the three hours that are kept".to_owned());
        }
        let known: Vec<f64> = (0..=minutes).filter_map(|n| self.minute(last - TimeDelta::minutes(n))).collect();
        let (of, missing) = (minutes + 1, minutes + 1 - i64::try_from(known.len()).unwrap_or(0));
        if missing > 0 {
            return Err(format!("of {missing} of its {of} minutes the requests are not known"));
        }
        Ok(known.into_iter().sum())
    }
}

/// Bytes of a line of an access log in `format`, from what queries scanned, else guessed from the format's length.
pub(super) fn line_bytes(measured: Option<f64>, format: &str) -> f64 {
    measured.unwrap_or(format.len() as f64 * 1.2) + LINE_OVERHEAD
}

fn reason(of: CostOf) -> &'static str {
    match of {
        CostOf::ApiGateway => "its requests are not known",
        CostOf::Waf => "whether a web ACL inspects its requests is not known",
        CostOf::Lambda => {
            "not asked for: name the functions' memory, lambda-memory-gb under [prices], where Lambda is behind it"
        }
        CostOf::Logs => "whether it has an access log is not known",
    }
}

/// What all stages together cost.
pub(super) fn total(burns: &[&Burn]) -> Burn {
    let sum = |of: &dyn Fn(&Burn) -> &Figure| add(burns.iter().map(|burn| of(burn)));
    let since = burns.iter().filter_map(|burn| burn.since.as_ref());
    let began = since.clone().map(|(began, _)| *began).min();
    Burn {
        parts_per_hour: std::array::from_fn(|n| sum(&|burn: &Burn| &burn.parts_per_hour[n])),
        per_hour: sum(&|burn: &Burn| &burn.per_hour),
        usual_per_hour: sum(&|burn: &Burn| &burn.usual_per_hour),
        since: began.map(|began| (began, add(since.map(|(_, figure)| figure)))),
    }
}

/// The sum of what is known; unknown where nothing is.
fn add<'a>(figures: impl Iterator<Item = &'a Figure>) -> Figure {
    let mut sum: Option<Reading> = None;
    let mut reason = None;
    for figure in figures {
        match figure {
            Figure::Known(reading) => match &mut sum {
                Some(sum) => {
                    sum.value += reading.value;
                    sum.at = sum.at.min(reading.at);
                    sum.provisional |= reading.provisional;
                }
                None => sum = Some(Reading { scope: Scope::Account, origin: Origin::Derived, ..reading.clone() }),
            },
            Figure::Unknown(why) => reason = reason.or(Some(why)),
        }
    }
    sum.map_or_else(|| Figure::Unknown(reason.cloned().unwrap_or_else(|| "no stage".into())), Figure::Known)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::watch::figures::tests::{at, history};

    fn close(figure: &Figure, dollars: f64) -> bool {
        figure.value().is_some_and(|value| (value - dollars).abs() < 1e-6)
    }

    #[test]
    fn a_thousand_requests_a_second_cost_what_the_price_list_says() {
        let prices = Prices { lambda_memory_gb: Some(0.5), ..Prices::default() };
        let history = history(&[
            (Metric::Requests, 0..=9, 60_000.0),
            (Metric::Throttled, 0..=9, 30_000.0),
            (Metric::LatencyP50, 0..=9, 100.0),
        ]);
        let meter = Meter {
            history: &history,
            prices: &prices,
            kind: ApiKind::Rest,
            inspected: Some(true),
            line_bytes: Some(0.0),
            acl: &AclScope::None,
        };
        let frozen = Figure::unknown("not frozen");
        let burn = meter.burn(Some(at(9)), Some((at(5), frozen.clone())), &Scope::Stage, at(10));
        assert!(close(&burn.parts_per_hour[0], 3.6e6 * 0.5 * 3.5e-6), "throttled ones are not billed");
        assert!(close(&burn.parts_per_hour[1], 3.6e6 * 0.6e-6), "inspected all the same");
        assert!(close(&burn.parts_per_hour[2], 1.8e6 * (0.2e-6 + 0.05 * 0.000_016_666_7)));
        let (began, since) = burn.since.as_ref().unwrap();
        assert_eq!(*began, at(5));
        assert!(close(since, burn.per_hour.value().unwrap() / 12.0), "five minutes");
        assert_eq!(burn.usual_per_hour, frozen, "an attack's usual is what was frozen");
        let calm = meter.burn(Some(at(9)), None, &Scope::Stage, at(10));
        assert!(close(&calm.usual_per_hour, burn.per_hour.value().unwrap()));
    }

    #[test]
    fn what_an_attack_has_cost_is_unknown_where_any_of_its_minutes_is() {
        let prices = Prices::default();
        let gap = history(&[(Metric::Requests, 0..=6, 60.0), (Metric::Requests, 8..=9, 60.0)]);
        let meter = Meter {
            history: &gap,
            prices: &prices,
            kind: ApiKind::Http,
            inspected: Some(false),
            acl: &AclScope::None,
            line_bytes: Some(0.0),
        };
        let usual = || Figure::unknown("not frozen");
        let since = |began| meter.burn(Some(at(9)), Some((at(began), usual())), &Scope::Stage, at(10)).since.unwrap().1;
        assert!(since(5).reason().unwrap().contains("1 of its 5 minutes"), "{:?}", since(5));
        assert!(since(8).value().is_some());
    }

    #[test]
    fn a_part_that_nobody_can_tell_says_so_and_is_left_out() {
        let (history, prices) = (history(&[(Metric::Requests, 0..=9, 60.0)]), Prices::default());
        let meter = Meter {
            history: &history,
            prices: &prices,
            kind: ApiKind::Http,
            inspected: None,
            acl: &AclScope::None,
            line_bytes: None,
        };
        let burn = meter.burn(Some(at(9)), None, &Scope::Stage, at(10));
        assert!(burn.parts_per_hour[2].reason().unwrap().contains("lambda-memory-gb"));
        assert!(close(&burn.per_hour, 3_600.0 * 1e-6));
        assert_eq!(meter.burn(Some(at(20)), None, &Scope::Stage, at(21)).per_hour.value(), None);
    }

    #[test]
    fn all_together_are_the_sum_of_what_is_known() {
        let known = |value| {
            Figure::Known(Reading {
                value,
                at: at(0),
                origin: Origin::Derived,
                scope: Scope::Stage,
                provisional: false,
            })
        };
        let burns = [
            Burn { per_hour: known(2.0), ..Burn::unknown("x") },
            Burn::unknown("y"),
            Burn { per_hour: known(3.0), ..Burn::unknown("z") },
        ];
        let all = total(&burns.iter().collect::<Vec<_>>());
        assert!(close(&all.per_hour, 5.0));
        assert_eq!(all.usual_per_hour.reason(), Some("x"));
    }
}
