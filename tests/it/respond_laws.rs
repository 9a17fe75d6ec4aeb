//! Laws over random states of an account: undo after apply is the identity, and undo never clobbers what others
//! changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use portcullis::model::action::{Action, Closure};
use portcullis::model::plan::Outcome;
use portcullis_range::state::MethodSetting;
use proptest::prelude::*;

use crate::draws::draws;
use crate::kill_switch;
use crate::respond_prepare::prepare;
use crate::respond_stage::{closable, close, throttle};
use crate::world::{World, block, closed_web_acl, young_flood};

const KEYS: [&str; 5] = ["*/*", "~1login/POST", "search/GET", "~1orders~1{id}/GET", "~1products/GET"];
const METHODS: [Option<&str>; 4] = [None, Some("POST /login"), Some("GET /orders/{id}"), Some("POST /payments")];

fn setting() -> impl Strategy<Value = MethodSetting> {
    (prop::sample::select(vec![-1.0, 0.0, 0.5, 7.0, 900.0, 10_000.0]), -1i64..6000, any::<bool>(), any::<bool>())
        .prop_map(|(throttling_rate_limit, throttling_burst_limit, caching_enabled, metrics_enabled)| MethodSetting {
            throttling_rate_limit,
            throttling_burst_limit,
            caching_enabled,
            metrics_enabled,
            ..MethodSetting::fresh()
        })
}

fn settings() -> impl Strategy<Value = BTreeMap<String, MethodSetting>> {
    prop::collection::btree_map(prop::sample::select(KEYS.map(str::to_owned).to_vec()), setting(), 0..5)
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (prop::sample::select(METHODS.to_vec()), 1u32..2000, 1u32..2000).prop_map(|(m, r, b)| throttle(m, r, b)),
        1 => Just(close(Closure::WebAcl)),
        2 => Just(close(Closure::ThrottleZero)),
    ]
}

type State = (BTreeMap<String, MethodSetting>, Option<String>);

fn state(world: &World) -> State {
    let (stage, acl) = world.stage();
    (stage.method_settings, acl)
}

async fn world(settings: &BTreeMap<String, MethodSetting>) -> World {
    let world = closable().await;
    world.edit_stage(|stage| stage.method_settings.clone_from(settings));
    world
}

/// The action's id where there was something to do and nothing stopped it.
async fn done(world: &World, action: &Action) -> Option<String> {
    let planned = world.plan_action(action).await;
    if planned.plan.is_empty() || planned.plan.halting().next().is_some() {
        return None;
    }
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    Some(done.action_id)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: draws(16), ..ProptestConfig::default() })]

    #[test]
    fn undo_after_apply_is_the_identity(settings in settings(), action in action()) {
        block_on(async {
            let world = world(&settings).await;
            let before = state(&world);
            if let Some(id) = done(&world, &action).await {
                prop_assert_ne!(&state(&world), &before);
                prop_assert_eq!(world.undo(&id).await.outcome, Outcome::Done);
                prop_assert_eq!(&state(&world), &before);
            }
            Ok(())
        })?;
    }

    #[test]
    fn undo_never_clobbers_what_somebody_else_set_since(
        settings in settings(), action in action(), key in prop::sample::select(KEYS.to_vec()), theirs in setting(),
    ) {
        block_on(async {
            let world = world(&settings).await;
            let Some(id) = done(&world, &action).await else { return Ok(()) };
            let ours = state(&world).0;
            if ours.get(key) == Some(&theirs) {
                return Ok(());
            }
            world.edit_stage(|stage| drop(stage.method_settings.insert(key.to_owned(), theirs.clone())));
            let planned = world.plan_undo(&id).await;
            if planned.plan.halting().next().is_none() {
                world.apply(planned).await;
            }
            let now = state(&world).0;
            let kept = now.get(key).expect("somebody else's entry is gone");
            let limits = |s: &MethodSetting| (s.throttling_rate_limit.to_bits(), s.throttling_burst_limit);
            let rest = |s: &MethodSetting| (s.caching_enabled, s.metrics_enabled, s.logging_level.clone());
            prop_assert_eq!(rest(kept), rest(&theirs));
            // Limits that are still what we set go back; any others are theirs.
            if ours.get(key).map(limits) != Some(limits(&theirs)) {
                prop_assert_eq!(limits(kept), limits(&theirs));
            }
            Ok(())
        })?;
    }
}

