//! The terminal itself: what it sends is no command unless a person pressed it, what it is not asked it need not
//! answer, and it is given back whatever stops or ends the console.
#![cfg(unix)]

use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;

use super::program::{Program, refused};
use super::pty::{flooded, live};
use super::terminal::Terminal;

fn drill(program: &Program) -> Terminal {
    Terminal::start(program.in_terminal(&["drill", "--speed", "60"]), 120, 40)
}

/// Answers that come late, whole and in pieces, with the keys of changes in them; and what was pasted where nothing can
/// be typed.
#[test]
fn late_answers_and_pastes_do_nothing_on_an_armed_board() {
    let served = flooded();
    let program = Program::new(&served.url);
    let mut terminal = live(&program, &["--armed"]);
    terminal.shows("ATTACK     shop/prod");
    let answers = [
        "\u{1b}]10;rgb:ffff/ffff/ffff\u{7}",
        "\u{1b}]11;rgb:ffff/xxxx/ffff\u{1b}\\",
        "\u{1b}P1+r436f=323536;fXFx\u{1b}\\",
        "\u{1b}[?1u\u{1b}[?64;1;2;6;22c\u{1b}[24;80R\u{1b}[?2026;2$y\u{1b}[I",
        "\u{1b}_Gi=31;fXFx\u{1b}\\",
        "\u{1b}[M fX",
        "\u{1b}[200~fXFx\rq\r\u{1b}[201~",
        "fX fX fX fX fX fX fX fX fX fX fX fX fX fX\r",
    ];
    for answer in answers {
        terminal.send(answer);
    }
    // In two pieces, the second once the first has been waited for.
    terminal.send("\u{1b}]10;rgb:f");
    terminal.shows("has begun an answer");
    terminal.send("fff/ffff/ffff\u{7}");
    terminal.send("?");
    terminal.shows("Leave; asks once more");
    terminal.send("\u{1b}");
    // A plan that is being made, or made, would be on top of the board.
    terminal.wait("the board", |screen| {
        let text = screen.contents();
        text.contains("req/s") && !text.contains("Leave; asks once more")
    });
    assert!(!terminal.text().contains("PLAN"), "{}", terminal.text());
    assert!(!terminal.text().contains("Why"), "{}", terminal.text());
    terminal.send("q");
    terminal.ends_with("");
    assert_eq!(served.mutating_calls(), 0);
}

/// A terminal that answers nothing, as this one: the screen is drawn anew, and the next key is heard at once.
#[test]
fn drawing_anew_asks_the_terminal_nothing() {
    let program = Program::without_credentials(&refused());
    let mut terminal = drill(&program);
    terminal.shows("ATTACK     shop/prod");
    let began = Instant::now();
    for _ in 0..3 {
        terminal.send("\u{c}");
    }
    terminal.send("?");
    terminal.shows("Leave; asks once more");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(terminal.questions().is_empty(), "{:?}", terminal.questions());
    terminal.send("q");
    terminal.ends_with("");
}

/// A shell with job control in the terminal, and the console started from it.
fn in_a_shell(program: &Program, line: &str) -> Terminal {
    // One that leaves the terminal's modes alone, where there is one.
    let plain = "/bin/dash";
    let mut shell = CommandBuilder::new(if std::path::Path::new(plain).exists() { plain } else { "/bin/sh" });
    let console = program.in_terminal(&[]);
    shell.env_clear();
    for (name, value) in console.iter_full_env_as_str() {
        shell.env(name, value);
    }
    shell.env("PS1", "READY ");
    shell.args(["-i"]);
    shell.cwd(program.path());
    let mut terminal = Terminal::start(shell, 120, 40);
    terminal.shows("READY");
    terminal.send(&format!("{} {line}\n", console.get_argv()[0].to_string_lossy()));
    terminal.shows("ATTACK     shop/prod");
    assert!(terminal.screen().alternate_screen());
    terminal
}

