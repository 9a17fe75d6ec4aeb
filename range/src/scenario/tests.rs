//! The format's errors: each must name the line and help.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const SMALL: &str = r#"schema = "portcullis.scenario/1"
name = "small"
title = "Small"

[world]
account = "111122223333"
region = "eu-central-1"
start = 2026-03-03T03:00:00Z
history = "10m"

[[world.backends]]
name = "db"
capacity = 100

[[world.apis]]
name = "shop"
backend = "db"
methods = [{ method = "GET", path = "/products" }]
stages = [{ name = "prod", web_acl = "acl" }]

[[world.ip_sets]]
name = "blocklist"
version = "IPV4"
addresses = ["203.0.113.0/28"]

[[world.web_acls]]
name = "acl"
rules = [{ name = "block", ip_set = "blocklist", action = "block" }]

[[world.populations]]
name = "shoppers"
kind = "legitimate"
stage = "shop/prod"
rate = 10
sources = [{ prefix = "192.0.2.0/24", count = 20 }]
requests = [{ route = "GET /products" }]
"#;

fn wrong(from: &str, to: &str) -> ScenarioError {
    assert!(SMALL.contains(from), "the test replaces text that is not there: {from}");
    Scenario::parse(&SMALL.replacen(from, to, 1)).expect_err("must be refused")
}

#[test]
fn the_small_scenario_reads() {
    let scenario = Scenario::parse(SMALL).unwrap();
    assert_eq!(scenario.world.history, Span { seconds: 600 });
    assert_eq!(scenario.world.populations[0].stage.get_ref().stage, "prod");
}

#[test]
fn an_unknown_field_is_refused_with_line_and_nearest_name() {
    let error = wrong("capacity = 100", "capasity = 100");
    assert_eq!((error.line, error.column), (13, 1), "{error}");
    assert_eq!(error.hint.as_deref(), Some("did you mean `capacity`?"));
}

