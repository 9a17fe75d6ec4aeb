//! What an attack is, in one line: who sends it, what it asks for, and what the rules in its way do. Out of what was
//! read of the sources; what nothing tells is left out, and never guessed.

use std::collections::HashMap;

use crate::model::attack::AttackKind;
use crate::model::candidate::Standing;
use crate::model::ladder::Ladder;
use crate::model::source::{Source, Sources};
use crate::model::text::grouped;
use crate::model::top_list::TopOf;
use crate::model::words::{counted, portion};

/// What was asked for that is named.
const MOST_REQUESTS: usize = 2;

/// A rule that matches this part of the attack's requests is in its way.
const IN_THE_WAY: f64 = 0.2;

/// A rule that turns away this part of what it matches turns it away; one that turns away less than what is left lets
/// it pass.
const NEARLY_ALL: f64 = 0.95;

/// A rule's action that ends nothing.
const COUNTED: &str = "COUNT";

/// Actions that keep a request from the API.
const TURNED_AWAY: [&str; 3] = ["BLOCK", "CAPTCHA", "CHALLENGE"];

/// Who sends the attack: `injection: 40 addresses that came with the attack; POST /login, GET /search; …`.
/// `None` where nothing is known of who sends it. `kind` is a person's word.
#[must_use]
pub(super) fn cause(kind: Option<AttackKind>, sources: &Sources, ladder: &Ladder) -> Option<String> {
    let of_attack: Vec<&Source> = sources.sources.iter().filter(|one| one.standing == Standing::Attack).collect();
    if of_attack.is_empty() {
        return None;
    }
    let all_listed = sources.log.as_ref().is_none_or(|log| log.unlisted_at_most.is_none());
    let least = if all_listed { "" } else { "at least " };
    let kind = kind.map_or_else(String::new, |kind| format!("{}: ", kind.word()));
    let who = format!("{kind}{least}{} that came with the attack", counted(of_attack.len(), "address"));
    let parts = [Some(who), asked_for(sources, ladder), rule(sources, &of_attack)];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// What rose, by the log; else the attacked method, by samples.
fn asked_for(sources: &Sources, ladder: &Ladder) -> Option<String> {
    let rose = sources.log.as_ref().map(|log| log.rose.as_slice()).unwrap_or_default();
    if rose.is_empty() {
        return ladder.attacked.as_ref().map(|attacked| attacked.method.to_string());
    }
    let named = rose[..rose.len().min(MOST_REQUESTS)].join(", ");
    let more = rose.len().saturating_sub(MOST_REQUESTS);
    Some(if more > 0 { format!("{named} and {more} more") } else { named })
}

/// The rule that matches most of the attack, and what it does to it.
fn rule(sources: &Sources, of_attack: &[&Source]) -> Option<String> {
    let mut matched: HashMap<&str, u64> = HashMap::new();
    let mut all = 0;
    for source in of_attack {
        all += ended(source).map(|(_, requests)| requests).sum::<u64>();
        for (rule, requests) in &source.rules {
            *matched.entry(rule).or_default() += requests;
        }
    }
    let (name, requests) = matched.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)))?;
    if all == 0 || (requests as f64) < IN_THE_WAY * all as f64 {
        return None;
    }
    let row = sources.top.iter().find(|list| list.of == TopOf::Rules)?.rows.iter().find(|row| row.name == name)?;
    let seconds = sources.answered_seconds.filter(|seconds| *seconds > 0.0)?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rate = grouped((row.requests as f64 / seconds).round() as u64);
    Some(format!("rule {name} matches {rate}/s, {} (samples)", turned_away(name, of_attack)))
}

/// What ended a source's requests, as far as samples tell. That a rule counted them ends nothing, and counts the same
/// request once more; only where nothing else is known of it does it stand for being let through.
fn ended(source: &Source) -> impl Iterator<Item = (&str, u64)> {
    let is_known = source.actions.iter().any(|(action, _)| action != COUNTED);
    source
        .actions
        .iter()
        .filter(move |(action, _)| !is_known || action != COUNTED)
        .map(|(action, n)| (action.as_str(), *n))
}

/// What becomes of those whom a rule matches, by their samples.
fn turned_away(rule: &str, of_attack: &[&Source]) -> String {
    let (mut blocked, mut all) = (0, 0);
    for source in of_attack.iter().filter(|one| one.rules.iter().any(|(name, _)| name == rule)) {
        for (action, requests) in ended(source) {
            all += requests;
            blocked += if TURNED_AWAY.contains(&action) { requests } else { 0 };
        }
    }
    let share = if all == 0 { 0.0 } else { blocked as f64 / all as f64 };
    if share >= NEARLY_ALL {
        "and its senders are turned away".to_owned()
    } else if share <= 1.0 - NEARLY_ALL {
        "and its senders are let through".to_owned()
    } else {
        format!("and about {} of its senders' requests are turned away", portion(share))
    }
}
