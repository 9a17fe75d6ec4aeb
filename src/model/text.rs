//! Attackers' strings made harmless before they reach a terminal or a file that a person opens.
//!
//! A URI or a user agent is written by whoever sends the request. It must never move a cursor, set a title or start a
//! formula.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// `text` on one line and fit for a terminal: whatever could act on it, or cannot be seen, is a visible escape (`\x1b`,
/// `\u{202e}`). That is control characters (C0, DEL, C1), bidirectional controls, line separators, format characters,
/// blanks other than the space, fillers, variation selectors, private use and what Unicode has not assigned. Text
/// without any is returned unchanged and uncopied.
#[must_use]
pub fn neutralised(text: &str) -> Cow<'_, str> {
    escaped(text, is_dangerous)
}

/// The same for text of our own making: its line ends and tabs stay.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |c| !matches!(c, '\n' | '\t') && is_dangerous(c))
}

fn escaped(text: &str, is_dangerous: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if !is_dangerous(c) {
            out.push(c);
        } else if (c as u32) < 0x100 {
            let _ = write!(out, "\\x{:02x}", c as u32);
        } else {
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        }
    }
    Cow::Owned(out)
}

fn is_dangerous(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    is_invisible(c) || (c != '\u{3000}' && !is_assigned_and_visible(c))
}

/// What `std` takes for printable and yet leaves no mark: fillers, variation selectors, joiners.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fffc}' | '\u{1d159}' | '\u{e0100}'..='\u{e01ef}')
}

/// By `std`'s own table, which comes with its Unicode version: all of Cc, Cf, Zl, Zp, Zs, Co and Cn is escaped. The
/// character follows another one, since a mark that combines is escaped where it comes first.
fn is_assigned_and_visible(c: char) -> bool {
    let mut buffer = [b'a', 0, 0, 0, 0];
    let end = 1 + c.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..end]).is_ok_and(|pair| pair.escape_debug().nth(1) != Some('\\'))
}

/// Whether there is nothing in `text` for a reader to see: spaces, controls, characters without a width of their own,
/// and fillers that are drawn as nothing.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    let unseen = |c: char| {
        c.is_whitespace()
            || is_dangerous(c)
            || UnicodeWidthChar::width(c).is_none_or(|width| width == 0)
            || matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{fffc}')
    };
    text.chars().all(unseen)
}

/// `61,000`: thousands set apart.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `text` neutralised and cut to `width` characters, with `…` in place of what was cut.
#[must_use]
pub fn shortened(text: &str, width: usize) -> String {
    let clean = neutralised(text);
    if clean.chars().count() <= width {
        return clean.into_owned();
    }
    let mut out: String = clean.chars().take(width.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// A word as a shell takes it.
#[must_use]
pub fn quoted(word: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    let tame = |c: char| bare(c) || " {}".contains(c);
    if !word.is_empty() && word.chars().all(bare) {
        word.to_owned()
    } else if word.chars().all(tame) {
        format!("\"{word}\"")
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_visible_text() {
        assert_eq!(neutralised("\x1b]0;owned\x07"), "\\x1b]0;owned\\x07");
        assert_eq!(neutralised("a\u{202e}b\u{9b}31m"), "a\\u{202e}b\\x9b31m");
    }

    #[test]
    fn what_nobody_can_see_is_blank() {
        let unseen = ['\u{200b}', '\u{feff}', '\u{2060}', '\u{00ad}', '\u{034f}', '\u{3164}', '\u{2800}', '\u{fe0f}'];
        for c in
            unseen.into_iter().chain(['\u{e0020}', '\u{3000}', '\u{a0}', '\x1b', '\u{301}', '\u{1d173}', '\u{180e}'])
        {
            assert!(is_blank(&format!(" {c}\t{c}")), "U+{:04X}", c as u32);
            assert!(!is_blank(&format!("{c}they are the botnet{c}")), "U+{:04X}", c as u32);
        }
        assert!(is_blank("") && !is_blank(".") && !is_blank("店"));
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        for c in "\u{0}\u{1b}\u{7f}\u{9b}\u{a0}\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{200b}\u{200e}\u{2028}\u{202a}\u{202e}\u{2066}\u{2069}\
            \u{2800}\u{3164}\u{e000}\u{fe0f}\u{feff}\u{fff9}\u{ffff}\u{1d173}\u{e0041}\u{e0100}\u{f0000}\u{10ffff}\u{378}"
            .chars()
        {
            let text = format!("a{c}b");
            let shown = neutralised(&text);
            assert!(!shown.contains(c) && shown.contains('\\'), "{c:?} gave {shown:?}");
            assert_eq!(printable(&text), shown);
        }
    }

    #[test]
    fn what_people_write_stays() {
        for text in
            ["GET /käse", "e\u{301}", "ö ф é 店 東京\u{3000}駅 🔥 עברית عربي ไทย हिन्दी", "“quotes” … 93.1 % ×2 → ▸"]
        {
            assert!(matches!(neutralised(text), Cow::Borrowed(_)), "{:?}", neutralised(text));
        }
    }

    #[test]
    fn only_lines_of_our_own_stay_lines() {
        assert_eq!(printable("a\n\tb\r\u{85}"), "a\n\tb\\x0d\\x85");
        assert_eq!(neutralised("a\n\tb"), "a\\x0a\\x09b");
    }

    #[test]
    fn plain_text_is_not_copied() {
        assert!(matches!(neutralised("GET /käse"), Cow::Borrowed(_)));
    }

    #[test]
    fn shortened_counts_characters_after_neutralising() {
        assert_eq!(shortened("\x1b[31mred", 6), "\\x1b[…");
    }
}
