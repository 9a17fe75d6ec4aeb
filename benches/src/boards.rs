//! Boards, sources, a plan and a timeline as the screen gets them, as busy as they come.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::model::action::{Action, BlockIp, Terms};
use portcullis::model::board::{Board, Figures, HISTORY_MINUTES, History, Known, Metric, Polling, StageRow};
use portcullis::model::candidate::{Candidates, Standing};
use portcullis::model::counted::{Bounds, CountedBy};
use portcullis::model::figure::{Figure, Origin, Reading, Scope};
use portcullis::model::identity::{AccountRegion, Actor, Identity};
use portcullis::model::plan::{Change, ChangedKind, GuardResult, Plan, PlannedCall, Purpose, ResourceRef, Verdict};
use portcullis::model::series::Series;
use portcullis::model::signal::{Severity, Signal, SignalKind};
use portcullis::model::source::{Legitimacy, Source, Sources};
use portcullis::model::stage::{ApiKind, StageId, StageSelector};
use portcullis::model::timeline::TimelineEntry;
use portcullis::model::top_list::{TopList, TopOf, TopRow};
use portcullis::tui::TimelineView;

use crate::account::{STAGES_PER_ACL, api_name};

/// The moment of every board: 2023-11-14T22:14:05Z.
#[must_use]
pub fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_700_000_045)
}

fn ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::seconds(5) - TimeDelta::minutes(minutes)
}

fn identity() -> Identity {
    Identity {
        at: AccountRegion::of_aws("111122223333", "eu-central-1"),
        arn: "arn:aws:sts::111122223333:assumed-role/oncall/ada".into(),
        profile: None,
        endpoint: None,
    }
}

/// The `n`th stage.
#[must_use]
pub fn stage(n: usize) -> StageId {
    StageId { api_id: format!("a{n:09}"), api_name: api_name(n), stage: "prod".into() }
}

/// A board of `stages` with three hours of history each, every tenth under attack.
#[must_use]
pub fn board(stages: usize) -> Board {
    Board {
        identity: Some(identity()),
        at: now(),
        rate: 1.0,
        stages: (0..stages).map(row).collect(),
        polling: Polling {
            metrics: stages * 5,
            calls: stages.div_ceil(100),
            dollars_per_hour: stages as f64 * 0.003,
            details: (stages, stages),
            read_at: Some(ago(0)),
            trouble: None,
            lacks: None,
            ..Polling::default()
        },
        ..Board::empty(ago(0))
    }
}

fn row(n: usize) -> StageRow {
    let attacked = n % 10 == 3;
    let mut history: History = std::array::from_fn(|_| Arc::new(Series::new(HISTORY_MINUTES)));
    for back in 1..=180_i64 {
        let sway = 1.0 + 0.2 * ((back as f64 + n as f64) / 7.0).sin();
        let surge = if attacked && back <= 5 { 10.0 } else { 1.0 };
        let requests = 60.0 * sway * surge;
        let values = [
            requests,
            requests * if surge > 1.0 { 0.6 } else { 0.02 },
            requests * if surge > 1.0 { 0.1 } else { 0.0 },
            44.0 * sway * surge,
            230.0 * sway * surge,
            requests * 10.0,
            surge - 1.0,
            0.0,
        ];
        for (metric, value) in Metric::ALL.into_iter().zip(values) {
            Arc::make_mut(&mut history[metric.index()]).set(ago(back), value);
        }
    }
    let known = |value: f64, scope: Scope| {
        Figure::Known(Reading { value, at: ago(0), origin: Origin::CloudWatch, scope, provisional: true })
    };
    let acl = || Scope::WebAcl { name: "front".into(), stages: STAGES_PER_ACL };
    let bad = if attacked { 0.6 } else { 0.02 };
    StageRow {
        id: stage(n),
        web_acl: Known::Yes(Some("front".into())),
        web_acl_arn: Some("arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/front/1".into()),
        figures: Figures {
            requests_per_second: known((n % 97) as f64, Scope::Stage),
            client_error_share: known(bad, Scope::Stage),
            server_error_share: known(bad / 6.0, Scope::Stage),
            latency_p50_ms: known(44.0, Scope::Stage),
            latency_p99_ms: known(236.0 + (n % 41) as f64, Scope::Stage),
            waf_allowed_per_second: known(181.7, acl()),
            waf_blocked_per_second: known((n % 13) as f64, acl()),
            waf_counted_per_second: known(0.0, acl()),
            throttled_per_second: Figure::unknown("AWS publishes no throttle metric"),
            client_error_share_from_blocks: Figure::unknown("the web ACL is shared"),
            ..Figures::unknown("not read")
        },
        history: Arc::new(history),
        signals: if attacked { signals() } else { Vec::new() },
        not_judged: Vec::new(),
        warnings: if n.is_multiple_of(7) {
            vec!["has a canary: a plain deployment is refused".into()]
        } else {
            Vec::new()
        },
        ..StageRow::new(stage(n), ApiKind::Rest)
    }
}

