//! Which rules are in the way of an attack, and which match it and only count.
//!
//! A pure reading of minutes. What a rule would do if it acted is told only as far as the series tell it: WAF counts
//! requests and not which of them, so that of two counts of one minute only bounds of what they have in common are
//! known.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::frame::{Before, Frame};
use crate::model::board::HISTORY_MINUTES;
use crate::model::figure::{Figure, Origin};
use crate::model::series::Series;
use crate::model::stage_report::{Counters, InTheWay, OnlyCounts, RuleMode, RuleRow, WafCounter};
use crate::model::waf::{RuleAction, WebAcl};
use crate::model::words::whole_percent;

type Minutes = Counters<Arc<Series>>;

/// What is ranked.
pub(super) struct Subject<'a> {
    pub(super) acl: &'a WebAcl,
    /// In the order of evaluation.
    pub(super) rows: &'a [RuleRow],
    /// `Rule=ALL`.
    pub(super) total: &'a Minutes,
    /// The default action's.
    pub(super) default: &'a Minutes,
    /// What the rules inside the group at a place do, as far as that is known.
    pub(super) declared: &'a dyn Fn(usize) -> Vec<(String, RuleAction)>,
    pub(super) frame: &'a Frame<'a>,
    pub(super) before: Before,
}

/// What turns a request away.
const STOPPING: [WafCounter; 3] = [WafCounter::Blocked, WafCounter::Captcha, WafCounter::Challenge];

/// Requests turned away in a minute. A counter that had nothing but zeros or gaps in three hours is none of the rule's
/// own, and is not waited for; blocks are where there is nothing else.
fn stopped(minutes: &Minutes, minute: DateTime<Utc>) -> Option<f64> {
    let lives = |counter: &WafCounter| ever_above_zero(minutes.of(*counter));
    let mut counters: Vec<WafCounter> = STOPPING.into_iter().filter(lives).collect();
    if counters.is_empty() {
        counters.push(WafCounter::Blocked);
    }
    counters.iter().map(|counter| minutes.of(*counter).at(minute)).sum()
}

/// Whether any minute is above zero.
fn ever_above_zero(series: &Series) -> bool {
    let Some((last, _)) = series.latest() else { return false };
    series.window(last, HISTORY_MINUTES).into_iter().flatten().any(|value| value > 0.0)
}

/// Rules that turn requests away now, those first that do most more of it than before.
pub(super) fn in_the_way(subject: &Subject<'_>) -> Vec<InTheWay> {
    let of_rules = subject.rows.iter().map(|row| (row.metric_name.as_str(), false, &row.minutes));
    let default = (subject.acl.metric_name.as_str(), true, subject.default);
    let mut found: Vec<InTheWay> = of_rules
        .chain([default])
        .filter_map(|(rule, is_default, minutes)| in_the_way_of(subject, rule, is_default, minutes))
        .collect();
    let more = |one: &InTheWay| {
        let now = one.stopped_per_second.value().unwrap_or(0.0);
        now - one.before_per_second.value().unwrap_or(0.0)
    };
    found.sort_by(|a, b| more(b).total_cmp(&more(a)));
    found
}

fn in_the_way_of(subject: &Subject<'_>, rule: &str, is_default: bool, minutes: &Minutes) -> Option<InTheWay> {
    let frame = subject.frame;
    let (minute, value) = frame.latest(|minute| stopped(minutes, minute))?;
    if value <= 0.0 {
        return None;
    }
    let share = match stopped(subject.total, minute).filter(|all| *all > 0.0) {
        Some(all) => frame.reading((value / all).min(1.0), minute, Origin::Derived),
        None => Figure::unknown("what the web ACL turned away in that minute is not known"),
    };
    Some(InTheWay {
        rule: rule.to_owned(),
        is_default,
        stopped_per_second: frame.reading(value / 60.0, minute, Origin::CloudWatch),
        before_per_second: subject.before.median(frame, |minute| stopped(minutes, minute)),
        share_of_stopped: share,
    })
}

