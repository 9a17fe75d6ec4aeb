//! The numbers that something takes, with what they count. Plain data.

use std::fmt;

/// The numbers that something takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// Whether the least itself is left out.
    pub above: bool,
    /// What they count.
    pub unit: &'static str,
}

impl Span {
    /// From `least` to `most`, both included.
    #[must_use]
    pub const fn of(least: f64, most: f64, unit: &'static str) -> Self {
        Self { least, most, above: false, unit }
    }

    /// Above `least`, up to `most`.
    #[must_use]
    pub const fn above(least: f64, most: f64, unit: &'static str) -> Self {
        Self { least, most, above: true, unit }
    }

    /// Whether a number is inside; what is none (NaN) is not.
    #[must_use]
    pub fn holds(&self, number: f64) -> bool {
        let enough = if self.above { number > self.least } else { number >= self.least };
        enough && number <= self.most
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.above {
            write!(f, "above ")?;
        }
        write!(f, "{} to {}", grouped(self.least), grouped(self.most))
    }
}

/// `1,000,000`, and small numbers as they are.
fn grouped(number: f64) -> String {
    let text = number.to_string();
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    rest.map_or(out.clone(), |rest| format!("{out}.{rest}"))
}

/// A fraction of a whole.
pub const SHARE: Span = Span::of(0.0, 1.0, "share");
/// A multiple of what is usual.
pub const MULTIPLE: Span = Span::of(1.0, 1_000_000.0, "times");
/// A time that callers wait.
pub const MILLISECONDS: Span = Span::of(0.0, 3_600_000.0, "ms");
/// An amount of money.
pub const DOLLARS: Span = Span::of(0.0, 1_000_000.0, "dollars");
