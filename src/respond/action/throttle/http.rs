//! Throttling on an HTTP API: its routes' settings in place of method settings.
//!
//! No WAF and no usage plans there: what a throttle turns away is told by metrics alone, and who of it belongs there by
//! nothing.

use chrono::{DateTime, Utc};

use super::entries::{self, Wanted};
use super::{State, judge, traffic};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::action::{Action, Throttle};
use crate::model::change::{Assignment, Edit, Part, Place};
use crate::model::limits::{DeployedMethod, limits};
use crate::model::method::ALL_METHODS;
use crate::model::plan::{Change, ChangedKind, GuardResult, Plan, PlannedCall, Precondition, ResourceRef};
use crate::model::settings::Settings;
use crate::model::stage::{Api, HttpStage, StageDetail, StageId, StageSettings};
use crate::respond::action::stage::StageState;
use crate::respond::assigned;
use crate::respond::guard::{self, settled};
use crate::respond::planned::{PlanError, Planned, finished};

/// The plan to throttle on a stage of `api`, an HTTP API.
pub(super) async fn plan(
    aws: &Aws,
    settings: &Settings,
    action: &Throttle,
    api: &Api,
    attack_began: Option<DateTime<Utc>>,
) -> Result<Planned, PlanError> {
    let identity = aws.identity(Lane::Plan).await?;
    let id = StageId { api_id: api.id.clone(), api_name: api.name.clone(), stage: action.stage.stage.clone() };
    let stage = aws.http_stage(&id.api_id, &id.stage, Lane::Plan).await?;
    let (routes, account, traffic) = tokio::join!(
        aws.http_routes(&id.api_id, Lane::Plan),
        aws.account_limit(Lane::Plan),
        traffic::read_http(aws, settings, &id, action.method.as_ref(), attack_began),
    );
    let at =
        StageState { identity, read_at: aws.clock().now(), stage: detail(&id, api), settings: as_settings(&stage) };
    let state = State { at, methods: routes.map(|keys| deployed(&keys)), account, plans: Ok(Vec::new()), traffic };
    Ok(planned(action, &state, &stage, settings).by_attack(state.traffic.began, attack_began))
}

/// The stage as the guards of any throttle take it.
fn detail(id: &StageId, api: &Api) -> StageDetail {
    StageDetail {
        id: id.clone(),
        web_acl_arn: None,
        deployment_id: None,
        cache_cluster_status: None,
        canary: false,
        endpoint_disabled: api.endpoint_disabled,
        tracing: false,
        access_log: None,
        limit: None,
        lowest_of_a_method: None,
    }
}

fn as_settings(stage: &HttpStage) -> StageSettings {
    StageSettings {
        methods: stage.settings.clone(),
        web_acl_arn: None,
        deployment_id: None,
        cache_cluster_enabled: false,
        cache_cluster_status: None,
        canary: false,
        tags: stage.tags.clone(),
        access_log: None,
    }
}

/// Routes that a method names; the catch-all `$default` is none, and is throttled with all of them.
fn deployed(keys: &[String]) -> Vec<DeployedMethod> {
    let method = |key: &String| {
        Some(DeployedMethod { name: key.parse().ok()?, authorization: "NONE".to_owned(), api_key_required: false })
    };
    keys.iter().filter_map(method).collect()
}

