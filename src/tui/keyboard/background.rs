//! What a terminal answers of its background. Pure.

/// Whether a background is light, by what a terminal answers to OSC 11: `11;rgb:ffff/ffff/ffff`, each part of one to
/// four digits (documented by xterm). The bytes that end the string may stand behind it.
pub(super) fn is_light(answer: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(answer).ok()?;
    let colour = text.strip_prefix("11;rgb:").or_else(|| text.strip_prefix("11;rgba:"))?;
    let colour = colour.trim_end_matches(['\u{7}', '\u{1b}']);
    let part = |digits: &str| {
        let most = 16_u32.checked_pow(u32::try_from(digits.len()).ok()?)?.checked_sub(1).filter(|most| *most > 0)?;
        let known = digits.len() <= 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        known.then(|| u32::from_str_radix(digits, 16).ok()).flatten().map(|value| f64::from(value) / f64::from(most))
    };
    let parts: Vec<f64> = colour.split('/').map(part).collect::<Option<_>>()?;
    let [red, green, blue] = parts.get(..3)?.try_into().ok()?;
    // Luminance as of Rec. 709, near enough without its gamma to tell black from white.
    Some(0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5)
}
