//! Paths without their detours.

/// `NORMALIZE_PATH`: "removes multiple slashes, directory self-references, and directory back-references that are not
/// at the beginning of the input" (documented). Nothing goes above the root, and a slash at the end stays if there was
/// one (ModSecurity's test cases).
pub(super) fn normalise(text: &[u8]) -> Vec<u8> {
    let absolute = text.first() == Some(&b'/');
    let trailing = text.last() == Some(&b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    // A back-reference at the end leaves the directory, without a slash of its own.
    for segment in text.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => match kept.last() {
                Some(last) if *last != b"..".as_slice() => {
                    kept.pop();
                }
                _ if absolute => {}
                _ => kept.push(segment),
            },
            other => kept.push(other),
        }
    }
    let mut out = Vec::with_capacity(text.len());
    if absolute {
        out.push(b'/');
    }
    out.extend(kept.join(&b'/'));
    if trailing && !kept.is_empty() {
        out.push(b'/');
    }
    out
}

/// `NORMALIZE_PATH_WIN`: the same, "but first converts backslash characters to forward slashes" (documented).
pub(super) fn normalise_win(text: &[u8]) -> Vec<u8> {
    normalise(&text.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect::<Vec<u8>>())
}
