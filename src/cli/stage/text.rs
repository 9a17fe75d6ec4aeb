//! A stage in depth in words. `~` stands before what may still change, `?` where something is not known.

use std::fmt::Write;

use crate::cli::text::{self, clock, percent, plain, whole};
use crate::model::board::{Known, StageRow};
use crate::model::figure::Figure;
use crate::model::limits::LimitInForce;
use crate::model::stage_report::{
    DeploymentRow, MethodRow, PolicyPosture, RuleMode, RuleRow, StageReport, WafReport, why,
};
use crate::model::text::{neutralised, shortened};
use crate::model::waf::RuleAction;
use crate::model::words::whole_percent;

/// Deployments, labels and rules inside a group that are listed; JSON has them all.
const MOST: usize = 8;

/// The report, whole.
pub(super) fn stage(report: &StageReport, row: Result<&StageRow, String>) -> String {
    let mut out = String::new();
    let account = if let Known::Yes(identity) = &report.identity { identity.label() } else { "account ?".to_owned() };
    let _ = writeln!(
        out,
        "{}  {} {}  {account}  read {}",
        neutralised(&report.stage.label()),
        report.kind.label(),
        report.stage.api_id,
        clock(report.read_at)
    );
    match &report.attack {
        Known::Yes(Some(attack)) => {
            let since = format!("since {}", clock(attack.began));
            say(&mut out, &format!("attack: {}", attack.words_at(&since)));
        }
        Known::Yes(None) => say(&mut out, "no attack is active"),
        _ => {}
    }
    match row {
        Ok(row) => {
            text::heading(&mut out);
            text::line(&mut out, row);
        }
        Err(why) => say(&mut out, &format!("? row of the board: {why}")),
    }
    if let Known::Yes(Some(waf)) = &report.waf {
        web_acl(&mut out, waf);
    }
    methods(&mut out, report);
    posture(&mut out, report);
    if let Known::Yes(deployments) = &report.deployments {
        self::deployments(&mut out, deployments);
    }
    let unknown = report.unknown();
    if !unknown.is_empty() {
        let _ = writeln!(out, "\nNot known");
        for (part, why) in unknown {
            say(&mut out, &format!("? {}: {why}", part.replace('_', " ")));
        }
    }
    let _ = writeln!(out, "\n{} metrics read for this, ${:.4} (estimate)", report.metrics_read, report.dollars);
    out
}

fn say(out: &mut String, words: &str) {
    let _ = writeln!(out, "    {}", neutralised(words));
}

fn web_acl(out: &mut String, waf: &WafReport) {
    let behind = match &waf.behind {
        Known::Yes(behind) if behind.stages.len() == 1 => "one stage is behind it".to_owned(),
        Known::Yes(behind) => {
            format!("{} stages are behind it, and its figures are of all of them", behind.stages.len())
        }
        _ => "what else is behind it is not known".to_owned(),
    };
    let _ = writeln!(out, "\nWeb ACL {}: {behind}", shortened(&waf.name, 60));
    let _ = writeln!(
        out,
        "{:>3} {:<28} {:<16} {:>10} {:>10} {:>10} {:>10} {:>10}  matches",
        "", "rule", "does", "allowed/s", "blocked/s", "counted/s", "captcha/s", "challenge/s"
    );
    for rule in &waf.rules {
        self::rule(out, rule);
    }
    let default = format!("{} by default", action(waf.default_action));
    figures(
        out,
        "",
        "default action",
        &default,
        &waf.default_figures,
        "what no rule ends (name of its series inferred)",
    );
    figures(out, "", "all", "", &waf.total, "");
    let reasons = waf.rules.iter().flat_map(|rule| rule.figures.each()).chain(waf.total.each());
    let mut reasons: Vec<&str> = reasons.filter_map(|(_, figure)| figure.reason()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        say(out, &format!("? {reason}"));
    }
    if !waf.in_the_way.is_empty() {
        let _ = writeln!(out, "In the way (before: {})", waf.before);
        for way in &waf.in_the_way {
            let name = if way.is_default { "default action" } else { way.rule.as_str() };
            let (now, before) = (plain(&way.stopped_per_second), plain(&way.before_per_second));
            say(
                out,
                &format!(
                    "{name} stops {now}/s, before {before}/s, {} of all that is stopped",
                    percent(&way.share_of_stopped)
                ),
            );
        }
    }
    if !waf.only_count.is_empty() {
        let _ = writeln!(out, "Only counting");
        waf.only_count.iter().for_each(|rule| say(out, &rule.says));
    }
    labels(out, waf);
    samples(out, waf);
}

