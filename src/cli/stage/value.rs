//! A stage in depth as JSON.

use serde_json::{Map, Value, json};

use crate::cli::json::{FigureMap, time};
use crate::cli::observe;
use crate::model::board::{Known, StageRow};
use crate::model::figure::Figure;
use crate::model::limits::{Limit, LimitInForce};
use crate::model::stage_report::{
    Counters, DeploymentRow, InTheWay, LabelRow, MethodRow, OnlyCounts, PolicyPosture, Posture, RuleMode, RuleRow,
    RuleSource, Samples, StageLimits, StageReport, WafReport, why,
};
use crate::model::text::neutralised;

/// The object under the schema `portcullis.stage/1`.
pub(super) fn stage(report: &StageReport, row: Result<&StageRow, String>) -> Value {
    let identity = if let Known::Yes(identity) = &report.identity { Some(identity) } else { None };
    let mut unknown: Map<String, Value> =
        report.unknown().into_iter().map(|(name, why)| (name.to_owned(), json!(why))).collect();
    if let Err(why) = &row {
        unknown.insert("row".to_owned(), json!(why));
    }
    json!({
        "account": identity.map(|i| &i.at.account),
        "region": identity.map(|i| &i.at.region),
        "endpoint": identity.and_then(|i| i.endpoint.as_ref()),
        "read_at": time(report.read_at),
        "stage": {
            "stage": report.stage.label(),
            "api_id": report.stage.api_id,
            "kind": report.kind,
            "row": row.ok().map(observe::stage),
            "attack_began": of(&report.attack, |attack| json!(attack.as_ref().map(|attack| time(attack.began)))),
            "attack_rests_on": of(&report.attack, |attack| json!(attack.as_ref().map(|attack| attack.rests_on))),
            "waf": of(&report.waf, |waf| json!(waf.as_ref().map(web_acl))),
            "methods": of(&report.methods, |methods| methods.iter().map(method).collect()),
            "limits": limits(&report.limits),
            "posture": posture(&report.posture),
            "deployments": of(&report.deployments, |all| all.iter().map(deployment).collect()),
            "lacks": report.lacks,
            "metrics_read": report.metrics_read,
            "dollars_estimate": report.dollars,
            "unknown": unknown,
        },
    })
}

/// What is known; null where it is not: the reason stands under `unknown`.
fn of<T>(known: &Known<T>, value: impl FnOnce(&T) -> Value) -> Value {
    match known {
        Known::Yes(known) => value(known),
        Known::NotYet | Known::No(_) => Value::Null,
    }
}

/// Fields, and figures with their reasons and origins beside them.
fn with(fields: Value, figures: &[(&str, &Figure)]) -> Value {
    let mut map = FigureMap::default();
    for (name, figure) in figures {
        map.put(name, figure);
    }
    let mut object = if let Value::Object(fields) = fields { fields } else { Map::new() };
    map.into_object(&mut object);
    Value::Object(object)
}

/// Adds why a part is null to the reasons of an object that has them.
fn and_why(mut object: Value, parts: &[(&str, Option<&str>)]) -> Value {
    for (name, why) in parts {
        if let (Some(why), Some(unknown)) = (why, object.get_mut("unknown").and_then(Value::as_object_mut)) {
            unknown.insert((*name).to_owned(), json!(why));
        }
    }
    object
}

fn web_acl(waf: &WafReport) -> Value {
    let counters = |counters: &Counters<Figure>| with(json!({}), &named(counters));
    json!({
        "web_acl": waf.name,
        "arn": waf.arn,
        "default_action": waf.default_action,
        "stages_behind": of(&waf.behind, |behind| json!(behind.stages)),
        "others_behind": of(&waf.behind, |behind| json!(behind.others)),
        "total": counters(&waf.total),
        "default": counters(&waf.default_figures),
        "rules": waf.rules.iter().map(rule).collect::<Vec<_>>(),
        "before": waf.before,
        "in_the_way": waf.in_the_way.iter().map(in_the_way).collect::<Vec<_>>(),
        "only_count": waf.only_count.iter().map(only_counts).collect::<Vec<_>>(),
        "labels": of(&waf.labels, |labels| labels.iter().map(label).collect()),
        "samples": of(&waf.samples, samples),
    })
}

