//! Hand-made boards, sources, plans and timelines for the screens. Every moment in them is fixed.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::model::action::{Action, BlockIp, Terms, Throttle};
use portcullis::model::board::{Board, Figures, HISTORY_MINUTES, History, Known, Metric, Polling, StageRow};
use portcullis::model::candidate::{CandidatePrefix, CandidateSet, Candidates, Standing};
use portcullis::model::figure::{Figure, Origin, Reading, Scope};
use portcullis::model::identity::{AccountRegion, Actor, Identity};
use portcullis::model::ladder::{Ladder, Rung, Way};
use portcullis::model::plan::{
    Change, Effect, Finished, GuardResult, Outcome, Plan, PlannedCall, Purpose, ResourceRef, Verdict,
};
use portcullis::model::playbook::{RunRecord, StepRecord, StepState};
use portcullis::model::series::Series;
use portcullis::model::signal::{Severity, Signal, SignalKind};
use portcullis::model::source::{CountedBy, Legitimacy, Source, Sources};
use portcullis::model::stage::{ApiKind, StageId, StageSelector};
use portcullis::model::timeline::{ActionRecord, ActionState, TimelineEntry};
use portcullis::tui::TimelineView;

/// 03:02:10Z, when everybody is asleep.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-03-14T03:02:10Z".parse().unwrap()
}

/// The ways of closing a stage: the lightest is recommended, the next lacks its web ACL.
pub(crate) fn ladder(of: &StageId) -> Ladder {
    let stage = StageSelector { profile: None, region: None, api: of.api_id.clone(), stage: of.stage.clone() };
    let method = Some("POST /login".parse().unwrap());
    let throttle = Throttle { stage, method, rate: 30, burst: 30, terms: Terms::default() };
    let open = |way, whom: &str| Rung { whom: Some(whom.into()), unfit: None, ..Rung::unfit(way, "") };
    let lightest = Rung {
        action: Some(Action::Throttle(throttle)),
        ..open(Way::ThrottleMethod, "it would turn away 93 % of everything alike: 18.7 of 20.0 legitimate requests/s")
    };
    Ladder {
        stage: of.clone(),
        read_at: now(),
        attack: true,
        situation: vec!["POST /login gets 420 requests/s, 20 before the attack".into()],
        rungs: vec![
            lightest,
            Rung::unfit(Way::WebAcl, "there is no closed web ACL to swap in"),
            open(Way::ThrottleZero, "everybody loses access, responders and monitors too: nothing passes"),
        ],
    }
}

/// `minutes` before 03:02:00Z.
pub(crate) fn ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::seconds(10) - TimeDelta::minutes(minutes)
}

