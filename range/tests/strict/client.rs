//! A client of raw requests.

use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use http::{Request, Response};
use minicbor::data::{Tag, Type};
use minicbor::{Decoder, Encoder};
use portcullis_range::{Range, Reply};
use serde_json::{Map, Value, json};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "eu-central-1";

/// An answer: status, error name where there is one, body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) error: Option<String>,
    pub(crate) body: Value,
    pub(crate) headers: http::HeaderMap,
}

impl Answer {
    /// The body of an answer that must be a success.
    pub(crate) fn ok(self) -> Value {
        assert!(self.status < 300, "refused: {self:?}");
        self.body
    }

    /// The name of an error, and its status.
    pub(crate) fn refused(self) -> (u16, String) {
        let shown = format!("{self:?}");
        (self.status, self.error.unwrap_or_else(|| panic!("not refused: {shown}")))
    }
}

/// A range with a client in front of it.
pub(crate) struct Client {
    pub(crate) range: Range,
    pub(crate) now: DateTime<Utc>,
}

impl Client {
    /// An empty account, quotas off.
    pub(crate) fn new() -> Self {
        let now = DateTime::parse_from_rfc3339("2026-03-01T03:00:00Z").unwrap().to_utc();
        let mut range = Range::empty(ACCOUNT, REGION, now);
        range.set_quotas(false);
        Self { range, now }
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now += Duration::seconds(seconds);
    }

    pub(crate) fn reply(&mut self, request: Request<Bytes>) -> Reply {
        self.range.handle(request, None, self.now)
    }

    pub(crate) fn send(&mut self, request: Request<Bytes>) -> Response<Bytes> {
        match self.reply(request) {
            Reply::Response(response) => response,
            other => panic!("no answer: {other:?}"),
        }
    }

    /// `WAFv2` in JSON 1.1. Reads are sent without the lock token that [`naming`] gives to every call, as a typed client
    /// would leave out what an operation does not have.
    pub(crate) fn waf(&mut self, operation: &str, mut input: Value) -> Answer {
        if let (true, Some(members)) = (operation.starts_with("Get"), input.as_object_mut()) {
            members.remove("LockToken");
        }
        json_answer(self.send(waf_request(operation, &input)))
    }

    /// `CloudTrail` in JSON 1.1.
    pub(crate) fn trail(&mut self, input: Value) -> Answer {
        let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(Bytes::from(input.to_string()))
            .unwrap();
        json_answer(self.send(request))
    }

    /// `CloudWatch` Logs in JSON 1.1.
    pub(crate) fn logs(&mut self, operation: &str, input: Value) -> Answer {
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("Logs_20140328.{operation}"))
            .body(Bytes::from(input.to_string()))
            .unwrap();
        json_answer(self.send(request))
    }

    /// `CloudWatch` in JSON 1.0.
    pub(crate) fn metrics(&mut self, operation: &str, input: &Value) -> Answer {
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("GraniteServiceVersion20100801.{operation}"))
            .body(Bytes::from(input.to_string()))
            .unwrap();
        json_answer(self.send(request))
    }

    /// `CloudWatch` in CBOR; members named `StartTime` and `EndTime` are sent as timestamps.
    pub(crate) fn cbor(&mut self, operation: &str, input: &Value) -> Answer {
        let mut body = Vec::new();
        encode(&mut Encoder::new(&mut body), input, "");
        let request = Request::post(format!("/service/GraniteServiceVersion20100801/operation/{operation}"))
            .header("content-type", "application/cbor")
            .header("smithy-protocol", "rpc-v2-cbor")
            .body(Bytes::from(body))
            .unwrap();
        let response = self.send(request);
        assert_eq!(response.headers()["smithy-protocol"], "rpc-v2-cbor");
        let body = decode(&mut Decoder::new(response.body()));
        let error = body.get("__type").map(|name| name.as_str().unwrap().rsplit('#').next().unwrap().to_owned());
        Answer { status: response.status().as_u16(), error, body, headers: response.headers().clone() }
    }

    /// API Gateway in REST.
    pub(crate) fn rest(&mut self, method: &str, path: &str, input: Value) -> Answer {
        let body = if input.is_null() { Bytes::new() } else { Bytes::from(input.to_string()) };
        let response = self.send(Request::builder().method(method).uri(path).body(body).unwrap());
        let error = response.headers().get("x-amzn-errortype").map(|name| name.to_str().unwrap().to_owned());
        let body =
            if response.body().is_empty() { Value::Null } else { serde_json::from_slice(response.body()).unwrap() };
        Answer { status: response.status().as_u16(), error, body, headers: response.headers().clone() }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.rest("GET", path, Value::Null)
    }

    pub(crate) fn patch(&mut self, path: &str, operations: Value) -> Answer {
        self.rest("PATCH", path, json!({"patchOperations": operations}))
    }

    /// What `GetExport` answers of stage `prod`: the document, as a client that saves it would read it.
    pub(crate) fn export(&mut self, api: &str, stage: &str, kind_and_query: &str) -> Value {
        self.get(&format!("/restapis/{api}/stages/{stage}/exports/{kind_and_query}")).ok()
    }

    /// The id of a resource of a draft.
    pub(crate) fn resource(&mut self, api: &str, path: &str) -> String {
        let items = self.get(&format!("/restapis/{api}/resources?limit=500")).ok()["item"].clone();
        let found = items.as_array().unwrap().iter().find(|item| item["path"] == path).unwrap();
        found["id"].as_str().unwrap().to_owned()
    }

    /// Adds `GET` to `/login` of a draft, with members of `PutMethod` and an integration.
    pub(crate) fn put_get(&mut self, api: &str, method: Value) -> Answer {
        let resource = self.resource(api, "/login");
        let path = format!("/restapis/{api}/resources/{resource}/methods/GET");
        let made = self.rest("PUT", &path, method);
        if made.status == 201 {
            self.rest("PUT", &format!("{path}/integration"), json!({"type": "MOCK"})).ok();
        }
        made
    }

    /// A Lambda authorizer of a draft; gives its id.
    pub(crate) fn authorizer(&mut self, api: &str) -> String {
        let input = json!({
            "name": "tokens", "type": "TOKEN", "identitySource": "method.request.header.Authorization",
            "authorizerUri": "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/f/invocations",
        });
        let made = self.rest("POST", &format!("/restapis/{api}/authorizers"), input).ok();
        made["id"].as_str().unwrap().to_owned()
    }

    /// An IP set; gives name, id and lock token as every later call wants them.
    pub(crate) fn ip_set(&mut self, name: &str, version: &str, addresses: &[&str]) -> Value {
        let input = json!({"Name": name, "Scope": "REGIONAL", "IPAddressVersion": version, "Addresses": addresses});
        self.waf("CreateIPSet", input).ok()["Summary"].clone()
    }

    /// A web ACL that allows by default; gives its summary.
    pub(crate) fn web_acl(&mut self, name: &str, rules: Value) -> Value {
        let input = json!({
            "Name": name, "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "Rules": rules,
            "VisibilityConfig": visibility(name),
        });
        self.waf("CreateWebACL", input).ok()["Summary"].clone()
    }

    /// An API with `POST /login`, deployed to stage `prod`; gives its id.
    pub(crate) fn api(&mut self) -> String {
        let api = self.draft();
        self.rest("POST", &format!("/restapis/{api}/deployments"), json!({"stageName": "prod"})).ok();
        api
    }

    /// An API with `POST /login` and no deployment; gives its id.
    pub(crate) fn draft(&mut self) -> String {
        let api = self.rest("POST", "/restapis", json!({"name": "shop"})).ok();
        let (id, root) = (api["id"].as_str().unwrap().to_owned(), api["rootResourceId"].as_str().unwrap().to_owned());
        let made = self.rest("POST", &format!("/restapis/{id}/resources/{root}"), json!({"pathPart": "login"})).ok();
        let method = format!("/restapis/{id}/resources/{}/methods/POST", made["id"].as_str().unwrap());
        self.rest("PUT", &method, json!({"authorizationType": "NONE"})).ok();
        self.rest("PUT", &format!("{method}/integration"), json!({"type": "MOCK"})).ok();
        id
    }
}

