//! Access logs: what a format says of a request, what it leaves out, and how Logs Insights is asked for it.
//!
//! API Gateway writes one line a request in the stage's own format, with `$context` variables in it; a variable without a value is
//! `-` (API Gateway guide, `$context` variables). Knows nothing of calls.

use std::collections::BTreeMap;

use serde_json::Value;

/// What can be wanted of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// The request's id: AWS wants one in every format (documented).
    RequestId,
    /// The status that the client got.
    Status,
    /// Which of API Gateway's own responses it was: `THROTTLED`, `QUOTA_EXCEEDED`, `WAF_FILTERED`, `ACCESS_DENIED`, …
    ResponseType,
    /// What WAF answered.
    WafStatus,
    /// The client's address.
    SourceIp,
    /// The HTTP method.
    Method,
    /// The resource or route.
    Resource,
    /// The API key's id.
    ApiKeyId,
    /// How long the client waited, ms.
    ResponseLatency,
    /// The user agent.
    UserAgent,
    /// The API's id: tells stages apart that share a log group.
    ApiId,
    /// The stage's name.
    Stage,
}

impl Field {
    /// Those that a review or a count of who was turned away needs, those that matter most first.
    pub const WANTED: [Self; 9] = [
        Self::RequestId,
        Self::Status,
        Self::ResponseType,
        Self::WafStatus,
        Self::SourceIp,
        Self::Method,
        Self::Resource,
        Self::ApiKeyId,
        Self::ResponseLatency,
    ];

    const ALL: [Self; 12] = [
        Self::RequestId,
        Self::Status,
        Self::ResponseType,
        Self::WafStatus,
        Self::SourceIp,
        Self::Method,
        Self::Resource,
        Self::ApiKeyId,
        Self::ResponseLatency,
        Self::UserAgent,
        Self::ApiId,
        Self::Stage,
    ];

    /// The names under which `$context` has it, any of which will do; the first is the one to recommend.
    #[must_use]
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::RequestId => &["requestId", "extendedRequestId"],
            Self::Status => &["status"],
            Self::ResponseType => &["error.responseType"],
            Self::WafStatus => &["waf.status", "wafResponseCode"],
            Self::SourceIp => &["identity.sourceIp"],
            Self::Method => &["httpMethod"],
            Self::Resource => &["resourcePath", "routeKey", "path"],
            Self::ApiKeyId => &["identity.apiKeyId"],
            Self::ResponseLatency => &["responseLatency"],
            Self::UserAgent => &["identity.userAgent"],
            Self::ApiId => &["apiId"],
            Self::Stage => &["stage"],
        }
    }

    /// What is not known without it.
    #[must_use]
    pub fn without(self) -> &'static str {
        match self {
            Self::RequestId => "AWS refuses the format",
            Self::Status => "who was turned away",
            Self::ResponseType => "whether a throttle, WAF or an authorizer turned it away",
            Self::WafStatus => "what WAF answered",
            Self::SourceIp => "who is sending it",
            Self::Method => "which method is attacked",
            Self::Resource => "which resource is attacked",
            Self::ApiKeyId => "which client is sending it",
            Self::ResponseLatency => "how long clients wait",
            Self::UserAgent => "which software is sending it",
            Self::ApiId | Self::Stage => "which stage of a shared log group it was",
        }
    }
}

/// What `format` lacks of [`Field::WANTED`], a line each: the field and what is not known without it.
#[must_use]
pub fn lacking(format: &str) -> Vec<String> {
    let has: Vec<&str> = pieces(format).into_iter().filter_map(|piece| piece.variable).collect();
    let lacks = Field::WANTED.iter().filter(|field| !field.names().iter().any(|name| has.contains(name)));
    lacks.map(|field| format!("$context.{}: {}", field.names()[0], field.without())).collect()
}

/// How to ask Logs Insights for the fields of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogFormat {
    prelude: String,
    fields: BTreeMap<Field, String>,
    forgeable: bool,
    caller_forgeable: bool,
}

impl AccessLogFormat {
    /// Reads a format. Where it is JSON whose lines stay JSON whatever a request lacks, Insights finds the fields by itself
    /// (documented); of any other, a `parse` clause takes the line apart.
    ///
    /// An absent value is `-`: a variable outside quotation marks then makes the line no JSON any more, and Insights would find no
    /// field of it, of throttled requests above all, which have no integration.
    #[must_use]
    pub fn parse(format: &str) -> Self {
        let format = format.trim();
        let found = discovered(format).unwrap_or_else(|| taken_apart(format));
        let name = |field: Field| {
            let known = field.names().iter().find_map(|name| found.names.get(*name));
            known.map(|name| (field, name.clone()))
        };
        let apart = !found.prelude.is_empty();
        let forgeable = apart && is_forgeable(format, &["status", "error.responseType"]);
        let caller_forgeable = apart && is_forgeable(format, &["identity.sourceIp"]);
        let fields = Field::ALL.into_iter().filter_map(name).collect();
        Self { fields, prelude: found.prelude, forgeable, caller_forgeable }
    }