pub(crate) fn identity() -> Identity {
    Identity {
        at: AccountRegion { account: "111122223333".into(), region: "eu-west-1".into() },
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

fn settled(value: f64, scope: Scope) -> Figure {
    match known(value, scope) {
        Figure::Known(reading) => Figure::Known(Reading { provisional: false, ..reading }),
        unknown @ Figure::Unknown(_) => unknown,
    }
}

fn acl(stages: usize) -> Scope {
    Scope::WebAcl { name: "shop-acl".into(), stages }
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
            throttled_per_second: Figure::unknown("AWS publishes no such metric"),
            client_error_share_from_blocks: Figure::unknown("the web ACL guards other stages as well"),
            ..Figures::unknown("not read")
        },
        history: Arc::new(history),
        signals: Vec::new(),
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
    }
    row.history = Arc::new(history);
    row.figures.requests_per_second = known(181.7, Scope::Stage);
    row.figures.client_error_share = known(0.504, Scope::Stage);
    row.figures.server_error_share = known(0.119, Scope::Stage);
    row.figures.latency_p50_ms = known(450.0, Scope::Stage);
    row.figures.latency_p99_ms = known(3_200.0, Scope::Stage);
    row.figures.waf_allowed_per_second = known(181.7, acl(behind));
    row.figures.waf_counted_per_second = known(158.3, acl(behind));
    row.signals = vec![
        Signal {
            kind: SignalKind::ClientErrorsHigh,
            severity: Severity::Attack,
            since: ago(4),
            ended: None,
            peak: None,
            value: 0.504,
            threshold: 0.5,
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
            peak: None,
            value: 0.119,
            threshold: 0.1,
            evidence: "1,300 of 10,900 requests in 03:01Z were answered 5XX; p99 latency 3.2 s".into(),
            suggests: "the backend is failing: shed load before anything else".into(),
        },
        Signal {
            kind: SignalKind::BlockedSpike,
            severity: Severity::Notice,
            since: ago(2),
            ended: None,
            peak: None,
            value: 7.2,
            threshold: 5.0,
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
        throttled_per_second: Figure::unknown("AWS publishes no such metric"),
        client_error_share_from_blocks: Figure::unknown("the web ACL is not known yet"),
        ..Figures::unknown(why)
    };
    row.history = Arc::new(std::array::from_fn(|_| Arc::new(Series::new(HISTORY_MINUTES))));
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
            ..Polling::default()
        },
        ..Board::empty(now())
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

pub(crate) fn source(address: &str, requests: u64, legitimacy: Legitimacy) -> Source {
    let new = legitimacy == Legitimacy::NotSeenBefore;
    Source {
        address: address.parse().unwrap(),
        requests,
        share: requests as f64 / 61_000.0,
        per_second: requests as f64 / 60.0,
        samples: requests / 120,
        countries: vec![(if new { "BR" } else { "DE" }.into(), requests / 120)],
        requests_by_path: if new {
            vec![("POST /login".into(), requests / 200), ("GET /search".into(), requests / 300)]
        } else {
            vec![("GET /items".into(), requests / 120)]
        },
        rules: if new { vec![("sqli".into(), requests / 120)] } else { Vec::new() },
        user_agents: if new {
            vec![("sqlmap/1.7.2#stable (https://sqlmap.org)".into(), requests / 120)]
        } else {
            vec![("Shop/4.2 (iPhone)".into(), requests / 120)]
        },
        actions: vec![(if new { "COUNT" } else { "ALLOW" }.into(), requests / 120)],
        first_seen: ago(1),
        last_seen: ago(0),
        legitimacy: legitimacy.clone(),
        behind_proxy: false,
        against: if new { vec!["sqli".into()] } else { Vec::new() },
        before_per_second: if legitimacy == Legitimacy::SeenBefore { requests as f64 / 60.0 } else { 0.0 },
        standing: if new { Standing::Attack } else { Standing::Unclassified },
        counted_by: CountedBy::WafSamples,
    }
}

pub(crate) fn sources() -> Sources {
    let mut list: Vec<Source> =
        (1..=12).map(|n| source(&format!("203.0.113.{n}"), 4_200 - 150 * n, Legitimacy::NotSeenBefore)).collect();
    list.push(source("2001:db8:77::1", 1_500, Legitimacy::NotSeenBefore));
    let mut proxy = source("198.51.100.20", 1_200, Legitimacy::NotSeenBefore);
    proxy.behind_proxy = true;
    proxy.actions = vec![("COUNT".into(), 8), ("ALLOW".into(), 2)];
    list.push(proxy);
    list.push(source("192.0.2.44", 600, Legitimacy::SeenBefore));
    list.push(source("192.0.2.45", 480, Legitimacy::Unknown));
    Sources {
        web_acl: "shop-acl".into(),
        stages_behind: 3,
        from: ago(1),
        to: ago(0),
        population: 61_000,
        sampled: 480,
        seen: 5_000,
        missing: Vec::new(),
        sources: list,
        gone: Vec::new(),
        log: None,
        candidates: Candidates::default(),
    }
}

/// Every string an attacker can choose, with what would hurt a terminal.
pub(crate) const HOSTILE: &str = "\x1b]0;owned\x07\x1b[2J\u{202e}drowssap\u{200b}\r\n=cmd|' /C calc'!A0";

pub(crate) fn hostile_sources() -> Sources {
    let mut sources = sources();
    for source in &mut sources.sources {
        source.requests_by_path = vec![(format!("GET /{HOSTILE}"), 3)];
        source.user_agents = vec![(HOSTILE.into(), 3)];
        source.rules = vec![(HOSTILE.into(), 3)];
        source.countries = vec![("\x1b".into(), 3)];
        source.actions = vec![("\u{9b}31m".into(), 3)];
    }
    sources.web_acl = HOSTILE.into();
    sources.missing = vec![HOSTILE.into()];
    sources
}

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
        at: AccountRegion { account: HOSTILE.into(), region: HOSTILE.into() },
        arn: HOSTILE.into(),
        profile: Some(HOSTILE.into()),
        endpoint: Some(HOSTILE.into()),
    });
    board
}

pub(crate) fn action() -> Action {
    Action::BlockIp(BlockIp {
        stage: StageSelector { profile: None, region: None, api: stage("shop", "prod").api_id, stage: "prod".into() },
        targets: (1..=12).map(|n| format!("203.0.113.{n}/32").parse().unwrap()).collect(),
        ip_sets: Vec::new(),
        terms: Terms { expires_after_seconds: Some(14_400), reason: None, overrides: Vec::new() },
    })
}

