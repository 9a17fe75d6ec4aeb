//! One stage in depth: its figures against the range's own books, its parts in bad weather.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::model::attack::Attacks;
use portcullis::model::board::Known;
use portcullis::model::figure::{Figure, Scope};
use portcullis::model::stage::{ApiKind, StageId};
use portcullis::model::stage_report::{MethodRow, OnlyCounts, RuleMode, RuleRow, StageReport, WafCounter, WafReport};
use portcullis::model::waf::RuleAction;
use portcullis::watch::stage_report;
use portcullis_range::state::{CacheCluster, Canary, MethodSetting};
use portcullis_range::{Fault, Range, When};

use crate::respond_http::{PETS, PETS_FLOOD};
use crate::watch_sources::lower_the_limit;
use crate::world::{World, connect, flood, of_range};

/// `shop/prod` as the range has it.
fn prod(world: &World) -> StageId {
    world.range.with(|range| {
        let api = range.account().gateway.apis.values().find(|api| api.name == "shop").unwrap();
        StageId { api_id: api.id.clone(), api_name: "shop".into(), stage: "prod".into() }
    })
}

pub(crate) async fn report(world: &World) -> StageReport {
    stage_report(&world.aws, &world.settings, (&prod(world), ApiKind::Rest), &Attacks::default()).await
}

pub(crate) fn known<T>(known: &Known<T>) -> &T {
    match known {
        Known::Yes(value) => value,
        Known::NotYet => panic!("not yet"),
        Known::No(why) => panic!("{why}"),
    }
}

fn waf(report: &StageReport) -> &WafReport {
    known(&report.waf).as_ref().unwrap()
}

pub(crate) fn rule<'a>(report: &'a StageReport, name: &str) -> &'a RuleRow {
    waf(report).rules.iter().find(|rule| rule.metric_name == name).unwrap()
}

fn only_counts<'a>(report: &'a StageReport, name: &str) -> &'a OnlyCounts {
    waf(report).only_count.iter().find(|rule| rule.rule == name).unwrap()
}

fn value(figure: &Figure) -> f64 {
    figure.value().unwrap_or_else(|| panic!("{:?}", figure.reason()))
}

/// The start of the minute a figure covers.
fn minute(figure: &Figure) -> DateTime<Utc> {
    figure.reading().unwrap().at - TimeDelta::minutes(1)
}

fn near(found: f64, truth: f64) {
    assert!((found - truth).abs() <= 0.05 * truth.abs() + 1e-3, "{found}, and in truth {truth}");
}

/// Requests of `shop/prod` in a figure's minute and how many of them WAF blocked, a second, by the range's own books.
fn truth(world: &World, figure: &Figure) -> (f64, f64) {
    let counts = world.range.with(|range| range.truth().stage("shop/prod", minute(figure)));
    (counts.requests as f64 / 60.0, counts.waf_blocked as f64 / 60.0)
}