    /// What a query begins with: a `parse` clause and ` | `, or nothing.
    #[must_use]
    pub fn prelude(&self) -> &str {
        &self.prelude
    }

    /// Whether callers can make one field look like another: the line is taken apart by its separators, and what they write themselves
    /// stands before the status or the response type. That API Gateway escapes nothing in such a line is inferred.
    #[must_use]
    pub fn is_forgeable(&self) -> bool {
        self.forgeable
    }

    /// Whether callers can make their line name another address as theirs: as above, where what they write stands before the address.
    #[must_use]
    pub fn is_caller_forgeable(&self) -> bool {
        self.caller_forgeable
    }

    /// The name of a field in a query, where the format has it.
    #[must_use]
    pub fn field(&self, field: Field) -> Option<&str> {
        self.fields.get(&field).map(String::as_str)
    }
}

/// Names in a query by names of `$context`.
struct Names {
    prelude: String,
    names: BTreeMap<String, String>,
}

/// A piece of a format: text, and the variable after it.
struct Piece<'a> {
    text: &'a str,
    variable: Option<&'a str>,
}

fn pieces(format: &str) -> Vec<Piece<'_>> {
    const MARK: &str = "$context.";
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let mut pieces = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find(MARK) {
        let after = &rest[at + MARK.len()..];
        let end = after.find(|c| !part_of_name(c)).unwrap_or(after.len());
        // A name ends with a letter or digit: what follows is text, a space or a hyphen between two variables.
        let name = after[..end].trim_end_matches(['.', '-', '_']);
        pieces.push(Piece { text: &rest[..at], variable: Some(name) });
        rest = &after[name.len()..];
    }
    pieces.push(Piece { text: rest, variable: None });
    pieces
}

/// The fields of a JSON format whose every variable is a string of its own.
fn discovered(format: &str) -> Option<Names> {
    let body: Value = serde_json::from_str(format).ok()?;
    let mut names = BTreeMap::new();
    collect(body.as_object()?, "", &mut names)?;
    Some(Names { prelude: String::new(), names })
}

/// `None` where two values cannot be told apart by their path.
fn collect(object: &serde_json::Map<String, Value>, path: &str, names: &mut BTreeMap<String, String>) -> Option<()> {
    for (key, value) in object {
        if key.is_empty() || key.contains(['.', '`']) {
            return None;
        }
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            Value::Object(inner) => collect(inner, &path, names)?,
            Value::String(text) => {
                let alone = text.strip_prefix("$context.").filter(|name| pieces(text).len() == 2 && !name.is_empty());
                if let Some(name) = alone.filter(|name| pieces(text)[0].variable == Some(name)) {
                    names.entry(name.to_owned()).or_insert_with(|| quoted(&path));
                }
            }
            _ => {}
        }
    }
    Some(())
}

/// Names with anything but letters, digits, `@`, `_` and `.` go in backticks (Logs Insights guide).
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@');
    if path.chars().all(plain) { path.to_owned() } else { format!("`{path}`") }
}

/// Whether something that callers write stands before what is told: how they fared, or who they are.
fn is_forgeable(format: &str, told: &[&str]) -> bool {
    let written = |name: &str| {
        let free = ["identity.userAgent", "path", "identity.caller", "identity.user", "authorizer", "requestOverride"];
        free.iter().any(|free| name == *free || name.starts_with(&format!("{free}.")))
    };
    let names: Vec<&str> = pieces(format).into_iter().filter_map(|piece| piece.variable).collect();
    let first = names.iter().position(|name| written(name));
    let last = names.iter().rposition(|name| told.contains(name));
    matches!((first, last), (Some(first), Some(last)) if first < last)
}