pub(crate) fn guard(id: &str, verdict: Verdict, reason: &str) -> GuardResult {
    GuardResult {
        id: format!("block-ip.{id}"),
        verdict,
        reason: reason.into(),
        evidence: Vec::new(),
        can_be_overridden: true,
        overridden: false,
    }
}

fn passes() -> Vec<GuardResult> {
    vec![
        guard("never-block", Verdict::Pass, "no target overlaps a never-block or break-glass range"),
        guard("breadth", Verdict::Pass, "the widest prefix holds 1 address"),
        guard("covered", Verdict::Pass, "no target is covered already"),
        guard("capacity", Verdict::Pass, "20 of 10,000 entries afterwards"),
        guard("effective", Verdict::Pass, "block-list-v4 blocks on shop/prod: rule deny-list, priority 0, Block"),
    ]
}

pub(crate) fn plan_pass() -> Plan {
    let added: Vec<String> = (1..=12).map(|n| format!("203.0.113.{n}/32")).collect();
    Plan {
        purpose: Purpose::Apply,
        action: action(),
        identity: identity(),
        stage: stage("shop", "prod"),
        read_at: now(),
        summary: "Add 12 prefixes to IP set block-list-v4, which blocks on shop/prod.".into(),
        changes: vec![Change {
            resource: ResourceRef {
                kind: "ip-set".into(),
                name: "block-list-v4".into(),
                id: "0b1c".into(),
                arn: "arn:aws:wafv2:eu-west-1:111122223333:regional/ipset/block-list-v4/0b1c".into(),
            },
            added,
            removed: Vec::new(),
            entries_before: 8,
            entries_after: 20,
            doing: portcullis::model::change::Doing::Entries,
        }],
        calls: vec![PlannedCall {
            service: "wafv2".into(),
            operation: "UpdateIPSet".into(),
            resource: "arn:aws:wafv2:eu-west-1:111122223333:regional/ipset/block-list-v4/0b1c".into(),
            parameters: vec![("Scope".into(), "REGIONAL".into()), ("Addresses".into(), "20 entries".into())],
        }],
        guards: passes(),
        preconditions: Vec::new(),
        watch: Vec::new(),
        probe: None,
        left: Vec::new(),
        undo: "Takes the 12 entries out again; entries of others stay.".into(),
        notes: vec!["WAF takes seconds to minutes to spread a change (documented).".into()],
        digest: "7f3a".to_owned() + &"0".repeat(60),
    }
}

pub(crate) fn plan_warn() -> Plan {
    let mut plan = plan_pass();
    let mut shared = guard(
        "blast-radius",
        Verdict::Warn,
        "web ACL shop-acl also stands before partners/v2 and shop/dev: the block acts there, too",
    );
    shared.evidence = vec![
        "ListResourcesForWebACL: /restapis/shop000000/stages/prod".into(),
        "ListResourcesForWebACL: /restapis/shop000000/stages/dev".into(),
        "ListResourcesForWebACL: /restapis/partne0000/stages/v2".into(),
    ];
    plan.guards.insert(0, shared);
    plan
}

pub(crate) fn plan_stop() -> Plan {
    let mut plan = plan_warn();
    let mut never = guard(
        "never-block",
        Verdict::Stop,
        "203.0.113.7/32 lies inside never-block range 203.0.113.0/28 (uptime monitor); leave it out",
    );
    never.evidence = vec!["never-block: 203.0.113.0/28".into()];
    let mut unknown = guard(
        "break-glass",
        Verdict::Unknown,
        "no break-glass ranges are configured: whether responders would be locked out is not known; set guards.break-glass",
    );
    unknown.evidence = Vec::new();
    plan.guards.retain(|g| g.id != "block-ip.never-block");
    plan.guards.splice(0..0, [never, unknown]);
    plan
}

pub(crate) fn plan_firm() -> Plan {
    let mut plan = plan_stop();
    for guard in &mut plan.guards {
        guard.can_be_overridden = false;
    }
    plan
}

pub(crate) fn plan_undo() -> Plan {
    let mut plan = plan_pass();
    plan.purpose = Purpose::Undo { action_id: "a-0001".into(), terms: Terms::default() };
    for change in &mut plan.changes {
        change.removed = std::mem::take(&mut change.added);
        change.entries_before = 20;
        change.entries_after = 8;
    }
    plan.summary = "Take 12 prefixes out of IP set block-list-v4 again; 8 entries of others stay.".into();
    plan.digest = "c0de".to_owned() + &"1".repeat(60);
    plan
}

pub(crate) fn finished() -> Finished {
    Finished {
        action_id: "a-0001".into(),
        run_id: "a-0001".into(),
        outcome: Outcome::Done,
        effect: Some(Effect::Saved),
        lines: vec![
            "UpdateIPSet block-list-v4: accepted".into(),
            "GetIPSet block-list-v4: all 12 entries are there, 8 of others untouched".into(),
        ],
    }
}

