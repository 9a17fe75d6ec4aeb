//! Finding one's way: the palette, finding text, copying, choosing a method, pasting a list; every command by palette,
//! key and help.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyModifiers};
use portcullis::model::action::{ACTIONS, Action};
use portcullis::model::condition::StageState;
use portcullis::model::connection::ConnectionId;
use portcullis::model::export::Format;
use portcullis::model::figure::Scope;
use portcullis::model::settings::{Account, Accounts};
use portcullis::model::stage::ApiKind;
use portcullis::tui::command::{Command, Context};
use portcullis::tui::{Ask, Effect, Event, Mode, News, Options, Screen, Theme, keymap};

use super::tui_fixtures as fixtures;
use super::tui_flows::{SIZE, says, unsays};
use super::tui_screens::{Console, SIZES};

/// A console on each screen there is.
fn everywhere() -> Vec<(Screen, Console)> {
    let board = || {
        let mut console = Console::armed(SIZE);
        console.board(fixtures::attack()).timeline(fixtures::timeline());
        console
    };
    let with = |keys: &str| {
        let mut console = board();
        console.keys(keys);
        console
    };
    let mut stage = board();
    stage.enter().depth(fixtures::report);
    let mut sources = with("s");
    sources.sources(fixtures::sources());
    let mut review = Console::reviewing(SIZE, Mode::Armed, fixtures::plan_warn());
    review.timeline(fixtures::timeline());
    let mut playbook = with("p");
    playbook.enter();
    vec![
        (Screen::Board, board()),
        (Screen::Stage, stage),
        (Screen::Sources, sources),
        (Screen::Review, review),
        (Screen::Timeline, with("t")),
        (Screen::Playbooks, with("p")),
        (Screen::Playbook, playbook),
        (Screen::Help, with("?")),
    ]
}

#[test]
fn every_command_of_every_screen_is_in_the_palette_in_the_help_and_on_a_key() {
    let keys = keymap::load(None).unwrap();
    let mut reached = BTreeSet::new();
    for (screen, mut console) in everywhere() {
        assert_eq!(console.state.screen(), screen);
        let context = screen.context();
        let here =
            |command: &&Command| command.contexts().contains(&context) || command.contexts().contains(&Context::Global);
        let mut help = String::new();
        if screen != Screen::Help {
            let mut asked = Console::armed((200, 200));
            asked.board(fixtures::attack()).keys("?");
            help = asked.text();
        }
        for command in Command::ALL.iter().filter(here) {
            assert!(!keys.key(context, *command).is_empty(), "{} has no key on {screen:?}", command.name());
            let words: Vec<&str> = command.doc().split(' ').take(4).collect();
            // Of one account there is no next one.
            let shown = help.is_empty() || *command == Command::NextAccount || help.contains(&words.join(" "));
            assert!(shown, "{} is not in the help\n{help}", command.name());
            reached.insert(*command);
            if *command == Command::Palette {
                continue;
            }
            console.keys(":").keys(command.name());
            let text = console.text();
            assert!(text.contains(&format!(" {} ", command.name())), "{} on {screen:?}\n{text}", command.name());
            console.esc();
            assert_eq!(console.state.screen(), screen, "Esc leaves the palette alone");
        }
    }
    for command in Command::ALL {
        let typed = command.contexts().iter().all(|context| *context == Context::Prompt);
        assert!(typed || reached.contains(command), "{} is on no screen", command.name());
    }
}

#[test]
fn the_palette_does_what_the_key_does_and_says_why_it_cannot() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys(":timeline").enter();
    assert_eq!(console.state.screen(), Screen::Timeline);
    console.esc().keys(":undo");
    says(&console, "not available here; it belongs to the timeline");
    console.enter();
    says(&console, "not available here; it belongs to the timeline");
    assert_eq!(console.state.screen(), Screen::Board);
    console.esc().keys(":next-acc");
    says(&console, "only one account and region is watched");
    // What opens a prompt of its own opens it.
    console.esc().keys(":throttle").enter();
    says(&console, "METHOD PATH RATE/s BURST");
}