#[test]
fn it_can_be_suspended_and_brought_back() {
    let program = Program::without_credentials(&refused());
    let mut terminal = in_a_shell(&program, "drill --speed 60");
    for n in 1..=2 {
        terminal.send("\u{1a}");
        terminal.wait("the shell", |s| !s.alternate_screen() && prompts(s) > n);
        assert!(terminal.text().contains("suspended: nothing is watched"), "{}", terminal.text());
        assert!(!terminal.screen().hide_cursor() && !terminal.screen().bracketed_paste());
        assert!(!terminal.is_raw());
        terminal.send("fg\n");
        // The screen may be taken before the modes are set: each is waited for.
        terminal.wait_until("the console", |terminal| {
            let s = terminal.screen();
            let is_whole = s.alternate_screen() && s.contents().contains("DRILL sqli-flood");
            is_whole && s.bracketed_paste() && terminal.is_raw()
        });
        terminal.send("?");
        terminal.shows("the board of stages");
        terminal.send("\u{1b}");
        // Not while a frame is half there: what follows Esc too soon would make one key of two.
        terminal.shows("ATTACK     shop/prod");
    }
    // While a line is typed, too: it is there afterwards.
    terminal.send("nthe botnet");
    terminal.shows("the botnet");
    terminal.send("\u{1a}");
    terminal.wait("the shell", |s| !s.alternate_screen() && prompts(s) > 3);
    terminal.send("fg\n");
    terminal.wait("the prompt", |s| s.alternate_screen() && s.contents().contains("the botnet"));
    terminal.send("\u{1b}");
    terminal.wait_until("the end of the prompt", |terminal| {
        terminal.ends_a_frame() && !terminal.text().contains("the botnet")
    });
    terminal.send("q");
    terminal.wait("the shell", |s| !s.alternate_screen() && prompts(s) > 4);
    terminal.send("exit\n");
    terminal.ends_with("");
}

/// How often the shell has asked for a command.
fn prompts(screen: &vt100::Screen) -> usize {
    screen.contents().matches("READY").count()
}

#[test]
fn without_a_shell_to_come_back_from_it_is_not_suspended() {
    let program = Program::without_credentials(&refused());
    let mut terminal = drill(&program);
    terminal.shows("ATTACK     shop/prod");
    terminal.send("\u{1a}");
    terminal.shows("not suspended");
    terminal.send("q");
    terminal.ends_with("");
}

#[test]
fn stopped_by_a_signal_it_gives_the_terminal_back_and_takes_it_again() {
    let program = Program::without_credentials(&refused());
    let mut terminal = drill(&program);
    terminal.shows("ATTACK     shop/prod");
    terminal.signal("-TSTP");
    terminal.wait("the ordinary screen", |s| !s.alternate_screen() && s.contents().contains("suspended"));
    assert!(!terminal.is_raw());
    terminal.wait_until_stopped();
    terminal.signal("-CONT");
    terminal.wait("the console", |s| s.alternate_screen() && s.contents().contains("DRILL sqli-flood"));
    assert!(terminal.is_raw());
    // It takes the screen when it goes on, and once more when it hears that it was let go on; a key in between is for
    // whoever had the terminal.
    terminal.wait_until("both times", |terminal| terminal.times("\u{1b}[?1049h") >= 3);
    // Stopped where it could not know: it draws everything anew.
    let taken = terminal.times("\u{1b}[?1049h");
    terminal.signal("-STOP");
    terminal.wait_until_stopped();
    terminal.signal("-CONT");
    terminal.wait_until("the screen is taken again", |terminal| terminal.times("\u{1b}[?1049h") > taken);
    terminal.wait_until("a frame", Terminal::ends_a_frame);
    terminal.send("?");
    terminal.shows("Leave; asks once more");
    terminal.send("q");
    terminal.ends_with("");
}

/// The process that a process has started and that is called `name`.
#[cfg(target_os = "linux")]
fn child_of(parent: u32, name: &str) -> String {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let found = processes.filter_map(|entry| {
        let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        (field("PPid:") == Some(&parent.to_string()) && field("Name:") == Some(name))
            .then(|| entry.file_name().to_string_lossy().into_owned())
    });
    found.last().unwrap()
}

/// Nothing of the process runs any more: the terminal is given back all the same.
#[cfg(target_os = "linux")]
#[test]
fn an_abort_and_a_kill_leave_the_terminal_whole() {
    for signal in ["-ABRT", "-KILL"] {
        let program = Program::without_credentials(&refused());
        let mut terminal = in_a_shell(&program, "drill --speed 60");
        let console = child_of(terminal.id(), "portcullis");
        assert!(std::process::Command::new("kill").args([signal, &console]).status().unwrap().success());
        terminal.wait("the ordinary screen", |s| !s.alternate_screen() && !s.hide_cursor() && !s.bracketed_paste());
        terminal.send("stty -a >/dev/null; echo in $((40 + 2))\n");
        terminal.shows("in 42");
        terminal.send("exit\n");
        terminal.ends_with("");
    }
}