pub(crate) fn waf_request(operation: &str, input: &Value) -> Request<Bytes> {
    Request::post("/")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("AWSWAF_20190729.{operation}"))
        .body(Bytes::from(input.to_string()))
        .unwrap()
}

pub(crate) fn visibility(name: &str) -> Value {
    json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": name})
}

/// A rule of a web ACL with an action.
pub(crate) fn rule(name: &str, priority: u32, statement: &Value) -> Value {
    json!({
        "Name": name, "Priority": priority, "Statement": statement, "Action": {"Block": {}},
        "VisibilityConfig": visibility(name),
    })
}

/// The members by which a resource is named, with more added.
pub(crate) fn naming(summary: &Value, more: Value) -> Value {
    let mut input = json!({
        "Name": summary["Name"], "Id": summary["Id"], "Scope": "REGIONAL", "LockToken": summary["LockToken"],
    });
    for (member, value) in more.as_object().unwrap() {
        input[member] = value.clone();
    }
    input
}

fn json_answer(response: Response<Bytes>) -> Answer {
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    let error = body.get("__type").map(|name| name.as_str().unwrap().to_owned());
    Answer { status: response.status().as_u16(), error, body, headers: response.headers().clone() }
}

fn encode(encoder: &mut Encoder<&mut Vec<u8>>, value: &Value, name: &str) {
    match value {
        Value::Number(number) if name.ends_with("Time") => {
            encoder.tag(Tag::new(1)).unwrap().f64(number.as_f64().unwrap()).unwrap();
        }
        Value::Number(number) => {
            encoder.i64(number.as_i64().unwrap()).unwrap();
        }
        Value::String(text) => {
            encoder.str(text).unwrap();
        }
        Value::Bool(truth) => {
            encoder.bool(*truth).unwrap();
        }
        Value::Null => {
            encoder.null().unwrap();
        }
        Value::Array(items) => {
            encoder.array(items.len() as u64).unwrap();
            for item in items {
                encode(encoder, item, "");
            }
        }
        Value::Object(members) => {
            encoder.map(members.len() as u64).unwrap();
            for (name, value) in members {
                encoder.str(name).unwrap();
                encode(encoder, value, name);
            }
        }
    }
}

fn decode(decoder: &mut Decoder<'_>) -> Value {
    match decoder.datatype().unwrap() {
        Type::String => decoder.str().unwrap().into(),
        Type::F64 => decoder.f64().unwrap().into(),
        Type::Tag => {
            assert_eq!(decoder.tag().unwrap(), Tag::new(1), "the only tag is a timestamp's");
            json!({"timestamp": decoder.f64().unwrap()})
        }
        Type::Array => {
            let length = decoder.array().unwrap().unwrap();
            (0..length).map(|_| decode(decoder)).collect()
        }
        Type::Map => {
            let length = decoder.map().unwrap().unwrap();
            let members = (0..length).map(|_| (decoder.str().unwrap().to_owned(), decode(decoder)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        other => panic!("unexpected {other}"),
    }
}
