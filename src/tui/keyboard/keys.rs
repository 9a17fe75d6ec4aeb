//! The keys that terminals send, by their bytes: those of xterm and what resembles it, rxvt's and the Linux console's. Whatever is not
//! here is no key.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A byte of ASCII.
pub(super) fn ascii(byte: u8) -> KeyEvent {
    let control = |c: u8| KeyEvent::new(KeyCode::Char(char::from(c)), KeyModifiers::CONTROL);
    match byte {
        b'\r' => KeyCode::Enter.into(),
        b'\t' => KeyCode::Tab.into(),
        0x7f => KeyCode::Backspace.into(),
        0x1b => KeyCode::Esc.into(),
        0x00 => control(b' '),
        0x01..=0x1a => control(byte - 1 + b'a'),
        0x1c..=0x1f => control(byte - 0x1c + b'4'),
        _ => character(char::from(byte)),
    }
}

/// A character; a capital letter comes with Shift.
pub(super) fn character(c: char) -> KeyEvent {
    let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    KeyEvent::new(KeyCode::Char(c), shift)
}

/// `CSI parameters last`.
pub(super) fn sequence(parameters: &[u8], last: u8) -> Option<KeyEvent> {
    let Parameters { numbers, kind } = Parameters::read(parameters)?;
    let [first, modifiers, third] = numbers;
    let code = match last {
        b'~' if first == Some(27) => {
            let key = of_code(third?)?;
            return Some(with(key, modifiers, kind));
        }
        b'~' => numbered(first?)?,
        b'u' => return Some(with(of_code(first?)?, modifiers, kind)),
        // `CSI row ; column R` is where the cursor is, whatever F3 may have been.
        b'R' => return None,
        _ if first.is_some_and(|first| first != 1) || third.is_some() => return None,
        _ => lettered(last)?,
    };
    Some(with(code, modifiers, kind))
}

/// `SS3 parameters last`: the first function keys, and cursor keys in application mode.
pub(super) fn shifted(parameters: &[u8], last: u8) -> Option<KeyEvent> {
    let Parameters { numbers: [first, second, _], kind } = Parameters::read(parameters)?;
    let code = match last {
        b'M' => KeyCode::Enter,
        b'R' => KeyCode::F(3),
        b'Z' => return None,
        _ => lettered(last)?,
    };
    Some(with(code, second.or(first), kind))
}

fn lettered(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        b'S' => KeyCode::F(4),
        b'Z' => KeyCode::BackTab,
        _ => return None,
    })
}

fn numbered(number: u32) -> Option<KeyCode> {
    let function = |base: u32| u8::try_from(number - base).ok().map(KeyCode::F);
    match number {
        1 | 7 => Some(KeyCode::Home),
        2 => Some(KeyCode::Insert),
        3 => Some(KeyCode::Delete),
        4 | 8 => Some(KeyCode::End),
        5 => Some(KeyCode::PageUp),
        6 => Some(KeyCode::PageDown),
        11..=15 => function(10),
        17..=21 => function(11),
        23..=26 => function(12),
        28 | 29 => function(13),
        31..=34 => function(14),
        _ => None,
    }
}

/// A key by its character's number, as terminals send it that tell Ctrl-i from Tab.
fn of_code(code: u32) -> Option<KeyCode> {
    Some(match char::from_u32(code)? {
        '\u{1b}' => KeyCode::Esc,
        '\r' => KeyCode::Enter,
        '\t' => KeyCode::Tab,
        '\u{8}' | '\u{7f}' => KeyCode::Backspace,
        c if c.is_control() => return None,
        // Keys that have no character stand in the private use area.
        '\u{e000}'..='\u{f8ff}' => return None,
        c => KeyCode::Char(c),
    })
}

fn with(code: KeyCode, modifiers: Option<u32>, kind: KeyEventKind) -> KeyEvent {
    let mask = modifiers.unwrap_or(1).saturating_sub(1);
    let named =
        [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL), (8, KeyModifiers::SUPER)];
    let mut held = named.iter().filter(|(bit, _)| mask & bit != 0).fold(KeyModifiers::NONE, |all, (_, one)| all | *one);
    let code = match code {
        KeyCode::Tab if held.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        KeyCode::Char(c) if held.contains(KeyModifiers::SHIFT) && c.is_ascii_lowercase() => {
            KeyCode::Char(c.to_ascii_uppercase())
        }
        code => code,
    };
    if code == KeyCode::BackTab {
        held |= KeyModifiers::SHIFT;
    }
    KeyEvent::new_with_kind(code, held, kind)
}

/// Up to three numbers, and whether the key went down, repeats or was let go.
struct Parameters {
    numbers: [Option<u32>; 3],
    kind: KeyEventKind,
}

impl Parameters {
    /// Private sequences (`?`, `<`, `=`, `>`) and those with intermediate bytes are answers, and no keys.
    fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        if !text.chars().all(|c| c.is_ascii_digit() || matches!(c, ';' | ':')) {
            return None;
        }
        let mut numbers = [None; 3];
        let mut kind = KeyEventKind::Press;
        for (at, part) in text.split(';').enumerate() {
            let mut sub = part.split(':');
            let number = sub.next().unwrap_or_default();
            if !number.is_empty() {
                *numbers.get_mut(at)? = Some(number.parse().ok()?);
            }
            if at == 1 {
                kind = match sub.next() {
                    Some("2") => KeyEventKind::Repeat,
                    Some("3") => KeyEventKind::Release,
                    _ => KeyEventKind::Press,
                };
            }
        }
        Some(Self { numbers, kind })
    }
}
