//! A program in a pseudo-terminal: what it shows, and when.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A program that runs in a terminal of its own.
pub struct Terminal {
    _master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    screen: vt100::Parser,
    started: Instant,
    bytes: usize,
}

impl Terminal {
    /// Starts `command` (program and arguments) on a screen of so many columns and lines.
    pub fn start(command: &[String], columns: u16, lines: u16) -> io::Result<Self> {
        let size = PtySize { rows: lines, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).map_err(io::Error::other)?;
        let mut builder = CommandBuilder::from_argv(command.iter().map(Into::into).collect());
        builder.env("TERM", "xterm-256color");
        builder.cwd(std::env::current_dir()?);
        let writer = pair.master.take_writer().map_err(io::Error::other)?;
        let mut reader = pair.master.try_clone_reader().map_err(io::Error::other)?;
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 256 * 1024];
            while let Ok(count) = reader.read(&mut buffer) {
                // When it came, not when it was understood: parsing takes longer than some programs take to draw.
                if count == 0 || sender.send((Instant::now(), buffer[..count].to_vec())).is_err() {
                    break;
                }
            }
        });
        let started = Instant::now();
        let child = pair.slave.spawn_command(builder).map_err(io::Error::other)?;
        let screen = vt100::Parser::new(lines, columns, 0);
        Ok(Self { _master: pair.master, child, writer, output, screen, started, bytes: 0 })
    }

    /// When the program was started.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }

    /// The screen now.
    #[must_use]
    pub fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    /// Bytes written to the terminal so far, as far as they were read.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The program's process.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.child.process_id()
    }

    /// Types `keys`; gives the moment just before.
    pub fn press(&mut self, keys: &str) -> io::Result<Instant> {
        let at = Instant::now();
        self.writer.write_all(keys.as_bytes())?;
        self.writer.flush()?;
        Ok(at)
    }

    /// Waits until the screen is as wanted; gives the moment at which the bytes that made it so came.
    pub fn wait(&mut self, patience: Duration, wanted: impl Fn(&str) -> bool) -> io::Result<Instant> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some((at, bytes)) = self.next(left)? else {
                let contents = self.contents();
                return Err(io::Error::other(format!("waited {patience:?} in vain; the screen is\n{contents}")));
            };
            self.screen.process(&bytes);
            if wanted(&self.contents()) {
                return Ok(at);
            }
        }
    }

    /// Reads for `time`; gives when each piece came and how long it was.
    pub fn watch(&mut self, time: Duration) -> io::Result<Vec<(Instant, usize)>> {
        let deadline = Instant::now() + time;
        let mut pieces = Vec::new();
        while let Some((at, bytes)) = self.next(deadline.saturating_duration_since(Instant::now()))? {
            self.screen.process(&bytes);
            pieces.push((at, bytes.len()));
        }
        Ok(pieces)
    }

    fn next(&mut self, patience: Duration) -> io::Result<Option<(Instant, Vec<u8>)>> {
        match self.output.recv_timeout(patience) {
            Ok((at, bytes)) => {
                self.bytes += bytes.len();
                Ok(Some((at, bytes)))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err(io::Error::other(format!("the program has ended; its last screen is\n{}", self.contents())))
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
