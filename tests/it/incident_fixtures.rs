//! An account, a responder, a plan, an incident: what the tests of incidents and reports are made of.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::incident::{CallPhase, Event, Incident, IncidentStore};
use portcullis::model::action::{Action, BlockIp, Terms};
use portcullis::model::change::Edit;
use portcullis::model::identity::{AccountRegion, Actor, Identity};
use portcullis::model::plan::{
    Change, ChangedKind, Effect, GuardResult, Outcome, Plan, PlannedCall, Purpose, ResourceRef, Verdict,
};
use portcullis::model::signal::{Severity, Signal, SignalKind};
use portcullis::model::stage::StageId;

pub(crate) const V4: &str = "arn:aws:wafv2:eu-west-1:111122223333:regional/ipset/shop-blocklist/aaaa";
pub(crate) const V6: &str = "arn:aws:wafv2:eu-west-1:111122223333:regional/ipset/shop-blocklist-v6/bbbb";

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-03-01T03:02:00Z").unwrap().to_utc() + TimeDelta::seconds(seconds)
}

pub(crate) fn actor() -> Actor {
    Actor {
        arn: "arn:aws:sts::111122223333:assumed-role/ops/alice".to_owned(),
        user: "alice".to_owned(),
        host: "desk".to_owned(),
    }
}

pub(crate) fn identity() -> Identity {
    Identity { at: AccountRegion::of_aws("111122223333", "eu-west-1"), arn: actor().arn, profile: None, endpoint: None }
}

pub(crate) fn stage() -> StageId {
    StageId { api_id: "a1b2c3d4e5".to_owned(), api_name: "shop".to_owned(), stage: "prod".to_owned() }
}

pub(crate) fn signal(value: f64, severity: Severity) -> Signal {
    Signal {
        kind: SignalKind::ServerErrorsHigh,
        severity,
        since: at(-60),
        ended: None,
        not_judged_since: None,
        peak: None,
        value,
        threshold: 0.1,
        ours: false,
        evidence: format!("{:.0} % of 73,000 requests at 03:01Z", value * 100.0),
        suggests: "See the sources".to_owned(),
    }
}

fn change(arn: &str, name: &str, added: &[&str]) -> Change {
    Change {
        resource: ResourceRef {
            kind: ChangedKind::IpSet,
            name: name.to_owned(),
            id: arn.rsplit('/').next().unwrap().to_owned(),
            arn: arn.to_owned(),
        },
        added: added.iter().map(|s| (*s).to_owned()).collect(),
        removed: Vec::new(),
        entries_before: 3,
        edit: Edit::Entries,
        entries_after: 3 + added.len(),
    }
}

/// A plan to block two prefixes, one in each set, for four hours.
pub(crate) fn plan() -> Plan {
    let call = |resource: &str| PlannedCall {
        service: "wafv2".to_owned(),
        operation: "UpdateIPSet".to_owned(),
        resource: resource.to_owned(),
        parameters: Vec::new(),
    };
    Plan {
        purpose: Purpose::Apply,
        action: Action::BlockIp(BlockIp {
            stage: "shop/prod".parse().unwrap(),
            targets: vec!["203.0.113.7".parse().unwrap(), "2001:db8:5::/48".parse().unwrap()],
            ip_sets: Vec::new(),
            terms: Terms {
                expires_after_seconds: Some(4 * 3600),
                reason: Some("they are the botnet".to_owned()),
                overrides: vec!["block-ip.breadth".to_owned()],
                ..Terms::default()
            },
        }),
        identity: identity(),
        stage: stage(),
        read_at: at(20),
        summary: "Block 2 prefixes on shop/prod".to_owned(),
        changes: vec![
            change(V4, "shop-blocklist", &["203.0.113.7/32"]),
            change(V6, "shop-blocklist-v6", &["2001:db8:5::/48"]),
        ],
        calls: vec![call(V4), call(V6)],
        guards: vec![
            GuardResult {
                id: "block-ip.breadth".to_owned(),
                verdict: Verdict::Stop,
                reason: "2001:db8:5::/48 is wide".to_owned(),
                evidence: vec!["/48 holds 2^80 addresses".to_owned()],
                can_be_overridden: true,
                overridden: true,
            },
            GuardResult {
                id: "block-ip.never-block".to_owned(),
                verdict: Verdict::Pass,
                reason: "no overlap".to_owned(),
                evidence: Vec::new(),
                can_be_overridden: true,
                overridden: false,
            },
        ],
        preconditions: Vec::new(),
        watch: Vec::new(),
        probe: None,
        left: Vec::new(),
        undo: "Take the 2 entries out again".to_owned(),
        notes: Vec::new(),
        digest: "7f3a".repeat(16),
    }
}

pub(crate) fn undo_plan(action_id: &str) -> Plan {
    let mut plan = plan();
    plan.purpose = Purpose::Undo { action_id: action_id.to_owned(), terms: Terms::default() };
    "Take 2 prefixes out again".clone_into(&mut plan.summary);
    for change in &mut plan.changes {
        change.removed = std::mem::take(&mut change.added);
        std::mem::swap(&mut change.entries_before, &mut change.entries_after);
    }
    plan.digest = "11cc".repeat(16);
    plan
}

pub(crate) fn call(id: &str, resource: &str, phase: CallPhase, detail: &str) -> Event {
    Event::Call {
        action_id: id.to_owned(),
        service: "wafv2".to_owned(),
        operation: "UpdateIPSet".to_owned(),
        resource: resource.to_owned(),
        phase,
        detail: detail.to_owned(),
    }
}

pub(crate) fn outcome(id: &str, outcome: Outcome) -> Event {
    Event::Outcome { action_id: id.to_owned(), outcome, lines: vec!["read back".to_owned()], unchanged: vec![] }
}

pub(crate) fn opened(root: &Path) -> (IncidentStore, Incident) {
    let store = IncidentStore::new(root.join("incidents"));
    let incident = store.open_or_create(&identity(), "shop/prod under attack", at(0), &actor()).unwrap();
    (store, incident)
}

/// One event of every kind that is not an intent.
pub(crate) fn every_kind(id: &str, undo: &str) -> Vec<Event> {
    vec![
        Event::Opened { title: "again".to_owned(), identity: identity(), console: None },
        Event::SignalRaised { stage: stage(), signal: signal(0.4, Severity::Attack) },
        Event::SignalEnded { stage: stage(), kind: SignalKind::ServerErrorsHigh, since: at(-60), peak: None },
        Event::Refused { summary: "Block 0.0.0.0/0".to_owned(), guards: plan().guards },
        call(id, V4, CallPhase::NoAnswer, "timed out"),
        Event::Merged { action_id: id.to_owned(), detail: "1 entry of another writer kept".to_owned() },
        Event::Effect {
            action_id: id.to_owned(),
            effect: Effect::Deployed,
            evidence: vec!["a".to_owned(), "b".to_owned()],
        },
        outcome(undo, Outcome::Partly),
        Event::Reconciled {
            action_id: undo.to_owned(),
            made: vec![V6.to_owned()],
            outcome: Outcome::Done,
            detail: "compared".to_owned(),
        },
        Event::Note { text: "first\nsecond".to_owned() },
        Event::Exported { format: "markdown".to_owned(), path: "out.md".to_owned() },
        Event::Closed {},
    ]
}
