//! A stage in depth as JSON.

use crate::cli::observe;
use crate::cli::shape::figure::{Reasons, Told, time};
use crate::cli::shape::stage::{
    ClientLimitShape, CountersShape, DeploymentShape, InTheWayShape, InnerRuleShape, LabelShape, LimitInForceShape,
    MethodRateShape, MethodShape, Mode, OnlyCountsShape, OverrideShape, PostureShape, RateShape, RuleShape,
    SampledLabel, SamplesShape, StageDetail, StageDocument, StageLimitsShape, UsagePlanShape, WafShape,
};
use crate::model::board::{Known, StageRow};
use crate::model::figure::Figure;
use crate::model::limits::{Limit, LimitInForce, UsagePlan};
use crate::model::stage_report::{
    ClientLimit, Counters, DeploymentRow, InTheWay, InnerRule, LabelRow, MethodRow, OnlyCounts, Posture, RuleMode,
    RuleRow, Samples, StageLimits, StageReport, WafCounter, WafReport, why,
};
use crate::model::text::neutralised;

/// The object under the schema `portcullis.stage/1`.
pub(super) fn stage(report: &StageReport, row: Result<&StageRow, String>) -> StageDocument {
    let identity = if let Known::Yes(identity) = &report.identity { Some(identity) } else { None };
    let mut unknown = Reasons::default();
    for (name, why) in report.unknown() {
        unknown.put(name, why.to_owned());
    }
    if let Err(why) = &row {
        unknown.put("row", why.clone());
    }
    let attack = of(&report.attack, Option::as_ref).flatten();
    StageDocument {
        account: identity.map(|i| i.at.account.clone()),
        region: identity.map(|i| i.at.region.clone()),
        endpoint: identity.and_then(|i| i.endpoint.clone()),
        read_at: time(report.read_at),
        stage: StageDetail {
            stage: report.stage.label(),
            api_id: report.stage.api_id.clone(),
            kind: report.kind,
            row: row.ok().map(observe::stage),
            attack_began: attack.map(|attack| time(attack.began)),
            attack_rests_on: attack.map(|attack| attack.rests_on),
            waf: of(&report.waf, |waf| waf.as_ref().map(web_acl)).flatten(),
            methods: of(&report.methods, |methods| methods.iter().map(method).collect()),
            limits: limits(&report.limits),
            posture: posture(&report.posture),
            deployments: of(&report.deployments, |all| all.iter().map(deployment).collect()),
            lacks: report.lacks.clone(),
            metrics_read: report.metrics_read,
            dollars_estimate: report.dollars,
            unknown,
        },
    }
}

/// What is known; null where it is not: the reason stands under `unknown`.
fn of<'a, T, U>(known: &'a Known<T>, value: impl FnOnce(&'a T) -> U) -> Option<U> {
    match known {
        Known::Yes(known) => Some(value(known)),
        Known::NotYet | Known::No(_) => None,
    }
}

