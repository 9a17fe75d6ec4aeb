//! From bytes to keys, so that nothing but a key becomes one.
//!
//! A terminal sends keys and answers on one line, and both as escape sequences. An answer can come late, in pieces, or
//! without an end; a sequence that nobody knows must be skipped whole and not from its second byte on. So this follows
//! the grammar of ECMA-48 as terminals have it, and what a sequence holds is never text:
//!
//! - A control string (OSC, DCS, SOS, PM, APC) holds everything until its end, however long that takes and whatever is
//!   in it. One that does not end can be ended: by Esc, Ctrl-C, Ctrl-X or Ctrl-Z, which is then no key itself.
//! - A control sequence (CSI) ends with its final byte. It is a key where [`super::keys`] knows it, and nothing
//!   otherwise.
//! - Esc by itself is told from the beginning of a sequence by the silence that follows it ([`ESCAPE`]). A sequence
//!   whose rest comes later than that, in one piece, is still one.
//! - A pasted text is a paste, with brackets around it or, where a terminal has none, where more comes at once than
//!   anybody types.
//!
//! Pure: time comes in with the bytes.

use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};

use super::background::is_light;
use super::keys;
use super::paste::Unbracketed;

/// The silence after which an escape is the key. Longer than the gap between two reads of one write, and short enough
/// that nobody waits for what Esc does.
pub(super) const ESCAPE: Duration = Duration::from_millis(4);
/// For how long after that the rest of a sequence, in one piece, is taken for its rest.
const LATE: Duration = Duration::from_secs(10);
/// The silence after which what has not ended is said.
pub(super) const UNENDED: Duration = Duration::from_secs(1);
/// The longest control sequence that can be a key.
const LONGEST_SEQUENCE: usize = 32;
/// The longest answer that says something, bytes.
const LONGEST_ANSWER: usize = 64;
/// What is kept of a paste, bytes: more than any prompt takes, so that what was cut is refused there whole.
const LONGEST_PASTE: usize = 2 * 1024 * 1024;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const ETX: u8 = 0x03;
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// What is being received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum State {
    /// Keys.
    #[default]
    Ground,
    /// An escape, or several: the key or the beginning of something.
    Escape { again: bool },
    /// An escape and an intermediate byte: the beginning of a sequence of several bytes, or Alt and that character.
    Designation(u8),
    /// A control sequence, so far.
    Sequence { so_far: Vec<u8>, is_key: bool },
    /// The Linux console's function keys.
    Console,
    /// What follows a single shift.
    Shift { so_far: Vec<u8> },
    /// Characters that belong to a report of the mouse; `rest` bytes of the present one are to come.
    Report { characters: u8, rest: u8 },
    /// A control string.
    String(ControlString),
    /// A paste in brackets; `matched` bytes of its end have come.
    Paste { matched: usize, is_leaving: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
// Each is a fact of its own.
#[allow(clippy::struct_excessive_bools)]
struct ControlString {
    /// Whether a bell ends it.
    bell: bool,
    /// Whether it was begun by a C1 control, and may be ended by one.
    c1: bool,
    /// Bytes to come of the present character: those of a character are no controls.
    rest: u8,
    /// Whether the byte before may begin a C1 control written in UTF-8.
    lead: bool,
    /// Whether an escape has come: the end, or the beginning of something else.
    escaped: bool,
}

/// What it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The next key.
    No,
    /// Whether an escape is the key.
    Escape,
    /// The end of something that has begun, and of which nobody has been told yet.
    End,
}

/// The decoder.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Decoder {
    state: State,
    /// The bytes of a character that is not complete.
    character: Vec<u8>,
    /// Whether the character comes with Alt.
    alt: bool,
    /// Whether what comes out is dropped: it was begun inside a string that has not ended.
    muted: bool,
    paste: Vec<u8>,
    /// Since an escape was taken for the key.
    escaped: Option<Duration>,
    unbracketed: Unbracketed,
    told: bool,
    /// What the terminal has answered of the kitty protocol.
    kitty_flags: Option<u32>,
    /// The beginning of the control string that is being received.
    kept: Vec<u8>,
    /// Whether the terminal has answered that its background is light.
    is_light: Option<bool>,
    out: Vec<TerminalEvent>,
}

