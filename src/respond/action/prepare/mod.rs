//! `prepare-closed-web-acl`: make what `close --by web-acl` swaps in, before the night: an IP set for each address
//! version and a web ACL that blocks by default and lets their addresses in. It stands before nothing, so that nobody
//! notices.
//!
//! Each of the three is made only where nothing of its name stands; one that stands as it would be made is used, so
//! that a preparation that was cut short is finished by the same command.

mod judge;

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::stage::{self, StageState};
use crate::aws::{Aws, Lane};
use crate::model::action::{Action, PrepareClosedWebAcl};
use crate::model::change::{ARN, Assignment, CLOSED_WEB_ACL, Edit, IP_SET, Part, Place};
use crate::model::made_resource::{MadeIpSet, MadeWebAcl, as_name, set_name};
use crate::model::plan::{Change, ChangedKind, Plan, PlannedCall, Precondition, ResourceRef};
use crate::model::settings::Settings;
use crate::model::waf::IpVersion;
use crate::model::words::counted;
use crate::respond::assigned;
use crate::respond::planned::{PlanError, Planned, finished};

/// Everything that a plan to prepare rests on.
#[derive(Debug)]
struct State {
    at: StageState,
    /// The web ACL's name.
    name: String,
    /// Whom it is to let in, host bits masked, each once.
    allow: Vec<IpNet>,
    /// What is to be there and what is, in the order in which it is made: the IP sets before the web ACL that refers to
    /// them.
    pieces: Vec<Piece>,
    /// How many regional IP sets and web ACLs there are.
    counts: (usize, usize),
}

/// One of the things to be made.
#[derive(Debug)]
struct Piece {
    kind: ChangedKind,
    name: String,
    place: Place,
    part: &'static str,
    wanted: Value,
    there: Map<String, Value>,
}

impl Piece {
    fn new(kind: ChangedKind, name: &str, place: Place, part: &'static str, wanted: Value) -> Self {
        Self { kind, name: name.to_owned(), place, part, wanted, there: Map::new() }
    }

    fn is_there(&self) -> bool {
        self.there.contains_key(self.part)
    }

    fn is_as_wanted(&self) -> bool {
        self.there.get(self.part) == Some(&self.wanted)
    }
}

/// The plan to prepare, from state read now.
pub(in crate::respond) async fn plan(
    aws: &Aws,
    settings: &Settings,
    action: &PrepareClosedWebAcl,
) -> Result<Planned, PlanError> {
    let state = Box::pin(read(aws, settings, action)).await?;
    Ok(planned(action, &state, settings))
}

async fn read(aws: &Aws, settings: &Settings, action: &PrepareClosedWebAcl) -> Result<State, PlanError> {
    let at = stage::read(aws, &action.stage).await?;
    let name = action.name.clone().unwrap_or_else(|| default_name(&at, settings));
    let allow = allowed(action, settings);
    let mut pieces: Vec<Piece> = [IpVersion::V4, IpVersion::V6].map(|version| set(&name, version, &allow)).into();
    let acl = MadeWebAcl::new(&name).document();
    let place = Place::ClosedWebAcl { name: name.clone() };
    pieces.push(Piece::new(ChangedKind::WebAcl, &name, place, CLOSED_WEB_ACL, acl));
    let (sets, acls) = tokio::join!(aws.ip_set_names(Lane::Plan), aws.web_acl_names(Lane::Plan));
    let (sets, acls) = (sets?, acls?);
    for piece in &mut pieces {
        // What is not listed need not be read.
        let listed = if piece.part == IP_SET { &sets } else { &acls };
        if listed.iter().any(|known| known.name == piece.name) {
            piece.there = assigned::current(aws, &piece.place, Lane::Plan).await?;
        }
    }
    Ok(State { at, name, allow, pieces, counts: (sets.len(), acls.len()) })
}

/// The name that the configuration gives, which is the one that closing looks for; else one after the stage.
fn default_name(at: &StageState, settings: &Settings) -> String {
    let configured = settings.guards.closed_web_acl.as_ref().filter(|named| !named.starts_with("arn:"));
    let after_stage = || as_name(&format!("{}-{}-closed", at.stage.id.api_name, at.stage.id.stage));
    configured.cloned().unwrap_or_else(after_stage)
}

