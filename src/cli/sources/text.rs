//! Sources in words for people.

use std::fmt::Write;

use crate::cli::text::clock;
use crate::model::counted::{Bounds, CountedBy};
use crate::model::source::{Followers, Legitimacy, RateRule, Sources, Tally};
use crate::model::text::{neutralised, shortened};
use crate::model::top_list::TopList;
use crate::model::words::{percent, portion};

/// Prefixes of a set that are listed.
const MOST_PREFIXES: usize = 10;

/// What to block: candidate sets, smallest first.
pub(super) fn blocking(sources: &Sources) -> String {
    let candidates = &sources.candidates;
    let mut out = String::new();
    let told = portion(candidates.classified.share);
    let _ = writeln!(out, "What to block ({told} of the requests could be classified as attack or not)");
    if let Some(reason) = &candidates.reason {
        let _ = writeln!(out, "  ? {reason}");
    }
    for set in &candidates.sets {
        let _ = writeln!(out, "  {}", set.words());
        for prefix in set.prefixes.iter().take(MOST_PREFIXES) {
            let share = portion(prefix.attack_share);
            let _ = writeln!(out, "      {:<40} {share:>7}  {} addresses seen", prefix.prefix, prefix.addresses);
            for warning in &prefix.warnings {
                let _ = writeln!(out, "        ! {warning}");
            }
        }
        if set.prefixes.len() > MOST_PREFIXES {
            let _ = writeln!(out, "      … and {} more", set.prefixes.len() - MOST_PREFIXES);
        }
    }
    for excluded in &candidates.excluded {
        let share = portion(excluded.attack_share);
        let _ = writeln!(out, "  ! {share} of the attack comes from {}: {}", excluded.range, excluded.reason);
    }
    if let Some(log) = &sources.log {
        let _ = writeln!(
            out,
            "access log {}, {} to {}: {} requests of {} addresses, those listed sent {}; the queries cost ${:.4} (estimate)",
            neutralised(&log.group),
            clock(log.from),
            clock(log.to),
            log.requests,
            log.addresses,
            portion(log.listed_share),
            log.dollars
        );
        if let Some(most) = log.unlisted_at_most {
            let _ =
                writeln!(out, "the busiest addresses are listed; no other sent more than {most} requests in that time");
        }
        if !log.rose.is_empty() {
            let _ = writeln!(out, "rose most compared with before the attack: {}", log.rose.join(", "));
        }
    }
    out
}

/// Rows of each list that are printed for people; JSON has them all.
const MOST_ROWS: usize = 5;

/// What the requests have in common, and who is over the limits of rate rules.
pub(super) fn in_common(sources: &Sources) -> String {
    let mut out = String::new();
    for list in &sources.top {
        let origin = match list.counted_by {
            CountedBy::AccessLog => "access log",
            CountedBy::WafSamples | CountedBy::RateRule => "samples, estimated",
        };
        let rest = if list.counted_share < 1.0 {
            format!(", based on {} of the requests", portion(list.counted_share))
        } else {
            String::new()
        };
        let title = list.of.title();
        let _ = writeln!(out, "{title} ({origin}{rest}; {} in all): share now, before the attack", list.distinct);
        rows(&mut out, list);
    }
    for rule in &sources.rate_rules {
        let _ = writeln!(out, "{}", over_limit(rule));
    }
    out
}

fn rows(out: &mut String, list: &TopList) {
    for row in list.rows.iter().take(MOST_ROWS) {
        let before = row.before_share.map_or_else(|| "?".to_owned(), portion);
        let (name, share) = (shortened(&row.name, 60), portion(row.share));
        let _ =
            writeln!(out, "  {name:<60} {:>22} {share:>7} {before:>7}", estimated(row.requests, row.requests_bounds));
    }
}

/// `rate rule login-flood (BLOCK, over 100 in 300 s): 12 addresses over its limit now`.
fn over_limit(rule: &RateRule) -> String {
    let limit = format!("{}, over {} in {} s", rule.action, rule.limit, rule.window_seconds);
    let who = match (rule.addresses, &rule.reason) {
        (Some(n), _) if rule.at_least => format!("{n} addresses or more over its limit now"),
        (Some(n), _) => format!("{n} addresses over its limit now"),
        (None, reason) => format!("? {}", neutralised(reason.as_deref().unwrap_or("not known"))),
    };
    format!("rate rule {} ({limit}): {who}", neutralised(&rule.rule))
}

/// ` (120 s, samples drawn from 4 s of it)`.
fn drawn_from(sources: &Sources) -> String {
    let Some((answered, covered)) = sources.answered_seconds.zip(sources.covered_seconds) else { return String::new() };
    if covered >= answered {
        return format!(" ({answered:.0} s)");
    }
    format!(" ({answered:.0} s, samples drawn from {covered:.0} s of it)")
}

/// `2600 (103–12300)`, with the bounds of what is estimated.
fn estimated(requests: u64, bounds: Option<Bounds>) -> String {
    bounds.map_or_else(|| requests.to_string(), |of| format!("{requests} ({}–{})", of.at_least, of.at_most))
}

/// Sources, ranked.
pub(super) fn sources(sources: &Sources, most: usize) -> String {
    let mut out = String::new();
    if let (Some(seen), Some(population)) = (sources.seen, sources.population) {
        let _ = writeln!(
            out,
            "web ACL {}, {} to {}{}: {} samples out of {seen} requests seen, of {population} in the window (estimates; 95 % bounds in brackets)",
            shortened(&sources.web_acl, 60),
            clock(sources.from),
            clock(sources.to),
            drawn_from(sources),
            sources.sampled,
        );
    }
    if sources.stages_behind > 1 {
        let stages = sources.stages_behind;
        let _ =
            writeln!(out, "{stages} stages are behind the web ACL: samples and rate rules do not say which was called");
    }
    if let Some(Followers { since, sources, per_second }) = &sources.followers {
        let since = clock(*since);
        let _ = writeln!(
            out,
            "{sources} sources of the attack are new since the block at {since} and get past it: {per_second:.0}/s"
        );
    }
    for missing in &sources.missing {
        let _ = writeln!(out, "? {}", neutralised(missing));
    }
    let _ = writeln!(
        out,
        "{:<40} {:>22} {:>7} {:<4} {:<15} {:<7} {:<34} rule",
        "address", "requests", "share", "from", "before attack", "WAF", "most asked for"
    );
    for source in sources.sources.iter().take(most) {
        let legitimacy = match source.legitimacy {
            _ if source.follows => "follows",
            Legitimacy::SeenBefore => "seen",
            Legitimacy::NotSeenBefore => "not seen",
            Legitimacy::Unknown => "?",
        };
        let _ = writeln!(
            out,
            "{:<40} {:>22} {:>7} {:<4} {:<15} {:<7} {:<34} {}",
            source.address,
            source.requests.map_or_else(|| "?".to_owned(), |n| estimated(n, source.requests_bounds)),
            source.share.map_or_else(|| "?".to_owned(), percent),
            top(&source.countries, 4),
            legitimacy,
            top(&source.actions, 7),
            top(&source.requests_by_path, 34),
            top(&source.rules, 40)
        );
    }
    out
}

fn top(tally: &Tally, width: usize) -> String {
    tally.first().map_or_else(|| "?".to_owned(), |(name, _)| shortened(name, width))
}
