//! The write gate: two locks, both failing closed.
//!
//! 1. A permanent interceptor knows which operations are *reads*. Any other operation is refused before it is
//!    serialised, unless a [`Ticket`] that names it is in the call's configuration. (An error at that point never looks
//!    like a network error; one later does. Read off the SDK, see `docs/decisions`.)
//! 2. The HTTP client itself refuses anything that is not a read on the wire unless the request carries the mark that
//!    only a ticket leaves on it, and the resource in the request is one that the ticket names. A client built the
//!    wrong way therefore cannot write.
//!
//! A ticket comes out of the journal only, once the intent is on disk. Nothing here can make one.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, Metadata};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use chrono::{DateTime, Utc};

use super::refusal::Refusal;
use super::world::Heard;
use crate::clock::AccountClock;
use crate::journal::Ticket;
use crate::model::identity::AccountRegion;

/// Every operation that the console may call without a ticket: service as the SDK names it, operation.
pub const READS: &[(&str, &str)] = &[
    ("API Gateway", "GetAccount"),
    ("API Gateway", "GetDeployment"),
    ("API Gateway", "GetDeployments"),
    ("API Gateway", "GetExport"),
    ("API Gateway", "GetResources"),
    ("API Gateway", "GetRestApi"),
    ("API Gateway", "GetRestApis"),
    ("API Gateway", "GetStage"),
    ("API Gateway", "GetStages"),
    ("API Gateway", "GetUsagePlans"),
    ("ApiGatewayV2", "GetApis"),
    ("ApiGatewayV2", "GetRoutes"),
    ("ApiGatewayV2", "GetStage"),
    ("ApiGatewayV2", "GetStages"),
    ("CloudWatch", "GetMetricData"),
    ("CloudWatch", "ListMetrics"),
    ("CloudWatch Logs", "DescribeMetricFilters"),
    ("CloudWatch Logs", "GetQueryResults"),
    ("CloudWatch Logs", "StartQuery"),
    ("CloudWatch Logs", "StopQuery"),
    ("STS", "GetCallerIdentity"),
    ("WAFV2", "GetIPSet"),
    ("WAFV2", "GetRateBasedStatementManagedKeys"),
    ("WAFV2", "GetRuleGroup"),
    ("WAFV2", "GetSampledRequests"),
    ("WAFV2", "GetWebACL"),
    ("WAFV2", "ListIPSets"),
    ("WAFV2", "ListResourcesForWebACL"),
    ("WAFV2", "ListTagsForResource"),
    ("WAFV2", "ListWebACLs"),
];

/// The mark that a ticket leaves on a call and on its request.
#[derive(Debug, Clone)]
struct Mark(Arc<Ticket>);

impl Storable for Mark {
    type Storer = StoreReplace<Self>;
}

/// First lock: refuses, before serialisation, every operation that is not a read and has no ticket.
#[derive(Debug)]
pub(super) struct ReadsOnly;

#[dyn_dispatch_hint]
impl Intercept for ReadsOnly {
    fn name(&self) -> &'static str {
        "ReadsOnly"
    }

    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (service, operation) = match cfg.load::<Metadata>() {
            Some(metadata) => (metadata.service().to_owned(), metadata.name().to_owned()),
            None => (String::from("?"), String::from("an operation without a name")),
        };
        if READS.iter().any(|(s, o)| *s == service && *o == operation) {
            return Ok(());
        }
        match cfg.load::<Mark>() {
            Some(mark) if mark.0.names_operation(&operation) => Ok(()),
            Some(_) => Err(Refusal::OtherTicket { operation, resource: service }.into()),
            None => Err(Refusal::NoTicket(operation).into()),
        }
    }
}

/// Puts a ticket's mark on one call. Given to `customize().interceptor(…)` by `write/` only.
#[derive(Debug)]
pub(super) struct WithTicket(pub(super) Arc<Ticket>);

