//! Kinds of request: what is asked for, how it was answered, with what software; and which of them rose against the
//! time before.

use std::collections::HashMap;

use super::reading::{Addresses, Reading, Window};
use super::top::{self, Counts};
use crate::aws::read::{LogRows, MOST_ROWS};
use crate::model::access_log::Field;
use crate::model::top_list::{TopList, TopOf};

/// The part of the rise that a kind of request must make to belong to what rose.
const OF_THE_RISE: f64 = 0.05;

/// How much more there must be of a kind than before, to have risen.
const TIMES: f64 = 2.0;

/// Kinds that a query may name.
const MOST_KINDS: usize = 20;

/// Fields that kinds of request are told apart by, and the list that is made of them.
pub(super) struct Set<'a> {
    pub(super) of: TopOf,
    pub(super) names: Vec<&'a str>,
}

/// The kinds of request of a window.
pub(super) struct Kinds {
    /// A row for each that differs in any field; where an answer does not hold so many, an answer for each set by
    /// itself.
    pub(super) answers: Vec<LogRows>,
    pub(super) window: Window,
}

impl Kinds {
    /// The answer that tells of a set.
    pub(super) fn rows(&self, set: usize) -> &[HashMap<String, String>] {
        self.answers.get(set).or(self.answers.first()).map_or(&[], |answer| answer.rows.as_slice())
    }

    /// Whether that answer holds every kind. Whoever makes each request different fills it.
    pub(super) fn is_whole(&self, set: usize) -> bool {
        self.rows(set).len() < MOST_ROWS
    }

    /// All lines of the window. `counted` is what another query counted a moment before: it is asked only where the
    /// rows are not all, since lines that came in between are in one and not in the other.
    pub(super) fn total(&self, set: usize, counted: f64) -> f64 {
        let listed: f64 = self.rows(set).iter().filter_map(requests).sum();
        if self.is_whole(set) { listed } else { counted.max(listed) }
    }
}

/// What makes requests of one kind.
pub(super) const SETS: [(TopOf, &[Field]); 3] = [
    (TopOf::Requests, &[Field::Method, Field::Resource]),
    (TopOf::Statuses, &[Field::Status]),
    (TopOf::UserAgents, &[Field::UserAgent]),
];

pub(in crate::watch) fn by_fields(fields: &[&str]) -> String {
    format!("stats count(*) as requests by {} | sort requests desc | limit {MOST_ROWS}", fields.join(", "))
}