#[test]
fn the_palette_goes_to_a_stage_and_shows_it_whatever_the_filter() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("/billing").enter();
    unsays(&console, "partners/v2");
    console.keys(":partners").enter();
    says(&console, "▸ !          partners/v2");
    // The cursor keys choose.
    console.keys(":prod").code(KeyCode::Down, KeyModifiers::NONE).enter();
    says(&console, "/prod");
    assert_eq!(console.state.screen(), Screen::Board);
}

#[test]
fn a_palette_of_a_thousand_stages_shows_what_fits() {
    let mut console = Console::armed((80, 24));
    console.board(fixtures::crowd()).keys(":");
    insta::assert_snapshot!("palette_80x24", console.text());
    for size in &SIZES[1..] {
        console.resize(size.0, size.1);
        insta::assert_snapshot!(format!("palette_{}x{}", size.0, size.1), console.text());
    }
}

#[test]
fn esc_never_changes_what_is_selected() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("jj");
    let selected = |console: &Console| console.state.selected().map(|row| row.id.label());
    let before = selected(&console);
    console.esc().esc();
    assert_eq!(selected(&console), before);
    console.keys("/").keys("billing").enter();
    let filtered = selected(&console);
    console.esc();
    assert_eq!(selected(&console), filtered, "the filter goes, and the selection stays");
    console.keys("a");
    assert_eq!(selected(&console).as_deref(), Some("shop/prod"), "a follows the worst");
}

#[test]
fn text_is_found_in_a_list_and_in_a_page() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("s").sources(fixtures::sources());
    console.keys("/203.0.113.5").enter();
    says(&console, "▸");
    let marked = |console: &Console| {
        let text = console.text();
        text.lines().find(|line| line.contains('▸')).unwrap_or_default().to_owned()
    };
    assert!(marked(&console).contains("203.0.113.5"), "{}", marked(&console));
    // The same again goes on; Esc goes back to where it was begun.
    let before = marked(&console);
    console.keys("/").keys("9").esc();
    assert_eq!(marked(&console), before);
    console.keys("/nowhere-to-be-found");
    says(&console, "was not found here");
    console.esc().esc().keys("?");
    let top = console.text();
    console.keys("/").code(KeyCode::Char('u'), KeyModifiers::CONTROL).keys("kill-switch").enter();
    assert_ne!(console.text(), top, "a page is scrolled");
}

#[test]
fn a_sentence_for_a_status_page_and_the_command_of_a_plan_are_copied() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("y");
    says(&console, "the stage's state is not known");
    let mut board = fixtures::attack();
    let attacked = board.stages.iter_mut().find(|row| row.id.label() == "shop/prod").unwrap();
    attacked.condition.state = StageState::Attack;
    attacked.condition.served = fixtures::known(0.68, Scope::Stage);
    console.board(board).keys("y");
    says(&console, "if it takes it: 03:02 UTC: We are working on a problem with shop.");
    let mut console = Console::reviewing(SIZE, Mode::Armed, fixtures::plan_warn());
    console.keys("y");
    says(&console, "portcullis apply block-ip");
}

#[test]
fn a_pasted_list_is_planned_and_what_cannot_be_read_is_named() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("B");
    let list: Vec<String> = (0..600).map(|n| format!("203.0.{}.{}", n / 250, n % 250)).collect();
    console.event(Event::Terminal(TerminalEvent::Paste(list.join("\n")))).enter();
    let Some(Effect::To(_, Ask::Plan { action: Action::BlockIp(block), .. })) = console.effects.last() else {
        panic!("{:?}", console.effects.last())
    };
    assert_eq!((block.targets.len(), block.terms.expires_after_seconds), (600, Some(14_400)));
    console.esc().keys("B").keys("203.0.113.7 shop.example").enter();
    says(&console, "number 2: “shop.example” is not an IP address");
}

/// The action whose plan was asked for last.
fn asked(console: &Console) -> &Action {
    let Some(Effect::To(_, Ask::Plan { action, .. })) = console.effects.last() else {
        panic!("{:?}", console.effects.last())
    };
    action
}

