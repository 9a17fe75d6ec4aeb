//! What a command works with: a connection, the settings, the incidents, and who is asking.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::args::Common;
use super::config;
use super::error::Failure;
use super::json::Printer;
use super::out;
use super::text;
use super::waiting;
use crate::aws::{Aws, Connection, Endpoint, Lane, profiles};
use crate::incident::{Incident, IncidentStore, Listed, MayClaim, Survey, default_root};
use crate::model::belief::Beliefs;
use crate::model::identity::Actor;
use crate::model::plan::Outcome;
use crate::model::settings::Settings;
use crate::model::stage::StageSelector;
use crate::respond::desk::Desk;
use crate::respond::desk::books::{Books, ByCommand, Whose};
use crate::respond::reconcile::Reconciled;

/// A command's surroundings.
pub(super) struct Session {
    pub(super) aws: Aws,
    pub(super) settings: Arc<Settings>,
    /// Where wishes are brought to.
    pub(super) desk: Desk,
}

/// Every connection that the flags ask for: each profile in each region, or in its own where none is named. Never
/// empty; none twice.
pub(super) fn connections(common: &Common) -> Vec<Connection> {
    let mut connections: Vec<Connection> = Vec::new();
    for profile in named(&common.profile) {
        for region in named(&common.region) {
            let (profile, region) = (profile.cloned(), region.cloned());
            if !connections.iter().any(|known| known.profile == profile && known.region == region) {
                let endpoint = common.endpoint_url.clone().map_or(Endpoint::Configured, Endpoint::Url);
                connections.push(Connection { profile, region, endpoint, attempt_timeout: None });
            }
        }
    }
    connections
}

/// What was named, or the one that was not.
fn named(names: &[String]) -> Vec<Option<&String>> {
    if names.is_empty() { vec![None] } else { names.iter().map(Some).collect() }
}

/// The one connection that the flags ask for.
///
/// # Errors
/// Where they ask for several: a command that acts in one account and region does not choose one.
pub(super) fn only(common: &Common) -> Result<Connection, Failure> {
    let mut connections = connections(common);
    match (connections.pop(), connections.is_empty()) {
        (Some(connection), true) => Ok(connection),
        _ => Err(Failure::usage(format!(
            "this command works in one account and region: give one --profile and one --region, or write the stage as {}",
            "profile/region:api/stage"
        ))),
    }
}

/// The flags as one stage narrows them: `ops/eu-west-1:shop/prod` picks the profile and the region that it names.
///
/// What stands before a `/` is a profile only where there is one of that name; else it is part of the API's name.
///
/// # Errors
/// Where the stage names a profile or a region that the flags leave out.
pub(super) fn narrowed(common: &Common, stage: &StageSelector) -> Result<Common, Failure> {
    let known = if stage.profile.is_some() { profiles() } else { Vec::new() };
    narrowed_among(common, stage, &known)
}

fn narrowed_among(common: &Common, stage: &StageSelector, known: &[String]) -> Result<Common, Failure> {
    let is_one = |profile: &String| common.profile.contains(profile) || known.contains(profile);
    let reading = stage.readings().into_iter().find(|reading| reading.profile.as_ref().is_none_or(is_one));
    let (profile, region) = reading.map_or((None, None), |reading| (reading.profile, reading.region));
    let profile = picked("profile", &common.profile, profile.as_ref(), stage)?;
    let region = picked("region", &common.region, region.as_ref(), stage)?;
    Ok(Common { profile, region, ..common.clone() })
}

fn picked(
    what: &str,
    flags: &[String],
    written: Option<&String>,
    stage: &StageSelector,
) -> Result<Vec<String>, Failure> {
    match written {
        None => Ok(flags.to_vec()),
        Some(written) if flags.is_empty() || flags.contains(written) => Ok(vec![written.clone()]),
        Some(written) => Err(Failure::usage(format!(
            "{stage} is in {what} {written}, but --{what} says {}; add --{what} {written}, or leave --{what} out",
            flags.join(", ")
        ))),
    }
}

/// Who is asking, as the journal records it.
pub(super) fn actor(arn: &str) -> Actor {
    let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    Actor {
        arn: arn.to_owned(),
        user: user.unwrap_or_else(|| "unknown".to_owned()),
        host: gethostname::gethostname().to_string_lossy().into_owned(),
    }
}

/// Where the incidents are.
pub(super) fn store() -> Result<IncidentStore, Failure> {
    Ok(IncidentStore::new(default_root()?))
}

/// What is believed of the attacks where `aws` leads: pinned in the incident named, else in the newest open one. Where
/// that cannot be read it is said, and nothing is believed.
pub(super) async fn believed(common: &Common, aws: &Aws, settings: &Arc<Settings>, printer: Printer) -> Beliefs {
    let beliefs = async {
        let whose = common.incident.clone().map_or(Whose::Newest, Whose::Named);
        let books = Books::new(store()?, whose, actor(""), Arc::new(ByCommand));
        Ok::<_, Failure>(Desk::new(aws.clone(), Arc::clone(settings), books).beliefs().await?)
    };
    // Where nothing answers, the board says so.
    if aws.identity(Lane::Plan).await.is_err() {
        return Beliefs::default();
    }
    beliefs.await.unwrap_or_else(|error| {
        printer.aside(&[format!(
            "when the attack began is judged by the figures alone; the incident could not be read: {}",
            error.message
        )]);
        Beliefs::default()
    })
}

