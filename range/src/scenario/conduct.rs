//! How a population fares over time and what it does about the answers that it gets: fields of `[[world.populations]]`.

use serde::Deserialize;

use super::values::TimeOfDay;

/// The rhythm of a population's day: a smooth curve over 24 hours, by which its rate is multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DailySpec {
    /// The time of day at which `rate` is reached.
    pub peak: TimeOfDay,
    /// What is left of `rate` twelve hours from the peak, 0 to 1.
    pub trough: f64,
}