#[test]
fn a_name_that_refers_to_nothing_is_refused_with_the_nearest() {
    let error = wrong(r#"ip_set = "blocklist""#, r#"ip_set = "bloklist""#);
    assert_eq!(error.line, 28, "{error}");
    assert_eq!(
        error.to_string(),
        "scenario, line 28, column 37: no IP set named `bloklist` (did you mean `blocklist`?)"
    );
    let error = wrong("shop/prod", "shop/prd");
    assert_eq!(error.hint.as_deref(), Some("did you mean `shop/prod`?"));
    let error = wrong("GET /products\" }]\n", "GET /product\" }]\n");
    assert_eq!(error.hint.as_deref(), Some("did you mean `GET /products`?"));
}

#[test]
fn what_aws_refuses_in_an_ip_set_is_refused() {
    assert_eq!(wrong("203.0.113.0/28", "203.0.113.1/28").hint.as_deref(), Some("write `203.0.113.0/28`"));
    assert!(wrong("203.0.113.0/28", "0.0.0.0/0").message.contains("/0"));
    assert!(wrong("203.0.113.0/28", "2001:db8::/64").message.contains("does not fit"));
}

#[test]
fn lengths_of_time_are_read_and_refused() {
    assert!(wrong(r#""10m""#, r#""10 minutes""#).message.contains("1h30m"));
    let scenario = Scenario::parse(&SMALL.replace(r#""10m""#, r#""1h1m1s""#)).unwrap();
    assert_eq!(scenario.world.history.seconds, 3661);
}

#[test]
fn times_of_day_are_read_and_refused() {
    let daily =
        |peak: &str| SMALL.replace("rate = 10", &format!("rate = 10\ndaily = {{ peak = \"{peak}\", trough = 0.4 }}"));
    let scenario = Scenario::parse(&daily("19:30")).unwrap();
    assert_eq!(scenario.world.populations[0].daily.unwrap().peak.second, 70_200);
    for peak in ["24:00", "7:00", "19:60", "19", "+1:00", "19:00:00", "noon"] {
        let error = Scenario::parse(&daily(peak)).expect_err(peak);
        assert!(error.line == 35 && error.message.contains("write `07:30`"), "{error}");
    }
    let error = wrong("rate = 10", "rate = 10\ndaily = { peak = \"19:00\", trough = 1.4 }");
    assert_eq!((error.line, error.message.as_str()), (35, "`trough` is 0.05 to 1, not 1.4"));
}

#[test]
fn what_clients_do_about_failures_is_read_and_refused_by_line() {
    let with = |fields: &str| Scenario::parse(&SMALL.replace("rate = 10", &format!("rate = 10\n{fields}")));
    let scenario =
        with("retry = { share = 0.7, times = 2, after = \"2s\" }\npatience = { lasts = \"1m\", away = \"5m\" }");
    let population = scenario.unwrap().world.populations.remove(0);
    let (retry, patience) = (population.retry.unwrap(), population.patience.unwrap());
    assert_eq!((retry.times, retry.after.seconds, retry.forbidden, patience.away.seconds), (2, 2, false, 300));
    for (fields, says) in [
        ("retry = { share = 1.7, times = 2, after = \"2s\" }", "`share` is 0 to 1, not 1.7"),
        ("retry = { share = 0.7, times = 0, after = \"2s\" }", "`times` is 1 to 10, not 0"),
        ("retry = { share = 0.7, times = 2, after = \"0s\" }", "`after` is 1s to 1h, not \"0s\""),
        ("patience = { lasts = \"0s\", away = \"5m\" }", "`lasts` is 1s to 24h, not \"0s\""),
    ] {
        let error = with(fields).expect_err(fields);
        assert_eq!((error.line, error.message.as_str()), (35, says));
    }
}

#[test]
fn pulses_and_giving_up_are_read_and_refused_by_line() {
    let with = |fields: &str| Scenario::parse(&SMALL.replace("rate = 10", &format!("rate = 10\n{fields}")));
    for (fields, returns) in [
        ("gives_up = { blocked = 0.8, for = \"5m\" }", None),
        ("gives_up = { blocked = 0.8, for = \"5m\", returns = \"10m\" }", Some(Returns::After(Span { seconds: 600 }))),
        ("gives_up = { blocked = 0.8, for = \"5m\", returns = \"when-let-in\" }", Some(Returns::WhenLetIn)),
    ] {
        let given = with(fields).unwrap().world.populations[0].gives_up.unwrap();
        assert_eq!((given.lasting.seconds, given.returns), (300, returns));
    }
    let habit = |how: &str| format!("habits = [{{ when_blocked = \"{how}\", share = 1, returns = \"5m\" }}]");
    assert!(with(&habit("give-up")).is_ok());
    for (fields, column, says) in [
        ("gives_up = { blocked = 0, for = \"5m\" }".to_owned(), 24, "`blocked` is above 0 to 1, not 0"),
        ("gives_up = { blocked = 1, for = \"0s\" }".to_owned(), 33, "`for` is 1s to 168h, not \"0s\""),
        (
            "gives_up = { blocked = 1, for = \"5m\", returns = \"never\" }".to_owned(),
            49,
            "`never` is no way to come back; write `when-let-in`, or a length of time: `10m`",
        ),
        (
            "start = \"2m\"\npulse = { on = \"2m\", off = \"2m\", until = \"2m\" }".to_owned(),
            42,
            "`until` is not after the population begins: it never pulses",
        ),
        (habit("move"), 57, "only addresses that give up can come back"),
    ] {
        let error = with(&fields).expect_err(&fields);
        let line = 35 + fields.matches('\n').count();
        assert_eq!((error.line, error.column, error.message.as_str()), (line, column, says), "{error}");
    }
}

#[test]
fn a_rule_matches_exactly_one_thing() {
    let error = wrong(r#"ip_set = "blocklist","#, r#"ip_set = "blocklist", countries = ["US"],"#);
    assert!(error.message.contains("exactly one"), "{error}");
}

#[test]
fn a_statement_that_is_not_evaluated_is_refused_by_name() {
    let asn = "statement = { NotStatement = { Statement = { AsnMatchStatement = { AsnList = [64496] } } } },";
    let error = wrong(r#"ip_set = "blocklist","#, asn);
    assert_eq!(error.line, 28, "{error}");
    assert!(error.message.contains("The Portcullis range does not evaluate AsnMatchStatement"), "{error}");
}

#[test]
fn every_refusal_says_what_to_write() {
    let cases = [
        ("capacity = 100", "capacity = \"100\""),
        ("capacity = 100", "capacity = 0"),
        ("capacity = 100", "capacity = -1"),
        ("capacity = 100", ""),
        ("name = \"db\"\n", "name = db\n"),
        ("name = \"db\"\n", "name = 7\n"),
        ("name = \"db\"\n", "name = \"db\"\nname = \"db\"\n"),
        ("title = \"Small\"\n", ""),
        ("schema = \"portcullis.scenario/1\"", "schema = \"portcullis.scenario/9\""),
        ("\"111122223333\"", "\"1111\""),
        ("2026-03-03T03:00:00Z", "\"tomorrow\""),
        ("2026-03-03T03:00:00Z", "7"),
        ("\"10m\"", "\"ten\""),
        ("\"/products\" }]", "\"products\" }]"),
        ("\"/products\" }]", "\"/products\", latency_ms = { p50 = 9, p99 = 3 } }]"),
        ("\"/products\" }]", "\"/products\", authorizer = \"x\" }]"),
        ("\"/products\" }]", "\"/products\", authorization = \"x\" }]"),
        ("backend = \"db\"\n", "backend = \"db\"\npolicy = \"{\"\n"),
        ("backend = \"db\"\n", "backend = \"db\"\nprotocol = \"HTTP\"\n"),
        ("backend = \"db\"\n", "backend = \"db\"\nendpoint = \"LOCAL\"\n"),
        ("version = \"IPV4\"", "version = \"IPV6\""),
        ("\"203.0.113.0/28\"", "\"0.0.0.0/0\""),
        ("\"203.0.113.0/28\"", "\"203.0.113.0\""),
        ("\"203.0.113.0/28\"", "\"::ffff:203.0.113.0/124\""),
        ("action = \"block\" }]", "action = \"blok\" }]"),
        (", action = \"block\" }]", " }]"),
        ("ip_set = \"blocklist\"", "rate = { limit = 10, window = \"7m\" }"),
        ("name = \"acl\"\n", "name = \"acl\"\ndefault_action = \"count\"\n"),
        ("kind = \"legitimate\"", "kind = \"nice\""),
        ("rate = 10", "rate = 10\ncost = 0"),
        ("rate = 10", "rate = 10\ndaily = { peak = \"19:00\" }"),
        ("rate = 10", "rate = 10\nretry = { share = 0.5, after = \"2s\" }"),
        ("rate = 10", "rate = 10\nretry = { share = 0.5, times = -1, after = \"2s\" }"),
        ("rate = 10", "rate = 10\nretry = { share = 0.5, times = 2, after = \"2s\", forbiden = true }"),
        ("rate = 10", "rate = 10\npatience = \"2m\""),
        ("rate = 10", "rate = 10\npulse = { on = \"2m\" }"),
        ("rate = 10", "rate = 10\npulse = { on = \"2m\", off = \"0s\" }"),
        ("rate = 10", "rate = 10\ngives_up = { blocked = 0.8 }"),
        ("rate = 10", "rate = 10\ngives_up = { blocked = 0.8, for = \"5m\", returns = true }"),
        ("rate = 10", "rate = 10\ndaily = { peak = 19, trough = 0.4 }"),
        ("rate = 10", "rate = 10\nclient_errors = 0.7\nserver_errors = 0.7"),
        ("count = 20 }]", "count = 200 }]"),
        ("count = 20 }]", "count = 0 }]"),
        ("count = 20 }]", "addresses = [\"198.51.100.1\"] }]"),
        ("sources = [{ prefix = \"192.0.2.0/24\", count = 20 }]", "sources = []"),
        ("GET /products\" }]\n", "GET /products\", share = 0 }]\n"),
        ("GET /products\" }]\n", "products\" }]\n"),
        ("stage = \"shop/prod\"", "stage = \"prod\""),
    ];
    for (from, to) in cases {
        let error = wrong(from, to);
        let said = error.to_string();
        // What has no hint of its own says it itself, or lists what there is.
        let helps = ["write `", "such as ", "expected one of", "expected `legitimate` or `botnet`"]
            .iter()
            .any(|words| error.message.contains(words));
        assert!(error.hint.is_some() || helps, "{to}: {said}");
        assert!(error.line > 0, "{said}");
    }
}
