//! One wording for what is said in several places: counted nouns, shares, dollars and times.
//!
//! For people. Columns of the screen have narrower forms of their own, and JSON has none of these.

use chrono::{DateTime, Utc};

use super::text::grouped;

/// A clause as the beginning of a sentence: its first letter large.
#[must_use]
pub fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `1 address`, `3 addresses`, `1,065 requests`, `2 entries`, `4 prefixes`: the noun in the singular is enough.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        return format!("1 {noun}");
    }
    format!("{} {}", grouped(count as u64), plural(noun))
}

fn plural(noun: &str) -> String {
    let after_vowel = |end: char| noun.strip_suffix(end).is_some_and(|stem| stem.ends_with(['a', 'e', 'o', 'u']));
    match noun {
        _ if noun.ends_with('s') || noun.ends_with('x') || noun.ends_with("ch") => format!("{noun}es"),
        _ if noun.ends_with('y') && !after_vowel('y') => format!("{}ies", &noun[..noun.len() - 1]),
        _ => format!("{noun}s"),
    }
}

/// `93.1 %`, out of a fraction that is measured: one decimal, always.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `71 %`, `0.2 %`, `< 0.1 %`: never `0 %` for something, nor `100 %` for less than all.
#[must_use]
pub fn portion(share: f64) -> String {
    let percent = share * 100.0;
    if share <= 0.0 {
        "0 %".to_owned()
    } else if percent < 0.1 {
        "< 0.1 %".to_owned()
    } else if percent < 9.95 {
        format!("{percent:.1} %")
    } else if share < 1.0 - 1e-9 && percent > 99.0 {
        "> 99 %".to_owned()
    } else {
        format!("{percent:.0} %")
    }
}

/// `71 %`: whole, where a figure is worth no more than that. Nothing rounds to none or to all: what is above zero is
/// `1 %` at least, and what is below all `99 %` at most.
#[must_use]
pub fn whole_percent(share: f64) -> String {
    let percent = (share * 100.0).round();
    let some_but_not_all = share > 0.0 && share < 1.0 - 1e-9;
    format!("{:.0} %", if some_but_not_all { percent.clamp(1.0, 99.0) } else { percent })
}

/// `72 %`: a bound from above, rounded up, so that it holds as it is written.
#[must_use]
pub fn most_percent(share: f64) -> String {
    format!("{:.0} %", share.mul_add(100.0, -1e-9).ceil().max(0.0) + 0.0)
}

/// `71 %`: a bound from below, rounded down.
#[must_use]
pub fn least_percent(share: f64) -> String {
    format!("{:.0} %", share.mul_add(100.0, 1e-9).floor())
}

/// `50.4 %`, `50 %`: a decimal where there is one, for figures beside their threshold.
#[must_use]
pub fn tenths(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// `$0.04`, `$12.50`, `$1,340`.
#[must_use]
pub fn dollars(amount: f64) -> String {
    if amount >= 100.0 { format!("${}", rounded(amount)) } else { format!("${amount:.2}") }
}

/// `12,340`: rounded to a whole number, thousands set apart; nothing below zero.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, and never below zero")]
pub fn rounded(value: f64) -> String {
    grouped(value.max(0.0).round() as u64)
}

/// `03:02`: the minute, UTC.
#[must_use]
pub fn clock_time(at: DateTime<Utc>) -> String {
    at.format("%H:%M").to_string()
}

/// `03:02Z`: the minute, UTC, where it is not said beside it.
#[must_use]
pub fn minute(at: DateTime<Utc>) -> String {
    at.format("%H:%MZ").to_string()
}

/// `03:02:11Z`: the second, UTC.
#[must_use]
pub fn second(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%SZ").to_string()
}

/// `2026-03-01 03:02:11Z`: the day and the second, UTC.
#[must_use]
pub fn day_and_second(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_never_rounded_to_none_or_all() {
        let words = [0.0, 0.000_4, 0.002, 0.0994, 0.71, 0.999, 1.0].map(portion);
        assert_eq!(words, ["0 %", "< 0.1 %", "0.2 %", "9.9 %", "71 %", "> 99 %", "100 %"]);
    }

    #[test]
    fn a_whole_percentage_is_none_or_all_only_where_it_is() {
        let words = [0.0, 0.001, 0.004_9, 0.714, 0.995, 0.999_5, 1.0].map(whole_percent);
        assert_eq!(words, ["0 %", "1 %", "1 %", "71 %", "99 %", "99 %", "100 %"]);
    }

    #[test]
    fn bounds_are_rounded_outwards() {
        assert_eq!([0.0, 0.07, 0.714, 0.996, 1.0].map(most_percent), ["0 %", "7 %", "72 %", "100 %", "100 %"]);
        assert_eq!([0.0, 0.07, 0.719, 0.996, 1.0].map(least_percent), ["0 %", "7 %", "71 %", "99 %", "100 %"]);
    }

    #[test]
    fn nouns_are_counted() {
        let said = ["1 entry", "2 entries", "1,065 requests", "3 addresses", "2 prefixes", "4 days", "2 batches"];
        let of =
            [(1, "entry"), (2, "entry"), (1_065, "request"), (3, "address"), (2, "prefix"), (4, "day"), (2, "batch")];
        assert_eq!(of.map(|(count, noun)| counted(count, noun)), said);
    }

    #[test]
    fn thousands_are_set_apart() {
        let said = ["0", "999", "1,234,567", "100,000", "0"];
        assert_eq!([0.0, 999.4, 1_234_567.0, 100_000.0, -3.0].map(rounded), said);
        assert_eq!([0.04, 12.5, 1_340.2].map(dollars), ["$0.04", "$12.50", "$1,340"]);
    }

    #[test]
    fn a_clause_begins_a_sentence() {
        assert_eq!(sentence("done and read back"), "Done and read back");
        assert_eq!(sentence(""), "");
    }
}
