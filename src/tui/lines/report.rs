//! A stage in depth as text: methods with their limits, the web ACL rule by rule, what guards it, deployments, what is
//! lacking.
//!
//! Knows how to say it, not how it was read. What could not be read stands with its reason, once.

use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::model::board::Known;
use crate::model::figure::Figure;
use crate::model::limits::LimitInForce;
use crate::model::stage_report::{
    DeploymentRow, MethodRow, PolicyPosture, RuleMode, RuleRow, StageReport, WafCounter, WafReport, why,
};
use crate::model::waf::RuleAction;
use crate::tui::format::{figure, fit, millis, percent, rate, time};
use crate::tui::state::State;

use super::page::Page;

/// Columns of the labels on the left.
pub(super) const GUTTER: usize = 8;

/// The most deployments, rules inside a group and labels that are listed.
const MOST: usize = 6;

/// Writes all of it.
pub(super) fn write(state: &State, report: &StageReport, page: &mut Page) {
    for lack in &report.lacks {
        page.hanging("LACKS", state.looks.theme.heading, GUTTER, lack, state.looks.theme.text);
    }
    methods(state, report, page);
    if let Known::Yes(Some(waf)) = &report.waf {
        rules(state, waf, page);
    }
    guards(state, report, page);
    if let Known::Yes(deployments) = &report.deployments {
        heading(state, "DEPLOYMENTS, the newest first", page);
        deployments.iter().take(MOST).for_each(|one| deployment(state, one, page));
    }
    let unknown = report.unknown();
    if !unknown.is_empty() {
        heading(state, "NOT KNOWN", page);
        for (part, why) in together(unknown) {
            page.hanging(
                "?",
                state.looks.theme.unknown,
                2,
                &format!("{}: {why}", part.replace('_', " ")),
                state.looks.theme.text,
            );
        }
    }
}

/// One line for all parts that share a reason.
fn together(unknown: Vec<(&'static str, &str)>) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for (part, why) in unknown {
        match out.iter_mut().find(|(_, known)| known == why) {
            Some((parts, _)) => {
                parts.push_str(", ");
                parts.push_str(part);
            }
            None => out.push((part.to_owned(), why.to_owned())),
        }
    }
    out
}

fn heading(state: &State, words: &str, page: &mut Page) {
    page.gap();
    page.spans(&[(words, state.looks.theme.heading)]);
}

/// A cell of a table: cut and padded to its width by columns of the screen.
fn cell(text: &str, width: usize, right: bool) -> String {
    let text = fit(text, width);
    let pad = " ".repeat(width - text.width().min(width));
    if right { format!("{pad}{text} ") } else { format!("{text}{pad} ") }
}

/// Why figures are not known, each reason once.
fn reasons<'a>(state: &State, figures: impl Iterator<Item = &'a Figure>, page: &mut Page) {
    let mut reasons: Vec<&str> = figures.filter_map(Figure::reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        page.hanging("?", state.looks.theme.unknown, 2, reason, state.looks.theme.faint);
    }
}

fn methods(state: &State, report: &StageReport, page: &mut Page) {
    let Known::Yes(methods) = &report.methods else { return };
    let theme = &state.looks.theme;
    heading(state, "METHODS", page);
    let wide = page.width >= 110;
    let name = methods.iter().map(|m| m.name.width()).max().unwrap_or(0).clamp(12, if wide { 40 } else { 22 });
    let line = |cells: [&str; 7], p50: &str, authorization: &str| {
        let [method, requests, client, server, p99, used, limit] = cells;
        let mut out = cell(method, name, false) + &cell(requests, 6, true) + &cell(client, 5, true);
        out += &cell(server, 5, true);
        if wide {
            out += &cell(p50, 6, true);
        }
        out += &(cell(p99, 6, true) + &cell(used, 5, true) + &cell(limit, if wide { 26 } else { 13 }, false));
        out + authorization
    };
    let titles = line(["method", "req/s", "4XX", "5XX", "p99", "used", "limit"], "p50", "authorization");
    page.spans(&[(&titles, theme.faint)]);
    for method in methods {
        let limit = match &method.limit {
            Known::Yes(limit) if wide => in_force(limit),
            Known::Yes(limit) => limit.rate.map_or_else(|| "none".to_owned(), |rate| format!("{rate}/s")),
            _ => "?".to_owned(),
        };
        let cells = [
            method.name.as_str(),
            &figure(&method.requests_per_second, rate),
            &figure(&method.client_error_share, percent),
            &figure(&method.server_error_share, percent),
            &figure(&method.latency_p99_ms, millis),
            &figure(&method.used_share, percent),
            &limit,
        ];
        let text = line(cells, &figure(&method.latency_p50_ms, millis), &authorized(method));
        page.spans(&[(&text, theme.text)]);
    }
    reasons(state, methods.iter().map(|m| &m.requests_per_second), page);
    if let Known::Yes(plans) = &report.limits.plans {
        for plan in plans {
            let limit = plan.throttle.map_or_else(
                || "has no limit of its own".to_owned(),
                |of| format!("{}/s, burst {}", of.rate, of.burst),
            );
            page.hanging("", theme.text, 2, &format!("usage plan {}: each client {limit}", plan.name), theme.faint);
        }
    }
}

