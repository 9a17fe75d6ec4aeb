#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::net::IpAddr;

use super::*;
use crate::model::source::{Legitimacy, SampledRequest, Source};
use crate::model::waf::{Disposition, Rule, RuleAction, Statement};
use crate::watch::busiest::all;

fn t(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_040 + seconds, 0).unwrap()
}

fn sample(address: &str, weight: i64, action: RuleAction) -> SampledRequest {
    SampledRequest {
        at: t(5),
        client: address.parse().unwrap(),
        country: Some("NL".into()),
        method: "POST".into(),
        uri: "/login".into(),
        user_agent: None,
        forwarded_for: None,
        action: Some(action),
        rule: String::new(),
        rule_in_group: None,
        labels: Vec::new(),
        weight,
    }
}

fn answer(of: Sampled, population: u64, samples: Vec<SampledRequest>) -> Answer {
    Answer {
        set: SampleSet { rule: of.metric_name().to_owned(), samples, population, from: t(0), to: t(60) },
        of,
        from: t(0),
        to: t(60),
    }
}

fn rule(name: &str) -> Sampled {
    Sampled::Rule(name.into())
}

fn default() -> Sampled {
    Sampled::Default("front".into())
}

fn sources(answers: &[Answer], baseline: &[Answer]) -> Sources {
    let whole = answers.iter().any(|a| matches!(a.of, Sampled::Default(_)));
    let mut tallies = Tallies::new(whole);
    tallies.take(answers);
    tallies.compare_with(baseline);
    tallies.sources("front", 1, Vec::new(), (t(60), 1))
}

fn of<'a>(sources: &'a Sources, address: &str) -> &'a Source {
    let address: IpAddr = address.parse().unwrap();
    sources.sources.iter().find(|s| s.address == address).unwrap()
}

#[test]
fn a_request_that_two_count_rules_match_is_counted_once() {
    let count = |name| answer(rule(name), 100, vec![sample("203.0.113.7", 1, RuleAction::Count)]);
    let passed = answer(
        default(),
        200,
        vec![sample("203.0.113.7", 1, RuleAction::Allow), sample("192.0.2.1", 1, RuleAction::Allow)],
    );
    let found = sources(&[count("sqli"), count("bot"), passed], &[]);
    assert_eq!(found.population, Some(200));
    assert_eq!(found.seen, Some(200));
    let source = of(&found, "203.0.113.7");
    assert_eq!(source.requests, Some(100));
    assert!((source.share.unwrap() - 0.5).abs() < 1e-9);
    assert_eq!(source.rules, vec![("bot".to_owned(), 100), ("sqli".to_owned(), 100)]);
    assert_eq!(source.requests_by_path, vec![("POST /login".to_owned(), 100)]);
}

#[test]
fn without_the_default_action_the_largest_count_rule_stands_in() {
    let set = |name, population| answer(rule(name), population, vec![sample("203.0.113.7", 3, RuleAction::Count)]);
    let found = sources(&[set("sqli", 300), set("bot", 900)], &[]);
    assert_eq!(of(&found, "203.0.113.7").requests, Some(900));
    assert_eq!(found.population, Some(900));
}

#[test]
fn blocked_and_allowed_requests_of_one_address_add_up() {
    let blocked = answer(rule("list"), 40, vec![sample("203.0.113.7", 1, RuleAction::Block)]);
    let passed = answer(default(), 60, vec![sample("203.0.113.7", 1, RuleAction::Allow)]);
    let found = sources(&[blocked, passed], &[]);
    let source = of(&found, "203.0.113.7");
    assert_eq!(source.requests, Some(100));
    assert_eq!(source.actions, vec![("ALLOW".to_owned(), 60), ("BLOCK".to_owned(), 40)]);
}

#[test]
fn weights_are_proportions_of_the_population() {
    let passed = answer(
        default(),
        4_000,
        vec![sample("203.0.113.7", 3, RuleAction::Allow), sample("192.0.2.1", 1, RuleAction::Allow)],
    );
    let found = sources(&[passed], &[]);
    assert_eq!(of(&found, "203.0.113.7").requests, Some(3_000));
    assert!((of(&found, "203.0.113.7").per_second.unwrap() - 50.0).abs() < 1e-9);
}

#[test]
fn a_window_covered_in_part_stands_for_the_whole() {
    let mut passed = answer(default(), 5_000, vec![sample("203.0.113.7", 1, RuleAction::Allow)]);
    passed.set.to = t(15);
    let blocked = answer(rule("list"), 600, vec![sample("192.0.2.1", 1, RuleAction::Block)]);
    let found = sources(&[passed, blocked], &[]);
    assert_eq!(of(&found, "203.0.113.7").requests, Some(20_000));
    assert_eq!(found.population, Some(20_600));
    assert_eq!(found.seen, Some(5_600));
}

