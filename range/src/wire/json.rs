//! JSON bodies: 1.0, 1.1 and REST.

use serde_json::{Map, Value};

use crate::error::AwsError;
use crate::service::answer::Body;

/// A body; RPC protocols write `{}` where there is nothing to say, REST writes nothing.
pub(crate) fn encode(body: Body, rpc: bool) -> Vec<u8> {
    let value = match body {
        Body::Empty if rpc => Value::Object(Map::new()),
        Body::Empty => return Vec::new(),
        Body::Json(value) => value,
        Body::Tree(tree) => tree.into_json(),
        Body::File(file) => return file.content.into_bytes(),
    };
    value.to_string().into_bytes()
}

/// An error of an RPC service: its name in `__type`, its words in `Message` for WAF and in `message` for the others.
pub(crate) fn error(error: &AwsError) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("__type".to_owned(), error.code.clone().into());
    if !error.message.is_empty() {
        // WAF's own errors spell it `Message`, but for WAFInvalidParameterException (service model).
        let capital = error.code.starts_with("WAF") && error.code != "WAFInvalidParameterException";
        let name = if capital { "Message" } else { "message" };
        body.insert(name.to_owned(), error.message.clone().into());
    }
    body.extend(error.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Value::Object(body).to_string().into_bytes()
}

/// An error of a REST service: its name is in a header.
pub(crate) fn rest_error(error: &AwsError) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("message".to_owned(), error.message.clone().into());
    body.extend(error.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Value::Object(body).to_string().into_bytes()
}

/// A JSON object; an empty body is an empty object.
pub(crate) fn object(body: &[u8]) -> Result<Value, AwsError> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(AwsError::bad("SerializationException", "Start of structure or map found where not expected.")),
        Err(error) => Err(AwsError::bad("SerializationException", error.to_string())),
    }
}
