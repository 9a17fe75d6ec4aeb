//! Incidents by world: AWS's, and each range's own, whatever leads there. And which of them an attack is written to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::TimeDelta;
use portcullis::aws::RangeHandle;
use portcullis::drill::Drill;
use portcullis::incident::{Event, IncidentError, IncidentStore};
use portcullis::model::attack::RestsOn;
use portcullis::model::identity::{AccountRegion, Identity, World};
use portcullis::model::plan::Outcome;
use portcullis::model::signal::{Severity, SignalKind};
use serde_json::Value;

use super::program::{Program, Served, served, served_range};
use crate::incident_fixtures::{actor, at, identity, opened, outcome, plan, signal, stage};

const BLOCK: [&str; 4] = ["block-ip", "--stage", "shop/prod", "203.0.113.7"];

fn range() -> RangeHandle {
    Drill::load(Some("sqli-flood")).unwrap().range(1.0, None).unwrap()
}

/// Puts a range called `id`, as it is when it begins, behind the port in the place of the one that is there.
fn replaced(served: &Served, id: &str) {
    let next = range();
    next.with(|next| {
        next.set_id(id);
        served.range.with(|old| std::mem::swap(old, next));
    });
}

fn with<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [command].into_iter().chain(BLOCK).chain(more.iter().copied()).collect()
}

/// Plans and applies, and gives the action's id and its incident's.
fn blocked(program: &Program, more: &[&str]) -> (String, String) {
    let plan = program.json(2, "plan", &with("plan", more));
    let phrase = plan["plan"]["confirm"].as_str().unwrap();
    let done = program.json(0, "action", &with("apply", &[&["--confirm", phrase], more].concat()));
    let text = |name: &str| done["action"][name].as_str().unwrap().to_owned();
    (text("id"), text("incident"))
}

fn note(program: &Program) -> String {
    let noted = program.json(0, "note", &["timeline", "note", "seen"]);
    noted["note"]["incident"].as_str().unwrap().to_owned()
}

