//! What an earlier version wrote is read by this one: a journal and saved plans (`fixtures/version-before`).

use std::path::PathBuf;

use super::program::{Program, served};

const INCIDENT: &str = "2026-03-03-0310-block-ip-on-shop-prod";

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/version-before").join(name)
}

/// A program that finds the earlier version's incident in its state folder.
fn program_with_incident(url: &str) -> Program {
    let program = Program::new(url);
    let dir = program.path().join("state/portcullis/incidents").join(INCIDENT);
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::copy(fixture("journal.jsonl"), dir.join("journal.jsonl")).unwrap();
    program
}

#[test]
fn its_journal_is_whole_and_says_what_is_in_force() {
    let served = served(1.0);
    let program = program_with_incident(&served.url);
    program.run(&["timeline", "verify", "--incident", INCIDENT]).exits(0);
    let actions = program.json(0, "actions", &["actions"]);
    let listed: Vec<_> =
        actions["actions"].as_array().unwrap().iter().map(|action| action["id"].as_str().unwrap()).collect();
    assert_eq!(listed, ["c6df2f"], "{actions}");
    assert_eq!(actions["actions"][0]["state"], "in-force");
    let exported = program.run(&["timeline", "export", "--incident", INCIDENT]).exits(0).out;
    for said in ["c6df2f", "e607ba", "1c5d1a", "bots moved on"] {
        assert!(exported.contains(said), "{said} is not in\n{exported}");
    }
}

#[test]
fn its_journal_is_written_on_in_one_chain() {
    let served = served(1.0);
    let program = program_with_incident(&served.url);
    program.run(&["timeline", "note", "--incident", INCIDENT, "read by a later version"]).exits(0);
    program.run(&["timeline", "verify", "--incident", INCIDENT]).exits(0);
}

#[test]
fn its_saved_plans_are_read_and_confirm_nothing_by_themselves() {
    let served = served(1.0);
    let program = Program::new(&served.url);
    for plan in ["block-ip", "throttle", "kill-switch-proof", "kill-switch", "stopped"] {
        let path = fixture(&format!("{plan}.plan.json"));
        let ended = program.run(&["apply", path.to_str().unwrap(), "--confirm", "shop/prod 0000"]);
        assert!(matches!(ended.code, Some(3 | 5)), "{plan}: {ended:?}");
    }
    assert_eq!(served.mutating_calls(), 0);
}
