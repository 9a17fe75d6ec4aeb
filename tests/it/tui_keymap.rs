//! The keymap: what is wrong with a file is said with its line, and the documentation is what the code says.

use std::path::Path;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use portcullis::tui::Keymap;
use portcullis::tui::command::{Command, Context};
use portcullis::tui::keymap::{BUILT_IN, Base, Found, document, load, load_over, table};

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
            "[board]\nfilter = \"g s\"",
            "my.toml:2: g is bound by itself and begins g s: [board] filter and [global] first (keymaps/default.toml (built in):",
        ),
        (
            "[board]\nsort = [\"o\", \"z z\"]\n\nfilter = \"z\"",
            "my.toml:4: z is bound by itself and begins z z: [board] filter and [board] sort (my.toml:2)",
        ),
        (
            "base = \"vim\"\n[board]\nfilter = \"g\"",
            "my.toml:3: g is bound by itself and begins g g: [board] filter and",
        ),
        (
            "[board]\nfilter = \"z z\"\nsort = \"z z\"",
            "my.toml:2: z z is bound twice: [board] filter and [board] sort (my.toml:3)",
        ),
        ("[board]\nfilter = [\"z\", \"z x\"]", "my.toml:2: z is bound by itself and begins z x"),
        ("[board]\nfilter = \"z gg\"", "my.toml:2: “z gg” is not a key"),
        ("[board]\nfilter = \"z entr\"", "my.toml:2: “z entr” is not a key; did you mean “enter”?"),
        (
            "[board]\nfilter = \"e\u{301}\"",
            "my.toml:2: “e\u{301}” is not a key; “e\u{301}” is 2 characters, and a terminal",
        ),
        ("[board]\nfilter = \"z esc\"", "my.toml:2: z Esc cannot be bound: Esc ends a sequence"),
        ("[board]\nfilter = \"z alt-]\"", "my.toml:2: z alt-] cannot be bound"),
        ("[prompt]\nsubmit = \"ctrl-x enter\"", "my.toml:2: Ctrl-x Enter cannot be bound in [prompt]"),
        (
            "base = \"vmi\"",
            "my.toml:1: there is no built-in keymap “vmi”; did you mean “vim”?; there is default, vim, emacs",
        ),
        ("base = 7", "my.toml:1: “base” takes the name of a built-in keymap in quotes, not integer"),
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
    for (name, _) in BUILT_IN {
        let keymap = load_over(Base::Named(name), None).unwrap();
        assert_eq!(keymap.warnings(), [], "a built-in keymap is for every terminal");
        every_command_has_a_key(&keymap);
    }
}

fn every_command_has_a_key(keymap: &Keymap) {
    let table = table(keymap);
    for command in Command::ALL {
        for context in command.contexts() {
            assert!(!keymap.key(*context, *command).is_empty(), "{command:?} in {context:?}");
        }
        assert!(table.contains(command.name()) && table.contains(command.doc()));
    }
}

fn of(c: char) -> KeyEvent {
    key(KeyCode::Char(c), KeyModifiers::NONE)
}

fn control(c: char) -> KeyEvent {
    key(KeyCode::Char(c), KeyModifiers::CONTROL)
}

#[test]
fn a_sequence_is_found_press_by_press() {
    let text = "[board]\nsort = \"space f\"\npin = \"ф ü x\"\n[global]\nquit = [\"q\", \"ctrl-x ctrl-c\"]";
    let keymap = load(Some((Path::new("my.toml"), text))).unwrap();
    let found = |context, keys: &[KeyEvent]| keymap.find(context, keys);
    for (keys, command) in [
        (&[of(' '), of('f')][..], Command::Sort),
        (&[of('ф'), of('ü'), of('x')], Command::Pin),
        (&[control('x'), control('c')], Command::Quit),
    ] {
        for so_far in 1..keys.len() {
            assert_eq!(found(Context::Board, &keys[..so_far]), Found::Begins, "{keys:?}");
        }
        assert_eq!(found(Context::Board, keys), Found::Command(command));
        let more = [keys, &[of('x')]].concat();
        assert_eq!(found(Context::Board, &more), Found::Nothing);
    }
    assert_eq!(found(Context::Stage, &[control('x'), control('c')]), Found::Command(Command::Quit));
    assert_eq!(found(Context::Stage, &[of('ф')]), Found::Nothing, "bound on the board");
    assert_eq!(found(Context::Prompt, &[control('x')]), Found::Nothing, "a prompt has its own keys only");
    assert_eq!(keymap.command(Context::Board, &of('ф')), None);
    let follows = keymap.follows(Context::Board, &[of('ф')]);
    assert_eq!(follows, [("ü x".to_owned(), Command::Pin)]);
    assert_eq!(keymap.key(Context::Board, Command::Sort), "Space f");
    let quit = keymap.commands(Context::Global).find(|(command, _)| *command == Command::Quit).unwrap();
    assert_eq!(quit.1, "q, Ctrl-x Ctrl-c", "told apart from four keys");
}

