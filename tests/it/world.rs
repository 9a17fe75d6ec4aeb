//! A range, a connection to it in process, and a folder for incidents: what tests of the console work with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use portcullis::aws::{Aws, Connection, Endpoint, Lane, RangeHandle};
use portcullis::drill::Drill;
use portcullis::incident::{Incident, IncidentStore};
use portcullis::model::action::{Action, BlockIp, Terms};
use portcullis::model::identity::Actor;
use portcullis::model::plan::Finished;
use portcullis::model::settings::Settings;
use portcullis::respond::confirm::Confirmed;
use portcullis::respond::desk::Desk;
use portcullis::respond::desk::books::{Books, ByCommand, Whose};
use portcullis::respond::desk::error::DeskError;
use portcullis::respond::desk::sweep::Swept;
use portcullis::respond::execute::execute;
use portcullis::respond::plan::{Circumstances, PlanError, Planned, plan};
use portcullis::respond::undo;
use portcullis_range::Call;
use portcullis_range::state::{Account, IpVersion, Stage};
use serde_json::json;
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) range: RangeHandle,
    pub(crate) aws: Aws,
    pub(crate) store: IncidentStore,
    pub(crate) settings: Settings,
    _dir: TempDir,
}

pub(crate) fn actor() -> Actor {
    Actor { arn: "arn:aws:iam::111122223333:user/ada".into(), user: "ada".into(), host: "console".into() }
}

/// The `sqli-flood` drill at its start, its account time running at `rate` on tokio's (paused) clock.
pub(crate) async fn flood(rate: f64) -> World {
    of_drill("sqli-flood", rate).await
}

/// A drill at its start, its account time running at `rate` on tokio's (paused) clock.
pub(crate) async fn of_drill(name: &str, rate: f64) -> World {
    let drill = Drill::load(Some(name)).unwrap();
    let range = drill.range(rate, None).unwrap();
    of(&drill, range).await
}

/// The same with two minutes of history: for tests that build it hundreds of times and look at no figures.
pub(crate) async fn young_flood(rate: f64) -> World {
    let text = include_str!("../../drills/sqli-flood.toml");
    let young = text.replace("history = \"45m\"", "history = \"2m\"");
    assert_ne!(text, young);
    let range = RangeHandle::new(portcullis_range::Range::from_scenario(&young, None).unwrap(), rate);
    of(&Drill::load(Some("sqli-flood")).unwrap(), range).await
}

async fn of(drill: &Drill, range: RangeHandle) -> World {
    let dir = tempfile::tempdir().unwrap();
    World {
        aws: connect(&range).await,
        range,
        store: IncidentStore::new(dir.path().join("incidents")),
        settings: drill.settings.clone(),
        _dir: dir,
    }
}

/// Any range, with settings of nobody's, its account time running at `rate` on tokio's (paused) clock.
pub(crate) async fn of_range(range: portcullis_range::Range, rate: f64) -> World {
    let range = RangeHandle::new(range, rate);
    let dir = tempfile::tempdir().unwrap();
    World {
        aws: connect(&range).await,
        range,
        store: IncidentStore::new(dir.path().join("incidents")),
        settings: Settings::default(),
        _dir: dir,
    }
}

pub(crate) async fn connect(range: &RangeHandle) -> Aws {
    let connection = Connection {
        endpoint: Endpoint::Range(range.clone()),
        attempt_timeout: Some(Duration::from_secs(2)),
        ..Connection::default()
    };
    Aws::connect(&connection).await.unwrap()
}

pub(crate) fn block(targets: &[&str]) -> BlockIp {
    BlockIp {
        stage: "shop/prod".parse().unwrap(),
        targets: targets.iter().map(|t| t.parse().unwrap()).collect(),
        ip_sets: vec![],
        terms: Terms::default(),
    }
}

impl World {
    pub(crate) async fn plan(&self, block: &BlockIp) -> Planned {
        self.try_plan(block).await.unwrap()
    }

    pub(crate) async fn try_plan(&self, block: &BlockIp) -> Result<Planned, PlanError> {
        self.try_action(&Action::BlockIp(block.clone())).await
    }

    pub(crate) async fn try_action(&self, action: &Action) -> Result<Planned, PlanError> {
        let identity = self.aws.identity(Lane::Plan).await.unwrap();
        let survey = self.store.survey(&identity.at).unwrap();
        let (proofs, actions) = (survey.proofs, survey.actions);
        plan(&self.aws, &self.settings, action, Circumstances { proofs, actions, ..Circumstances::default() }).await
    }

    pub(crate) async fn plan_action(&self, action: &Action) -> Planned {
        self.try_action(action).await.unwrap()
    }

    pub(crate) async fn incident(&self) -> Incident {
        let identity = self.aws.identity(Lane::Plan).await.unwrap();
        self.store.open_or_create(&identity, "test", self.aws.clock().now(), &actor()).unwrap()
    }

    /// Confirms with the plan's own phrase and carries it out.
    pub(crate) async fn apply(&self, planned: Planned) -> Finished {
        let incident = self.incident().await;
        let phrase = planned.plan.phrase();
        let confirmed = Confirmed::by_phrase(planned, &phrase).unwrap();
        execute(&self.aws, &incident, confirmed, &mut |_| {}).await.unwrap()
    }

    pub(crate) async fn undo(&self, id: &str) -> Finished {
        let planned = self.plan_undo(id).await;
        self.apply(planned).await
    }

