//! Lengths of time as they are typed and written: one grammar for the screen, the command line, playbooks and
//! messages.
//!
//! Knows nothing of what takes so long.

use std::fmt::Write as _;

use thiserror::Error;

use super::text::neutralised;

/// What was typed is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("“{0}” is not a length of time; write 4h, 90m or 1d12h")]
pub struct NotADuration(String);

/// `4h`, `1h30m`, `45s`, `1d12h`; `0s` for nothing. [`parse`] reads it back.
#[must_use]
pub fn words(seconds: u64) -> String {
    let mut out = String::new();
    let (days, hours, minutes) = (seconds / 86_400, seconds % 86_400 / 3_600, seconds % 3_600 / 60);
    for (count, unit) in [(days, 'd'), (hours, 'h'), (minutes, 'm'), (seconds % 60, 's')] {
        if count > 0 {
            let _ = write!(out, "{count}{unit}");
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// Whole seconds out of `4h`, `90m`, `1d12h`, `1h 30m`, `2 hours`.
///
/// # Errors
/// Where it is none, or has a capital letter: `1M` might be a minute or a month.
pub fn parse(text: &str) -> Result<u64, NotADuration> {
    let text = text.trim();
    let read = humantime::parse_duration(text).ok().filter(|_| !text.contains(|c: char| c.is_uppercase()));
    read.map(|duration| duration.as_secs()).ok_or_else(|| NotADuration(neutralised(text).into_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_write_is_read_and_what_may_be_two_things_is_not() {
        for (text, seconds) in
            [("4h", 14_400), ("90m", 5_400), ("1d12h", 129_600), ("45s", 45), (" 1h 30m ", 5_400), ("2 hours", 7_200)]
        {
            assert_eq!(parse(text), Ok(seconds), "{text}");
        }
        for text in ["", "4", "h", "4x", "-1h", "4h5", "1M", "4H", "99999999999999999999d"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(!parse("\u{1b}[2J").unwrap_err().to_string().contains('\u{1b}'));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0..400 * 86_400_u64) {
            prop_assert_eq!(parse(&words(seconds)), Ok(seconds));
        }
    }
}
