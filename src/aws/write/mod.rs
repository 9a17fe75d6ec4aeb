//! Writes: each takes the ticket that a confirmation yielded, and tells a refusal from an answer that never came.

mod ip_set;
mod policy;
mod stage;

pub use stage::Patch;