pub(crate) fn actor() -> Actor {
    Actor {
        arn: "arn:aws:sts::111122223333:assumed-role/oncall/ada".into(),
        user: "ada".into(),
        host: "console-1".into(),
    }
}

fn entry(seq: u64, seconds: i64, kind: &str, action: Option<&str>, title: &str) -> TimelineEntry {
    TimelineEntry {
        seq,
        at: now() - TimeDelta::seconds(seconds),
        kind: kind.into(),
        actor: actor(),
        action_id: action.map(str::to_owned),
        title: title.into(),
        detail: vec![format!("journal line {seq}")],
    }
}

pub(crate) fn timeline() -> TimelineView {
    let record = |id: &str, state: ActionState, expires: Option<i64>| ActionRecord {
        id: id.into(),
        incident: "2026-03-14-7f3".into(),
        action: action(),
        stage: stage("shop", "prod"),
        changes: plan_pass().changes,
        made: Vec::new(),
        actor: actor(),
        begun_at: ago(1),
        expires_at: expires.map(|m| now() + TimeDelta::minutes(m)),
        awaits_probe: false,
        state,
        effect: Some(Effect::Observed),
        outcome: Some(Outcome::Done),
    };
    let mut flying = record("a-0002", ActionState::InFlight, Some(-3));
    (flying.effect, flying.outcome) = (None, None);
    TimelineView {
        incident: Some("2026-03-14-7f3".into()),
        opened_at: Some(ago(12)),
        entries: vec![
            entry(1, 730, "opened", None, "incident opened by signal client-errors-high on shop/prod"),
            entry(2, 240, "signal", None, "client-errors-high on shop/prod: 50 % of requests, over 50 %"),
            entry(3, 120, "note", None, "paged the shop team; they see SQL errors in their log"),
            entry(4, 75, "intent", Some("a-0001"), "block-ip on shop/prod: 12 prefixes, for 4h"),
            entry(5, 74, "call", Some("a-0001"), "wafv2 UpdateIPSet block-list-v4: accepted"),
            entry(6, 70, "outcome", Some("a-0001"), "done and read back"),
            entry(7, 10, "effect", Some("a-0001"), "observed: blocked 0 → 150/s, 5XX 12 % → 0.4 %"),
        ]
        .into(),
        actions: vec![
            record("a-0000", ActionState::Undone, None),
            record("a-0001", ActionState::InForce, Some(238)),
            flying,
        ],
    }
}

/// A run of `sqli-flood` on shop/prod: blocked, and not yet seen to work. Its findings quote an attacker.
pub(crate) fn runs() -> Arc<[RunRecord]> {
    let step = |step: &str, state, minutes, action: Option<&str>, detail: &[&str]| StepRecord {
        step: step.into(),
        state,
        at: ago(minutes),
        action_id: action.map(Into::into),
        plan: None,
        inputs: BTreeMap::new(),
        detail: detail.iter().map(|line| (*line).to_owned()).collect(),
    };
    Arc::new([RunRecord {
        id: "c1d9bb".into(),
        playbook: "sqli-flood".into(),
        title: "Block a flood that rules match".into(),
        stage: stage("shop", "prod"),
        digest: "d".into(),
        inputs: BTreeMap::from([("block-for".into(), "2h".into())]),
        actor: actor(),
        begun_at: ago(9),
        steps: vec![
            step("look", StepState::Read, 9, None, &[]),
            step("block", StepState::Done, 7, Some("a1b2c3"), &[]),
            step("works", StepState::NotObserved, 1, None, &["not observed within 480 s", HOSTILE]),
        ],
    }])
}

/// The same with sets of prefixes to block.
pub(crate) fn sources_with_sets() -> Sources {
    let prefix = |net: &str, attack_share: f64| CandidatePrefix {
        prefix: net.parse().unwrap(),
        attack_share,
        legitimate_share: Some(0.001),
        addresses: 12,
        attack_addresses: 12,
        warnings: Vec::new(),
    };
    let set = |prefixes: Vec<CandidatePrefix>| CandidateSet {
        attack_share: prefixes.iter().map(|p| p.attack_share).sum(),
        legitimate_share: Some(0.001 * prefixes.len() as f64),
        unclassified_share: 0.01,
        addresses: 12 * prefixes.len(),
        weight: 5.0,
        prefixes,
    };
    let both = vec![prefix("203.0.113.0/28", 0.6), prefix("2001:db8:77::/48", 0.2)];
    let sets = vec![set(both[..1].to_vec()), set(both)];
    Sources { candidates: Candidates { sets, ..Candidates::default() }, ..sources() }
}
