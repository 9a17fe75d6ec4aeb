//! What an access log's format says of a request, and what it leaves out.

/// A field that a review or a count of who was turned away needs: the names under which `$context` has it (any will do), and what
/// is not known without it. (API Gateway guide, `$context` variables.)
pub(super) struct Field {
    names: &'static [&'static str],
    without: &'static str,
}

/// The fields, those that matter most first.
pub(super) const FIELDS: [Field; 9] = [
    Field { names: &["requestId", "extendedRequestId"], without: "AWS refuses the format" },
    Field { names: &["status"], without: "who was turned away" },
    Field { names: &["error.responseType"], without: "whether a throttle, WAF or an authorizer turned it away" },
    Field { names: &["waf.status", "wafResponseCode"], without: "what WAF answered" },
    Field { names: &["identity.sourceIp"], without: "who is sending it" },
    Field { names: &["httpMethod"], without: "which method is attacked" },
    Field { names: &["resourcePath", "path"], without: "which resource is attacked" },
    Field { names: &["identity.apiKeyId"], without: "which client is sending it" },
    Field { names: &["responseLatency"], without: "how long clients wait" },
];

/// What `format` lacks, a line each: the field and what is not known without it.
pub(super) fn lacking(format: &str) -> Vec<String> {
    let has = fields(format);
    let lacks = FIELDS.iter().filter(|field| !field.names.iter().any(|name| has.contains(name)));
    lacks.map(|field| format!("$context.{}: {}", field.names[0], field.without)).collect()
}

/// The fields of `$context` in a format.
fn fields(format: &str) -> Vec<&str> {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    format
        .split("$context.")
        .skip(1)
        .map(|rest| {
            let end = rest.find(|c| !part_of_name(c)).unwrap_or(rest.len());
            rest[..end].trim_end_matches('.')
        })
        .collect()
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
        assert_eq!(lacks.len(), FIELDS.len() - 2, "a longer name is another one: {lacks:?}");
        assert!(lacks[0].starts_with("$context.status: "), "{lacks:?}");
    }
}