/// Whom to let in: those named, else the break-glass ranges; what lies inside another is left out.
fn allowed(action: &PrepareClosedWebAcl, settings: &Settings) -> Vec<IpNet> {
    let named: Vec<IpNet> = action.allow.iter().map(|target| target.net).collect();
    let nets = if named.is_empty() { settings.guards.break_glass.clone().unwrap_or_default() } else { named };
    let nets: Vec<IpNet> = nets.iter().map(IpNet::trunc).collect();
    let inside = |net: &IpNet, have: &IpNet| have != net && have.contains(net);
    let mut kept: Vec<IpNet> = nets.iter().filter(|net| !nets.iter().any(|have| inside(net, have))).copied().collect();
    kept.sort();
    kept.dedup();
    kept
}

fn set(web_acl: &str, version: IpVersion, allow: &[IpNet]) -> Piece {
    let name = set_name(web_acl, version);
    let entries = allow.iter().filter(|net| IpVersion::of(net) == version).map(ToString::to_string);
    let wanted = MadeIpSet::new(version, entries).document();
    Piece::new(ChangedKind::IpSet, &name, Place::IpSet { name: name.clone() }, IP_SET, wanted)
}

fn planned(action: &PrepareClosedWebAcl, state: &State, settings: &Settings) -> Planned {
    let missing = state.pieces.iter().filter(|piece| !piece.is_there());
    let changes: Vec<Change> = missing.map(|piece| change(&state.at, piece)).collect();
    let plan = Plan {
        summary: if changes.is_empty() {
            format!("Nothing to prepare: the closed web ACL {} already exists", state.name)
        } else {
            format!(
                "Prepare the closed web ACL {}, which lets {} in; it is not attached to any stage",
                state.name,
                counted(state.allow.len(), "prefix")
            )
        },
        calls: changes.iter().map(call).collect(),
        guards: judge::guards(action, state, settings),
        preconditions: preconditions(state),
        undo: "deletes what it made, if it is unchanged and nothing uses it".to_owned(),
        notes: judge::notes(state, settings),
        changes,
        ..Plan::of(
            Action::PrepareClosedWebAcl(action.clone()),
            state.at.identity.clone(),
            state.at.stage.id.clone(),
            state.at.read_at,
        )
    };
    finished(plan, Vec::new())
}

/// The change that makes a piece. What is only to be made has no id: its ARN is known as far as its name.
fn change(at: &StageState, piece: &Piece) -> Change {
    let kind = if piece.part == IP_SET { "ipset" } else { "webacl" };
    let (identity, name) = (&at.identity, &piece.name);
    let (partition, region, account) = (identity.partition(), &identity.at.region, &identity.at.account);
    let part = Part { name: piece.part.to_owned(), before: None, after: Some(piece.wanted.clone()) };
    let assignment = Assignment { place: piece.place.clone(), parts: vec![part], passing: false };
    let resource = ResourceRef {
        kind: piece.kind.clone(),
        name: name.clone(),
        id: name.clone(),
        arn: format!("arn:{partition}:wafv2:{region}:{account}:regional/{kind}/{name}"),
    };
    Change::of_values(resource, assignment)
}

/// What stands already and would be used.
fn preconditions(state: &State) -> Vec<Precondition> {
    let used = state.pieces.iter().filter(|piece| piece.is_there());
    used.map(|piece| Precondition {
        subject: format!("{} {}", piece.kind.word(), piece.name),
        expected: piece.there.get(ARN).and_then(Value::as_str).unwrap_or_default().to_owned(),
    })
    .collect()
}

/// The call that making or deleting one of the pieces amounts to.
#[must_use]
pub(in crate::respond) fn call(change: &Change) -> PlannedCall {
    let (service, operation) = assigned::call(&change.edit);
    let mut parameters = vec![("Name".to_owned(), change.resource.name.clone())];
    if let Edit::Assign(assignment) = &change.edit
        && let Some(set) = assignment.wanted(IP_SET).and_then(MadeIpSet::of)
    {
        parameters.push(("Addresses".to_owned(), set.addresses.join(" ")));
    }
    PlannedCall {
        service: service.to_owned(),
        operation: operation.to_owned(),
        resource: change.resource.arn.clone(),
        parameters,
    }
}