impl Decoder {
    /// Takes what was read at once, `since` the piece before; gives what it amounts to.
    pub(super) fn read(&mut self, piece: &[u8], since: Duration) -> Vec<TerminalEvent> {
        self.escaped = self.escaped.map(|before| before.saturating_add(since)).filter(|before| *before < LATE);
        if let State::Paste { is_leaving, .. } = &mut self.state {
            // Esc, pressed where nothing has come for a while, leaves a paste that has no end.
            *is_leaving = is_escape(piece) && since >= UNENDED;
        }
        if self.escaped.is_some() && self.state == State::Ground && is_the_rest_of_a_sequence(piece) {
            self.state = State::Escape { again: false };
        }
        if !piece.is_empty() {
            self.escaped = None;
        }
        for byte in piece {
            self.byte(*byte);
        }
        let heard = std::mem::take(&mut self.out);
        self.unbracketed.take(heard, since)
    }

    /// What it waits for, now that nothing more has come.
    pub(super) fn waiting(&self) -> Waiting {
        match &self.state {
            State::Escape { .. } | State::Designation(_) => Waiting::Escape,
            State::String(ControlString { escaped: true, .. }) | State::Paste { is_leaving: true, .. } => {
                Waiting::Escape
            }
            State::String(_) | State::Paste { .. } if !self.told => Waiting::End,
            _ => Waiting::No,
        }
    }

    /// The wait was in vain.
    pub(super) fn gave_up(&mut self) -> Vec<TerminalEvent> {
        match self.state {
            State::Escape { .. } => {
                self.key(KeyCode::Esc.into());
                self.escaped = Some(Duration::ZERO);
                self.rest();
            }
            State::Designation(byte) => {
                self.key(KeyEvent::new(KeyCode::Char(char::from(byte)), KeyModifiers::ALT));
                self.rest();
            }
            State::String(ControlString { escaped: true, .. }) | State::Paste { is_leaving: true, .. } => {
                self.escaped = Some(Duration::ZERO);
                self.rest();
            }
            State::String(_) | State::Paste { .. } => self.told = true,
            _ => {}
        }
        std::mem::take(&mut self.out)
    }

    /// What the terminal has answered of the kitty protocol since the last time this was asked.
    pub(super) fn take_kitty_flags(&mut self) -> Option<u32> {
        self.kitty_flags.take()
    }

    /// Whether the terminal's background is light, where it has answered since the last time this was asked.
    pub(super) fn take_background(&mut self) -> Option<bool> {
        self.is_light.take()
    }

    /// A control string has ended as it should.
    fn answered(&mut self) {
        if !self.muted {
            self.is_light = is_light(&self.kept).or(self.is_light);
        }
    }