#[tokio::test(start_paused = true)]
async fn rules_that_only_count_are_told_with_what_they_would_have_stopped() {
    let world = flood(1.0).await;
    world.pass(420).await;
    let report = report(&world).await;
    assert_eq!(report.unknown(), [], "everything is known");
    let began = known(&report.attack).as_ref().unwrap().began;
    assert_eq!(began.format("%H:%M").to_string(), "03:02");
    let places: Vec<(usize, &str)> = waf(&report).rules.iter().map(|r| (r.place, r.name.as_str())).collect();
    assert_eq!(places, [(1, "blocklist"), (2, "blocklist-v6"), (3, "rate-watch"), (4, "aws-sqli"), (5, "aws-common")]);
    assert_eq!(rule(&report, "blocklist").mode, RuleMode::Acts(RuleAction::Block));
    assert_eq!(rule(&report, "aws-sqli").mode, RuleMode::GroupCounts);

    // All but two in a hundred of the botnet's requests are SQL injection.
    let sqli = rule(&report, "aws-sqli").figures.of(WafCounter::Counted);
    let botnet = |at| world.range.with(|range| range.truth().population("shop/prod", "botnet", at).requests as f64);
    near(value(sqli), botnet(minute(sqli)) * 0.98 / 60.0);
    assert_eq!(sqli.reading().unwrap().scope, Scope::WebAcl { name: "shop-acl".into(), stages: 1 });
    let allowed = waf(&report).total.of(WafCounter::Allowed);
    near(value(allowed), truth(&world, allowed).0);
    // The default action let all of that through.
    near(value(waf(&report).default_figures.of(WafCounter::Allowed)), value(allowed));

    // A zero that nobody publishes is known once it can no longer be late; it has its own age.
    let blocked = rule(&report, "blocklist").figures.of(WafCounter::Blocked).reading().unwrap();
    assert!(blocked.value.abs() < f64::EPSILON && !blocked.provisional && blocked.at < sqli.reading().unwrap().at);

    // Nothing was blocked, so that what it would have stopped is told and not bounded.
    let counts = only_counts(&report, "aws-sqli");
    let (least, most) = (&counts.let_through_at_least, &counts.let_through_at_most);
    let share = botnet(minute(most)) * 0.98 / 60.0 / truth(&world, most).0;
    near(value(most), share);
    assert!((value(least) - value(most)).abs() < 1e-9);
    assert!(value(&counts.before_per_second).abs() < 1.0, "hardly a customer writes SQL");
    assert!(counts.says.contains("the group is overridden to Count"), "{}", counts.says);
    assert_eq!(waf(&report).only_count[0].rule, "aws-sqli", "what matches most comes first");
    assert_eq!(waf(&report).in_the_way, [], "nothing is in the way");
}

#[tokio::test(start_paused = true)]
async fn samples_name_labels_and_the_rules_inside_groups() {
    let world = flood(1.0).await;
    world.pass(420).await;
    let report = report(&world).await;
    let samples = known(&waf(&report).samples);
    assert!(samples.sampled > 0 && samples.missing.is_empty(), "{samples:#?}");
    let sqli = samples.labels.iter().find(|label| label.label.ends_with("sql-database:SQLi_Body")).unwrap();
    assert!(sqli.samples > 0 && sqli.actions.contains(&RuleAction::Count), "{sqli:#?}");
    // WAF counts what became of them too: 62 in a hundred of the botnet's requests have it in the body, and all were
    // let through.
    let body = known(&waf(&report).labels).iter().find(|row| row.label == sqli.label).unwrap();
    let at = minute(&body.allowed_per_second);
    let botnet = world.range.with(|range| range.truth().population("shop/prod", "botnet", at).requests as f64);
    near(value(&body.allowed_per_second), botnet * 0.62 / 60.0);
    assert!(value(&body.blocked_per_second).abs() < 1e-9 && value(&body.allowed_before_per_second) < 1.0);
    let inner = known(&rule(&report, "aws-sqli").inner);
    let body = inner.iter().find(|rule| rule.name.ends_with("SQLi_BODY")).unwrap();
    // 62 of 98 such requests are log-ins, whose body it is in.
    assert!((body.share - 62.0 / 98.0).abs() < 0.15 && body.actions == [RuleAction::Count], "{inner:#?}");
    assert_eq!(known(&rule(&report, "blocklist").inner), &[], "no group, nothing inside");
}

#[tokio::test(start_paused = true)]
async fn keys_over_the_limit_of_a_rate_rule_are_counted() {
    let world = flood(1.0).await;
    world.pass(60).await;
    let keys = |report: &StageReport| rule(report, "rate-watch").rate_keys.clone();
    assert_eq!(keys(&report(&world).await), Some(Known::Yes(0)));
    lower_the_limit(&world, 1_000);
    world.pass(360).await;
    let limited = world.range.with(|range| {
        let limited = &range.account().waf.rate_limited;
        limited.iter().find(|((_, rule), _)| rule == "rate-watch").unwrap().1.len()
    });
    // Forty addresses send thirty requests a second each: every one of them is over it.
    assert!(limited >= 40, "{limited}");
    let report = report(&world).await;
    assert_eq!(keys(&report), Some(Known::Yes(limited)));
    assert!(only_counts(&report, "rate-watch").why.contains("its action is Count"));
    assert_eq!(rule(&report, "blocklist").rate_keys, None);
}