/// Who may call a method, and what else is so about it.
fn authorized(method: &MethodRow) -> String {
    let mut words = vec![method.authorization.as_str()];
    // Without metrics of its own, samples tell whether a method is called at all.
    let sampled = method.sampled_share.value().filter(|_| method.requests_per_second.value().is_none());
    let sampled = sampled.map(|share| format!("{} of samples", percent(share)));
    words.extend(sampled.as_deref());
    if method.api_key_required {
        words.push("key");
    }
    match &method.caching {
        Known::Yes(true) => words.push("cached"),
        Known::Yes(false) => {}
        _ => words.push("cached?"),
    }
    words.join(", ")
}

fn in_force(limit: &LimitInForce) -> String {
    let number = |n: Option<f64>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
    format!("{}/s, burst {} ({})", number(limit.rate), number(limit.burst), limit.from)
}

fn rules(state: &State, waf: &WafReport, page: &mut Page) {
    let theme = &state.looks.theme;
    let behind = match &waf.behind {
        Known::Yes(behind) if behind.stages.len() == 1 => "this stage alone is behind it".to_owned(),
        Known::Yes(behind) => format!("figures of all {} stages behind it", behind.stages.len()),
        _ => "what else is behind it is not known".to_owned(),
    };
    heading(state, &format!("WEB ACL {}: {behind}", waf.name), page);
    let name = page.width.saturating_sub(48).clamp(14, 40);
    let line = |name_of: &str, does: &str, figures: [String; 3]| {
        let [allowed, blocked, counted] = figures;
        let figures = cell(&allowed, 8, true) + &cell(&blocked, 8, true) + &cell(&counted, 8, true);
        cell(name_of, name, false) + &cell(does, 18, false) + &figures
    };
    let titles = ["allow/s", "block/s", "count/s"].map(str::to_owned);
    page.spans(&[(&line("rule", "does", titles), theme.faint)]);
    for rule in &waf.rules {
        let figures = [WafCounter::Allowed, WafCounter::Blocked, WafCounter::Counted];
        let text = line(&rule.name, &does(rule), figures.map(|of| figure(rule.figures.of(of), rate)));
        // A rule that only counts turns nobody away: it must not look like a guard.
        let style = if rule.mode.only_counts() { theme.faint } else { theme.text };
        page.spans(&[(&text, style)]);
        inside(state, rule, page);
    }
    let figures = |of: WafCounter| figure(waf.default_figures.of(of), rate);
    let default = line(
        "default",
        action(waf.default_action),
        [figures(WafCounter::Allowed), figures(WafCounter::Blocked), figures(WafCounter::Counted)],
    );
    page.spans(&[(&default, theme.text)]);
    reasons(state, waf.rules.iter().flat_map(|rule| rule.figures.each().map(|(_, figure)| figure)), page);
    for way in waf.in_the_way.iter().take(MOST) {
        let name = if way.is_default { "the default action" } else { way.rule.as_str() };
        let (now, before) = (figure(&way.stopped_per_second, rate), figure(&way.before_per_second, rate));
        let share = figure(&way.share_of_stopped, percent);
        let words = format!("{name} stops {now}/s, before {before}/s: {share} of all that is stopped");
        page.hanging("IN WAY", theme.heading, GUTTER, &words, theme.text);
    }
    for rule in waf.only_count.iter().take(MOST) {
        page.hanging("COUNTS", theme.warn, GUTTER, &rule.says, theme.text);
    }
    labels(state, waf, page);
}

fn inside(state: &State, rule: &RuleRow, page: &mut Page) {
    let theme = &state.looks.theme;
    if let Known::Yes(inner) = &rule.inner {
        for one in inner.iter().take(MOST) {
            let actions: Vec<&str> = one.actions.iter().map(|one| action(*one)).collect();
            let words = format!("{} of its samples: {} ({})", percent(one.share), one.name, actions.join(", "));
            page.hanging("", theme.faint, 4, &words, theme.faint);
        }
    }
    match &rule.rate_keys {
        Some(Known::Yes(keys)) => {
            page.hanging("", theme.faint, 4, &format!("{keys} keys over its limit now"), theme.faint);
        }
        Some(other) => {
            let words = format!("keys over its limit: {}", why(other).unwrap_or_default());
            page.hanging("  ?", theme.unknown, 4, &words, theme.faint);
        }
        None => {}
    }
}

