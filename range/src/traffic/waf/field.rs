//! The part of a request that a statement looks at (`FieldToMatch`), as WAF receives it.
//!
//! From the developer guide, "Request component options" (`waf-rule-statement-fields-list.html`) and "Handling oversize
//! web request components" (`waf-oversize-request-components.html`). "If a web request doesn't contain the request
//! component that's specified in the rule statement, the request results as not matching" (documented). That an empty
//! query string and an empty body are none is inferred.

mod json;
mod map;
mod query;

use std::borrow::Cow;

use serde_json::Value;

use super::super::request::Request;
use super::flaw::Flaw;
use super::transform::Transforms;
use json::JsonBody;
pub(crate) use map::Map;
use query::PreParse;

/// A request as WAF receives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'r> {
    pub(crate) request: &'r Request,
    /// So many bytes of the body reach WAF.
    pub(crate) body_limit: usize,
}

impl<'r> Subject<'r> {
    /// The body as far as WAF receives it.
    fn body(self) -> &'r [u8] {
        let body = &self.request.body;
        &body[..body.len().min(self.body_limit)]
    }

    fn body_is_oversize(self) -> bool {
        self.request.body_len > self.body_limit
    }
}

/// `OversizeHandling`: what becomes of a request of which WAF does not receive the whole component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oversize {
    /// Look at what there is.
    Continue,
    /// A match, without looking; or none.
    Settled(bool),
}

impl Oversize {
    /// Reads the member; the default outside AWS's console is `CONTINUE` (documented for bodies, where the member is
    /// not required).
    fn read(json: &Value, required: bool) -> Result<Self, Flaw> {
        match json["OversizeHandling"].as_str() {
            Some("CONTINUE") => Ok(Self::Continue),
            Some("MATCH") => Ok(Self::Settled(true)),
            Some("NO_MATCH") => Ok(Self::Settled(false)),
            None if !required => Ok(Self::Continue),
            other => Err(Flaw::missing("OVERSIZE_HANDLING", other.unwrap_or("OversizeHandling"))),
        }
    }
}

/// What a statement gets to see of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen<'r> {
    /// The answer is known without looking: the component is too large or cannot be parsed.
    Settled(bool),
    /// Each of these is looked at; none where the component is absent.
    Texts(Vec<Cow<'r, [u8]>>),
}

impl<'r> Seen<'r> {
    fn one(text: &'r [u8]) -> Self {
        Self::Texts(vec![Cow::Borrowed(text)])
    }

    /// Nothing where the text is empty.
    fn unless_empty(text: &'r [u8]) -> Self {
        if text.is_empty() { Self::Texts(Vec::new()) } else { Self::one(text) }
    }
}

/// A `FieldToMatch`; documented in `API_FieldToMatch.html`.
#[derive(Debug, Clone)]
pub(crate) enum Field {
    Method,
    UriPath,
    QueryString,
    /// The values of all arguments, after changes to the raw query string.
    AllQueryArguments(Vec<PreParse>),
    /// The values of one argument, whose name is not case-sensitive.
    SingleQueryArgument(String, Vec<PreParse>),
    /// The values of one header, whose name is not case-sensitive; without limits of size (documented).
    SingleHeader(Cow<'static, str>),
    Headers(Map),
    Cookies(Map),
    HeaderOrder(Oversize),
    Body(Oversize),
    JsonBody(Box<JsonBody>),
}

/// The only member of an object that is not null.
pub(crate) fn single(json: &Value) -> Option<(&str, &Value)> {
    let mut present = json.as_object()?.iter().filter(|(_, value)| !value.is_null());
    let first = present.next()?;
    present.next().is_none().then_some((first.0.as_str(), first.1))
}

impl Field {
    /// Reads the `FieldToMatch` of a statement.
    pub(crate) fn read(statement: &Value) -> Result<Self, Flaw> {
        const FIELD: &str = "FIELD_TO_MATCH";
        let (kind, body) =
            single(&statement["FieldToMatch"]).ok_or_else(|| Flaw::missing(FIELD, "Exactly one component"))?;
        let name = |field| {
            let name = body["Name"].as_str().filter(|name| !name.trim().is_empty());
            name.map(str::to_owned).ok_or_else(|| Flaw::missing(field, "Name"))
        };
        let pre_parse = PreParse::read_all(&statement["PreParseTextTransformations"])?;
        let is_query = matches!(kind, "AllQueryArguments" | "SingleQueryArgument");
        if !is_query && statement["PreParseTextTransformations"].as_array().is_some_and(|all| !all.is_empty()) {
            let reason = "Pre-parse text transformations are for query arguments only.";
            return Err(Flaw::wrong("PRE_PARSE_TEXT_TRANSFORMATION", kind, reason));
        }
        Ok(match kind {
            "Method" => Self::Method,
            "UriPath" => Self::UriPath,
            "QueryString" => Self::QueryString,
            "AllQueryArguments" => Self::AllQueryArguments(pre_parse),
            "SingleQueryArgument" => Self::SingleQueryArgument(name("SINGLE_QUERY_ARGUMENT")?, pre_parse),
            "SingleHeader" => Self::SingleHeader(name("SINGLE_HEADER")?.into()),
            "Headers" => Self::Headers(Map::read(body, "IncludedHeaders", "ExcludedHeaders", "HEADER_MATCH_PATTERN")?),
            "Cookies" => Self::Cookies(Map::read(body, "IncludedCookies", "ExcludedCookies", "COOKIE_MATCH_PATTERN")?),
            "HeaderOrder" => Self::HeaderOrder(Oversize::read(body, true)?),
            "Body" => Self::Body(Oversize::read(body, false)?),
            "JsonBody" => Self::JsonBody(Box::new(JsonBody::read(body)?)),
            other => return Err(Flaw::wrong(FIELD, other, "The request component is not valid.")),
        })
    }

