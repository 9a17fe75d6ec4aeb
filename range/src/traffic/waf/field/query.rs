//! Query arguments.

use std::borrow::Cow;

use serde_json::Value;

use super::super::flaw::Flaw;
use super::super::transform::Transform;

/// A change to the raw query string before it is split into arguments; documented in
/// `API_PreParseTextTransformation.html`, which says no more than the names do: what the last two do is inferred from
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PreParse {
    UrlDecode,
    UrlDecodeUni,
    /// Values of arguments of the same name, in the place of the first.
    CombineByComma,
    /// `;` separates arguments like `&`.
    Semicolons,
}

impl PreParse {
    /// Reads `PreParseTextTransformations`, by priority.
    pub(super) fn read_all(json: &Value) -> Result<Vec<Self>, Flaw> {
        let mut all: Vec<&Value> = json.as_array().into_iter().flatten().collect();
        all.sort_by_key(|entry| entry["Priority"].as_i64().unwrap_or(0));
        let read = |entry: &Value| {
            Ok(Some(match entry["Type"].as_str().unwrap_or("") {
                "NONE" => return Ok(None),
                "URL_DECODE" => Self::UrlDecode,
                "URL_DECODE_UNI" => Self::UrlDecodeUni,
                "COMBINE_DUPLICATE_QUERY_ARGS_BY_COMMA" => Self::CombineByComma,
                "REPLACE_SEMICOLONS_WITH_AMPERSANDS" => Self::Semicolons,
                other => {
                    let reason = "The pre-parse text transformation is not valid.";
                    return Err(Flaw::wrong("PRE_PARSE_TEXT_TRANSFORMATION", other, reason));
                }
            }))
        };
        all.into_iter().filter_map(|entry| read(entry).transpose()).collect()
    }

    fn apply(self, query: &[u8]) -> Vec<u8> {
        match self {
            Self::UrlDecode => Transform::UrlDecode.apply(query),
            Self::UrlDecodeUni => Transform::UrlDecodeUni.apply(query),
            Self::Semicolons => query.iter().map(|byte| if *byte == b';' { b'&' } else { *byte }).collect(),
            Self::CombineByComma => combine(query),
        }
    }
}

/// `a=1&b=2&a=3` as `a=1,3&b=2`.
fn combine(query: &[u8]) -> Vec<u8> {
    let mut all: Vec<(&[u8], Vec<&[u8]>)> = Vec::new();
    for argument in query.split(|byte| *byte == b'&') {
        let (name, value) = name_and_value(argument);
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => all.push((name, vec![value])),
        }
    }
    let whole = |(name, values): &(&[u8], Vec<&[u8]>)| [*name, &values.join(&b',')].join(&b'=');
    all.iter().map(whole).collect::<Vec<_>>().join(&b'&')
}

/// An argument without `=` has an empty value (inferred).
fn name_and_value(argument: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'=', argument) {
        Some(at) => (&argument[..at], &argument[at + 1..]),
        None => (argument, &[]),
    }
}

/// The values of the arguments that are wanted. "If the query string contains more than one instance of the query
/// argument, AWS WAF inspects all the values for a match, using OR logic" (documented).
pub(super) fn values<'q>(query: &'q str, changes: &[PreParse], wanted: impl Fn(&[u8]) -> bool) -> Vec<Cow<'q, [u8]>> {
    let pick = |query: &'_ [u8], take: &mut dyn FnMut(std::ops::Range<usize>)| {
        let mut start = 0;
        for argument in query.split(|byte| *byte == b'&') {
            let (name, value) = name_and_value(argument);
            let end = start + argument.len();
            if !argument.is_empty() && wanted(name) {
                take(end - value.len()..end);
            }
            start = end + 1;
        }
    };
    let mut out = Vec::new();
    if changes.is_empty() {
        let raw = query.as_bytes();
        pick(raw, &mut |value| out.push(Cow::Borrowed(&raw[value])));
    } else {
        let changed = changes.iter().fold(query.as_bytes().to_vec(), |query, change| change.apply(&query));
        pick(&changed, &mut |value| out.push(Cow::Owned(changed[value].to_vec())));
    }
    out
}
