//! What happened, what was done, and what could be.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use portcullis::model::action::{Action, BlockIp, Terms, Throttle};
use portcullis::model::condition::StageState;
use portcullis::model::identity::Actor;
use portcullis::model::ladder::{Ladder, Rung, Way};
use portcullis::model::plan::{Effect, Outcome};
use portcullis::model::playbook::{RunRecord, StepRecord, StepState};
use portcullis::model::proposal::{Proposals, Proposed, ProposedStep};
use portcullis::model::stage::{StageId, StageSelector};
use portcullis::model::timeline::{ActionRecord, ActionState, TimelineEntry};
use portcullis::tui::TimelineView;

use super::{HOSTILE, action, ago, now, plan_pass, stage};

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
        attacked: None,
        situation: vec!["POST /login gets 420 requests/s, 20 before the attack".into()],
        rungs: vec![
            lightest,
            Rung::unfit(Way::WebAcl, "there is no closed web ACL to swap in"),
            open(Way::ThrottleZero, "everybody loses access, responders and monitors too: nothing passes"),
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
        doubtful: vec![],
        made: Vec::new(),
        actor: actor(),
        begun_at: ago(1),
        expires_at: expires.map(|m| now() + TimeDelta::minutes(m)),
        awaits_probe: false,
        state,
        effect: Some(Effect::Observed),
        outcome: Some(Outcome::Done),
        undone_at: None,
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
        ..TimelineView::default()
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

/// What would help: a block, and taking something back.
pub(crate) fn proposals(stage: &StageId) -> Proposals {
    let step = |kind, what: &str, action, action_id: Option<&str>| ProposedStep {
        kind,
        what: what.to_owned(),
        stops: Some(0.998),
        of_rest: false,
        costs: Some(0.0),
        costs_at_most: Some(0.003),
        served_after_at_most: Some(1.0),
        because: "rules implicate them".to_owned(),
        key: "b".to_owned(),
        command: "portcullis …".to_owned(),
        action,
        action_id: action_id.map(str::to_owned),
    };
    let targets = vec!["203.0.113.7".parse().unwrap()];
    let block = BlockIp { stage: "shop/prod".parse().unwrap(), targets, ip_sets: vec![], terms: Terms::default() };
    Proposals {
        stage: stage.clone(),
        read_at: chrono::DateTime::UNIX_EPOCH,
        state: StageState::Attack,
        served_now: Some(0.68),
        cause: Some("40 addresses that came with the attack; POST /login; rule aws-sqli matches 1,187/s, and its senders are let through (samples)".to_owned()),
        proposals: vec![
            step(Proposed::Block, "block 40 addresses", Some(Action::BlockIp(block)), None),
            step(Proposed::Undo, "undo close by web-acl", None, Some("7f3a21")),
        ],
        none: None,
        unknown: Vec::new(),
    }
}
