//! Each keymap in a terminal, chosen by flag, configuration and file; and the kitty keyboard protocol.
#![cfg(unix)]

use super::program::{Program, refused};
use super::terminal::Terminal;

const FIRST: &str = "lines 1–";

/// A drill with its help open, which has more lines than the terminal.
fn help(program: &Program, args: &[&str]) -> Terminal {
    let args: Vec<&str> = ["drill", "--speed", "60"].iter().chain(args).copied().collect();
    let mut terminal = Terminal::start(program.in_terminal(&args), 100, 30);
    terminal.shows("DRILL sqli-flood");
    terminal.send("?");
    terminal.shows(FIRST);
    terminal
}

/// The keys move the help away from its first line, and back to it.
fn there_and_back(terminal: &mut Terminal, there: &str, back: &str) {
    terminal.send(there);
    terminal.wait("another line", |screen| !screen.contents().contains(FIRST));
    terminal.send(back);
    terminal.shows(FIRST);
}

#[test]
fn the_default_keymap_moves_and_leaves() {
    let program = Program::without_credentials(&refused());
    let mut terminal = help(&program, &["--keymap", "default"]);
    for (there, back) in [("G", "g"), ("j", "k"), ("\u{6}", "\u{2}"), ("\u{1b}[F", "\u{1b}[H")] {
        there_and_back(&mut terminal, there, back);
    }
    terminal.send("q");
    terminal.ends_with("");
}

#[test]
fn the_vim_keymap_moves_and_leaves() {
    let program = Program::without_credentials(&refused());
    let mut terminal = help(&program, &["--keymap", "vim"]);
    for (there, back) in [("G", "gg"), ("j", "k"), ("\u{4}", "\u{15}"), ("\u{6}", "\u{2}")] {
        there_and_back(&mut terminal, there, back);
    }
    // Key by key, with what may follow in between.
    terminal.send("G");
    terminal.wait("another line", |screen| !screen.contents().contains(FIRST));
    terminal.send("g");
    terminal.shows("g …  g first  Esc ends it");
    terminal.send("\u{1b}");
    terminal.shows("g ended; nothing was done");
    terminal.send("g");
    terminal.shows("Esc ends it");
    terminal.send("g");
    terminal.shows(FIRST);
    terminal.send("q");
    terminal.ends_with("");
}

#[test]
fn the_emacs_keymap_moves_and_leaves() {
    let program = Program::without_credentials(&refused());
    let mut terminal = help(&program, &["--keymap", "emacs"]);
    let moves = [("\u{e}", "\u{10}"), ("\u{16}", "\u{1b}v"), ("\u{1b}>", "\u{1b}<")];
    for (there, back) in moves {
        there_and_back(&mut terminal, there, back);
    }
    terminal.send("\u{18}");
    terminal.shows("Ctrl-x …  Ctrl-c quit  Esc ends it");
    terminal.send("\u{7}");
    terminal.shows("Ctrl-x ended; nothing was done");
    terminal.send("\u{7}");
    terminal.wait("the board", |screen| !screen.contents().contains(FIRST));
    terminal.send("\u{18}\u{3}");
    let (status, _) = terminal.ends_with("");
    assert_eq!(status.exit_code(), 0);
}

#[test]
fn a_file_of_ones_own_is_laid_over_the_configured_keymap() {
    let mut program = Program::without_credentials(&refused());
    program.configure("[screen]\nkeymap = \"vim\"\n");
    let folder = program.path().join("config/portcullis");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("keymap.toml"), "[global]\ntimeline = \"g т\"\n").unwrap();
    let mut terminal = help(&program, &[]);
    there_and_back(&mut terminal, "\u{4}", "gg");
    terminal.send("gт");
    terminal.shows("TIMELINE");
    terminal.send("q");
    terminal.ends_with("");
}

/// A terminal that offers the protocol is asked only where a key depends on it, and its keys come as themselves.
#[test]
fn keys_that_a_plain_terminal_cannot_tell_apart_work_where_the_kitty_protocol_is_offered() {
    let program = Program::without_credentials(&refused());
    program.file("mine.toml", "[global]\nhelp = [\"?\", \"ctrl-i\"]\nquit = [\"q\", \"alt->\"]\n");
    let args = program.in_terminal(&["drill", "--speed", "60", "--keymap", "./mine.toml"]);
    let mut terminal = Terminal::start(args, 100, 30);
    terminal.shows("Ctrl-i (help): this terminal sends it as Tab, which does next-account in [board]");
    terminal.wait_until("the question", |terminal| !terminal.questions().is_empty());
    // The answer, and keys that come with it, one of them let go again.
    terminal.send("\u{1b}[?5u\u{1b}[105;5u\u{1b}[105;5:3u");
    terminal.wait("the help, and no warning", |screen| {
        let text = screen.contents();
        text.contains(FIRST) && !text.contains("this terminal sends")
    });
    terminal.send("\u{1b}[27u");
    terminal.wait("the board", |screen| !screen.contents().contains(FIRST));
    // A key that nobody has, then Alt and > as a keyboard has it: the dot with Shift.
    terminal.send("\u{1b}[57441;2u\u{1b}[46:62;4u");
    terminal.ends_having_asked(&["CSI ?u"]);
}
