//! Deleting what an action made: whole or not at all, the web ACL before the IP sets that it refers to.

use futures_util::future::join_all;
use serde_json::{Map, Value};

use super::Findings;
use crate::aws::read::ResourceKind;
use crate::aws::{Aws, Lane};
use crate::model::change::{ARN, Edit, Place};
use crate::model::plan::{Change, GuardResult, ResourceRef};
use crate::model::timeline::ActionRecord;
use crate::respond::guard::{self, WithEvidence};

/// The resource of a change as it is now: what was made has an id by now, and an ARN with it.
pub(super) fn resource(change: &Change, place: &Place, now: &Map<String, Value>) -> ResourceRef {
    let mut resource = change.resource.clone();
    if let (true, Some(arn)) = (place.is_made(), now.get(ARN).and_then(Value::as_str)) {
        arn.rsplit('/').next().unwrap_or_default().clone_into(&mut resource.id);
        arn.clone_into(&mut resource.arn);
    }
    resource
}

/// `changes`, last made first; none of them where some of it is not what was made any more, or something uses it.
pub(super) async fn whole(
    aws: &Aws,
    action: &ActionRecord,
    mut changes: Vec<Change>,
    findings: &mut Findings,
) -> Vec<Change> {
    changes.reverse();
    let used = match findings.foreign.first() {
        Some(first) => guard::UNDO_USED
            .stop(format!(
                "somebody else has changed what action {} made, so all of it stays: {first}. Delete it yourself if nobody needs it",
                action.id
            ))
            .because(findings.foreign.clone()),
        None => in_use(aws, &changes).await,
    };
    let stays = used.verdict.halts();
    findings.used = Some(used);
    if stays { Vec::new() } else { changes }
}

/// Whether a web ACL that would be deleted stands before anything.
async fn in_use(aws: &Aws, changes: &[Change]) -> GuardResult {
    let guard = &guard::UNDO_USED;
    let is_acl =
        |change: &&Change| matches!(&change.edit, Edit::Assign(a) if matches!(a.place, Place::ClosedWebAcl { .. }));
    let Some(acl) = changes.iter().find(is_acl) else {
        return guard.pass("it includes no web ACL that could be attached to anything");
    };
    let kinds = [ResourceKind::API_GATEWAY, ResourceKind::LOAD_BALANCER];
    let read = join_all(kinds.map(|kind| aws.resources_behind(&acl.resource.arn, kind, Lane::Plan))).await;
    let mut behind = Vec::new();
    for answer in read {
        match answer {
            Ok(found) => behind.extend(found),
            Err(error) => {
                return guard.unknown(format!("what {} is attached to is not known: {error}", acl.resource.name));
            }
        }
    }
    match behind.first() {
        Some(first) => guard
            .stop(format!(
                "{} is attached to {first}: {} in all. Reopen what is closed first (portcullis actions)",
                acl.resource.name,
                behind.len()
            ))
            .because(behind),
        None => guard.pass(format!("{} is not attached to any stage or load balancer", acl.resource.name)),
    }
}
