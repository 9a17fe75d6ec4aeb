//! Patch operations.

use serde_json::Value;

use super::bad_request;
use crate::error::AwsError;
use crate::service::common::text;

/// What a patch operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Remove,
    Replace,
    Copy,
}

/// One patch operation. Values are always text (documented).
#[derive(Debug)]
pub(super) struct Patch<'a> {
    pub(super) op: Op,
    pub(super) path: &'a str,
    pub(super) value: &'a str,
    pub(super) from: &'a str,
}

/// The operations of a call, in order.
pub(super) fn operations(input: &Value) -> Result<Vec<Patch<'_>>, AwsError> {
    let list = input.get("patchOperations").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter()
        .map(|operation| {
            let op = match text(operation, "op").unwrap_or("") {
                "add" => Op::Add,
                "remove" => Op::Remove,
                "replace" => Op::Replace,
                "copy" => Op::Copy,
                other => return Err(bad_request(format!("Invalid patch operation: {other}"))),
            };
            let path = text(operation, "path").filter(|path| path.starts_with('/'));
            let path = path.ok_or_else(|| bad_request("Invalid patch path"))?;
            let value = match operation.get("value") {
                None | Some(Value::Null) => "",
                Some(Value::String(value)) => value,
                Some(_) => return Err(AwsError::bad("SerializationException", "Expected a string for member value")),
            };
            Ok(Patch { op, path, value, from: text(operation, "from").unwrap_or("") })
        })
        .collect()
}

impl Patch<'_> {
    /// The error of a path that the resource does not have.
    pub(super) fn unknown_path(&self, known: &str) -> AwsError {
        bad_request(format!(
            "Invalid patch path  '{}' specified for op '{}'. Must be one of: [{known}]",
            self.path,
            self.name()
        ))
    }

    fn name(&self) -> &'static str {
        match self.op {
            Op::Add => "add",
            Op::Remove => "remove",
            Op::Replace => "replace",
            Op::Copy => "copy",
        }
    }
}

/// A segment of a JSON pointer, unescaped.
pub(super) fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}
