//! How AWS's clients speak: which operation a request means, and how an answer or an error is written.
//!
//! Nothing here knows what an operation does.

mod cbor;
mod data_plane;
mod json;
mod query;
mod rest;
mod routing;
pub(crate) mod tree;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use crate::error::AwsError;
use crate::service::answer::{Answer, Body};

pub(crate) use data_plane::{data_plane_stage, forbidden, forwarded_for, is_data_plane};
#[cfg(test)]
pub(crate) use rest::routes;
pub(crate) use routing::{Target, check_scope, route};
pub(crate) use tree::Tree;

/// An encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// JSON 1.1: `WAFv2`, `CloudTrail`, `CloudWatch` Logs.
    Json11,
    /// JSON 1.0: `CloudWatch`, newer botocore.
    Json10,
    /// Smithy RPC v2 CBOR: `CloudWatch`, the Rust SDK.
    Cbor,
    /// REST with JSON bodies: API Gateway.
    Rest,
    /// The query protocol with XML answers: STS.
    Query,
}

impl Protocol {
    /// Writes the outcome of a call.
    pub(crate) fn encode(self, outcome: Result<Answer, AwsError>, request_id: &str) -> Response<Bytes> {
        match outcome {
            Ok(answer) => self.answer(answer, request_id),
            Err(error) => self.error(&error, request_id),
        }
    }

    fn answer(self, answer: Answer, request_id: &str) -> Response<Bytes> {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
        match self {
            Self::Json11 | Self::Json10 => {
                respond(status, self.content_type(), json::encode(answer.body, true), request_id, &[])
            }
            Self::Rest => match answer.body {
                Body::File(file) => {
                    let disposition = format!("attachment; filename=\"{}\"", file.name);
                    let headers = [("content-disposition", disposition.as_str())];
                    respond(status, file.content_type, file.content.into_bytes(), request_id, &headers)
                }
                body => respond(status, self.content_type(), json::encode(body, false), request_id, &[]),
            },
            Self::Cbor => respond(status, self.content_type(), cbor::encode(answer.body), request_id, &[SMITHY]),
            Self::Query => {
                respond(status, self.content_type(), query::encode(answer.body, request_id), request_id, &[])
            }
        }
    }

    /// Writes an error.
    pub(crate) fn error(self, error: &AwsError, request_id: &str) -> Response<Bytes> {
        let mut headers: Vec<(&'static str, String)> = Vec::new();
        if let Some(seconds) = error.retry_after {
            headers.push(("retry-after", seconds.to_string()));
        }
        let body = match self {
            Self::Json11 | Self::Json10 => {
                if let (Self::Json10, Some(code)) = (self, error.query_code) {
                    headers.push(("x-amzn-query-error", format!("{code};Sender")));
                }
                json::error(error)
            }
            Self::Rest => {
                headers.push(("x-amzn-errortype", error.code.clone()));
                json::rest_error(error)
            }
            Self::Cbor => {
                headers.push((SMITHY.0, SMITHY.1.to_owned()));
                if let Some(code) = error.query_code {
                    headers.push(("x-amzn-query-error", format!("{code};Sender")));
                }
                cbor::error(error)
            }
            Self::Query => query::error(error, request_id),
        };
        let headers: Vec<(&'static str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        respond(error.status, self.content_type(), body, request_id, &headers)
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Json11 => "application/x-amz-json-1.1",
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Cbor => "application/cbor",
            Self::Rest => "application/json",
            Self::Query => "text/xml",
        }
    }
}

/// The header by which an RPC v2 client knows its answer.
const SMITHY: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");

/// Builds an answer; a header value that HTTP does not allow is left out.
fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
    request_id: &str,
    headers: &[(&'static str, &str)],
) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let map = response.headers_mut();
    map.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in [("x-amzn-requestid", request_id)].iter().chain(headers) {
        if let Ok(value) = HeaderValue::from_str(value) {
            map.insert(HeaderName::from_static(name), value);
        }
    }
    response
}
