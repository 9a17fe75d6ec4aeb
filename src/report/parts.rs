//! What both readers and tables need in words: times, durations, measured values, states.

use chrono::TimeDelta;

use crate::model::identity::Actor;
use crate::model::signal::{SignalKind, Unit};
use crate::model::timeline::ActionState;
use crate::model::words::percent;

/// `1 h 12 min`, `4 min 10 s`, `9 s`.
pub(super) fn duration(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest} s"),
        (0, _) => format!("{minutes} min {rest} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}

/// A signal's value in its own unit: a share, or a multiple of the median.
pub(super) fn measured(kind: SignalKind, value: f64) -> String {
    match kind.unit() {
        Unit::Multiple => format!("×{value:.1}"),
        Unit::Share => percent(value),
    }
}

/// Where an action stands, in words.
pub(super) fn state(state: ActionState) -> &'static str {
    match state {
        ActionState::InFlight => "begun, and not known to have ended",
        ActionState::InForce => "in force",
        ActionState::NotDone => "not done",
        ActionState::Unclear => "unclear: done in part, or not known",
        ActionState::Undone => "undone",
        ActionState::Final => "done, and cannot be undone",
        ActionState::Lapsed => "never known whether it was done; by now nothing depends on it",
    }
}

/// A person at a machine.
pub(super) fn person(actor: &Actor) -> String {
    format!("{} on {}", actor.user, actor.host)
}
