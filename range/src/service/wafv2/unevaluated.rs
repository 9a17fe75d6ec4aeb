//! What a statement may ask for and the range does not evaluate: refused when it is defined, in words that name the
//! range. A rule that is taken and then evaluated wrongly would prove a block that AWS would not make, or none where
//! AWS would.

use serde_json::Value;

use super::bad_parameter;
use crate::error::AwsError;
use crate::service::Service;
use crate::service::common::{invalid, missing};
use crate::shapes::{refused_member, refused_value};
use crate::traffic::waf::{Flaw, flaw_of};

/// `Field` of the error about a member of a shape, or a value of an enumeration.
fn field(shape: &str) -> &'static str {
    match shape {
        "FieldToMatch" => "FIELD_TO_MATCH",
        "RateBasedStatementAggregateKeyType" => "RATE_BASED_STATEMENT",
        "TextTransformationType" => "TEXT_TRANSFORMATION",
        _ => "STATEMENT",
    }
}

/// Why a member of a shape, or a value of an enumeration, is not evaluated, where it is not.
fn reason(shape: &str, member: &str) -> Option<&'static str> {
    let service = Service::Waf.name();
    refused_member(service, shape, member).or_else(|| refused_value(service, shape, member))
}

/// Refuses what the tables of [`shapes`](crate::shapes) name. Calls were held against them before; what a scenario
/// brings along was not.
fn listed(shape: &str, member: &str) -> Result<(), AwsError> {
    match reason(shape, member) {
        Some(why) => Err(refused(&Flaw::unevaluated(field(shape), member, why))),
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
