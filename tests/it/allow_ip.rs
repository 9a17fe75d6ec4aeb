//! `allow-ip` from plan to undo against the range: a list that keeps customers out is mended, and lets no attacker in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::aws::Lane;

use portcullis::model::action::{Action, AllowIp, Close, Closure, Terms};
use portcullis::model::plan::{GuardResult, Outcome, Plan, Verdict};
use portcullis::respond::observe::observe;
use portcullis::respond::plan::{Circumstances, Planned, plan};
use portcullis_range::{Fault, When};
use serde_json::json;

use crate::respond_stage::closable;
use crate::world::{World, block, of_drill};

const SCHEME: &str = "198.51.100.64/27";

/// To let these into shop/prod, whoever they are.
pub(crate) fn let_in(targets: &[&str]) -> Action {
    let overrides = vec!["allow-ip.known".to_owned()];
    let terms = Terms { reason: Some("a test".into()), overrides, ..Terms::default() };
    Action::AllowIp(AllowIp { terms, ..allow("shop/prod", targets) })
}

fn allow(stage: &str, targets: &[&str]) -> AllowIp {
    AllowIp {
        stage: stage.parse().unwrap(),
        targets: targets.iter().map(|target| target.parse().unwrap()).collect(),
        ip_sets: Vec::new(),
        web_acl: None,
        terms: Terms::default(),
    }
}

fn guard<'a>(planned: &'a Planned, id: &str) -> &'a GuardResult {
    let found = planned.plan.guards.iter().find(|guard| guard.id == id);
    found.unwrap_or_else(|| panic!("no {id} in {:#?}", planned.plan.guards))
}

fn halts(planned: &Planned) -> Vec<String> {
    planned.plan.halting().map(|guard| guard.id.clone()).collect()
}

/// The plan, the attack having begun two minutes into the drill as the incident says.
async fn planned(world: &World, allow: AllowIp) -> Planned {
    let began = world.range.with(|range| range.start()) + TimeDelta::minutes(2);
    believing(world, allow, Some(began)).await
}

async fn believing(world: &World, allow: AllowIp, attack_began: Option<DateTime<Utc>>) -> Planned {
    let identity = world.aws.identity(Lane::Plan).await.unwrap();
    let actions = world.store.actions(&identity.at).unwrap();
    let circumstances = Circumstances { attack_began, actions, ..Circumstances::default() };
    plan(&world.aws, &world.settings, &Action::AllowIp(allow), circumstances).await.unwrap()
}

/// pay/prod, attacked and then closed by a list that leaves out the card scheme.
async fn closed() -> World {
    let world = of_drill("lockout-trap", 60.0).await;
    world.pass(240).await;
    let stage = "pay/prod".parse().unwrap();
    let close = Close { stage, by: Closure::WebAcl, web_acl: None, again: None, terms: Terms::default() };
    let planned = world.plan_action(&Action::Close(close)).await;
    assert_eq!(world.apply(planned).await.outcome, Outcome::Done);
    world.pass(120).await;
    world
}

