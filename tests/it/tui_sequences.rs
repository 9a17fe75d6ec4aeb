//! Sequences of keys: what they do, what ends them, and that nothing of one that has ended is done.

use std::path::Path;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyModifiers};
use portcullis::tui::keymap::{Base, load_over};
use portcullis::tui::{Ask, Effect, Event, Mode, Options, Screen, Theme};

use super::tui_fixtures as fixtures;
use super::tui_screens::Console;

const CONTROL: KeyModifiers = KeyModifiers::CONTROL;

/// A board of many stages, with a keymap and a file over it.
fn console(base: &str, file: &str) -> Console {
    let keymap = load_over(Base::Named(base), Some((Path::new("my.toml"), file))).unwrap();
    let mut console = Console::with(Options::new(Mode::Armed, keymap, Theme::plain()), (100, 30));
    console.board(fixtures::crowd());
    console
}

fn vim() -> Console {
    console("vim", "[board]\nsources = [\"s\", \"g s\"]\n")
}

/// The name of the selected stage.
fn selected(console: &Console) -> String {
    console.state.selected().unwrap().id.label()
}

fn status(console: &Console) -> String {
    let text = console.text();
    text.lines().rev().nth(1).unwrap_or_default().to_owned()
}

#[test]
fn a_sequence_is_shown_while_it_is_under_way_and_does_what_it_says() {
    let mut console = vim();
    let first = selected(&console);
    console.keys("G");
    assert_ne!(selected(&console), first);
    let last = selected(&console);
    console.keys("g");
    assert_eq!(selected(&console), last, "nothing yet");
    assert_eq!(status(&console), "g …  s sources, g first  Esc ends it");
    console.keys("g");
    assert_eq!(selected(&console), first);
    assert_eq!(status(&console), "");
    console.keys("gs");
    assert_eq!(console.state.screen(), Screen::Sources);
}

#[test]
fn what_continues_nothing_ends_it_and_does_nothing_else() {
    let mut console = vim();
    let first = selected(&console);
    console.keys("Gg").esc();
    assert_eq!(status(&console), "g ended; nothing was done");
    assert_ne!(selected(&console), first, "Esc goes back to the worst stage, and has not");
    // j and q do something by themselves.
    let at = selected(&console);
    for last in ["j", "q", "x"] {
        console.keys("g").keys(last);
        assert_eq!(status(&console), format!("g {last} is bound to nothing; nothing was done"));
        assert_eq!((selected(&console), console.state.screen()), (at.clone(), Screen::Board));
    }
    assert_eq!(console.effects.iter().filter(|effect| **effect == Effect::Quit).count(), 0);
    console.keys("gg");
    assert_eq!(selected(&console), first, "the next begins anew");
}

#[test]
fn a_paste_another_size_and_a_prompt_end_it() {
    let ends: [fn(&mut Console); 2] = [
        |console| {
            console.event(Event::Terminal(TerminalEvent::Paste("g".to_owned())));
        },
        |console| {
            console.resize(120, 40);
        },
    ];
    for end in ends {
        let mut console = vim();
        console.keys("Gg");
        let at = selected(&console);
        end(&mut console);
        assert!(!status(&console).contains("Esc ends it"), "{}", status(&console));
        console.keys("g");
        assert_eq!(selected(&console), at, "one g is no two");
        assert!(status(&console).starts_with("g … "));
    }
    // A prompt that opens by itself: a note that could not be written comes back.
    let mut console = vim();
    console.keys("nwhat happened").enter();
    let asked = console.effects.iter().any(|effect| matches!(effect.ask(), Some(Ask::Note(_))));
    assert!(asked);
    console.keys("g");
    let failed = portcullis::tui::News::Noted { result: Err("the disk is full".into()) };
    console.event(failed.from(portcullis::model::connection::ConnectionId::FIRST));
    console.keys("g").esc();
    assert!(!status(&console).contains("Esc ends it"), "{}", console.text());
    console.keys("g");
    assert!(status(&console).starts_with("g … "), "it begins anew: {}", console.text());
}

#[test]
fn leaving_by_a_sequence_needs_it_twice_while_a_change_is_made_and_once_otherwise() {
    let leave = |console: &mut Console| {
        console.code(KeyCode::Char('x'), CONTROL).code(KeyCode::Char('c'), CONTROL);
        console.effects.iter().filter(|effect| **effect == Effect::Quit).count()
    };
    assert_eq!(leave(&mut console("emacs", "")), 1);
    let mut console = console("emacs", "");
    console.board(fixtures::attack()).keys("s").sources(fixtures::sources()).keys("ab").enter();
    console.plan(fixtures::plan_pass()).enter();
    let phrase = fixtures::plan_pass().short_phrase();
    console.keys(&phrase).enter();
    assert_eq!(leave(&mut console), 0);
    assert!(console.text().contains("once more to leave"), "{}", console.text());
    assert_eq!(leave(&mut console), 1);
}

#[test]
fn footer_and_help_show_sequences() {
    let mut console = console("vim", "[board]\nsources = \"g s\"\n");
    assert!(console.text().contains("g s sources"), "{}", console.text());
    console.keys("?");
    assert!(console.text().contains("  g s  "), "{}", console.text());
    console.resize(120, 200);
    assert!(console.text().contains("Home, g g"), "{}", console.text());
}

#[test]
fn a_plain_terminal_is_warned_of_until_it_says_that_it_is_none() {
    let mut console = console("default", "[board]\nsort = [\"o\", \"ctrl-i\"]\n");
    let warned = "Ctrl-i (sort): this terminal sends it as Tab, which does next-account there";
    assert_eq!(status(&console), warned);
    console.event(Event::KeysToldApart);
    assert_eq!(status(&console), "");
    console.code(KeyCode::Char('i'), CONTROL);
    assert!(status(&console).starts_with("sorted by"), "{}", status(&console));
    // What was said meanwhile stays.
    console.event(Event::KeysToldApart);
    assert!(status(&console).starts_with("sorted by"), "{}", status(&console));
}