#[test]
fn each_built_in_keymap_has_its_habits() {
    let keys = |name, keys: &[KeyEvent]| load_over(Base::Named(name), None).unwrap().find(Context::Board, keys);
    let alt = |c| key(KeyCode::Char(c), KeyModifiers::ALT);
    for (name, pressed, command) in [
        ("default", &[of('g')][..], Command::First),
        ("default", &[control('f')], Command::PageDown),
        ("vim", &[of('g'), of('g')], Command::First),
        ("vim", &[key(KeyCode::Char('G'), KeyModifiers::SHIFT)], Command::Last),
        ("vim", &[of('j')], Command::Down),
        ("vim", &[control('d')], Command::PageDown),
        ("vim", &[control('b')], Command::PageUp),
        ("emacs", &[control('n')], Command::Down),
        ("emacs", &[control('p')], Command::Up),
        ("emacs", &[control('v')], Command::PageDown),
        ("emacs", &[alt('v')], Command::PageUp),
        ("emacs", &[alt('<')], Command::First),
        ("emacs", &[alt('>')], Command::Last),
        ("emacs", &[control('g')], Command::Back),
        ("emacs", &[control('x'), control('c')], Command::Quit),
    ] {
        assert_eq!(keys(name, pressed), Found::Command(command), "{name} {pressed:?}");
    }
    for (name, _) in BUILT_IN {
        // Nobody is locked in, and help is where it was.
        for (pressed, command) in [(of('q'), Command::Quit), (control('c'), Command::Quit), (of('?'), Command::Help)] {
            assert_eq!(keys(name, &[pressed]), Found::Command(command), "{name}");
        }
    }
    let emacs = load_over(Base::Named("emacs"), None).unwrap();
    assert_eq!(emacs.command(Context::Prompt, &control('g')), Some(Command::Cancel));
    assert_eq!(emacs.command(Context::Board, &of('j')), None);
}

#[test]
fn a_file_says_what_it_is_laid_over_and_a_name_comes_first() {
    let file = Some((Path::new("my.toml"), "base = \"vim\"\n[board]\nsort = \"g o\"\n"));
    let first = |base| {
        let keymap = load_over(base, file).map_err(|error| error.to_string())?;
        Ok(keymap.key(Context::Global, Command::PageDown) + &keymap.key(Context::Board, Command::Sort))
    };
    assert_eq!(first(Base::Usual("emacs")), Ok("PageDowng o".to_owned()));
    let vim = load(file).unwrap();
    assert_eq!(vim.find(Context::Board, &[control('d')]), Found::Command(Command::PageDown));
    assert_eq!(vim.find(Context::Board, &[of('g'), of('o')]), Found::Command(Command::Sort));
    let emacs = load_over(Base::Named("emacs"), file).unwrap();
    assert_eq!(emacs.find(Context::Board, &[control('v')]), Found::Command(Command::PageDown));
    // In the default, g is the first line.
    let clash: Result<String, String> = first(Base::Named("default"));
    assert!(clash.unwrap_err().starts_with("my.toml:3: g is bound by itself and begins g o"));
}

#[test]
fn the_documentation_of_the_keymap_is_generated() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keymaps.md");
    let generated = document().unwrap();
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == generated,
        "docs/keymaps.md is out of date; PORTCULLIS_BLESS=1 cargo test keymap writes it anew"
    );
}