    /// The desk of a command given here.
    pub(crate) fn desk(&self) -> Desk {
        let books = Books::new(self.store.clone(), Whose::Newest, actor(), Arc::new(ByCommand));
        Desk::new(self.aws.clone(), Arc::new(self.settings.clone()), books)
    }

    pub(crate) async fn sweep(&self) -> Result<Vec<Swept>, DeskError> {
        self.desk().sweep(|_| true).await
    }

    pub(crate) async fn plan_undo(&self, id: &str) -> Planned {
        let identity = self.aws.identity(Lane::Plan).await.unwrap();
        let actions = self.store.actions(&identity.at).unwrap();
        let action = actions.iter().find(|a| a.id == id).unwrap();
        undo::plan(&self.aws, action, &actions, &[], &Terms::default()).await.unwrap()
    }

    /// `shop/prod` as the control plane holds it, and its web ACL.
    pub(crate) fn stage(&self) -> (Stage, Option<String>) {
        self.range.with(|range| {
            let account = range.account();
            let api = account.gateway.apis.values().find(|api| api.name == "shop").unwrap();
            let stage = Stage::clone(api.stage("prod").unwrap());
            let acl = account.waf.association(&account.stage_arn(&api.id, "prod")).map(str::to_owned);
            (stage, acl)
        })
    }

    /// Changes `shop/prod` as another operator would.
    pub(crate) fn edit_stage(&self, edit: impl FnOnce(&mut Stage)) {
        self.range.with(|range| edit_stage(range.account_mut(), edit));
    }

    pub(crate) fn entries(&self, set: &str) -> Vec<String> {
        self.entries_of(set).unwrap()
    }

    /// The same; `None` where there is no such set.
    pub(crate) fn entries_of(&self, set: &str) -> Option<Vec<String>> {
        self.range.with(|range| {
            let sets = &range.account().waf.ip_sets;
            sets.values().find(|s| s.saved().name == set).map(|found| found.saved().addresses.clone())
        })
    }

    /// The names of every IP set and web ACL, in order.
    pub(crate) fn waf_names(&self) -> Vec<String> {
        self.range.with(|range| {
            let waf = &range.account().waf;
            let sets = waf.ip_sets.values().map(|set| format!("ip-set {}", set.saved().name));
            let acls = waf.web_acls.values().map(|acl| format!("web-acl {}", acl.saved().name));
            let mut names: Vec<String> = sets.chain(acls).collect();
            names.sort();
            names
        })
    }

    pub(crate) fn write_entries(&self, set: &str, addresses: &[&str]) {
        self.range.with(|range| write_entries(range.account_mut(), set, addresses));
    }

    pub(crate) fn mutating_calls(&self) -> Vec<Call> {
        self.range.with(|range| range.calls().iter().filter(|c| c.mutating).cloned().collect())
    }

    /// Lets `seconds` of account time pass.
    pub(crate) async fn pass(&self, seconds: i64) {
        self.aws.clock().sleep(TimeDelta::seconds(seconds)).await;
        let now = self.range.now();
        self.range.with(|range| range.advance(now));
    }
}

/// Changes `shop/prod` as another operator would.
pub(crate) fn edit_stage(account: &mut Account, edit: impl FnOnce(&mut Stage)) {
    let id = account.gateway.apis.values().find(|api| api.name == "shop").unwrap().id.clone();
    account.edit_stage(&id, "prod", edit).unwrap();
}

/// A web ACL that blocks by default and lets `addresses` in; gives its ARN.
pub(crate) fn closed_web_acl(account: &mut Account, name: &str, addresses: &[&str]) -> String {
    let of = |v6: bool| addresses.iter().filter(|a| a.contains(':') == v6).map(|a| (*a).to_owned()).collect::<Vec<_>>();
    let (v4, v6) = (of(false), of(true));
    let sets = [("v4", IpVersion::V4, v4), ("v6", IpVersion::V6, v6)].map(|(suffix, version, addresses)| {
        let id = account.create_ip_set(&format!("{name}-{suffix}"), version, &addresses);
        account.waf.ip_sets[&id].saved().arn.clone()
    });
    let visibility =
        |metric: &str| json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": metric});
    let either: Vec<_> = sets.iter().map(|arn| json!({"IPSetReferenceStatement": {"ARN": arn}})).collect();
    let rule = json!({
        "Name": "ours", "Priority": 0, "Action": {"Allow": {}}, "Statement": {"OrStatement": {"Statements": either}},
        "VisibilityConfig": visibility("ours"),
    });
    let body = json!({"DefaultAction": {"Block": {}}, "VisibilityConfig": visibility(name)});
    let id = account.create_web_acl(name, vec![rule], body.as_object().unwrap().clone());
    account.waf.web_acls[&id].saved().arn.clone()
}

/// Replaces the entries of an IP set as another writer would.
pub(crate) fn write_entries(account: &mut portcullis_range::state::Account, set: &str, addresses: &[&str]) {
    let (id, description) = {
        let found = account.waf.ip_sets.values().find(|s| s.saved().name == set).unwrap().saved();
        (found.id.clone(), found.description.clone())
    };
    let addresses: Vec<String> = addresses.iter().map(|a| (*a).to_owned()).collect();
    // The range's own writer: new lock token, propagation.
    account.write_ip_set(&id, &addresses, description).unwrap();
}

/// Adds an entry to an IP set as another writer would.
pub(crate) fn add_entry(account: &mut portcullis_range::state::Account, set: &str, entry: &str) {
    let mut entries = account.waf.ip_sets.values().find(|s| s.saved().name == set).unwrap().saved().addresses.clone();
    entries.push(entry.to_owned());
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    write_entries(account, set, &entries);
}