#[dyn_dispatch_hint]
impl Intercept for WithTicket {
    fn name(&self) -> &'static str {
        "WithTicket"
    }

    fn read_before_execution(
        &self,
        _context: &aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef<'_>,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        cfg.interceptor_state().store_put(Mark(Arc::clone(&self.0)));
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().add_extension(Mark(Arc::clone(&self.0)));
        Ok(())
    }
}

/// Second lock: an HTTP client that sends reads, and anything else only with a mark for exactly that.
#[derive(Debug, Clone)]
pub(super) struct GuardedHttp {
    inner: SharedHttpClient,
    clock: AccountClock,
    /// Known once STS answered; before that nothing may be written.
    bound: Arc<OnceLock<AccountRegion>>,
    heard: Heard,
}

impl GuardedHttp {
    pub(super) fn new(
        inner: SharedHttpClient,
        clock: AccountClock,
        bound: Arc<OnceLock<AccountRegion>>,
        heard: Heard,
    ) -> Self {
        Self { inner, clock, bound, heard }
    }
}

impl HttpClient for GuardedHttp {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(GuardedConnector {
            inner: self.inner.http_connector(settings, components),
            clock: self.clock.clone(),
            bound: Arc::clone(&self.bound),
            heard: self.heard.clone(),
        })
    }
}

#[derive(Debug)]
struct GuardedConnector {
    inner: SharedHttpConnector,
    clock: AccountClock,
    bound: Arc<OnceLock<AccountRegion>>,
    heard: Heard,
}

impl HttpConnector for GuardedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if let Err(refusal) = admitted(&request, self.bound.get(), &self.heard) {
            return HttpConnectorFuture::ready(Err(ConnectorError::user(refusal.into())));
        }
        let (clock, heard) = (self.clock.clone(), self.heard.clone());
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let response = answer.await?;
            let header = |name: &str| response.headers().get(name);
            if let Some(date) = header("date").and_then(parse_date) {
                clock.learn(date, header(portcullis_range::RATE_HEADER).and_then(|r| r.parse().ok()));
            }
            if let Some(id) = header(portcullis_range::ID_HEADER) {
                heard.learn(id);
            }
            Ok(response)
        })
    }
}

fn parse_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.with_timezone(&Utc))
}

/// What a request asks for, read off the wire without trusting whoever built it.
#[derive(Debug, PartialEq, Eq)]
struct OnTheWire {
    operation: String,
    resource: String,
}

fn admitted(request: &HttpRequest, bound: Option<&AccountRegion>, heard: &Heard) -> Result<(), Refusal> {
    let Some(asked) = write_on_the_wire(request) else {
        return Ok(());
    };
    let Some(Mark(ticket)) = request.extension::<Mark>() else {
        return Err(Refusal::NoTicket(asked.operation));
    };
    let connected =
        bound.map_or_else(|| "an account not yet known".to_owned(), |b| format!("{} {}", b.account, b.region));
    let confirmed = format!("{} {}", ticket.account(), ticket.region());
    if connected != confirmed {
        return Err(Refusal::OtherAccount { confirmed, connected });
    }
    if let Some(refusal) = bound.and_then(|bound| heard.other_than(&bound.world)) {
        return Err(refusal);
    }
    if ticket.names_resource(&asked.operation, &asked.resource) {
        Ok(())
    } else {
        Err(Refusal::OtherTicket { operation: asked.operation, resource: asked.resource })
    }
}

