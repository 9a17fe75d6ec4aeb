//! Everything that a plan to let in rests on, read just now.

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde_json::Value;

use crate::aws::{Aws, AwsError, Lane};
use crate::model::action::{Action, AllowIp, Close, Closure};
use crate::model::callers::KnownCallers;
use crate::model::change::{Assignment, Edit, Place};
use crate::model::settings::Settings;
use crate::model::stage::StageId;
use crate::model::timeline::{ActionRecord, ActionState};
use crate::model::waf::{IpSet, WebAcl};
use crate::respond::action::close::web_acl::{self, Closed};
use crate::respond::action::ip_set::{self, Behind, ByArn};
use crate::respond::action::stage::{self, StageState};
use crate::respond::circumstances::Circumstances;
use crate::respond::planned::PlanError;
use crate::respond::samples::{self, Samples};

/// What was read.
#[derive(Debug)]
pub(super) struct State {
    pub(super) at: StageState,
    /// The closed web ACL, or why there is none.
    pub(super) closed: Closed,
    /// Whether it stands before the stage now.
    pub(super) is_before: bool,
    /// The IP sets that it lets in.
    pub(super) ip_sets: ByArn<IpSet>,
    pub(super) tags: ByArn<Vec<(String, String)>>,
    /// What stands behind it.
    pub(super) behind: Behind,
    /// Who is blocked on the stage while it is open, and by what.
    pub(super) blocked: Vec<(IpNet, String)>,
    /// What keeps that from being all, a line each.
    pub(super) unclear: Vec<String>,
    /// What is turned away now, and who called before the attack.
    pub(super) recent: Samples,
    pub(super) earlier: Samples,
    pub(super) attack_began: Option<DateTime<Utc>>,
    /// Why what was sampled before it may be the attack's all the same.
    pub(super) uncertain_beginning: Option<String>,
    /// Who called before the attack, as the incident keeps it.
    pub(super) known: Option<KnownCallers>,
}

impl State {
    /// The closed web ACL, where there is one.
    pub(super) fn acl(&self) -> Option<&WebAcl> {
        if let Closed::Found(acl) = &self.closed { Some(acl) } else { None }
    }
}

/// Reads it.
// Long: readings in their order, each resting on the one before.
pub(super) async fn read(
    aws: &Aws,
    settings: &Settings,
    action: &AllowIp,
    circumstances: Circumstances,
) -> Result<State, PlanError> {
    let at = stage::read(aws, &action.stage).await?;
    let now_before = at.settings.web_acl_arn.clone();
    let before = read_acl(aws, now_before.as_deref()).await;
    let closed = closed(aws, settings, action, before.as_ref()).await;
    let is_before = matches!(&closed, Closed::Found(acl) if now_before.as_ref().is_some_and(|arn| *arn == acl.arn));
    let in_force = on(&circumstances.actions, &at.stage.id);
    // What stands before the stage while it is open: it blocks whom nobody should let in, and has sampled who called.
    let own = if is_before { read_acl(aws, swapped_out(&in_force).as_deref()).await } else { before };
    let mut state = State {
        at,
        is_before,
        ip_sets: ByArn::new(),
        tags: ByArn::new(),
        behind: Vec::new(),
        blocked: blocks(&in_force),
        unclear: Vec::new(),
        recent: Samples::default(),
        earlier: Samples::default(),
        attack_began: circumstances.attack_began,
        uncertain_beginning: None,
        known: circumstances.known,
        closed,
    };
    if is_before && matches!(&own, Some(Ok(acl)) if web_acl::openings(acl).is_empty()) {
        state
            .unclear
            .push("the web ACL that was attached when the stage was closed is a closed web ACL, too".to_owned());
    }
    if own.is_none() && is_before {
        state.unclear.push("which web ACL was attached while the stage was open is in no journal".to_owned());
    }
    if state.attack_began.is_none() {
        let arn = own.as_ref().and_then(|own| own.as_ref().ok()).map(|own| own.arn.clone()).or(now_before);
        state.attack_began = samples::began(aws, settings, &state.at.stage.id, arn.as_deref(), None).await;
        // The minutes before now may be the attack's, and a closure's own 403s look like the beginning of one.
        let say = "set it: portcullis timeline attack-began";
        state.uncertain_beginning = match state.attack_began {
            None => Some(format!("when the attack began is not known; {say}")),
            Some(_) if is_before => Some(format!("the closure's own 403s may look like the attack's beginning; {say}")),
            Some(_) => None,
        };
    }
    let lists = async {
        match &own {
            Some(Ok(acl)) => Some(web_acl::blocked(aws, acl).await),
            _ => None,
        }
    };
    let sets = async {
        match &state.closed {
            Closed::Found(acl) => ip_set::read(aws, web_acl::admitting_sets(acl)).await,
            _ => (ByArn::new(), ByArn::new()),
        }
    };
    let behind = async {
        match &state.closed {
            Closed::Found(acl) => ip_set::behind(aws, &acl.arn).await,
            _ => Vec::new(),
        }
    };
    let calm = own.as_ref().and_then(|own| own.as_ref().ok());
    let turned_away = match &state.closed {
        Closed::Found(acl) if is_before => Some(acl),
        _ => calm,
    };
    let samples = samples::turned_away(aws, turned_away, calm, state.at.read_at, state.attack_began);
    let (lists, sets, behind, (recent, earlier)) = tokio::join!(lists, sets, behind, samples);
    if let Some(Err(error)) = &own {
        state.unclear.push(format!("the web ACL that is attached while it is open: {error}"));
    }
    let (nets, unclear) = lists.unwrap_or_default();
    state.blocked.extend(nets);
    state.unclear.extend(unclear);
    (state.ip_sets, state.tags) = sets;
    (state.behind, state.recent, state.earlier) = (behind, recent, earlier);
    Ok(state)
}

