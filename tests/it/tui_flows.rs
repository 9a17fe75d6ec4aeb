//! What keys and news lead to: whole flows with canned answers, without a terminal.

use std::sync::Arc;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyModifiers};
use portcullis::model::action::{Action, Terms};
use portcullis::model::connection::ConnectionId;
use portcullis::report::Format;
use portcullis::tui::event::StopReason;
use portcullis::tui::{Ask, Effect, Event, Mode, News, Screen};

use super::tui_fixtures as fixtures;
use super::tui_screens::Console;

pub(crate) const SIZE: (u16, u16) = (120, 40);

fn applies(console: &Console) -> usize {
    let effects = console.effects.iter();
    effects.filter(|e| matches!(e, Effect::To(_, Ask::Apply { .. }))).count()
}

pub(crate) fn says(console: &Console, words: &str) {
    let text = console.text();
    assert!(text.contains(words), "“{words}” is not in\n{text}");
}

pub(crate) fn unsays(console: &Console, words: &str) {
    let text = console.text();
    assert!(!text.contains(words), "“{words}” is in\n{text}");
}

#[test]
fn from_the_attack_to_a_block_and_back_again() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack());
    console.keys("s");
    assert_eq!(
        console.effects,
        vec![Effect::To(ConnectionId::FIRST, Ask::LoadSources(fixtures::stage("shop", "prod")))]
    );
    console.sources(fixtures::sources()).keys("a");
    console.keys("b");
    // The offered four hours, made two.
    console.code(KeyCode::Backspace, KeyModifiers::NONE);
    console.code(KeyCode::Backspace, KeyModifiers::NONE);
    console.keys("2h").enter();
    let Some(Effect::To(ConnectionId::FIRST, Ask::Plan { action: Action::BlockIp(block), .. })) =
        console.effects.last()
    else {
        panic!("a plan is asked for: {:?}", console.effects);
    };
    assert_eq!(block.targets.len(), 13);
    assert_eq!(block.targets[0].net.to_string(), "203.0.113.1/32");
    assert_eq!(block.terms.expires_after_seconds, Some(7_200));
    assert_eq!(block.stage.api, fixtures::stage("shop", "prod").api_id);
    says(&console, "reading the account for this plan");

    console.plan(fixtures::plan_warn());
    console.enter();
    assert_eq!(console.effects.last(), Some(&Effect::To(ConnectionId::FIRST, Ask::ConfirmationOpen(true))));
    console.keys("shop/prod 7f3a").enter();
    let [
        ..,
        Effect::To(ConnectionId::FIRST, Ask::ConfirmationOpen(false)),
        Effect::To(ConnectionId::FIRST, Ask::Apply { plan, phrase }),
    ] = &console.effects[..]
    else {
        panic!("it is carried out: {:?}", console.effects);
    };
    assert_eq!((phrase.as_str(), plan.digest.as_str()), ("shop/prod 7f3a", fixtures::plan_warn().digest.as_str()));
    says(&console, "BEING CARRIED OUT");
    console.event(News::Progress { line: "UpdateIPSet …".into() }.from(ConnectionId::FIRST));
    says(&console, "UpdateIPSet …");
    console.event(News::Finished { result: Ok(Box::new(fixtures::finished())) }.from(ConnectionId::FIRST));
    says(&console, "done and read back");
    says(&console, "4XX does not fall");
    // It cannot be done a second time.
    console.enter();
    says(&console, "has already been applied");
    assert_eq!(applies(&console), 1);

    console.timeline(fixtures::timeline()).keys("tj").keys("u");
    assert!(matches!(
        console.effects.last(),
        Some(Effect::To(_, Ask::PlanUndo { action_id, terms, .. })) if action_id == "a-0001" && *terms == Terms::default()
    ));
    console.plan(fixtures::plan_undo()).enter();
    console.keys("shop/prod 7f3a").enter();
    assert_eq!(applies(&console), 1, "the phrase of another plan does nothing");
    console.code(KeyCode::Char('u'), KeyModifiers::CONTROL);
    console.keys("shop/prod c0de").enter();
    assert_eq!(applies(&console), 2);
}