/// Two minutes of a flood: WAF's samples are of the first two seconds of each.
fn two_minutes() -> Vec<Answer> {
    let samples = vec![sample("203.0.113.7", 1, RuleAction::Allow), sample("192.0.2.1", 1, RuleAction::Allow)];
    let mut first = answer(default(), 5_000, samples);
    first.set.to = t(2);
    let mut second = first.clone();
    (second.from, second.to, second.set.from, second.set.to) = (t(60), t(120), t(60), t(62));
    vec![first, second]
}

#[test]
fn the_window_is_that_of_the_numbers_and_a_second_is_a_second_of_it() {
    let found = sources(&two_minutes(), &[]);
    assert_eq!((found.from, found.to), (t(0), t(120)), "not the 62 seconds between the first sample and the last");
    assert_eq!((found.answered_seconds, found.covered_seconds), (Some(120.0), Some(4.0)));
    assert_eq!(found.population, Some(300_000));
    let source = of(&found, "203.0.113.7");
    assert_eq!(source.requests, Some(150_000));
    let all = found.population.unwrap() as f64 / (found.to - found.from).as_seconds_f64();
    assert!((source.per_second.unwrap() - all / 2.0).abs() < 1e-9, "{:?} of {all}", source.per_second);
    // A minute that was not answered has no part in it.
    let half = sources(&two_minutes()[1..], &[]);
    assert_eq!((half.from, half.to, half.answered_seconds), (t(60), t(120), Some(60.0)));
    assert!((of(&half, "203.0.113.7").per_second.unwrap() - 1_250.0).abs() < 1e-9);
}

#[test]
fn one_sample_that_stands_for_thousands_says_how_little_it_says() {
    let others = (1..=100).map(|n| sample(&format!("192.0.2.{n}"), 1, RuleAction::Allow)).collect();
    let counted = answer(rule("sqli"), 2_600, vec![sample("203.0.113.7", 1, RuleAction::Count)]);
    let found = sources(&[counted, answer(default(), 197_400, others)], &[]);
    let one = of(&found, "203.0.113.7");
    assert_eq!(one.requests, Some(2_600));
    let bounds = one.requests_bounds.unwrap();
    assert!(bounds.at_least < 200 && bounds.at_most > 10_000, "{bounds:?}");
    let rules = found.top.iter().find(|list| list.of == crate::model::top_list::TopOf::Rules).unwrap();
    assert_eq!(rules.rows[0].requests_bounds, Some(bounds), "in the lists too");
    // What WAF gave whole is no estimate.
    let whole = sources(&[answer(default(), 2, vec![sample("192.0.2.1", 2, RuleAction::Allow)])], &[]);
    assert_eq!(of(&whole, "192.0.2.1").requests_bounds, None);
}

#[test]
fn no_more_than_five_thousand_of_a_rule_and_window_are_seen() {
    let passed = answer(default(), 9_000, vec![sample("203.0.113.7", 1, RuleAction::Allow)]);
    let found = sources(&[passed], &[]);
    assert_eq!((found.population, found.seen), (Some(9_000), Some(5_000)));
}

#[test]
fn without_a_baseline_nobody_is_known() {
    let now = [answer(default(), 10, vec![sample("192.0.2.1", 1, RuleAction::Allow)])];
    let legitimacy = |baseline: &[Answer]| of(&sources(&now, baseline), "192.0.2.1").legitimacy.clone();
    assert_eq!(legitimacy(&[]), Legitimacy::Unknown);
    let with = |address, action| [answer(default(), 10, vec![sample(address, 1, action)])];
    let seen = legitimacy(&with("192.0.2.1", RuleAction::Allow));
    assert_eq!(seen, Legitimacy::SeenBefore);
    let other = legitimacy(&with("192.0.2.2", RuleAction::Allow));
    assert_eq!(other, Legitimacy::NotSeenBefore);
    // Who was blocked before does not belong there, and says nothing about who does.
    let blocked = legitimacy(&with("192.0.2.1", RuleAction::Block));
    assert_eq!(blocked, Legitimacy::Unknown);
}

#[test]
fn a_rule_that_matches_those_who_were_there_before_speaks_against_nobody() {
    let count = |name, addresses: &[&str]| {
        answer(rule(name), 10, addresses.iter().map(|a| sample(a, 1, RuleAction::Count)).collect())
    };
    let now = [count("sqli", &["203.0.113.7"]), count("everything", &["203.0.113.7", "192.0.2.1"])];
    let before = [answer(default(), 10, vec![sample("192.0.2.1", 1, RuleAction::Allow)])];
    let found = sources(&now, &before);
    assert_eq!(of(&found, "203.0.113.7").against, ["sqli"]);
    assert_eq!(of(&found, "192.0.2.1").against, Vec::<String>::new());
    // With nothing to compare with, a rule that matches everybody tells nothing.
    let found = sources(&now, &[]);
    assert_eq!(of(&found, "203.0.113.7").against, ["sqli"]);
}