/// Rules that match and only count, those first that match most; those that match nothing are left out.
pub(super) fn only_count(subject: &Subject<'_>) -> Vec<OnlyCounts> {
    let mut found: Vec<OnlyCounts> =
        subject.rows.iter().enumerate().filter_map(|(place, row)| only_counts(subject, place, row)).collect();
    let counted = |one: &OnlyCounts| one.counted_per_second.value().unwrap_or(0.0);
    found.sort_by(|a, b| counted(b).total_cmp(&counted(a)));
    found
}

fn only_counts(subject: &Subject<'_>, place: usize, row: &RuleRow) -> Option<OnlyCounts> {
    let (why, whole) = match &row.mode {
        RuleMode::Acts(RuleAction::Count) => ("its action is Count".to_owned(), true),
        RuleMode::GroupCounts => ("the group is overridden to Count".to_owned(), true),
        RuleMode::GroupActs(_) => {
            let declared = (subject.declared)(place);
            let counting = declared.iter().filter(|(_, action)| *action == RuleAction::Count);
            let names: Vec<&str> = counting.map(|(name, _)| name.as_str()).collect();
            if names.is_empty() {
                return None;
            }
            (format!("inside the group, {} only count", names.join(", ")), false)
        }
        RuleMode::Acts(_) => return None,
    };
    let frame = subject.frame;
    if !whole {
        let untold = "AWS publishes no series of the web ACL for rules that count inside a group (documented)";
        let unknown = || Figure::unknown(untold);
        return Some(OnlyCounts {
            rule: row.metric_name.clone(),
            says: format!(
                "{}: {why}. No metric shows how much they match; the group's samples name them",
                row.metric_name
            ),
            why,
            counted_per_second: unknown(),
            before_per_second: unknown(),
            let_through_at_least: unknown(),
            let_through_at_most: unknown(),
        });
    }
    let series = row.minutes.of(WafCounter::Counted);
    let (minute, counted) = frame.latest(|minute| series.at(minute))?;
    if counted <= 0.0 {
        return None;
    }
    let counted = frame.reading(counted / 60.0, minute, Origin::CloudWatch);
    let (least, most) = let_through(subject, place, series);
    Some(OnlyCounts {
        rule: row.metric_name.clone(),
        says: says(row, &why, &counted, &least, &most),
        why,
        counted_per_second: counted,
        before_per_second: subject.before.median(frame, |minute| series.at(minute)),
        let_through_at_least: least,
        let_through_at_most: most,
    })
}

/// The least and the most part of what was let through that a counting rule matched.
///
/// What it matched was let through in the end, or turned away by a later rule. How much later rules turned away is
/// known, and not of whom: where they turned nothing away, both are the same.
fn let_through(subject: &Subject<'_>, place: usize, counted: &Series) -> (Figure, Figure) {
    let allowed = subject.total.of(WafCounter::Allowed);
    let part = |minute| Some((counted.at(minute)?, allowed.at(minute).filter(|allowed| *allowed > 0.0)?));
    let whole = |minute| {
        let (counted, allowed) = part(minute)?;
        Some((counted, allowed, stopped_later(subject, place, minute)?))
    };
    let frame = subject.frame;
    if let Some((minute, (counted, allowed, later))) = frame.latest(whole) {
        let of = |value: f64| frame.reading((value / allowed).clamp(0.0, 1.0), minute, Origin::Derived);
        return (of(counted - later), of(counted));
    }
    let Some((minute, (counted, allowed))) = frame.latest(part) else {
        let unknown = || Figure::unknown("what the web ACL let through in that minute is not known");
        return (unknown(), unknown());
    };
    let most = frame.reading((counted / allowed).min(1.0), minute, Origin::Derived);
    (Figure::unknown("what later rules turned away is not known yet"), most)
}

/// The most that may have been turned away after a rule: all that was, less what rules before it did where that is
/// known.
fn stopped_later(subject: &Subject<'_>, place: usize, minute: DateTime<Utc>) -> Option<f64> {
    let all = stopped(subject.total, minute)?;
    let before: Option<f64> = subject.rows[..place].iter().map(|row| stopped(&row.minutes, minute)).sum();
    Some((all - before.unwrap_or(0.0)).max(0.0))
}

