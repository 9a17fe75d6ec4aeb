//! The console in a real (pseudo-)terminal: what it draws, and that it gives the terminal back, whatever happens.
//!
//! The child is this test binary again, at `child` below; nothing waits by sleeping, only for what the screen shows.
#![cfg(unix)]

use std::sync::Arc;

use portable_pty::CommandBuilder;
use portcullis::model::connection::ConnectionId;
use portcullis::tui::{Ask, Effect, Mode, News, Options, Theme, keymap, run};

use super::terminal::Terminal;
use super::tui_fixtures as fixtures;

const CHILD: &str = "PORTCULLIS_TEST_CONSOLE";

/// What the child does with the first export that is asked for.
const PANIC_HERE: &str = "panic-here";
const PANIC_ELSEWHERE: &str = "panic-elsewhere";

#[test]
#[ignore = "the other side of the tests below, started by them"]
fn child() {
    let Ok(way) = std::env::var(CHILD) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let exit = runtime.block_on(async move {
        let (events, events_in) = tokio::sync::mpsc::unbounded_channel();
        let (effects_out, mut effects) = tokio::sync::mpsc::unbounded_channel();
        let options = Options::new(Mode::Armed, keymap::load(None).unwrap(), Theme::colour_blind_safe());
        events.send(News::Board(Arc::new(fixtures::attack())).from(ConnectionId::FIRST)).unwrap();
        events.send(News::Timeline(Arc::new(fixtures::timeline())).from(ConnectionId::FIRST)).unwrap();
        let outside = async {
            while let Some(effect) = effects.recv().await {
                if !matches!(effect, Effect::To(_, Ask::Export(_))) {
                    continue;
                }
                match way.as_str() {
                    PANIC_HERE => panic!("as asked for"),
                    _ => drop(tokio::spawn(async { panic!("as asked for") })),
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            exit = run(options, events_in, effects_out) => exit,
            () = outside => unreachable!(),
        }
    });
    println!("LEFT {exit:?}");
}

fn start(way: &str) -> Terminal {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["tui_pty::child", "--exact", "--ignored", "--nocapture"]);
    command.env(CHILD, way);
    command.env_remove("RUST_BACKTRACE");
    Terminal::start(command, 80, 24)
}

#[test]
fn it_draws_answers_keys_follows_a_resize_and_gives_the_terminal_back() {
    let mut terminal = start("plain");
    terminal.shows("client-errors-high");
    assert!(terminal.screen().alternate_screen());
    assert!(terminal.is_raw());
    terminal.send("?");
    terminal.shows("Open the selected stage: charts");
    terminal.send("\x1b");
    terminal.shows("req/s");
    terminal.resize(120, 40);
    terminal.shows("share of requests");
    terminal.send("q");
    terminal.ends_with("LEFT Ok(Asked)");
}

#[test]
fn signals_end_it_in_order() {
    for (name, words) in [
        ("-TERM", "LEFT Ok(Stopped(Terminate))"),
        ("-HUP", "LEFT Ok(Stopped(Hangup))"),
        ("-INT", "LEFT Ok(Stopped(Interrupt))"),
        ("-QUIT", "LEFT Ok(Stopped(Quit))"),
    ] {
        let mut terminal = start("plain");
        terminal.shows("client-errors-high");
        terminal.signal(name);
        terminal.ends_with(words);
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_then_speaks() {
    let mut terminal = start(PANIC_HERE);
    terminal.shows("client-errors-high");
    terminal.send("t");
    terminal.shows("TIMELINE");
    terminal.send("x");
    terminal.ends_with("as asked for");
}

#[test]
fn a_panic_of_another_task_is_said_and_leaves_the_screen_whole() {
    let mut terminal = start(PANIC_ELSEWHERE);
    terminal.shows("client-errors-high");
    terminal.send("t");
    terminal.shows("TIMELINE");
    terminal.send("x");
    terminal.shows("a part of the console has failed");
    assert!(terminal.text().contains("ARMED"));
    terminal.send("\x1b");
    terminal.shows("req/s");
    terminal.send("q");
    terminal.ends_with("LEFT Ok(Asked)");
}
