//! The keys that terminals send, by their bytes: those of xterm and what resembles it, rxvt's and the Linux console's.
//! Whatever is not here is no key.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::tui::format::capital;

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
    let Parameters { numbers, shifted, base, kind } = Parameters::read(parameters)?;
    let [first, modifiers, third] = numbers;
    let code = match last {
        b'~' if first == Some(27) => {
            let key = of_code(third?)?;
            return Some(with(key, modifiers, kind));
        }
        b'~' => numbered(first?)?,
        b'u' => return Some(with(of_codes(first?, shifted, base, modifiers)?, modifiers, kind)),
        // `CSI row ; column R` is where the cursor is, whatever F3 may have been.
        b'R' => return None,
        _ if first.is_some_and(|first| first != 1) || third.is_some() => return None,
        _ => lettered(last)?,
    };
    Some(with(code, modifiers, kind))
}

/// `SS3 parameters last`: the first function keys, and cursor keys in application mode.
pub(super) fn shifted(parameters: &[u8], last: u8) -> Option<KeyEvent> {
    let Parameters { numbers: [first, second, _], kind, .. } = Parameters::read(parameters)?;
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

/// The key of the kitty protocol: by its character on the keyboard, the one that Shift makes of it, and the one that is
/// in its place on a keyboard of the USA.
fn of_codes(code: u32, shifted: Option<u32>, base: Option<u32>, modifiers: Option<u32>) -> Option<KeyCode> {
    let held = held(modifiers);
    let key = match (of_code(code)?, shifted.and_then(of_code), base.and_then(of_code)) {
        (KeyCode::Char(_), Some(shifted @ KeyCode::Char(_)), _) if held.contains(KeyModifiers::SHIFT) => shifted,
        // A plain terminal has no controls but those of Latin letters: Ctrl-c leaves, whatever the letters on the keys.
        (KeyCode::Char(c), _, Some(base @ KeyCode::Char(_)))
            if !c.is_ascii() && held.contains(KeyModifiers::CONTROL) =>
        {
            base
        }
        (key, ..) => key,
    };
    Some(key)
}

/// What a terminal says of the kitty protocol where it was asked (`CSI ? flags u`).
pub(super) fn kitty_flags(parameters: &[u8], last: u8) -> Option<u32> {
    let flags = parameters.strip_prefix(b"?").filter(|_| last == b'u')?;
    std::str::from_utf8(flags).ok()?.parse().ok()
}

/// A key by its character's number, as terminals send it that tell Ctrl-i from Tab.
fn of_code(code: u32) -> Option<KeyCode> {
    Some(match char::from_u32(code)? {
        '\u{1b}' => KeyCode::Esc,
        '\r' => KeyCode::Enter,
        '\t' => KeyCode::Tab,
        '\u{8}' | '\u{7f}' => KeyCode::Backspace,
        c if c.is_control() => return None,
        '\u{e000}'..='\u{f8ff}' => return private(code),
        c => KeyCode::Char(c),
    })
}

/// Keys that have no character stand in the private use area: those of the number pad, and the function keys beyond the
/// twelfth. All others (locks, volume, the modifiers themselves) are none here.
fn private(code: u32) -> Option<KeyCode> {
    let nth = |first: u32| u8::try_from(code - first).ok();
    Some(match code {
        57_376..=57_387 => KeyCode::F(13 + nth(57_376)?),
        57_399..=57_408 => KeyCode::Char(char::from(b'0' + nth(57_399)?)),
        57_409 => KeyCode::Char('.'),
        57_410 => KeyCode::Char('/'),
        57_411 => KeyCode::Char('*'),
        57_412 => KeyCode::Char('-'),
        57_413 => KeyCode::Char('+'),
        57_414 => KeyCode::Enter,
        57_415 => KeyCode::Char('='),
        57_416 => KeyCode::Char(','),
        57_417 => KeyCode::Left,
        57_418 => KeyCode::Right,
        57_419 => KeyCode::Up,
        57_420 => KeyCode::Down,
        57_421 => KeyCode::PageUp,
        57_422 => KeyCode::PageDown,
        57_423 => KeyCode::Home,
        57_424 => KeyCode::End,
        57_425 => KeyCode::Insert,
        57_426 => KeyCode::Delete,
        _ => return None,
    })
}

/// The modifiers of a number, which is one above their sum; Caps Lock and Num Lock are none.
fn held(modifiers: Option<u32>) -> KeyModifiers {
    let mask = modifiers.unwrap_or(1).saturating_sub(1);
    let named = [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
        (8, KeyModifiers::SUPER),
        (16, KeyModifiers::HYPER),
        (32, KeyModifiers::META),
    ];
    named.iter().filter(|(bit, _)| mask & bit != 0).fold(KeyModifiers::NONE, |all, (_, one)| all | *one)
}

fn with(code: KeyCode, modifiers: Option<u32>, kind: KeyEventKind) -> KeyEvent {
    let mut held = held(modifiers);
    let code = match code {
        KeyCode::Tab if held.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        KeyCode::Char(c) if held.contains(KeyModifiers::SHIFT) => KeyCode::Char(capital(c)),
        code => code,
    };
    if code == KeyCode::BackTab {
        held |= KeyModifiers::SHIFT;
    }
    KeyEvent::new_with_kind(code, held, kind)
}

/// Up to three numbers, what else is said of the first, and whether the key went down, repeats or was let go.
struct Parameters {
    numbers: [Option<u32>; 3],
    shifted: Option<u32>,
    base: Option<u32>,
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
        let (mut shifted, mut base) = (None, None);
        let mut kind = KeyEventKind::Press;
        for (at, part) in text.split(';').enumerate() {
            let mut sub = part.split(':');
            let number = sub.next().unwrap_or_default();
            if !number.is_empty() {
                *numbers.get_mut(at)? = Some(number.parse().ok()?);
            }
            if at == 0 {
                let mut other = || sub.next().and_then(|number| number.parse().ok());
                (shifted, base) = (other(), other());
            }
            if at == 1 {
                kind = match sub.next() {
                    Some("2") => KeyEventKind::Repeat,
                    Some("3") => KeyEventKind::Release,
                    _ => KeyEventKind::Press,
                };
            }
        }
        Some(Self { numbers, shifted, base, kind })
    }
}
