//! The console's own binary, as users start it, and a range on a loopback port for it to talk to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portable_pty::CommandBuilder;
use portcullis::aws::RangeHandle;
use portcullis::drill::Drill;
use serde_json::Value;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_portcullis");

/// A range behind a port, its faults and its truth within reach of the test.
pub(crate) struct Served {
    pub(crate) range: RangeHandle,
    pub(crate) url: String,
}

/// `sqli-flood` behind a port, account time at `rate`. Serves until the test process ends.
pub(crate) fn served(rate: f64) -> Served {
    served_drill("sqli-flood", rate)
}

/// A scenario behind a port, account time at `rate`.
pub(crate) fn served_drill(scenario: &str, rate: f64) -> Served {
    served_range(Drill::load(Some(scenario)).unwrap().range(rate, None).unwrap())
}

/// Any range, behind a port.
pub(crate) fn served_range(range: RangeHandle) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (shared, clock) = range.parts();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            portcullis_range::serve(listener, shared, clock).await.unwrap();
        });
    });
    Served { range, url }
}

impl Served {
    pub(crate) fn entries(&self, set: &str) -> Vec<String> {
        self.range.with(|range| {
            let sets = &range.account().waf.ip_sets;
            sets.values().find(|s| s.saved().name == set).unwrap().saved().addresses.clone()
        })
    }

    pub(crate) fn mutating_calls(&self) -> usize {
        self.range.with(|range| range.calls().iter().filter(|call| call.mutating).count())
    }
}

/// A port that nobody listens on.
pub(crate) fn refused() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    address(listener.local_addr().unwrap())
}

/// A port that takes connections and never answers; while the listener lives.
pub(crate) fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // The kernel accepts for us: its backlog is longer than what a test opens.
    let url = address(listener.local_addr().unwrap());
    (listener, url)
}

fn address(at: SocketAddr) -> String {
    format!("http://{at}")
}

/// The binary with folders of its own and nothing of this machine's AWS configuration.
pub(crate) struct Program {
    pub(crate) dir: TempDir,
    env: Vec<(String, String)>,
}

/// The team's ranges, as most tests want them.
pub(crate) const SETTINGS: &str = "[guards]\nnever-block = [\"192.0.2.16/28\"]\nbreak-glass = [\"192.0.2.240/28\"]\n";

impl Program {
    /// Talks to `url` with credentials that a range accepts and the settings above.
    pub(crate) fn new(url: &str) -> Self {
        let mut program = Self::without_credentials(url);
        program.set("AWS_ACCESS_KEY_ID", "AKIARANGE00000000000");
        program.set("AWS_SECRET_ACCESS_KEY", "range");
        program.configure(SETTINGS);
        program
    }

    pub(crate) fn without_credentials(url: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().to_str().unwrap().to_owned();
        let mut program = Self { dir, env: Vec::new() };
        program.set("HOME", &home);
        program.set("XDG_STATE_HOME", &format!("{home}/state"));
        program.set("XDG_CONFIG_HOME", &format!("{home}/config"));
        program.set("LANG", "C.UTF-8");
        // A background is known, so that the terminal is asked nothing.
        program.set("COLORFGBG", "15;0");
        program.set("PATH", &std::env::var("PATH").unwrap());
        program.set("AWS_EC2_METADATA_DISABLED", "true");
        program.set("AWS_REGION", "eu-central-1");
        program.set("AWS_ENDPOINT_URL", url);
        program
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.env.retain(|(have, _)| have != name);
    }

    /// Writes a file into the program's folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Sets the configuration.
    pub(crate) fn configure(&mut self, text: &str) -> PathBuf {
        let path = self.file("config.toml", text);
        self.set("PORTCULLIS_CONFIG", path.to_str().unwrap());
        path
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(args).env_clear().envs(self.env.iter().cloned()).current_dir(self.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The same, for a pseudo-terminal.
    pub(crate) fn in_terminal(&self, args: &[&str]) -> CommandBuilder {
        let mut command = CommandBuilder::new(BINARY);
        command.args(args);
        command.env_clear();
        for (name, value) in &self.env {
            command.env(name, value);
        }
        command.cwd(self.dir.path());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        let output = self.command(args).output().unwrap();
        Ended {
            words: args.join(" "),
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs it with `-o json`, and checks exit code and schema.
    pub(crate) fn json(&self, code: i32, noun: &str, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["-o", "json"]).collect();
        let value = self.run(&args).exits(code).json();
        assert_eq!(value["schema"], format!("portcullis.{noun}/1"));
        value
    }

    /// What stands in the folder, by name.
    pub(crate) fn files(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.dir.path()).unwrap().map(|e| e.unwrap().file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    words: String,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "portcullis {}\n{}{}", self.words, self.out, self.err);
        self
    }

    /// Exits with `code` and says all of `words` on standard error.
    #[track_caller]
    pub(crate) fn says(self, code: i32, words: &[&str]) -> Self {
        let ended = self.exits(code);
        for part in words {
            assert!(ended.err.contains(part), "portcullis {}: no {part:?} in\n{}", ended.words, ended.err);
        }
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
        ended
    }

    /// What it printed, held against its schema.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let value = serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("portcullis {}: {error}\n{}", self.words, self.out));
        crate::schemas::held(&value);
        value
    }
}

/// What the screen asks to be typed where a plan is being confirmed: `7f3a`, `CLOSE 7f3a`.
pub(crate) fn asked(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("To carry the plan out, type:  ")?;
    let line = rest.lines().next()?.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
    let digest = line.strip_prefix("CLOSE ").unwrap_or(line);
    (digest.len() == 4 && digest.chars().all(|c| c.is_ascii_hexdigit())).then(|| line.to_owned())
}

/// The phrase for `stage` in a text that shows one.
pub(crate) fn phrase(text: &str, stage: &str) -> Option<String> {
    let found = text.match_indices(stage).find_map(|(at, _)| {
        let digest = text[at..].strip_prefix(stage)?.strip_prefix(' ')?.get(..4)?;
        let closes = if text[..at].ends_with("CLOSE ") { "CLOSE " } else { "" };
        digest.chars().all(|c| c.is_ascii_hexdigit()).then_some((closes, digest))
    });
    found.map(|(closes, digest)| format!("{closes}{stage} {digest}"))
}