const PER_SECOND: [&str; 5] =
    ["allowed_per_second", "blocked_per_second", "counted_per_second", "captcha_per_second", "challenge_per_second"];

fn named(counters: &Counters<Figure>) -> Vec<(&'static str, &Figure)> {
    PER_SECOND.into_iter().zip(counters.each().map(|(_, figure)| figure)).collect()
}

fn rule(rule: &RuleRow) -> Value {
    let (mode, action, overrides) = match &rule.mode {
        RuleMode::Acts(action) => ("action", Some(action), None),
        RuleMode::GroupActs(overrides) => ("group", None, Some(overrides)),
        RuleMode::GroupCounts => ("group-counts", None, None),
    };
    let overrides: Option<Vec<Value>> =
        overrides.map(|all| all.iter().map(|(name, action)| json!({ "rule": name, "action": action })).collect());
    let inside = of(&rule.inner, |inner| {
        let one = inner
            .iter()
            .map(|one| json!({ "rule": one.name, "action": one.action, "actions": one.actions, "samples": one.samples, "share": one.share }));
        one.collect()
    });
    let fields = json!({
        "place": rule.place,
        "rule": rule.name,
        "metric_name": rule.metric_name,
        "priority": rule.priority,
        "source": match rule.source {
            RuleSource::FirewallManagerFirst => "firewall-manager-first",
            RuleSource::Own => "own",
            RuleSource::FirewallManagerLast => "firewall-manager-last",
        },
        "matches": rule.matches,
        "mode": mode,
        "action": action,
        "overrides": overrides,
        "inside": inside,
        "rate_keys": rule.rate_keys.as_ref().map(|keys| of(keys, |keys| json!(keys))),
    });
    let keys = rule.rate_keys.as_ref().and_then(why);
    and_why(with(fields, &named(&rule.figures)), &[("inside", why(&rule.inner)), ("rate_keys", keys)])
}

fn in_the_way(way: &InTheWay) -> Value {
    with(
        json!({ "rule": way.rule, "default_action": way.is_default }),
        &[
            ("stopped_per_second", &way.stopped_per_second),
            ("before_per_second", &way.before_per_second),
            ("share_of_stopped", &way.share_of_stopped),
        ],
    )
}

fn only_counts(rule: &OnlyCounts) -> Value {
    with(
        json!({ "rule": rule.rule, "why": rule.why, "says": rule.says }),
        &[
            ("counted_per_second", &rule.counted_per_second),
            ("before_per_second", &rule.before_per_second),
            ("let_through_share_at_least", &rule.let_through_at_least),
            ("let_through_share_at_most", &rule.let_through_at_most),
        ],
    )
}

fn label(row: &LabelRow) -> Value {
    with(
        json!({ "label": neutralised(&row.label) }),
        &[
            ("allowed_per_second", &row.allowed_per_second),
            ("blocked_per_second", &row.blocked_per_second),
            ("allowed_before_per_second", &row.allowed_before_per_second),
        ],
    )
}

fn samples(samples: &Samples) -> Value {
    let label = |one: &crate::model::stage_report::LabelCount| json!({ "label": neutralised(&one.label), "samples": one.samples, "actions": one.actions });
    json!({
        "from": time(samples.from),
        "to": time(samples.to),
        "samples": samples.sampled,
        "labels": samples.labels.iter().map(label).collect::<Vec<_>>(),
        "missing": samples.missing,
    })
}

fn limit_in_force(limit: &LimitInForce) -> Value {
    json!({ "per_second": limit.rate, "burst": limit.burst, "from": limit.from })
}

fn limit(limit: Limit) -> Value {
    json!({ "per_second": limit.rate, "burst": limit.burst })
}

