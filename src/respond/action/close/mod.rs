//! `close`: shut a stage to everybody but a few, by swapping in a prebuilt web ACL or by throttling every method to
//! nothing.
//!
//! Both act without a deployment and on this stage only, and are taken back by one call.

mod judge;
pub(in crate::respond) mod web_acl;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use serde_json::Value;

use self::web_acl::Closed;
use super::stage::{self, StageState};
use super::throttle::{self, entries};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::action::{Action, Close, Closure};
use crate::model::change::{Assignment, Edit, Part, Place, WEB_ACL};
use crate::model::limits::limits;
use crate::model::method::ALL_METHODS;
use crate::model::plan::{Change, Plan, PlannedCall, Precondition};
use crate::model::settings::Settings;
use crate::model::waf::{IpSet, WebAcl};
use crate::respond::planned::{PlanError, Planned, finished};
use crate::respond::samples::{Callers, UNSAMPLED};

/// Everything that a plan to close rests on.
#[derive(Debug)]
struct State {
    at: StageState,
    /// The stage's own web ACL, where it has one.
    own: Option<Result<WebAcl, AwsError>>,
    /// The closed one, where it is needed and found.
    closed: Option<Closed>,
    /// Every IP set that either refers to, by ARN.
    ip_sets: BTreeMap<String, Result<IpSet, AwsError>>,
    /// IP sets that block on the stage today, by ARN.
    blocking: Vec<String>,
    /// What keeps the comparison with the stage's own web ACL from being whole, a line each.
    unclear: Vec<String>,
    /// Who called before the attack, as the stage's own web ACL has sampled them.
    callers: Callers,
}

/// The plan to close, from state read now.
pub(in crate::respond) async fn plan(
    aws: &Aws,
    settings: &Settings,
    action: &Close,
    attack_began: Option<DateTime<Utc>>,
) -> Result<Planned, PlanError> {
    let state = Box::pin(read(aws, settings, action, attack_began)).await?;
    Ok(planned(action, &state, settings).by_attack(state.callers.attack_began(), attack_began))
}

async fn read(
    aws: &Aws,
    settings: &Settings,
    action: &Close,
    attack_began: Option<DateTime<Utc>>,
) -> Result<State, PlanError> {
    let at = stage::read(aws, &action.stage).await?;
    let mut state = State {
        at,
        own: None,
        closed: None,
        ip_sets: BTreeMap::new(),
        blocking: Vec::new(),
        unclear: Vec::new(),
        callers: Callers::default(),
    };
    if action.by != Closure::WebAcl {
        state.callers = unsampled(aws, settings, &state.at, attack_began, UNSAMPLED.to_owned()).await;
        return Ok(state);
    }
    let own = async {
        let arn = state.at.settings.web_acl_arn.as_deref()?;
        Some(aws.web_acl(arn, Lane::Plan).await)
    };
    let (own, closed) = tokio::join!(own, web_acl::find(aws, settings, action.web_acl.as_deref()));
    if let Some(Ok(acl)) = &own {
        (state.blocking, state.unclear) = web_acl::blocking_sets(aws, acl).await;
        state.callers = Callers::read(aws, settings, &state.at.stage.id, acl, state.at.read_at, attack_began).await;
    }
    let why = match &own {
        Some(Ok(_)) => None,
        Some(Err(error)) => Some(error.to_string()),
        None => Some(UNSAMPLED.to_owned()),
    };
    if let Some(why) = why {
        state.callers = unsampled(aws, settings, &state.at, attack_began, why).await;
    }
    let mut sets = state.blocking.clone();
    if let Closed::Found(acl) = &closed {
        sets.extend(web_acl::admitting_sets(acl));
    }
    if let Some(Ok(acl)) = &own {
        sets.extend(web_acl::admitting_sets(acl));
    }
    sets.sort();
    sets.dedup();
    let read = join_all(sets.iter().map(|arn| aws.ip_set(arn, Lane::Plan))).await;
    state.ip_sets = sets.into_iter().zip(read).collect();
    (state.own, state.closed) = (own, Some(closed));
    Ok(state)
}

/// Nobody is sampled, and why.
async fn unsampled(
    aws: &Aws,
    settings: &Settings,
    at: &StageState,
    attack_began: Option<DateTime<Utc>>,
    why: String,
) -> Callers {
    Callers::not_known(aws, settings, (&at.stage.id, at.settings.web_acl_arn.as_deref()), attack_began, why).await
}

