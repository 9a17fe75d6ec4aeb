//! Pastes of terminals that put no brackets around them. Knows nothing of bytes.

use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyModifiers};

/// Characters that come at once and can still be typed.
const MOST_TYPED: usize = 32;

/// A paste without brackets comes in pieces; no pause between two of them is longer.
const BETWEEN_PIECES: Duration = Duration::from_millis(30);

/// Tells a paste without brackets from typing.
#[derive(Debug, Default)]
pub(super) struct Unbracketed {
    /// Whether the piece before was pasted.
    pasting: bool,
}

impl Unbracketed {
    /// More text at once than anybody types was pasted, by a terminal that says no more of it than that. Every key of
    /// it is part of the paste: nothing in it is a command.
    pub(super) fn take(&mut self, heard: Vec<TerminalEvent>, since: Duration) -> Vec<TerminalEvent> {
        let typed = heard.iter().filter(|event| text_of(event).is_some()).count();
        // A pause ends it, whatever comes after that: answers hold no text, and a key behind one is a key.
        self.pasting &= since <= BETWEEN_PIECES;
        if typed == 0 {
            return heard;
        }
        self.pasting |= typed > MOST_TYPED;
        if !self.pasting {
            return heard;
        }
        let mut events: Vec<TerminalEvent> = Vec::new();
        for event in heard {
            match (text_of(&event), events.last_mut()) {
                (Some(c), Some(TerminalEvent::Paste(text))) => text.push(c),
                (Some(c), _) => events.push(TerminalEvent::Paste(c.to_string())),
                (None, _) => events.push(event),
            }
        }
        events
    }
}

/// The character that a key stands for in a text.
fn text_of(event: &TerminalEvent) -> Option<char> {
    let TerminalEvent::Key(key) = event else { return None };
    match key.code {
        KeyCode::Char(c) if (key.modifiers - KeyModifiers::SHIFT).is_empty() => Some(c),
        KeyCode::Char('j') if key.modifiers == KeyModifiers::CONTROL => Some('\n'),
        KeyCode::Enter if key.modifiers.is_empty() => Some('\n'),
        KeyCode::Tab if key.modifiers.is_empty() => Some('\t'),
        _ => None,
    }
}
