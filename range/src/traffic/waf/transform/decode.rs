//! Decoders of whole texts, and hashes.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use md5::{Digest, Md5};
use percent_encoding::percent_decode;
use sha2::Sha256;

/// Base64 without regard to padding and to bits left over at the end.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const fn in_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Decodes letters of the alphabet; a single one at the end is not enough for a byte.
fn from_letters(letters: &[u8]) -> Vec<u8> {
    let whole = if letters.len() % 4 == 1 { &letters[..letters.len() - 1] } else { letters };
    LENIENT.decode(whole).unwrap_or_default()
}

/// `BASE64_DECODE`: "decodes a Base64-encoded string" (documented). It ends at the first byte that is none of the
/// alphabet: at a NUL by ModSecurity's test cases, elsewhere inferred.
pub(super) fn base64(text: &[u8]) -> Vec<u8> {
    let end = text.iter().position(|byte| !in_base64(*byte)).unwrap_or(text.len());
    from_letters(&text[..end])
}

/// `BASE64_DECODE_EXT`: the same, but "ignores characters that aren't valid" (documented).
pub(super) fn base64_ext(text: &[u8]) -> Vec<u8> {
    from_letters(&text.iter().copied().filter(|byte| in_base64(*byte)).collect::<Vec<u8>>())
}

/// A blob as it travels in JSON; `None` for what is no Base64.
pub(crate) fn blob(text: &str) -> Option<Vec<u8>> {
    LENIENT.decode(text).ok()
}

/// The value of a hexadecimal digit, and of any other byte what ModSecurity makes of it.
pub(super) const fn digit(byte: u8) -> u8 {
    if byte >= b'A' { (byte & 0xdf).wrapping_sub(b'A').wrapping_add(10) } else { byte.wrapping_sub(b'0') }
}

/// Two digits as a byte.
pub(super) const fn pair(high: u8, low: u8) -> u8 {
    digit(high).wrapping_mul(16).wrapping_add(digit(low))
}

/// `HEX_DECODE`: "decodes a string of hexadecimal characters into a binary" (documented). A single digit at the end is
/// dropped, and a pair with another byte in it still gives one byte (ModSecurity's test cases).
pub(super) fn hex(text: &[u8]) -> Vec<u8> {
    text.chunks_exact(2).map(|two| pair(two[0], two[1])).collect()
}

/// `SQL_HEX_DECODE`: `0x414243` becomes `ABC` (documented), wherever it stands (ModSecurity).
pub(super) fn sql_hex(text: &[u8]) -> Vec<u8> {
    let digits = |rest: &[u8]| rest.len() > 1 && rest[0].is_ascii_hexdigit() && rest[1].is_ascii_hexdigit();
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let marked = rest.strip_prefix(b"0x").or_else(|| rest.strip_prefix(b"0X"));
        match marked {
            Some(mut number) if digits(number) => {
                while digits(number) {
                    out.push(pair(number[0], number[1]));
                    number = &number[2..];
                }
                rest = number;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

/// `URL_DECODE`: "decodes a URL-encoded value" (documented). `+` is a space, and a `%` without two hexadecimal digits
/// stays (ModSecurity).
pub(super) fn url(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}

/// `URL_DECODE_UNI`: the same with Microsoft's `%uHHHH`, of which only the lower byte counts, but for the full-width
/// forms FF01 to FF5E, which become the ASCII that they look like (documented).
pub(super) fn url_uni(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let (byte, after) = match rest {
            [b'%', b'u' | b'U', code @ ..] if hex_digits(code, 4) => (narrow(code), &code[4..]),
            [b'%', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (pair(*high, *low), after)
            }
            [b'+', after @ ..] => (b' ', after),
            _ => (*first, tail),
        };
        out.push(byte);
        rest = after;
    }
    out
}

/// Whether so many hexadecimal digits come next.
pub(super) fn hex_digits(text: &[u8], count: usize) -> bool {
    text.len() >= count && text[..count].iter().all(u8::is_ascii_hexdigit)
}

/// The byte of four hexadecimal digits: the lower one, moved where the higher one says full-width ASCII.
pub(super) fn narrow(code: &[u8]) -> u8 {
    widened(code[0], code[1], pair(code[2], code[3]))
}

/// A lower byte, moved where the two digits before it are `FF` and it is 01 to 5E.
pub(super) const fn widened(first: u8, second: u8, low: u8) -> u8 {
    let full_width = first.eq_ignore_ascii_case(&b'f') && second.eq_ignore_ascii_case(&b'f');
    if full_width && low > 0 && low < 0x5f { low + 0x20 } else { low }
}

/// `UTF8_TO_UNICODE`: "converts all UTF-8 character sequences to Unicode" (documented), written `%uhhhh` with at least
/// four small hexadecimal digits (ModSecurity). Bytes that are no UTF-8 stay as they are (inferred; ModSecurity drops
/// some).
pub(super) fn utf8_to_unicode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_ascii() {
                out.extend(letter.to_string().bytes());
            } else {
                out.extend(format!("%u{:04x}", u32::from(letter)).bytes());
            }
        }
        out.extend(chunk.invalid());
    }
    out
}

/// `MD5`: the hash "in a raw binary form" (documented).
pub(super) fn md5(text: &[u8]) -> Vec<u8> {
    Md5::digest(text).to_vec()
}

/// `SHA256`: the hash, raw as that of `MD5` (inferred; AWS publishes the name in its service model).
pub(super) fn sha256(text: &[u8]) -> Vec<u8> {
    Sha256::digest(text).to_vec()
}