fn signals() -> Vec<Signal> {
    let signal = |kind, severity, value, threshold| Signal {
        kind,
        severity,
        since: ago(4),
        ended: None,
        not_judged_since: None,
        peak: None,
        value,
        threshold,
        ours: false,
        evidence: "5,500 of 10,900 requests in 22:12Z were answered so; a day ago it was 2 %; WAF blocked none".into(),
        suggests: "see who sends them (sources), and block what was not seen before".into(),
    };
    vec![
        signal(SignalKind::ClientErrorsHigh, Severity::Attack, 0.6, 0.5),
        signal(SignalKind::ServerErrorsHigh, Severity::Attack, 0.1, 0.1),
        signal(SignalKind::BlockedSpike, Severity::Notice, 7.2, 5.0),
    ]
}

/// As many sources as the samples can give.
#[must_use]
pub fn sources(count: u32) -> Sources {
    let source = |n: u32| Source {
        address: std::net::IpAddr::V4(std::net::Ipv4Addr::from(0xCB00_7100 + n)),
        requests: Some(u64::from(5_000 - n % 5_000)),
        requests_bounds: Some(Bounds { at_least: 1_000, at_most: 9_000 }),
        share: Some(f64::from(5_000 - n % 5_000) / 610_000.0),
        per_second: Some(f64::from(5_000 - n % 5_000) / 60.0),
        samples: 40,
        countries: vec![("BR".into(), 30), ("NL".into(), 10)],
        requests_by_path: vec![("POST /login".into(), 25), ("GET /search".into(), 15)],
        rules: vec![("sqli".into(), 40)],
        user_agents: vec![("sqlmap/1.8.2#stable (https://sqlmap.org)".into(), 40)],
        actions: vec![("COUNT".into(), 40)],
        first_seen: ago(1),
        last_seen: ago(0),
        over_limit_of: Vec::new(),
        against: vec!["sqli".into()],
        follows: false,
        legitimacy: Legitimacy::NotSeenBefore,
        behind_proxy: n.is_multiple_of(9),
        before_per_second: 0.0,
        standing: Standing::Attack,
        counted_by: CountedBy::WafSamples,
    };
    Sources {
        web_acl: "front".into(),
        stages_behind: STAGES_PER_ACL,
        from: ago(1),
        to: ago(0),
        answered_seconds: Some(60.0),
        covered_seconds: Some(5.0),
        population: Some(610_000),
        sampled: 500,
        seen: Some(5_000),
        missing: Vec::new(),
        sources: (0..count).map(source).collect(),
        rate_rules: Vec::new(),
        top: vec![prefixes()],
        gone: Vec::new(),
        log: None,
        candidates: Candidates::default(),
        followers: None,
        before_samples: None,
    }
}

