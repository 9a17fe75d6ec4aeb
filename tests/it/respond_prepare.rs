//! `prepare-closed-web-acl` from plan to undo against the range: it makes what `close --by web-acl` takes, once, and
//! deletes only that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use portcullis::model::action::{Action, Close, Closure, PrepareClosedWebAcl, Terms};
use portcullis::model::plan::{GuardResult, Outcome, Verdict};
use portcullis::model::timeline::ActionState;
use portcullis::respond::plan::Planned;
use portcullis_range::{Fault, When};

use crate::world::{World, actor, closed_web_acl, flood, write_entries};

/// Prepares for `shop/prod` under a name; the drill's break-glass ranges get in, and its partners.
pub(crate) fn prepare(name: &str) -> Action {
    Action::PrepareClosedWebAcl(PrepareClosedWebAcl {
        stage: "shop/prod".parse().unwrap(),
        allow: vec![],
        name: Some(name.into()),
        terms: Terms::default(),
    })
}

fn prepare_for(name: &str, allow: &[&str]) -> Action {
    let Action::PrepareClosedWebAcl(mut action) = prepare(name) else { unreachable!() };
    action.allow = allow.iter().map(|net| net.parse().unwrap()).collect();
    Action::PrepareClosedWebAcl(action)
}

fn close_with(name: &str) -> Action {
    Action::Close(Close {
        stage: "shop/prod".parse().unwrap(),
        by: Closure::WebAcl,
        web_acl: Some(name.into()),
        again: None,
        terms: Terms::default(),
    })
}

fn guard<'a>(planned: &'a Planned, id: &str) -> &'a GuardResult {
    planned.plan.guards.iter().find(|g| g.id == id).unwrap_or_else(|| panic!("no {id} in {:#?}", planned.plan.guards))
}

fn halts(planned: &Planned) -> Vec<String> {
    planned.plan.halting().map(|g| g.id.clone()).collect()
}

fn made(world: &World) -> Vec<String> {
    world.waf_names().into_iter().filter(|name| name.contains("night")).collect()
}

const ALL: [&str; 3] = ["ip-set night-v4", "ip-set night-v6", "web-acl night"];

#[tokio::test(start_paused = true)]
async fn what_is_prepared_closes_a_stage_and_is_deleted_again() {
    let world = flood(60.0).await;
    let before = world.waf_names();
    let planned = world.plan_action(&prepare("night")).await;
    assert_eq!(halts(&planned), Vec::<String>::new(), "{:#?}", planned.plan.guards);
    let operations: Vec<&str> = planned.plan.calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(operations, ["CreateIPSet", "CreateIPSet", "CreateWebACL"]);
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    assert_eq!(made(&world), ALL);
    // The judge of the closure is the one there always was.
    let closing = world.plan_action(&close_with("night")).await;
    assert_eq!(guard(&closing, "close.web-acl").verdict, Verdict::Pass, "{:#?}", closing.plan.guards);
    assert_ne!(guard(&closing, "close.admits").verdict, Verdict::Stop);
    let closed = world.apply(closing).await;
    assert_eq!(closed.outcome, Outcome::Done, "{:?}", closed.lines);
    // While a stage stands behind it nothing of it goes.
    let early = world.plan_undo(&done.action_id).await;
    assert_eq!(halts(&early), ["undo.in-use"]);
    assert_eq!(world.undo(&closed.action_id).await.outcome, Outcome::Done);
    let undone = world.undo(&done.action_id).await;
    assert_eq!(undone.outcome, Outcome::Done, "{:?}", undone.lines);
    assert_eq!(world.waf_names(), before);
}

