//! What the benchmarks and the measuring programs share: a large account, boards of it, a terminal to look at, and
//! counting.
//!
//! Everything here is for measuring; nothing of the console depends on it. `docs/performance.md` has the figures and
//! the commands.

pub mod account;
pub mod boards;
pub mod measure;
pub mod spans;
#[cfg(unix)]
pub mod terminal;
