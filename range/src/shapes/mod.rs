//! What AWS publishes about inputs, checked before any operation is performed.
//!
//! [`check`] is the one place: it compares a decoded input with the service model's constraints (`models.json`, made
//! by `range/shapes/generate.py`) and with the tables of what the range does with each member (`effects`). An operation
//! that is not in the models is one that the range does not know.

mod answer;
mod check;
mod effects;
mod model;
mod path;
mod pattern;

pub(crate) use effects::{refused_member, refused_value};
#[cfg(test)]
mod tests;

use serde_json::Value;

use self::model::Models;
use self::path::Path;
use crate::error::AwsError;
use crate::wire::{Protocol, Target};

/// Refuses a call that the range does not know, that AWS's constraints do not allow, or that the range would not
/// evaluate as AWS does.
pub(crate) fn check(target: &Target) -> Result<(), AwsError> {
    let (service, operation) = (target.service, target.operation.as_str());
    let models = Models::get().map_err(|error| {
        AwsError::new(
            http::StatusCode::INTERNAL_SERVER_ERROR,
            "InternalFailure",
            format!("The range's models: {error}"),
        )
    })?;
    let model = models.of(service).ok_or_else(|| service.not_known(operation))?;
    let input = model.operations.get(operation).ok_or_else(|| service.not_known(operation))?;
    let Some(shape) = *input else { return Ok(()) };
    let textual = target.protocol == Protocol::Query;
    let name = answer::input_name(service, operation);
    let given = if textual { without_envelope(&target.input) } else { None };
    let input = given.as_ref().unwrap_or(&target.input);
    let findings = check::check((service.name(), model), input, shape, &Path::input(&name), textual);
    answer::refusal(service, operation, &findings)
}

/// An input of the query protocol without the members that say which operation it is of.
fn without_envelope(input: &Value) -> Option<Value> {
    let mut members = input.as_object()?.clone();
    for name in ["Action", "Version"] {
        members.remove(name);
    }
    Some(Value::Object(members))
}
