//! What the requests have in common and who is over the limits of rate rules, against the range's own books.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::TimeDelta;
use ipnet::IpNet;
use portcullis::aws::Lane;
use portcullis::model::candidate::Standing;
use portcullis::model::counted::CountedBy;
use portcullis::model::settings::Settings;
use portcullis::model::source::{Legitimacy, Source, Sources};
use portcullis::model::top_list::{TopList, TopOf, TopRow};
use portcullis::respond::resolve::stage_of_any;
use portcullis::watch::{CallersOf, NobodyKnown, attack_began_on, callers};
use portcullis_range::{Fault, Range, When};

use crate::respond_http::{PETS, PETS_FLOOD};
use crate::world::{World, flood, of_drill, of_range};

/// What the console finds of a stage now.
pub(crate) async fn found(world: &World, label: &str, settings: &Settings) -> Sources {
    try_found(world, label, settings).await.unwrap()
}

/// The same where it may find nothing.
pub(crate) async fn try_found(world: &World, label: &str, settings: &Settings) -> Result<Sources, NobodyKnown> {
    let selector = label.parse().unwrap();
    let (stage, kind) = stage_of_any(&world.aws, &selector, Lane::Plan).await.unwrap();
    let acl = stage.web_acl_arn.as_deref();
    let name = acl.and_then(|arn| arn.rsplit('/').nth(1));
    let began = attack_began_on(&world.aws, settings, (&stage.id, kind), name).await.unwrap();
    let log = stage.access_log.as_ref();
    let asked = CallersOf {
        stage: &stage.id,
        kind,
        web_acl_arn: acl,
        stages_behind: 1,
        access_log: Ok(log),
        meter: &portcullis::watch::Meter::default(),
        began,
        known: None,
        blocked: None,
    };
    callers(&world.aws, settings, asked).await
}

fn list(sources: &Sources, of: TopOf) -> &TopList {
    sources.top.iter().find(|list| list.of == of).unwrap_or_else(|| panic!("no list of {}", of.title()))
}

fn line<'a>(list: &'a TopList, name: &str) -> &'a TopRow {
    list.rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no {name} in {list:#?}"))
}

fn near(what: &str, found: f64, truth: f64, within: f64) {
    assert!((found - truth).abs() <= within, "{what}: {found}, and in truth {truth}");
}

/// The part of `population` that calls out of `prefix`.
fn part(world: &World, population: &str, prefix: &str) -> f64 {
    let prefix: IpNet = prefix.parse().unwrap();
    let senders = world.range.with(|range| range.senders(population));
    senders.iter().filter(|(address, _)| prefix.contains(address)).map(|(_, part)| part).sum()
}

/// Requests of a population of `accounts/prod` in the minutes of the log that were read, by the range's own books.
fn requests(world: &World, found: &Sources, population: &str) -> f64 {
    let log = found.log.as_ref().unwrap();
    let minutes = (log.to - log.from).num_minutes();
    let at = |n| log.from + TimeDelta::minutes(n);
    let truth = |n| world.range.with(|range| range.truth().population("accounts/prod", population, at(n)).requests);
    (0..minutes).map(truth).sum::<u64>() as f64
}

#[tokio::test(start_paused = true)]
async fn what_the_requests_have_in_common_is_what_the_range_was_told_to_send() {
    let world = of_drill("credential-stuffing", 1.0).await;
    world.pass(540).await;
    let found = found(&world, "accounts/prod", &world.settings).await;
    let requests = |population: &str| requests(&world, &found, population);
    let (stuffers, customers, logging_in) =
        (requests("stuffers"), requests("customers"), requests("customers-logging-in"));
    let all = stuffers + customers + logging_in;

    let asked = list(&found, TopOf::Requests);
    assert_eq!((asked.counted_by, asked.rows[0].name.as_str()), (CountedBy::AccessLog, "POST /login"));
    near("log-ins", asked.rows[0].share, (stuffers + 0.95 * logging_in) / all, 0.02);
    near("log-ins before", asked.rows[0].before_share.unwrap(), 9.0 * 0.95 / 89.0, 0.02);
    assert!((asked.counted_share - 1.0).abs() < 1e-9, "every line was counted");

    let prefixes = list(&found, TopOf::Prefixes);
    let attacked = line(prefixes, "203.0.113.0/24");
    near("a /24", attacked.share, part(&world, "stuffers", "203.0.113.0/24") * stuffers / all, 0.01);
    assert_eq!(attacked.before_share, Some(0.0), "nobody called out of it before");
    assert_eq!(attacked.prefix, Some("203.0.113.0/24".parse().unwrap()));
    let counted: f64 = prefixes.rows.iter().map(|row| row.share).sum();
    assert!(counted <= 1.0 + 1e-9, "no request is in two prefixes: {counted}");

    // The log does not say countries: those are estimates out of samples, and marked as such.
    let countries = list(&found, TopOf::Countries);
    assert_eq!(countries.counted_by, CountedBy::WafSamples);
    assert!(line(countries, "BR").share > 0.2 && line(countries, "BR").before_share == Some(0.0), "{countries:#?}");
    assert!(line(countries, "DE").before_share.unwrap() > 0.5, "{countries:#?}");

    let statuses = list(&found, TopOf::Statuses);
    let said: f64 = statuses.rows.iter().map(|row| row.share).sum();
    near("every request has a status", said, 1.0, 1e-9);
    for list in &found.top {
        assert!(list.rows.windows(2).all(|pair| pair[0].requests >= pair[1].requests), "most first: {list:#?}");
        assert!(list.distinct >= list.rows.len() && list.rows.len() <= TopList::MOST);
    }
}