#[test]
fn a_set_of_prefixes_is_chosen_and_planned_as_it_is() {
    let mut console = Console::armed((120, 40));
    console.board(fixtures::attack()).keys("s").sources(fixtures::sources_with_sets());
    let screen = console.text();
    assert!(
        screen.contains("what to block: 1 prefix: 60 % of the attack, 0.1 % of the rest; 1 set larger"),
        "{screen}"
    );
    console.keys("ww");
    let screen = console.text();
    assert!(screen.contains("to block: 2 prefixes: 80 % of the attack, 0.2 % of the rest"), "{screen}");
    assert!(screen.contains("203.0.113.0/28 2001:db8:77::/48"), "{screen}");
    console.keys("b").enter();
    let Some(Effect::To(ConnectionId::FIRST, Ask::Plan { action: Action::BlockIp(block), .. })) =
        console.effects.last()
    else {
        panic!("a plan is asked for");
    };
    let nets: Vec<String> = block.targets.iter().map(|target| target.net.to_string()).collect();
    assert_eq!(nets, ["203.0.113.0/28", "2001:db8:77::/48"]);
}

#[test]
fn a_prefix_is_marked_beside_addresses_and_those_inside_it_are_not_named_twice() {
    let mut console = Console::armed((120, 40));
    console.board(fixtures::attack()).keys("s").sources(fixtures::sources());
    // An address inside the prefix, and the last one, which is outside.
    console.keys(" ").code(KeyCode::End, KeyModifiers::NONE).keys(" ");
    let last = fixtures::sources().sources.last().unwrap().address;
    console.code(KeyCode::Tab, KeyModifiers::NONE).keys(" ");
    let screen = console.text();
    assert!(screen.contains("by prefix (2 of 3)") && screen.contains("3 sources marked"), "{screen}");
    // What the prefix's own line says, and the address outside of it.
    let outside = fixtures::sources().sources.last().unwrap().share.unwrap();
    let share = portcullis::model::words::portion(38_700.0 / 61_000.0 + outside).replace(' ', "");
    assert!(screen.contains(&format!("3 sources marked, {share}")), "{share} in {screen}");
    console.keys("a");
    assert!(console.text().contains("these are prefixes; go back to the addresses first"), "{}", console.text());
    // Nothing can be blocked by country; what is marked stays marked.
    console.code(KeyCode::Tab, KeyModifiers::NONE).keys(" ");
    assert!(console.text().contains("countries cannot be blocked here"), "{}", console.text());
    console.keys("b").enter();
    let Some(Effect::To(ConnectionId::FIRST, Ask::Plan { action: Action::BlockIp(block), .. })) =
        console.effects.last()
    else {
        panic!("a plan is asked for");
    };
    let nets: Vec<String> = block.targets.iter().map(|target| target.net.to_string()).collect();
    assert_eq!(nets, [format!("{last}/32"), "203.0.113.0/24".to_owned()]);
}

#[test]
fn sources_that_were_read_a_while_ago_do_not_look_live() {
    let mut console = Console::armed(SIZE);
    let passed = |console: &mut Console, minutes| {
        let account = fixtures::now() + chrono::TimeDelta::minutes(minutes);
        console.event(News::Clock { account, rate: 1.0 }.from(ConnectionId::FIRST));
    };
    console.board(fixtures::attack()).keys("s").sources(fixtures::sources());
    passed(&mut console, 4);
    assert!(!console.text().contains("r reads again"), "{}", console.text());
    passed(&mut console, 6);
    let title = console.text().lines().find(|line| line.starts_with("SOURCES")).unwrap().to_owned();
    assert!(title.contains("STALE 6m, r reads again"), "{title}");
}

#[test]
fn without_marks_the_source_under_the_cursor_is_blocked() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("s").sources(fixtures::sources()).keys("jjb");
    console.code(KeyCode::Char('u'), KeyModifiers::CONTROL);
    console.enter();
    let Some(Effect::To(ConnectionId::FIRST, Ask::Plan { action: Action::BlockIp(block), .. })) =
        console.effects.last()
    else {
        panic!("a plan is asked for");
    };
    assert_eq!(block.targets.len(), 1);
    assert_eq!(block.targets[0].net.to_string(), "203.0.113.3/32");
    assert_eq!(block.terms.expires_after_seconds, None, "empty is until undone");
}

