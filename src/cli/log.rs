//! The log: off unless asked for, and in a file, since the screen is the terminal's.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use super::error::{Exit, Failure};
use crate::incident::default_root;
use crate::journal;
use crate::model::text::printable;

/// Starts logging to `$XDG_STATE_HOME/portcullis/portcullis.log` where `PORTCULLIS_LOG` is set, to a filter such as
/// `debug` or `portcullis=debug,aws_smithy_runtime=info`. What the SDK logs may contain requests: the file is for its
/// owner only.
pub(super) fn start() -> Result<(), Failure> {
    let Some(filter) = std::env::var("PORTCULLIS_LOG").ok().filter(|filter| !filter.is_empty()) else { return Ok(()) };
    let filter = EnvFilter::try_new(&filter)
        .map_err(|error| Failure::usage(format!("PORTCULLIS_LOG is not a filter: {error}; write for example debug")))?;
    let path = default_root()?.with_file_name("portcullis.log");
    let failed =
        |error: std::io::Error| Failure::new(Exit::Error, format!("{} could not be opened: {error}", path.display()));
    if let Some(dir) = path.parent() {
        journal::folder(dir).map_err(failed)?;
    }
    let file = Harmless(journal::log_file(&path).map_err(failed)?);
    let writer = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Mutex::new(file));
    // Somebody who embeds the library may have one already.
    let _ = writer.try_init();
    Ok(())
}

/// Whoever reads the log does so in a terminal.
struct Harmless(File);

impl Write for Harmless {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.write_all(printable(&String::from_utf8_lossy(buffer)).as_bytes())?;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