#[test]
fn what_attackers_wrote_is_made_harmless() {
    let mut evil = sample("203.0.113.7", 1, RuleAction::Allow);
    evil.uri = "/\x1b[2Jx\u{202e}".into();
    evil.user_agent = Some("\x1b]0;owned\x07".repeat(100));
    evil.country = Some("\u{9b}1m".into());
    evil.forwarded_for = Some("10.0.0.1".into());
    let found = sources(&[answer(default(), 1, vec![evil])], &[]);
    let source = of(&found, "203.0.113.7");
    let texts = [&source.requests_by_path, &source.user_agents, &source.countries];
    for (text, _) in texts.into_iter().flatten() {
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(text.chars().count() <= 200);
    }
    assert_eq!(source.requests_by_path[0].0, "POST /\\x1b[2Jx\\u{202e}");
    assert!(source.behind_proxy);
}

#[test]
fn the_baseline_asks_only_what_may_let_through() {
    let make = |name: &str, disposition, statement, sampled| Rule {
        name: name.into(),
        priority: 0,
        metric_name: name.into(),
        sampled,
        metered: true,
        labels: Vec::new(),
        statement,
        disposition,
    };
    let group = |name: &str| Statement::ManagedGroup { vendor: "AWS".into(), name: name.into(), overrides: Vec::new() };
    let other = || Statement::Other("GeoMatchStatement");
    let mut acl = WebAcl {
        name: "front".into(),
        id: "1".into(),
        arn: "arn".into(),
        metric_name: "FrontMetric".into(),
        sampled: true,
        metered: true,
        default_action: RuleAction::Allow,
        pre_process: Vec::new(),
        rules: vec![
            make("partners", Disposition::Action(RuleAction::Allow), other(), true),
            make("list", Disposition::Action(RuleAction::Block), other(), true),
            make("sqli", Disposition::Group { count: true }, group("sqli"), true),
            make("quiet", Disposition::Action(RuleAction::Block), other(), false),
        ],
        post_process: Vec::new(),
        managed_by_firewall_manager: false,
    };
    let (asked, missing) = sampled(&acl, all(&acl));
    let default = Sampled::Default("FrontMetric".into());
    assert_eq!(asked, vec![rule("partners"), rule("list"), rule("sqli"), default.clone()]);
    assert_eq!(missing, vec!["rule quiet: keeps no samples"]);
    assert_eq!(let_through(&acl, &asked), vec![rule("partners"), default]);
    acl.sampled = false;
    let (asked, missing) = sampled(&acl, all(&acl));
    assert_eq!(missing.len(), 2);
    assert_eq!(let_through(&acl, &asked), asked);
}

fn list(sources: &Sources, of: crate::model::top_list::TopOf) -> &crate::model::top_list::TopList {
    sources.top.iter().find(|list| list.of == of).unwrap()
}

#[test]
fn lists_count_a_request_once_however_little_the_samples_overlap() {
    use crate::model::top_list::TopOf;
    // Half of the requests match a Count rule; its samples name other addresses than those of the default action.
    let mut counted = sample("203.0.113.9", 1, RuleAction::Count);
    counted.country = Some("VN".into());
    let mut passed = sample("203.0.113.7", 1, RuleAction::Allow);
    passed.country = Some("VN".into());
    let answers = [
        answer(rule("sqli"), 30_000, vec![counted]),
        answer(default(), 60_000, vec![passed, sample("192.0.2.1", 1, RuleAction::Allow)]),
    ];
    let found = sources(&answers, &[]);
    let countries = list(&found, TopOf::Countries);
    let share = |name: &str| countries.rows.iter().find(|row| row.name == name).unwrap().share;
    assert!((share("VN") - 0.5).abs() < 1e-9 && (share("NL") - 0.5).abs() < 1e-9, "{countries:#?}");
    let rules = list(&found, TopOf::Rules);
    assert!((rules.rows[0].share - 0.5).abs() < 1e-9, "{rules:#?}");
}

#[test]
fn what_was_let_through_before_is_not_held_against_what_is_blocked_now() {
    use crate::model::top_list::TopOf;
    let before = [answer(default(), 100, vec![sample("192.0.2.1", 1, RuleAction::Allow)])];
    let passed = || answer(default(), 100, vec![sample("203.0.113.7", 1, RuleAction::Allow)]);
    let blocked = answer(rule("geo"), 100, vec![sample("203.0.113.8", 1, RuleAction::Block)]);
    let row = |answers: &[Answer]| list(&sources(answers, &before), TopOf::Countries).rows[0].clone();
    assert_eq!(row(&[passed()]).before_share, Some(1.0));
    assert_eq!(row(&[passed(), blocked]).before_share, None, "what was blocked then was not asked for");
}
