//! Hand-made boards, sources, plans and timelines for the screens. Every moment in them is fixed.

mod plans;
mod report;
mod sources;
mod timeline;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::model::board::{
    AccountGauge, Board, Figures, HISTORY_MINUTES, History, Known, Metric, Polling, StageRow,
};
use portcullis::model::cost::Burn;
use portcullis::model::figure::{Figure, Origin, Reading, Scope};
use portcullis::model::identity::{AccountRegion, Identity};
use portcullis::model::limits::{Limit, LimitOf, WinningLimit};
use portcullis::model::series::Series;
use portcullis::model::signal::{Peak, Severity, Signal, SignalKind};
use portcullis::model::stage::{ApiKind, StageId};

pub(crate) use plans::*;
pub(crate) use report::*;
pub(crate) use sources::*;
pub(crate) use timeline::*;

/// 03:02:10Z, when everybody is asleep.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-03-14T03:02:10Z".parse().unwrap()
}

/// `minutes` before 03:02:00Z.
pub(crate) fn ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::seconds(10) - TimeDelta::minutes(minutes)
}

pub(crate) fn identity() -> Identity {
    Identity {
        at: AccountRegion::of_aws("111122223333", "eu-west-1"),
        arn: "arn:aws:sts::111122223333:assumed-role/oncall/ada".into(),
        profile: None,
        endpoint: None,
    }
}

pub(crate) fn stage(api: &str, stage: &str) -> StageId {
    StageId {
        api_id: format!("{:0<10}", api.chars().filter(char::is_ascii_alphanumeric).take(6).collect::<String>()),
        api_name: api.into(),
        stage: stage.into(),
    }
}

pub(crate) fn known(value: f64, scope: Scope) -> Figure {
    Figure::Known(Reading { value, at: ago(0), origin: Origin::CloudWatch, scope, provisional: true })
}

pub(crate) fn settled(value: f64, scope: Scope) -> Figure {
    match known(value, scope) {
        Figure::Known(reading) => Figure::Known(Reading { provisional: false, ..reading }),
        unknown @ Figure::Unknown(_) => unknown,
    }
}

pub(crate) fn acl(stages: usize) -> Scope {
    Scope::WebAcl { name: "shop-acl".into(), stages }
}

/// What is not known where a stage writes no access log.
const NO_LOG: &str =
    "AWS publishes no such metric and the stage writes no access log; turn one on with $context.status";

/// What traffic costs: `hourly` dollars, most of it Lambda's; since when, and how much that came to.
fn burn(hourly: f64, since: Option<(i64, f64)>) -> Burn {
    let figure = |value: f64| known(value, Scope::Stage);
    Burn {
        parts_per_hour: [0.2, 0.1, 0.6, 0.1].map(|part| figure(hourly * part)),
        per_hour: figure(hourly),
        usual_per_hour: figure(0.3),
        since: since.map(|(minutes, sum)| (ago(minutes), figure(sum))),
    }
}