#[test]
fn a_length_of_time_that_is_none_is_refused_where_it_is_typed() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("s").sources(fixtures::sources()).keys("b");
    console.keys("x").enter();
    says(&console, "is not a length of time");
    assert!(!console.effects.iter().any(|e| matches!(e, Effect::To(_, Ask::Plan { .. }))));
}

#[test]
fn a_read_only_console_shows_the_plan_and_cannot_confirm_it() {
    let mut console = Console::reviewing(SIZE, Mode::ReadOnly, fixtures::plan_pass());
    console.enter();
    says(&console, "start it with --armed");
    console.keys("shop/prod 7f3a").enter();
    assert_eq!(applies(&console), 0);
}

#[test]
fn a_console_that_loses_its_arms_closes_the_confirmation() {
    let mut console = Console::reviewing(SIZE, Mode::Armed, fixtures::plan_pass());
    console.enter().keys("shop/prod 7f3a");
    console.event(Event::Mode(Mode::ReadOnly));
    assert_eq!(console.effects.last(), Some(&Effect::To(ConnectionId::FIRST, Ask::ConfirmationOpen(false))));
    console.enter();
    assert_eq!(applies(&console), 0);
}

#[test]
fn a_stopped_plan_is_overridden_by_name_and_with_a_reason_or_not_at_all() {
    let mut console = Console::reviewing(SIZE, Mode::Armed, fixtures::plan_stop());
    console.enter();
    says(&console, "halted by block-ip.never-block, block-ip.break-glass");
    assert_eq!(applies(&console), 0);
    console.keys("o");
    says(&console, "Why override block-ip.never-block, block-ip.break-glass?");
    console.enter();
    says(&console, "an override needs a reason");
    console.keys("monitor moved").enter();
    let Some(Effect::To(ConnectionId::FIRST, Ask::Plan { action, request })) = console.effects.last() else {
        panic!("planned again");
    };
    assert_eq!(*request, 2);
    assert_eq!(action.terms().reason.as_deref(), Some("monitor moved"));
    assert_eq!(action.terms().overrides, ["block-ip.never-block", "block-ip.break-glass"]);

    let mut console = Console::reviewing(SIZE, Mode::Armed, fixtures::plan_firm());
    console.keys("o");
    says(&console, "block-ip.never-block cannot be overridden");
    assert_eq!(console.effects.iter().filter(|e| matches!(e, Effect::To(_, Ask::Plan { .. }))).count(), 1);
}

#[test]
fn an_answer_to_a_plan_that_was_left_is_dropped() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("s").sources(fixtures::sources()).keys("ab").enter();
    let first = console.last_request();
    console.esc();
    assert_eq!(console.state.screen(), Screen::Sources);
    console.keys("b").enter();
    console.event(News::Plan { request: first, result: Ok(Box::new(fixtures::plan_pass())) }.from(ConnectionId::FIRST));
    says(&console, "reading the account for this plan");
    console.enter();
    assert!(!console.effects.contains(&Effect::To(ConnectionId::FIRST, Ask::ConfirmationOpen(true))));
}

#[test]
fn a_resize_in_mid_confirmation_keeps_what_was_typed() {
    let mut console = Console::reviewing(SIZE, Mode::Armed, fixtures::plan_warn());
    console.enter().keys("shop/prod 7");
    console.resize(40, 10).enter();
    says(&console, "what was typed is kept");
    assert_eq!(applies(&console), 0);
    console.resize(80, 24);
    says(&console, "> shop/prod 7");
    console.keys("f3a");
    console.resize(40, 10).enter();
    assert_eq!(applies(&console), 0, "what cannot be read cannot be confirmed");
    console.resize(80, 24).enter();
    assert_eq!(applies(&console), 1);
}

#[test]
fn a_paste_is_text_and_never_keys() {
    let mut console = Console::reviewing(SIZE, Mode::Armed, fixtures::plan_warn());
    console.event(Event::Terminal(TerminalEvent::Paste("qqq\n\n".into())));
    assert!(!console.effects.contains(&Effect::Quit));
    console.enter();
    console.event(Event::Terminal(TerminalEvent::Paste("shop/prod 7f3a\n".into())));
    assert_eq!(applies(&console), 0, "a pasted line end does not confirm");
    console.enter();
    assert_eq!(applies(&console), 1);
}