#[tokio::test(start_paused = true)]
async fn the_rule_that_turns_the_attack_away_comes_first() {
    let world = flood(1.0).await;
    world.pass(240).await;
    // All that the botnet comes from, and nobody else.
    world.write_entries("shop-blocklist", &["203.0.113.0/25", "198.51.100.0/25"]);
    world.write_entries("shop-blocklist-v6", &["2001:db8:bad::/48"]);
    world.pass(420).await;
    let report = report(&world).await;
    let ways = &waf(&report).in_the_way;
    let names: Vec<&str> = ways.iter().map(|way| way.rule.as_str()).collect();
    assert_eq!(names, ["blocklist", "blocklist-v6"]);
    let all: f64 = ways.iter().map(|way| value(&way.stopped_per_second)).sum();
    near(all, truth(&world, &ways[0].stopped_per_second).1);
    near(ways.iter().map(|way| value(&way.share_of_stopped)).sum(), 1.0);
    assert!(value(&ways[0].before_per_second).abs() < 1e-9, "nobody was blocked before the attack");
    assert!(waf(&report).before.ends_with("before the attack"), "{}", waf(&report).before);
    // What was blocked before it never reached the group: next to nothing of the rest would have been stopped.
    let sqli = rule(&report, "aws-sqli").figures.of(WafCounter::Counted);
    assert!(value(sqli) < 0.1 * all, "{sqli:?}");
}

#[tokio::test(start_paused = true)]
async fn methods_have_figures_where_detailed_metrics_are_on_and_else_say_what_to_turn_on() {
    let world = flood(1.0).await;
    let before = report(&world).await;
    for method in known(&before.methods) {
        let reason = method.requests_per_second.reason().unwrap();
        assert!(reason.contains("turn on detailed CloudWatch metrics"), "{reason}");
        assert_eq!(method.used_share.reason(), Some(reason));
        let limit = known(&method.limit);
        assert_eq!((limit.rate, limit.from.as_str()), (Some(5000.0), "*/*"), "{}", method.name);
    }
    assert_eq!(known(&before.posture.detailed_metrics), &false);
    // Which of them are called shows in the samples all the same.
    let share = |name: &str| value(&known(&before.methods).iter().find(|m| m.name == name).unwrap().sampled_share);
    assert!((share("GET /products") - 0.46).abs() < 0.12 && share("POST /payments") < 0.1);
    near(known(&before.methods).iter().map(|method| value(&method.sampled_share)).sum(), 1.0);
    world.edit_stage(|stage| {
        let all = stage.method_settings.get_mut("*/*").unwrap();
        all.metrics_enabled = true;
        let own = MethodSetting { metrics_enabled: true, throttling_rate_limit: 2000.0, ..MethodSetting::fresh() };
        stage.method_settings.insert("login/POST".into(), own);
    });
    world.pass(420).await;
    let after = report(&world).await;
    let methods = known(&after.methods);
    assert_eq!(methods.len(), 6);
    let all: f64 = methods.iter().map(|method| value(&method.requests_per_second)).sum();
    let stage = &after.limits.requests_per_second;
    near(all, value(stage));
    near(value(stage), truth(&world, stage).0);
    near(value(&after.limits.stage_share), value(stage) / 5000.0);
    near(value(&after.limits.account_share), value(stage) / 10_000.0);
    let login: &MethodRow = methods.iter().find(|method| method.name == "POST /login").unwrap();
    assert_eq!(known(&login.limit).from, "POST /login");
    near(value(&login.used_share), value(&login.requests_per_second) / 2000.0);
    assert!(value(&login.client_error_share) > 0.2 && value(&login.latency_p99_ms) > 100.0, "{login:#?}");
    assert!(after.metrics_read > before.metrics_read && after.dollars > before.dollars);
}