/// The list of a set.
pub(super) fn list((n, set): (usize, &Set<'_>), now: &Kinds, before: Option<&Kinds>, reading: &Reading) -> TopList {
    let counts = |kinds: &Kinds, whole: &Addresses| Counts {
        by_name: counted(kinds.rows(n), &set.names).into_iter().map(|(values, n)| (kind_name(&values), n)).collect(),
        total: kinds.total(n, whole.total),
        whole: kinds.is_whole(n),
    };
    let before = before.zip(reading.before.as_ref()).map(|(kinds, whole)| counts(kinds, whole));
    top::logged(set.of, &counts(now, &reading.now), before.as_ref())
}

/// What a kind of request is called: `POST /login`. A route names a method by itself, which may be `ANY`: the request's
/// own stands for it.
pub(in crate::watch) fn kind_name(values: &[String]) -> String {
    if let [method, resource] = values
        && let Some((verb, path)) = resource.split_once(' ')
        && verb.chars().all(|letter| letter.is_ascii_alphabetic())
    {
        return format!("{method} {path}");
    }
    values.join(" ")
}

/// A name as answers have it: without the backticks that a query needs.
pub(in crate::watch) fn plain(name: &str) -> &str {
    name.trim_matches('`')
}

pub(in crate::watch) fn requests(row: &HashMap<String, String>) -> Option<f64> {
    row.get("requests").and_then(|n| n.parse().ok())
}

/// Requests a second by the values of some fields.
pub(super) fn tally(kinds: &Kinds, set: usize, names: &[&str]) -> HashMap<Vec<String>, f64> {
    let (from, to) = kinds.window;
    let seconds = (to - from).as_seconds_f64().max(1.0);
    counted(kinds.rows(set), names).into_iter().map(|(values, requests)| (values, requests / seconds)).collect()
}

/// Requests by the values of some fields.
fn counted(rows: &[HashMap<String, String>], names: &[&str]) -> HashMap<Vec<String>, f64> {
    let mut counts = HashMap::new();
    for row in rows {
        let values: Option<Vec<String>> = names.iter().map(|name| row.get(plain(name)).cloned()).collect();
        if let (Some(values), Some(requests)) = (values, requests(row)) {
            *counts.entry(values).or_default() += requests;
        }
    }
    counts
}

/// The values that rose, most first, and how well they tell: their part of the whole rise less their part of what was
/// there before.
pub(super) fn risen(
    now: &HashMap<Vec<String>, f64>,
    before: &HashMap<Vec<String>, f64>,
    tells: impl Fn(&[String]) -> bool,
) -> (f64, Vec<Vec<String>>) {
    let was = |values: &Vec<String>| before.get(values).copied().unwrap_or(0.0);
    let rise: f64 = now.iter().map(|(values, rate)| (rate - was(values)).max(0.0)).sum();
    let all_before: f64 = before.values().sum();
    let fits = |(values, rate): &(&Vec<String>, &f64)| {
        **rate >= TIMES * was(values)
            && **rate - was(values) >= OF_THE_RISE * rise
            && tells(values)
            && values.iter().all(|value| may_be_quoted(value))
    };
    let mut found: Vec<(&Vec<String>, &f64)> = now.iter().filter(fits).collect();
    found.sort_by(|a, b| b.1.total_cmp(a.1).then_with(|| a.0.cmp(b.0)));
    found.truncate(MOST_KINDS);
    let part = |some: f64, all: f64| if all > 0.0 { some / all } else { 0.0 };
    let explained: f64 = found.iter().map(|(values, rate)| part(*rate - was(values), rise)).sum();
    let usual: f64 = found.iter().map(|(values, _)| part(was(values), all_before)).sum();
    (explained - usual, found.into_iter().map(|(values, _)| values.clone()).collect())
}

/// Statuses that say how the API is doing, and nothing of who calls: everybody gets them.
pub(super) fn is_of_our_making(values: &[String]) -> bool {
    values.iter().any(|status| status.starts_with('5') || matches!(status.as_str(), "403" | "429"))
}

/// Whether a text from the log can stand between single quotation marks of a query without ending them.
fn may_be_quoted(value: &str) -> bool {
    value.len() <= 500 && !value.chars().any(|c| c.is_control() || matches!(c, '\'' | '\\' | '"' | '`'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(list: &[(&[&str], f64)]) -> HashMap<Vec<String>, f64> {
        list.iter().map(|(values, rate)| (values.iter().map(|v| (*v).to_owned()).collect(), *rate)).collect()
    }

    #[test]
    fn what_rose_is_what_explains_the_rise_and_was_rare_before() {
        let before = rates(&[(&["GET", "/items"], 90.0), (&["POST", "/login"], 10.0)]);
        let now = rates(&[(&["GET", "/items"], 95.0), (&["POST", "/login"], 410.0)]);
        let (worth, values) = risen(&now, &before, |_| true);
        assert_eq!(values, [["POST", "/login"]]);
        assert!((worth - (400.0 / 405.0 - 0.1)).abs() < 1e-9, "{worth}");
    }

    #[test]
    fn a_route_is_not_named_with_its_method_twice() {
        let name = |method: &str, resource: &str| kind_name(&[method.to_owned(), resource.to_owned()]);
        assert_eq!(name("GET", "GET /pets"), "GET /pets");
        assert_eq!(name("POST", "ANY /{proxy+}"), "POST /{proxy+}");
        assert_eq!(name("GET", "$default"), "GET $default");
        assert_eq!(name("GET", "/pets"), "GET /pets");
    }

    #[test]
    fn a_backend_that_fails_everybody_speaks_against_nobody() {
        let status = |text: &str| [text.to_owned()];
        assert!(["500", "504", "429", "403"].iter().all(|text| is_of_our_making(&status(text))));
        assert!(["200", "401", "404"].iter().all(|text| !is_of_our_making(&status(text))));
    }

    #[test]
    fn a_user_agent_that_could_end_its_quotation_marks_never_gets_into_a_query() {
        let now =
            rates(&[(&["x' or '1' = '1"], 900.0), (&["a\\"], 800.0), (&["\u{1b}[2J"], 700.0), (&["curl/8"], 600.0)]);
        assert_eq!(risen(&now, &HashMap::new(), |_| true).1, [["curl/8"]]);
    }
}
