//! What watching costs.
//!
//! Knows prices and counts only.

use crate::model::settings::PollingSettings;

/// Dollars an hour for reading `metrics` metrics at the configured pace and price: an estimate.
///
/// `GetMetricData` is billed per metric asked for, not per call or per point (documented).
#[must_use]
pub fn dollars_per_hour(metrics: usize, polling: &PollingSettings) -> f64 {
    let polls = 3_600.0 / polling.interval_seconds.max(1) as f64;
    metrics as f64 * polls * polling.dollars_per_thousand_metrics / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_metrics_a_minute_cost_a_cent_and_a_fifth_an_hour() {
        let cost = dollars_per_hour(20, &PollingSettings::default());
        assert!((cost - 0.012).abs() < 1e-9, "{cost}");
    }

    #[test]
    fn half_the_pace_costs_half() {
        let slow = PollingSettings { interval_seconds: 120, ..PollingSettings::default() };
        let full = dollars_per_hour(100, &PollingSettings::default());
        assert!((dollars_per_hour(100, &slow) * 2.0 - full).abs() < 1e-9);
    }
}
