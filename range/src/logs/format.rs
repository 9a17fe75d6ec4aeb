//! The format of an access log: text with `$context` variables.

use chrono::DateTime;

/// What differs from one line of a kind to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dynamic {
    /// `$context.requestId`.
    RequestId,
    /// `$context.extendedRequestId`.
    ExtendedRequestId,
    /// `$context.identity.sourceIp`.
    SourceIp,
    /// `$context.requestTime`: as in the Common Log Format.
    RequestTime,
    /// `$context.requestTimeEpoch`: milliseconds.
    RequestTimeEpoch,
    /// `$context.responseLatency`: milliseconds.
    ResponseLatency,
    /// `$context.integrationLatency`, `$context.integration.latency`: milliseconds; `-` where the integration was not
    /// asked.
    IntegrationLatency,
}

impl Dynamic {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::RequestId,
        Self::ExtendedRequestId,
        Self::SourceIp,
        Self::RequestTime,
        Self::RequestTimeEpoch,
        Self::ResponseLatency,
        Self::IntegrationLatency,
    ];

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "requestId" => Self::RequestId,
            "extendedRequestId" => Self::ExtendedRequestId,
            "identity.sourceIp" => Self::SourceIp,
            "requestTime" => Self::RequestTime,
            "requestTimeEpoch" => Self::RequestTimeEpoch,
            "responseLatency" => Self::ResponseLatency,
            "integrationLatency" | "integration.latency" => Self::IntegrationLatency,
            _ => return None,
        })
    }
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Dynamic(Dynamic),
}

/// Text, or the name of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
}

/// A format, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    parts: Vec<Part>,
}

const PREFIX: &str = "$context.";

impl Format {
    /// Takes a format apart. Anything is one; see [`refusal`].
    pub(crate) fn read(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text.trim_end_matches(['\n', '\r']);
        while let Some(at) = rest.find(PREFIX) {
            parts.push(Part::Text(rest[..at].to_owned()));
            let after = &rest[at + PREFIX.len()..];
            let inside = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.';
            let end = after.find(|letter| !inside(letter)).unwrap_or(after.len());
            let name = after[..end].trim_end_matches('.');
            parts.push(Part::Variable(name.to_owned()));
            rest = &after[name.len()..];
        }
        parts.push(Part::Text(rest.to_owned()));
        Self { parts }
    }

    /// The pieces of a kind of line: `value` says what a variable holds; a variable without a value is `-`
    /// (documented).
    pub(crate) fn compile(&self, value: impl Fn(&str) -> Option<String>) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for part in &self.parts {
            let text = match part {
                Part::Text(text) => text.clone(),
                Part::Variable(name) => match Dynamic::named(name) {
                    Some(dynamic) => {
                        pieces.push(Piece::Dynamic(dynamic));
                        continue;
                    }
                    None => value(name).unwrap_or_else(|| "-".to_owned()),
                },
            };
            match pieces.last_mut() {
                Some(Piece::Text(last)) => last.push_str(&text),
                _ => pieces.push(Piece::Text(text)),
            }
        }
        pieces
    }
}

/// Why API Gateway refuses a format: it must be one line and hold a request id (documented; the words are from users'
/// reports).
pub(crate) fn refusal(format: &str) -> Option<&'static str> {
    let one_line = !format.trim_end_matches(['\n', '\r']).contains(['\n', '\r']);
    let read = Format::read(format);
    let names = |wanted: &str| read.parts.iter().any(|part| matches!(part, Part::Variable(name) if name == wanted));
    if one_line && (names("requestId") || names("extendedRequestId")) {
        return None;
    }
    Some(
        "Access Log format must be single line, new line character is allowed only at end of the format and must contain \
         at least one of $context.requestId or $context.extendedRequestId",
    )
}

/// Milliseconds since the epoch as the Common Log Format writes them.
pub(crate) fn common_log_time(millis: i64) -> String {
    DateTime::from_timestamp_millis(millis)
        .map_or_else(String::new, |at| at.format("%d/%b/%Y:%H:%M:%S +0000").to_string())
}

/// Quotes, backslashes and control characters escaped as inside a JSON string.
pub(crate) fn escape(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn variables_end_where_their_names_do() {
        let format = Format::read("$context.status. \"$context.identity.userAgent\" $context.requestId\n");
        let pieces = format.compile(|name| (name == "status").then(|| "429".to_owned()));
        assert_eq!(
            pieces,
            [Piece::Text("429. \"-\" ".into()), Piece::Dynamic(Dynamic::RequestId), Piece::Text(String::new())]
        );
    }

    #[test]
    fn a_format_is_one_line_with_a_request_id() {
        assert!(refusal("$context.requestId $context.status\n").is_none());
        assert!(refusal("$context.extendedRequestId").is_none());
        assert!(refusal("$context.status").is_some());
        assert!(refusal("$context.requestIdentity").is_some(), "another variable");
        assert!(refusal("$context.requestId\n$context.status").is_some());
    }

    #[test]
    fn escaped_text_can_stand_in_a_json_string() {
        assert_eq!(escape("a\"b\\c\u{1b}"), "a\\\"b\\\\c\\u001b");
    }
}