/// Adds why a part is null to the reasons of an object that has them.
fn and_why(unknown: &mut Reasons, parts: &[(&'static str, Option<&str>)]) {
    for (name, why) in parts {
        if let Some(why) = why {
            unknown.put(*name, (*why).to_owned());
        }
    }
}

fn web_acl(waf: &WafReport) -> WafShape {
    WafShape {
        web_acl: waf.name.clone(),
        arn: waf.arn.clone(),
        default_action: waf.default_action,
        stages_behind: of(&waf.behind, |behind| behind.stages.clone()),
        others_behind: of(&waf.behind, |behind| behind.others.clone()).flatten(),
        total: counters(&waf.total),
        default: counters(&waf.default_figures),
        rules: waf.rules.iter().map(rule).collect(),
        before: waf.before.clone(),
        in_the_way: waf.in_the_way.iter().map(in_the_way).collect(),
        only_count: waf.only_count.iter().map(only_counts).collect(),
        labels: of(&waf.labels, |labels| labels.iter().map(label).collect()),
        samples: of(&waf.samples, samples),
    }
}

fn counters(counters: &Counters<Figure>) -> CountersShape {
    let mut told = Told::default();
    let mut put = |name, counter| told.put(name, counters.of(counter));
    CountersShape {
        allowed_per_second: put("allowed_per_second", WafCounter::Allowed),
        blocked_per_second: put("blocked_per_second", WafCounter::Blocked),
        counted_per_second: put("counted_per_second", WafCounter::Counted),
        captcha_per_second: put("captcha_per_second", WafCounter::Captcha),
        challenge_per_second: put("challenge_per_second", WafCounter::Challenge),
        unknown: told.unknown,
        origin: told.origin,
    }
}

fn rule(rule: &RuleRow) -> RuleShape {
    let (mode, action, overrides) = match &rule.mode {
        RuleMode::Acts(action) => (Mode::Action, Some(*action), None),
        RuleMode::GroupActs(overrides) => (Mode::Group, None, Some(overrides)),
        RuleMode::GroupCounts => (Mode::GroupCounts, None, None),
    };
    let inner = |one: &InnerRule| InnerRuleShape {
        rule: one.name.clone(),
        action: one.action,
        actions: one.actions.clone(),
        samples: one.samples,
        share: one.share,
    };
    let mut figures = counters(&rule.figures);
    let keys = rule.rate_keys.as_ref();
    and_why(&mut figures.unknown, &[("inside", why(&rule.inner)), ("rate_keys", keys.and_then(why))]);
    RuleShape {
        place: rule.place,
        rule: rule.name.clone(),
        metric_name: rule.metric_name.clone(),
        priority: rule.priority,
        source: rule.source,
        matches: rule.matches.clone(),
        mode,
        action,
        overrides: overrides.map(|all| {
            all.iter().map(|(name, action)| OverrideShape { rule: name.clone(), action: *action }).collect()
        }),
        inside: of(&rule.inner, |all| all.iter().map(inner).collect()),
        rate_keys: keys.and_then(|keys| of(keys, |keys| *keys)),
        figures,
    }
}

fn in_the_way(way: &InTheWay) -> InTheWayShape {
    let mut told = Told::default();
    InTheWayShape {
        rule: way.rule.clone(),
        default_action: way.is_default,
        stopped_per_second: told.put("stopped_per_second", &way.stopped_per_second),
        before_per_second: told.put("before_per_second", &way.before_per_second),
        share_of_stopped: told.put("share_of_stopped", &way.share_of_stopped),
        unknown: told.unknown,
        origin: told.origin,
    }
}

fn only_counts(rule: &OnlyCounts) -> OnlyCountsShape {
    let mut told = Told::default();
    OnlyCountsShape {
        rule: rule.rule.clone(),
        why: rule.why.clone(),
        says: rule.says.clone(),
        counted_per_second: told.put("counted_per_second", &rule.counted_per_second),
        before_per_second: told.put("before_per_second", &rule.before_per_second),
        let_through_share_at_least: told.put("let_through_share_at_least", &rule.let_through_at_least),
        let_through_share_at_most: told.put("let_through_share_at_most", &rule.let_through_at_most),
        unknown: told.unknown,
        origin: told.origin,
    }
}

fn label(row: &LabelRow) -> LabelShape {
    let mut told = Told::default();
    LabelShape {
        label: neutralised(&row.label).into_owned(),
        allowed_per_second: told.put("allowed_per_second", &row.allowed_per_second),
        blocked_per_second: told.put("blocked_per_second", &row.blocked_per_second),
        allowed_before_per_second: told.put("allowed_before_per_second", &row.allowed_before_per_second),
        unknown: told.unknown,
        origin: told.origin,
    }
}

fn samples(samples: &Samples) -> SamplesShape {
    let labels = samples.labels.iter().map(|one| SampledLabel {
        label: neutralised(&one.label).into_owned(),
        samples: one.samples,
        actions: one.actions.clone(),
    });
    SamplesShape {
        from: time(samples.from),
        to: time(samples.to),
        samples: samples.sampled,
        labels: labels.collect(),
        missing: samples.missing.clone(),
    }
}

fn limit_in_force(limit: &LimitInForce) -> LimitInForceShape {
    LimitInForceShape { per_second: limit.rate, burst: limit.burst, from: limit.from.clone() }
}

fn limit(limit: Limit) -> RateShape {
    RateShape { per_second: limit.rate, burst: limit.burst }
}

fn method(method: &MethodRow) -> MethodShape {
    let mut told = Told::default();
    let per_client = |all: &Vec<ClientLimit>| {
        let one = all.iter().map(|one| ClientLimitShape {
            plan: one.plan.clone(),
            per_second: one.limit.rate,
            burst: one.limit.burst,
            of_method: one.of_method,
        });
        one.collect()
    };
    let mut shape = MethodShape {
        method: method.name.clone(),
        authorization: method.authorization.clone(),
        api_key_required: method.api_key_required,
        caching: of(&method.caching, |caching| *caching),
        limit: of(&method.limit, limit_in_force),
        limits_per_client: of(&method.per_client, per_client),
        requests_per_second: told.put("requests_per_second", &method.requests_per_second),
        sampled_share: told.put("sampled_share", &method.sampled_share),
        client_error_share: told.put("client_error_share", &method.client_error_share),
        server_error_share: told.put("server_error_share", &method.server_error_share),
        latency_p50_ms: told.put("latency_p50_ms", &method.latency_p50_ms),
        latency_p99_ms: told.put("latency_p99_ms", &method.latency_p99_ms),
        limit_used_share: told.put("limit_used_share", &method.used_share),
        unknown: told.unknown,
        origin: told.origin,
    };
    let reasons = [
        ("caching", why(&method.caching)),
        ("limit", why(&method.limit)),
        ("limits_per_client", why(&method.per_client)),
    ];
    and_why(&mut shape.unknown, &reasons);
    shape
}

fn usage_plan(plan: &UsagePlan) -> UsagePlanShape {
    let methods = plan.methods.iter().map(|(method, of)| MethodRateShape {
        method: method.to_string(),
        per_second: of.rate,
        burst: of.burst,
    });
    UsagePlanShape {
        id: plan.id.clone(),
        plan: plan.name.clone(),
        per_client: plan.throttle.map(limit),
        methods_per_client: methods.collect(),
    }
}

fn limits(limits: &StageLimits) -> StageLimitsShape {
    let mut told = Told::default();
    let mut shape = StageLimitsShape {
        account: of(&limits.account, |of| of.map(limit)).flatten(),
        stage: of(&limits.stage, limit_in_force),
        usage_plans: of(&limits.plans, |plans| plans.iter().map(usage_plan).collect()),
        requests_per_second: told.put("requests_per_second", &limits.requests_per_second),
        account_used_share: told.put("account_used_share", &limits.account_share),
        stage_used_share: told.put("stage_used_share", &limits.stage_share),
        unknown: told.unknown,
        origin: told.origin,
    };
    let reasons =
        [("account", why(&limits.account)), ("stage", why(&limits.stage)), ("usage_plans", why(&limits.plans))];
    and_why(&mut shape.unknown, &reasons);
    shape
}

/// Null is either none or not known: `unknown` of the stage tells which.
fn posture(posture: &Posture) -> PostureShape {
    PostureShape {
        web_acl: of(&posture.web_acl, Clone::clone).flatten(),
        draft_policy: of(&posture.draft_policy, Clone::clone).flatten(),
        deployed_policy: of(&posture.deployed_policy, Clone::clone).flatten(),
        cache: of(&posture.cache, Clone::clone).flatten(),
        canary: of(&posture.canary, Clone::clone).flatten(),
        access_log: of(&posture.access_log, Clone::clone).flatten(),
        tracing: of(&posture.tracing, |on| *on),
        detailed_metrics: of(&posture.detailed_metrics, |on| *on),
        endpoint: of(&posture.endpoint, Clone::clone),
        hints: posture.hints.clone(),
    }
}

fn deployment(one: &DeploymentRow) -> DeploymentShape {
    DeploymentShape {
        id: one.id.clone(),
        created_at: one.created.map(time),
        description: neutralised(&one.description).into_owned(),
        stages: of(&one.stages, Clone::clone),
        canary: one.canary,
    }
}