/// A `parse` clause with a `*` for each variable of the line. An asterisk in the format's own text cannot be told from one.
fn taken_apart(format: &str) -> Names {
    let pieces = pieces(format);
    let nothing = || Names { prelude: String::new(), names: BTreeMap::new() };
    let separated = pieces.iter().skip(1).all(|piece| !piece.text.is_empty() || piece.variable.is_none());
    if pieces.len() < 2 || !separated || format.contains(['*', '\n', '\\']) {
        return nothing();
    }
    let quote = if format.contains('\'') { '"' } else { '\'' };
    if format.contains(quote) {
        return nothing();
    }
    let (mut glob, mut aliases, mut names) = (String::new(), Vec::new(), BTreeMap::new());
    for (at, piece) in pieces.iter().enumerate() {
        glob.push_str(piece.text);
        if let Some(variable) = piece.variable {
            glob.push('*');
            let alias = format!("v{at}");
            names.entry(variable.to_owned()).or_insert_with(|| alias.clone());
            aliases.push(alias);
        }
    }
    Names { prelude: format!("parse @message {quote}{glob}{quote} as {} | ", aliases.join(", ")), names }
}

/// The log group's name in a destination's ARN, `arn:…:logs:REGION:ACCOUNT:log-group:NAME`; `None` where the log goes elsewhere
/// (Firehose).
#[must_use]
pub fn log_group(destination: &str) -> Option<&str> {
    let (head, name) = destination.split_once(":log-group:")?;
    let name = name.strip_suffix(":*").unwrap_or(name);
    (head.split(':').nth(2) == Some("logs") && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_and_what_has_two_names_is_found_by_either() {
        let all = r#"{"id":"$context.requestId","s":"$context.status","e":"$context.error.responseType","w":"$context.wafResponseCode",
            "ip":"$context.identity.sourceIp","m":"$context.httpMethod","p":"$context.path","k":"$context.identity.apiKeyId","l":$context.responseLatency}"#;
        assert_eq!(lacking(all), Vec::<String>::new());
        let lacks = lacking(
            "$context.identity.sourceIp [$context.requestTime] $context.statusText $context.extendedRequestId.",
        );
        assert_eq!(lacks.len(), Field::WANTED.len() - 2, "a longer name is another one: {lacks:?}");
        assert!(lacks[0].starts_with("$context.status: "), "{lacks:?}");
    }

    #[test]
    fn the_fields_of_json_are_found_by_their_paths() {
        let format = AccessLogFormat::parse(
            r#"{"requestId":"$context.requestId","http":{"status-code":"$context.status","verb":"$context.httpMethod"},"both":"$context.path $context.stage"}"#,
        );
        assert_eq!(format.prelude(), "");
        assert_eq!(format.field(Field::Status), Some("`http.status-code`"));
        assert_eq!(format.field(Field::Method), Some("http.verb"));
        assert_eq!(format.field(Field::Resource), None, "two variables in one value are none of them");
    }

    #[test]
    fn json_that_an_absent_value_would_break_is_taken_apart() {
        let format = AccessLogFormat::parse(r#"{"id":"$context.requestId","status":$context.status}"#);
        assert_eq!(format.prelude(), r#"parse @message '{"id":"*","status":*}' as v0, v1 | "#);
        assert_eq!(format.field(Field::Status), Some("v1"));
    }

    #[test]
    fn the_common_log_format_is_taken_apart() {
        let clf = r#"$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime]"$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength $context.requestId"#;
        let format = AccessLogFormat::parse(clf);
        assert_eq!(
            format.prelude(),
            "parse @message '* * * [*]\"* * *\" * * *' as v0, v1, v2, v3, v4, v5, v6, v7, v8, v9 | "
        );
        assert_eq!((format.field(Field::SourceIp), format.field(Field::Status)), (Some("v0"), Some("v7")));
        assert_eq!(format.field(Field::UserAgent), None);
    }

    #[test]
    fn what_callers_write_before_the_status_can_pass_for_it() {
        let forgeable = |format| AccessLogFormat::parse(format).is_forgeable();
        assert!(forgeable(r#"$context.requestId "$context.identity.userAgent" $context.status"#));
        assert!(!forgeable(r#"$context.requestId $context.status "$context.identity.userAgent""#));
        assert!(!forgeable(r#"{"agent":"$context.identity.userAgent","status":"$context.status"}"#), "escaped");
    }

    #[test]
    fn what_cannot_be_taken_apart_has_no_fields() {
        for format in ["", "no variables", "$context.status$context.requestId", "* $context.status"] {
            assert_eq!(AccessLogFormat::parse(format).field(Field::Status), None, "{format}");
        }
    }

    #[test]
    fn only_a_log_group_can_be_asked() {
        assert_eq!(log_group("arn:aws:logs:eu-west-1:111122223333:log-group:api/shop:*"), Some("api/shop"));
        assert_eq!(log_group("arn:aws:firehose:eu-west-1:111122223333:deliverystream/amazon-apigateway-x"), None);
    }
}
