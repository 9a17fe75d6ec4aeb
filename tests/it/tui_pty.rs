//! The console in a real (pseudo-)terminal: what it draws, and that it gives the terminal back, whatever happens.
//!
//! The child is this test binary again, at `child` below; nothing waits by sleeping, only for what the screen shows.
#![cfg(unix)]

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use portcullis::tui::{Effect, Event, Mode, Options, Theme, keymap, run};

use super::tui_fixtures as fixtures;

const CHILD: &str = "PORTCULLIS_TEST_CONSOLE";
const PATIENCE: Duration = Duration::from_secs(30);

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
        events.send(Event::Board(Arc::new(fixtures::attack()))).unwrap();
        events.send(Event::Timeline(Arc::new(fixtures::timeline()))).unwrap();
        let outside = async {
            while let Some(effect) = effects.recv().await {
                if !matches!(effect, Effect::Export(_)) {
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

struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// The terminal's settings before the console touched them.
    before: String,
}

impl Terminal {
    fn start(way: &str) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let before = settings(&*pair.master);
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["tui_pty::child", "--exact", "--ignored", "--nocapture"]);
        command.env(CHILD, way);
        command.env("TERM", "xterm-256color");
        command.env_remove("RUST_BACKTRACE");
        let child = pair.slave.spawn_command(command).unwrap();
        let writer = pair.master.take_writer().unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 8_192];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { master: pair.master, child, writer, output, parser: vt100::Parser::new(24, 80, 0), before }
    }

    fn wait(&mut self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self.parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(error) => {
                    panic!("{error} while waiting for {what}; the screen is\n{}", self.parser.screen().contents())
                }
            }
        }
    }

    fn shows(&mut self, words: &str) {
        self.wait(words, |screen| screen.contents().contains(words));
    }

    fn send(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    fn signal(&self, name: &str) {
        let id = self.child.process_id().unwrap().to_string();
        let status = std::process::Command::new("kill").args([name, &id]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for `words` on the ordinary screen, then checks that the terminal is as it was.
    fn ends_with(mut self, words: &str) {
        self.wait(words, |screen| !screen.alternate_screen() && screen.contents().contains(words));
        self.child.wait().unwrap();
        let screen = self.parser.screen();
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste(), "pastes are still bracketed");
        assert_eq!(settings(&*self.master), self.before);
    }
}

fn settings(master: &(dyn MasterPty + Send)) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

#[test]
fn it_draws_answers_keys_follows_a_resize_and_gives_the_terminal_back() {
    let mut terminal = Terminal::start("plain");
    terminal.shows("client-errors-high");
    assert!(terminal.parser.screen().alternate_screen());
    assert_ne!(settings(&*terminal.master), terminal.before, "the terminal is raw");
    terminal.send("?");
    terminal.shows("Leave; asks once more");
    terminal.send("\x1b");
    terminal.shows("req/s");
    terminal.parser.screen_mut().set_size(40, 120);
    let size = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
    terminal.master.resize(size).unwrap();
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
    ] {
        let mut terminal = Terminal::start("plain");
        terminal.shows("client-errors-high");
        terminal.signal(name);
        terminal.ends_with(words);
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_then_speaks() {
    let mut terminal = Terminal::start(PANIC_HERE);
    terminal.shows("client-errors-high");
    terminal.send("t");
    terminal.shows("TIMELINE");
    terminal.send("x");
    terminal.ends_with("as asked for");
}

#[test]
fn a_panic_of_another_task_is_said_and_leaves_the_screen_whole() {
    let mut terminal = Terminal::start(PANIC_ELSEWHERE);
    terminal.shows("client-errors-high");
    terminal.send("t");
    terminal.shows("TIMELINE");
    terminal.send("x");
    terminal.shows("a part of the console has failed");
    assert!(terminal.parser.screen().contents().contains("ARMED"));
    terminal.send("\x1b");
    terminal.shows("req/s");
    terminal.send("q");
    terminal.ends_with("LEFT Ok(Asked)");
}
