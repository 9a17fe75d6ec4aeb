//! Numbers and times as evidence and reasons write them.

pub(super) use crate::model::words::{clock_time, counted, dollars, percent, rounded};
