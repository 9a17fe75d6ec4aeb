//! Numbers, times and foreign text as they stand on the screen: short, with `?` for unknown and `~` for provisional.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::action::{LifeError, life};
pub(crate) use crate::model::duration::words as duration;
use crate::model::figure::{Figure, Scope};
use crate::model::text::neutralised;
pub(crate) use crate::model::words::{counted, tenths};

/// A rate or a count: `0`, `0.3`, `12`, `1.2k`, `45k`, `1.2M`. Something above zero is never shown as `0`.
pub(crate) fn rate(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        v if v < 0.0 => format!("{v:.1}"),
        v if v < 0.05 => "<0.1".into(),
        v if v < 9.95 => format!("{v:.1}"),
        v if v < 999.5 => format!("{v:.0}"),
        v if v < 9_950.0 => format!("{:.1}k", v / 1e3),
        v if v < 999_500.0 => format!("{:.0}k", v / 1e3),
        v if v < 9_950_000.0 => format!("{:.1}M", v / 1e6),
        v => format!("{:.0}M", v / 1e6),
    }
}

/// A fraction as a percentage: `0`, `<.1%`, `4.2%`, `62%`, `>99%`: nothing rounds to none or to all.
pub(crate) fn percent(value: f64) -> String {
    match value * 100.0 {
        0.0 => "0".into(),
        v if v > 0.0 && v < 0.05 => "<.1%".into(),
        v if v < 9.95 => format!("{v:.1}%"),
        v if v > 99.0 && value < 1.0 - 1e-9 => ">99%".into(),
        v => format!("{v:.0}%"),
    }
}

/// Milliseconds: `85ms`, `1.2s`, `29s`.
pub(crate) fn millis(value: f64) -> String {
    match value {
        v if v < 0.5 && v > 0.0 => "<1ms".into(),
        v if v < 999.5 => format!("{v:.0}ms"),
        v if v < 9_950.0 => format!("{:.1}s", v / 1e3),
        v => format!("{:.0}s", v / 1e3),
    }
}

/// Dollars: `$0.004`, `$1.23`, `$410`.
pub(crate) fn dollars(value: f64) -> String {
    match value {
        0.0 => "$0".into(),
        v if v < 0.1 => format!("${v:.3}"),
        v if v < 100.0 => format!("${v:.2}"),
        v => format!("${v:.0}"),
    }
}

/// A figure in its column: the value as `show` writes it, `~` before it while AWS may still change it, `?` where
/// unknown.
pub(crate) fn figure(figure: &Figure, show: fn(f64) -> String) -> String {
    match figure {
        Figure::Known(reading) if reading.provisional => format!("~{}", show(reading.value)),
        Figure::Known(reading) => show(reading.value),
        Figure::Unknown(_) => "?".into(),
    }
}

/// The mark of what a figure covers beyond its stage: `acl:3`, `api:2`, or nothing.
pub(crate) fn scope(waf: &Figure, requests: &Figure) -> String {
    let mut out = String::new();
    if let Some(Scope::WebAcl { stages, .. }) = waf.reading().map(|r| &r.scope)
        && *stages > 1
    {
        let _ = write!(out, "acl:{stages}");
    }
    if let Some(Scope::ApiName { apis }) = requests.reading().map(|r| &r.scope)
        && *apis > 1
    {
        if out.is_empty() {
            let _ = write!(out, "api:{apis}");
        } else {
            out.push('+');
        }
    }
    out
}

/// `03:02:00Z`
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%SZ").to_string()
}

/// `03:02Z`
pub(crate) fn minute(at: DateTime<Utc>) -> String {
    at.format("%H:%MZ").to_string()
}

/// An age or a remaining time in whole minutes: `0m`, `12m`, `3h05m`, `2d04h`. Less than a minute is `0m`.
pub(crate) fn minutes(span: TimeDelta) -> String {
    let total = span.num_minutes().max(0);
    match (total / 1440, total / 60 % 24, total % 60) {
        (0, 0, m) => format!("{m}m"),
        (0, h, m) => format!("{h}h{m:02}m"),
        (d, h, _) => format!("{d}d{h:02}h"),
    }
}