/// Ids and worlds, in the order of the list.
fn listed(program: &Program) -> Vec<(String, String)> {
    let list = program.json(0, "incidents", &["timeline", "list"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list["incidents"].as_array().unwrap().iter().map(|one| (text(&one["id"]), text(&one["world"]))).collect()
}

#[test]
fn two_ranges_one_after_the_other_behind_one_port_are_two_worlds() {
    let served = served(1.0);
    served.range.with(|range| range.set_id("one"));
    let program = Program::new(&served.url);
    let (action, first) = blocked(&program, &["--for", "4h"]);
    let actions = |program: &Program| program.json(0, "actions", &["actions"]);
    assert_eq!(actions(&program)["actions"][0]["id"], action.as_str());

    replaced(&served, "two");
    let there = actions(&program);
    assert_eq!((there["world"].as_str(), there["actions"].as_array().unwrap().len()), (Some("range:two"), 0));
    assert!(program.run(&["sweep"]).exits(0).out.contains("nothing has expired"));
    program.run(&["undo", &action]).says(1, &[&action]);
    let second = note(&program);
    assert_ne!(first, second);
    // Nothing of the first one's is a claim on what the second one blocks.
    let (_, again) = blocked(&program, &[]);
    assert_eq!(again, second);
    let mut worlds = listed(&program);
    worlds.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(worlds, [(first.clone(), "range:one".to_owned()), (second, "range:two".to_owned())]);

    // Named, it is not taken for another's either.
    let other = ["block-ip", "--stage", "shop/prod", "203.0.113.8"];
    let plan = program.json(2, "plan", &[&["plan"], &other[..]].concat());
    let phrase = plan["plan"]["confirm"].as_str().unwrap();
    let named = [&["apply"], &other[..], &["--confirm", phrase, "--incident", &first]].concat();
    program.run(&named).says(1, &["of range one", "of range two"]);
}

#[test]
fn a_range_s_incidents_do_not_stand_among_those_of_aws() {
    // A range that does not say it is one stands in for AWS.
    let served = served(1.0);
    let program = Program::new(&served.url);
    let (action, of_aws) = blocked(&program, &[]);
    replaced(&served, "4f1c");
    let of_range = note(&program);
    assert_ne!(of_range, of_aws);
    assert_eq!(
        listed(&program),
        [(of_aws.clone(), "aws".to_owned()), (of_range.clone(), "range:4f1c".to_owned())],
        "those of AWS come first, older or not"
    );
    let list = program.run(&["timeline", "list"]).exits(0).out;
    assert_eq!(list.matches("(range 4f1c)").count(), 1, "{list}");
    assert!(program.run(&["timeline", "show", &of_range]).exits(0).out.contains("in range 4f1c, not in AWS"));
    assert!(program.run(&["timeline", "export", &of_range]).exits(0).out.contains("range 4f1c (simulated: not AWS)"));
    assert_eq!(program.json(0, "actions", &["actions"])["actions"].as_array().unwrap().len(), 0);
    program.run(&["undo", &action]).says(1, &[&action]);
    // What cannot be read of AWS's claims nothing in a range.
    let journal = program.path().join("state/portcullis/incidents").join(&of_aws).join("journal.jsonl");
    std::fs::write(&journal, "scribble\n").unwrap();
    let actions = program.json(0, "actions", &["actions"]);
    assert_eq!(actions["damaged_incidents"].as_array().unwrap().len(), 0, "{actions}");
}

#[test]
fn what_leads_there_is_no_world() {
    for id in [None, Some("4f1c")] {
        let range = range();
        range.with(|range| range.set_id(id.unwrap_or_default()));
        let (one, other) = (served_range(range.clone()), served_range(range));
        let mut program = Program::new(&one.url);
        let first = note(&program);
        program.set("AWS_ENDPOINT_URL", &other.url);
        assert_eq!(note(&program), first, "{id:?}");
    }
}

#[test]
fn what_was_written_before_there_were_worlds_keeps_its_place() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/c2ace8e/journal.jsonl");
    let dir = tempfile::tempdir().unwrap();
    let incident = dir.path().join("2026-03-03-0310-block-ip-on-shop-prod");
    std::fs::create_dir_all(&incident).unwrap();
    std::fs::copy(fixture, incident.join("journal.jsonl")).unwrap();
    let store = IncidentStore::new(dir.path());
    let aws = AccountRegion::of_aws("111122223333", "eu-central-1");
    assert_eq!(store.actions(&aws).unwrap().iter().filter(|a| a.id == "c6df2f").count(), 1);
    assert!(store.newest_open(&aws, &actor()).unwrap().is_some());
    let range = AccountRegion { world: World::Range("4f1c".to_owned()), ..aws };
    assert_eq!(store.actions(&range).unwrap(), []);
    assert!(store.newest_open(&range, &actor()).unwrap().is_none());
}

#[test]
fn an_intent_of_another_world_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let (_, incident) = opened(dir.path());
    let mut plan = plan();
    plan.identity.at.world = World::Range("4f1c".to_owned());
    let refused = incident.record_intent(at(1), &plan).unwrap_err();
    assert!(matches!(refused, IncidentError::OtherAccount { .. }), "{refused}");
}

const HOUR: i64 = 3_600;

/// The incident that an attack is written to so many seconds after the first was opened.
fn taken_by(store: &IncidentStore, seconds: i64) -> String {
    let at = at(seconds);
    store.open_for_attack(&identity(), "the next attack", at, &actor()).unwrap().id().to_owned()
}

#[test]
fn an_incident_that_was_calm_for_twelve_hours_takes_no_attack() {
    let dir = tempfile::tempdir().unwrap();
    let (store, incident) = opened(dir.path());
    let id = incident.id().to_owned();
    assert_eq!(taken_by(&store, 12 * HOUR - 1), id, "it was opened less than twelve hours before");
    let raised = Event::SignalRaised { stage: stage(), signal: signal(0.4, Severity::Attack) };
    let ended = Event::SignalEnded { stage: stage(), kind: SignalKind::ServerErrorsHigh, since: at(0), peak: None };
    incident.record(at(HOUR), &raised).unwrap();
    assert_eq!(taken_by(&store, 100 * HOUR), id, "the attack stands");
    incident.record(at(2 * HOUR), &ended).unwrap();
    assert_eq!(taken_by(&store, 14 * HOUR - 1), id);
    // Something done keeps it from being calm, and what is only written of it does not.
    let (action, _) = incident.record_intent(at(10 * HOUR), &plan()).unwrap();
    incident.record(at(11 * HOUR), &outcome(&action, Outcome::NotDone)).unwrap();
    let notice = Event::SignalRaised { stage: stage(), signal: signal(0.1, Severity::Notice) };
    incident.record(at(12 * HOUR), &notice).unwrap();
    incident.record(at(13 * HOUR), &Event::Note { text: "quiet".to_owned() }).unwrap();
    assert_eq!(taken_by(&store, 23 * HOUR - 1), id);
    let (calm, since) = store.newest_calm(&identity().at, at(23 * HOUR)).unwrap().unwrap();
    assert_eq!((calm.id, since), (id.clone(), at(11 * HOUR)));
    let next = taken_by(&store, 23 * HOUR);
    assert_ne!(next, id);
    assert_eq!(taken_by(&store, 24 * HOUR), next, "the next one is the one that goes on");
    assert_eq!(store.newest_calm(&identity().at, at(24 * HOUR)).unwrap(), None);
}