/// The write that a request would make, or `None` where it is certainly a read: each protocol is recognised by all that
/// makes it one, so that a name in a path or a body cannot pass for an operation.
fn write_on_the_wire(request: &HttpRequest) -> Option<OnTheWire> {
    let body = request.body().bytes().unwrap_or_default();
    let header = |name: &str| request.headers().get(name).unwrap_or_default();
    let path = path_of(request.uri());
    if request.method() == "POST" && path == "/" {
        if let Some(operation) = header("x-amz-target").strip_prefix("AWSWAF_20190729.") {
            return unless_read("WAFV2", operation, || json_resource(operation, body));
        }
        if let Some(operation) = header("x-amz-target").strip_prefix("Logs_20140328.") {
            return unless_read("CloudWatch Logs", operation, String::new);
        }
        if header("content-type").starts_with("application/x-www-form-urlencoded") {
            return unless_read("STS", form_action(body).unwrap_or("an unnamed action"), String::new);
        }
    }
    let cbor = header("smithy-protocol") == "rpc-v2-cbor";
    if let Some(operation) = path.strip_prefix("/service/GraniteServiceVersion20100801/operation/").filter(|_| cbor) {
        return unless_read("CloudWatch", operation, String::new);
    }
    // API Gateway: what is not a GET writes.
    if request.method() == "GET" {
        return None;
    }
    // HTTP APIs have a version in front of the path that IAM knows, and names in it that are escaped.
    let resource =
        path.strip_prefix("/v2").filter(|rest| rest.starts_with("/apis/")).map_or_else(|| path.to_owned(), unescaped);
    Some(OnTheWire { operation: rest_operation(request.method(), path), resource })
}

/// A path with its `%24` and the like as the characters they stand for; what is no escape stays.
fn unescaped(path: &str) -> String {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let escaped = more.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => (out.push(byte), rest = &more[2..]).1,
            None => (out.push(*first), rest = more).1,
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| path.to_owned())
}

/// The operation that a request to API Gateway means, as far as the console knows it; else the verb, which no ticket
/// names.
fn rest_operation(verb: &str, path: &str) -> String {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (verb, segments.as_slice()) {
        ("PATCH", ["restapis", _]) => "UpdateRestApi",
        ("POST", ["restapis", _, "deployments"]) => "CreateDeployment",
        ("PATCH", ["restapis", _, "stages", _] | ["v2", "apis", _, "stages", _]) => "UpdateStage",
        ("DELETE", ["v2", "apis", _, "stages", _, "routesettings", _]) => "DeleteRouteSettings",
        ("DELETE", ["restapis", _, "stages", _, "cache", "data"]) => "FlushStageCache",
        ("DELETE", ["restapis", _, "stages", _, "cache", "authorizers"]) => "FlushStageAuthorizersCache",
        _ => verb,
    }
    .to_owned()
}

/// The path of a URI, with or without its host before it.
fn path_of(uri: &str) -> &str {
    let after_host = match uri.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => uri,
    };
    after_host.split(['?', '#']).next().unwrap_or(after_host)
}

fn unless_read(service: &str, operation: &str, resource: impl FnOnce() -> String) -> Option<OnTheWire> {
    if READS.iter().any(|(s, o)| *s == service && *o == operation) {
        return None;
    }
    Some(OnTheWire { operation: operation.to_owned(), resource: resource() })
}

/// The resource that a WAFv2 request names: `Id`, or an ARN. What is only to be made has neither, and is known by its
/// name.
fn json_resource(operation: &str, body: &[u8]) -> String {
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else {
        return String::new();
    };
    let named: &[&str] = if operation.starts_with("Create") { &["Name"] } else { &["Id", "ResourceArn", "ARN"] };
    named.iter().find_map(|field| body.get(field).and_then(serde_json::Value::as_str)).unwrap_or_default().to_owned()
}

fn form_action(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body).ok()?.split('&').next()?.strip_prefix("Action=")
}

impl fmt::Display for OnTheWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operation, self.resource)
    }
}

/// Opens the first lock for `ticket`, or says why not. The second lock looks again at the request itself.
pub(super) fn pass(ticket: &Ticket, connected: &AccountRegion) -> Result<(), Refusal> {
    if ticket.account() == connected.account && ticket.region() == connected.region {
        return Ok(());
    }
    Err(Refusal::OtherAccount {
        confirmed: format!("{} {}", ticket.account(), ticket.region()),
        connected: format!("{} {}", connected.account, connected.region),
    })
}

#[cfg(test)]
mod tests;
