//! Decoders of escapes inside a text: CSS, JavaScript, ANSI C, HTML.

use super::bytes::is_space;
use super::decode::{digit, hex_digits, narrow, pair, widened};

/// Decodes a text escape by escape: `one` takes what begins at an escape's mark and gives the byte it stands for, if
/// any, and the rest.
fn each<'t>(text: &'t [u8], mark: u8, one: impl Fn(&'t [u8]) -> (Option<u8>, &'t [u8])) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let (byte, after) = if *first == mark { one(rest) } else { (Some(*first), tail) };
        out.extend(byte);
        rest = after;
    }
    out
}

/// What C's letters after a backslash stand for.
const fn control(letter: u8) -> Option<u8> {
    Some(match letter {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        _ => return None,
    })
}

/// Up to `most` octal digits at the beginning: how many, and their value's lower byte.
fn octal(text: &[u8], most: usize) -> (usize, u8) {
    let digits = text.iter().take(most).take_while(|byte| (b'0'..=b'7').contains(byte));
    digits.fold((0, 0), |(count, value), byte| (count + 1, u8::wrapping_mul(value, 8).wrapping_add(byte - b'0')))
}

/// `CSS_DECODE`: the escapes of CSS 2, of which "up to two bytes" are used; a backslash before any other character goes
/// (documented: `ja\vascript` for `javascript`). Up to six digits are read, the last two count, FF01 to FF5E become the
/// ASCII that they look like, and one white space after the digits belongs to them (ModSecurity).
pub(super) fn css(text: &[u8]) -> Vec<u8> {
    each(text, b'\\', |rest| {
        let after = &rest[1..];
        let count = after.iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let digits = &after[..count];
        let byte = match digits {
            [] => {
                return match after.split_first() {
                    None => (None, after),
                    Some((b'\n', tail)) => (None, tail),
                    Some((other, tail)) => (Some(*other), tail),
                };
            }
            [single] => digit(*single),
            [.., high, low] => {
                let low = pair(*high, *low);
                // Longer than four digits only with zeros before them.
                let wide = digits.len() >= 4 && digits[..digits.len() - 4].iter().all(|zero| *zero == b'0');
                if wide { widened(digits[count - 4], digits[count - 3], low) } else { low }
            }
        };
        let tail = &after[count..];
        (Some(byte), if tail.first().is_some_and(|next| is_space(*next)) { &tail[1..] } else { tail })
    })
}

/// `JS_DECODE`: JavaScript's escapes; of `\uHHHH` only the lower byte counts, but for FF01 to FF5E (documented).
/// `\xHH`, up to three octal digits of at most 377, C's letters, and any other character without its backslash
/// (ModSecurity).
pub(super) fn js(text: &[u8]) -> Vec<u8> {
    each(text, b'\\', |rest| match &rest[1..] {
        [b'u', code @ ..] if hex_digits(code, 4) => (Some(narrow(code)), &code[4..]),
        [b'x', code @ ..] if hex_digits(code, 2) => (Some(pair(code[0], code[1])), &code[2..]),
        code @ [b'0'..=b'7', ..] => {
            let most = if code[0] > b'3' { 2 } else { 3 };
            let (count, value) = octal(code, most);
            (Some(value), &code[count..])
        }
        [letter, tail @ ..] => (Some(control(*letter).unwrap_or(*letter)), tail),
        [] => (Some(b'\\'), &[]),
    })
}

/// `ESCAPE_SEQ_DECODE`: `\a \b \f \n \r \t \v \\ \? \' \"`, `\xHH` and octal (documented). AWS says that encodings that
/// are not valid "remain in the output"; by ModSecurity's test cases, whose manual says the same, that is the character
/// without its backslash.
pub(super) fn ansi_c(text: &[u8]) -> Vec<u8> {
    each(text, b'\\', |rest| match &rest[1..] {
        [b'x' | b'X', code @ ..] if hex_digits(code, 2) => (Some(pair(code[0], code[1])), &code[2..]),
        code @ [b'0'..=b'7', ..] => {
            let (count, value) = octal(code, 3);
            (Some(value), &code[count..])
        }
        [letter, tail @ ..] => (Some(control(*letter).unwrap_or(*letter)), tail),
        [] => (Some(b'\\'), &[]),
    })
}

/// `HTML_ENTITY_DECODE`: `&quot;`, `&nbsp;` (a byte 160), `&lt;`, `&gt;`, `&#xhhhh;` and `&#nnnn;` (documented), also
/// without the semicolon and in capitals, and `&amp;` (ModSecurity). Of a number beyond 255 the lower byte counts
/// (inferred: so it is where AWS describes the other decoders). The other names are inferred: AWS's page has come to
/// list them, by what two other implementations took from it independently.
pub(super) fn html_entities(text: &[u8]) -> Vec<u8> {
    each(text, b'&', |rest| {
        let (byte, tail) = match &rest[1..] {
            [b'#', b'x' | b'X', digits @ ..] => numeric(digits, 16),
            [b'#', digits @ ..] => numeric(digits, 10),
            name => named(name),
        };
        match byte {
            None => (Some(b'&'), &rest[1..]),
            Some(_) => (byte, tail.strip_prefix(b";").unwrap_or(tail)),
        }
    })
}

/// A number at the beginning, its lower byte; nothing where there is no digit.
fn numeric(text: &[u8], radix: u8) -> (Option<u8>, &[u8]) {
    let belongs = |byte: &&u8| if radix == 16 { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() };
    let count = text.iter().take_while(belongs).count();
    let value = text[..count].iter().fold(0_u8, |value, byte| value.wrapping_mul(radix).wrapping_add(digit(*byte)));
    ((count > 0).then_some(value), &text[count..])
}

/// Names of ASCII characters, and of the non-breaking space.
const NAMES: [(&[u8], u8); 45] = [
    (b"quot", b'"'),
    (b"amp", b'&'),
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"nbsp", 0xa0),
    (b"NonBreakingSpace", 0xa0),
    (b"NewLine", b'\n'),
    (b"Tab", b'\t'),
    (b"lcub", b'{'),
    (b"lbrace", b'{'),
    (b"rcub", b'}'),
    (b"rbrace", b'}'),
    (b"verbar", b'|'),
    (b"vert", b'|'),
    (b"VerticalLine", b'|'),
    (b"excl", b'!'),
    (b"num", b'#'),
    (b"dollar", b'$'),
    (b"percnt", b'%'),
    (b"apos", b'\''),
    (b"lpar", b'('),
    (b"rpar", b')'),
    (b"ast", b'*'),
    (b"midast", b'*'),
    (b"plus", b'+'),
    (b"comma", b','),
    (b"period", b'.'),
    (b"sol", b'/'),
    (b"colon", b':'),
    (b"semi", b';'),
    (b"equals", b'='),
    (b"quest", b'?'),
    (b"tilde", b'~'),
    (b"DiacriticalTilde", b'~'),
    (b"minus", b'-'),
    (b"lsqb", b'['),
    (b"lbrack", b'['),
    (b"rsqb", b']'),
    (b"rbrack", b']'),
    (b"bsol", b'\\'),
    (b"Hat", b'^'),
    (b"lowbar", b'_'),
    (b"UnderBar", b'_'),
    (b"grave", b'`'),
    (b"DiacriticalGrave", b'`'),
];

/// A name at the beginning.
fn named(text: &[u8]) -> (Option<u8>, &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let known = NAMES.iter().find(|(name, _)| text[..count].eq_ignore_ascii_case(name));
    (known.map(|(_, byte)| *byte), &text[count..])
}