fn does(rule: &RuleRow) -> String {
    match &rule.mode {
        RuleMode::Acts(does) => action(*does).to_owned(),
        RuleMode::GroupActs(overrides) if overrides.is_empty() => "group acts".to_owned(),
        RuleMode::GroupActs(overrides) => format!("group, {} overridden", overrides.len()),
        RuleMode::GroupCounts => "group only counts".to_owned(),
    }
}

fn labels(state: &State, waf: &WafReport, page: &mut Page) {
    let Known::Yes(samples) = &waf.samples else { return };
    let listed: Vec<String> =
        samples.labels.iter().take(MOST).map(|label| format!("{} on {}", label.label, label.samples)).collect();
    if !listed.is_empty() {
        let words = format!("{} (of {} samples)", listed.join(", "), samples.sampled);
        page.hanging("LABELS", state.looks.theme.heading, GUTTER, &words, state.looks.theme.text);
    }
    for missing in &samples.missing {
        page.hanging("?", state.looks.theme.unknown, 2, missing, state.looks.theme.faint);
    }
}

fn action(action: RuleAction) -> &'static str {
    match action {
        RuleAction::Allow => "allows",
        RuleAction::Block => "blocks",
        RuleAction::Count => "only counts",
        RuleAction::Captcha => "CAPTCHA",
        RuleAction::Challenge => "challenges",
    }
}

fn guards(state: &State, report: &StageReport, page: &mut Page) {
    let theme = &state.looks.theme;
    let posture = &report.posture;
    heading(state, "WHAT GUARDS IT", page);
    let mut line = |label: &str, (words, style): (String, Style)| page.hanging(label, theme.faint, 18, &words, style);
    let acl = known(state, &posture.web_acl, |acl| {
        let owner = if acl.managed_by_firewall_manager { "; Firewall Manager's" } else { "" };
        format!(
            "{}: {} rules may stop, {} only count, {} allow; it {} the rest{owner}",
            acl.name,
            acl.enforcing,
            acl.counting,
            acl.allowing,
            action(acl.default_action)
        )
    });
    line("web ACL", acl);
    line("policy, deployed", known(state, &posture.deployed_policy, policy));
    line("policy, draft", known(state, &posture.draft_policy, policy));
    let cache = known(state, &posture.cache, |cache| {
        format!("{}, {} GB", cache.status.as_deref().unwrap_or("?"), cache.size_gb.as_deref().unwrap_or("?"))
    });
    line("cache", cache);
    let canary = known(state, &posture.canary, |canary| {
        canary.percent.map_or_else(|| "a share that AWS does not say".to_owned(), |n| format!("{n} % of the traffic"))
    });
    line("canary", canary);
    let log = known(state, &posture.access_log, |log| match log.lacks.as_slice() {
        [] => log.destination.clone(),
        lacks => format!("{}; a line does not say {}", log.destination, lacks.join("; ")),
    });
    line("access log", log);
    line("tracing", yes(state, &posture.tracing, |on| on_off(*on)));
    line("detailed metrics", yes(state, &posture.detailed_metrics, |on| on_off(*on)));
    let endpoint = yes(state, &posture.endpoint, |endpoint| {
        let disabled = if endpoint.execute_api_disabled { ", execute-api set to be disabled" } else { "" };
        format!("{}{disabled}", endpoint.types.join(", "))
    });
    line("endpoint", endpoint);
    for hint in &posture.hints {
        page.hanging("!", theme.warn, 2, hint, theme.text);
    }
}

fn yes<T>(state: &State, known: &Known<T>, words: impl FnOnce(&T) -> String) -> (String, Style) {
    match known {
        Known::Yes(known) => (words(known), state.looks.theme.text),
        other => (format!("? {}", why(other).unwrap_or_default()), state.looks.theme.unknown),
    }
}

fn known<T>(state: &State, known: &Known<Option<T>>, words: impl FnOnce(&T) -> String) -> (String, Style) {
    yes(state, known, |known| known.as_ref().map_or_else(|| "none".to_owned(), words))
}

fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

fn policy(policy: &PolicyPosture) -> String {
    let ours = if policy.closed_by_us { "; CLOSED by the kill switch" } else { "" };
    format!("{} statements allow, {} deny, {} characters{ours}", policy.allows, policy.denies, policy.characters)
}

fn deployment(state: &State, one: &DeploymentRow, page: &mut Page) {
    let theme = &state.looks.theme;
    let stages = match &one.stages {
        Known::Yes(stages) if stages.is_empty() => "no stage".to_owned(),
        Known::Yes(stages) => stages.join(", "),
        _ => "stages ?".to_owned(),
    };
    let canary = if one.canary { " and this stage's canary" } else { "" };
    let when = one.created.map_or_else(|| "?".to_owned(), |at| format!("{} {}", at.format("%m-%d"), time(at)));
    page.spans(&[
        (&format!("{when}  "), theme.faint),
        (&format!("{}  {stages}{canary}  ", one.id), theme.text),
        (&one.description, theme.faint),
    ]);
}