/// As many prefixes as a list keeps.
fn prefixes() -> TopList {
    let row = |n: u32| TopRow {
        name: format!("203.0.{n}.0/24"),
        prefix: format!("203.0.{n}.0/24").parse().ok(),
        requests: u64::from(5_000 - n),
        requests_bounds: None,
        share: f64::from(5_000 - n) / 610_000.0,
        before_share: Some(0.001),
        addresses: Some(200),
    };
    let rows = (0..u32::try_from(TopList::MOST).unwrap_or(100)).map(row).collect();
    TopList { of: TopOf::Prefixes, counted_by: CountedBy::WafSamples, rows, distinct: 4_000, counted_share: 0.9 }
}

/// A plan to block `count` addresses on the first attacked stage.
#[must_use]
pub fn plan(count: usize) -> Plan {
    let stage = stage(3);
    let targets: Vec<String> = (0..count).map(|n| format!("203.0.{}.{}/32", n / 256, n % 256)).collect();
    let guard = |n: usize| GuardResult {
        id: format!("block-ip.guard-{n}"),
        verdict: if n < 2 { Verdict::Warn } else { Verdict::Pass },
        reason: "no target overlaps a never-block or break-glass range, and the widest prefix holds 1 address".into(),
        evidence: vec!["ListResourcesForWebACL: /restapis/a000000003/stages/prod".into()],
        can_be_overridden: true,
        overridden: false,
    };
    let set = || ResourceRef {
        kind: ChangedKind::IpSet,
        name: "block-list-v4".into(),
        id: "0b1c".into(),
        arn: "arn:aws:wafv2:eu-central-1:111122223333:regional/ipset/block-list-v4/0b1c".into(),
    };
    Plan {
        purpose: Purpose::Apply,
        action: Action::BlockIp(BlockIp {
            stage: StageSelector {
                profile: None,
                region: None,
                api: stage.api_name.clone(),
                stage: stage.stage.clone(),
            },
            targets: targets.iter().filter_map(|target| target.parse().ok()).collect(),
            ip_sets: Vec::new(),
            terms: Terms::default(),
        }),
        identity: identity(),
        stage,
        read_at: now(),
        summary: format!("Add {count} prefixes to IP set block-list-v4."),
        changes: vec![Change {
            resource: set(),
            added: targets,
            removed: Vec::new(),
            entries_before: 8,
            entries_after: 8 + count,
            edit: portcullis::model::change::Edit::Entries,
        }],
        calls: vec![PlannedCall {
            service: "wafv2".into(),
            operation: "UpdateIPSet".into(),
            resource: set().arn,
            parameters: vec![("Scope".into(), "REGIONAL".into())],
        }],
        guards: (0..10).map(guard).collect(),
        preconditions: Vec::new(),
        watch: Vec::new(),
        probe: None,
        left: Vec::new(),
        undo: "Takes the entries out again; entries of others stay.".into(),
        notes: vec!["WAF takes seconds to minutes to spread a change (documented).".into()],
        digest: "7f3a".to_owned() + &"0".repeat(60),
    }
}

/// An incident of `entries` lines.
#[must_use]
pub fn timeline(entries: u64) -> TimelineView {
    let actor = Actor { arn: identity().arn, user: "ada".into(), host: "console-1".into() };
    let entry = |seq: u64| TimelineEntry {
        seq,
        at: now() - TimeDelta::seconds(i64::try_from(entries - seq).unwrap_or(0)),
        kind: "signal".into(),
        actor: actor.clone(),
        action_id: None,
        title: format!("client-errors-high on {}: 60 % of requests, over 50 %", api_name(3)),
        detail: vec![format!("journal line {seq}")],
    };
    TimelineView {
        incident: Some("2023-11-14-7f3".into()),
        opened_at: Some(ago(12)),
        entries: (1..=entries).map(entry).collect(),
        ..TimelineView::default()
    }
}