#[tokio::test(start_paused = true)]
async fn each_permission_that_is_missing_leaves_every_other_part() {
    // Service and operation of the range; what is not known then; the permission that the reasons name.
    let cases: &[(&str, &str, &[&str], &str)] = &[
        ("sts", "GetCallerIdentity", &["account"], ""),
        (
            "apigateway",
            "GetStage",
            &["stage_limit", "cache", "canary", "access_log", "tracing", "detailed_metrics"],
            "/restapis/*/stages/*",
        ),
        ("apigateway", "GetStages", &["deployments_stages"], "/restapis/*/stages"),
        ("apigateway", "GetRestApis", &[], ""),
        ("apigateway", "GetRestApi", &["draft_policy", "deployed_policy", "endpoint"], "/restapis/*"),
        ("apigateway", "GetExport", &["deployed_policy"], "/exports/*"),
        ("apigateway", "GetDeployments", &["deployments"], "/deployments"),
        ("apigateway", "GetDeployment", &["methods"], "/deployments/*"),
        ("apigateway", "GetAccount", &["account_limit"], "/account"),
        ("apigateway", "GetUsagePlans", &["usage_plans"], "/usageplans"),
        ("wafv2", "GetWebACL", &["waf", "web_acl"], "wafv2:GetWebACL"),
        ("wafv2", "ListResourcesForWebACL", &["waf_behind"], "wafv2:ListResourcesForWebACL"),
        ("wafv2", "GetRateBasedStatementManagedKeys", &["waf_rate_keys"], "wafv2:GetRateBasedStatementManagedKeys"),
        ("wafv2", "GetSampledRequests", &["waf_samples"], "wafv2:GetSampledRequests"),
        ("cloudwatch", "ListMetrics", &["waf_labels"], "cloudwatch:ListMetrics"),
        ("cloudwatch", "GetMetricData", &["attack_began"], "cloudwatch:GetMetricData"),
    ];
    let mut world = flood(1.0).await;
    world.pass(420).await;
    for (service, operation, missing, permission) in cases {
        // What cannot change is read once a connection: a new one has read nothing yet.
        world.range.with(|range| range.faults().clear());
        world.aws = connect(&world.range).await;
        world.range.with(|range| {
            range.faults().clear();
            range.faults().add(service, operation, When::Always, Fault::Deny);
        });
        let report = report(&world).await;
        let unknown = report.unknown();
        let names: Vec<&str> = unknown.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, *missing, "without {operation}: {unknown:#?}");
        let named = |why: &str| why.contains(permission) || why.contains("the export shows no policy");
        assert!(unknown.iter().all(|(_, why)| named(why)), "without {operation}: {unknown:#?}");
        match *operation {
            "GetRestApis" => assert!(report.posture.hints.iter().any(|hint| hint.contains("apigateway:GET"))),
            "GetMetricData" => {
                let figure = rule(&report, "aws-sqli").figures.of(WafCounter::Counted);
                assert!(figure.reason().unwrap().contains(permission), "{figure:?}");
                assert!(report.limits.requests_per_second.reason().unwrap().contains(permission));
            }
            "GetAccount" => assert!(known(&known(&report.methods)[0].limit).from.contains("not known")),
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_rules_inside_a_group_of_ones_own_are_read_and_one_that_counts_there_is_named() {
    let world = flood(1.0).await;
    world.range.with(|range| {
        let account = range.account_mut();
        let visibility = |name: &str| serde_json::json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": name});
        let inner = |name: &str, place: u8, action: &str, country: &str| {
            serde_json::json!({
                "Name": name, "Priority": place, "Action": {action: {}}, "VisibilityConfig": visibility(name),
                "Statement": {"GeoMatchStatement": {"CountryCodes": [country]}},
            })
        };
        let rules = vec![inner("watch-brazil", 0, "Count", "BR"), inner("stop-vietnam", 1, "Block", "VN")];
        let body = serde_json::json!({"VisibilityConfig": visibility("ours")});
        let id = account.create_rule_group("ours", 10, rules, body.as_object().unwrap().clone());
        let arn = account.waf.rule_groups[&id].saved().arn.clone();
        let id = account.waf.web_acls.values().find(|acl| acl.saved().name == "shop-acl").unwrap().saved().id.clone();
        let (mut rules, body) = {
            let acl = account.waf.web_acls[&id].saved();
            (acl.rules.clone(), acl.body.clone())
        };
        rules.push(serde_json::json!({
            "Name": "ours", "Priority": 90, "OverrideAction": {"None": {}}, "VisibilityConfig": visibility("ours"),
            "Statement": {"RuleGroupReferenceStatement": {"ARN": arn}},
        }));
        account.write_web_acl(&id, rules, body).unwrap();
    });
    world.pass(480).await;
    let report = self::report(&world).await;
    let ours = rule(&report, "ours");
    let of = |name: &str| known(&ours.inner).iter().find(|one| one.name.ends_with(name)).unwrap().action;
    assert_eq!((of("watch-brazil"), of("stop-vietnam")), (Some(RuleAction::Count), Some(RuleAction::Block)));
    assert!(only_counts(&report, "ours").why.contains("watch-brazil"), "{:?}", only_counts(&report, "ours"));
    assert_eq!(waf(&report).in_the_way[0].rule, "ours");
    // It runs after the managed group: what that would have stopped of what was let through is bounded.
    let sqli = only_counts(&report, "aws-sqli");
    assert!(value(&sqli.let_through_at_least) < value(&sqli.let_through_at_most), "{sqli:#?}");
    world.range.with(|range| range.faults().add("wafv2", "GetRuleGroup", When::Always, Fault::Deny));
    let report = self::report(&world).await;
    assert!(report.posture.hints.iter().any(|hint| hint.contains("wafv2:GetRuleGroup")), "{:#?}", report.posture.hints);
    assert!(waf(&report).total.of(WafCounter::Blocked).value().is_some_and(|blocked| blocked > 0.0));
}

#[tokio::test(start_paused = true)]
async fn a_rule_without_metrics_has_no_zeros() {
    let world = flood(1.0).await;
    world.pass(300).await;
    world.range.with(|range| {
        let account = range.account_mut();
        let id = account.waf.web_acls.values().find(|acl| acl.saved().name == "shop-acl").unwrap().saved().id.clone();
        let (mut rules, body) = {
            let acl = account.waf.web_acls[&id].saved();
            (acl.rules.clone(), acl.body.clone())
        };
        for rule in &mut rules {
            rule["VisibilityConfig"]["CloudWatchMetricsEnabled"] = false.into();
        }
        account.write_web_acl(&id, rules, body).unwrap();
    });
    world.pass(120).await;
    let report = report(&world).await;
    for (_, figure) in rule(&report, "aws-sqli").figures.each() {
        assert!(figure.reason().unwrap().contains("switched off"), "{figure:?}");
    }
    assert!(waf(&report).total.of(WafCounter::Allowed).value().is_some());
    assert_eq!(waf(&report).only_count, []);
}

#[tokio::test(start_paused = true)]
async fn what_guards_the_stage_is_said_with_what_is_only_drafted() {
    let world = flood(1.0).await;
    let report = report(&world).await;
    let posture = &report.posture;
    let acl = known(&posture.web_acl).as_ref().unwrap();
    assert_eq!((acl.enforcing, acl.counting, acl.default_action), (2, 3, RuleAction::Allow));
    assert_eq!((known(&posture.draft_policy), known(&posture.deployed_policy)), (&None, &None));
    assert_eq!((known(&posture.cache), known(&posture.canary), known(&posture.access_log)), (&None, &None, &None));
    assert_eq!(known(&posture.endpoint).types, ["REGIONAL"]);
    assert!(posture.hints.iter().any(|hint| hint.starts_with("no access log")), "{:#?}", posture.hints);
    let newest = &known(&report.deployments)[0];
    assert!(known(&newest.stages).contains(&"prod".to_owned()) && newest.created.is_some(), "{newest:#?}");

    let id = prod(&world);
    let statement = |effect: &str| serde_json::json!({"Effect": effect, "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"});
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [statement("Allow"), statement("Deny")]});
    world.range.with(|range| {
        range.account_mut().gateway.apis.get_mut(&id.api_id).unwrap().draft.policy = Some(policy.to_string());
    });
    let drafted = self::report(&world).await;
    let draft = known(&drafted.posture.draft_policy).as_ref().unwrap();
    assert_eq!((draft.allows, draft.denies, draft.closed_by_us), (1, 1, false));
    assert!(
        matches!(&drafted.posture.deployed_policy, Known::No(why) if why.contains("it is not deployed, or exports"))
    );
}

