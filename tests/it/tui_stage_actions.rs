//! Throttle, flush and close on the screen: from the key to the plan of the range's own account, to done, at the
//! smallest and the largest size.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crossterm::event::KeyCode;
use crossterm::event::KeyModifiers;
use insta::assert_snapshot;
use portcullis::aws::Lane;
use portcullis::model::action::Action;
use portcullis::model::board::Board;
use portcullis::model::connection::ConnectionId;
use portcullis::model::plan::{Finished, Plan};
use portcullis::model::proposal::Proposals;
use portcullis::tui::{Ask, Effect, Mode, News, Options, Theme, keymap};

use super::tui_fixtures as fixtures;
use super::tui_screens::Console;
use crate::kill_switch;
use crate::respond_stage::{cached, closable};
use crate::world::{World, flood};

const SIZES: [(u16, u16); 3] = super::tui_screens::SIZES;

/// What the screen asked for, aimed at the range's stage of the same name.
fn asked(console: &Console) -> Action {
    let Some(Effect::To(ConnectionId::FIRST, Ask::Plan { action, .. })) = console.effects.last() else {
        panic!("{:?}", console.effects)
    };
    let mut action = action.clone();
    #[allow(clippy::match_wildcard_for_single_variants, reason = "an action that is added later is not asked for here")]
    let stage = match &mut action {
        Action::Throttle(one) => &mut one.stage,
        Action::FlushCache(one) => &mut one.stage,
        Action::AllowIp(one) => &mut one.stage,
        Action::Close(one) => &mut one.stage,
        Action::PrepareClosedWebAcl(one) => &mut one.stage,
        Action::KillSwitch(one) => &mut one.stage,
        _ => panic!("not asked for"),
    };
    assert_eq!(stage.api, fixtures::stage("shop", "prod").api_id, "by id");
    stage.api = "shop".into();
    action
}

