//! What the actions share that add entries to IP sets: what they read, the diff, the call, and the guards over those.
//!
//! Knows nothing of what it means to be in a set: blocked or let in.

mod behind;
mod diff;
mod judge;

use std::collections::BTreeMap;

use futures_util::future::join_all;

pub(super) use self::behind::{Behind, Rarer, behind, blast_radius};
pub(super) use self::diff::change;
pub(super) use self::judge::{capacity, covered, host_bits, managed};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::plan::{Change, ChangedKind, PlannedCall, ResourceRef};
use crate::model::waf::IpSet;

/// What was read of each resource, by ARN, or why it could not be.
pub(in crate::respond) type ByArn<T> = BTreeMap<String, Result<T, AwsError>>;

/// IP sets by their ARNs, each once, and their tags.
pub(in crate::respond) async fn read(
    aws: &Aws,
    arns: impl IntoIterator<Item = String>,
) -> (ByArn<IpSet>, ByArn<Vec<(String, String)>>) {
    let mut sets: Vec<String> = arns.into_iter().collect();
    sets.sort();
    sets.dedup();
    let (read, tags) = tokio::join!(
        join_all(sets.iter().map(|arn| aws.ip_set(arn, Lane::Plan))),
        join_all(sets.iter().map(|arn| aws.waf_tags(arn, Lane::Plan))),
    );
    (sets.iter().cloned().zip(read).collect(), sets.into_iter().zip(tags).collect())
}

/// The call that a change of an IP set amounts to.
#[must_use]
pub(in crate::respond) fn call(change: &Change) -> PlannedCall {
    let listed = |sign: char, entries: &[String]| entries.iter().map(|e| format!("{sign}{e}")).collect::<Vec<_>>();
    let mut entries = listed('+', &change.added);
    entries.extend(listed('-', &change.removed));
    PlannedCall {
        service: "wafv2".to_owned(),
        operation: "UpdateIPSet".to_owned(),
        resource: change.resource.arn.clone(),
        parameters: vec![
            ("Name".to_owned(), change.resource.name.clone()),
            ("Scope".to_owned(), "REGIONAL".to_owned()),
            ("Addresses".to_owned(), format!("all current entries, {}", entries.join(" "))),
        ],
    }
}

/// An IP set as a plan names it.
#[must_use]
fn resource(set: &IpSet) -> ResourceRef {
    ResourceRef { kind: ChangedKind::IpSet, name: set.name.clone(), id: set.id.clone(), arn: set.arn.clone() }
}

/// How entries are taken out again, in one line.
#[must_use]
pub(super) fn undo(changes: &[Change]) -> String {
    if changes.iter().all(Change::is_empty) {
        return "nothing to undo".to_owned();
    }
    "removes exactly these entries, where they are still as written; other entries are left alone".to_owned()
}