#[test]
fn every_action_of_the_table_can_be_typed_as_on_the_command_line() {
    for form in ACTIONS {
        let mut console = Console::armed(SIZE);
        console.board(fixtures::attack()).keys(":").keys(form.name);
        // A command of the same name comes before it; the palette's cursor is below the board's.
        let text = console.text();
        let lines: Vec<&str> = text.lines().collect();
        let cursor = lines.iter().rposition(|line| line.contains('▸')).unwrap();
        let action = lines.iter().position(|line| line.contains(&format!("apply      {} ", form.name))).unwrap();
        for _ in cursor..action {
            console.code(KeyCode::Down, KeyModifiers::NONE);
        }
        console.enter();
        says(&console, &format!("{} on shop/prod: ", form.name));
    }
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys(":allow-ip").enter();
    insta::assert_snapshot!("action_prompt", console.text());
    console.keys("--web-acl night").enter();
    says(&console, "CIDR is missing: ");
    console.keys(" 192.0.2.7 192.0.2.8 --reason 'a partner'").enter();
    let Action::AllowIp(allow) = asked(&console) else { panic!("{:?}", asked(&console)) };
    assert_eq!((allow.targets.len(), allow.web_acl.as_deref()), (2, Some("night")));
    assert_eq!(allow.terms.reason.as_deref(), Some("a partner"));
}

#[test]
fn an_action_is_offered_only_where_it_works() {
    let mut board = fixtures::attack();
    board.stages.iter_mut().find(|row| row.id.label() == "shop/prod").unwrap().kind = ApiKind::Http;
    for form in ACTIONS {
        let mut console = Console::armed((200, 60));
        console.board(board.clone()).keys(":").keys(form.name);
        let text = console.text();
        let line = text.lines().find(|line| line.contains(&format!("apply      {} ", form.name))).unwrap();
        let refused = line.contains("HTTP APIs have no web ACL");
        assert_eq!(refused, !form.apis.contains(&ApiKind::Http), "{line}");
    }
    let mut console = Console::armed(SIZE);
    console.board(board).keys(":allow-ip").enter();
    unsays(&console, "allow-ip on shop/prod: ");
}

#[test]
fn the_timeline_is_exported_in_whatever_format_is_chosen() {
    for (at, format) in Format::ALL.into_iter().enumerate() {
        for typed in [format.name().to_owned(), (at + 1).to_string()] {
            let mut console = Console::armed(SIZE);
            console
                .board(fixtures::attack())
                .timeline(fixtures::timeline())
                .keys("t")
                .code(KeyCode::Char('e'), KeyModifiers::ALT);
            says(&console, format.title());
            console.keys("pdf").enter();
            says(&console, "there is no format “pdf”; write one of markdown");
            console.code(KeyCode::Char('u'), KeyModifiers::CONTROL).keys(&typed).enter();
            assert!(matches!(console.effects.last(), Some(Effect::To(_, Ask::Export(asked))) if *asked == format));
        }
    }
}

#[test]
fn a_method_is_chosen_with_what_each_gets() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("l");
    says(&console, "reading the methods and what each gets");
    console.depth(fixtures::report);
    insta::assert_snapshot!("throttle_methods", console.text());
    console.keys("3").enter();
    let text = console.text();
    let prompt = text.lines().find(|line| line.starts_with("> ")).unwrap().to_owned();
    assert!(prompt.contains('/'), "the method stands there: {prompt}");
    // Moving on replaces what was offered, and nothing that somebody has typed.
    console.code(KeyCode::Up, KeyModifiers::NONE);
    assert!(!console.text().contains(&prompt), "another method stands there");
    console.keys("9").code(KeyCode::Down, KeyModifiers::NONE);
    assert!(console.text().lines().any(|line| line.starts_with("> ") && line.ends_with('9')));
}

#[test]
fn an_account_is_called_by_its_name_and_says_where_it_is_no_production() {
    let named = |production| {
        let mut options = Options::new(Mode::Armed, keymap::load(None).unwrap(), Theme::colour_blind_safe());
        let account = Account { name: "shop-prod".to_owned(), production };
        options.accounts = Accounts::from([("111122223333".to_owned(), account)]);
        let mut console = Console::with(options, SIZE);
        console.board(fixtures::attack()).keys("s").sources(fixtures::sources()).keys("ab").enter();
        console.plan(fixtures::plan_warn()).enter();
        console
    };
    says(&named(true), " ARMED   shop-prod 111122223333 eu-west-1");
    says(&named(true), "┌ ARMED  shop-prod 111122223333 eu-west-1 ─");
    says(&named(false), " ARMED, not production   shop-prod 111122223333");
    let banner = |console: &Console| console.buffer()[(1, 0)].style();
    assert_ne!(banner(&named(true)), banner(&named(false)), "and looks otherwise");
}

