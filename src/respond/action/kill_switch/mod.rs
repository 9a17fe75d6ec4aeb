//! `kill-switch`: shut a stage to everybody but a few addresses by its resource policy, or prove on another stage that
//! it would.
//!
//! A policy acts only as deployed, and engineers have locked themselves out of production with one. So a snapshot is
//! made that no stage points at, another stage of the same API is pointed at it and asked from outside, and only that
//! very snapshot closes.

mod judge;
mod learn;
mod recipe;

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde_json::Value;

pub(in crate::respond) use self::learn::difference;
use super::stage::{self, StageState};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::action::{Action, KillSwitch};
use crate::model::change::{Assignment, DEPLOYMENT, Edit, POLICY, Part, Place};
use crate::model::limits::DeployedMethod;
use crate::model::plan::{Change, ChangedKind, Plan, PlannedCall, Precondition, ResourceRef};
use crate::model::policy::{ApiScope, Policy, PolicyError};
use crate::model::probe::{Probe, ProbeReading};
use crate::model::proof::Proof;
use crate::model::settings::Settings;
use crate::model::stage::{DraftApi, StageDetail};
use crate::respond::planned::{PlanError, Planned, finished};
use crate::respond::recipe::Recipe;
use crate::respond::samples::{Callers, UNSAMPLED};

/// Everything that a plan rests on.
#[derive(Debug)]
struct State {
    /// The stage to close.
    at: StageState,
    /// The stage to prove on, where one is named.
    on: Option<StageState>,
    api: DraftApi,
    /// The draft's policy.
    draft: Result<Option<Policy>, PolicyError>,
    /// The policy that the stage to close has deployed, as far as its export tells.
    deployed: Result<Option<Policy>, String>,
    /// The methods deployed on the stage to close.
    methods: Result<Vec<DeployedMethod>, AwsError>,
    /// The methods of the draft.
    draft_methods: Result<Vec<DeployedMethod>, AwsError>,
    /// How to ask the stage to close, and the one to prove on.
    probe: Result<Probe, String>,
    probe_on: Result<Probe, String>,
    /// What the stage that is to be asked first answers now.
    answer: Option<Result<ProbeReading, AwsError>>,
    /// From where we come.
    own: Own,
    /// Who called before the attack, as the stage's web ACL has sampled them.
    callers: Callers,
    /// The proof that this plan may rest on, or why there is none.
    proof: Result<Proof, String>,
    /// The other stages of the API.
    siblings: Vec<String>,
}

/// The responder's own addresses, each with how it was learned.
#[derive(Debug, Default)]
struct Own {
    known: Vec<(IpAddr, String)>,
    missing: Vec<String>,
}

/// The plan, from state read now. `proofs` are those that the journals hold.
pub(in crate::respond) async fn plan(
    aws: &Aws,
    settings: &Settings,
    action: &KillSwitch,
    attack_began: Option<DateTime<Utc>>,
    proofs: &[Proof],
) -> Result<Planned, PlanError> {
    let state = Box::pin(read(aws, settings, action, attack_began, proofs)).await?;
    Ok(planned(action, &state, settings).by_attack(state.callers.attack_began(), attack_began))
}

async fn read(
    aws: &Aws,
    settings: &Settings,
    action: &KillSwitch,
    attack_began: Option<DateTime<Utc>>,
    proofs: &[Proof],
) -> Result<State, PlanError> {
    let at = stage::read(aws, &action.stage).await?;
    let on = match &action.prove_on {
        Some(selector) => Some(stage::read(aws, selector).await?),
        None => None,
    };
    let api_id = at.stage.id.api_id.clone();
    let deployment = at.settings.deployment_id.clone().unwrap_or_default();
    let (api, export, methods, draft_methods, siblings) = tokio::join!(
        aws.draft_api(&api_id, Lane::Plan),
        aws.export(&api_id, &at.stage.id.stage, Lane::Plan),
        aws.deployed_methods(&api_id, &deployment, Lane::Plan),
        aws.draft_methods(&api_id, Lane::Plan),
        learn::siblings(aws, &at.stage.id),
    );
    // The policy names the stages: not to know them would close with another than was proven.
    let (api, siblings) = (api?, siblings?);
    let draft = Policy::of_answer(&api.policy);
    let draft_has_one = !matches!(draft, Ok(None));
    let export = export.map_err(|error| error.to_string());
    let deployed = export.and_then(|export| Policy::deployed(&export, draft_has_one));
    let probe_of = |stage: &StageDetail| learn::probe(aws, settings, &stage.id, &api, methods.as_ref());
    let (probe, probe_on) = (
        probe_of(&at.stage),
        on.as_ref().map_or_else(|| Err("no stage to prove on is named".to_owned()), |on| probe_of(&on.stage)),
    );
    let first = if on.is_some() { &probe_on } else { &probe };
    let (own, answer, callers) = tokio::join!(
        learn::own_addresses(aws, settings, &action.own, api.dual_stack),
        learn::answer(aws, first.as_ref().ok()),
        callers(aws, settings, &at, attack_began),
    );
    let mut state = State {
        at,
        on,
        api,
        draft,
        deployed,
        methods,
        draft_methods,
        probe,
        probe_on,
        answer,
        own,
        callers,
        proof: Err("none was asked for".to_owned()),
        siblings,
    };
    state.proof = learn::proof(aws, &state, action, proofs).await;
    Ok(state)
}

