//! Numbers and times as evidence and reasons write them.

use chrono::{DateTime, Utc};

use crate::model::text::grouped;

/// `03:02`: the minute, UTC.
pub(super) fn clock_time(at: DateTime<Utc>) -> String {
    at.format("%H:%M").to_string()
}

/// `12,340`: rounded to a whole number, thousands set apart.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn count(value: f64) -> String {
    grouped(value.max(0.0).round() as u64)
}

/// `93.1 %`, out of a fraction.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `$0.04`, `$12.50`, `$1,340`.
pub(super) fn dollars(amount: f64) -> String {
    if amount >= 100.0 { format!("${}", count(amount)) } else { format!("${amount:.2}") }
}

/// `1 stage`, `3 stages`.
pub(super) fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(count(0.0), "0");
        assert_eq!(count(999.4), "999");
        assert_eq!(count(1_234_567.0), "1,234,567");
        assert_eq!(count(100_000.0), "100,000");
    }
}