#[tokio::test(start_paused = true)]
async fn whom_a_closure_has_locked_out_gets_in_and_out_again_by_the_undo() {
    let world = closed().await;
    let before = world.entries("pay-closed-allow");
    let planned = planned(&world, allow("pay/prod", &[SCHEME])).await;
    assert_eq!(halts(&planned), Vec::<String>::new(), "{:#?}", planned.plan.guards);
    assert_eq!(guard(&planned, "allow-ip.known").verdict, Verdict::Pass, "{:#?}", guard(&planned, "allow-ip.known"));
    assert_eq!(guard(&planned, "allow-ip.blocked").verdict, Verdict::Pass);
    assert_eq!(planned.plan.phrase(), format!("pay/prod {}", &planned.plan.digest[..4]));
    let plan = planned.plan.clone();
    assert_eq!(plan.watch.len(), 1, "{plan:#?}");
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    assert_eq!(world.entries("pay-closed-allow"), [before.clone(), vec![SCHEME.to_owned()]].concat());
    let incident = world.incident().await;
    let at = world.aws.clock().now();
    let seen = observe(&world.aws, &incident, &done.action_id, &plan, at, TimeDelta::minutes(8)).await.unwrap();
    assert!(seen.observed && seen.evidence[0].contains("letting in 198.51.100."), "{:?}", seen.evidence);
    let back = world.plan_undo(&done.action_id).await;
    let undo = Plan { watch: plan.watch.clone(), ..back.plan.clone() };
    assert_eq!(world.apply(back).await.outcome, Outcome::Done);
    assert_eq!(world.entries("pay-closed-allow"), before);
    let at = world.aws.clock().now();
    let seen = observe(&world.aws, &incident, &done.action_id, &undo, at, TimeDelta::minutes(8)).await.unwrap();
    assert!(
        seen.observed && seen.evidence[0].contains("none of their requests is sampled as let in"),
        "{:?}",
        seen.evidence
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_is_mended_before_anything_is_closed_by_it() {
    let world = of_drill("lockout-trap", 60.0).await;
    let planned = planned(&world, allow("pay/prod", &[SCHEME])).await;
    assert_eq!(halts(&planned), Vec::<String>::new(), "{:#?}", planned.plan.guards);
    let reserve = guard(&planned, "allow-ip.web-acl");
    assert!(reserve.verdict == Verdict::Warn && reserve.reason.contains("is not attached to pay/prod now"));
    assert!(planned.plan.summary.contains("once it is closed by that web ACL"), "{}", planned.plan.summary);
    let plan = planned.plan.clone();
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done);
    let (incident, at) = (world.incident().await, world.aws.clock().now());
    let seen = observe(&world.aws, &incident, &done.action_id, &plan, at, TimeDelta::minutes(8)).await.unwrap();
    assert!(!seen.observed && seen.evidence[0].contains("nothing to observe"), "{:?}", seen.evidence);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_let_in_who_was_blocked_or_of_whom_nothing_is_known() {
    let world = closed().await;
    // By the list of the web ACL that was swapped out: it blocks nobody while the stage is closed, and knows why.
    let listed = planned(&world, allow("pay/prod", &[SCHEME, "192.0.2.64/26"])).await;
    assert_eq!(guard(&listed, "allow-ip.blocked").verdict, Verdict::Stop);
    assert!(
        guard(&listed, "allow-ip.blocked").reason.contains("192.0.2.66/32"),
        "{:#?}",
        guard(&listed, "allow-ip.blocked")
    );
    // Attackers, who came two minutes in.
    let strangers: Vec<String> = (0..4).map(|n| format!("203.0.113.{n}/32")).collect();
    let strangers: Vec<&str> = strangers.iter().map(String::as_str).collect();
    assert_eq!(guard(&planned(&world, allow("pay/prod", &strangers)).await, "allow-ip.known").verdict, Verdict::Stop);
    let few = planned(&world, allow("pay/prod", &strangers[..3])).await;
    assert_eq!(guard(&few, "allow-ip.known").verdict, Verdict::Warn);
    // By a block of our own, on a stage that is open.
    let world = closable().await;
    let mut blocking = block(&["203.0.113.7/32"]);
    blocking.terms = Terms {
        reason: Some("a test".into()),
        overrides: vec!["block-ip.suspicion".into(), "block-ip.legitimate-share".into()],
        ..Terms::default()
    };
    let blocked = world.plan_action(&Action::BlockIp(blocking)).await;
    let done = world.apply(blocked).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    let found = planned(&world, allow("shop/prod", &["203.0.113.0/28"])).await;
    assert!(guard(&found, "allow-ip.blocked").reason.contains(&done.action_id), "{:#?}", found.plan.guards);
}

#[tokio::test(start_paused = true)]
async fn who_was_there_before_is_not_known_where_the_beginning_is_not() {
    // A closure's own 403s look like the beginning of an attack: the minutes before them are the attack's.
    let world = closed().await;
    let found = believing(&world, allow("pay/prod", &[SCHEME]), None).await;
    assert_eq!(guard(&found, "allow-ip.known").verdict, Verdict::Unknown, "{:#?}", guard(&found, "allow-ip.known"));
    // And without an attack at all, the minutes before now may be its first.
    let world = of_drill("lockout-trap", 60.0).await;
    let found = believing(&world, allow("pay/prod", &[SCHEME]), None).await;
    assert_eq!(guard(&found, "allow-ip.known").verdict, Verdict::Unknown);
}

#[tokio::test(start_paused = true)]
async fn who_knocks_now_is_looked_at_or_not_known() {
    let world = closed().await;
    world.range.with(|range| range.faults().add("wafv2", "GetSampledRequests", When::Nth(1), Fault::Deny));
    let found = planned(&world, allow("pay/prod", &[SCHEME])).await;
    world.range.with(|range| range.faults().clear());
    assert_ne!(guard(&found, "allow-ip.known").verdict, Verdict::Pass, "{:#?}", guard(&found, "allow-ip.known"));
}

#[tokio::test(start_paused = true)]
async fn whom_it_lets_in_is_not_locked_out_by_the_clock() {
    let world = closed().await;
    let done = world.apply(planned(&world, allow("pay/prod", &[SCHEME])).await).await;
    let error = world.desk().extend(&done.action_id, Some(TimeDelta::hours(1))).await.unwrap_err();
    assert!(error.to_string().contains("does not expire"), "{error}");
    let back = world.plan_undo(&done.action_id).await;
    assert_eq!(guard(&back, "undo.shuts-out").verdict, Verdict::Warn);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_known_is_unknown_and_what_must_not_be_stops() {
    let world = closed().await;
    let halting = async |allow: AllowIp| halts(&planned(&world, allow).await);
    assert!(halting(allow("pay/prod", &["0.0.0.0/0"])).await.contains(&"allow-ip.everybody".to_owned()));
    assert!(halting(allow("pay/prod", &["198.18.0.0/12"])).await.contains(&"allow-ip.breadth".to_owned()));
    let terms = Terms { expires_after_seconds: Some(3_600), ..Terms::default() };
    assert_eq!(halting(AllowIp { terms, ..allow("pay/prod", &[SCHEME]) }).await, ["allow-ip.expiry"]);
    assert_eq!(halting(allow("pay/prod", &["2001:db8::/48"])).await, ["allow-ip.ip-set", "allow-ip.effective"]);
    let open = AllowIp { web_acl: Some("pay-acl".into()), ..allow("pay/prod", &[SCHEME]) };
    assert!(halting(open).await.contains(&"allow-ip.web-acl".to_owned()));
    let missing = AllowIp { web_acl: Some("nowhere".into()), ..allow("pay/prod", &[SCHEME]) };
    assert_eq!(halting(missing).await, ["allow-ip.web-acl"]);
    // A rule that acts first: whether the entry is enough is not known.
    world.range.with(|range| {
        let account = range.account_mut();
        let acl = account.waf.web_acls.values().find(|acl| acl.saved().name == "pay-closed").unwrap().saved().clone();
        let visibility = json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "geo"});
        let geo = json!({
            "Name": "geo", "Priority": -1, "Action": {"Block": {}},
            "Statement": {"GeoMatchStatement": {"CountryCodes": ["IE"]}}, "VisibilityConfig": visibility,
        });
        let mut rules = acl.rules.clone();
        rules.insert(0, geo);
        account.write_web_acl(&acl.id, rules, acl.body.clone()).unwrap();
    });
    world.pass(60).await;
    assert_eq!(halting(allow("pay/prod", &[SCHEME])).await, ["allow-ip.effective"]);
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_two_actions_count_on_stays_for_the_other() {
    let world = closed().await;
    let first = world.apply(planned(&world, allow("pay/prod", &[SCHEME])).await).await;
    let again = planned(&world, allow("pay/prod", &["198.51.100.70/32", "198.18.0.0/24"])).await;
    assert_eq!(guard(&again, "allow-ip.already-covered").verdict, Verdict::Warn);
    let second = world.apply(again).await;
    assert_eq!(second.outcome, Outcome::Done, "{:?}", second.lines);
    let back = world.plan_undo(&first.action_id).await;
    assert_eq!(back.plan.left.len(), 1, "{:#?}", back.plan);
    assert!(world.entries("pay-closed-allow").contains(&SCHEME.to_owned()));
}
