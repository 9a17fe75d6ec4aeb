//! A plan to block twelve addresses, in every state that guards can put it in.

use portcullis::model::action::{Action, BlockIp, Terms};
use portcullis::model::plan::{
    Change, ChangedKind, Effect, Finished, GuardResult, Outcome, Plan, PlannedCall, Purpose, ResourceRef, Verdict,
};
use portcullis::model::stage::StageSelector;

use super::{identity, now, stage};

pub(crate) fn action() -> Action {
    Action::BlockIp(BlockIp {
        stage: StageSelector { profile: None, region: None, api: stage("shop", "prod").api_id, stage: "prod".into() },
        targets: (1..=12).map(|n| format!("203.0.113.{n}/32").parse().unwrap()).collect(),
        ip_sets: Vec::new(),
        terms: Terms { expires_after_seconds: Some(14_400), ..Terms::default() },
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
                kind: ChangedKind::IpSet,
                name: "block-list-v4".into(),
                id: "0b1c".into(),
                arn: "arn:aws:wafv2:eu-west-1:111122223333:regional/ipset/block-list-v4/0b1c".into(),
            },
            added,
            removed: Vec::new(),
            entries_before: 8,
            entries_after: 20,
            edit: portcullis::model::change::Edit::Entries,
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
        "web ACL shop-acl also protects partners/v2 and shop/dev: the block acts there, too",
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
        "203.0.113.7/32 lies inside never-block range 203.0.113.0/28 (uptime monitor); remove it",
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