/// A policy that the API has already, as AWS keeps it; or none.
fn policy() -> impl Strategy<Value = Option<String>> {
    const ALL: &str = r#"{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}"#;
    let more = prop::sample::subsequence(
        vec![
            r#"{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24"]}}}"#,
            r#"{"Sid":"agents","Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"*","Condition":{"StringLike":{"aws:UserAgent":"sqlmap*"}}}"#,
            r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"execute-api:*","Resource":"*"}"#,
        ],
        0..=3,
    );
    let some = more.prop_map(|more| {
        let all: Vec<&str> = std::iter::once(ALL).chain(more).collect();
        Some(format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, all.join(",")))
    });
    prop_oneof![1 => Just(None), 4 => some]
}

/// The policy in the draft and deployed on both stages.
fn deployed(world: &World, policy: Option<&String>) {
    world.range.with(|range| {
        let account = range.account_mut();
        let api = account.gateway.apis.values_mut().find(|api| api.name == "shop").unwrap();
        api.draft.policy = policy.cloned();
        let id = api.id.clone();
        let made = account.create_deployment(&id, Some("theirs")).unwrap();
        let snapshot = account.gateway.apis[&id].deployments[&made].snapshot.clone();
        for stage in ["dev", "prod"] {
            account.edit_stage(&id, stage, |stage| {
                stage.deployment_id.clone_from(&made);
                stage.snapshot = snapshot.clone();
            });
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: draws(4), ..ProptestConfig::default() })]

    /// Whatever policy there was: the draft byte for byte, and the stages.
    #[test]
    fn undo_after_a_kill_switch_is_the_identity(policy in policy(), proven in any::<bool>()) {
        block_on(async {
            let world = young_flood(600.0).await;
            deployed(&world, policy.as_ref());
            world.pass(60).await;
            let before = kill_switch::standing(&world);
            let closing = if proven {
                let proof = done(&world, &Action::KillSwitch(kill_switch::switch(Some("shop/dev")))).await;
                prop_assert!(proof.is_some());
                prop_assert_eq!(&kill_switch::standing(&world), &before);
                kill_switch::switch(None)
            } else {
                kill_switch::unproven()
            };
            let id = done(&world, &Action::KillSwitch(closing)).await;
            let id = id.expect("nothing stops it");
            prop_assert_ne!(&kill_switch::standing(&world), &before);
            prop_assert_eq!(world.undo(&id).await.outcome, Outcome::Done);
            prop_assert_eq!(&kill_switch::standing(&world), &before);
            Ok(())
        })?;
    }
}

/// Entries that others have in the list, none of them about the attackers.
fn others() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(0u8..200, 0..30)
        .prop_map(|hosts| hosts.into_iter().map(|host| format!("198.51.100.{host}/32")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: draws(8), ..ProptestConfig::default() })]

    /// Whatever others have in the list, and whatever they add or take out meanwhile.
    #[test]
    fn undo_after_a_block_is_the_identity_and_keeps_what_others_wrote_since(
        before in others(), since in others(), hosts in prop::collection::btree_set(1u8..90, 1..4),
    ) {
        block_on(async {
            let world = young_flood(60.0).await;
            let texts = |all: &[String]| all.iter().map(String::as_str).map(str::to_owned).collect::<Vec<_>>();
            world.write_entries("shop-blocklist", &before.iter().map(String::as_str).collect::<Vec<_>>());
            let targets: Vec<String> = hosts.iter().map(|host| format!("203.0.113.{host}/32")).collect();
            let mut one = block(&targets.iter().map(String::as_str).collect::<Vec<_>>());
            one.terms.reason = Some("a test".into());
            let Some(id) = done(&world, &Action::BlockIp(one)).await else { return Ok(()) };
            let ours = world.entries("shop-blocklist");
            prop_assert_eq!(ours.len(), before.len() + targets.len());
            // Others write the whole list anew, ours in it.
            let theirs: Vec<String> = since.iter().chain(&targets).cloned().collect();
            world.write_entries("shop-blocklist", &theirs.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(world.undo(&id).await.outcome, Outcome::Done);
            prop_assert_eq!(world.entries("shop-blocklist"), texts(&since));
            Ok(())
        })?;
    }

    /// Whatever else there is, of similar names.
    #[test]
    fn undo_after_preparing_is_the_identity(
        others in prop::collection::btree_set("(night|day|nigh)-[a-c]", 0..4), name in "(night|evening)",
    ) {
        block_on(async {
            let world = young_flood(60.0).await;
            for other in &others {
                world.range.with(|range| drop(closed_web_acl(range.account_mut(), other, &["192.0.2.0/28"])));
            }
            let before = world.waf_names();
            let Some(id) = done(&world, &prepare(&name)).await else { return Ok(()) };
            prop_assert_eq!(world.waf_names().len(), before.len() + 3);
            prop_assert_eq!(world.undo(&id).await.outcome, Outcome::Done);
            prop_assert_eq!(world.waf_names(), before);
            Ok(())
        })?;
    }
}
