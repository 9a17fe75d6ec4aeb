//! A stage in depth: known, unknown, of an HTTP API, and as an attacker would write it.

use std::sync::Arc;

use portcullis::model::attack::{Attack, RestsOn};
use portcullis::model::board::{HISTORY_MINUTES, Known};
use portcullis::model::figure::{Figure, Scope};
use portcullis::model::limits::{Limit, LimitInForce, UsagePlan};
use portcullis::model::series::Series;
use portcullis::model::stage::{ApiKind, StageId};
use portcullis::model::stage_report::{
    AccessLogPosture, AclPosture, Behind, Cache, Counters, DeploymentRow, Endpoint, InTheWay, LabelCount, MethodRow,
    OnlyCounts, PolicyPosture, Posture, RuleMode, RuleRow, RuleSource, Samples, StageLimits, StageReport, WafCounter,
    WafReport,
};
use portcullis::model::waf::RuleAction;

use super::{HOSTILE, acl, ago, identity, known, now};

fn method(name: &str, authorization: &str, figures: Option<[f64; 5]>, limit: (f64, &str)) -> MethodRow {
    let why = "its detailed metrics are off; turn them on for per-method figures (they are billed)";
    let at = |n: usize| figures.map_or_else(|| Figure::unknown(why), |of| known(of[n], Scope::Stage));
    MethodRow {
        name: name.into(),
        authorization: authorization.into(),
        api_key_required: name.starts_with("POST"),
        caching: Known::Yes(name.starts_with("GET")),
        requests_per_second: at(0),
        sampled_share: match name {
            "GET /items" => known(0.061, acl(3)),
            _ => Figure::unknown("WAF drew no sample of it"),
        },
        client_error_share: at(1),
        server_error_share: at(2),
        latency_p50_ms: at(3),
        latency_p99_ms: at(4),
        limit: Known::Yes(LimitInForce { rate: Some(limit.0), burst: Some(limit.0 * 2.0), from: limit.1.into() }),
        per_client: Known::Yes(Vec::new()),
        used_share: figures.map_or_else(|| Figure::unknown(why), |of| known(of[0] / limit.0, Scope::Stage)),
    }
}

fn counters(of: [f64; 3]) -> Counters<Figure> {
    Counters::new(|counter| match counter {
        WafCounter::Allowed => known(of[0], acl(3)),
        WafCounter::Blocked => known(of[1], acl(3)),
        WafCounter::Counted => known(of[2], acl(3)),
        WafCounter::Captcha | WafCounter::Challenge => known(0.0, acl(3)),
    })
}

fn rule(place: usize, name: &str, mode: RuleMode, of: [f64; 3], rate_keys: Option<Known<usize>>) -> RuleRow {
    let minutes = Arc::new(Series::new(HISTORY_MINUTES));
    RuleRow {
        place,
        name: name.into(),
        metric_name: name.into(),
        priority: i64::try_from(place).unwrap(),
        source: RuleSource::Own,
        matches: "an IP set".into(),
        mode,
        figures: counters(of),
        minutes: Counters::new(|_| Arc::clone(&minutes)),
        inner: Known::Yes(Vec::new()),
        rate_keys,
    }
}

