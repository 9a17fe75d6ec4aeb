//! Incidents by world: AWS's, and each range's own, whatever leads there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use portcullis::aws::RangeHandle;
use portcullis::drill::Drill;
use portcullis::incident::{IncidentError, IncidentStore};
use portcullis::model::identity::{AccountRegion, World};
use serde_json::Value;

use super::program::{Program, Served, served, served_range};
use crate::incident_fixtures::{actor, at, opened, plan};

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
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/version-before/journal.jsonl");
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
