//! `RegexMatchStatement`: regular expressions.
//!
//! AWS uses the syntax of PCRE without back-references, subroutines, conditions, callouts, atomic groups and possessive
//! quantifiers (documented in `waf-rule-statement-type-regex-match.html`). The range reads what PCRE and Rust's
//! `regex` have in common, on bytes, with classes of ASCII letters; look-around, of which AWS takes some, it refuses.
//! `$` is the end of the text only, where PCRE also matches before a last line end.

use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;

use super::super::flaw::Flaw;

/// Reads `RegexString` and compiles it.
pub(super) fn read(body: &Value) -> Result<Regex, Flaw> {
    const FIELD: &str = "REGEX_PATTERN_REFERENCE_STATEMENT";
    let pattern = body["RegexString"].as_str().filter(|text| !text.is_empty());
    let pattern = pattern.ok_or_else(|| Flaw::missing(FIELD, "RegexString"))?;
    // Letters beyond ASCII need Unicode; PCRE takes them as the bytes they are, which comes to the same.
    let build = |unicode| RegexBuilder::new(pattern).unicode(unicode).build();
    build(false).or_else(|_| build(true)).map_err(|error| {
        let words = error.to_string();
        if words.contains("look-around") {
            let why = "it has look-ahead or look-behind, of which AWS takes some and the range none.";
            return Flaw::unevaluated(FIELD, &format!("RegexMatchStatement `{pattern}`"), why);
        }
        let cause = words.lines().last().unwrap_or("").trim_start_matches("error: ").to_owned();
        let reason =
            format!("The regular expression is not valid, or not one that the Portcullis range reads: {cause}");
        Flaw::wrong(FIELD, pattern, &reason)
    })
}
