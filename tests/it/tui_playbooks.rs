//! Playbooks on the screen: the list, one with its run, a step to its plan and back, and keys that say why they do
//! nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use insta::assert_snapshot;
use portcullis::model::connection::ConnectionId;
use portcullis::model::playbook::{StepState, Value};
use portcullis::tui::{Ask, Effect, Mode, News, StepOf};

use super::tui_fixtures as fixtures;
use super::tui_screens::Console;

const SIZES: [(u16, u16); 3] = super::tui_screens::SIZES;

/// The list of playbooks for shop/prod under attack.
fn listed(size: (u16, u16)) -> Console {
    let mut console = Console::armed(size);
    console.board(fixtures::attack()).keys("p");
    console
}

/// `NAME` open, found by its place among those that answer.
fn opened(size: (u16, u16), name: &str, runs: bool) -> Console {
    let mut console = listed(size);
    if runs {
        console.event(News::Runs(fixtures::runs()).from(ConnectionId::FIRST));
    }
    for _ in 0..5 {
        console.enter();
        if console.text().contains(&format!("{name} for shop/prod")) {
            return console;
        }
        console.esc().keys("j");
    }
    panic!("{name} is not listed: {}", console.text());
}

fn asked(console: &Console) -> &StepOf {
    match console.effects.last() {
        Some(Effect::To(
            _,
            Ask::PlanStep { step, .. }
            | Ask::EndStep { step, .. }
            | Ask::ObserveStep(step)
            | Ask::ApplyStep { step, .. },
        )) => step,
        other => panic!("{other:?}"),
    }
}

#[test]
fn those_that_answer_come_first_and_say_so() {
    for size in SIZES {
        let console = listed(size);
        let text = console.text();
        let at = |name: &str| text.lines().position(|line| line.contains(name)).unwrap();
        assert!(at("sqli-flood") < at("cache-stale-privileges"), "{text}");
        assert_snapshot!(format!("playbooks_{}x{}", size.0, size.1), text);
        let mut console = listed(size);
        console.event(News::Runs(fixtures::runs()).from(ConnectionId::FIRST));
        assert!(console.text().contains("Run c1d9bb is under way: 2 of 7"), "{}", console.text());
    }
}

#[test]
fn a_run_is_shown_step_by_step_and_an_attacker_s_text_is_harmless() {
    for size in SIZES {
        let console = opened(size, "sqli-flood", true);
        let text = console.text();
        assert!(text.contains("\\x1b]0;owned"), "{text}");
        assert!(!text.chars().any(|c| c != '\n' && c.is_control() || c == '\u{202e}'), "{text:?}");
        assert_snapshot!(format!("playbook_run_{}x{}", size.0, size.1), text);
        let fresh = opened(size, "credential-stuffing", false);
        assert_snapshot!(format!("playbook_fresh_{}x{}", size.0, size.1), fresh.text());
    }
}

#[test]
fn a_note_is_ticked_off_and_the_next_step_is_planned_confirmed_and_come_back_from() {
    let mut console = opened((120, 40), "sqli-flood", false);
    console.enter();
    assert_eq!(asked(&console).step, "look");
    assert!(matches!(console.effects.last(), Some(Effect::To(_, Ask::EndStep { state: StepState::Read, .. }))));
    console.keys("j").enter();
    assert_eq!(asked(&console).step, "block");
    assert_eq!(asked(&console).stage, fixtures::stage("shop", "prod"));
    assert!(console.text().contains("PLAN step block of sqli-flood for shop/prod"), "{}", console.text());
    let plan = fixtures::plan_pass();
    console.plan(plan.clone()).enter().keys(&plan.phrase()).enter();
    let Some(Effect::To(ConnectionId::FIRST, Ask::ApplyStep { phrase, step, .. })) = console.effects.last() else {
        panic!("{:?}", console.effects)
    };
    assert_eq!((phrase.as_str(), step.step.as_str()), (plan.phrase().as_str(), "block"));
    console.event(News::Finished { result: Ok(Box::new(fixtures::finished())) }.from(ConnectionId::FIRST));
    console.event(News::Runs(fixtures::runs()).from(ConnectionId::FIRST)).esc();
    // The cursor has gone on by itself; back on the block.
    console.keys("k");
    assert!(console.text().contains("a1b2c3"), "the step says by which action: {}", console.text());
    console.enter();
    assert!(console.text().contains("do-step: step block is done already"), "{}", console.text());
}

#[test]
fn a_halted_plan_of_a_step_is_not_confirmed() {
    let mut console = opened((120, 40), "sqli-flood", false);
    console.keys("j").enter().plan(fixtures::plan_stop()).enter();
    assert!(console.text().contains("confirm: halted by"), "{}", console.text());
    assert!(
        !console.effects.iter().any(|e| matches!(e, Effect::To(_, Ask::ConfirmationOpen(_) | Ask::ApplyStep { .. })))
    );
}

#[test]
fn an_input_that_has_to_be_given_is_asked_for_and_typed() {
    let mut console = opened((120, 40), "lockout-trap", false);
    console.keys("j").enter();
    assert!(console.text().contains("The method that is attacked (method)"), "{}", console.text());
    console.keys("login").enter();
    assert!(console.text().contains("is no method"), "{}", console.text());
    for _ in 0..5 {
        console.code(crossterm::event::KeyCode::Backspace, crossterm::event::KeyModifiers::NONE);
    }
    console.keys("POST /payments").enter();
    assert_eq!(asked(&console).inputs["attacked"], Value::Method(Some("POST /payments".parse().unwrap())));
    console.esc().keys("i");
    assert!(console.text().contains("> attacked=POST /payments"), "{}", console.text());
    console.code(crossterm::event::KeyCode::Char('u'), crossterm::event::KeyModifiers::CONTROL);
    console.keys("speed=3").enter();
    assert!(console.text().contains("there is no input “speed”; there is attacked, rate"), "{}", console.text());
}

#[test]
fn keys_that_do_nothing_say_why() {
    let mut console = opened((120, 40), "lockout-trap", false);
    console.keys("s");
    assert!(console.text().contains("skip-step: step list is not optional"), "{}", console.text());
    console.keys("jj").enter();
    assert!(
        console.text().contains("do-step: it is about step relieve, which has not been done"),
        "{}",
        console.text()
    );
    assert!(console.effects.is_empty(), "{:?}", console.effects);
    let mut empty = Console::armed((80, 24));
    empty.keys("p");
    assert!(empty.text().contains("playbooks: no stage is known yet"), "{}", empty.text());
}

#[test]
fn a_read_only_console_plans_a_step_and_applies_none() {
    let mut console = Console::new(Mode::ReadOnly, (120, 40));
    console.board(fixtures::attack()).keys("p").enter().keys("j").enter();
    console.plan(fixtures::plan_pass()).enter();
    assert!(console.text().contains("READ-ONLY"), "{}", console.text());
    assert!(!console.effects.iter().any(|e| matches!(e, Effect::To(_, Ask::ApplyStep { .. }))));
}