#[tokio::test(start_paused = true)]
async fn an_http_api_has_routes_and_says_what_it_lacks() {
    let world = of_range(Range::from_scenario(&format!("{PETS}{PETS_FLOOD}"), None).unwrap(), 1.0).await;
    world.range.with(|range| {
        let edit = |stage: &mut portcullis_range::state::HttpStage| stage.default_settings.detailed_metrics = true;
        range.account_mut().edit_http_stage("pets000001", "live", edit).unwrap();
    });
    world.pass(420).await;
    let id = StageId { api_id: "pets000001".into(), api_name: "pets".into(), stage: "live".into() };
    let report = stage_report(&world.aws, &world.settings, (&id, ApiKind::Http), &Attacks::default()).await;
    let routes = known(&report.methods);
    let names: Vec<&str> = routes.iter().map(|route| route.name.as_str()).collect();
    assert_eq!(names, ["GET /pets", "POST /pets/{id}"]);
    let stage = &report.limits.requests_per_second;
    let truth = world.range.with(|range| range.truth().stage("pets/live", minute(stage)).requests as f64);
    near(value(stage), truth / 60.0);
    near(routes.iter().map(|route| value(&route.requests_per_second)).sum(), value(stage));
    let limit = known(&routes[0].limit);
    assert_eq!((limit.rate, limit.burst, limit.from.as_str()), (Some(200.0), Some(300.0), "*/*"));
    near(value(&routes[0].used_share), value(&routes[0].requests_per_second) / 200.0);
    assert_eq!(known(&report.attack).as_ref().unwrap().began.format("%H:%M").to_string(), "03:02");
    assert_eq!(report.waf, Known::Yes(None));
    assert!(report.lacks.iter().any(|lack| lack.starts_with("no web ACL")), "{:#?}", report.lacks);
    assert_eq!(known(&report.posture.endpoint).types, ["HTTP"]);
}