#[tokio::test(start_paused = true)]
async fn who_gets_in_is_said_before_and_nobody_or_everybody_is_refused() {
    let mut world = flood(60.0).await;
    world.settings.guards.break_glass = Some(vec!["192.0.2.0/24".parse().unwrap()]);
    world.settings.guards.never_block = Some(vec!["203.0.113.0/28".parse().unwrap()]);
    let plan = async |world: &World, allow: &[&str]| world.plan_action(&prepare_for("night", allow)).await;
    let masked = plan(&world, &["192.0.2.7/24", "203.0.113.1/28", "192.0.2.9"]).await;
    assert_eq!(halts(&masked), Vec::<String>::new());
    assert_eq!(guard(&masked, "prepare.host-bits").evidence.len(), 2);
    assert_eq!(guard(&masked, "prepare.admits").verdict, Verdict::Pass);
    assert_eq!(masked.plan.changes[0].added, ["IPv4", "192.0.2.0/24", "203.0.113.0/28"]);
    assert_eq!(masked.plan.changes[1].added, ["IPv6", "no addresses"]);
    assert_eq!(guard(&plan(&world, &[]).await, "prepare.admits").verdict, Verdict::Warn, "partners are named");
    assert_eq!(halts(&plan(&world, &["203.0.113.0/28"]).await), ["prepare.admits"]);
    assert!(halts(&plan(&world, &["0.0.0.0/0"]).await).contains(&"prepare.allow-list".to_owned()));
    assert_eq!(halts(&plan(&world, &["192.0.0.0/8"]).await), ["prepare.breadth"]);
    world.settings.guards.break_glass = Some(vec![]);
    assert_eq!(halts(&plan(&world, &[]).await), ["prepare.allow-list"]);
    world.settings.guards.break_glass = None;
    assert_eq!(halts(&plan(&world, &["192.0.2.0/24"]).await), ["prepare.admits"], "unknown is no pass");
    assert!(halts(&world.plan_action(&prepare("not a name")).await).contains(&"prepare.name".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_left_alone_and_what_is_there_already_is_used() {
    let world = flood(60.0).await;
    world.range.with(|range| drop(closed_web_acl(range.account_mut(), "night", &["192.0.2.0/24"])));
    let taken = world.plan_action(&prepare("night")).await;
    assert_eq!(halts(&taken), ["prepare.name"]);
    assert!(taken.plan.is_empty());
    let world = flood(60.0).await;
    world.apply(world.plan_action(&prepare("night")).await).await;
    let again = world.plan_action(&prepare("night")).await;
    assert!(again.plan.is_empty() && halts(&again).is_empty(), "{:#?}", again.plan);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_changed_since_stays_whole() {
    let world = flood(60.0).await;
    let done = world.apply(world.plan_action(&prepare("night")).await).await;
    world.range.with(|range| write_entries(range.account_mut(), "night-v4", &["198.51.100.0/24"]));
    let planned = world.plan_undo(&done.action_id).await;
    assert_eq!(halts(&planned), ["undo.in-use"]);
    assert!(planned.plan.is_empty());
    assert_eq!(made(&world), ALL);
    // Changed between the plan and the call: the lock token of the very reading that was compared tells.
    let world = flood(60.0).await;
    let done = world.apply(world.plan_action(&prepare("night")).await).await;
    let planned = world.plan_undo(&done.action_id).await;
    world.range.with(|range| {
        range.faults().before("wafv2", "DeleteWebACL", When::Nth(1), |account| {
            let acl = account.waf.web_acls.values().find(|acl| acl.saved().name == "night").unwrap().saved().clone();
            account.write_web_acl(&acl.id, vec![], acl.body.clone()).unwrap();
        });
    });
    let undone = world.apply(planned).await;
    assert_eq!(undone.outcome, Outcome::NotDone, "{:?}", undone.lines);
    assert_eq!(made(&world), ALL);
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_is_lost_is_found_and_not_made_twice() {
    for (operation, fault) in [
        ("CreateIPSet", Fault::ResetAfter),
        ("CreateWebACL", Fault::ResetAfter),
        ("CreateWebACL", Fault::HangAfter),
        ("CreateIPSet", Fault::Reset),
    ] {
        let world = flood(60.0).await;
        world.range.with(|range| range.faults().add("wafv2", operation, When::Nth(1), fault.clone()));
        let done = world.apply(world.plan_action(&prepare("night")).await).await;
        assert_eq!(done.outcome, Outcome::Done, "{operation} {fault:?}: {:?}", done.lines);
        assert_eq!(made(&world), ALL);
        let sent = world.mutating_calls().iter().filter(|c| c.operation == operation).count();
        let wanted = if operation == "CreateIPSet" { 2 } else { 1 };
        // Only what was certainly not there was sent once more.
        assert_eq!(sent, wanted + usize::from(fault == Fault::Reset), "{operation} {fault:?}");
        assert_eq!(world.undo(&done.action_id).await.outcome, Outcome::Done);
        assert_eq!(made(&world), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn half_of_it_is_finished_by_the_same_command_or_deleted() {
    for finish in [true, false] {
        let world = flood(60.0).await;
        world.range.with(|range| range.faults().add("wafv2", "CreateWebACL", When::Always, Fault::Deny));
        let half = world.apply(world.plan_action(&prepare("night")).await).await;
        assert_eq!(half.outcome, Outcome::Partly, "{:?}", half.lines);
        assert_eq!(made(&world), ALL[..2]);
        world.range.with(|range| range.faults().clear());
        if !finish {
            assert_eq!(world.undo(&half.action_id).await.outcome, Outcome::Done);
            assert_eq!(made(&world), Vec::<String>::new());
            continue;
        }
        let rest = world.plan_action(&prepare("night")).await;
        assert_eq!(rest.plan.changes.len(), 1);
        let rest = world.apply(rest).await;
        assert_eq!(rest.outcome, Outcome::Done, "{:?}", rest.lines);
        // The first half is not the second's: WAF keeps the IP sets while the web ACL refers to them.
        let early = world.undo(&half.action_id).await;
        assert_eq!(early.outcome, Outcome::NotDone, "{:?}", early.lines);
        assert_eq!(made(&world), ALL);
        assert_eq!(world.undo(&rest.action_id).await.outcome, Outcome::Done);
        assert_eq!(world.undo(&half.action_id).await.outcome, Outcome::Done);
        assert_eq!(made(&world), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn waf_that_does_not_see_a_new_ip_set_yet_is_waited_for() {
    let world = flood(60.0).await;
    world.range.with(|range| range.faults().add("wafv2", "CreateWebACL", When::First(2), Fault::NotYetThere));
    let done = world.apply(world.plan_action(&prepare("night")).await).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    let folded = world.incident().await.fold().unwrap();
    assert_eq!(folded.action(&done.action_id).unwrap().state, ActionState::InForce);
    let told = portcullis::respond::reconcile::reconcile(&world.aws, &world.store, &actor(), None).await.unwrap();
    assert!(told.is_empty(), "{told:?}");
}