/// Harm without volume raises no signal.
#[test]
fn an_attack_that_somebody_has_spoken_of_is_not_over_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (store, incident) = opened(dir.path());
    let began = Event::AttackBegan {
        stage: stage(),
        began: at(0),
        rests_on: RestsOn::Person,
        attack: None,
        evidence: String::new(),
    };
    incident.record(at(HOUR), &began).unwrap();
    assert_eq!(taken_by(&store, 100 * HOUR), incident.id());
    incident.record(at(100 * HOUR), &Event::AttackEnded { stage: stage(), ended: at(50 * HOUR) }).unwrap();
    assert_eq!(taken_by(&store, 112 * HOUR - 1), incident.id());
    assert_ne!(taken_by(&store, 112 * HOUR), incident.id());
}

#[test]
fn how_long_it_was_calm_is_known_without_the_story() {
    let dir = tempfile::tempdir().unwrap();
    let (store, incident) = opened(dir.path());
    let (action, _) = incident.record_intent(at(HOUR), &plan()).unwrap();
    incident.record(at(2 * HOUR), &outcome(&action, Outcome::NotDone)).unwrap();
    // So long that an index is made, which leaves out what is over.
    for part in 0..3 {
        incident.record(at(3 * HOUR), &Event::Note { text: format!("{part}{}", "x".repeat(60_000)) }).unwrap();
    }
    for _ in 0..2 {
        assert_eq!(store.listed(incident.id()).unwrap().calm_since, Some(at(2 * HOUR)));
        assert_eq!(incident.fold().unwrap().calm_since(), Some(at(2 * HOUR)));
    }
}

/// A program whose account has an open incident in which nothing has happened for thirteen hours.
fn after_a_calm_night(served: &Served) -> (Program, String) {
    let program = Program::new(&served.url);
    let store = IncidentStore::new(program.path().join("state/portcullis/incidents"));
    let before = served.range.now() - TimeDelta::hours(13);
    let identity = Identity { at: AccountRegion::of_aws("111122223333", "eu-central-1"), ..identity() };
    let id = store.create(&identity, "last night", before, &actor()).unwrap().id().to_owned();
    (program, id)
}

#[test]
fn headless_a_new_incident_is_opened_unless_one_is_named() {
    let served = served(1.0);
    let (program, calm) = after_a_calm_night(&served);
    // A word about it belongs to it.
    assert_eq!(note(&program), calm);
    let plan = program.json(2, "plan", &with("plan", &[]));
    let phrase = plan["plan"]["confirm"].as_str().unwrap();
    let applied = program.run(&with("apply", &["--confirm", phrase])).says(0, &[&calm, "a new one", "--incident"]);
    assert!(!applied.out.contains(&calm), "{}", applied.out);
    assert_eq!(listed(&program).len(), 2);

    let (program, calm) = after_a_calm_night(&served);
    let other = ["block-ip", "--stage", "shop/prod", "203.0.113.8"];
    let plan = program.json(2, "plan", &[&["plan"], &other[..]].concat());
    let phrase = plan["plan"]["confirm"].as_str().unwrap();
    let named = [&["apply"], &other[..], &["--confirm", phrase, "--incident", &calm]].concat();
    assert_eq!(program.json(0, "action", &named)["action"]["incident"], calm.as_str());
    assert_eq!(listed(&program).len(), 1);
}

#[cfg(unix)]
#[test]
fn a_person_is_asked_whether_it_goes_on() {
    use super::program::phrase;
    use super::terminal::Terminal;

    for (answer, incidents) in [("y", 1), ("n", 2)] {
        let served = served(1.0);
        let (program, calm) = after_a_calm_night(&served);
        let mut terminal = Terminal::start(program.in_terminal(&with("apply", &[])), 200, 60);
        terminal.shows(&format!("Incident {calm} is open"));
        terminal.send(&format!("{answer}\r"));
        terminal.shows("to confirm, anything else to cancel");
        let typed = phrase(&terminal.text(), "shop/prod").unwrap();
        terminal.send(&format!("{typed}\r"));
        let (status, _) = terminal.ends_with("");
        assert_eq!(status.exit_code(), 0);
        assert_eq!(listed(&program).len(), incidents, "{answer}");
    }
}