fn planned(action: &Throttle, state: &State, stage: &HttpStage, settings: &Settings) -> Planned {
    let wanted = entries::wanted(action, &stage.settings, state.account_limit());
    let changes: Vec<Change> = wanted.parts.iter().map(|part| change(&state.at, part.clone())).collect();
    let label = state.at.stage.id.label();
    let mut guards = judge::guards(action, state, settings, &wanted);
    // Nothing of the kind is copied here.
    guards.retain(|found| found.id != guard::THROTTLE_COPIES.id);
    guards.extend([immutable(stage), unset(&wanted, &state.account)]);
    let plan = Plan {
        summary: if changes.is_empty() {
            format!("Nothing to tighten: {} on {label} is at or below that already", action.method_words())
        } else {
            format!(
                "Throttle {} on {label}, an HTTP API, to {}/s, burst {}",
                action.method_words(),
                action.rate,
                action.burst
            )
        },
        calls: changes.iter().map(call).collect(),
        // Overrides have had their turn; without any, this only sorts them.
        guards: settled(guards, &crate::model::action::Terms::default()),
        preconditions: vec![Precondition {
            subject: "limit of the account".to_owned(),
            expected: state.account_limit().map_or("not known".to_owned(), |l| format!("{}/s, burst {}", l.rate, l.burst)),
        }],
        undo: "restores the previous limits, where nobody has changed them since; limits that were not set become the account's"
            .to_owned(),
        notes: judge::notes(action),
        changes,
        ..Plan::of(Action::Throttle(action.clone()), state.at.identity.clone(), state.at.stage.id.clone(), state.at.read_at)
    };
    finished(plan, Vec::new())
}

/// The change of one route's settings, or of the default: each is a call of its own.
fn change(at: &StageState, part: Part) -> Change {
    let id = &at.stage.id;
    let stage_arn = id.http_arn(at.identity.partition(), &at.identity.at.region);
    let route = part.name.clone();
    let place =
        Place::RouteThrottles { api_id: id.api_id.clone(), stage: id.stage.clone(), stage_arn: stage_arn.clone() };
    let assignment = Assignment { place, parts: vec![part], passing: false };
    let name = if route == ALL_METHODS { id.label() } else { format!("{} {route}", id.label()) };
    let arn = if route == ALL_METHODS { stage_arn } else { format!("{stage_arn}/routesettings/{route}") };
    let resource =
        ResourceRef { kind: ChangedKind::RouteSettings, name, id: format!("{}/{}", id.api_id, id.stage), arn };
    Change::of_values(resource, assignment)
}

/// The call that a change of a route's settings amounts to: `UpdateStage` is of the stage, whatever route it names.
#[must_use]
pub(in crate::respond) fn call(change: &Change) -> PlannedCall {
    let (service, operation) = assigned::call(&change.edit);
    let stage = match &change.edit {
        Edit::Assign(Assignment { place: Place::RouteThrottles { stage_arn, .. }, .. })
            if operation == "UpdateStage" =>
        {
            stage_arn.clone()
        }
        _ => change.resource.arn.clone(),
    };
    let parts = match &change.edit {
        Edit::Assign(assignment) => assignment.parts.as_slice(),
        _ => &[],
    };
    let parameters = parts.iter().filter_map(|part| Some((part.name.clone(), part.after.as_ref()?.to_string())));
    PlannedCall {
        service: service.to_owned(),
        operation: operation.to_owned(),
        resource: stage,
        parameters: parameters.collect(),
    }
}

/// API Gateway lets nobody change a stage that it manages itself (documented: `apiGatewayManaged`).
fn immutable(stage: &HttpStage) -> GuardResult {
    if stage.managed {
        return guard::THROTTLE_IMMUTABLE
            .stop("API Gateway manages this stage itself (quick create) and lets nobody change it");
    }
    guard::THROTTLE_IMMUTABLE.pass("the stage may be changed")
}

/// Which limits cannot be taken away again once they are written.
fn unset(wanted: &Wanted, account: &Result<Option<crate::model::limits::AccountLimit>, AwsError>) -> GuardResult {
    let absent =
        |part: &&Part| part.before.as_ref().is_some_and(|before| matches!(limits(before), (None, _) | (_, None)));
    let names: Vec<&str> = wanted.parts.iter().filter(absent).map(|part| part.name.as_str()).collect();
    if names.is_empty() {
        return guard::THROTTLE_UNSET.pass("every limit goes back to what it was");
    }
    match account {
        Ok(Some(limit)) => guard::THROTTLE_UNSET.warn(format!(
            "{} has no limit of its own, and one that is written cannot be unset: the undo sets the account's, {}/s and burst {}, instead \
             (reported by others)",
            names.join(", "),
            limit.rate,
            limit.burst
        )),
        _ => guard::THROTTLE_UNSET
            .unknown(format!("{} has no limit to go back to, and the account's is not known", names.join(", "))),
    }
}
