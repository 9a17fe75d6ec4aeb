//! One key: as a file writes it, as a terminal sends it, as it is shown.

use std::borrow::Cow;

use crokey::{KeyCombination, KeyCombinationFormat};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_width::UnicodeWidthChar;

use crate::model::text::neutralised;
use crate::tui::format::capital;

pub(super) const NAMED_KEYS: [&str; 16] = [
    "esc",
    "enter",
    "space",
    "tab",
    "backtab",
    "backspace",
    "delete",
    "insert",
    "home",
    "end",
    "pageup",
    "pagedown",
    "up",
    "down",
    "left",
    "right",
];

/// The presses that a file writes with spaces between them; `None` where one of them is no key. A space alone is the
/// key.
pub(super) fn presses(text: &str) -> Option<Vec<KeyCombination>> {
    let parts: Vec<&str> =
        if text == " " { vec![text] } else { text.split(' ').filter(|part| !part.is_empty()).collect() };
    let keys: Vec<KeyCombination> = parts.into_iter().map(key).collect::<Option<_>>()?;
    (!keys.is_empty()).then_some(keys)
}

/// A key as a file writes it. A lone capital letter means shift and the letter: the parser below would take it for the
/// small one, in silence. What is beyond ASCII it does not take.
pub(super) fn key(text: &str) -> Option<KeyCombination> {
    let last = text.chars().next_back()?;
    if text.chars().any(char::is_control) {
        return None;
    }
    let parsed = match text.strip_suffix(last)? {
        before if !last.is_ascii() => beyond_ascii(before, last),
        // With Ctrl a capital is no other key.
        before @ ("" | "alt-") if last.is_ascii_uppercase() => crokey::parse(&format!("{before}shift-{last}")).ok(),
        _ => crokey::parse(text).ok(),
    };
    parsed.filter(|key| key.is_ansi_compatible()).map(normalised)
}

/// A character of any script, whether it is drawn by itself or combines with the one before, after `alt-` and the like.
fn beyond_ascii(before: &str, c: char) -> Option<KeyCombination> {
    let can_be_seen = !c.is_whitespace() && matches!(neutralised(c.encode_utf8(&mut [0; 4])), Cow::Borrowed(_));
    if !can_be_seen || !(before.is_empty() || before.ends_with('-')) {
        return None;
    }
    let mut key = crokey::parse(&format!("{before}x")).ok()?;
    let is_shifted = key.modifiers.contains(KeyModifiers::SHIFT);
    *key.codes.first_mut() = KeyCode::Char(if is_shifted { capital(c) } else { c });
    Some(key)
}

/// Why a text is no key, where it is more than a mistyped name.
pub(super) fn several(text: &str) -> Option<usize> {
    let written = text.rsplit('-').next().unwrap_or(text);
    let characters = written.chars().count();
    (characters > 1 && !written.is_ascii()).then_some(characters)
}

/// The key of an event, in the form in which keys are looked up.
pub(super) fn pressed(event: &KeyEvent) -> KeyCombination {
    normalised(KeyCombination::from(*event))
}

/// One form for each key. Shift is part of `?` or `!` already, and terminals disagree on whether they say so; letters
/// keep it. Four controls have a digit's name where they are decoded, and their own on the keyboard.
fn normalised(key: KeyCombination) -> KeyCombination {
    let mut key = key.normalized();
    let KeyCode::Char(c) = key.codes.first_mut() else { return key };
    if !c.is_ascii_alphabetic() {
        key.modifiers.remove(KeyModifiers::SHIFT);
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        *c = match *c {
            '4' => '\\',
            '5' => ']',
            '6' => '^',
            '7' => '_',
            '2' | '@' => ' ',
            other => other,
        };
    }
    key
}

pub(super) fn is_typed(key: KeyCombination) -> bool {
    matches!(key.codes.first(), KeyCode::Char(_))
        && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
}

/// Esc, by its own key.
pub(super) fn is_escape(key: &KeyCombination) -> bool {
    *key.codes.first() == KeyCode::Esc && key.modifiers.is_empty()
}

/// A key as it is shown: `G`, `Ctrl-c`, `Enter`, `↑`.
pub(super) fn shown(key: KeyCombination) -> String {
    let code = *key.codes.first();
    if key.modifiers.is_empty() {
        match code {
            KeyCode::Up => return "↑".into(),
            KeyCode::Down => return "↓".into(),
            KeyCode::Left => return "←".into(),
            KeyCode::Right => return "→".into(),
            _ => {}
        }
    }
    // What is on the keyboard: terminals have a name of their own for it.
    if code == KeyCode::BackTab && key.modifiers == KeyModifiers::SHIFT {
        return "Shift-Tab".into();
    }
    let format = KeyCombinationFormat::default();
    let is_capital = matches!(code, KeyCode::Char(_)) && !key.modifiers.contains(KeyModifiers::CONTROL);
    let mut words = if is_capital { format.with_implicit_shift() } else { format }.to_string(key);
    if let KeyCode::Char(c) = code
        && c.width() == Some(0)
    {
        // What combines with the character before it would do so here.
        words.insert(words.len() - c.len_utf8(), '◌');
    }
    words
}

