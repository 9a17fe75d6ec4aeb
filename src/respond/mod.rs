//! Responding: plan, guard, confirm, execute, verify, undo, reconcile.
//!
//! A plan is made from state read for it and judged by guards; a confirmation turns it into a ticket once the intent is
//! in the journal; only then is anything changed. Knows nothing of screens.

pub mod action;
pub mod admission;
mod assigned;
mod cause;
mod circumstances;
pub mod confirm;
pub mod desk;
mod digest;
pub mod execute;
pub mod guard;
pub mod ladder;
mod loss;
mod merge;
pub mod observe;
pub mod overlap;
pub mod plan;
mod planned;
pub mod preflight;
mod proposals;
mod recipe;
pub mod reconcile;
pub mod resolve;
mod running;
mod samples;
mod shown;
pub mod undo;
pub mod wiring;