fn waf() -> WafReport {
    let minutes = Arc::new(Series::new(HISTORY_MINUTES));
    WafReport {
        name: "shop-acl".into(),
        arn: "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop-acl/1".into(),
        behind: Known::Yes(Behind { stages: vec!["a".into(), "b".into(), "c".into()], others: None }),
        default_action: RuleAction::Allow,
        managed_by_firewall_manager: false,
        total: counters([181.7, 3.2, 158.3]),
        total_minutes: Counters::new(|_| Arc::clone(&minutes)),
        default_figures: counters([181.7, 0.0, 0.0]),
        rules: vec![
            rule(1, "deny-list", RuleMode::Acts(RuleAction::Block), [0.0, 1.1, 0.0], None),
            rule(2, "per-address", RuleMode::Acts(RuleAction::Block), [0.0, 2.1, 0.0], Some(Known::Yes(14))),
            rule(3, "sqli", RuleMode::GroupCounts, [0.0, 0.0, 158.3], None),
        ],
        labels: Known::Yes(Vec::new()),
        in_the_way: vec![InTheWay {
            rule: "per-address".into(),
            is_default: false,
            stopped_per_second: known(2.1, acl(3)),
            before_per_second: known(0.0, acl(3)),
            share_of_stopped: known(0.656, acl(3)),
        }],
        only_count: vec![OnlyCounts {
            rule: "sqli".into(),
            why: "the group is overridden to Count".into(),
            counted_per_second: known(158.3, acl(3)),
            before_per_second: known(0.1, acl(3)),
            let_through_at_least: known(0.86, acl(3)),
            let_through_at_most: known(0.87, acl(3)),
            says: "sqli matches 158.3/s and only counts (the group is overridden to Count): 86 to 87 % of what is let through".into(),
        }],
        samples: Known::Yes(Samples {
            from: ago(1),
            to: ago(0),
            sampled: 480,
            labels: vec![LabelCount { label: "awswaf:managed:aws:sql-database:SQLi_Body".into(), samples: 380, actions: vec![] }],
            missing: Vec::new(),
        }),
        before: "median of 02:28 to 02:58, before the attack".into(),
    }
}

/// Everything known of a stage of a REST API.
pub(crate) fn report(stage: StageId) -> StageReport {
    StageReport {
        kind: ApiKind::Rest,
        identity: Known::Yes(identity()),
        read_at: now(),
        attack: Known::Yes(Some(Attack::begun(stage.clone(), ago(4), RestsOn::Metrics, None))),
        stage,
        waf: Known::Yes(Some(waf())),
        methods: Known::Yes(vec![
            method("GET /items", "NONE", None, (500.0, "*/*")),
            method("GET /items/{id}", "NONE", None, (500.0, "*/*")),
            method("POST /login", "NONE", Some([166.0, 0.55, 0.13, 480.0, 3_400.0]), (200.0, "POST /login")),
            method("POST /orders", "COGNITO_USER_POOLS", Some([4.1, 0.02, 0.01, 90.0, 410.0]), (500.0, "*/*")),
        ]),
        limits: StageLimits {
            requests_per_second: known(181.7, Scope::Stage),
            account: Known::Yes(Some(Limit { rate: 10_000.0, burst: 5_000.0 })),
            account_share: known(0.018, Scope::Stage),
            stage: Known::Yes(LimitInForce { rate: Some(500.0), burst: Some(1_000.0), from: "*/*".into() }),
            stage_share: known(0.36, Scope::Stage),
            plans: Known::Yes(vec![UsagePlan {
                id: "p1".into(),
                name: "partners".into(),
                throttle: Some(Limit { rate: 20.0, burst: 40.0 }),
                methods: Vec::new(),
            }]),
        },
        posture: Posture {
            web_acl: Known::Yes(Some(AclPosture {
                name: "shop-acl".into(),
                default_action: RuleAction::Allow,
                enforcing: 2,
                counting: 1,
                allowing: 0,
                managed_by_firewall_manager: false,
            })),
            draft_policy: Known::Yes(None),
            deployed_policy: Known::Yes(Some(PolicyPosture {
                allows: 1,
                denies: 1,
                closed_by_us: true,
                characters: 412,
            })),
            cache: Known::Yes(Some(Cache { status: Some("AVAILABLE".into()), size_gb: Some("0.5".into()) })),
            canary: Known::Yes(None),
            access_log: Known::Yes(Some(AccessLogPosture {
                destination: "arn:aws:logs:eu-west-1:111122223333:log-group:api/shop".into(),
                lacks: vec![
                    "$context.error.responseType: whether a throttle, WAF or an authorizer turned it away".into(),
                ],
            })),
            tracing: Known::Yes(false),
            detailed_metrics: Known::Yes(false),
            endpoint: Known::Yes(Endpoint {
                types: vec!["REGIONAL".into()],
                execute_api_disabled: false,
                dual_stack: Some(false),
            }),
            hints: vec![
                "the deployed policy differs from the draft: the next deployment would reopen the stage".into(),
            ],
        },
        deployments: Known::Yes(vec![
            deployment("d3x9k2", 8, "closed by the kill switch", &["prod"]),
            deployment("b71m0q", 2_000, "release 4.2", &["dev"]),
            deployment("a1b2c3", 12_000, "release 4.1", &[]),
        ]),
        lacks: Vec::new(),
        metrics_read: 31,
        dollars: 0.000_31,
    }
}

