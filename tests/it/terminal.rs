//! A program in a pseudo-terminal: keys in, the screen out, waited for and never slept for.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

const PATIENCE: Duration = Duration::from_mins(3);

pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// Everything that was written.
    written: Vec<u8>,
    /// The terminal's settings before the program touched them.
    before: String,
}

impl Terminal {
    /// Starts `command` in a terminal of `columns` by `rows`.
    pub(crate) fn start(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        Self::start_as("xterm-256color", command, columns, rows)
    }

    /// The same, where the terminal says that it is a `kind`.
    pub(crate) fn start_as(kind: &str, mut command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let before = settings(&*pair.master);
        command.env("TERM", kind);
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
        Self {
            master: pair.master,
            child,
            writer,
            output,
            parser: vt100::Parser::new(rows, columns, 0),
            written: Vec::new(),
            before,
        }
    }

    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    pub(crate) fn text(&self) -> String {
        self.screen().contents()
    }

    fn process(&mut self, bytes: &[u8]) {
        self.written.extend_from_slice(bytes);
        self.parser.process(bytes);
    }

    /// What was asked of the terminal, which may answer late, or never.
    pub(crate) fn questions(&self) -> Vec<String> {
        let written = String::from_utf8_lossy(&self.written);
        let mut asked = Vec::new();
        for (at, _) in written.match_indices('\u{1b}') {
            let rest = &written[at + 1..];
            if let Some(sequence) = rest.strip_prefix('[') {
                let end = sequence
                    .find(|c: char| ('\u{40}'..='\u{7e}').contains(&c))
                    .unwrap_or(sequence.len().saturating_sub(1));
                // Reports of status, attributes, modes, settings, key flags.
                let Some(last) = sequence.get(end..=end) else { continue };
                let parameters = &sequence[..end];
                if "ncpx".contains(last)
                    || (last == "u" && parameters.starts_with('?'))
                    || (last == "q" && parameters == ">")
                {
                    asked.push(format!("CSI {parameters}{last}"));
                }
            // What is given to the clipboard asks nothing.
            } else if (rest.starts_with(']') && (!rest.starts_with("]52;c;") || rest.starts_with("]52;c;?")))
                || rest.starts_with("P+q")
                || rest.starts_with("P$q")
            {
                let ends = |c: &char| matches!(c, '\u{1b}' | '\u{7}');
                asked.push(rest.chars().take_while(|c| !ends(c)).take(12).collect());
            }
        }
        asked
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    pub(crate) fn is_raw(&self) -> bool {
        settings(&*self.master) != self.before
    }

    /// Waits until `is_so` of the screen.
    pub(crate) fn wait(&mut self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        self.wait_until(what, |terminal| is_so(terminal.screen()));
    }

    /// Waits until `is_so`.
    pub(crate) fn wait_until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.process(&bytes),
                Err(error) => panic!("{error} while waiting for {what}; the screen is\n{}", self.text()),
            }
        }
    }

    /// How often `sequence` was written.
    pub(crate) fn times(&self, sequence: &str) -> usize {
        String::from_utf8_lossy(&self.written).matches(sequence).count()
    }

    /// Whether the last that was written is a whole frame.
    pub(crate) fn ends_a_frame(&self) -> bool {
        self.written.ends_with(b"\x1b[?2026l")
    }

    /// Waits until `words` are on the screen.
    pub(crate) fn shows(&mut self, words: &str) {
        self.wait(words, |screen| screen.contents().contains(words));
    }

    pub(crate) fn send(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.parser.screen_mut().set_size(rows, columns);
        self.master.resize(size(columns, rows)).unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.process_id().unwrap().to_string();
        let status = std::process::Command::new("kill").args([name, &id]).status().unwrap();
        assert!(status.success());
    }

    /// Waits until the program is stopped: a `-CONT` that comes before that is lost, and a `-STOP` before a `-CONT`.
    pub(crate) fn wait_until_stopped(&self) {
        let id = Pid::from_raw(self.child.process_id().unwrap().try_into().unwrap());
        let (told, hears) = channel();
        std::thread::spawn(move || told.send(waitpid(id, Some(WaitPidFlag::WUNTRACED))));
        let status = hears.recv_timeout(PATIENCE).unwrap();
        assert!(matches!(status, Ok(WaitStatus::Stopped(..))), "{status:?}");
    }

    /// Waits for `words` on the ordinary screen and for the end of the program, then checks that the terminal is as it
    /// was; gives what is on the screen.
    pub(crate) fn ends_with(self, words: &str) -> (ExitStatus, String) {
        self.ends(words, &[])
    }

    /// The same, of a program that has asked the terminal something.
    pub(crate) fn ends_having_asked(self, questions: &[&str]) -> (ExitStatus, String) {
        self.ends("", questions)
    }

    fn ends(mut self, words: &str, questions: &[&str]) -> (ExitStatus, String) {
        self.wait(words, |screen| !screen.alternate_screen() && screen.contents().contains(words));
        let status = self.ended();
        let screen = self.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is still up");
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste(), "pastes are still bracketed");
        assert_eq!(settings(&*self.master), self.before);
        assert!(self.times("\u{1b}[<u") >= self.times("\u{1b}[>5u"), "the keyboard is still in another mode");
        // Each screen has a mode of its own.
        let last = |sequence| String::from_utf8_lossy(&self.written).rfind(sequence);
        assert!(last("\u{1b}[<u") <= last("\u{1b}[?1049l"), "the keyboard's mode was given back on the other screen");
        assert_eq!(self.questions(), questions, "what the terminal was asked");
        (status, self.text())
    }

    /// Waits for the end of the program while reading what it still writes.
    fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.output.recv_timeout(Duration::from_millis(10)) {
                Ok(bytes) => self.process(&bytes),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap(),
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(10)) {
                    self.process(&bytes);
                }
                return status;
            }
            assert!(Instant::now() < deadline, "the program has not ended; the screen is\n{}", self.text());
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn settings(master: &(dyn MasterPty + Send)) -> String {
    format!("{:?}", master.get_termios().unwrap())
}