/// Lowers the drill's rate rule to so many requests in five minutes.
pub(crate) fn lower_the_limit(world: &World, requests: u32) {
    world.range.with(|range| {
        let account = range.account_mut();
        let id = account.waf.web_acls.values().find(|acl| acl.saved().name == "shop-acl").unwrap().saved().id.clone();
        let (mut rules, body) = {
            let acl = account.waf.web_acls[&id].saved();
            (acl.rules.clone(), acl.body.clone())
        };
        let rate = rules.iter_mut().find(|rule| rule["Name"] == "rate-watch").unwrap();
        rate["Statement"]["RateBasedStatement"]["Limit"] = requests.into();
        account.write_web_acl(&id, rules, body).unwrap();
    });
}

fn over<'a>(sources: &'a Sources, rule: &str) -> Vec<&'a Source> {
    sources.sources.iter().filter(|source| source.over_limit_of.iter().any(|of| of == rule)).collect()
}

#[tokio::test(start_paused = true)]
async fn whoever_is_over_the_limit_of_a_rate_rule_is_a_source_even_where_no_sample_names_it() {
    let world = flood(1.0).await;
    lower_the_limit(&world, 1_000);
    world.pass(420).await;
    let found_all = found(&world, "shop/prod", &world.settings).await;
    let limited: BTreeSet<IpAddr> = world.range.with(|range| {
        let limited = &range.account().waf.rate_limited;
        limited.iter().find(|((_, rule), _)| rule == "rate-watch").unwrap().1.iter().copied().collect()
    });
    assert!(limited.len() >= 10, "{}", limited.len());
    let rule = &found_all.rate_rules[0];
    assert_eq!((rule.rule.as_str(), rule.action.as_str(), rule.limit), ("rate-watch", "COUNT", 1_000));
    assert_eq!((rule.window_seconds, rule.addresses, rule.at_least), (300, Some(limited.len()), false));
    let named: BTreeSet<IpAddr> = over(&found_all, "rate-watch").iter().map(|source| source.address).collect();
    assert_eq!(named, limited);
    let new = over(&found_all, "rate-watch").into_iter().filter(|s| s.legitimacy == Legitimacy::NotSeenBefore);
    assert!(new.clone().count() > 0 && new.clone().all(|source| source.against.contains(&"rate-watch".to_owned())));

    // Nothing sampled: they are all that is known, and nobody has counted them.
    world.range.with(|range| range.faults().add("wafv2", "GetSampledRequests", When::Always, Fault::Deny));
    let mut settings = world.settings.clone();
    settings.sources.ask_access_logs = false;
    let only = found(&world, "shop/prod", &settings).await;
    assert_eq!(only.sources.len(), limited.len());
    for source in &only.sources {
        assert_eq!((source.requests, source.share, source.per_second), (None, None, None), "{source:?}");
        assert_eq!((source.counted_by, &source.legitimacy), (CountedBy::RateRule, &Legitimacy::Unknown));
        assert!(!source.is_suspect(), "whether it was there before is not known");
    }
    assert!(only.missing.iter().any(|line| line.contains("GetSampledRequests")), "{:?}", only.missing);
}

#[tokio::test(start_paused = true)]
async fn where_the_keys_of_a_rate_rule_may_not_be_read_that_is_said_and_the_rest_stands() {
    let world = flood(1.0).await;
    world.pass(420).await;
    let operation = "GetRateBasedStatementManagedKeys";
    world.range.with(|range| range.faults().add("wafv2", operation, When::Always, Fault::Deny));
    let found = found(&world, "shop/prod", &world.settings).await;
    assert!(!found.sources.is_empty() && found.sources.iter().all(|source| source.over_limit_of.is_empty()));
    let rule = &found.rate_rules[0];
    assert_eq!((rule.rule.as_str(), rule.addresses), ("rate-watch", None), "not known is not nobody");
    assert!(rule.reason.as_ref().unwrap().contains(operation), "{rule:?}");
    assert!(found.missing.iter().any(|line| line.contains("rate-watch") && line.contains(operation)));
}