    // Long: the decoder's table of states, an arm a state.
    fn byte(&mut self, byte: u8) {
        match &mut self.state {
            State::Ground => self.text(byte),
            State::Escape { again } => {
                let again = *again;
                self.after_escape(byte, again);
            }
            State::Designation(_) => match byte {
                ESC => self.state = State::Escape { again: false },
                0x20..=0x2f => {}
                _ => self.rest(),
            },
            State::Sequence { so_far, is_key } => match byte {
                ESC => self.state = State::Escape { again: false },
                CAN | SUB => self.rest(),
                b'[' if so_far.is_empty() => self.state = State::Console,
                0x20..=0x3f if so_far.len() < LONGEST_SEQUENCE => so_far.push(byte),
                0x40..=0x7e => {
                    let (parameters, is_key) = (std::mem::take(so_far), *is_key);
                    self.sequence(&parameters, byte, is_key);
                }
                // Controls inside a sequence belong to nobody here. What is no part of one makes it none of the known.
                0x00..=0x1f | 0x7f => {}
                _ => *is_key = false,
            },
            State::Console if byte == ESC => self.state = State::Escape { again: false },
            State::Console => {
                if let b'A'..=b'E' = byte {
                    self.key(KeyCode::F(byte - b'A' + 1).into());
                }
                self.rest();
            }
            State::Shift { so_far } => match byte {
                ESC => self.state = State::Escape { again: false },
                b'0'..=b'9' | b';' if so_far.len() < LONGEST_SEQUENCE => so_far.push(byte),
                _ => {
                    let so_far = std::mem::take(so_far);
                    if let Some(key) = keys::shifted(&so_far, byte) {
                        self.key(key);
                    }
                    self.rest();
                }
            },
            State::Report { characters, rest } => {
                match byte {
                    ESC => {
                        self.state = State::Escape { again: false };
                        return;
                    }
                    0x80..=0xbf if *rest > 0 => *rest -= 1,
                    _ if *characters == 0 => {
                        // The last of them was cut off, or none of UTF-8 to begin with.
                        self.rest();
                        self.text(byte);
                        return;
                    }
                    _ => {
                        *characters -= 1;
                        *rest = to_come(byte);
                    }
                }
                if *characters == 0 && *rest == 0 {
                    self.rest();
                }
            }
            State::String(_) => self.in_string(byte),
            State::Paste { matched, .. } => {
                let before = *matched;
                if byte == PASTE_ENDS[before] {
                    *matched += 1;
                    if *matched == PASTE_ENDS.len() {
                        self.pasted();
                    }
                    return;
                }
                *matched = usize::from(byte == ESC);
                self.keep(&PASTE_ENDS[..before]);
                if byte != ESC {
                    self.keep(&[byte]);
                }
            }
        }
    }

    fn after_escape(&mut self, byte: u8, again: bool) {
        let again = again || self.alt;
        match byte {
            ESC => self.state = State::Escape { again: true },
            b'[' => self.begin(State::Sequence { so_far: Vec::new(), is_key: true }, again),
            b'O' => self.begin(State::Shift { so_far: Vec::new() }, again),
            b']' => self.string(true, false),
            b'P' | b'X' | b'^' | b'_' => self.string(false, false),
            0x20..=0x2f => self.state = State::Designation(byte),
            // The end of a string whose beginning went elsewhere; cancelled.
            b'\\' | CAN | SUB => self.rest(),
            _ => {
                self.state = State::Ground;
                self.alt = true;
                self.text(byte);
            }
        }
    }

    fn begin(&mut self, state: State, alt: bool) {
        self.state = state;
        self.alt = alt;
    }

    fn string(&mut self, bell: bool, c1: bool) {
        self.state = State::String(ControlString { bell, c1, rest: 0, lead: false, escaped: false });
        self.told = false;
        self.kept.clear();
    }

    fn in_string(&mut self, byte: u8) {
        let State::String(string) = &mut self.state else { return };
        if string.escaped {
            match byte {
                b'\\' => {
                    self.answered();
                    self.rest();
                }
                ESC => {}
                // Another sequence has begun in its place: that ends as well before anything is a key again.
                _ => {
                    self.muted = true;
                    self.after_escape(byte, false);
                }
            }
            return;
        }
        let lead = std::mem::replace(&mut string.lead, byte == 0xc2);
        if string.bell && self.kept.len() < LONGEST_ANSWER {
            self.kept.push(byte);
        }
        match byte {
            ESC => string.escaped = true,
            BEL if string.bell => {
                self.answered();
                self.rest();
            }
            CAN | SUB | ETX => self.rest(),
            0x9c if string.c1 && (string.rest == 0 || lead) => self.rest(),
            0x80..=0xbf if string.rest > 0 => string.rest -= 1,
            _ => string.rest = to_come(byte),
        }
    }

