//! Tags of APIs and stages, by ARN.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Outcome, no_stage, not_found};
use crate::error::AwsError;
use crate::service::Answer;
use crate::service::common::{text, texts};
use crate::state::Account;

/// API id and, for a stage, its name.
fn target<'a>(account: &Account, input: &'a Value) -> Result<(&'a str, Option<&'a str>), AwsError> {
    let arn = text(input, "resourceArn").unwrap_or("");
    let prefix = format!("arn:aws:apigateway:{}::/restapis/", account.region);
    let rest = arn.strip_prefix(&prefix).ok_or_else(|| not_found("Invalid resource ARN specified in the request"))?;
    Ok(rest.split_once("/stages/").map_or((rest, None), |(api, stage)| (api, Some(stage))))
}

pub(super) fn get(account: &Account, input: &Value) -> Outcome {
    let (api, stage) = target(account, input)?;
    let api = account.gateway.apis.get(api).ok_or_else(|| super::no_api(account, api))?;
    let tags: &BTreeMap<String, String> = match stage {
        None => &api.tags,
        Some(name) => &api.stage(name).ok_or_else(no_stage)?.tags,
    };
    Ok(Answer::ok(json!({"tags": tags})))
}

pub(super) fn put(account: &mut Account, input: &Value) -> Outcome {
    let (id, stage) = target(account, input)?;
    let missing = super::no_api(account, id);
    let api = account.gateway.apis.get_mut(id).ok_or(missing)?;
    let tags = texts(input, "tags").unwrap_or_default();
    match stage {
        None => api.tags.extend(tags),
        Some(name) => {
            let name = name.to_owned();
            account.tag_stage(id, &name, tags).ok_or_else(no_stage)?;
        }
    }
    Ok(Answer::empty(204))
}