/// A stage at peace: `level` requests a minute, swaying a little.
pub(crate) fn calm_row(id: StageId, level: f64, behind: usize) -> StageRow {
    let mut history: History = std::array::from_fn(|_| Arc::new(Series::new(HISTORY_MINUTES)));
    for back in 1..=120i64 {
        let sway = 1.0 + 0.2 * ((back as f64) / 7.0).sin();
        let requests = (level * sway).round();
        let at = ago(back);
        let mut set = |metric: Metric, value: f64| Arc::make_mut(&mut history[metric.index()]).set(at, value);
        // Nothing was published for these minutes: a gap, not zero.
        if (40..46).contains(&back) {
            continue;
        }
        set(Metric::Requests, requests);
        set(Metric::ClientErrors, (requests * 0.02).round());
        set(Metric::ServerErrors, 0.0);
        set(Metric::LatencyP50, 40.0 + 5.0 * sway);
        set(Metric::LatencyP99, 180.0 + 60.0 * sway);
        set(Metric::WafAllowed, requests * behind as f64);
        set(Metric::WafBlocked, 0.0);
        set(Metric::WafCounted, 0.0);
        set(Metric::IntegrationP99, 150.0 + 60.0 * sway);
        set(Metric::Throttled, 0.0);
    }
    StageRow {
        web_acl: Known::Yes(Some("shop-acl".into())),
        web_acl_arn: Some("arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop-acl/1".into()),
        figures: Figures {
            requests_per_second: known(level / 60.0, Scope::Stage),
            client_error_share: known(0.02, Scope::Stage),
            server_error_share: known(0.0, Scope::Stage),
            latency_p50_ms: settled(44.0, Scope::Stage),
            latency_p99_ms: settled(236.0, Scope::Stage),
            waf_allowed_per_second: known(level / 60.0 * behind as f64, acl(behind)),
            waf_blocked_per_second: known(0.0, acl(behind)),
            waf_counted_per_second: known(0.0, acl(behind)),
            throttled_per_second: Figure::unknown(NO_LOG),
            client_error_share_from_blocks: Figure::unknown("the web ACL guards other stages as well"),
            integration_latency_p99_ms: settled(205.0, Scope::Stage),
            limit_used_share: known(level / 60.0 / 500.0, Scope::Stage),
            ..Figures::unknown("the stage has no cache")
        },
        limit: Some(WinningLimit { limit: Limit { rate: 500.0, burst: 1_000.0 }, of: LimitOf::Stage }),
        burn: burn(level / 60.0 * 0.02, None),
        usuals: None,
        history: Arc::new(history),
        signals: Vec::new(),
        not_judged: Vec::new(),
        warnings: Vec::new(),
        ..StageRow::new(id, ApiKind::Rest)
    }
}

/// A stage under attack for five minutes.
pub(crate) fn attacked_row(id: StageId, behind: usize) -> StageRow {
    let mut row = calm_row(id, 900.0, behind);
    let mut history = (*row.history).clone();
    for back in 1..=5i64 {
        let at = ago(back);
        let mut set = |metric: Metric, value: f64| Arc::make_mut(&mut history[metric.index()]).set(at, value);
        let factor = (6 - back) as f64;
        set(Metric::Requests, 900.0 + 2_000.0 * factor);
        set(Metric::ClientErrors, 1_100.0 * factor);
        set(Metric::ServerErrors, 260.0 * factor);
        set(Metric::LatencyP50, 90.0 * factor);
        set(Metric::LatencyP99, 640.0 * factor);
        set(Metric::WafAllowed, 900.0 + 2_000.0 * factor);
        set(Metric::WafCounted, 1_900.0 * factor);
        set(Metric::WafBlocked, 40.0 * factor);
        set(Metric::IntegrationP99, 600.0 * factor);
        set(Metric::Throttled, 150.0 * factor);
    }
    row.history = Arc::new(history);
    row.figures.requests_per_second = known(181.7, Scope::Stage);
    row.figures.client_error_share = known(0.504, Scope::Stage);
    row.figures.server_error_share = known(0.119, Scope::Stage);
    row.figures.latency_p50_ms = known(450.0, Scope::Stage);
    row.figures.latency_p99_ms = known(3_200.0, Scope::Stage);
    row.figures.waf_allowed_per_second = known(181.7, acl(behind));
    row.figures.waf_counted_per_second = known(158.3, acl(behind));
    row.figures.integration_latency_p99_ms = known(3_000.0, Scope::Stage);
    row.figures.limit_used_share = known(0.363, Scope::Stage);
    row.figures.throttled_per_second = match known(12.5, Scope::Stage) {
        Figure::Known(reading) => Figure::Known(Reading { origin: Origin::AccessLog, ..reading }),
        unknown @ Figure::Unknown(_) => unknown,
    };
    row.burn = burn(14.2, Some((4, 0.82)));
    row.ended = vec![Signal {
        kind: SignalKind::CacheHitCollapse,
        severity: Severity::Notice,
        since: ago(31),
        ended: Some(ago(22)),
        not_judged_since: None,
        peak: Some(Peak { value: 0.11, at: ago(27) }),
        value: 0.3,
        threshold: 0.4,
        ours: false,
        evidence: "11 % of lookups answered at 02:35Z".into(),
        suggests: "look at what was deployed".into(),
    }];
    row.signals =
        vec![
        Signal {
            kind: SignalKind::ClientErrorsHigh,
            severity: Severity::Attack,
            since: ago(4),
            ended: None,
            not_judged_since: None,
            peak: Some(Peak { value: 0.574, at: ago(2) }),
            value: 0.504,
            threshold: 0.5, ours: false,
            evidence:
                "5,500 of 10,900 requests in 03:01Z were answered 4XX; a day ago it was 2 %; WAF blocked none of them"
                    .into(),
            suggests: "see who sends them (sources), and block what was not seen before".into(),
        },
        Signal {
            kind: SignalKind::ServerErrorsHigh,
            severity: Severity::Attack,
            since: ago(3),
            ended: None,
            not_judged_since: None,
            peak: None,
            value: 0.119,
            threshold: 0.1, ours: false,
            evidence: "1,300 of 10,900 requests in 03:01Z were answered 5XX; p99 latency 3.2 s".into(),
            suggests: "the backend is failing: shed load before anything else".into(),
        },
        Signal {
            kind: SignalKind::BlockedSpike,
            severity: Severity::Notice,
            since: ago(2),
            ended: None,
            not_judged_since: None,
            peak: None,
            value: 7.2,
            threshold: 5.0, ours: false,
            evidence: "36 blocked in 03:01Z, median of the last half hour 5".into(),
            suggests: "look at the rule that blocks".into(),
        },
    ];
    row
}