/// The same at another run: ids, digests and times are the range's and the clock's.
fn steady(text: &str, plan: &Plan, done: Option<&Finished>) -> String {
    let mut text: String = text.replace(&plan.digest, "DIGEST").replace(&plan.phrase(), "shop/prod 7f3a");
    if let Some(done) = done {
        text = text.replace(&done.action_id, "a1b2c3");
    }
    // How long a call took is the machine's business.
    let lines = text.lines().map(|line| match line.split_once("another for ") {
        Some((before, after)) => {
            let rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            format!("{before}another for 0.1{rest}")
        }
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A hand-made board of the account that the plans are made for: a plan of any other is refused.
async fn of(world: &World, mut board: Board) -> Board {
    board.identity = Some(world.aws.identity(Lane::Plan).await.unwrap());
    board
}

/// From the keys to the review of the plan, and on to its end where it can be confirmed.
async fn flow(name: &str, size: (u16, u16), world: &World, keys: impl Fn(&mut Console)) {
    let mut console = Console::armed(size);
    console.board(of(world, fixtures::attack()).await);
    keys(&mut console);
    let planned = world.plan_action(&asked(&console)).await;
    let plan = planned.plan.clone();
    console.plan(plan.clone());
    let at = format!("{}x{}", size.0, size.1);
    assert_snapshot!(format!("{name}_review_{at}"), steady(&console.text(), &plan, None));
    if plan.halting().next().is_some() {
        console.enter();
        assert!(
            !console.effects.iter().any(|e| matches!(e, Effect::To(_, Ask::ConfirmationOpen(_)))),
            "halted, and confirmed"
        );
        return;
    }
    console.enter().keys(&plan.phrase()).enter();
    assert!(matches!(console.effects.last(), Some(Effect::To(_, Ask::Apply { .. }))), "{:?}", console.effects.last());
    let done = Box::pin(world.apply(planned)).await;
    for line in &done.lines {
        console.event(News::Progress { line: line.clone() }.from(ConnectionId::FIRST));
    }
    console.event(News::Finished { result: Ok(Box::new(done.clone())) }.from(ConnectionId::FIRST));
    assert_snapshot!(format!("{name}_done_{at}"), steady(&console.text(), &plan, Some(&done)));
}

#[tokio::test(start_paused = true)]
async fn a_throttle_from_the_key_to_done() {
    for size in SIZES {
        let world = closable().await;
        world.pass(420).await;
        flow("throttle", size, &world, |console| {
            console.keys("l").keys("POST /login 60 60 4h").enter();
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_closure_from_the_key_to_done() {
    for size in SIZES {
        let world = closable().await;
        flow("close", size, &world, |console| {
            console.keys("x").keys(" 4h").enter();
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_web_acl_is_prepared_from_the_key_to_done() {
    for size in SIZES {
        let world = flood(60.0).await;
        flow("prepare", size, &world, |console| {
            console.keys("x");
            for _ in 0..40 {
                console.code(KeyCode::Backspace, KeyModifiers::NONE);
            }
            console.keys("prepare night").enter();
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_from_the_key_to_done_and_halted_while_the_backend_fails() {
    for size in SIZES {
        let world = cached().await;
        flow("flush", size, &world, |console| {
            console.keys("f");
        })
        .await;
        let failing = cached().await;
        failing.pass(420).await;
        flow("flush_halted", size, &failing, |console| {
            console.keys("f");
        })
        .await;
    }
}

/// As `Console::armed`, whose prompt would offer nobody: the lists are the console's configuration.
#[tokio::test(start_paused = true)]
async fn a_kill_switch_from_the_key_to_its_proof_and_on_to_closing() {
    let allow = kill_switch::ALLOW.join(" ");
    for size in SIZES {
        let world = flood(10.0).await;
        flow("kill_switch_proof", size, &world, |console| {
            console.keys("X").keys(&format!("{allow} on shop/dev")).enter();
        })
        .await;
        flow("kill_switch", size, &world, |console| {
            console.keys("X").keys(&format!("{allow} for 4h")).enter();
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_kill_switch_without_a_proof_cannot_be_confirmed() {
    for size in SIZES {
        let world = flood(10.0).await;
        flow("kill_switch_halted", size, &world, |console| {
            console.keys("X").keys("192.0.2.240/28 2001:db8:0:feed::/64").enter();
        })
        .await;
    }
}

#[test]
fn the_prompt_offers_the_configured_ranges_and_another_stage_of_the_api() {
    let mut options = Options::new(Mode::Armed, keymap::load(None).unwrap(), Theme::colour_blind_safe());
    options.admitted = vec!["192.0.2.240/28".parse().unwrap(), "2001:db8::/64".parse().unwrap()];
    let mut console = Console::with(options, (120, 40));
    console.board(fixtures::attack());
    console.keys("X");
    assert!(console.text().contains("192.0.2.240/28 2001:db8::/64"), "{}", console.text());
}

#[test]
fn what_is_typed_wrong_is_said_and_nothing_is_asked_for() {
    let mut console = Console::armed((120, 40));
    console.board(fixtures::attack());
    console.keys("l").keys("POST /login").enter();
    assert!(console.text().contains("for example: POST /login 50 100 4h"), "{}", console.text());
    console.esc();
    console.keys("x").keys("x").enter();
    assert!(console.text().contains("write web-acl or throttle-zero"), "{}", console.text());
    assert_eq!(console.effects, [Effect::To(ConnectionId::FIRST, Ask::LoadLadder(fixtures::stage("shop", "prod")))]);
}

#[test]
fn the_ways_of_closing_are_shown_and_the_recommended_one_is_offered() {
    let stage = fixtures::stage("shop", "prod");
    let arrived = || {
        News::Ladder { stage: stage.clone(), result: Ok(Box::new(fixtures::ladder(&stage))) }.from(ConnectionId::FIRST)
    };
    for size in SIZES {
        let mut console = Console::armed(size);
        console.board(fixtures::attack()).keys("x");
        assert!(console.text().contains("reading what each way would do"), "{}", console.text());
        console.event(arrived());
        assert_snapshot!(format!("close_ladder_{}x{}", size.0, size.1), console.text());
        console.enter();
        let Action::Throttle(asked) = asked(&console) else { panic!("{:?}", console.effects) };
        assert_eq!((asked.method.unwrap().to_string().as_str(), asked.rate), ("POST /login", 30));
    }
    // What somebody has begun to type stays; an answer that comes after the choice is dropped.
    let mut console = Console::armed((80, 24));
    console.board(fixtures::attack()).keys("x").keys(" 4h");
    console.event(arrived());
    console.enter();
    assert!(matches!(asked(&console), Action::Close(_)), "{:?}", console.effects);
    console.event(arrived());
    assert!(!console.text().contains("web-acl       "), "{}", console.text());
    let mut console = Console::armed((80, 24));
    console.board(fixtures::attack()).keys("x");
    console.event(News::Ladder { stage, result: Err("no connection".into()) }.from(ConnectionId::FIRST));
    assert!(console.text().contains("not known: no connection"), "{}", console.text());
}

#[test]
fn what_would_help_is_shown_and_the_best_is_planned_by_two_keys() {
    let stage = fixtures::stage("shop", "prod");
    let arrived = |result| News::Proposals { stage: stage.clone(), result }.from(ConnectionId::FIRST);
    for size in SIZES {
        let mut console = Console::armed(size);
        console.board(fixtures::attack()).keys("b");
        assert!(console.text().contains("reading what would help"), "{}", console.text());
        console.event(arrived(Ok(Box::new(fixtures::proposals(&stage)))));
        assert_snapshot!(format!("proposals_{}x{}", size.0, size.1), console.text());
        console.enter();
        let Some(Effect::To(_, Ask::Plan { action: action @ Action::BlockIp(_), .. })) = console.effects.last() else {
            panic!("{:?}", console.effects)
        };
        assert_eq!(
            action.terms().expires_after_seconds,
            Some(4 * 3_600),
            "as a block that is planned from the sources"
        );
    }
    let mut console = Console::armed((120, 40));
    console.board(fixtures::attack()).keys("b");
    console.event(arrived(Ok(Box::new(fixtures::proposals(&stage)))));
    console.code(KeyCode::Backspace, KeyModifiers::NONE);
    console.keys("3").enter();
    assert!(console.text().contains("a number from 1 to 2"), "{}", console.text());
    console.code(KeyCode::Backspace, KeyModifiers::NONE);
    console.keys("2").enter();
    let undo =
        |effect: &Effect| matches!(effect, Effect::To(_, Ask::PlanUndo { action_id, .. }) if action_id == "7f3a21");
    assert!(console.effects.iter().any(undo), "{:?}", console.effects);
    let mut console = Console::armed((120, 40));
    console.board(fixtures::attack()).keys("b");
    let none = Some("it is contained".to_owned());
    console.event(arrived(Ok(Box::new(Proposals { proposals: vec![], none, ..fixtures::proposals(&stage) }))));
    console.keys("1").enter();
    assert!(console.text().contains("nothing is proposed; Esc leaves"), "{}", console.text());
    console.event(arrived(Err("no connection".into())));
    assert!(console.text().contains("not known: no connection"), "{}", console.text());
}

#[test]
fn an_expiry_is_changed_by_a_key_where_the_console_may_write() {
    let mut console = Console::armed((120, 40));
    console.board(fixtures::attack()).timeline(fixtures::timeline());
    // Below the one in flight, which has nothing to expire yet.
    console.keys("t").keys("j").keys("e");
    for _ in 0..2 {
        console.code(KeyCode::Backspace, KeyModifiers::NONE);
    }
    console.keys("30m").enter();
    let Some(Effect::To(ConnectionId::FIRST, Ask::Extend { expires_after_seconds, .. })) = console.effects.last()
    else {
        panic!("{:?}", console.effects);
    };
    assert_eq!(*expires_after_seconds, Some(1_800));
    let mut looking = Console::new(portcullis::tui::Mode::ReadOnly, (120, 40));
    looking.board(fixtures::attack()).timeline(fixtures::timeline());
    looking.keys("t").keys("e");
    assert!(looking.text().contains("READ-ONLY: this console changes no expiry"), "{}", looking.text());
}
