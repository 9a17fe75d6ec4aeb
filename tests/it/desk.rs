//! What is believed of an attack is decided once: pinned by the first, adopted by the others, moved by a correction and
//! by nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::aws::Lane;
use portcullis::incident::Event;
use portcullis::model::action::{Action, BlockIp, Close, Closure, Terms, Throttle};
use portcullis::model::attack::{Attack, AttackKind, RestsOn};
use portcullis::model::plan::{Outcome, Verdict};
use portcullis::model::signal::{Severity, SignalKind};
use portcullis::model::source::{Legitimacy, Sources};
use portcullis::model::stage::{StageId, StageSelector};
use portcullis::respond::confirm::Confirmed;
use portcullis::respond::desk::belief::Told;
use portcullis::respond::desk::error::DeskError;
use portcullis::respond::desk::{Desk, Proposal, Wish};
use portcullis::respond::resolve::stage_of_any;
use portcullis::watch::{CallersOf, callers};

use crate::kill_switch::unproven;
use crate::world::{World, block, closed_web_acl, flood};

async fn shop(world: &World) -> StageId {
    stage_of_any(&world.aws, &"shop/prod".parse().unwrap(), Lane::Plan).await.unwrap().0.id
}

fn wish(targets: &[&str]) -> Wish {
    Wish::Action(Action::BlockIp(block(targets)))
}

/// The addresses that the range was told to attack from.
fn attackers(world: &World) -> Vec<IpAddr> {
    world.range.with(|range| range.senders("botnet").into_iter().map(|(address, _)| address).collect())
}

/// Agrees with its own phrase to a plan as it was shown, and carries it out.
async fn done(desk: &Desk, proposal: Proposal) -> portcullis::respond::desk::Carried {
    let shown = proposal.plan().clone();
    let agreed = Desk::agreed(proposal, &shown.phrase(), Some(&shown)).unwrap();
    desk.carry_out(agreed, None, &mut |_| {}).await.unwrap()
}