/// Who called before the attack.
async fn callers(aws: &Aws, settings: &Settings, at: &StageState, attack_began: Option<DateTime<Utc>>) -> Callers {
    let of = (&at.stage.id, at.settings.web_acl_arn.as_deref());
    let Some(arn) = of.1 else {
        return Callers::not_known(aws, settings, of, attack_began, UNSAMPLED.to_owned()).await;
    };
    match aws.web_acl(arn, Lane::Plan).await {
        Ok(acl) => Callers::read(aws, settings, &at.stage.id, &acl, at.read_at, attack_began).await,
        Err(error) => Callers::not_known(aws, settings, of, attack_began, error.to_string()).await,
    }
}

impl State {
    /// The policy that closing starts from: what is deployed, else the draft's.
    fn base(&self) -> Option<&Policy> {
        match (&self.deployed, &self.draft) {
            (Ok(deployed), _) => deployed.as_ref(),
            (Err(_), Ok(draft)) => draft.as_ref(),
            (Err(_), Err(_)) => None,
        }
    }

    fn scope(&self) -> ApiScope<'_> {
        ApiScope {
            partition: self.at.identity.partition(),
            region: &self.at.identity.at.region,
            account: &self.at.identity.at.account,
            api_id: &self.at.stage.id.api_id,
        }
    }

    fn methods(&self) -> &[DeployedMethod] {
        self.methods.as_deref().unwrap_or_default()
    }

    /// The policy that closes.
    fn closed(&self, allow: &[IpNet]) -> Policy {
        Policy::closed(self.base(), &self.scope(), allow, self.methods(), &self.stages())
    }

    /// Every stage of the API, in order.
    fn stages(&self) -> Vec<String> {
        let mut all = self.siblings.clone();
        all.push(self.at.stage.id.stage.clone());
        all.sort();
        all
    }

    fn api_arn(&self) -> String {
        let region = &self.at.identity.at.region;
        format!("arn:{}:apigateway:{region}::/restapis/{}", self.at.identity.partition(), self.at.stage.id.api_id)
    }

    fn deployment(&self) -> String {
        self.at.settings.deployment_id.clone().unwrap_or_default()
    }
}

/// The networks to let in, host bits masked.
fn networks(action: &KillSwitch) -> Vec<IpNet> {
    action.allow.iter().map(|target| target.net).collect()
}

fn planned(action: &KillSwitch, state: &State, settings: &Settings) -> Planned {
    let allow = networks(action);
    let closed = state.closed(&allow);
    let unproven = action.prove_on.is_none() && state.proof.is_err();
    let mut asked = action.clone();
    asked.commit_confirmed = action.prove_on.is_none() && (action.commit_confirmed || unproven);
    let recipe = recipe::of(&asked, state, &closed);
    let changes = changes(&asked, state, &closed, recipe.as_ref());
    let label = state.at.stage.id.label();
    let summary = match (&state.on, &state.proof) {
        (Some(on), _) => format!(
            "Prove on {} that a resource policy keeps out everybody not listed and lets you in; {label} is not changed",
            on.stage.id.label()
        ),
        (None, Ok(proof)) => {
            format!("Close {label}: point it at snapshot {}, proven on {}", proof.snapshot, proof.proven_on.label())
        }
        (None, Err(_)) => format!("Close {label} by a resource policy that has not been proven"),
    };
    // A proof is confirmed with the name of the stage that it changes.
    let stage = state.on.as_ref().map_or(&state.at, |on| on).stage.id.clone();
    let plan = Plan {
        summary,
        calls: calls(&changes, state),
        guards: judge::guards(&asked, state, settings, &closed),
        preconditions: preconditions(&asked, state, &closed),
        probe: state.probe.clone().ok().filter(|_| action.prove_on.is_none()),
        undo: undo_words(&asked, state),
        notes: judge::notes(&asked, state),
        changes,
        ..Plan::of(Action::KillSwitch(asked), state.at.identity.clone(), stage, state.at.read_at)
    };
    let mut planned = finished(plan, Vec::new());
    planned.recipe = recipe.map(Box::new);
    planned
}

fn undo_words(action: &KillSwitch, state: &State) -> String {
    if action.prove_on.is_some() {
        return "restores itself: the draft at once, the stage at the end; after a crash, `undo` does it".to_owned();
    }
    let mut words = format!("points the stage back at deployment {}, if it still exists", state.deployment());
    if action.commit_confirmed {
        words.push_str("; by itself if no probe gets through within 60 s of account time");
    }
    words
}