fn planned(action: &Close, state: &State, settings: &Settings) -> Planned {
    let at = &state.at;
    let label = at.stage.id.label();
    let changes: Vec<Change> = match action.by {
        Closure::WebAcl => web_acl_change(state).into_iter().collect(),
        Closure::ThrottleZero => zero_change(at).into_iter().collect(),
    };
    let summary = match (action.by, changes.is_empty()) {
        (Closure::WebAcl, false) => format!("Close {label}: swap in a web ACL that blocks all but its own addresses"),
        (Closure::ThrottleZero, false) => format!("Close {label}: throttle every method to 0"),
        (_, true) => format!("Nothing to close: {label} is closed by {} already", action.by.word()),
    };
    let undo = match action.by {
        Closure::WebAcl => "re-attaches the previous web ACL in one call, if nobody has changed it since",
        Closure::ThrottleZero => "restores the previous throttles, where nobody has changed them since",
    };
    let plan = Plan {
        summary,
        calls: changes.iter().map(call).collect(),
        guards: judge::guards(action, state, settings),
        preconditions: preconditions(state),
        undo: undo.to_owned(),
        notes: judge::notes(action, state),
        changes,
        ..Plan::of(Action::Close(action.clone()), at.identity.clone(), at.stage.id.clone(), at.read_at)
    };
    finished(plan, Vec::new())
}

/// The web ACL that is swapped out, and all that says whom the one swapped in lets in.
fn preconditions(state: &State) -> Vec<Precondition> {
    let label = state.at.stage.id.label();
    let own = state.at.settings.web_acl_arn.clone().unwrap_or_else(|| "none".to_owned());
    let mut all = vec![Precondition { subject: format!("web ACL of {label}"), expected: own }];
    if let Some(Closed::Found(closed)) = &state.closed {
        all.push(web_acl::rules(closed));
        let (mut nets, _) = judge::networks(state, &web_acl::admitting_sets(closed));
        nets.sort();
        let expected = nets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        all.push(Precondition { subject: format!("whom {} lets in", closed.name), expected });
    }
    all
}

/// The swap; `None` where the closed web ACL stands there already, or there is none.
fn web_acl_change(state: &State) -> Option<Change> {
    let Some(Closed::Found(closed)) = &state.closed else { return None };
    let before = state.at.settings.web_acl_arn.clone();
    if before.as_deref() == Some(&closed.arn) {
        return None;
    }
    Some(association(&state.at, before.as_deref(), Some(&closed.arn)))
}

/// The change of a stage's web ACL from one to another.
fn association(at: &StageState, before: Option<&str>, after: Option<&str>) -> Change {
    let id = &at.stage.id;
    let place = Place::WebAcl { api_id: id.api_id.clone(), stage: id.stage.clone(), stage_arn: at.arn() };
    let value = |arn: Option<&str>| arn.map(|arn| Value::String(arn.to_owned()));
    let part = Part { name: WEB_ACL.to_owned(), before: value(before), after: value(after) };
    let assignment = Assignment { place, parts: vec![part], passing: false };
    Change::of_values(at.resource(), assignment)
}

/// Every method to 0: `*/*`, and every entry of its own that does not follow it. `None` where nothing passes already.
fn zero_change(at: &StageState) -> Option<Change> {
    let settings = &at.settings.methods;
    let own = entries::own_entries(settings);
    let names = std::iter::once(ALL_METHODS).chain(own.into_iter().map(String::as_str));
    let parts: Vec<Part> = names
        .filter(|name| settings.get(*name).is_none_or(|entry| limits(entry) != (Some(0.0), Some(0.0))))
        .map(|name| Part {
            name: name.to_owned(),
            before: settings.get(name).cloned(),
            after: Some(entries::materialised(name, settings, 0.0, 0.0)),
        })
        .collect();
    (!parts.is_empty()).then(|| throttle::of_stage(at, parts))
}

/// The call that a change amounts to.
#[must_use]
pub(in crate::respond) fn call(change: &Change) -> PlannedCall {
    let Edit::Assign(Assignment { place: Place::WebAcl { stage_arn, .. }, parts, .. }) = &change.edit else {
        return throttle::call(change);
    };
    let wanted = parts.first().and_then(|part| part.after.as_ref()).and_then(Value::as_str);
    PlannedCall {
        service: "wafv2".to_owned(),
        operation: if wanted.is_some() { "AssociateWebACL" } else { "DisassociateWebACL" }.to_owned(),
        resource: stage_arn.clone(),
        parameters: wanted.map(|arn| ("WebACLArn".to_owned(), arn.to_owned())).into_iter().collect(),
    }
}