/// What the console finds of a stage by what the desk believes.
async fn found(world: &World, desk: &Desk) -> Sources {
    let (stage, kind) = stage_of_any(&world.aws, &"shop/prod".parse().unwrap(), Lane::Plan).await.unwrap();
    let asked = CallersOf {
        stage: &stage.id,
        kind,
        web_acl_arn: stage.web_acl_arn.as_deref(),
        stages_behind: 1,
        access_log: Ok(stage.access_log.as_ref()),
        meter: &portcullis::watch::Meter::default(),
        began: desk.attack_on(&stage.id).await.unwrap().map(|attack| attack.began),
        known: None,
        blocked: None,
    };
    callers(&world.aws, &world.settings, asked).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn whoever_was_blocked_stays_the_attack_s_for_an_hour_and_longer() {
    let world = flood(60.0).await;
    world.pass(300).await;
    let desk = world.desk();
    let attackers = attackers(&world);
    assert_eq!(attackers.len(), 40);
    let names: Vec<String> = attackers.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(desk.attack_on(&shop(&world).await).await.unwrap(), None, "nobody has written anything yet");
    let carried = done(&desk, desk.plan(&wish(&names)).await.unwrap()).await;
    assert_eq!(carried.finished.outcome, Outcome::Done);
    // What the plan found in the metrics is pinned with the first line.
    let pinned = desk.attack_on(&shop(&world).await).await.unwrap().expect("it is pinned");
    assert_eq!(pinned.rests_on, RestsOn::Metrics);
    for minutes in [10, 20, 30] {
        world.pass(minutes * 60).await;
        // Another command, another process: by then no signal stands any more.
        let found = found(&world, &world.desk()).await;
        let blocked = found.sources.iter().filter(|source| attackers.contains(&source.address.to_canonical()));
        let mut count = 0;
        for source in blocked {
            assert_ne!(source.legitimacy, Legitimacy::SeenBefore, "{} after {minutes} min more", source.address);
            count += 1;
        }
        assert!(count > 0, "none of the blocked is seen at all");
        assert_eq!(world.desk().attack_on(&shop(&world).await).await.unwrap().unwrap().began, pinned.began);
    }
}

/// The beginning that a plan judged by and nobody had pinned; whatever guards stop it is overridden.
async fn found_by(world: &World, mut action: Action) -> Option<DateTime<Utc>> {
    let halting: Vec<String> = world.plan_action(&action).await.plan.halting().map(|guard| guard.id.clone()).collect();
    action.terms_mut().overrides.extend(halting);
    action.terms_mut().reason = Some("a test".to_owned());
    let planned = world.plan_action(&action).await;
    let phrase = planned.plan.phrase();
    Confirmed::by_phrase(planned, &phrase).unwrap().attack_found()
}

#[tokio::test(start_paused = true)]
async fn whatever_is_done_first_pins_the_beginning_that_it_judged_by() {
    let world = flood(60.0).await;
    world.pass(300).await;
    world.range.with(|range| closed_web_acl(range.account_mut(), "closed", &["192.0.2.240/28"]));
    let terms = Terms { reason: Some("a test".to_owned()), ..Terms::default() };
    let stage: StageSelector = "shop/prod".parse().unwrap();
    let close = |by, web_acl: Option<&str>| {
        let web_acl = web_acl.map(str::to_owned);
        Action::Close(Close { stage: stage.clone(), by, web_acl, again: None, terms: terms.clone() })
    };
    let throttle = |method: Option<&str>| {
        let method = method.map(|method| method.parse().unwrap());
        Action::Throttle(Throttle { stage: stage.clone(), method, rate: 50, burst: 50, terms: terms.clone() })
    };
    let block = found_by(&world, Action::BlockIp(block(&["203.0.113.7"]))).await;
    assert!(block.is_some(), "the metrics tell it");
    let others = [
        throttle(None),
        throttle(Some("GET /products")),
        close(Closure::ThrottleZero, None),
        close(Closure::WebAcl, Some("closed")),
        Action::KillSwitch(unproven()),
    ];
    for action in others {
        let what = format!("{} {}", action.name(), action.aim());
        assert_eq!(found_by(&world, action).await, block, "{what}");
    }
}

fn began_lines(world: &World) -> usize {
    let path = world.store.list().unwrap()[0].journal.clone();
    std::fs::read_to_string(path).unwrap().matches("\"kind\":\"attack-began\"").count()
}

#[tokio::test(start_paused = true)]
async fn of_two_that_read_different_beginnings_the_first_counts() {
    let world = flood(60.0).await;
    let (stage, incident) = (shop(&world).await, world.incident().await);
    let at = |minutes| world.aws.clock().now() - TimeDelta::minutes(minutes);
    let attack = |began| Attack::begun(stage.clone(), began, RestsOn::Signal(SignalKind::ServerErrorsHigh), None);
    let [a, b] = [world.desk(), world.desk()];
    a.pin(&incident, &attack(at(9)), "").unwrap();
    b.pin(&incident, &attack(at(4)), "").unwrap();
    for desk in [&a, &b, &world.desk()] {
        assert_eq!(desk.attack_on(&stage).await.unwrap().unwrap().began, at(9));
    }
    assert_eq!(began_lines(&world), 1, "whoever comes second writes nothing");
}

#[tokio::test(start_paused = true)]
async fn of_many_at_once_one_pins_it() {
    let world = flood(60.0).await;
    let (stage, incident) = (shop(&world).await, world.incident().await);
    let began = world.aws.clock().now();
    std::thread::scope(|scope| {
        for n in 0..12 {
            let (desk, incident, stage) = (world.desk(), incident.clone(), stage.clone());
            scope.spawn(move || {
                let attack = Attack::begun(stage, began - TimeDelta::minutes(n), RestsOn::Metrics, None);
                desk.pin(&incident, &attack, "").unwrap();
            });
        }
    });
    assert_eq!(began_lines(&world), 1);
    assert!(incident.verify().unwrap().fault.is_none());
}

/// `server-errors-high` on a stage, raised `began` and ended `ended`.
fn signal(stage: &StageId, began: DateTime<Utc>) -> [Event; 2] {
    let raised = portcullis::model::signal::Signal {
        kind: SignalKind::ServerErrorsHigh,
        severity: Severity::Attack,
        since: began,
        ended: None,
        not_judged_since: None,
        peak: None,
        value: 0.9,
        threshold: 0.1,
        ours: false,
        evidence: "90 %".to_owned(),
        suggests: String::new(),
    };
    let (stage, kind) = (stage.clone(), SignalKind::ServerErrorsHigh);
    [
        Event::SignalRaised { stage: stage.clone(), signal: raised },
        Event::SignalEnded { stage, kind, since: began, peak: None },
    ]
}

#[tokio::test(start_paused = true)]
async fn signals_that_come_and_go_move_nothing_and_a_correction_does() {
    let world = flood(60.0).await;
    let (stage, incident, desk) = (shop(&world).await, world.incident().await, world.desk());
    let now = world.aws.clock().now();
    let began = |minutes| now - TimeDelta::minutes(minutes);
    // A journal of the version before has the signal alone.
    for event in signal(&stage, began(30)).iter().chain(&signal(&stage, began(5))) {
        incident.record(now, event).unwrap();
    }
    let believed = desk.attack_on(&stage).await.unwrap().unwrap();
    assert_eq!((believed.began, believed.corrected_at), (began(30), None));

    let (told, ..) = desk.attack_began(&stage, began(50), Some(AttackKind::Theft)).await.unwrap();
    assert_eq!(told, Told::Corrected(began(30)));
    let believed = world.desk().attack_on(&stage).await.unwrap().unwrap();
    assert_eq!((believed.began, believed.kind), (began(50), Some(AttackKind::Theft)));
    for event in signal(&stage, began(2)) {
        incident.record(now, &event).unwrap();
    }
    assert_eq!(desk.attack_on(&stage).await.unwrap().unwrap().began, began(50));

    // Over, by a person's word; what comes later is another attack, and what was before is not.
    assert!(desk.attack_ended(&stage, began(1)).await.unwrap());
    assert_eq!(desk.attack_on(&stage).await.unwrap(), None);
    desk.pin(&incident, &Attack::begun(stage.clone(), began(2), RestsOn::Metrics, None), "").unwrap();
    assert_eq!(desk.attack_on(&stage).await.unwrap(), None, "that is the one that is over");
    desk.pin(&incident, &Attack::begun(stage.clone(), now, RestsOn::Metrics, None), "").unwrap();
    assert_eq!(desk.attack_on(&stage).await.unwrap().unwrap().began, now);
    assert!(!incident.fold().unwrap().timeline.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_open_during_a_correction_is_stale() {
    let world = flood(60.0).await;
    world.pass(300).await;
    let (stage, desk) = (shop(&world).await, world.desk());
    let open = desk.plan(&wish(&["203.0.113.7"])).await.unwrap().plan().clone();
    desk.attack_began(&stage, world.aws.clock().now() - TimeDelta::minutes(3), None).await.unwrap();
    let again = desk.plan(&wish(&["203.0.113.7"])).await.unwrap();
    assert_eq!(again.plan().digest, open.digest, "the first word of it is no correction");
    desk.attack_began(&stage, world.aws.clock().now() - TimeDelta::minutes(4), None).await.unwrap();
    let again = desk.plan(&wish(&["203.0.113.7"])).await.unwrap();
    let error = Desk::agreed(again, &open.phrase(), Some(&open)).unwrap_err();
    let DeskError::Stale { differences, now, .. } = &error else { panic!("{error}") };
    assert!(differences.iter().any(|line| line.contains("the attack on shop/prod")), "{differences:?}");
    // Read again, it goes.
    let shown = (**now).clone();
    let again = desk.plan(&wish(&["203.0.113.7"])).await.unwrap();
    Desk::agreed(again, &shown.phrase(), Some(&shown)).unwrap();
}

/// A plan with a guard whose verdict comes and goes as given.
fn with(plan: &portcullis::model::plan::Plan, verdict: Verdict) -> portcullis::model::plan::Plan {
    let mut plan = plan.clone();
    let guard = plan.guards.iter_mut().find(|guard| guard.id == "block-ip.suspicion").unwrap();
    guard.verdict = verdict;
    "as it was shown".clone_into(&mut guard.reason);
    plan
}

#[tokio::test(start_paused = true)]
async fn what_was_shown_is_what_is_recorded() {
    let world = flood(60.0).await;
    let desk = world.desk();
    // Nobody sampled is a suspect yet: the guard warns.
    let plan = |block: BlockIp| {
        let desk = desk.clone();
        async move { desk.plan(&Wish::Action(Action::BlockIp(block))).await.unwrap() }
    };
    let warned = plan(block(&["203.0.113.7"])).await;
    let verdict = |plan: &portcullis::model::plan::Plan| {
        plan.guards.iter().find(|guard| guard.id == "block-ip.suspicion").unwrap().verdict
    };
    assert_eq!(verdict(warned.plan()), Verdict::Warn, "{:#?}", warned.plan().guards);
    let phrase = warned.plan().phrase();

    // Shown as passing: the warning is new, and makes it stale.
    let passed = with(warned.plan(), Verdict::Pass);
    let error = Desk::agreed(warned.clone(), &phrase, Some(&passed)).unwrap_err();
    let DeskError::Stale { differences, .. } = &error else { panic!("{error}") };
    assert!(differences.iter().any(|line| line.contains("guard block-ip.suspicion warns")), "{differences:?}");

    // Shown nowhere that is known: the plan is shown anew.
    let error = Desk::agreed(warned.clone(), &phrase, None).unwrap_err();
    assert!(matches!(&error, DeskError::NotShown { warnings, .. } if !warnings.is_empty()), "{error}");
    // A phrase of something else is no reason to.
    assert!(matches!(Desk::agreed(warned.clone(), "shop/prod 0000", None), Err(DeskError::Confirm(_))));

    // A warning that was shown is recorded as it was shown.
    let shown = with(warned.plan(), Verdict::Warn);
    let agreed = Desk::agreed(warned, &phrase, Some(&shown)).unwrap();
    let carried = desk.carry_out(agreed, None, &mut |_| {}).await.unwrap();
    let folded = carried.incident.fold().unwrap();
    let recorded = &folded.history(&carried.finished.run_id).unwrap().plan.guards;
    assert_eq!(recorded, &shown.guards);
}

#[tokio::test(start_paused = true)]
async fn a_warning_that_vanished_makes_nothing_stale() {
    let world = flood(60.0).await;
    let desk = world.desk();
    world.pass(300).await;
    let now = desk.plan(&wish(&["203.0.113.7"])).await.unwrap();
    let shown = with(now.plan(), Verdict::Warn);
    let phrase = shown.phrase();
    assert_ne!(shown.guards, now.plan().guards, "the warning has vanished");
    let agreed = Desk::agreed(now, &phrase, Some(&shown)).unwrap();
    let carried = desk.carry_out(agreed, None, &mut |_| {}).await.unwrap();
    assert_eq!(carried.plan.guards, shown.guards);
}

fn guard<'a>(proposal: &'a Proposal, id: &str) -> &'a portcullis::model::plan::GuardResult {
    proposal
        .plan()
        .guards
        .iter()
        .find(|guard| guard.id == id)
        .unwrap_or_else(|| panic!("{:#?}", proposal.plan().guards))
}

/// A prefix that holds hardly a request of its own callers beside the flood, and a sixteenth of the stage's.
#[tokio::test(start_paused = true)]
async fn a_prefix_is_measured_against_what_came_before_too() {
    let world = flood(60.0).await;
    world.pass(300).await;
    let desk = world.desk();
    let wide = desk.plan(&wish(&["203.0.113.0/24"])).await.unwrap();
    let share = guard(&wide, "block-ip.legitimate-share");
    assert_eq!(share.verdict, Verdict::Stop, "{share:#?}");
    // Both shares: inside the target, and of what came before.
    assert!(share.reason.contains("requests sampled from the targets come from callers seen"), "{}", share.reason);
    assert!(share.reason.contains("of the requests sampled before the attack"), "{}", share.reason);

    let names: Vec<String> = attackers(&world).iter().map(ToString::to_string).collect();
    let forty = desk.plan(&wish(&names.iter().map(String::as_str).collect::<Vec<_>>())).await.unwrap();
    let share = guard(&forty, "block-ip.legitimate-share");
    assert_eq!(share.verdict, Verdict::Pass, "{share:#?}");
    assert!(share.reason.contains("none of") && share.reason.contains("at most"), "{}", share.reason);
    assert!(forty.plan().halting().next().is_none(), "{:#?}", forty.plan().guards);
}

#[tokio::test(start_paused = true)]
async fn an_undo_says_what_comes_back_while_the_attack_stands() {
    let world = flood(60.0).await;
    world.pass(300).await;
    let desk = world.desk();
    let names: Vec<String> = attackers(&world).iter().map(ToString::to_string).collect();
    let forty = desk.plan(&wish(&names.iter().map(String::as_str).collect::<Vec<_>>())).await.unwrap();
    let carried = done(&desk, forty).await;
    world.pass(600).await;
    let undo = Wish::Undo { action_id: carried.finished.action_id, terms: portcullis::model::action::Terms::default() };
    let back = desk.plan(&undo).await.unwrap();
    let stands = guard(&back, "undo.attack-stands");
    assert_eq!(stands.verdict, Verdict::Warn, "{stands:#?}");
    let rate: f64 = stands.reason.split("blocking ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    // What the range was told to send from them, by its own books of the last whole minute.
    let minute = portcullis::model::series::floor_minute(world.aws.clock().now()) - TimeDelta::minutes(1);
    let truth =
        world.range.with(|range| range.truth().population("shop/prod", "botnet", minute).requests) as f64 / 60.0;
    assert!((rate - truth).abs() < truth * 0.1, "{rate} against {truth}: {}", stands.reason);

    // Over, by a person's word: nothing is said of it.
    desk.attack_ended(&shop(&world).await, world.aws.clock().now()).await.unwrap();
    let back = desk.plan(&undo).await.unwrap();
    assert!(back.plan().guards.iter().all(|guard| guard.id != "undo.attack-stands"));
}
