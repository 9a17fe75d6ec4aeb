//! JSON in plain ASCII: what an attacker wrote stays whole, and cannot act on a terminal that shows the file.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Writes DEL and everything outside ASCII as `\uXXXX`; JSON itself already escapes the C0 controls.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        let mut plain_from = 0;
        for (at, c) in fragment.char_indices() {
            if c.is_ascii() && c != '\x7f' {
                continue;
            }
            writer.write_all(&fragment.as_bytes()[plain_from..at])?;
            let mut units = [0u16; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain_from = at + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[plain_from..])
    }
}

/// `value` as one line of JSON in ASCII, without a line end. Lossless: any JSON reader gives the same strings back.
pub(crate) fn ascii_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(256);
    value.serialize(&mut Serializer::with_formatter(&mut out, Ascii))?;
    Ok(out)
}

/// JSON that was written otherwise, in ASCII: what is not can only stand inside its strings.
pub(crate) fn to_ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '\x7f' {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = fmt::Write::write_fmt(&mut out, format_args!("\\u{unit:04x}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_string_comes_back_and_nothing_but_ascii_is_written() {
        for text in ["plain", "käse 店 😀", "\x1b]0;owned\x07\u{9b}31m\x7f\u{202e}", "a\"b\\c\nd", ""] {
            let written = ascii_json(text).unwrap();
            assert!(written.iter().all(|b| (0x20..0x7f).contains(b)), "{text:?} gave {written:?}");
            assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), text);
            assert_eq!(to_ascii(&serde_json::to_string(text).unwrap()).as_bytes(), written);
        }
    }
}