#[tokio::test(start_paused = true)]
async fn a_web_acl_before_two_stages_says_so_with_every_figure() {
    let world = flood(1.0).await;
    world.range.with(|range| {
        let account = range.account_mut();
        let acl = account.waf.web_acls.values().find(|acl| acl.saved().name == "shop-acl").unwrap().saved().arn.clone();
        let api = account.gateway.apis.values().find(|api| api.name == "shop").unwrap().id.clone();
        let dev = account.stage_arn(&api, "dev");
        account.associate(&dev, Some(&acl));
    });
    world.pass(180).await;
    let shared = Scope::WebAcl { name: "shop-acl".into(), stages: 2 };
    let report = self::report(&world).await;
    assert_eq!(known(&waf(&report).behind).stages.len(), 2);
    assert_eq!(waf(&report).total.of(WafCounter::Allowed).reading().unwrap().scope, shared);
    assert_eq!(known(&report.methods)[0].sampled_share.reading().unwrap().scope, shared);
    // Where WAF does not say, the stages of this API that are known to be behind it are counted.
    world.range.with(|range| range.faults().add("wafv2", "ListResourcesForWebACL", When::Always, Fault::Deny));
    let report = self::report(&world).await;
    assert_eq!(waf(&report).total.of(WafCounter::Allowed).reading().unwrap().scope, shared);
}