#[tokio::test(start_paused = true)]
async fn an_http_api_is_told_of_by_its_access_log_alone_and_that_nobody_can_be_blocked() {
    let log = r#"throttle = { rate = 200, burst = 300 }, access_log = { group = "pets", format = "json" }"#;
    let text = format!("{}{PETS_FLOOD}", PETS.replace("throttle = { rate = 200, burst = 300 }", log));
    let world = of_range(Range::from_scenario(&text, None).unwrap(), 1.0).await;
    world.pass(420).await;
    let found = found(&world, "pets/live", &world.settings).await;
    let botnet: IpNet = "203.0.113.0/25".parse().unwrap();
    let top = &found.sources[..4];
    assert!(top.iter().all(|source| botnet.contains(&source.address)), "{top:#?}");
    assert!(
        top.iter().all(|source| source.counted_by == CountedBy::AccessLog && source.standing == Standing::Attack),
        "{top:#?}"
    );
    let share: f64 = top.iter().filter_map(|source| source.share).sum();
    near("the botnet's share", share, 0.75, 0.03);
    assert_eq!(list(&found, TopOf::Prefixes).rows[0].name, "203.0.113.0/24");
    assert!(found.missing.iter().any(|line| line.contains("nobody can be blocked here")), "{:?}", found.missing);
}

#[tokio::test(start_paused = true)]
async fn where_there_are_more_addresses_than_an_answer_has_rows_what_is_left_out_is_bounded() {
    let text = include_str!("../../drills/credential-stuffing.toml");
    let crowd = text
        .replace("count = 1300", "count = 14000")
        .replace("count = 600, country = \"VN\"", "count = 2000, country = \"VN\"");
    assert_ne!(text, crowd);
    let world = of_range(Range::from_scenario(&crowd, None).unwrap(), 1.0).await;
    world.pass(540).await;
    let found = found(&world, "accounts/prod", &world.settings).await;
    let log = found.log.as_ref().unwrap();
    assert_eq!(found.sources.iter().filter(|source| source.requests.is_some()).count(), 10_000);
    assert!(log.addresses > 12_000 && log.listed_share < 0.95, "{log:#?}");
    // The bound that is stated is the one that holds: nobody is listed with less.
    let least = found.sources.iter().filter_map(|source| source.requests).min().unwrap();
    assert_eq!(log.unlisted_at_most, Some(least));
    let unlisted = (log.requests as f64) * (1.0 - log.listed_share);
    assert!(
        unlisted <= (least * (log.addresses - 10_000)) as f64 * 1.1,
        "{unlisted} by {} at most {least}",
        log.addresses
    );

    // Prefixes are counted by the log itself, and not out of those that are listed.
    let prefixes = list(&found, TopOf::Prefixes);
    assert!(prefixes.counted_share > 0.99, "{}", prefixes.counted_share);
    let requests = |population: &str| requests(&world, &found, population);
    let all: f64 = ["stuffers", "customers", "customers-logging-in"].into_iter().map(requests).sum();
    for net in ["2001:db8:bad::/48", "2001:db8:cafe::/48", "203.0.113.0/24"] {
        let truth = part(&world, "stuffers", net) * requests("stuffers") / all;
        let row = line(prefixes, net);
        near(net, row.share, truth, 0.01);
        assert_eq!(row.before_share, Some(0.0), "{net}: nobody called out of it before");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_agent_for_every_request_hides_neither_what_is_asked_for_nor_what_rose() {
    use std::fmt::Write as _;
    let text = include_str!("../../drills/credential-stuffing.toml");
    let mut agents = String::from("user_agents = [");
    for n in 0..11_000 {
        let _ = write!(agents, "\"agent-{n}\", ");
    }
    agents.push(']');
    let at = text.rfind("user_agents = [").unwrap();
    let end = at + text[at..].find(']').unwrap() + 1;
    let crowd = format!("{}{agents}{}", &text[..at], &text[end..]);
    let world = of_range(Range::from_scenario(&crowd, None).unwrap(), 1.0).await;
    // Some two minutes of the log are whole by then: 50,000 requests of 11,000 agents.
    world.pass(360).await;
    let found = found(&world, "accounts/prod", &world.settings).await;
    assert_eq!(found.log.as_ref().unwrap().rose, ["POST /login"], "{:?}", found.missing);
    let asked = list(&found, TopOf::Requests);
    assert_eq!(asked.rows[0].name, "POST /login");
    assert!((asked.counted_share - 1.0).abs() < 1e-9 && asked.rows[0].share > 0.8, "{:?}", asked.rows[0]);
    let cut = found.missing.iter().find(|line| line.starts_with("what rose")).unwrap();
    assert!(cut.contains("user agents"), "{cut}");
}