fn deployment(id: &str, minutes: i64, description: &str, stages: &[&str]) -> DeploymentRow {
    DeploymentRow {
        id: id.into(),
        created: Some(ago(minutes)),
        description: description.into(),
        stages: Known::Yes(stages.iter().map(|stage| (*stage).to_owned()).collect()),
        canary: false,
    }
}

/// Nothing could be read but that the stage is there.
pub(crate) fn report_unknown(stage: StageId) -> StageReport {
    fn no<T>(operation: &str) -> Known<T> {
        Known::No(format!("AccessDenied on {operation}; allow it, see docs/iam.md"))
    }
    let figure = || Figure::unknown("AccessDenied on cloudwatch:GetMetricData; allow it, see docs/iam.md");
    let whole = report(stage);
    StageReport {
        attack: no("cloudwatch:GetMetricData"),
        waf: no("wafv2:GetWebACL"),
        methods: no("apigateway:GET"),
        limits: StageLimits {
            requests_per_second: figure(),
            account: no("apigateway:GET"),
            account_share: figure(),
            stage: no("apigateway:GET"),
            stage_share: figure(),
            plans: no("apigateway:GET"),
        },
        posture: Posture {
            web_acl: no("wafv2:GetWebACL"),
            draft_policy: no("apigateway:GET"),
            deployed_policy: no("apigateway:GET"),
            cache: no("apigateway:GET"),
            canary: no("apigateway:GET"),
            access_log: no("apigateway:GET"),
            tracing: no("apigateway:GET"),
            detailed_metrics: no("apigateway:GET"),
            endpoint: no("apigateway:GET"),
            hints: Vec::new(),
        },
        deployments: no("apigateway:GET"),
        ..whole
    }
}

/// A stage of an HTTP API.
pub(crate) fn report_http(stage: StageId) -> StageReport {
    let whole = report(stage);
    StageReport {
        kind: ApiKind::Http,
        waf: Known::Yes(None),
        methods: Known::Yes(vec![
            method("$default", "NONE", None, (500.0, "*/*")),
            method("POST /hooks", "JWT", Some([3.0, 0.0, 0.0, 30.0, 80.0]), (100.0, "POST /hooks")),
        ]),
        posture: Posture {
            web_acl: Known::Yes(None),
            draft_policy: Known::Yes(None),
            deployed_policy: Known::Yes(None),
            cache: Known::Yes(None),
            hints: Vec::new(),
            ..whole.posture
        },
        lacks: vec![
            "HTTP APIs take no web ACL: nothing inspects their requests (documented)".into(),
            "HTTP APIs have no resource policy: the kill switch does not work on them (documented)".into(),
        ],
        ..whole
    }
}

/// Every string that somebody else can choose, with what would hurt a terminal.
pub(crate) fn report_hostile(stage: StageId) -> StageReport {
    let mut report = report(stage);
    if let Known::Yes(Some(waf)) = &mut report.waf {
        waf.name = HOSTILE.into();
        waf.rules[0].name = HOSTILE.into();
        waf.only_count[0].says = HOSTILE.into();
        waf.in_the_way[0].rule = HOSTILE.into();
        if let Known::Yes(samples) = &mut waf.samples {
            samples.labels[0].label = HOSTILE.into();
            samples.missing = vec![HOSTILE.into()];
        }
    }
    if let Known::Yes(methods) = &mut report.methods {
        methods[0].name = HOSTILE.into();
        methods[0].authorization = HOSTILE.into();
    }
    if let Known::Yes(deployments) = &mut report.deployments {
        deployments[0].description = HOSTILE.into();
        deployments[0].stages = Known::Yes(vec![HOSTILE.into()]);
    }
    report.posture.cache = Known::No(HOSTILE.into());
    report.posture.hints = vec![HOSTILE.into()];
    report.lacks = vec![HOSTILE.into()];
    report
}
