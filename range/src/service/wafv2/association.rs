//! Which web ACL stands before which resource. The only resources here are stages of REST APIs.

use serde_json::{Value, json};

use super::{Outcome, acl, bad_parameter, item, nonexistent};
use crate::error::AwsError;
use crate::service::common::{invalid, required, text};
use crate::state::{Account, WebAcl};

/// Replaces whatever stood there, in one call (documented; whether there is a gap is unverified, here there is none).
pub(super) fn associate(account: &mut Account, input: &Value) -> Outcome {
    let resource = stage(account, required(input, "ResourceArn")?)?.to_owned();
    let arn = item::by_arn::<WebAcl>(account, required(input, "WebACLArn")?)?.arn.clone();
    account.associate(&resource, Some(&arn));
    Ok(json!({}))
}

pub(super) fn disassociate(account: &mut Account, input: &Value) -> Outcome {
    let resource = stage(account, required(input, "ResourceArn")?)?.to_owned();
    if account.waf.association(&resource).is_none() {
        return Err(nonexistent());
    }
    account.associate(&resource, None);
    Ok(json!({}))
}

/// The web ACL without its lock token; nothing where there is none (documented).
pub(super) fn for_resource(account: &Account, input: &Value) -> Outcome {
    let resource = stage(account, required(input, "ResourceArn")?)?;
    let Some(arn) = account.waf.association(resource) else { return Ok(json!({})) };
    let found = item::by_arn(account, arn)?;
    Ok(json!({"WebACL": acl::document(account, found)}))
}

/// A type that is left out means load balancers only, of which there are none here (documented).
pub(super) fn resources(account: &Account, input: &Value) -> Outcome {
    const TYPES: [&str; 7] = [
        "APPLICATION_LOAD_BALANCER",
        "API_GATEWAY",
        "APPSYNC",
        "COGNITO_USER_POOL",
        "APP_RUNNER_SERVICE",
        "VERIFIED_ACCESS_INSTANCE",
        "AMPLIFY",
    ];
    let arn = &item::by_arn::<WebAcl>(account, required(input, "WebACLArn")?)?.arn;
    let kind = text(input, "ResourceType").unwrap_or(TYPES[0]);
    if !TYPES.contains(&kind) {
        let constraint = format!("Member must satisfy enum value set: [{}]", TYPES.join(", "));
        return Err(invalid("ResourceType", kind, &constraint));
    }
    let stages: Vec<&String> = account
        .waf
        .associations
        .iter()
        .filter(|(_, live)| kind == "API_GATEWAY" && live.saved().as_deref() == Some(arn.as_str()))
        .map(|(resource, _)| resource)
        .collect();
    Ok(json!({"ResourceArns": stages}))
}

/// Checks that an ARN names a stage of this account's region that exists.
fn stage<'a>(account: &Account, arn: &'a str) -> Result<&'a str, AwsError> {
    let prefix = format!("arn:aws:apigateway:{}::/restapis/", account.region);
    let Some((api, stage)) = arn.strip_prefix(&prefix).and_then(|rest| rest.split_once("/stages/")) else {
        let reason = "The ARN isn't valid. A valid ARN begins with arn: and includes other information separated by \
                      colons or slashes.";
        return Err(bad_parameter("RESOURCE_ARN", arn, reason));
    };
    let known = account.gateway.apis.get(api).is_some_and(|api| api.stages.contains_key(stage));
    if known { Ok(arn) } else { Err(nonexistent()) }
}
