//! `CloudTrail`: who did what, some minutes later.
//!
//! Management events only: what reads metrics is a data event, and not here (documented). The form of an event's
//! parameters follows published events of API Gateway and is inferred.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::common::{integer, text};
use super::{Answer, Service};
use crate::error::AwsError;
use crate::state::{Account, Call, Ids, ids};
use crate::wire::Target;

/// Events of a page, at most and unless asked otherwise (documented).
const PAGE: i64 = 50;
/// What a filter can be about (service model).
const KEYS: [&str; 8] =
    ["EventId", "EventName", "ReadOnly", "Username", "ResourceType", "ResourceName", "EventSource", "AccessKeyId"];
/// The key that every caller signs with.
const ACCESS_KEY: &str = "AKIAQRANGEONCALLKEY1";

pub(crate) fn perform(account: &Account, target: &Target) -> Result<Answer, AwsError> {
    match target.operation.as_str() {
        "LookupEvents" => lookup(account, &target.input),
        other => Err(Service::CloudTrail.not_known(other)),
    }
}

fn lookup(account: &Account, input: &Value) -> Result<Answer, AwsError> {
    let filter = filter(input)?;
    let (from, to) = (time(input, "StartTime"), time(input, "EndTime"));
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(AwsError::bad("InvalidTimeRangeException", "The start time is after the end time."));
    }
    let size = integer(input, "MaxResults").unwrap_or(PAGE);
    let size = usize::try_from(size).ok().filter(|size| (1..=50).contains(size)).ok_or_else(|| {
        AwsError::bad("InvalidMaxResultsException", "The maximum number of results must be between 1 and 50.")
    })?;
    let delivered = account.now - account.propagation.trail();
    let inside = |call: &Call| {
        call.at <= delivered && from.is_none_or(|from| call.at >= from) && to.is_none_or(|to| call.at <= to)
    };
    let mut events = account
        .trail
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, call)| call.performed && source(call).is_some() && inside(call))
        .map(|(at, call)| event(account, at, call))
        .filter(|event| filter.as_ref().is_none_or(|(key, value)| says(event, key, value)))
        .peekable();
    if let Some(token) = text(input, "NextToken")
        && !events.any(|event| event["EventId"] == token)
    {
        return Err(AwsError::bad("InvalidNextTokenException", "The token is not valid."));
    }
    let page: Vec<Value> = events.by_ref().take(size).collect();
    let mut body = json!({ "Events": page });
    if let (Some(_), Some(last)) = (events.peek(), page.last()) {
        body["NextToken"] = last["EventId"].clone();
    }
    Ok(Answer::ok(body))
}

/// One attribute at most (documented).
fn filter(input: &Value) -> Result<Option<(String, String)>, AwsError> {
    let wrong = |words: &str| AwsError::bad("InvalidLookupAttributesException", words);
    let attributes = input.get("LookupAttributes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let [attribute] = attributes else {
        let too_many = wrong("You can only specify one lookup attribute.");
        return if attributes.is_empty() { Ok(None) } else { Err(too_many) };
    };
    let (key, value) = (text(attribute, "AttributeKey").unwrap_or(""), text(attribute, "AttributeValue"));
    match value {
        Some(value) if KEYS.contains(&key) => Ok(Some((key.to_owned(), value.to_owned()))),
        _ => Err(wrong("The lookup attribute is not valid.")),
    }
}

/// JSON 1.1 writes times as seconds since the epoch.
fn time(input: &Value, member: &str) -> Option<DateTime<Utc>> {
    let seconds = input.get(member)?.as_f64()?;
    // Milliseconds of any date that a client could mean fit i64 many times over; the cast saturates.
    #[allow(clippy::cast_possible_truncation)]
    let millis = (seconds * 1e3) as i64;
    Some(DateTime::UNIX_EPOCH + Duration::try_milliseconds(millis)?)
}

