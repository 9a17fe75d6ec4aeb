//! Values set in one place: read, written, and how that call is named.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::aws::write::{Answer, Patch};
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::journal::Ticket;
use crate::model::change::{
    ACCOUNT_LIMITS, ARN, Assignment, CLOSED_WEB_ACL, DEPLOYMENT, Edit, IP_SET, POLICY, Place, WEB_ACL,
};
use crate::model::limits::{BURST, RATE, limits};
use crate::model::made_resource::{MadeIpSet, MadeWebAcl, web_acl_document};
use crate::model::method::setting_path;
use crate::model::policy::Policy;
use crate::model::waf::IpSet;

/// Patch operations in one call; a public tool sends no more at once (a quota for it is not documented).
const MOST_PATCHES: usize = 80;

/// Service and operation of the call that a change makes.
#[must_use]
pub(super) fn call(edit: &Edit) -> (&'static str, &'static str) {
    match edit {
        Edit::Entries => ("wafv2", "UpdateIPSet"),
        Edit::Flush(flush) if flush.authorizers => ("apigateway", "FlushStageAuthorizersCache"),
        Edit::Flush(_) => ("apigateway", "FlushStageCache"),
        Edit::Assign(assignment) => match &assignment.place {
            Place::RouteThrottles { .. } if !assignment.makes() => ("apigateway", "DeleteRouteSettings"),
            Place::MethodThrottles { .. } | Place::RouteThrottles { .. } | Place::Deployment { .. } => {
                ("apigateway", "UpdateStage")
            }
            Place::DraftPolicy { .. } => ("apigateway", "UpdateRestApi"),
            Place::WebAcl { .. } if wanted_web_acl(assignment).is_some() => ("wafv2", "AssociateWebACL"),
            Place::WebAcl { .. } => ("wafv2", "DisassociateWebACL"),
            Place::IpSet { .. } if assignment.makes() => ("wafv2", "CreateIPSet"),
            Place::IpSet { .. } => ("wafv2", "DeleteIPSet"),
            Place::ClosedWebAcl { .. } if assignment.makes() => ("wafv2", "CreateWebACL"),
            Place::ClosedWebAcl { .. } => ("wafv2", "DeleteWebACL"),
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
        Place::RouteThrottles { api_id, stage, .. } => {
            let mut settings = aws.http_stage(api_id, stage, lane).await?.settings;
            // What an undo sets where there was nothing.
            if lane == Lane::Plan
                && let Some(limit) = aws.account_limit(lane).await?
            {
                settings.insert(ACCOUNT_LIMITS.to_owned(), json!({ RATE: limit.rate, BURST: limit.burst }));
            }
            Ok(settings)
        }
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
        Place::IpSet { name } => {
            let set = aws.ip_set_named(name, lane).await?;
            let document = |set: &IpSet| MadeIpSet::read(set.version, set.description.as_deref(), &set.addresses);
            Ok(set.map(|set| made(IP_SET, document(&set).document(), set.arn)).unwrap_or_default())
        }
        Place::ClosedWebAcl { name } => {
            let acl = aws.web_acl_named(name, lane).await?;
            Ok(acl.map(|acl| made(CLOSED_WEB_ACL, web_acl_document(&acl.body), acl.arn)).unwrap_or_default())
        }
    }
}

/// What stands under a name, as its document, and the ARN it has.
fn made(part: &str, document: Value, arn: String) -> Map<String, Value> {
    [(part.to_owned(), document), (ARN.to_owned(), Value::String(arn))].into_iter().collect()
}

/// Makes an IP set, or deletes the one that is what was read, under the lock token of that very reading.
async fn write_ip_set(aws: &Aws, ticket: &Arc<Ticket>, name: &str, assignment: &Assignment) -> Answer {
    if let Some(wanted) = assignment.wanted(IP_SET) {
        return match MadeIpSet::of(wanted) {
            Some(wanted) => aws.create_ip_set(ticket, name, &wanted).await,
            None => unsent("CreateIPSet", name, Problem::Invalid("it is not an IP set".to_owned())),
        };
    }
    let set = match aws.ip_set_named(name, Lane::Write).await {
        Ok(Some(set)) => set,
        Ok(None) => return unsent("DeleteIPSet", name, Problem::NotFound("it is gone already".to_owned())),
        Err(error) => return Answer::Refused(error),
    };
    let there = MadeIpSet::read(set.version, set.description.as_deref(), &set.addresses).document();
    if assignment.read(IP_SET) != Some(&there) {
        return unsent("DeleteIPSet", name, Problem::StaleLock);
    }
    aws.delete_ip_set(ticket, &set).await
}

/// Makes a closed web ACL over the IP sets it names, or deletes the one that is what was read, under that reading's
/// lock token.
async fn write_web_acl(aws: &Aws, ticket: &Arc<Ticket>, name: &str, assignment: &Assignment) -> Answer {
    if let Some(wanted) = assignment.wanted(CLOSED_WEB_ACL) {
        return make_web_acl(aws, ticket, name, wanted).await;
    }
    let acl = match aws.web_acl_named(name, Lane::Write).await {
        Ok(Some(acl)) => acl,
        Ok(None) => return unsent("DeleteWebACL", name, Problem::NotFound("it is gone already".to_owned())),
        Err(error) => return Answer::Refused(error),
    };
    if assignment.read(CLOSED_WEB_ACL) != Some(&web_acl_document(&acl.body)) {
        return unsent("DeleteWebACL", name, Problem::StaleLock);
    }
    aws.delete_web_acl(ticket, &acl).await
}

async fn make_web_acl(aws: &Aws, ticket: &Arc<Ticket>, name: &str, wanted: &Value) -> Answer {
    let Some(wanted) = MadeWebAcl::of(name, wanted) else {
        return unsent("CreateWebACL", name, Problem::Invalid("it is not a closed web ACL".to_owned()));
    };
    let known = match aws.ip_set_names(Lane::Write).await {
        Ok(known) => known,
        Err(error) => return Answer::Refused(error),
    };
    let mut sets = Vec::new();
    for set in &wanted.sets {
        match known.iter().find(|known| known.name == *set) {
            Some(known) => sets.push(known.arn.clone()),
            None => return unsent("CreateWebACL", name, Problem::NotFound(format!("IP set {set}"))),
        }
    }
    aws.create_closed_web_acl(ticket, &wanted, &sets).await
}

/// What was not sent is refused.
fn unsent(operation: &str, name: &str, problem: Problem) -> Answer {
    Answer::Refused(AwsError::new(operation, name, problem))
}

/// Sets the values. Where that takes several calls, the answer is of the first that was not accepted: reading tells
/// what the others did.
pub(super) async fn write(aws: &Aws, ticket: &Arc<Ticket>, assignment: &Assignment) -> Answer {
    match &assignment.place {
        Place::MethodThrottles { api_id, stage } => {
            for patches in throttle_patches(assignment).chunks(MOST_PATCHES) {
                match aws.update_stage(ticket, api_id, stage, patches).await {
                    Answer::Accepted(()) => {}
                    other => return other,
                }
            }
            Answer::Accepted(())
        }
        Place::RouteThrottles { api_id, stage, .. } => {
            let at = (api_id.as_str(), stage.as_str());
            for part in &assignment.parts {
                let answer = match &part.after {
                    Some(settings) => aws.update_route_settings(ticket, at, &part.name, settings).await,
                    None => aws.delete_route_settings(ticket, at, &part.name).await,
                };
                match answer {
                    Answer::Accepted(()) => {}
                    other => return other,
                }
            }
            Answer::Accepted(())
        }
        Place::WebAcl { stage_arn, .. } => aws.associate_web_acl(ticket, stage_arn, wanted_web_acl(assignment)).await,
        Place::DraftPolicy { api_id } => {
            let text = assignment.wanted(POLICY).and_then(Value::as_str).unwrap_or_default();
            aws.update_draft_policy(ticket, api_id, text).await
        }
        Place::Deployment { api_id, stage, .. } => {
            let value = assignment.wanted(DEPLOYMENT).and_then(Value::as_str).unwrap_or_default();
            let patch = Patch::Replace { path: "/deploymentId".to_owned(), value: value.to_owned() };
            aws.update_stage(ticket, api_id, stage, &[patch]).await
        }
        Place::IpSet { name } => write_ip_set(aws, ticket, name, assignment).await,
        Place::ClosedWebAcl { name } => write_web_acl(aws, ticket, name, assignment).await,
    }
}

/// Whether setting the values takes more than one call, or more than one operation in a call: then a refusal of one
/// says nothing of the others.
pub(super) fn is_composite(assignment: &Assignment) -> bool {
    match &assignment.place {
        Place::MethodThrottles { .. } => throttle_patches(assignment).len() > 1,
        Place::RouteThrottles { .. } => assignment.parts.len() > 1,
        _ => false,
    }
}

fn wanted_web_acl(assignment: &Assignment) -> Option<&str> {
    assignment.parts.iter().find(|part| part.name == WEB_ACL)?.after.as_ref()?.as_str()
}

/// The patch that sets the throttles: rate and burst, or the removal of a whole entry, since `remove` takes nothing
/// less (recorded by LocalStack). Patching one field materialises the rest of an entry, so that both are always
/// written.
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
    use crate::model::change::Part;

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