/// The diff. What is only there for a while is marked so.
fn changes(action: &KillSwitch, state: &State, closed: &Policy, recipe: Option<&Recipe>) -> Vec<Change> {
    if let (None, Ok(proof)) = (&action.prove_on, &state.proof) {
        return vec![pointed(&state.at, &state.deployment(), &proof.snapshot, None, false)];
    }
    let mark = recipe.map(|recipe| recipe.mark.clone()).unwrap_or_default();
    let draft = draft_change(state, closed);
    let (stage, passing) = match &state.on {
        Some(on) => (on, true),
        None => (&state.at, false),
    };
    let from = stage.settings.deployment_id.clone().unwrap_or_default();
    vec![draft, pointed(stage, &from, &mark, Some(mark.clone()), passing)]
}

/// The draft's policy, for a moment.
fn draft_change(state: &State, closed: &Policy) -> Change {
    let id = &state.at.stage.id;
    let before = state.draft.as_ref().ok().and_then(Option::as_ref);
    let text = |policy: &Policy| Value::String(policy.text().to_owned());
    let part = Part { name: POLICY.to_owned(), before: before.map(text), after: Some(text(closed)) };
    let (had, has) = (before.map(Policy::lines).unwrap_or_default(), closed.lines());
    Change {
        resource: ResourceRef {
            kind: ChangedKind::DraftPolicy,
            name: format!("{} (for less than 3 s, then back)", id.api_name),
            id: id.api_id.clone(),
            arn: state.api_arn(),
        },
        added: has.iter().filter(|line| !had.contains(line)).cloned().collect(),
        removed: had.iter().filter(|line| !has.contains(line)).cloned().collect(),
        entries_before: 0,
        entries_after: 0,
        edit: Edit::Assign(Assignment {
            place: Place::DraftPolicy { api_id: id.api_id.clone() },
            parts: vec![part],
            passing: true,
        }),
    }
}

/// A stage from one deployment to another; `to` is the mark where the deployment is yet to be made.
fn pointed(at: &StageState, from: &str, to: &str, mark: Option<String>, passing: bool) -> Change {
    let id = &at.stage.id;
    let place = Place::Deployment { api_id: id.api_id.clone(), stage: id.stage.clone(), mark };
    let value = |text: &str| (!text.is_empty()).then(|| Value::String(text.to_owned()));
    let part = Part { name: DEPLOYMENT.to_owned(), before: value(from), after: value(to) };
    let assignment = Assignment { place, parts: vec![part], passing };
    let mut resource = at.resource();
    if passing {
        resource.name.push_str(" (for the proof, then back)");
    }
    Change::of_values(resource, assignment)
}

/// The calls, by what they are called on: a proof makes most of them twice.
fn calls(changes: &[Change], state: &State) -> Vec<PlannedCall> {
    let call = |operation: &str, resource: &str, parameters: &[(&str, &str)]| PlannedCall {
        service: "apigateway".to_owned(),
        operation: operation.to_owned(),
        resource: resource.to_owned(),
        parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    let mut calls = Vec::new();
    for change in changes {
        match &change.edit {
            Edit::Assign(Assignment { place: Place::DraftPolicy { .. }, .. }) => {
                calls.push(call("UpdateRestApi", &change.resource.arn, &[("replace /policy", "the closing policy")]));
                let deployments = format!("{}/deployments", state.api_arn());
                calls.push(call("CreateDeployment", &deployments, &[("stageName", "none")]));
                calls.push(call("UpdateRestApi", &change.resource.arn, &[("replace /policy", "the draft's own")]));
            }
            _ => calls.push(call(
                "UpdateStage",
                &change.resource.arn,
                &[("replace /deploymentId", &change.added.join(" "))],
            )),
        }
    }
    calls
}

fn preconditions(action: &KillSwitch, state: &State, closed: &Policy) -> Vec<Precondition> {
    let condition = |subject: String, expected: String| Precondition { subject, expected };
    let id = &state.at.stage.id;
    let mut all = vec![
        condition(format!("deployment of {}", id.label()), state.deployment()),
        condition("the policy".to_owned(), closed.text().to_owned()),
    ];
    // A proven snapshot closes without the draft being touched.
    if action.prove_on.is_some() || state.proof.is_err() {
        let draft = state.draft.as_ref().ok().and_then(Option::as_ref).map_or("none", Policy::text);
        all.push(condition(format!("draft policy of {}", id.api_name), draft.to_owned()));
    }
    if action.commit_confirmed {
        all.push(condition("way back".to_owned(), "by itself, unless a probe gets through within 60 s".to_owned()));
    }
    all
}

/// The call that taking a change back amounts to.
#[must_use]
pub(in crate::respond) fn undo_call(change: &Change) -> Option<PlannedCall> {
    let Edit::Assign(Assignment { place, parts, .. }) = &change.edit else { return None };
    let wanted = parts.first().and_then(|part| part.after.as_ref()).and_then(Value::as_str).unwrap_or_default();
    let (operation, parameter) = match place {
        Place::Deployment { .. } => ("UpdateStage", ("replace /deploymentId".to_owned(), wanted.to_owned())),
        Place::DraftPolicy { .. } => ("UpdateRestApi", ("replace /policy".to_owned(), "the draft's own".to_owned())),
        _ => return None,
    };
    Some(PlannedCall {
        service: "apigateway".to_owned(),
        operation: operation.to_owned(),
        resource: change.resource.arn.clone(),
        parameters: vec![parameter],
    })
}