#[test]
fn leaving_while_a_change_is_made_takes_two_presses() {
    let mut console = Console::reviewing(SIZE, Mode::Armed, fixtures::plan_pass());
    console.enter().keys("shop/prod 7f3a").enter();
    console.keys("q");
    assert!(!console.effects.contains(&Effect::Quit));
    says(&console, "once more to leave anyway");
    console.keys("jq");
    assert!(!console.effects.contains(&Effect::Quit), "any other key forgets the first");
    console.keys("q");
    assert!(console.effects.contains(&Effect::Quit));
}

#[test]
fn a_change_goes_on_when_its_screen_is_left_and_says_how_it_ended() {
    let mut console = Console::reviewing(SIZE, Mode::Armed, fixtures::plan_pass());
    console.enter().keys("shop/prod 7f3a").enter();
    console.esc();
    console.keys("b");
    says(&console, "a change is being made; wait for its outcome");
    console.event(News::Finished { result: Ok(Box::new(fixtures::finished())) }.from(ConnectionId::FIRST));
    says(&console, "a-0001: done and read back");
    console.keys("b");
    says(&console, "Plan to block");
}

#[test]
fn a_signal_leaves_at_once_and_says_which_it_was() {
    let mut console = Console::reviewing(SIZE, Mode::Armed, fixtures::plan_pass());
    console.enter().keys("shop/prod 7f3a").enter();
    console.event(Event::Stop(StopReason::Terminate));
    assert_eq!(console.effects.last(), Some(&Effect::Quit));
    assert_eq!(console.state.stopped(), Some(StopReason::Terminate));
}

#[test]
fn a_note_that_was_not_written_comes_back() {
    let mut console = Console::armed(SIZE);
    console.keys("n").enter();
    says(&console, "an empty note says nothing");
    console.keys("paged the team").enter();
    assert_eq!(console.effects, vec![Effect::To(ConnectionId::FIRST, Ask::Note("paged the team".into()))]);
    console.event(News::Noted { result: Err("disk full".into()) }.from(ConnectionId::FIRST));
    says(&console, "not written: disk full");
    says(&console, "> paged the team");
    console.enter();
    console.event(News::Noted { result: Ok(()) }.from(ConnectionId::FIRST));
    says(&console, "noted");
}

#[test]
fn exports_are_asked_for_and_their_place_is_said() {
    let mut console = Console::armed(SIZE);
    console.timeline(fixtures::timeline()).keys("t").keys("xX");
    assert_eq!(
        console.effects,
        vec![
            Effect::To(ConnectionId::FIRST, Ask::Export(Format::Markdown)),
            Effect::To(ConnectionId::FIRST, Ask::Export(Format::JsonLines))
        ]
    );
    console.event(News::Exported { result: Ok("/tmp/timeline.md".into()) }.from(ConnectionId::FIRST));
    says(&console, "exported to /tmp/timeline.md");
}

#[test]
fn undo_works_from_an_entry_and_not_for_what_was_undone() {
    let mut console = Console::armed(SIZE);
    let mut timeline = fixtures::timeline();
    console.timeline(timeline.clone()).keys("t").keys("jju");
    assert!(
        matches!(console.effects.last(), Some(Effect::To(_, Ask::PlanUndo { action_id, .. })) if action_id == "a-0001")
    );
    let mut console = Console::armed(SIZE);
    for action in &mut timeline.actions {
        action.state = portcullis::model::timeline::ActionState::Undone;
    }
    console.timeline(timeline).keys("tu");
    says(&console, "a-0001 has already been undone");
    assert!(console.effects.is_empty());
}

#[test]
fn news_are_taken_in_whatever_the_screen() {
    let mut console = Console::reviewing(SIZE, Mode::Armed, fixtures::plan_pass());
    console.enter().keys("shop");
    console.board(fixtures::calm()).timeline(fixtures::timeline());
    console.event(News::Board(Arc::new(fixtures::trouble())).from(ConnectionId::FIRST));
    says(&console, "> shop");
    says(&console, "TROUBLE");
}