fn says(row: &RuleRow, why: &str, counted: &Figure, least: &Figure, most: &Figure) -> String {
    let rate = counted.value().unwrap_or(0.0);
    let does = format!("{} counts {rate:.0}/s and turns nothing away: {why}", row.metric_name);
    let would = match &row.mode {
        RuleMode::GroupCounts => "Without the override, and as far as its rules block, it would have stopped",
        _ => "With the action Block it would have stopped",
    };
    match (least.value(), most.value(), most.reading()) {
        (Some(least), Some(most), Some(reading)) if (most - least).abs() < 0.005 => {
            format!(
                "{does}. {would} {} of what was let through in the minute before {}",
                whole_percent(most),
                reading.at.format("%H:%M")
            )
        }
        (Some(least), Some(most), Some(reading)) => format!(
            "{does}. {would} between {} and {} of what was let through in the minute before {}: what later rules stopped anyway is not told apart",
            whole_percent(least),
            whole_percent(most),
            reading.at.format("%H:%M")
        ),
        (None, Some(most), _) => {
            format!(
                "{does}. {would} at most {} of what was let through; {}",
                whole_percent(most),
                least.reason().unwrap_or("")
            )
        }
        _ => format!("{does}. How much of what was let through that is, is not known"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use chrono::TimeDelta;

    use crate::model::board::Known;
    use crate::model::figure::Scope;
    use crate::model::settings::PollingSettings;
    use crate::model::stage_report::RuleSource;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_040 + minute * 60, 0).unwrap()
    }

    /// Minutes 0 to 40 with these values a minute for each counter that is named, and zero for the others.
    fn minutes(values: &[(WafCounter, f64)]) -> Minutes {
        Counters::new(|counter| {
            let value = values.iter().find(|(named, _)| *named == counter).map_or(0.0, |(_, value)| *value);
            let mut series = Series::new(HISTORY_MINUTES);
            (0..=40).for_each(|minute| series.set(at(minute), value));
            Arc::new(series)
        })
    }

    fn row(place: usize, name: &str, mode: RuleMode, minutes: Minutes) -> RuleRow {
        RuleRow {
            place,
            name: name.to_owned(),
            metric_name: name.to_owned(),
            priority: 0,
            source: RuleSource::Own,
            matches: String::new(),
            mode,
            figures: Counters::new(|_| Figure::unknown("not asked")),
            minutes,
            inner: Known::NotYet,
            rate_keys: None,
        }
    }

    fn acl() -> WebAcl {
        WebAcl {
            name: "front".to_owned(),
            id: String::new(),
            arn: String::new(),
            metric_name: "front-metric".to_owned(),
            sampled: true,
            metered: true,
            default_action: RuleAction::Allow,
            pre_process: Vec::new(),
            rules: Vec::new(),
            post_process: Vec::new(),
            managed_by_firewall_manager: false,
        }
    }

    fn ranked(rows: &[RuleRow], total: &Minutes, default: &Minutes) -> (Vec<InTheWay>, Vec<OnlyCounts>) {
        let (polling, acl) = (PollingSettings::default(), acl());
        let frame = Frame { now: at(41) + TimeDelta::seconds(5), polling: &polling, scope: Scope::Stage };
        let before = Before::new(None, None, frame.now);
        let declared = |place: usize| match &rows[place].mode {
            RuleMode::GroupActs(overrides) => overrides.clone(),
            _ => Vec::new(),
        };
        let subject = Subject { acl: &acl, rows, total, default, declared: &declared, frame: &frame, before };
        (in_the_way(&subject), only_count(&subject))
    }

    const COUNTS: RuleMode = RuleMode::Acts(RuleAction::Count);
    const BLOCKS: RuleMode = RuleMode::Acts(RuleAction::Block);

    #[test]
    fn what_later_rules_stop_leaves_bounds_and_what_earlier_ones_stop_does_not() {
        use WafCounter::{Allowed, Blocked, Counted};
        let counting = || minutes(&[(Counted, 300.0)]);
        let blocking = || minutes(&[(Blocked, 200.0)]);
        let total = minutes(&[(Allowed, 600.0), (Blocked, 200.0), (Counted, 300.0)]);
        let default = minutes(&[(Allowed, 600.0)]);
        let of = |rows: &[RuleRow]| {
            let (_, counts) = ranked(rows, &total, &default);
            let share = |figure: &Figure| figure.value().unwrap();
            (share(&counts[0].let_through_at_least), share(&counts[0].let_through_at_most), counts[0].says.clone())
        };
        let earlier = of(&[row(1, "block", BLOCKS, blocking()), row(2, "count", COUNTS, counting())]);
        assert!((earlier.0 - 0.5).abs() < 1e-6 && (earlier.1 - 0.5).abs() < 1e-6, "{earlier:?}");
        assert!(earlier.2.contains("it would have stopped 50 % of what was let through"), "{}", earlier.2);
        let later = of(&[row(1, "count", COUNTS, counting()), row(2, "block", BLOCKS, blocking())]);
        assert!((later.0 - 100.0 / 600.0).abs() < 1e-6 && (later.1 - 0.5).abs() < 1e-6, "{later:?}");
        assert!(later.2.contains("between 17 % and 50 %"), "{}", later.2);
    }

    #[test]
    fn rules_that_do_more_of_it_than_before_come_first_and_the_default_action_is_one() {
        use WafCounter::{Blocked, Captcha};
        let idle = minutes(&[]);
        let mut series = Series::new(HISTORY_MINUTES);
        (0..=40).for_each(|minute| series.set(at(minute), if minute > 35 { 900.0 } else { 0.0 }));
        let series = Arc::new(series);
        let rising = Counters::new(|counter| Arc::clone(if counter == Blocked { &series } else { idle.of(counter) }));
        let rows = [
            row(1, "always", BLOCKS, minutes(&[(Blocked, 6_000.0)])),
            row(2, "puzzle", RuleMode::GroupActs(Vec::new()), minutes(&[(Captcha, 60.0)])),
            row(3, "rising", BLOCKS, rising),
            row(4, "idle", BLOCKS, minutes(&[])),
        ];
        let total = minutes(&[(Blocked, 6_930.0), (Captcha, 60.0)]);
        let (ways, _) = ranked(&rows, &total, &minutes(&[(Blocked, 30.0)]));
        let names: Vec<(&str, bool)> = ways.iter().map(|way| (way.rule.as_str(), way.is_default)).collect();
        assert_eq!(names, [("rising", false), ("always", false), ("puzzle", false), ("front-metric", true)]);
        assert!((ways[0].stopped_per_second.value().unwrap() - 15.0).abs() < 1e-6);
        assert!((ways[0].share_of_stopped.value().unwrap() - 900.0 / 6_990.0).abs() < 1e-6);
    }

    #[test]
    fn what_only_counts_inside_a_group_is_named_and_not_guessed() {
        let inside = RuleMode::GroupActs(vec![("SQLi_BODY".to_owned(), RuleAction::Count)]);
        let rows = [row(1, "aws-sqli", inside, minutes(&[(WafCounter::Blocked, 60.0)]))];
        let (_, counts) = ranked(&rows, &minutes(&[(WafCounter::Allowed, 60.0)]), &minutes(&[]));
        assert_eq!(counts[0].counted_per_second.value(), None);
        assert!(counts[0].says.contains("inside the group, SQLi_BODY only count"), "{}", counts[0].says);
    }

    #[test]
    fn what_was_not_read_of_later_rules_leaves_the_least_unknown() {
        use WafCounter::{Allowed, Counted};
        let blind = Counters::new(|_| Arc::new(Series::new(HISTORY_MINUTES)));
        let total = Counters::new(|counter| match counter {
            Allowed => Arc::clone(minutes(&[(Allowed, 600.0)]).of(Allowed)),
            other => Arc::clone(blind.of(other)),
        });
        let rows = [row(1, "count", COUNTS, minutes(&[(Counted, 300.0)]))];
        let (ways, counts) = ranked(&rows, &total, &blind);
        assert!(ways.is_empty());
        assert_eq!(counts[0].let_through_at_least.value(), None);
        assert!((counts[0].let_through_at_most.value().unwrap() - 0.5).abs() < 1e-6);
        assert!(counts[0].says.contains("at most 50 %"), "{}", counts[0].says);
    }
}