#[test]
fn what_takes_long_says_for_how_long() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("s").sources(fixtures::sources()).keys("ab").enter();
    unsays(&console, "planning for");
    console.event(Event::Elapsed(Duration::from_millis(3_500)));
    says(&console, "planning for 3.5 s");
    console.event(Event::Elapsed(Duration::from_secs(12)));
    says(&console, "planning for 12 s");
    console.plan(fixtures::plan_warn());
    unsays(&console, "planning for");
}

#[test]
fn a_proposal_that_has_become_another_says_so_before_it_is_confirmed() {
    let mut console = Console::armed(SIZE);
    let stage = fixtures::stage("shop", "prod");
    let told = |what: &str| {
        let mut found = fixtures::proposals(&stage);
        found.proposals[0].what = what.to_owned();
        if let Some(Action::BlockIp(block)) = &mut found.proposals[0].action {
            block.targets = (0..what.len()).map(|n| format!("203.0.113.{n}").parse().unwrap()).collect();
        }
        News::Proposals { stage: stage.clone(), result: Ok(Box::new(found)) }.from(ConnectionId::FIRST)
    };
    console.board(fixtures::attack()).keys("b").event(told("block 40 addresses"));
    // The same in another order is the same.
    let mut turned = fixtures::proposals(&stage);
    turned.proposals[0].what = "block 40 addresses".to_owned();
    if let Some(Action::BlockIp(block)) = &mut turned.proposals[0].action {
        block.targets = (0..18).rev().map(|n| format!("203.0.113.{n}").parse().unwrap()).collect();
    }
    console.event(News::Proposals { stage: stage.clone(), result: Ok(Box::new(turned)) }.from(ConnectionId::FIRST));
    unsays(&console, "changed since");
    console.event(told("block 43 addresses more"));
    says(&console, "changed since it was proposed: block 40 addresses → block 43 addresses more, 5 of them new");
    // The number was read before: Enter says so first.
    console.enter();
    says(&console, "1 has changed: block 40 addresses → block 43 addresses more, 5 of them new; Enter plans it");
    console.enter();
    console.plan(fixtures::plan_warn());
    unsays(&console, "CHANGED");
    console.event(told("block 47 addresses, and more"));
    says(&console, "CHANGED");
    says(&console, "block 43 addresses more → block 47 addresses, and more");
    // To plan the same again changes nothing of that.
    console.keys("r");
    console.plan(fixtures::plan_warn());
    says(&console, "CHANGED");
}

#[test]
fn a_key_pressed_before_its_data_is_there_is_kept_until_it_is() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("s").keys("ab");
    says(&console, "once the sources are there: mark-suspects, block");
    console.sources(fixtures::sources());
    says(&console, "Plan to block 13 sources");
    // Another key takes it back.
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("s").keys("a").keys("t").esc();
    console.sources(fixtures::sources());
    says(&console, "▸ [ ]");
    // Enter at what would help, before it is known.
    let stage = fixtures::stage("shop", "prod");
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("b").enter();
    says(&console, "planned as soon as it is known");
    let found = fixtures::proposals(&stage);
    console.event(News::Proposals { stage, result: Ok(Box::new(found)) }.from(ConnectionId::FIRST));
    says(&console, "reading the account for this plan");
}

#[test]
fn what_does_not_fit_is_not_pasted_at_all() {
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("nbefore ");
    console.event(Event::Terminal(TerminalEvent::Paste("x".repeat(1_000))));
    says(&console, "pasted: 1000 characters, and 993 fit here; none of it was accepted");
    says(&console, "> before");
    // Two pieces of a list stay apart.
    let mut console = Console::armed(SIZE);
    console.board(fixtures::attack()).keys("B");
    for piece in ["203.0.113.7\n", "203.0.113.8\n"] {
        console.event(Event::Terminal(TerminalEvent::Paste(piece.to_owned())));
    }
    says(&console, "> 203.0.113.7 203.0.113.8");
}
