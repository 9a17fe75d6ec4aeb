//! What the tests of statements have in common.

use super::*;
use crate::service::wafv2::evaluable;

/// One check: what it is about, a statement, a request, and whether they match.
pub(super) type Case = (&'static str, Value, Request, bool);

/// Checks cases that one page of AWS's documentation answers. Every statement has to be one that the API takes.
pub(super) fn hold(page: &str, cases: Vec<Case>) {
    for (what, statement, request, expected) in cases {
        evaluable(&statement).unwrap_or_else(|error| panic!("{page}, {what}: {error}"));
        assert_eq!(matches(&statement, &request), expected, "{page}, {what}: {statement}");
    }
}

/// Whether a rule of this statement blocks a request.
pub(super) fn matches(statement: &Value, request: &Request) -> bool {
    let acl = World::new().acl(vec![rule("r", 0, statement, "Block")]);
    !judge(&acl, request, CALLER).passed
}

/// `TextTransformations` in this order.
pub(super) fn transforms(names: &[&str]) -> Value {
    names.iter().enumerate().map(|(priority, name)| json!({"Priority": priority, "Type": name})).collect()
}

/// A `ByteMatchStatement`; the string goes as it is: none here is Base64 by chance.
pub(super) fn bytes(field: &Value, position: &str, search: &str) -> Value {
    use base64::Engine;
    let search = base64::engine::general_purpose::STANDARD.encode(search);
    json!({"ByteMatchStatement": {"FieldToMatch": field, "PositionalConstraint": position,
        "SearchString": search, "TextTransformations": transforms(&["NONE"])}})
}

/// The same for text anywhere in the component.
pub(super) fn contains(field: &Value, search: &str) -> Value {
    bytes(field, "CONTAINS", search)
}

/// The same for the whole component.
pub(super) fn exactly(field: &Value, search: &str) -> Value {
    bytes(field, "EXACTLY", search)
}

/// A `SizeConstraintStatement`.
pub(super) fn size(field: &Value, operator: &str, size: u64, transformations: &[&str]) -> Value {
    json!({"SizeConstraintStatement": {"FieldToMatch": field, "ComparisonOperator": operator, "Size": size,
        "TextTransformations": transforms(transformations)}})
}

/// A `RegexMatchStatement`.
pub(super) fn regex(field: &Value, pattern: &str) -> Value {
    json!({"RegexMatchStatement": {"FieldToMatch": field, "RegexString": pattern,
        "TextTransformations": transforms(&["NONE"])}})
}

pub(super) fn not(statement: &Value) -> Value {
    json!({"NotStatement": {"Statement": statement}})
}

/// A GET of a path with a query.
pub(super) fn get(path: &str, query: &str) -> Request {
    Request { method: "GET".into(), path: path.into(), query: query.into(), ..Request::default() }
}

/// A request with these headers.
pub(super) fn with_headers(headers: &[(&str, &str)]) -> Request {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Request { headers, ..get("/prod/products", "") }
}

/// A POST of a body.
pub(super) fn post(body: &[u8]) -> Request {
    Request { method: "POST".into(), body: body.to_vec(), body_len: body.len(), ..get("/prod/login", "") }
}
