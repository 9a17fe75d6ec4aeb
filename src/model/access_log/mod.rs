//! Access logs: what a format says of a request, what it leaves out, and how Logs Insights is asked for it.
//!
//! API Gateway writes one line a request in the stage's own format, with `$context` variables in it; a variable without
//! a value is `-` (API Gateway guide, `$context` variables). Knows nothing of calls.

mod automaton;
mod eliminate;
mod exact;
mod expr;
mod json;
mod merge;
mod shape;
mod split;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use self::shape::shape;
use self::split::{Split, Told};
use super::stage::StageId;

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
            Self::WafStatus => &["waf.status", "wafResponseCode", "waf.wafResponseCode"],
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

/// What `format` lacks of [`Field::WANTED`], a line each: the field and what is not known without it; and which of them
/// it has in a place where they cannot be told.
#[must_use]
pub fn lacking(format: &str) -> Vec<String> {
    let has: Vec<&str> = pieces(format).into_iter().filter_map(|piece| piece.variable).collect();
    let read = AccessLogFormat::parse(format);
    let lacks = |field: &Field| {
        let name = field.names()[0];
        if !field.names().iter().any(|name| has.contains(name)) {
            return Some(format!("$context.{name}: {}", field.without()));
        }
        let how = match read.field(*field) {
            None => "cannot be told",
            Some(_) if read.hardly.contains(field) => "hardly any line tells it",
            Some(_) => return None,
        };
        read.reason(*field).map(|reason| format!("$context.{name}: it is there and {how}: {reason}"))
    };
    Field::WANTED.iter().filter_map(lacks).collect()
}

/// How to ask Logs Insights for the fields of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogFormat {
    split: Split,
    /// Names of fields in lines that are JSON whatever a request lacks, as far as callers let them be.
    json: Option<BTreeMap<Field, String>>,
    /// Whether something in the format may hold anything.
    free: bool,
    /// Why fields that the format has are not told, or not by every line.
    reasons: BTreeMap<Field, String>,
    /// Those of them that touch what may hold anything.
    hardly: BTreeSet<Field>,
}

/// Formats that were read already: stages are many, formats few.
static READ: LazyLock<Mutex<HashMap<String, Arc<AccessLogFormat>>>> = LazyLock::new(Mutex::default);

/// How many of them are kept.
const KEPT: usize = 256;

impl AccessLogFormat {
    /// Reads a format.
    ///
    /// Where its lines are JSON whatever a request lacks and nothing in them can end a string, Insights finds the
    /// fields by itself (documented); any other is taken apart by `parse` clauses, by what each variable may hold. An
    /// absent value is `-`: a variable outside quotation marks then makes the line no JSON any more, and Insights would
    /// find no field of it, of throttled requests above all, which have no integration. And a quotation mark that a
    /// caller wrote, if API Gateway does not escape it, ends a string.
    #[must_use]
    pub fn parse(format: &str) -> Arc<Self> {
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get(format) {
            return Arc::clone(known);
        }
        let made = Arc::new(Self::read(format));
        if read.len() >= KEPT {
            read.clear();
        }
        read.insert(format.to_owned(), Arc::clone(&made));
        made
    }

    fn read(format: &str) -> Self {
        // A line break may stand at the end only (documented).
        let line = format.trim_end_matches(['\n', '\r']);
        let pieces = pieces(line);
        let free = pieces.iter().filter_map(|piece| piece.variable).any(|name| shape(name).is_none());
        let json = json::fields(line, &pieces);
        let split = match &json {
            Some(names) if !free => {
                let told = |(field, name): (&Field, &String)| (*field, Told { name: name.clone(), always: true });
                Split { prelude: String::new(), fields: names.iter().map(told).collect() }
            }
            _ => split::split(&pieces, line.len() < format.len()),
        };
        let unsure = Field::ALL.into_iter().filter(|field| split.fields.get(field).is_none_or(|told| !told.always));
        let reasons: BTreeMap<Field, String> =
            unsure.filter_map(|field| Some((field, split::reason(&pieces, field)?))).collect();
        let hardly = reasons.keys().copied().filter(|field| split::touches(&pieces, *field)).collect();
        Self { split, json, free, reasons, hardly }
    }

    /// What a query begins with: `parse` clauses, each with ` | ` after it, or nothing.
    #[must_use]
    pub fn prelude(&self) -> &str {
        &self.split.prelude
    }

    /// The name of a field in a query, where the format has it and its lines tell it.
    #[must_use]
    pub fn field(&self, field: Field) -> Option<&str> {
        self.split.fields.get(&field).map(|told| told.name.as_str())
    }

    /// Whether every line tells a field. Where not, lines do not have it in which it could stand in several places:
    /// callers wrote what could be taken for it.
    #[must_use]
    pub fn tells_always(&self, field: Field) -> bool {
        self.split.fields.get(&field).is_some_and(|told| told.always)
    }

    /// Why a field that the format has is not told, or not by every line: which variable is in the way, and what to do.
    #[must_use]
    pub fn reason(&self, field: Field) -> Option<&str> {
        self.reasons.get(&field).map(String::as_str)
    }

    /// The field's name in lines that are JSON, for filter patterns. Where [`Self::may_hold_anything`], that such lines
    /// say what happened rests on API Gateway escaping what callers write.
    #[must_use]
    pub fn json_field(&self, field: Field) -> Option<&str> {
        self.json.as_ref()?.get(&field).map(String::as_str)
    }

    /// Whether the format has a variable that may hold anything.
    #[must_use]
    pub fn may_hold_anything(&self) -> bool {
        self.free
    }

