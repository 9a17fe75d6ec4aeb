//! Which operation a request means.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use serde_json::Value;

use super::{Protocol, cbor, json, query, rest};
use crate::error::AwsError;
use crate::service::kind::Service;

/// A request, understood: what is asked of which service, and how the answer must be written.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) service: Service,
    pub(crate) operation: String,
    pub(crate) protocol: Protocol,
    /// Members of path, query string and body under their model names.
    pub(crate) input: Value,
}

impl Target {
    fn new(service: Service, operation: &str, protocol: Protocol, input: Value) -> Self {
        Self { service, operation: operation.to_owned(), protocol, input }
    }

    /// A call that came by no wire.
    pub(crate) fn rest(service: Service, operation: &str, input: Value) -> Self {
        Self::new(service, operation, Protocol::Rest, input)
    }

    /// What the call is about, in short.
    pub(crate) fn resource(&self) -> String {
        const TELLING: [&str; 16] = [
            "restApiId",
            "apiId",
            "routeKey",
            "resourceId",
            "httpMethod",
            "stageName",
            "deploymentId",
            "resourceArn",
            "Name",
            "Id",
            "ResourceArn",
            "WebACLArn",
            "WebAclArn",
            "ARN",
            "logGroupName",
            "filterName",
        ];
        let parts: Vec<&str> =
            TELLING.iter().filter_map(|member| self.input.get(member).and_then(Value::as_str)).collect();
        parts.join("/")
    }
}

/// `CloudTrail` in `X-Amz-Target` (service model).
const CLOUD_TRAIL: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101";

type Refusal = (Protocol, AwsError);

/// Reads a request.
pub(crate) fn route(request: &Request<Bytes>) -> Result<Target, Refusal> {
    let path = request.uri().path();
    if let Some(rest) = path.strip_prefix("/service/") {
        return rpc_v2(request, rest);
    }
    if let Some(target) = header(request, "x-amz-target") {
        return json_rpc(request, target);
    }
    let form = header(request, CONTENT_TYPE.as_str()).is_some_and(|kind| kind.contains("x-www-form-urlencoded"));
    if path == "/" && request.method() == Method::POST && form {
        return query_rpc(request);
    }
    let service = if path.starts_with("/v2/") { Service::ApiGatewayV2 } else { Service::ApiGateway };
    rest::route(request)
        .map(|(operation, input)| Target::new(service, operation, Protocol::Rest, input))
        .map_err(|error| (Protocol::Rest, error))
}

fn header<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// `POST /service/{service}/operation/{operation}` with a CBOR body.
fn rpc_v2(request: &Request<Bytes>, path: &str) -> Result<Target, Refusal> {
    let refuse = |error| (Protocol::Cbor, error);
    let Some((service, operation)) = path.split_once("/operation/") else {
        return Err(refuse(Service::CloudWatch.not_known(path)));
    };
    let cbor = header(request, "smithy-protocol") == Some("rpc-v2-cbor");
    if service != "GraniteServiceVersion20100801" || request.method() != Method::POST || !cbor {
        return Err(refuse(Service::CloudWatch.not_known(path)));
    }
    let input = cbor::decode(request.body()).map_err(refuse)?;
    Ok(Target::new(Service::CloudWatch, operation, Protocol::Cbor, input))
}

/// `X-Amz-Target: PREFIX.Operation` with a JSON body.
fn json_rpc(request: &Request<Bytes>, target: &str) -> Result<Target, Refusal> {
    // CloudTrail's prefix has dots of its own.
    let (service, protocol) = match target.rsplit_once('.').map(|(prefix, _)| prefix) {
        Some(CLOUD_TRAIL) => (Service::CloudTrail, Protocol::Json11),
        Some("Logs_20140328") => (Service::Logs, Protocol::Json11),
        Some("AWSWAF_20190729") => (Service::Waf, Protocol::Json11),
        Some("GraniteServiceVersion20100801") => (Service::CloudWatch, Protocol::Json10),
        _ => {
            let words = format!("The Portcullis range does not know {target}.");
            return Err((Protocol::Json11, AwsError::bad("UnknownOperationException", words)));
        }
    };
    let operation = target.rsplit_once('.').map_or("", |(_, operation)| operation);
    let input = json::object(request.body()).map_err(|error| (protocol, error))?;
    Ok(Target::new(service, operation, protocol, input))
}

fn query_rpc(request: &Request<Bytes>) -> Result<Target, Refusal> {
    let input = query::decode(request.body());
    let action = input.get("Action").and_then(Value::as_str).unwrap_or("").to_owned();
    let version = input.get("Version").and_then(Value::as_str).unwrap_or("");
    if version != "2011-06-15" {
        let message = format!("The Portcullis range does not know operation {action} for version {version}");
        return Err((Protocol::Query, AwsError::bad("InvalidAction", message)));
    }
    Ok(Target::new(Service::Sts, &action, Protocol::Query, input))
}

/// Refuses a signature that is scoped to another region, as a regional endpoint does (documented for Signature Version
/// 4). STS takes any region. An unsigned request passes: the range checks no credentials.
pub(crate) fn check_scope(request: &Request<Bytes>, service: Service, region: &str) -> Result<(), AwsError> {
    let Some(scope) = header(request, AUTHORIZATION.as_str())
        .and_then(|value| value.split_once("Credential="))
        .and_then(|(_, rest)| rest.split([',', ' ']).next())
    else {
        return Ok(());
    };
    match scope.split('/').nth(2) {
        Some(signed) if signed != region && service != Service::Sts => Err(AwsError::new(
            if service.is_gateway() { StatusCode::FORBIDDEN } else { StatusCode::BAD_REQUEST },
            "InvalidSignatureException",
            format!("Credential should be scoped to a valid region, not '{signed}'. "),
        )),
        _ => Ok(()),
    }
}
