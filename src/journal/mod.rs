//! The journal: an append-only file of chained lines, safe against crashes and against several writers at once.
//!
//! Bytes only. This layer knows how a line is locked, chained, written and flushed, and how a file is read back and
//! checked; it must not know what a line's `kind` or `data` mean (that is `incident/`).
//!
//! It also issues [`Ticket`]s: the proof that an intent is on disk, without which no mutating call leaves the process.
//! Everything here blocks on the disk: from async code call it on a blocking thread.

mod append;
mod error;
mod follow;
mod json;
mod line;
mod lock;
mod private;
mod read;
mod stamp;
mod tail;
mod ticket;
mod verify;

pub use append::{Intent, Journal, Receipt};
pub use error::JournalError;
pub use follow::{Batch, Follower};
pub use line::{Entry, Line, Wrong};
pub use read::{BadLine, Contents, Found, Reader, TornLine, read, set_aside};
pub use ticket::{Grant, Ticket};
pub use verify::{Fault, Verification, verify};

pub(crate) use json::{ascii_json, to_ascii};
pub(crate) use lock::exclusive;
pub(crate) use private::{establish, folder, lock_file, log_file, reading, replace, save};
pub(crate) use stamp::{Chain, chain};
pub(crate) use tail::hash_before;

/// The journal's file name inside an incident's directory.
pub const FILE_NAME: &str = "journal.jsonl";

/// The kind of the line that the journal itself writes when it sets a torn line aside.
pub const TORN_KIND: &str = "torn-line-set-aside";

/// The kind of the line that the journal itself writes, before anything else, once it finds that a line in it is not as
/// it was written.
pub const BROKEN_KIND: &str = "chain-broken";

/// The longest line that is written or read, bytes: a plan over a full IP set (10,000 entries) fits several times over.
pub const LONGEST_LINE: usize = 8 * 1024 * 1024;

/// The `prev` of the first line: sixty-four zeros.
pub const NO_PREVIOUS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
