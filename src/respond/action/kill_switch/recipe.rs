//! The recipe of a kill switch, out of what was read for its plan.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::{State, networks};
use crate::model::action::KillSwitch;
use crate::model::policy::{NOBODY, Policy};
use crate::respond::recipe::{ProofRecipe, Recipe};

/// The recipe; `None` where nothing has to be made, or what it takes is not known.
pub(super) fn of(action: &KillSwitch, state: &State, closed: &Policy) -> Option<Recipe> {
    if action.prove_on.is_none() && state.proof.is_ok() {
        return None;
    }
    let draft = state.draft.as_ref().ok()?.as_ref().map(|policy| policy.text().to_owned()).unwrap_or_default();
    let proof = match (&state.on, &state.probe_on) {
        (Some(on), Ok(probe)) => Some(ProofRecipe {
            on: on.stage.id.clone(),
            arn: on.arn(),
            base: on.settings.deployment_id.clone()?,
            probe: probe.clone(),
            candidate: state.closed(&[elsewhere(state, action)?]),
        }),
        (Some(_), Err(_)) => return None,
        (None, _) => None,
    };
    Some(Recipe {
        stage: state.at.stage.id.clone(),
        stage_arn: state.at.arn(),
        base: state.at.settings.deployment_id.clone()?,
        api_arn: state.api_arn(),
        draft,
        closed: closed.clone(),
        mark: mark(state, closed),
        proof,
    })
}

/// An address that is reserved for documentation (RFC 5737), is not ours, and so lets nobody in who matters.
fn elsewhere(state: &State, action: &KillSwitch) -> Option<ipnet::IpNet> {
    let ours = |net: &ipnet::IpNet| state.own.known.iter().any(|(address, _)| net.contains(address));
    let listed = networks(action);
    let reserved = NOBODY.into_iter();
    let mut free = reserved.filter_map(|net| net.parse().ok()).filter(|net| !ours(net));
    let first = free.next();
    free.find(|net| !listed.iter().any(|have| have.contains(net))).or(first)
}

/// A text that no other deployment's description begins with: whose, when, and what is in it.
fn mark(state: &State, closed: &Policy) -> String {
    let identity = &state.at.identity;
    let when = state.at.read_at.timestamp_nanos_opt().unwrap_or_default();
    let subject = format!("{}\n{}\n{when}\n{}", identity.arn, state.at.stage.id.api_id, closed.text());
    let hash = Sha256::digest(subject.as_bytes());
    hash.iter().take(6).fold("portcullis ".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