/// Nothing is known of it but its name.
pub(crate) fn unknown_row(id: StageId) -> StageRow {
    let why = "AccessDenied on cloudwatch:GetMetricData; ask for cloudwatch:GetMetricData on *";
    let mut row = calm_row(id, 60.0, 1);
    let unknown = || Figure::unknown(why);
    row.figures = Figures {
        requests_per_second: unknown(),
        client_error_share: unknown(),
        server_error_share: unknown(),
        latency_p50_ms: unknown(),
        latency_p99_ms: unknown(),
        waf_allowed_per_second: Figure::unknown("the web ACL is not known yet"),
        waf_blocked_per_second: Figure::unknown("the web ACL is not known yet"),
        waf_counted_per_second: Figure::unknown("the web ACL is not known yet"),
        throttled_per_second: Figure::unknown(NO_LOG),
        client_error_share_from_blocks: Figure::unknown("the web ACL is not known yet"),
        ..Figures::unknown(why)
    };
    row.history = Arc::new(std::array::from_fn(|_| Arc::new(Series::new(HISTORY_MINUTES))));
    (row.limit, row.burn) = (None, Burn::unknown(why));
    row.web_acl = Known::No("AccessDenied on apigateway:GET /restapis/*/stages".into());
    row.warnings = vec!["canary settings are present: a plain deployment would be refused".into()];
    row
}

pub(crate) fn board(stages: Vec<StageRow>) -> Board {
    let count = stages.len();
    Board {
        identity: Some(identity()),
        at: now(),
        rate: 1.0,
        stages,
        polling: Polling {
            metrics: count * 8,
            calls: 1,
            dollars_per_hour: count as f64 * 8.0 * 60.0 / 1_000.0 * 0.01,
            details: (count, count),
            read_at: Some(ago(0)),
            trouble: None,
            lacks: None,
            ..Polling::default()
        },
        account: AccountGauge {
            requests_per_second: known(203.0, Scope::Account),
            limit: Known::Yes(Limit { rate: 10_000.0, burst: 5_000.0 }),
            used_share: known(0.0203, Scope::Account),
        },
        burn: burn(14.9, None),
    }
}

