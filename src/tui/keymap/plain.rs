//! What a plain terminal cannot tell apart: its keyboard is a line of characters, on which Ctrl-i is Tab.
//!
//! Where the terminal offers the kitty keyboard protocol (`docs/decisions/0019-keys-are-decoded-here.md`) all of it
//! comes as itself, so it is bound, and warned of.

use std::fmt;

use crokey::KeyCombination;
use crossterm::event::{KeyCode, KeyModifiers};

use super::key::{is_typed, shown_all};
use super::{Binding, Found, Keymap};
use crate::tui::command::Context;

/// A binding that a plain terminal cannot tell from another key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// File and line.
    pub at: String,
    /// The binding: `Ctrl-i (sort)`.
    pub bound: String,
    /// How a plain terminal sends it, and what that does.
    pub sent: String,
}

impl Warning {
    /// For the line in which the console says what is so.
    #[must_use]
    pub fn short(&self) -> String {
        format!("{}: this terminal sends it {}", self.bound, self.sent)
    }

    /// The reason, without its place.
    #[must_use]
    pub fn message(&self) -> String {
        format!(
            "{}: a plain terminal sends it {}; only one that offers the kitty keyboard protocol tells them apart",
            self.bound, self.sent
        )
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message())
    }
}

/// What of a keymap only some terminals send.
pub(super) fn warnings(keymap: &Keymap) -> Vec<Warning> {
    let of =
        |binding: &Binding| binding.keys.iter().filter_map(|keys| warning(keymap, binding, keys)).collect::<Vec<_>>();
    keymap.bindings.iter().flat_map(of).collect()
}

fn warning(keymap: &Keymap, binding: &Binding, keys: &[KeyCombination]) -> Option<Warning> {
    let sent: Vec<KeyCombination> = keys.iter().map(|key| sent_as(*key).unwrap_or(*key)).collect();
    if sent == keys {
        return None;
    }
    let does = match keymap.looked_up(binding.context, &sent) {
        Found::Command(command) if command == binding.command => return None,
        Found::Command(command) => format!("does {} there", command.name()),
        Found::Begins => "begins a sequence there".to_owned(),
        Found::Nothing => does_nothing(keymap, binding.context, &sent),
    };
    // Which of the two the key beside the space bar sends is a setting of the terminal.
    let or = if sent.iter().any(|key| *key.codes.first() == KeyCode::Backspace) { ", or Backspace as it" } else { "" };
    Some(Warning {
        at: binding.at.clone(),
        bound: format!("{} ({})", shown_all(keys), binding.command.name()),
        sent: format!("as {}{or}, which {does}", shown_all(&sent)),
    })
}

/// What keys do that are bound to nothing in a context: they are typed, or do something on some screens.
fn does_nothing(keymap: &Keymap, context: Context, keys: &[KeyCombination]) -> String {
    let own = || {
        let mut screens = Context::ALL.into_iter().filter(|screen| *screen != Context::Prompt);
        screens.find_map(|screen| Some((screen, *keymap.lookup.get(&screen)?.get(keys)?)))
    };
    match context {
        Context::Prompt if keys.iter().all(|key| is_typed(*key)) => "is typed there".to_owned(),
        Context::Global => own().map_or_else(
            || "does nothing".to_owned(),
            |(screen, command)| format!("does {} in [{}]", command.name(), screen.name()),
        ),
        _ => "does nothing there".to_owned(),
    }
}

/// The key as which a plain terminal sends another; `None` where it sends it as itself.
fn sent_as(key: KeyCombination) -> Option<KeyCombination> {
    let mut sent = key;
    // No plain terminal knows these.
    sent.modifiers.remove(KeyModifiers::SUPER | KeyModifiers::HYPER | KeyModifiers::META);
    if sent.modifiers.contains(KeyModifiers::CONTROL) {
        controlled(&mut sent);
    }
    let is_plain = matches!(*sent.codes.first(), KeyCode::Enter | KeyCode::Esc | KeyCode::Backspace | KeyCode::Tab);
    if is_plain {
        sent.modifiers.remove(KeyModifiers::SHIFT | KeyModifiers::CONTROL);
    }
    (sent != key).then_some(sent)
}

/// Ctrl and a character is one of 32 controls, or the character.
fn controlled(key: &mut KeyCombination) {
    let KeyCode::Char(c) = *key.codes.first() else { return };
    let code = match c.to_ascii_lowercase() {
        'i' => KeyCode::Tab,
        'm' => KeyCode::Enter,
        '[' | '3' => KeyCode::Esc,
        'h' | '8' | '?' => KeyCode::Backspace,
        '/' => KeyCode::Char('_'),
        letter @ 'a'..='z' => KeyCode::Char(letter),
        same @ (' ' | '\\' | ']' | '^' | '_') => KeyCode::Char(same),
        other => {
            key.modifiers.remove(KeyModifiers::CONTROL);
            KeyCode::Char(other)
        }
    };
    key.modifiers.remove(KeyModifiers::SHIFT);
    *key.codes.first_mut() = code;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::super::key::key;
    use super::super::load;
    use super::*;

    #[test]
    fn what_a_plain_terminal_sends_is_known() {
        for (text, sent) in [
            ("ctrl-i", "tab"),
            ("ctrl-m", "enter"),
            ("ctrl-[", "esc"),
            ("ctrl-h", "backspace"),
            ("ctrl-alt-i", "alt-tab"),
            ("ctrl-shift-i", "tab"),
            ("ctrl-shift-x", "ctrl-x"),
            ("ctrl-1", "1"),
            ("ctrl-ф", "ф"),
            ("ctrl-enter", "enter"),
            ("shift-enter", "enter"),
            ("ctrl-tab", "tab"),
            ("cmd-x", "x"),
        ] {
            assert_eq!(sent_as(key(text).unwrap()), key(sent), "{text}");
        }
        for text in [
            "x",
            "G",
            "ф",
            "tab",
            "backtab",
            "enter",
            "alt-enter",
            "ctrl-j",
            "ctrl-x",
            "ctrl-space",
            "ctrl-\\",
            "ctrl-4",
        ]
        .into_iter()
        .chain(["ctrl-up", "shift-f5", "alt-x", "alt-X", "?", "delete"])
        {
            assert_eq!(sent_as(key(text).unwrap()), None, "{text}");
        }
    }

    #[test]
    fn a_warning_says_what_the_other_key_does() {
        let said = |text: &str| {
            let keymap = load(Some((Path::new("my.toml"), text))).unwrap();
            keymap.warnings().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let both = said("[board]\nsort = [\"o\", \"ctrl-i\"]\n");
        assert_eq!(both.len(), 1);
        assert!(
            both[0].starts_with(
                "my.toml:2: Ctrl-i (sort): a plain terminal sends it as Tab, which does next-account there;"
            ),
            "{both:?}"
        );
        assert!(said("[stage]\nreload = \"ctrl-i\"\n")[0].contains("as Tab, which does nothing there"));
        assert!(said("[board]\nsort = \"x ctrl-m\"\nclose = \"x x\"\n")[0].contains("as x Enter, which does nothing"));
        assert!(said("[prompt]\nsubmit = [\"enter\", \"ctrl-.\"]\n")[0].contains("as ., which is typed there"));
        assert_eq!(said("[prompt]\nsubmit = [\"enter\", \"ctrl-m\"]\n"), [""; 0], "the same command");
        assert_eq!(said(""), [""; 0]);
    }
}
