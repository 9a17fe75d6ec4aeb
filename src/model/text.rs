//! Attackers' strings made harmless before they reach a terminal or a file that a person opens.
//!
//! A URI or a user agent is written by whoever sends the request. It must never move a cursor, set a title or start a formula.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// `text` with every control character (C0, DEL, C1), bidirectional control and line separator replaced by a visible
/// escape (`\x1b`, `\u{202e}`), fit for a terminal. Text without any is returned unchanged and uncopied.
#[must_use]
pub fn neutralised(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_dangerous) {
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
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether there is nothing in `text` for a reader to see: spaces, controls, characters without a width of their own, and fillers
/// that are drawn as nothing.
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
    fn plain_text_is_not_copied() {
        assert!(matches!(neutralised("GET /käse"), Cow::Borrowed(_)));
    }

    #[test]
    fn shortened_counts_characters_after_neutralising() {
        assert_eq!(shortened("\x1b[31mred", 6), "\\x1b[…");
    }
}
