//! The digest of a plan: what must not change between reading and doing.
//!
//! Covers purpose, account, region, stage, what was asked for, diff, preconditions and guard verdicts. Does not cover
//! lock tokens, ages, entry counts (another writer's unrelated entry) or what samples happened to show.

use std::fmt::Write;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::guard;
use crate::model::plan::{GuardResult, Plan, Verdict};

/// Sixty-four hexadecimal characters.
#[must_use]
pub(super) fn digest(plan: &Plan) -> String {
    let mut guards: Vec<_> = plan.guards.iter().map(|g| json!([g.id, verdict(g), g.overridden])).collect();
    guards.sort_by_key(ToString::to_string);
    let changes: Vec<_> = plan.changes.iter().map(|c| json!([c.resource.arn, c.added, c.removed])).collect();
    let preconditions: Vec<_> = plan.preconditions.iter().map(|p| json!([p.subject, p.expected])).collect();
    let mut covered = json!({
        "purpose": plan.purpose,
        "account": plan.identity.at.account,
        "region": plan.identity.at.region,
        "stage": [plan.stage.api_id, plan.stage.stage],
        "action": plan.action.name(),
        "expires_after_seconds": plan.action.terms().expires_after_seconds,
        "changes": changes,
        "preconditions": preconditions,
        "guards": guards,
    });
    // What nobody has asked for is not there: digests of plans that say nothing of it stay what they were.
    if !plan.action.terms().reopen.is_asked() {
        covered["reopen"] = json!(plan.action.terms().reopen);
    }
    Sha256::digest(covered.to_string().as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn verdict(result: &GuardResult) -> &'static str {
    let varies = guard::by_id(&result.id).is_some_and(|guard| guard.varies);
    match result.verdict {
        verdict if !varies => verdict.word(),
        Verdict::Pass | Verdict::Warn => "goes",
        // Consent to what is not known is no consent to what is known to be wrong.
        halting => halting.word(),
    }
}
