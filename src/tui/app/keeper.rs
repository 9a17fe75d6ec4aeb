//! Gives the terminal back where this process can no longer do so: after SIGKILL, an abort, a stack that overflowed.
//!
//! No code of a process runs after those, and a handler for SIGABRT cannot be written without `unsafe`. So a shell
//! waits beside it, for one of two things on a pipe: a line, where the terminal was given back, or the pipe's end,
//! where nobody is left to do it (`docs/decisions/0020-the-terminal-has-a-keeper.md`). Where there is no shell, there
//! is none, and nothing else changes.

#[cfg(unix)]
pub(super) struct Keeper {
    shell: std::process::Child,
}

/// `stty` reads the terminal's settings before they are touched, and the line on standard error says that it has. The
/// signals that end a foreground job, or stop one in the background that touches the terminal, are not for it.
#[cfg(unix)]
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM TSTP TTIN TTOU
exec 3<&1
saved=$(stty -g <&3)
echo >&2
exec 2>/dev/null
read -r given_back || {
    [ -z "$saved" ] || stty "$saved" <&3
    printf '\033[?2026l%s\033[?2004l\033[?1049l\033[?25h' "$1"
}
"#;

#[cfg(unix)]
impl Keeper {
    /// Starts it; `more` is a sequence that gives back what not every terminal knows.
    pub(super) fn start(more: &str) -> Option<Self> {
        use std::io::{BufRead, BufReader};
        use std::process::{Command, Stdio};
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "portcullis-terminal", more])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::inherit())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        BufReader::new(shell.stderr.take()?).read_line(&mut String::new()).ok()?;
        Some(Self { shell })
    }
}

#[cfg(unix)]
impl Drop for Keeper {
    fn drop(&mut self) {
        use std::io::Write;
        if let Some(mut pipe) = self.shell.stdin.take() {
            let _ = pipe.write_all(b"\n");
        }
        let _ = self.shell.wait();
    }
}

#[cfg(not(unix))]
pub(super) struct Keeper;

#[cfg(not(unix))]
impl Keeper {
    pub(super) fn start(_: &str) -> Option<Self> {
        None
    }
}