/// Several presses as they are shown: `g g`.
pub(super) fn shown_all(keys: &[KeyCombination]) -> String {
    keys.iter().map(|key| shown(*key)).collect::<Vec<_>>().join(" ")
}

/// Why no terminal sends a key as itself, whatever it offers, and what to write instead; `None` where one does.
pub(super) fn never_comes(key: KeyCombination) -> Option<(&'static str, &'static str)> {
    let KeyCode::Char(c) = *key.codes.first() else { return None };
    // Escape and these begin and end sequences (docs/decisions/0019).
    ("[]OPX^_\\".contains(c) && key.modifiers.contains(KeyModifiers::ALT)).then_some((
        "terminals begin or end their own answers with it",
        "use another character with alt-, or one with ctrl-",
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sent(c: char, modifiers: KeyModifiers) -> KeyCombination {
        pressed(&KeyEvent::new(KeyCode::Char(c), modifiers))
    }

    #[test]
    fn a_key_is_any_character_that_can_be_seen() {
        // Letters, what is wide, what is written from the right, vowel signs that combine, a mark by itself, a face.
        for text in ["ö", "ф", "é", "店", "한", "ש", "ع", "ি", "ั", "\u{301}", "🔥", "₿", "“", "Q", "-", "?"]
        {
            let c = text.chars().next().unwrap();
            assert_eq!(key(text), Some(sent(c, KeyModifiers::NONE)), "{text}");
            if !"-?".contains(c) {
                assert_eq!(key(&format!("alt-{text}")), Some(sent(c, KeyModifiers::ALT)), "alt-{text}");
            }
        }
        for text in ["Ö", "Q", "Ф"] {
            let c = text.chars().next().unwrap();
            assert_eq!(key(text), Some(sent(c, KeyModifiers::SHIFT)), "{text}");
            assert_eq!(key(&format!("shift-{}", c.to_lowercase())), key(text), "{text}");
        }
        for text in
            ["", "öö", "xö", "a-b", "\u{9b}", "é-x", "e\u{301}", "❤\u{fe0f}", "\u{200b}", "\u{202e}", "\u{3000}", "\t"]
        {
            assert_eq!(key(text), None, "{text:?}");
        }
        assert_eq!((several("e\u{301}"), several("alt-❤\u{fe0f}"), several("entr")), (Some(2), Some(2), None));
    }

    #[test]
    fn spaces_part_presses() {
        assert_eq!(presses("g g").unwrap().len(), 2);
        assert_eq!(presses("ctrl-x  ctrl-c").unwrap(), [key("ctrl-x").unwrap(), key("ctrl-c").unwrap()]);
        assert_eq!(presses("space f").unwrap(), [key("space").unwrap(), key("f").unwrap()]);
        assert_eq!(presses(" "), presses("space"));
        assert_eq!((presses(""), presses("  "), presses("g gg"), presses("g\tg")), (None, None, None, None));
    }

    #[test]
    fn a_key_is_shown_as_it_is_written() {
        for (text, shows) in [
            ("G", "G"),
            ("shift-g", "G"),
            ("ctrl-c", "Ctrl-c"),
            ("ctrl-C", "Ctrl-c"),
            ("ctrl-shift-c", "Ctrl-Shift-c"),
            ("ctrl-4", "Ctrl-\\"),
            ("ctrl-@", "Ctrl-Space"),
            ("shift-enter", "Shift-Enter"),
            ("backtab", "Shift-Tab"),
            ("up", "↑"),
            ("alt-<", "Alt-<"),
            ("ф", "ф"),
            ("ั", "◌ั"),
        ] {
            assert_eq!(shown(key(text).unwrap()), shows, "{text}");
        }
        assert_eq!(shown_all(&presses("ctrl-x g").unwrap()), "Ctrl-x g");
    }

    #[test]
    fn what_no_terminal_sends_is_known() {
        for c in ["[", "]", "O", "P", "X", "^", "_", "\\"] {
            assert!(never_comes(key(&format!("alt-{c}")).unwrap()).is_some(), "alt-{c}");
            assert_eq!(never_comes(key(c).unwrap()), None, "{c}");
        }
        for text in ["alt-shift-o", "alt-shift-p", "alt-shift-x"] {
            assert!(never_comes(key(text).unwrap()).is_some(), "{text}");
        }
        for text in ["alt-o", "alt-x", "alt-{", "ctrl-i", "ctrl-[", "ctrl-j", "ctrl-x", "i", "tab"] {
            assert_eq!(never_comes(key(text).unwrap()), None, "{text}");
        }
    }
}
