//! One key: as a file writes it, as a terminal sends it, as it is shown.

use crokey::{KeyCombination, KeyCombinationFormat};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

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

/// A key as a file writes it. A lone capital letter means shift and the letter: the parser below would take it for the
/// small one, in silence. What is beyond ASCII it does not take.
pub(super) fn key(text: &str) -> Option<KeyCombination> {
    let last = text.chars().next_back()?;
    let parsed = match text.strip_suffix(last)? {
        before if !last.is_ascii() => {
            let is_one = (before.is_empty() || before.ends_with('-')) && !last.is_control();
            let mut key = crokey::parse(&format!("{before}x")).ok().filter(|_| is_one)?;
            *key.codes.first_mut() = KeyCode::Char(last);
            Some(key)
        }
        // With Ctrl a capital is no other key.
        before @ ("" | "alt-") if last.is_ascii_uppercase() => crokey::parse(&format!("{before}shift-{last}")).ok(),
        _ => crokey::parse(text).ok(),
    };
    parsed.filter(|key| key.is_ansi_compatible()).map(normalised)
}

/// The key of an event, in the form in which keys are looked up.
pub(super) fn pressed(event: &KeyEvent) -> KeyCombination {
    normalised(KeyCombination::from(*event))
}

/// Shift is part of `?` or `!` already, and terminals disagree on whether they say so; letters keep it.
fn normalised(key: KeyCombination) -> KeyCombination {
    let mut key = key.normalized();
    if let KeyCode::Char(c) = *key.codes.first()
        && !c.is_ascii_alphabetic()
    {
        key.modifiers.remove(KeyModifiers::SHIFT);
    }
    key
}

pub(super) fn is_typed(key: KeyCombination) -> bool {
    matches!(key.codes.first(), KeyCode::Char(_))
        && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
}

/// A key as it is shown: `G`, `Ctrl-c`, `Enter`, `↑`.
pub(super) fn shown(key: KeyCombination) -> String {
    if key.modifiers.is_empty() {
        match key.codes.first() {
            KeyCode::Up => return "↑".into(),
            KeyCode::Down => return "↓".into(),
            KeyCode::Left => return "←".into(),
            KeyCode::Right => return "→".into(),
            // What is on the keyboard: terminals have a name of their own for it.
            KeyCode::BackTab => return "Shift-Tab".into(),
            _ => {}
        }
    }
    KeyCombinationFormat::default().with_implicit_shift().to_string(key)
}

/// Why a key never comes from a terminal as itself, and what to write instead; `None` where it does.
pub(super) fn never_comes(key: KeyCombination) -> Option<(&'static str, &'static str)> {
    let KeyCode::Char(c) = *key.codes.first() else { return None };
    let sent_as = |name, instead| Some((name, instead));
    match c.to_ascii_lowercase() {
        'i' if key.modifiers.contains(KeyModifiers::CONTROL) => sent_as("terminals send it as Tab", "write tab"),
        'm' if key.modifiers.contains(KeyModifiers::CONTROL) => sent_as("terminals send it as Enter", "write enter"),
        '[' if key.modifiers.contains(KeyModifiers::CONTROL) => sent_as("terminals send it as Esc", "write esc"),
        'h' if key.modifiers.contains(KeyModifiers::CONTROL) => {
            sent_as("terminals send it as Backspace, or Backspace as it", "write backspace")
        }
        // Escape and these begin and end sequences (docs/decisions/0019).
        _ if "[]OPX^_\\".contains(c) && key.modifiers.contains(KeyModifiers::ALT) => sent_as(
            "terminals begin or end their own answers with it",
            "use another character with alt-, or one with ctrl-",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_is_any_character() {
        for text in ["ö", "ф", "é", "店", "alt-é", "ctrl-x", "Q", "-", "?"] {
            assert!(key(text).is_some(), "{text}");
        }
        let sent = |c| pressed(&KeyEvent::new(KeyCode::Char(c), KeyModifiers::SHIFT));
        assert_eq!((key("Ö").unwrap(), key("Q").unwrap()), (sent('Ö'), sent('Q')));
        for text in ["", "öö", "xö", "a-b", "\u{9b}", "é-x"] {
            assert_eq!(key(text), None, "{text}");
        }
    }

    #[test]
    fn what_no_terminal_sends_is_known() {
        for c in ["[", "]", "O", "P", "X", "^", "_", "\\"] {
            assert!(never_comes(key(&format!("alt-{c}")).unwrap()).is_some(), "alt-{c}");
            assert_eq!(never_comes(key(c).unwrap()), None, "{c}");
        }
        for text in ["alt-shift-o", "alt-shift-p", "alt-shift-x", "ctrl-i", "ctrl-m", "ctrl-h", "ctrl-["] {
            assert!(never_comes(key(text).unwrap()).is_some(), "{text}");
        }
        for text in ["alt-o", "alt-x", "alt-{", "ctrl-j", "ctrl-x", "i", "tab"] {
            assert_eq!(never_comes(key(text).unwrap()), None, "{text}");
        }
    }
}