    /// A `filter` clause for the lines of one stage, with ` | ` after it, where lines say whose they are. Lines that do
    /// not say it although they may be the stage's pass.
    #[must_use]
    pub fn only(&self, stage: &StageId) -> Option<Own> {
        let (api, name) = (self.field(Field::ApiId)?, self.field(Field::Stage)?);
        let own = format!("({api} = '{}' and {name} = '{}')", stage.api_id, stage.stage);
        let with_strangers = format!("filter {own} or not ispresent({api}) | ");
        let sure = self.tells_always(Field::ApiId) && self.tells_always(Field::Stage);
        Some(Own { filter: if sure { format!("filter {own} | ") } else { with_strangers.clone() }, with_strangers })
    }
}

/// `filter` clauses for the lines of one stage, each with ` | ` after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Lines that are the stage's, or may be.
    pub filter: String,
    /// The same, and lines that are not in the stage's format: another stage's, or its own from before its format was
    /// changed.
    pub with_strangers: String,
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

/// The log group's name in a destination's ARN, `arn:…:logs:REGION:ACCOUNT:log-group:NAME`; `None` where the log goes
/// elsewhere (Firehose).
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
        let open = lacking("$context.requestId $context.path$context.status$context.identity.userAgent");
        assert!(
            open.iter().any(|line| line.starts_with("$context.status: it is there and hardly any line tells it")),
            "{open:?}"
        );
    }

    #[test]
    fn the_fields_of_json_are_found_by_their_paths() {
        let format = AccessLogFormat::parse(
            r#"{"requestId":"$context.requestId","http":{"status-code":"$context.status","verb":"$context.httpMethod"},"both":"$context.resourcePath $context.stage"}"#,
        );
        assert_eq!(format.prelude(), "");
        assert_eq!(format.field(Field::Status), Some("`http.status-code`"));
        assert_eq!(format.field(Field::Method), Some("http.verb"));
        assert_eq!(format.field(Field::Resource), None, "two variables in one value are none of them");
    }

    #[test]
    fn json_is_taken_apart_where_an_absent_value_or_a_caller_could_break_it() {
        let format = AccessLogFormat::parse(r#"{"id":"$context.requestId","status":$context.status}"#);
        assert!(format.prelude().contains(r#"","status":(?<v1>(?:[0-9][0-9][0-9]|\-))\}$/"#), "{}", format.prelude());
        assert_eq!((format.field(Field::Status), format.json_field(Field::Status)), (Some("v1"), None));
        let twice = AccessLogFormat::parse(r#"{"s":"$context.status","id":"$context.requestId","s":"$context.stage"}"#);
        assert_eq!((twice.field(Field::Status), twice.json_field(Field::Status)), (Some("v0"), None), "a key twice");
        let agent = AccessLogFormat::parse(r#"{"agent":"$context.identity.userAgent","status":"$context.status"}"#);
        assert_eq!((agent.field(Field::Status), agent.json_field(Field::Status)), (Some("v1"), Some("status")));
        assert!(agent.tells_always(Field::Status) && agent.may_hold_anything());
    }

    #[test]
    fn the_common_log_format_is_told_by_every_line() {
        let clf = r#"$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime]"$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength $context.requestId"#;
        let format = AccessLogFormat::parse(clf);
        assert_eq!((format.field(Field::SourceIp), format.field(Field::Status)), (Some("v0"), Some("v7")));
        for field in [Field::SourceIp, Field::Method, Field::Resource, Field::Status, Field::RequestId] {
            assert!(format.tells_always(field), "{field:?}");
        }
        assert_eq!(format.field(Field::UserAgent), None);
        assert_eq!(format.prelude().matches("parse ").count(), 1);
    }

    #[test]
    fn what_may_be_anything_is_read_around_from_both_ends() {
        let told = |format: &str| {
            let format = AccessLogFormat::parse(format);
            let status = format.field(Field::Status).map(|_| format.tells_always(Field::Status));
            let address = format.field(Field::SourceIp).map(|_| format.tells_always(Field::SourceIp));
            (status, address)
        };
        let (always, where_harmless) = (Some(true), Some(false));
        let agent = r#"$context.status "$context.identity.userAgent" $context.identity.sourceIp $context.requestId"#;
        assert_eq!(told(agent), (always, always));
        let between = r#"$context.requestId "$context.path" $context.status "$context.identity.userAgent" $context.identity.sourceIp"#;
        assert_eq!(told(between), (where_harmless, always));
        let json = r#"{"id":"$context.requestId","path":"$context.path","status":"$context.status","ua":"$context.identity.userAgent","ip":"$context.identity.sourceIp"}"#;
        assert_eq!(told(json), (where_harmless, always));
        let open =
            "$context.requestId $context.path$context.status$context.identity.userAgent $context.identity.sourceIp";
        assert_eq!(told(open), (where_harmless, always));
        let reason = AccessLogFormat::parse(open).reason(Field::Status).map(str::to_owned).unwrap_or_default();
        assert!(reason.contains("puts $context.path, which may hold anything, before $context.status"), "{reason}");
        assert!(reason.contains("move $context.status to the front"), "{reason}");
    }

    #[test]
    fn what_has_no_fields_has_none() {
        for format in ["", "no variables", "$context.requestId"] {
            assert_eq!(AccessLogFormat::parse(format).field(Field::Status), None, "{format}");
        }
    }

    #[test]
    fn only_a_log_group_can_be_asked() {
        assert_eq!(log_group("arn:aws:logs:eu-west-1:111122223333:log-group:api/shop:*"), Some("api/shop"));
        assert_eq!(log_group("arn:aws:firehose:eu-west-1:111122223333:deliverystream/amazon-apigateway-x"), None);
    }
}