pub(crate) fn calm() -> Board {
    let mut shared = calm_row(stage("partners", "v2"), 120.0, 3);
    shared.figures.requests_per_second = known(2.0, Scope::ApiName { apis: 2 });
    shared.warnings =
        vec!["two APIs are named partners (partne0000, p9x2k1m4q7): CloudWatch counts them together".into()];
    let mut silent = calm_row(stage("reports", "prod"), 0.0, 1);
    silent.figures.client_error_share = Figure::unknown("no requests in that minute: there is no share of nothing");
    silent.figures.server_error_share = Figure::unknown("no requests in that minute: there is no share of nothing");
    board(vec![
        calm_row(stage("billing", "prod"), 240.0, 1),
        shared,
        silent,
        calm_row(stage("shop", "dev"), 6.0, 3),
        calm_row(stage("shop", "prod"), 900.0, 3),
    ])
}

pub(crate) fn attack() -> Board {
    let mut board = calm();
    let id = stage("shop", "prod");
    if let Some(row) = board.stages.iter_mut().find(|r| r.id == id) {
        *row = attacked_row(id, 3);
    }
    board
}

/// A stage of an HTTP API: no web ACL, no cache, nothing to know of them.
pub(crate) fn http() -> Board {
    let mut row = calm_row(stage("hooks", "live"), 180.0, 1);
    row.kind = ApiKind::Http;
    (row.web_acl, row.web_acl_arn) = (Known::Yes(None), None);
    let none = || Figure::unknown("HTTP APIs take no web ACL");
    row.figures.waf_allowed_per_second = none();
    row.figures.waf_blocked_per_second = none();
    row.figures.waf_counted_per_second = none();
    board(vec![row, calm_row(stage("shop", "prod"), 900.0, 1)])
}

/// The attack as a drill at twenty times real time.
pub(crate) fn drill() -> Board {
    let mut board = attack();
    board.rate = 20.0;
    board.identity = Some(Identity { endpoint: Some("the range in this process".into()), ..identity() });
    board
}

pub(crate) fn unknowns() -> Board {
    let mut board = board(vec![calm_row(stage("billing", "prod"), 240.0, 1), unknown_row(stage("shop", "prod"))]);
    board.polling.details = (1, 2);
    board.account = AccountGauge {
        limit: Known::No("AccessDenied on apigateway:GET /account".into()),
        ..AccountGauge::unknown("not known without the limit")
    };
    board.burn = Burn::unknown("not every stage's requests are known");
    board
}

pub(crate) fn trouble() -> Board {
    let mut board = attack();
    board.polling.read_at = Some(ago(4));
    board.polling.trouble = Some(
        "GetMetricData: ExpiredToken, the security token has expired; renew it (aws sso login) and the console goes on by itself".into(),
    );
    board
}

/// A thousand stages, every tenth under attack.
pub(crate) fn crowd() -> Board {
    board(
        (0..1_000)
            .map(|n| {
                let id = stage(&format!("service-{n:03}"), "prod");
                if n % 10 == 3 { attacked_row(id, 2) } else { calm_row(id, 60.0 + f64::from(n), 1) }
            })
            .collect(),
    )
}

/// Every string an attacker can choose, with what would hurt a terminal.
pub(crate) const HOSTILE: &str = "\x1b]0;owned\x07\x1b[2J\u{202e}drowssap\u{200b}\r\n=cmd|' /C calc'!A0";

pub(crate) fn hostile_board() -> Board {
    let mut row = attacked_row(stage(HOSTILE, HOSTILE), 3);
    row.web_acl = Known::Yes(Some(HOSTILE.into()));
    row.warnings = vec![HOSTILE.into()];
    for signal in &mut row.signals {
        signal.evidence = HOSTILE.into();
        signal.suggests = HOSTILE.into();
    }
    row.figures.latency_p50_ms = Figure::unknown(HOSTILE);
    let mut board = board(vec![row]);
    board.polling.trouble = Some(HOSTILE.into());
    board.identity = Some(Identity {
        at: AccountRegion::of_aws(HOSTILE, HOSTILE),
        arn: HOSTILE.into(),
        profile: Some(HOSTILE.into()),
        endpoint: Some(HOSTILE.into()),
    });
    board
}
