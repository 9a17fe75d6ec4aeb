//! `throttle`: tighten the throttle of a method, or of every method of a stage.

pub(in crate::respond) mod attacked;
pub(in crate::respond) mod entries;
pub(in crate::respond) mod http;
mod judge;
mod traffic;

use chrono::{DateTime, Utc};

use self::entries::Wanted;
use self::traffic::Traffic;
use super::stage::{self, StageState};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::action::{Action, Throttle};
use crate::model::change::{Assignment, Edit, Place};
use crate::model::limits::{AccountLimit, DeployedMethod, UsagePlan};
use crate::model::plan::{Change, Plan, PlannedCall, Precondition};
use crate::model::settings::Settings;
use crate::respond::planned::{PlanError, Planned, finished};
use crate::respond::resolve::{self, ResolveError};

/// Everything that a plan to throttle rests on.
#[derive(Debug, Clone)]
struct State {
    at: StageState,
    methods: Result<Vec<DeployedMethod>, AwsError>,
    account: Result<Option<AccountLimit>, AwsError>,
    plans: Result<Vec<UsagePlan>, AwsError>,
    traffic: Traffic,
}

/// The plan to throttle, from state read now.
pub(in crate::respond) async fn plan(
    aws: &Aws,
    settings: &Settings,
    action: &Throttle,
    attack_began: Option<DateTime<Utc>>,
) -> Result<Planned, PlanError> {
    let state = match Box::pin(read(aws, settings, action, attack_began)).await {
        Err(PlanError::Resolve(ResolveError::HttpApi { api, .. })) => {
            return Box::pin(http::plan(aws, settings, action, &api, attack_began)).await;
        }
        read => read?,
    };
    resolve::only_rest(aws, &action.stage, &state.at.stage.id, Lane::Plan).await?;
    Ok(planned(action, &state, settings).by_attack(state.traffic.began, attack_began))
}

async fn read(
    aws: &Aws,
    settings: &Settings,
    action: &Throttle,
    attack_began: Option<DateTime<Utc>>,
) -> Result<State, PlanError> {
    let at = stage::read(aws, &action.stage).await?;
    let id = &at.stage.id;
    let deployment = at.settings.deployment_id.clone().unwrap_or_default();
    let acl = at.settings.web_acl_arn.as_deref();
    let (methods, account, plans, traffic) = tokio::join!(
        aws.deployed_methods(&id.api_id, &deployment, Lane::Plan),
        aws.account_limit(Lane::Plan),
        aws.usage_plans(&id.api_id, &id.stage, Lane::Plan),
        traffic::read(aws, settings, id, acl, action.method.as_ref(), attack_began),
    );
    Ok(State { at, methods, account, plans, traffic })
}

fn planned(action: &Throttle, state: &State, settings: &Settings) -> Planned {
    let wanted = entries::wanted(action, &state.at.settings.methods, state.account_limit());
    let change = change(state, &wanted);
    let id = &state.at.stage.id;
    let changes: Vec<Change> = change.into_iter().collect();
    let undo = if changes.is_empty() {
        "nothing to undo"
    } else {
        "restores the previous limits and removes the entries that this makes, where nobody has changed them since"
    };
    let plan = Plan {
        summary: if changes.is_empty() {
            format!("Nothing to tighten: {} on {} is at or below that already", action.method_words(), id.label())
        } else {
            format!("Throttle {} on {} to {}/s, burst {}", action.method_words(), id.label(), action.rate, action.burst)
        },
        calls: changes.iter().map(call).collect(),
        guards: judge::guards(action, state, settings, &wanted),
        preconditions: preconditions(state),
        undo: undo.to_owned(),
        notes: judge::notes(action),
        changes,
        ..Plan::of(Action::Throttle(action.clone()), state.at.identity.clone(), id.clone(), state.at.read_at)
    };
    finished(plan, Vec::new())
}

/// The change that setting `wanted` amounts to; `None` where there is nothing to set.
fn change(state: &State, wanted: &Wanted) -> Option<Change> {
    (!wanted.parts.is_empty()).then(|| of_stage(&state.at, wanted.parts.clone()))
}

/// A change of a stage's throttles.
pub(super) fn of_stage(at: &StageState, parts: Vec<crate::model::change::Part>) -> Change {
    let place = Place::MethodThrottles { api_id: at.stage.id.api_id.clone(), stage: at.stage.id.stage.clone() };
    let assignment = Assignment { place, parts, passing: false };
    Change::of_values(at.resource(), assignment)
}

/// The call that a change of a stage's throttles amounts to.
#[must_use]
pub(in crate::respond) fn call(change: &Change) -> PlannedCall {
    let parameters = match &change.edit {
        Edit::Assign(assignment) => entries::parameters(assignment),
        _ => Vec::new(),
    };
    PlannedCall {
        service: "apigateway".to_owned(),
        operation: "UpdateStage".to_owned(),
        resource: change.resource.arn.clone(),
        parameters,
    }
}

fn preconditions(state: &State) -> Vec<Precondition> {
    let deployment = state.at.settings.deployment_id.clone().unwrap_or_else(|| "none".to_owned());
    let account = match state.account_limit() {
        Some(limit) => format!("{}/s, burst {}", limit.rate, limit.burst),
        None => "not known".to_owned(),
    };
    vec![
        Precondition { subject: format!("deployment of {}", state.at.stage.id.label()), expected: deployment },
        Precondition { subject: "limit of the account".to_owned(), expected: account },
    ]
}

impl State {
    fn account_limit(&self) -> Option<AccountLimit> {
        self.account.as_ref().ok().copied().flatten()
    }
}

impl Throttle {
    fn method_words(&self) -> String {
        self.method.as_ref().map_or_else(|| "every method".to_owned(), ToString::to_string)
    }
}
