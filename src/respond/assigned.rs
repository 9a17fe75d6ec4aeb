//! Values set in one place: read, written, and how that call is named.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::aws::write::Patch;
use crate::aws::{Aws, AwsError, Lane};
use crate::journal::Ticket;
use crate::model::change::{Assignment, DEPLOYMENT, Doing, POLICY, Place, WEB_ACL, limits};
use crate::model::method::setting_path;
use crate::model::policy::Policy;

/// Patch operations in one call; a public tool sends no more at once (a quota for it is not documented).
const MOST_PATCHES: usize = 80;

/// Service and operation of the call that a change makes.
#[must_use]
pub(super) fn call(doing: &Doing) -> (&'static str, &'static str) {
    match doing {
        Doing::Entries => ("wafv2", "UpdateIPSet"),
        Doing::Flush(flush) if flush.authorizers => ("apigateway", "FlushStageAuthorizersCache"),
        Doing::Flush(_) => ("apigateway", "FlushStageCache"),
        Doing::Assign(assignment) => match &assignment.place {
            Place::MethodThrottles { .. } | Place::Deployment { .. } => ("apigateway", "UpdateStage"),
            Place::DraftPolicy { .. } => ("apigateway", "UpdateRestApi"),
            Place::WebAcl { .. } if wanted_web_acl(assignment).is_some() => ("wafv2", "AssociateWebACL"),
            Place::WebAcl { .. } => ("wafv2", "DisassociateWebACL"),
        },
    }
}

/// The values that are there now, by the names of [`Place`]'s parts.
pub(super) async fn current(aws: &Aws, place: &Place, lane: Lane) -> Result<Map<String, Value>, AwsError> {
    let one = |name: &str, value: Option<String>| {
        value.map(|value| (name.to_owned(), Value::String(value))).into_iter().collect()
    };
    match place {
        Place::MethodThrottles { api_id, stage } => Ok(aws.stage_settings(api_id, stage, lane).await?.methods),
        Place::WebAcl { api_id, stage, .. } => {
            Ok(one(WEB_ACL, aws.stage_settings(api_id, stage, lane).await?.web_acl_arn))
        }
        Place::Deployment { api_id, stage, mark } => {
            let id = aws.stage_settings(api_id, stage, lane).await?.deployment_id;
            let (Some(id), Some(mark)) = (&id, mark) else { return Ok(one(DEPLOYMENT, id)) };
            let ours = aws.deployment(api_id, id, lane).await?.description.starts_with(mark.as_str());
            Ok(one(DEPLOYMENT, Some(if ours { mark.clone() } else { id.clone() })))
        }
        Place::DraftPolicy { api_id } => {
            let answered = aws.draft_api(api_id, lane).await?.policy;
            // What cannot be read as a policy is compared as the text it is.
            let text =
                Policy::of_answer(&answered).map_or(Some(answered), |policy| policy.map(|p| p.text().to_owned()));
            Ok(one(POLICY, text))
        }
    }
}

/// Sets the values, by one call.
pub(super) async fn write(aws: &Aws, ticket: &Arc<Ticket>, assignment: &Assignment) -> Result<(), AwsError> {
    match &assignment.place {
        Place::MethodThrottles { api_id, stage } => {
            for patches in throttle_patches(assignment).chunks(MOST_PATCHES) {
                aws.update_stage(ticket, api_id, stage, patches).await?;
            }
            Ok(())
        }
        Place::WebAcl { stage_arn, .. } => aws.associate_web_acl(ticket, stage_arn, wanted_web_acl(assignment)).await,
        Place::DraftPolicy { api_id } => {
            let wanted = assignment.parts.iter().find(|part| part.name == POLICY);
            let text = wanted.and_then(|part| part.after.as_ref()).and_then(Value::as_str).unwrap_or_default();
            aws.update_draft_policy(ticket, api_id, text).await
        }
        Place::Deployment { api_id, stage, .. } => {
            let wanted = assignment.parts.iter().find(|part| part.name == DEPLOYMENT);
            let value = wanted.and_then(|part| part.after.as_ref()).and_then(Value::as_str).unwrap_or_default();
            let patch = Patch::Replace { path: "/deploymentId".to_owned(), value: value.to_owned() };
            aws.update_stage(ticket, api_id, stage, &[patch]).await
        }
    }
}

fn wanted_web_acl(assignment: &Assignment) -> Option<&str> {
    assignment.parts.iter().find(|part| part.name == WEB_ACL)?.after.as_ref()?.as_str()
}

/// The patch that sets the throttles: rate and burst, or the removal of a whole entry, since `remove` takes nothing less
/// (recorded by LocalStack). Patching one field materialises the rest of an entry, so that both are always written.
#[must_use]
pub(super) fn throttle_patches(assignment: &Assignment) -> Vec<Patch> {
    let mut patches = Vec::new();
    for part in &assignment.parts {
        let path = setting_path(&part.name);
        let Some(entry) = &part.after else {
            patches.push(Patch::Remove { path });
            continue;
        };
        // -1 is how an entry says that no limit of its own is set.
        let (rate, burst) = limits(entry);
        let value = |n: Option<f64>| n.unwrap_or(-1.0).to_string();
        patches.push(Patch::Replace { path: format!("{path}/throttling/rateLimit"), value: value(rate) });
        patches.push(Patch::Replace { path: format!("{path}/throttling/burstLimit"), value: value(burst) });
    }
    patches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::{BURST, Part, RATE};
    use serde_json::json;

    #[test]
    fn an_entry_is_set_in_rate_and_burst_and_removed_whole() {
        let part = |name: &str, after: Option<Value>| Part { name: name.into(), before: None, after };
        let assignment = Assignment {
            place: Place::MethodThrottles { api_id: "a".into(), stage: "prod".into() },
            parts: vec![
                part("POST /login", Some(json!({RATE: 12.5, BURST: 20, "cachingEnabled": true}))),
                part("*/*", None),
                part("GET /x", Some(json!({}))),
            ],
            passing: false,
        };
        let replace = |path: &str, value: &str| Patch::Replace { path: path.into(), value: value.into() };
        assert_eq!(
            throttle_patches(&assignment),
            [
                replace("/~1login/POST/throttling/rateLimit", "12.5"),
                replace("/~1login/POST/throttling/burstLimit", "20"),
                Patch::Remove { path: "/*/*".into() },
                replace("/~1x/GET/throttling/rateLimit", "-1"),
                replace("/~1x/GET/throttling/burstLimit", "-1"),
            ]
        );
    }
}