/// Where the incidents of drills are: apart, since a range forgets and AWS does not.
pub(super) fn drill_store() -> Result<IncidentStore, Failure> {
    let root = default_root()?;
    Ok(IncidentStore::new(root.with_file_name("drill-incidents")))
}

impl Session {
    /// Connects to where a stage is, which may pick one of several profiles and regions, and asks who we are.
    pub(super) async fn open_for(common: &Common, stage: &StageSelector) -> Result<Self, Failure> {
        Self::open(&narrowed(common, stage)?).await
    }

    /// Connects and asks who we are.
    pub(super) async fn open(common: &Common) -> Result<Self, Failure> {
        let settings = config::settings(common)?;
        let store = store()?;
        let aws = Aws::connect(&only(common)?).await?;
        waiting::told(&aws);
        let identity = aws.identity(Lane::Plan).await?;
        let whose = common.incident.clone().map_or(Whose::Newest, Whose::Named);
        let books = Books::new(store, whose, actor(&identity.arn), Arc::new(ByCommand));
        let settings = Arc::new(settings);
        let desk = Desk::new(aws.clone(), Arc::clone(&settings), books);
        Ok(Self { aws, settings, desk })
    }

    /// Account time.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.aws.clock().now()
    }

    /// The incident to write about: the one named, else the newest open one, however long it has been calm, else a new
    /// one about `title`.
    pub(super) async fn incident(&self, title: &str) -> Result<Incident, Failure> {
        Ok(self.desk.books().incident(&self.aws, title).await?)
    }

    /// The incident to act in: the one named, else the newest open one that has not been calm for too long, else a new
    /// one about `title`.
    pub(super) async fn incident_to_act_in(&self, title: &str) -> Result<Incident, Failure> {
        let (incident, aside) = self.desk.books().to_act_in(&self.aws, title).await?;
        if let Some(aside) = aside {
            out::aside(&aside);
        }
        Ok(incident)
    }

    /// Where the open incident has been calm for too long, a person who can be asked says whether this belongs to it.
    /// Before a plan is made: what is believed of the attack depends on it.
    pub(super) async fn settle_incident(&self, may_ask: bool) -> Result<(), Failure> {
        if !may_ask || !out::can_ask() {
            return Ok(());
        }
        let Some((id, since)) = self.desk.books().left_aside(&self.aws).await? else { return Ok(()) };
        let question = format!(
            "Incident {id} is open, and nothing has happened in it since {}.\nType “y” to continue it, anything else for a new one: ",
            text::clock(since)
        );
        if out::ask(&question)?.is_some_and(|typed| typed.trim().eq_ignore_ascii_case("y")) {
            self.desk.books().go_on(&self.aws, &id).await?;
        }
        Ok(())
    }

    /// What was done in the account, across its incidents.
    pub(super) async fn survey(&self) -> Result<Survey, Failure> {
        Ok(self.desk.books().survey(&self.aws).await?)
    }

    /// Compares with AWS what was in flight when an earlier process ended, and what was not known; the lines are for
    /// people.
    pub(super) async fn reconciled(&self) -> Result<Vec<String>, Failure> {
        let found = self.desk.reconcile().await?;
        Ok(found.iter().map(line).chain(self.damaged().await?).collect())
    }

    /// Incidents of this account and region that cannot be read whole, a line each for people.
    pub(super) async fn damaged(&self) -> Result<Vec<String>, Failure> {
        let damaged = self.survey().await?.damaged;
        Ok(damaged.iter().map(damage_line).collect())
    }
}

/// What is wrong with an incident, and what follows from it.
pub(super) fn damage_line(listed: &Listed) -> String {
    let why = listed.damage.as_deref().unwrap_or("unreadable");
    let follows = match &listed.may_claim {
        MayClaim::Nothing => "no action is missing from what can be read".to_owned(),
        MayClaim::Only(arns) => {
            let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
            format!("whether an action there still counts on {} is not known", arns.join(", "))
        }
        MayClaim::Anything => "what is in force there is not known".to_owned(),
    };
    format!("incident {} is damaged ({why}): {follows}", listed.id)
}

/// What was found out about an interrupted action, in one line.
pub(super) fn line(found: &Reconciled) -> String {
    match found.outcome {
        Some(Outcome::NotKnown) if found.again => {
            format!("action {} is not listed any more. {}", found.action_id, found.detail)
        }
        Some(outcome) if found.again => {
            format!("action {} was checked again; now known: {}. {}", found.action_id, outcome.short(), found.detail)
        }
        Some(outcome) => {
            format!("action {} was interrupted; now known: {}. {}", found.action_id, outcome.short(), found.detail)
        }
        None => format!("action {} is in flight, and how far it got is not known: {}", found.action_id, found.detail),
    }
}