#[tokio::test(start_paused = true)]
async fn a_cache_a_canary_and_a_log_are_told_with_what_they_lack() {
    let world = flood(1.0).await;
    world.edit_stage(|stage| {
        stage.cache = CacheCluster { enabled: true, size: Some("0.5".into()), ..CacheCluster::default() };
        stage.canary = Some(Canary {
            percent_traffic: 10.0,
            deployment_id: stage.deployment_id.clone(),
            snapshot: std::sync::Arc::clone(&stage.snapshot),
            stage_variable_overrides: std::collections::BTreeMap::new(),
            use_stage_cache: false,
        });
        stage.access_log = [
            ("destinationArn", "arn:aws:logs:eu-central-1:111122223333:log-group:shop"),
            ("format", "$context.requestId $context.status"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        stage.tracing_enabled = true;
        stage.method_settings.get_mut("*/*").unwrap().caching_enabled = true;
    });
    let report = report(&world).await;
    let posture = &report.posture;
    let cache = known(&posture.cache).as_ref().unwrap();
    assert_eq!((cache.status.as_deref(), cache.size_gb.as_deref()), (Some("AVAILABLE"), Some("0.5")));
    assert_eq!(known(&posture.canary).as_ref().unwrap().percent, Some(10.0));
    assert!(posture.hints.iter().any(|hint| hint.contains("a canary takes 10 %")), "{:#?}", posture.hints);
    let log = known(&posture.access_log).as_ref().unwrap();
    assert!(log.destination.ends_with(":log-group:shop"));
    assert!(log.lacks.iter().any(|lack| lack.starts_with("$context.error.responseType")), "{:#?}", log.lacks);
    assert!(*known(&posture.tracing));
    let cached: Vec<&str> =
        known(&report.methods).iter().filter(|m| *known(&m.caching)).map(|m| m.name.as_str()).collect();
    assert_eq!(
        cached,
        ["GET /orders/{id}", "GET /products", "GET /search"],
        "only GET is cached by the stage's settings"
    );
    assert!(known(&report.deployments)[0].canary);
}

#[tokio::test(start_paused = true)]
async fn calls_that_hang_or_a_stage_that_is_gone_end_in_reasons_and_not_in_an_error() {
    let world = flood(1.0).await;
    let id = prod(&world);
    world.range.with(|range| range.faults().add("*", "*", When::Always, Fault::Hang));
    let report = stage_report(&world.aws, &world.settings, (&id, ApiKind::Rest), &Attacks::default()).await;
    let unknown = report.unknown();
    assert!(unknown.len() > 10 && unknown.iter().all(|(_, why)| why.contains("no answer in time")), "{unknown:#?}");
    world.range.with(|range| {
        range.faults().clear();
        range.account_mut().gateway.apis.get_mut(&id.api_id).unwrap().stages.remove("prod");
    });
    let report = stage_report(&world.aws, &world.settings, (&id, ApiKind::Rest), &Attacks::default()).await;
    let unknown = report.unknown();
    let gone = |part: &str| unknown.iter().any(|(name, why)| *name == part && why.contains("not found"));
    assert!(["waf", "methods", "cache", "stage_limit"].into_iter().all(gone), "{unknown:#?}");
    assert!(matches!(report.deployments, Known::Yes(_)), "the API is there");
}