fn labels(out: &mut String, waf: &WafReport) {
    let Known::Yes(labels) = &waf.labels else { return };
    if labels.is_empty() {
        return;
    }
    let _ = writeln!(out, "By label (one that is new may be missing for a quarter of an hour)");
    for row in labels.iter().take(MOST) {
        let (allowed, before) = (plain(&row.allowed_per_second), plain(&row.allowed_before_per_second));
        say(
            out,
            &format!(
                "{}: {allowed}/s let through, before {before}/s; {}/s blocked",
                row.label,
                plain(&row.blocked_per_second)
            ),
        );
    }
}

fn rule(out: &mut String, rule: &RuleRow) {
    let does = match &rule.mode {
        RuleMode::Acts(does) => action(*does).to_owned(),
        RuleMode::GroupActs(overrides) if overrides.is_empty() => "group acts".to_owned(),
        RuleMode::GroupActs(overrides) => format!("group, {} overridden", overrides.len()),
        RuleMode::GroupCounts => "group counts".to_owned(),
    };
    figures(out, &rule.place.to_string(), &rule.name, &does, &rule.figures, &rule.matches);
    if let Known::Yes(inner) = &rule.inner {
        for one in inner.iter().filter(|one| one.samples > 0).take(MOST) {
            let actions: Vec<&str> = one.actions.iter().map(|one| action(*one)).collect();
            let words =
                format!("{}: {}, {} samples ({})", one.name, whole_percent(one.share), one.samples, actions.join(", "));
            let _ = writeln!(out, "      {}", neutralised(&words));
        }
    }
    match &rule.rate_keys {
        Some(Known::Yes(keys)) => say(out, &format!("addresses over its limit now: {keys}")),
        Some(other) => say(out, &format!("? addresses over its limit: {}", why(other).unwrap_or_default())),
        None => {}
    }
}

// Wide: the columns of one line.
fn figures(
    out: &mut String,
    place: &str,
    name: &str,
    does: &str,
    of: &crate::model::stage_report::Counters<Figure>,
    matches: &str,
) {
    let _ = write!(out, "{place:>3} {:<28} {does:<16}", shortened(name, 28));
    for (_, figure) in of.each() {
        let _ = write!(out, " {:>10}", plain(figure));
    }
    let _ = writeln!(out, "  {}", shortened(matches, 80));
}

fn action(action: RuleAction) -> &'static str {
    match action {
        RuleAction::Allow => "allows",
        RuleAction::Block => "blocks",
        RuleAction::Count => "counts",
        RuleAction::Captcha => "CAPTCHA",
        RuleAction::Challenge => "challenges",
    }
}

fn samples(out: &mut String, waf: &WafReport) {
    let Known::Yes(samples) = &waf.samples else { return };
    let _ = writeln!(out, "Labels on {} samples, {} to {}", samples.sampled, clock(samples.from), clock(samples.to));
    for label in samples.labels.iter().take(MOST) {
        let actions: Vec<&str> = label.actions.iter().map(|one| action(*one)).collect();
        say(out, &format!("{} on {} ({})", label.label, label.samples, actions.join(", ")));
    }
    for missing in &samples.missing {
        say(out, &format!("? {missing}"));
    }
}

fn methods(out: &mut String, report: &StageReport) {
    let Known::Yes(methods) = &report.methods else { return };
    let _ = writeln!(
        out,
        "\n{:<34} {:<20} {:>7} {:>9} {:>7} {:>7} {:>8} {:>8} {:>6}  limit",
        "method", "authorization", "sampled", "req/s", "4XX", "5XX", "p50 ms", "p99 ms", "used"
    );
    for method in methods {
        self::method(out, method);
    }
    let mut reasons: Vec<&str> = methods.iter().filter_map(|method| method.requests_per_second.reason()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        say(out, &format!("? {reason}"));
    }
    let limits = &report.limits;
    let stage = if let Known::Yes(limit) = &limits.stage { in_force(limit) } else { "?".to_owned() };
    say(
        out,
        &format!(
            "the stage: {} requests/s, limit {stage}, {} used at the most (as if all went to one method)",
            plain(&limits.requests_per_second),
            percent(&limits.stage_share)
        ),
    );
    if let Known::Yes(Some(account)) = &limits.account {
        say(
            out,
            &format!(
                "the account: {}/s, burst {} for all APIs together; this stage uses {}",
                account.rate,
                account.burst,
                percent(&limits.account_share)
            ),
        );
    }
    if let Known::Yes(plans) = &limits.plans {
        for plan in plans {
            let limit = plan
                .throttle
                .map_or("no limit of its own".to_owned(), |of| format!("{}/s, burst {}", of.rate, of.burst));
            say(
                out,
                &format!("usage plan {}: each client {limit}, {} methods of their own", plan.name, plan.methods.len()),
            );
        }
    }
}