/// Whose event it is; `None` for what is no management event.
fn source(call: &Call) -> Option<&'static str> {
    match call.service {
        "apigateway" | "apigatewayv2" => Some("apigateway.amazonaws.com"),
        "wafv2" => Some("wafv2.amazonaws.com"),
        "sts" => Some("sts.amazonaws.com"),
        "cloudtrail" => Some("cloudtrail.amazonaws.com"),
        // What reads log events is a data event (inferred).
        "logs" if call.operation != "FilterLogEvents" && call.operation != "GetQueryResults" => {
            Some("logs.amazonaws.com")
        }
        _ => None,
    }
}

fn says(event: &Value, key: &str, value: &str) -> bool {
    match key {
        "ResourceName" | "ResourceType" => {
            event["Resources"].as_array().into_iter().flatten().any(|resource| resource[key] == value)
        }
        _ => event[key] == value,
    }
}

fn event(account: &Account, at: usize, call: &Call) -> Value {
    let id = Ids::new(ids::hash(&format!("event {at}"))).uuid();
    let api = text(&call.input, "restApiId").or_else(|| text(&call.input, "apiId"));
    let resources: Vec<Value> =
        api.map(|api| json!({ "ResourceType": "AWS::ApiGateway::RestApi", "ResourceName": api })).into_iter().collect();
    json!({
        "EventId": id,
        "EventName": call.operation,
        "ReadOnly": (!call.mutating).to_string(),
        "AccessKeyId": ACCESS_KEY,
        "EventTime": call.at.timestamp(),
        "EventSource": source(call),
        "Username": call.user,
        "Resources": resources,
        "CloudTrailEvent": record(account, &id, call).to_string(),
    })
}

/// The event itself.
fn record(account: &Account, id: &str, call: &Call) -> Value {
    let mut record = json!({
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": format!("AIDAQ{}", call.user.to_uppercase()),
            "arn": format!("arn:aws:iam::{}:user/{}", account.id, call.user),
            "accountId": account.id,
            "accessKeyId": ACCESS_KEY,
            "userName": call.user,
        },
        "eventTime": call.at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "eventSource": source(call),
        "eventName": call.operation,
        "awsRegion": account.region,
        "sourceIPAddress": "192.0.2.250",
        "userAgent": "aws-sdk",
        "requestParameters": parameters(call),
        "responseElements": null,
        "eventID": id,
        "readOnly": !call.mutating,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": account.id,
        "eventCategory": "Management",
    });
    // Where the answer was lost the call took effect all the same: no error of AWS's.
    if let (Some(code), Some(words)) = (&call.error, &call.message) {
        record["errorCode"] = code.clone().into();
        record["errorMessage"] = words.clone().into();
    }
    record
}

/// API Gateway puts a call's body into a member of its own, `updateStageInput`, beside the members of the path; WAF
/// spells all members with a small first letter (published events; inferred).
fn parameters(call: &Call) -> Value {
    const PATH: [&str; 10] = [
        "restApiId",
        "apiId",
        "stageName",
        "deploymentId",
        "resourceId",
        "parentId",
        "httpMethod",
        "authorizerId",
        "usagePlanId",
        "apiKey",
    ];
    let small = |name: &str| {
        let mut letters = name.chars();
        letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect::<String>())
    };
    let members = call.input.as_object().into_iter().flatten();
    if !call.service.starts_with("apigateway") || !call.mutating {
        return members.map(|(name, value)| (small(name), value.clone())).collect::<Map<_, _>>().into();
    }
    // What is created is named in the body; what it is created in, in the path.
    let creates = call.operation.starts_with("Create");
    let in_path = |name: &str| PATH.contains(&name) && !(creates && ["stageName", "deploymentId"].contains(&name));
    let (path, body): (Map<_, _>, Map<_, _>) =
        members.map(|(name, value)| (name.clone(), value.clone())).partition(|(name, _)| in_path(name));
    let mut parameters = path;
    if !body.is_empty() {
        parameters.insert(format!("{}Input", small(&call.operation)), body.into());
    }
    parameters.into()
}
