//! Which rules are in the way of an attack, and which match it and only count.
//!
//! A pure reading of minutes. What a rule would do if it acted is told only as far as the series tell it: WAF counts requests and not which of
//! them, so that of two counts of one minute only bounds of what they have in common are known.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::frame::{Before, Frame};
use crate::model::board::HISTORY_MINUTES;
use crate::model::figure::{Figure, Origin};
use crate::model::series::Series;
use crate::model::stage_report::{Counters, InTheWay, OnlyCounts, RuleMode, RuleRow, WafCounter};
use crate::model::waf::{RuleAction, WebAcl};

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
    pub(super) frame: &'a Frame<'a>,
    pub(super) before: Before,
}

/// What turns a request away.
const STOPPING: [WafCounter; 3] = [WafCounter::Blocked, WafCounter::Captcha, WafCounter::Challenge];

/// Requests turned away in a minute. A counter that had nothing but zeros or gaps in three hours is none of the rule's own, and is not waited
/// for; blocks are where there is nothing else.
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
        RuleMode::GroupActs(overrides) => {
            let counting = overrides.iter().filter(|(_, action)| *action == RuleAction::Count);
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
                "{}: {why}. How much they match no metric tells; the group's samples name them",
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
/// What it matched was let through in the end, or turned away by a later rule. How much later rules turned away is known, and not of whom:
/// where they turned nothing away, both are the same.
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
    match frame.latest(part) {
        Some((minute, (counted, allowed))) => (
            Figure::unknown("what later rules turned away is not known yet"),
            frame.reading((counted / allowed).min(1.0), minute, Origin::Derived),
        ),
        None => {
            let unknown = || Figure::unknown("what the web ACL let through in that minute is not known");
            (unknown(), unknown())
        }
    }
}

/// The most that may have been turned away after a rule: all that was, less what rules before it did where that is known.
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
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    match (least.value(), most.value(), most.reading()) {
        (Some(least), Some(most), Some(reading)) if (most - least).abs() < 0.005 => {
            format!(
                "{does}. {would} {} of what was let through in the minute before {}",
                percent(most),
                reading.at.format("%H:%M")
            )
        }
        (Some(least), Some(most), Some(reading)) => format!(
            "{does}. {would} between {} and {} of what was let through in the minute before {}: what later rules stopped all the same is not told apart",
            percent(least),
            percent(most),
            reading.at.format("%H:%M")
        ),
        (None, Some(most), _) => {
            format!(
                "{does}. {would} at most {} of what was let through; {}",
                percent(most),
                least.reason().unwrap_or("")
            )
        }
        _ => format!("{does}. How much of what was let through that is, is not known"),
    }
}
