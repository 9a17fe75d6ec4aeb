//! The keymap: what is wrong with a file is said with its line, and the documentation is what the code says.

use std::path::Path;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use portcullis::tui::command::{Command, Context};
use portcullis::tui::keymap::{document, load, table};

fn error(text: &str) -> String {
    load(Some((Path::new("my.toml"), text))).unwrap_err().to_string()
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
    KeyEvent::new(code, modifiers)
}

#[test]
fn what_is_wrong_is_said_with_file_line_and_the_nearest_name() {
    let cases = [
        ("[bord]\nsources = \"w\"", "my.toml:1: there is no context [bord]; did you mean “board”?"),
        ("[board]\n\nsource = \"w\"", "my.toml:3: there is no command “source” in [board]; did you mean “sources”?"),
        ("[board]\nblock = \"w\"", "my.toml:2: there is no command “block” in [board]"),
        ("[board]\nfilter = [\n  \"/\",\n  \"entr\"]", "my.toml:4: “entr” is not a key; did you mean “enter”?"),
        ("[board]\nfilter = 7", "my.toml:2: “filter” takes a key or a list of keys in quotes, not integer"),
        ("[board]\nfilter = \"s\"", "my.toml:2: s is bound twice: [board] filter and [board] sources"),
        (
            "[global]\nquit = \"b\"",
            "my.toml:2: b is bound twice: [global] quit and [board] propose (keymaps/default.toml (built in):",
        ),
        ("[sources]\nblock = [\"b\", \"b\"]", "my.toml:2: b is bound twice"),
        ("[board]\nfilter = []", "my.toml:2: [board] filter has no key left"),
        ("[prompt]\nsubmit = \"x\"", "my.toml:2: x cannot be bound in [prompt], where it is typed"),
        ("[board]\nfilter = \"", "my.toml:2: "),
        ("filter = \"x\"", "my.toml:1: there is no context [filter]"),
        ("[board]\nfilter = \"a-b\"", "my.toml:2: “a-b” is not a key"),
        ("board = \"x\"", "my.toml:1: “board” is a context, and takes commands; write [board], and below it"),
        ("[board]\nxyzzy = \"w\"", "my.toml:2: there is no command “xyzzy” in [board]; `portcullis keys` lists them"),
        (
            "[board]\nfilter = \"alt-]\"",
            "my.toml:2: alt-] cannot be bound: terminals begin or end their own answers with it; use",
        ),
        ("[board]\nfilter = \"alt-O\"", "my.toml:2: alt-O cannot be bound"),
        (
            "[board]\nfilter = [\"/\", \"ctrl-i\"]",
            "my.toml:2: ctrl-i cannot be bound: terminals send it as Tab; write tab",
        ),
    ];
    for (text, start) in cases {
        let error = error(text);
        assert!(error.starts_with(start), "{text}\n  said:   {error}\n  wanted: {start}");
    }
}

#[test]
fn a_users_file_is_laid_over_the_built_in_one() {
    let text = "[board]\nsources = [\"w\", \"ctrl-W\"]\nfilter = [\"ö\", \"alt-é\"]\n[sources]\nmark-all = \"ctrl-a\"";
    let keymap = load(Some((Path::new("my.toml"), text))).unwrap();
    let of = |code, modifiers| keymap.command(Context::Board, &key(code, modifiers));
    assert_eq!(of(KeyCode::Char('w'), KeyModifiers::NONE), Some(Command::Sources));
    assert_eq!(of(KeyCode::Char('w'), KeyModifiers::CONTROL), Some(Command::Sources));
    assert_eq!(of(KeyCode::Char('ö'), KeyModifiers::NONE), Some(Command::Filter));
    assert_eq!(of(KeyCode::Char('é'), KeyModifiers::ALT), Some(Command::Filter));
    assert_eq!(of(KeyCode::Char('s'), KeyModifiers::NONE), None);
    assert_eq!(of(KeyCode::Char('q'), KeyModifiers::NONE), Some(Command::Quit));
    let capital = key(KeyCode::Char('A'), KeyModifiers::SHIFT);
    assert_eq!(keymap.command(Context::Sources, &capital), None);
    assert_eq!(
        keymap.command(Context::Stage, &key(KeyCode::Char('s'), KeyModifiers::NONE)),
        Some(Command::Sources),
        "another context keeps its own"
    );
}

#[test]
fn capitals_and_marks_are_found_however_the_terminal_sends_them() {
    let keymap = load(None).unwrap();
    for modifiers in [KeyModifiers::NONE, KeyModifiers::SHIFT] {
        let of = |c| keymap.command(Context::Timeline, &key(KeyCode::Char(c), modifiers));
        assert_eq!(of('?'), Some(Command::Help));
        assert_eq!(of('X'), Some(Command::ExportJsonLines));
    }
    let small = key(KeyCode::Char('x'), KeyModifiers::NONE);
    assert_eq!(keymap.command(Context::Timeline, &small), Some(Command::ExportMarkdown));
}

#[test]
fn every_command_has_a_key_in_each_of_its_contexts() {
    let keymap = load(None).unwrap();
    let table = table(&keymap);
    for command in Command::ALL {
        for context in command.contexts() {
            assert!(!keymap.key(*context, *command).is_empty(), "{command:?} in {context:?}");
        }
        assert!(table.contains(command.name()) && table.contains(command.doc()));
    }
}

#[test]
fn the_documentation_of_the_keymap_is_generated() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keymaps.md");
    let generated = document(&load(None).unwrap());
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == generated,
        "docs/keymaps.md is out of date; PORTCULLIS_BLESS=1 cargo test keymap writes it anew"
    );
}