    /// A byte of text, or a control.
    fn text(&mut self, byte: u8) {
        if !self.character.is_empty() {
            if matches!(byte, 0x80..=0xbf) {
                self.character.push(byte);
                self.completed();
                return;
            }
            // It was cut off.
            self.character.clear();
            self.settle();
        }
        match byte {
            ESC => {
                self.state = State::Escape { again: false };
            }
            0x00..=0x7f => {
                self.key(keys::ascii(byte));
                self.settle();
            }
            0x80..=0x9f => self.c1(byte),
            0xc2..=0xf4 => self.character.push(byte),
            _ => self.settle(),
        }
    }

    fn completed(&mut self) {
        match std::str::from_utf8(&self.character) {
            Ok(text) => {
                let c = text.chars().next();
                self.character.clear();
                match c {
                    Some(c @ '\u{80}'..='\u{9f}') => self.c1(c as u8),
                    Some(c) => {
                        self.key(keys::character(c));
                        self.settle();
                    }
                    None => {}
                }
            }
            Err(error) if error.error_len().is_none() => {}
            Err(_) => {
                self.character.clear();
                self.settle();
            }
        }
    }

    /// A C1 control: what an escape and a letter are in one.
    fn c1(&mut self, byte: u8) {
        match byte {
            0x8f => self.state = State::Shift { so_far: Vec::new() },
            0x9b => self.state = State::Sequence { so_far: Vec::new(), is_key: true },
            0x9d => self.string(true, true),
            0x90 | 0x98 | 0x9e | 0x9f => self.string(false, true),
            _ => self.settle(),
        }
    }

    fn sequence(&mut self, parameters: &[u8], last: u8, is_key: bool) {
        let characters = match (last, parameters) {
            (b'M', []) => 3,
            (b't', []) => 2,
            (b'T', []) => 6,
            (b'~', b"200") if is_key => {
                self.paste.clear();
                self.told = false;
                self.state = State::Paste { matched: 0, is_leaving: false };
                return;
            }
            _ => 0,
        };
        if characters > 0 {
            self.state = State::Report { characters, rest: 0 };
            return;
        }
        if let Some(key) = keys::sequence(parameters, last).filter(|_| is_key) {
            self.key(key);
        }
        if let Some(flags) = keys::kitty_flags(parameters, last).filter(|_| is_key && !self.muted) {
            self.kitty_flags = Some(flags);
        }
        self.rest();
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST_PASTE.saturating_sub(self.paste.len());
        self.paste.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn pasted(&mut self) {
        let text = String::from_utf8_lossy(&self.paste).into_owned();
        if !self.muted {
            self.out.push(TerminalEvent::Paste(text));
        }
        self.rest();
    }

    fn key(&mut self, mut key: KeyEvent) {
        if self.muted {
            return;
        }
        if self.alt {
            key.modifiers |= KeyModifiers::ALT;
        }
        self.out.push(TerminalEvent::Key(key));
    }

    /// A sequence has ended.
    fn rest(&mut self) {
        self.state = State::Ground;
        self.paste = Vec::new();
        self.settle();
    }

    fn settle(&mut self) {
        self.alt = false;
        self.muted = false;
    }
}

/// Whether a piece is the key Esc, in either form, and nothing else.
fn is_escape(piece: &[u8]) -> bool {
    let sequence = || keys::sequence(piece.strip_prefix(b"\x1b[")?.strip_suffix(b"u")?, b'u');
    piece == [ESC] || sequence().is_some_and(|key| key.code == KeyCode::Esc)
}

/// What follows an escape that came too early by itself: the end of a string, or an introducer with more behind it,
/// which nobody types at once.
fn is_the_rest_of_a_sequence(piece: &[u8]) -> bool {
    match piece {
        [b'\\', ..] => true,
        [first, _, ..] => matches!(first, b'[' | b']' | b'O' | b'P' | b'X' | b'^' | b'_'),
        _ => false,
    }
}

/// How many bytes follow the first one of a character.
fn to_come(first: u8) -> u8 {
    match first {
        0xc2..=0xdf => 1,
        0xe0..=0xef => 2,
        0xf0..=0xf4 => 3,
        _ => 0,
    }
}