    /// What there is to look at.
    pub(crate) fn look<'r>(&self, subject: Subject<'r>) -> Seen<'r> {
        let request = subject.request;
        match self {
            Self::Method => Seen::one(request.method.as_bytes()),
            Self::UriPath => Seen::one(request.path.as_bytes()),
            Self::QueryString => Seen::unless_empty(request.query.as_bytes()),
            Self::AllQueryArguments(changes) => Seen::Texts(query::values(&request.query, changes, |_| true)),
            Self::SingleQueryArgument(name, changes) => {
                let wanted = |known: &[u8]| known.eq_ignore_ascii_case(name.as_bytes());
                Seen::Texts(query::values(&request.query, changes, wanted))
            }
            Self::SingleHeader(name) => {
                let named = request.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
                Seen::Texts(named.map(|(_, value)| Cow::Borrowed(value.as_bytes())).collect())
            }
            Self::Headers(map) => map.headers(request),
            Self::Cookies(map) => map.cookies(request),
            Self::HeaderOrder(oversize) => map::header_order(request, *oversize),
            Self::Body(Oversize::Settled(verdict)) if subject.body_is_oversize() => Seen::Settled(*verdict),
            Self::Body(_) => Seen::unless_empty(subject.body()),
            Self::JsonBody(body) => body.look(subject),
        }
    }

    /// Bytes of the component that WAF receives and that the range does not hold: callers of a scenario have bodies
    /// that are longer than their text.
    fn unheld(&self, subject: Subject<'_>) -> usize {
        let whole = subject.request.body_len.min(subject.body_limit);
        if matches!(self, Self::Body(_)) { whole.saturating_sub(subject.body().len()) } else { 0 }
    }
}

/// A component with what is made of it before it is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Inspection {
    pub(crate) field: Field,
    pub(crate) transforms: Transforms,
}

impl Inspection {
    /// Reads `FieldToMatch` and `TextTransformations` of a statement.
    pub(crate) fn read(statement: &Value) -> Result<Self, Flaw> {
        Ok(Self { field: Field::read(statement)?, transforms: Transforms::read(&statement["TextTransformations"])? })
    }

    /// Whether `test` holds for any text of the component, transformed: "if any of the elements match, the web request
    /// is a match" (documented for JSON and for query arguments).
    pub(crate) fn any(&self, subject: Subject<'_>, test: impl Fn(&[u8]) -> bool) -> bool {
        match self.field.look(subject) {
            Seen::Settled(verdict) => verdict,
            Seen::Texts(texts) => texts.into_iter().any(|text| test(&self.transforms.apply(text))),
        }
    }

    /// The same for the length in bytes, "after any transformations" (documented in
    /// `API_SizeConstraintStatement.html`); of a body only what WAF receives counts (documented).
    pub(crate) fn any_size(&self, subject: Subject<'_>, test: impl Fn(u64) -> bool) -> bool {
        let unheld = self.field.unheld(subject);
        match self.field.look(subject) {
            Seen::Settled(verdict) => verdict,
            Seen::Texts(texts) if texts.is_empty() => unheld > 0 && test(unheld as u64),
            Seen::Texts(texts) => {
                texts.into_iter().any(|text| test((self.transforms.apply(text).len() + unheld) as u64))
            }
        }
    }
}
