//! The query protocol: forms in, XML out.

use serde_json::{Map, Value};

use crate::error::AwsError;
use crate::service::answer::Body;

/// A form's fields as a flat object.
pub(crate) fn decode(body: &[u8]) -> Value {
    let fields: Map<String, Value> = form_urlencoded::parse(body)
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect();
    Value::Object(fields)
}

/// `GetCallerIdentity`'s answer; STS has no other operation here.
pub(crate) fn encode(body: Body, request_id: &str) -> Vec<u8> {
    let fields = if let Body::Json(Value::Object(fields)) = body { fields } else { Map::new() };
    let members: String = fields
        .iter()
        .map(|(name, value)| format!("    <{name}>{}</{name}>\n", escape(value.as_str().unwrap_or(""))))
        .collect::<Vec<_>>()
        .concat();
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  \
         <GetCallerIdentityResult>\n{members}  </GetCallerIdentityResult>\n  <ResponseMetadata>\n    \
         <RequestId>{request_id}</RequestId>\n  </ResponseMetadata>\n</GetCallerIdentityResponse>\n"
    )
    .into_bytes()
}

/// An error.
pub(crate) fn error(error: &AwsError, request_id: &str) -> Vec<u8> {
    let side = if error.status.is_server_error() { "Receiver" } else { "Sender" };
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>{side}</Type>\n    \
         <Code>{}</Code>\n    <Message>{}</Message>\n  </Error>\n  <RequestId>{request_id}</RequestId>\n\
         </ErrorResponse>\n",
        escape(error.query_code.unwrap_or(&error.code)),
        escape(&error.message)
    )
    .into_bytes()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
