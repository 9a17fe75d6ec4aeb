//! What a statement may ask for and the range does not evaluate: refused when it is defined, in words that name the
//! range. A rule that is taken and then evaluated wrongly would prove a block that AWS would not make, or none where
//! AWS would.

use serde_json::Value;

use super::bad_parameter;
use crate::error::AwsError;
use crate::service::common::{invalid, missing};
use crate::traffic::waf::{Flaw, flaw_of};

/// A member that AWS documents and the range does not evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unevaluated {
    /// The shape of AWS's service model that it belongs to.
    pub(crate) shape: &'static str,
    /// The member, or the value of an enumeration.
    pub(crate) member: &'static str,
    /// `Field` of the error.
    field: &'static str,
    /// Why not.
    pub(crate) why: &'static str,
}

const fn row(shape: &'static str, member: &'static str, field: &'static str, why: &'static str) -> Unevaluated {
    Unevaluated { shape, member, field, why }
}

/// All of them.
pub(crate) const TABLE: [Unevaluated; 10] = [
    row(
        "Statement",
        "RegexPatternSetReferenceStatement",
        "REGEX_PATTERN_REFERENCE_STATEMENT",
        "it keeps no regex pattern sets.",
    ),
    row("Statement", "AsnMatchStatement", "STATEMENT", "it does not know the networks (ASN) of addresses."),
    row("FieldToMatch", "JA3Fingerprint", "FIELD_TO_MATCH", "its requests have no TLS handshake."),
    row("FieldToMatch", "JA4Fingerprint", "FIELD_TO_MATCH", "its requests have no TLS handshake."),
    row("FieldToMatch", "UriFragment", "FIELD_TO_MATCH", "its requests have no fragment."),
    row(
        "RateBasedStatementAggregateKeyType",
        "FORWARDED_IP",
        "RATE_BASED_STATEMENT",
        "it counts by address or for everybody.",
    ),
    row(
        "RateBasedStatementAggregateKeyType",
        "CUSTOM_KEYS",
        "RATE_BASED_STATEMENT",
        "it counts by address or for everybody.",
    ),
    row("TextTransformationType", "CMD_LINE_WIN", "TEXT_TRANSFORMATION", NO_DESCRIPTION),
    row("TextTransformationType", "CMD_LINE_UNIX", "TEXT_TRANSFORMATION", NO_DESCRIPTION),
    row("TextTransformationType", "JS_DECODE_EXT", "TEXT_TRANSFORMATION", NO_DESCRIPTION),
];

const NO_DESCRIPTION: &str = "it knows no description of it that is exact enough.";

/// Refuses what the table names.
fn listed(shape: &str, member: &str) -> Result<(), AwsError> {
    match TABLE.iter().find(|row| row.shape == shape && row.member == member) {
        Some(row) => Err(refused(&Flaw::unevaluated(row.field, row.member, row.why))),
        None => Ok(()),
    }
}

fn refused(flaw: &Flaw) -> AwsError {
    bad_parameter(flaw.field, &flaw.parameter, &flaw.reason)
}

/// Checks that one statement, given by its name and its body, can be evaluated; not those inside it.
pub(super) fn check(kind: &str, body: &Value) -> Result<(), AwsError> {
    listed("Statement", kind)?;
    for member in body["FieldToMatch"].as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        listed("FieldToMatch", member.0)?;
    }
    for transformation in body["TextTransformations"].as_array().into_iter().flatten() {
        listed("TextTransformationType", transformation["Type"].as_str().unwrap_or(""))?;
    }
    listed("RateBasedStatementAggregateKeyType", body["AggregateKeyType"].as_str().unwrap_or(""))?;
    let flaw = match kind {
        "ByteMatchStatement"
        | "RegexMatchStatement"
        | "SizeConstraintStatement"
        | "SqliMatchStatement"
        | "XssMatchStatement" => {
            // At least one, if only `NONE` (documented: service model).
            match body["TextTransformations"].as_array() {
                None => return Err(missing("textTransformations")),
                Some(none) if none.is_empty() => {
                    let constraint = "Member must have length greater than or equal to 1";
                    return Err(invalid("textTransformations", "[]", constraint));
                }
                Some(_) => flaw_of(kind, body),
            }
        }
        "GeoMatchStatement" | "LabelMatchStatement" => flaw_of(kind, body),
        _ => None,
    };
    flaw.map_or(Ok(()), |flaw| Err(refused(&flaw)))
}

/// Checks that a statement, with all those inside it, can be evaluated: for statements that a scenario brings along.
pub(crate) fn evaluable(statement: &Value) -> Result<(), AwsError> {
    let mut open = vec![statement];
    while let Some(statement) = open.pop() {
        for (kind, body) in statement.as_object().into_iter().flatten().filter(|(_, body)| !body.is_null()) {
            check(kind, body)?;
            open.extend(body["Statements"].as_array().into_iter().flatten());
            open.extend(["Statement", "ScopeDownStatement"].iter().filter_map(|member| body.get(*member)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
