//! What attacks look like in a text.
//!
//! The patterns are the range's own, coarse on purpose: enough that a drill's attacks match and ordinary requests do
//! not. AWS's are secret. They are looked for in text that has been URL-decoded and made small, whatever else a rule
//! asks for.

use super::transform::Transform;

/// Whether a test of decoded, lower-case text holds for a text.
pub(crate) fn decoded(text: &[u8], test: impl Fn(&str) -> bool) -> bool {
    let text = Transform::Lowercase.apply(&Transform::UrlDecode.apply(text));
    test(&String::from_utf8_lossy(&text))
}

/// Whether decoded, lower-case text looks like SQL injection.
pub(crate) fn looks_like_sqli(text: &str) -> bool {
    const MARKS: [&str; 9] = [
        "' or ",
        "\" or ",
        "union select",
        "union all select",
        "' and ",
        "; drop table",
        "sleep(",
        "' --",
        "information_schema",
    ];
    MARKS.iter().any(|mark| text.contains(mark))
}

/// The more obfuscated half of it, which AWS keeps in rules of their own (`SQLiExtendedPatterns_*`).
pub(crate) fn looks_like_extended_sqli(text: &str) -> bool {
    const MARKS: [&str; 5] = ["/**/union", "waitfor delay", "benchmark(", "extractvalue(", "char(0x"];
    MARKS.iter().any(|mark| text.contains(mark))
}

/// Whether decoded, lower-case text looks like cross-site scripting.
pub(crate) fn looks_like_xss(text: &str) -> bool {
    ["<script", "javascript:", "onerror=", "onload=", "<iframe"].iter().any(|mark| text.contains(mark))
}

/// Whether decoded, lower-case text looks like file inclusion.
pub(crate) fn looks_like_lfi(text: &str) -> bool {
    ["../../", "..\\..\\", "/etc/passwd", "/proc/self"].iter().any(|mark| text.contains(mark))
}

/// Whether decoded, lower-case text looks like remote inclusion: a URL with an address for a host.
pub(crate) fn looks_like_rfi(text: &str) -> bool {
    text.match_indices("://").any(|(at, mark)| {
        let host = text[at + mark.len()..].split(['/', ':', '?']).next().unwrap_or("");
        host.parse::<std::net::Ipv4Addr>().is_ok()
    })
}

/// Whether decoded, lower-case text reaches for instance metadata.
pub(crate) fn looks_like_metadata(text: &str) -> bool {
    text.contains("169.254.169.254")
}

/// Whether decoded, lower-case text is a Log4j look-up.
pub(crate) fn looks_like_log4j(text: &str) -> bool {
    text.contains("${jndi:") || text.contains("${${")
}