async fn read_acl(aws: &Aws, arn: Option<&str>) -> Option<Result<WebAcl, AwsError>> {
    Some(aws.web_acl(arn?, Lane::Plan).await)
}

/// The one that is named; else the one before the stage, where that is closed; else the one of the configuration.
async fn closed(aws: &Aws, settings: &Settings, action: &AllowIp, before: Option<&Result<WebAcl, AwsError>>) -> Closed {
    match before {
        Some(Ok(acl)) if action.web_acl.is_none() && web_acl::openings(acl).is_empty() => Closed::Found(acl.clone()),
        _ => web_acl::find(aws, settings, action.web_acl.as_deref()).await,
    }
}

/// The actions of ours that are in force on a stage, or may be.
fn on<'a>(actions: &'a [ActionRecord], stage: &StageId) -> Vec<&'a ActionRecord> {
    let stands =
        |one: &&ActionRecord| matches!(one.state, ActionState::InForce | ActionState::Unclear | ActionState::InFlight);
    actions.iter().filter(|one| one.stage.is_same(stage)).filter(stands).collect()
}

/// The web ACL that stood before the stage until a closure of ours put another into its place: the last one did.
fn swapped_out(in_force: &[&ActionRecord]) -> Option<String> {
    let closes = |one: &&&ActionRecord| matches!(one.action, Action::Close(Close { by: Closure::WebAcl, .. }));
    let mut closures: Vec<&&ActionRecord> = in_force.iter().filter(closes).collect();
    closures.sort_by_key(|one| one.begun_at);
    let swap = |one: &ActionRecord| {
        one.changes.iter().find_map(|change| match &change.edit {
            Edit::Assign(Assignment { place: Place::WebAcl { .. }, parts, .. }) => {
                let arn = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
                parts.first().map(|part| (arn(&part.before), arn(&part.after)))
            }
            _ => None,
        })
    };
    // Of one closure upon another the first knows.
    let mut found: Option<Option<String>> = None;
    for (before, after) in closures.into_iter().rev().filter_map(|one| swap(one)) {
        if found.as_ref().is_none_or(|known| *known == after) {
            found = Some(before);
        }
    }
    found.flatten()
}

/// Whom blocks of ours hold.
fn blocks(in_force: &[&ActionRecord]) -> Vec<(IpNet, String)> {
    let blocks = in_force.iter().filter(|one| matches!(one.action, Action::BlockIp(_)));
    blocks
        .flat_map(|one| one.action.prefixes().iter().map(|target| (target.net, format!("action {}", one.id))))
        .collect()
}