fn method(method: &MethodRow) -> Value {
    let per_client = of(&method.per_client, |all| {
        let one = all.iter().map(|one| {
            json!({
                "plan": one.plan, "per_second": one.limit.rate, "burst": one.limit.burst, "of_method": one.of_method,
            })
        });
        one.collect()
    });
    let fields = json!({
        "method": method.name,
        "authorization": method.authorization,
        "api_key_required": method.api_key_required,
        "caching": of(&method.caching, |caching| json!(caching)),
        "limit": of(&method.limit, limit_in_force),
        "limits_per_client": per_client,
    });
    let figures = [
        ("requests_per_second", &method.requests_per_second),
        ("sampled_share", &method.sampled_share),
        ("client_error_share", &method.client_error_share),
        ("server_error_share", &method.server_error_share),
        ("latency_p50_ms", &method.latency_p50_ms),
        ("latency_p99_ms", &method.latency_p99_ms),
        ("limit_used_share", &method.used_share),
    ];
    let reasons = [
        ("caching", why(&method.caching)),
        ("limit", why(&method.limit)),
        ("limits_per_client", why(&method.per_client)),
    ];
    and_why(with(fields, &figures), &reasons)
}

fn limits(limits: &StageLimits) -> Value {
    let plans = of(&limits.plans, |plans| {
        let one = plans.iter().map(|plan| {
            let methods = plan
                .methods
                .iter()
                .map(|(method, of)| json!({ "method": method.to_string(), "per_second": of.rate, "burst": of.burst }));
            json!({
                "id": plan.id,
                "plan": plan.name,
                "per_client": plan.throttle.map(limit),
                "methods_per_client": methods.collect::<Vec<_>>(),
            })
        });
        one.collect()
    });
    let fields = json!({
        "account": of(&limits.account, |of| json!(of.map(limit))),
        "stage": of(&limits.stage, limit_in_force),
        "usage_plans": plans,
    });
    let figures = [
        ("requests_per_second", &limits.requests_per_second),
        ("account_used_share", &limits.account_share),
        ("stage_used_share", &limits.stage_share),
    ];
    let reasons =
        [("account", why(&limits.account)), ("stage", why(&limits.stage)), ("usage_plans", why(&limits.plans))];
    and_why(with(fields, &figures), &reasons)
}

/// Null is either none or not known: `unknown` of the stage tells which.
fn posture(posture: &Posture) -> Value {
    let policy = |policy: &Option<PolicyPosture>| {
        let value = |one: &PolicyPosture| {
            json!({
                "allows": one.allows, "denies": one.denies, "closed_by_us": one.closed_by_us, "characters": one.characters,
            })
        };
        json!(policy.as_ref().map(value))
    };
    json!({
        "web_acl": of(&posture.web_acl, |acl| json!(acl.as_ref().map(|acl| json!({
            "name": acl.name,
            "default_action": acl.default_action,
            "enforcing": acl.enforcing,
            "counting": acl.counting,
            "allowing": acl.allowing,
            "managed_by_firewall_manager": acl.managed_by_firewall_manager,
        })))),
        "draft_policy": of(&posture.draft_policy, policy),
        "deployed_policy": of(&posture.deployed_policy, policy),
        "cache": of(&posture.cache, |cache| json!(cache.as_ref().map(|cache| json!({
            "status": cache.status, "size_gb": cache.size_gb,
        })))),
        "canary": of(&posture.canary, |canary| json!(canary.as_ref().map(|canary| json!({
            "percent": canary.percent, "deployment_id": canary.deployment_id,
        })))),
        "access_log": of(&posture.access_log, |log| json!(log.as_ref().map(|log| json!({
            "destination": log.destination, "lacks": log.lacks,
        })))),
        "tracing": of(&posture.tracing, |on| json!(on)),
        "detailed_metrics": of(&posture.detailed_metrics, |on| json!(on)),
        "endpoint": of(&posture.endpoint, |endpoint| json!({
            "types": endpoint.types,
            "execute_api_disabled": endpoint.execute_api_disabled,
            "dual_stack": endpoint.dual_stack,
        })),
        "hints": posture.hints,
    })
}

fn deployment(one: &DeploymentRow) -> Value {
    json!({
        "id": one.id,
        "created_at": one.created.map(time),
        "description": neutralised(&one.description),
        "stages": of(&one.stages, |stages| json!(stages)),
        "canary": one.canary,
    })
}
