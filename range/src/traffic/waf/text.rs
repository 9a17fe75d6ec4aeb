//! The parts of a request that WAF looks at, what it does to their text first, and what attacks look like in them.
//!
//! The patterns are the range's own, coarse on purpose: enough that a drill's attacks match and ordinary requests do
//! not. AWS's are secret.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::super::request::Request;

/// A `FieldToMatch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field {
    Method,
    UriPath,
    QueryString,
    AllQueryArguments,
    SingleQueryArgument(String),
    SingleHeader(String),
    Headers,
    Cookies,
    Body,
}

impl Field {
    /// Reads a `FieldToMatch`; `None` for one the range does not know.
    pub(crate) fn read(json: &Value) -> Option<Self> {
        let (kind, body) = json.as_object()?.iter().find(|(_, body)| !body.is_null())?;
        let name = || body["Name"].as_str().unwrap_or("").to_owned();
        Some(match kind.as_str() {
            "Method" => Self::Method,
            "UriPath" => Self::UriPath,
            "QueryString" => Self::QueryString,
            "AllQueryArguments" => Self::AllQueryArguments,
            "SingleQueryArgument" => Self::SingleQueryArgument(name()),
            "SingleHeader" => Self::SingleHeader(name()),
            "Headers" => Self::Headers,
            "Cookies" => Self::Cookies,
            "Body" | "JsonBody" => Self::Body,
            _ => return None,
        })
    }

    fn texts<'r>(&self, request: &'r Request) -> Vec<&'r str> {
        match self {
            Self::Method => vec![&request.method],
            Self::UriPath => vec![&request.path],
            Self::QueryString => vec![&request.query],
            Self::AllQueryArguments => request.query.split('&').collect(),
            Self::SingleQueryArgument(name) => request
                .query
                .split('&')
                .filter_map(|argument| argument.split_once('='))
                .filter(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
                .collect(),
            Self::SingleHeader(name) => request.header(name).into_iter().collect(),
            Self::Headers => request.headers.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect(),
            Self::Cookies => request.header("Cookie").into_iter().collect(),
            Self::Body => vec![&request.body],
        }
    }

    /// Whether `test` holds for any text of the field, transformed.
    pub(crate) fn any(&self, request: &Request, transforms: &[Transform], test: impl Fn(&str) -> bool) -> bool {
        self.texts(request).into_iter().any(|text| match transforms.split_first() {
            None => test(text),
            Some((first, rest)) => test(&rest.iter().fold(first.apply(text), |text, next| next.apply(&text))),
        })
    }

    /// Length in bytes.
    pub(crate) fn size(&self, request: &Request) -> u64 {
        let size = if *self == Self::Body {
            request.body_len
        } else {
            self.texts(request).iter().map(|text| text.len()).sum()
        };
        size as u64
    }
}

/// A text transformation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transform {
    Lowercase,
    UrlDecode,
    CompressWhiteSpace,
}

impl Transform {
    /// What attack patterns are looked for in.
    pub(crate) const DECODED: [Self; 2] = [Self::UrlDecode, Self::Lowercase];

    /// Reads `TextTransformations`, by priority; those the range does not know change nothing.
    pub(crate) fn read_all(json: &Value) -> Vec<Self> {
        let mut all: Vec<&Value> = json.as_array().into_iter().flatten().collect();
        all.sort_by_key(|transform| transform["Priority"].as_i64().unwrap_or(0));
        all.into_iter()
            .filter_map(|transform| match transform["Type"].as_str()? {
                "LOWERCASE" => Some(Self::Lowercase),
                "URL_DECODE" | "URL_DECODE_UNI" => Some(Self::UrlDecode),
                "COMPRESS_WHITE_SPACE" => Some(Self::CompressWhiteSpace),
                _ => None,
            })
            .collect()
    }

    fn apply(self, text: &str) -> String {
        match self {
            Self::Lowercase => text.to_lowercase(),
            Self::UrlDecode => percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned(),
            Self::CompressWhiteSpace => text.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }
}

/// Base64 as `SearchString` travels; text that is not base64 stands for itself.
pub(crate) fn decode_base64(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return text.to_owned(),
        };
        buffer = (buffer << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((buffer >> bits) & 0xff).unwrap_or(0));
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
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
