//! Throttle, flush and close on the screen: from the key to the plan of the range's own account, to done, at the smallest and the
//! largest size.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crossterm::event::KeyCode;
use crossterm::event::KeyModifiers;
use insta::assert_snapshot;
use portcullis::model::action::Action;
use portcullis::model::plan::{Finished, Plan};
use portcullis::tui::{Effect, Event};

use super::tui_fixtures as fixtures;
use super::tui_screens::Console;
use crate::respond_stage::{cached, closable};
use crate::world::World;

const SIZES: [(u16, u16); 2] = [(80, 24), (200, 60)];

/// What the screen asked for, aimed at the range's stage of the same name.
fn asked(console: &Console) -> Action {
    let Some(Effect::Plan { action, .. }) = console.effects.last() else { panic!("{:?}", console.effects) };
    let mut action = action.clone();
    let stage = match &mut action {
        Action::Throttle(one) => &mut one.stage,
        Action::FlushCache(one) => &mut one.stage,
        Action::Close(one) => &mut one.stage,
        Action::KillSwitch(one) => &mut one.stage,
        Action::BlockIp(_) => panic!("not asked for"),
    };
    assert_eq!(stage.api, fixtures::stage("shop", "prod").api_id, "by id");
    stage.api = "shop".into();
    action
}

/// The same at another run: ids, digests and times are the range's and the clock's.
fn steady(text: &str, plan: &Plan, done: Option<&Finished>) -> String {
    let mut text = text.replace(&plan.digest, "DIGEST").replace(&plan.phrase(), "shop/prod 7f3a");
    if let Some(done) = done {
        text = text.replace(&done.action_id, "a1b2c3");
    }
    text
}

/// From the keys to the review of the plan, and on to its end where it can be confirmed.
async fn flow(name: &str, size: (u16, u16), world: &World, keys: impl Fn(&mut Console)) {
    let mut console = Console::armed(size);
    console.board(fixtures::attack());
    keys(&mut console);
    let planned = world.plan_action(&asked(&console)).await;
    let plan = planned.plan.clone();
    console.plan(plan.clone());
    let at = format!("{}x{}", size.0, size.1);
    assert_snapshot!(format!("{name}_review_{at}"), steady(&console.text(), &plan, None));
    if plan.halting().next().is_some() {
        console.enter();
        assert!(!console.effects.iter().any(|e| matches!(e, Effect::ConfirmationOpen(_))), "halted, and confirmed");
        return;
    }
    console.enter().keys(&plan.phrase()).enter();
    assert!(matches!(console.effects.last(), Some(Effect::Apply { .. })), "{:?}", console.effects.last());
    let done = world.apply(planned).await;
    for line in &done.lines {
        console.event(Event::Progress { line: line.clone() });
    }
    console.event(Event::Finished { result: Ok(Box::new(done.clone())) });
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

#[test]
fn what_is_typed_wrong_is_said_and_nothing_is_asked_for() {
    let mut console = Console::armed((120, 40));
    console.board(fixtures::attack());
    console.keys("l").keys("POST /login").enter();
    assert!(console.text().contains("for example: POST /login 50 100 4h"), "{}", console.text());
    console.esc();
    console.keys("x").keys("x").enter();
    assert!(console.text().contains("write web-acl or throttle-zero"), "{}", console.text());
    assert!(console.effects.is_empty(), "{:?}", console.effects);
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
    let Some(Effect::Extend { expires_after_seconds, .. }) = console.effects.last() else {
        panic!("{:?}", console.effects);
    };
    assert_eq!(*expires_after_seconds, Some(1_800));
    let mut looking = Console::new(portcullis::tui::Mode::ReadOnly, (120, 40));
    looking.board(fixtures::attack()).timeline(fixtures::timeline());
    looking.keys("t").keys("e");
    assert!(looking.text().contains("READ-ONLY: this console changes no expiry"), "{}", looking.text());
}