fn method(out: &mut String, method: &MethodRow) {
    let limit = if let Known::Yes(limit) = &method.limit { in_force(limit) } else { "?".to_owned() };
    let mut marks = Vec::new();
    if method.api_key_required {
        marks.push("key");
    }
    match &method.caching {
        Known::Yes(true) => marks.push("cached"),
        Known::Yes(false) => {}
        _ => marks.push("cached?"),
    }
    let marks = if marks.is_empty() { String::new() } else { format!(" [{}]", marks.join(", ")) };
    let _ = writeln!(
        out,
        "{:<34} {:<20} {:>7} {:>9} {:>7} {:>7} {:>8} {:>8} {:>6}  {limit}{marks}",
        shortened(&method.name, 34),
        shortened(&method.authorization, 20),
        percent(&method.sampled_share),
        plain(&method.requests_per_second),
        percent(&method.client_error_share),
        percent(&method.server_error_share),
        whole(&method.latency_p50_ms),
        whole(&method.latency_p99_ms),
        percent(&method.used_share),
    );
}

fn in_force(limit: &LimitInForce) -> String {
    let number = |n: Option<f64>| n.map_or("?".to_owned(), |n| n.to_string());
    format!("{}/s, burst {} ({})", number(limit.rate), number(limit.burst), limit.from)
}

fn posture(out: &mut String, report: &StageReport) {
    let posture = &report.posture;
    let _ = writeln!(out, "\nWhat guards it");
    let mut line = |what: &str, words: Option<String>| {
        say(out, &format!("{what:<18} {}", words.unwrap_or_else(|| "?".to_owned())));
    };
    line(
        "web ACL",
        known(&posture.web_acl, |acl| {
            format!(
                "{}: {} rules may stop, {} only count, {} allow; it {} what no rule ends",
                acl.name,
                acl.enforcing,
                acl.counting,
                acl.allowing,
                action(acl.default_action)
            )
        }),
    );
    line("policy, deployed", known(&posture.deployed_policy, policy));
    line("policy, draft", known(&posture.draft_policy, policy));
    line(
        "cache",
        known(&posture.cache, |cache| {
            format!("{}, {} GB", cache.status.as_deref().unwrap_or("?"), cache.size_gb.as_deref().unwrap_or("?"))
        }),
    );
    line(
        "canary",
        known(&posture.canary, |canary| canary.percent.map_or("? %".to_owned(), |percent| format!("{percent} %"))),
    );
    line(
        "access log",
        known(&posture.access_log, |log| match log.lacks.as_slice() {
            [] => log.destination.clone(),
            lacks => format!("{}; its format lacks {}", log.destination, lacks.join("; ")),
        }),
    );
    line(
        "endpoint",
        yes(&posture.endpoint, |endpoint| {
            let disabled = if endpoint.execute_api_disabled { ", execute-api set to be disabled" } else { "" };
            format!("{}{disabled}", endpoint.types.join(", "))
        }),
    );
    line("tracing", yes(&posture.tracing, |on| on_off(*on)));
    line("detailed metrics", yes(&posture.detailed_metrics, |on| on_off(*on)));
    report.lacks.iter().for_each(|lack| say(out, &format!("- {lack}")));
    posture.hints.iter().for_each(|hint| say(out, &format!("! {hint}")));
}

fn yes<T>(known: &Known<T>, words: impl FnOnce(&T) -> String) -> Option<String> {
    if let Known::Yes(known) = known { Some(words(known)) } else { None }
}

fn known<T>(known: &Known<Option<T>>, words: impl FnOnce(&T) -> String) -> Option<String> {
    yes(known, |known| known.as_ref().map_or("none".to_owned(), words))
}

fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

fn policy(policy: &PolicyPosture) -> String {
    let ours = if policy.closed_by_us { ", closed by kill-switch" } else { "" };
    format!("{} statements allow, {} deny, {} characters{ours}", policy.allows, policy.denies, policy.characters)
}

fn deployments(out: &mut String, deployments: &[DeploymentRow]) {
    let _ = writeln!(out, "\nDeployments, newest first ({} in all)", deployments.len());
    for one in deployments.iter().take(MOST) {
        let stages = match &one.stages {
            Known::Yes(stages) if stages.is_empty() => "no stage".to_owned(),
            Known::Yes(stages) => stages.join(", "),
            _ => "?".to_owned(),
        };
        let canary = if one.canary { " (and this stage's canary)" } else { "" };
        let created = one.created.map_or("?".to_owned(), clock);
        say(out, &format!("{created}  {}  {stages}{canary}  {}", one.id, shortened(&one.description, 60)));
    }
}