/// How long something is to last, seconds, as it is typed; `None` for an empty text, which means until somebody undoes
/// it.
pub(crate) fn lifetime(text: &str) -> Result<Option<u64>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    life(text).map(Some).map_err(|error| match error {
        LifeError::NotADuration(_) => format!("{error}, or nothing for until undone"),
        LifeError::TooShort | LifeError::TooLong => error.to_string(),
    })
}

/// `text` neutralised and cut to `width` columns of the terminal, `…` in place of what was cut.
pub(crate) fn fit(text: &str, width: usize) -> Cow<'_, str> {
    let clean = neutralised(text);
    if clean.width() <= width {
        return clean;
    }
    let mut out = String::with_capacity(width + 4);
    let mut used = 0;
    for c in clean.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > width {
            break;
        }
        out.push(c);
        used += wide;
    }
    if width > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// The same, cut in the middle: of names that begin alike the end tells which is which, and gets two thirds.
pub(crate) fn fit_ends(text: &str, width: usize) -> Cow<'_, str> {
    let clean = neutralised(text);
    if clean.width() <= width {
        return clean;
    }
    if width < 4 {
        return Cow::Owned(fit(&clean, width).into_owned());
    }
    let tail_room = (width - 1) * 2 / 3;
    let head = taken(clean.chars(), width - 1 - tail_room);
    let tail: String = taken(clean.chars().rev(), tail_room).chars().rev().collect();
    Cow::Owned(format!("{head}…{tail}"))
}

/// The first characters that fit.
fn taken(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    chars.take_while(fits).collect()
}

/// `text` neutralised and broken into lines of at most `width` columns, at spaces where there are any.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let clean = neutralised(text);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in clean.split(' ') {
        let wide = word.width();
        if used > 0 && used + 1 + wide > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        if wide <= width {
            line.push_str(word);
            used += wide;
            continue;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if used + wide > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += wide;
        }
    }
    lines.push(line);
    lines
}

/// The capital of a letter, where that is one character.
pub(crate) fn capital(c: char) -> char {
    let mut capitals = c.to_uppercase();
    match (capitals.next(), capitals.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_that_is_too_long_keeps_its_end() {
        assert_eq!(fit_ends("shop/prod", 12), "shop/prod");
        assert_eq!(fit_ends("Imported on 2022-03-15T20:13:40Z/prod", 20), "Importe…:13:40Z/prod");
        assert_eq!(fit_ends("Imported on 2022-03-15T20:13:40Z/prod", 3), "Im…");
        assert_eq!(fit_ends("店店店店店店店/prod", 12), "店店…店/prod");
    }

    #[test]
    fn zero_is_zero_and_little_is_not() {
        assert_eq!((rate(0.0), rate(0.001), rate(0.3)), ("0".into(), "<0.1".into(), "0.3".into()));
        assert_eq!(
            (percent(0.0), percent(0.000_1), percent(0.042), percent(0.996), percent(1.0)),
            ("0".into(), "<.1%".into(), "4.2%".into(), ">99%".into(), "100%".into())
        );
        assert_eq!(
            (rate(9.96), rate(999.6), rate(12_345.0), rate(2.5e6)),
            ("10".into(), "1.0k".into(), "12k".into(), "2.5M".into())
        );
        assert_eq!((millis(84.6), millis(1_234.0)), ("85ms".into(), "1.2s".into()));
    }

    #[test]
    fn nothing_typed_lasts_until_somebody_undoes_it() {
        assert_eq!(lifetime("90m"), Ok(Some(5_400)));
        assert_eq!(lifetime("  "), Ok(None));
        for text in ["4", "0h", "45s", "500d"] {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_cut_says_so_in_columns_not_characters() {
        assert_eq!(fit("shop/prod", 9), "shop/prod");
        assert_eq!(fit("shop/prod", 6), "shop/…");
        assert_eq!(fit("店店店", 4), "店…");
        assert_eq!(fit("\x1b[2J", 20), "\\x1b[2J");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn long_words_are_broken_and_none_lost() {
        let text = "one two aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa three";
        let lines = wrap(text, 10);
        assert!(lines.iter().all(|l| l.width() <= 10), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
    }
}
