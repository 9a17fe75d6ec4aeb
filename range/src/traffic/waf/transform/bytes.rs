//! Transformations that drop, replace or compress single bytes.

/// White space as C's `isspace` has it.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// `COMPRESS_WHITE_SPACE`: form feed, tab, newline, carriage return, vertical tab and the non-breaking space (decimal
/// 160) become a space, several spaces become one (documented). ModSecurity 3 leaves the non-breaking space alone; AWS
/// names it. That a byte 160 inside a longer UTF-8 sequence counts as well is inferred.
pub(super) fn compress_white_space(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut before = false;
    for byte in text {
        let space = is_space(*byte) || *byte == 0xa0;
        if !space {
            out.push(*byte);
        } else if !before {
            out.push(b' ');
        }
        before = space;
    }
    out
}

/// `CMD_LINE`: deletes `\ " ' ^`, deletes spaces before `/` and `(`, makes `,` and `;` spaces, several spaces one, and
/// capitals A to Z small (documented). Tabs and line ends count as spaces (ModSecurity).
pub(super) fn cmd_line(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut space = false;
    for byte in text {
        match byte {
            b'"' | b'\'' | b'\\' | b'^' => {}
            b' ' | b',' | b';' | b'\t' | b'\r' | b'\n' => {
                if !space {
                    out.push(b' ');
                }
                space = true;
            }
            b'/' | b'(' => {
                if space {
                    out.pop();
                }
                space = false;
                out.push(*byte);
            }
            other => {
                out.push(other.to_ascii_lowercase());
                space = false;
            }
        }
    }
    out
}

/// `REPLACE_COMMENTS`: each `/* … */` becomes one space, an unterminated one too; a `*/` by itself stays
/// (documented).
pub(super) fn replace_comments(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(comment) = rest.strip_prefix(b"/*") {
            out.push(b' ');
            rest = match memchr::memmem::find(comment, b"*/") {
                Some(end) => &comment[end + 2..],
                None => &[],
            };
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

/// `REMOVE_COMMENTS_CHAR`: the marks `/*`, `*/`, `<!--`, `-->`, `--` and `#` go (ModSecurity; AWS publishes the name in
/// its service model).
pub(super) fn remove_comments_char(text: &[u8]) -> Vec<u8> {
    const MARKS: [&[u8]; 6] = [b"/*", b"*/", b"<!--", b"-->", b"--", b"#"];
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(after) = MARKS.iter().find_map(|mark| rest.strip_prefix(*mark)) {
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

/// `REMOVE_WHITESPACE`: all white space goes, and the bytes of a non-breaking space (ModSecurity; AWS publishes the
/// name in its service model).
pub(super) fn remove_whitespace(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| !is_space(*byte) && !matches!(byte, 0xa0 | 0xc2)).collect()
}

/// `TRIM_LEFT`: white space at the beginning goes (ModSecurity; AWS publishes the name in its service model).
pub(super) fn trim_left(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|byte| is_space(**byte)).count()..]
}

/// `TRIM_RIGHT`: white space at the end goes (ModSecurity; AWS publishes the name in its service model).
pub(super) fn trim_right(text: &[u8]) -> &[u8] {
    &text[..text.len() - text.iter().rev().take_while(|byte| is_space(**byte)).count()]
}
