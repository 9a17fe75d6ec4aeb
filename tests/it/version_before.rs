//! What earlier versions wrote is read by this one: journals, saved plans and keymaps (`fixtures/`, by the commit that
//! wrote them).

use std::path::PathBuf;

use super::program::{Program, served};

/// What a version left behind.
struct Version {
    commit: &'static str,
    incident: &'static str,
    /// The block that is still in force.
    in_force: &'static str,
    /// Whether its journal names the account it was written in, which is not the one that a test asks.
    is_elsewhere: bool,
    /// What the timeline says of: actions, and a note.
    told: &'static [&'static str],
    plans: &'static [&'static str],
    keymaps: &'static [&'static str],
}

const VERSIONS: [Version; 2] = [
    Version {
        commit: "c2ace8e",
        incident: "2026-03-03-0310-block-ip-on-shop-prod",
        in_force: "c6df2f",
        is_elsewhere: false,
        told: &["c6df2f", "e607ba", "1c5d1a", "bots moved on"],
        plans: &["block-ip", "throttle", "kill-switch-proof", "kill-switch", "stopped"],
        keymaps: &["keymap"],
    },
    Version {
        commit: "9a0c1ab",
        incident: "2026-03-03-0311-server-errors-high-on-sh",
        in_force: "1db1fa",
        is_elsewhere: true,
        told: &["1db1fa", "bf2208", "282a8c", "913f77", "bots moved on"],
        plans: &["block-ip", "throttle", "kill-switch-proof", "kill-switch", "stopped"],
        keymaps: &["keymap", "keymap-vim", "keymap-emacs"],
    },
];

impl Version {
    fn fixture(&self, name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures").join(self.commit).join(name)
    }

    /// A program that finds the version's incident in its state folder.
    fn program_with_incident(&self, url: &str) -> Program {
        let program = Program::new(url);
        let dir = program.path().join("state/portcullis/incidents").join(self.incident);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::copy(self.fixture("journal.jsonl"), dir.join("journal.jsonl")).unwrap();
        program
    }
}

#[test]
fn their_journals_are_whole_and_say_what_is_in_force() {
    let served = served(1.0);
    for version in VERSIONS {
        let program = version.program_with_incident(&served.url);
        program.run(&["timeline", "verify", "--incident", version.incident]).exits(0);
        let actions = program.json(0, "actions", &["actions"]);
        let listed: Vec<_> =
            actions["actions"].as_array().unwrap().iter().map(|action| action["id"].as_str().unwrap()).collect();
        let expected: &[&str] = if version.is_elsewhere { &[] } else { &[version.in_force] };
        assert_eq!(listed, expected, "{}: {actions}", version.commit);
        assert!(actions["actions"].as_array().unwrap().iter().all(|action| action["state"] == "in-force"));
        let exported = program.run(&["timeline", "export", "--incident", version.incident]).exits(0).out;
        let in_force = exported.lines().any(|line| line.contains(version.in_force) && line.contains("in force"));
        assert!(in_force, "{}: {} is not in force in\n{exported}", version.commit, version.in_force);
        for said in version.told {
            assert!(exported.contains(said), "{}: {said} is not in\n{exported}", version.commit);
        }
    }
}

#[test]
fn their_journals_are_written_on_in_one_chain() {
    let served = served(1.0);
    for version in VERSIONS {
        let program = version.program_with_incident(&served.url);
        program.run(&["timeline", "note", "--incident", version.incident, "read by a later version"]).exits(0);
        program.run(&["timeline", "verify", "--incident", version.incident]).exits(0);
    }
}

#[test]
fn their_saved_plans_are_read_and_confirm_nothing_by_themselves() {
    let served = served(1.0);
    let program = Program::new(&served.url);
    for version in VERSIONS {
        for plan in version.plans {
            let path = version.fixture(&format!("{plan}.plan.json"));
            let ended = program.run(&["apply", path.to_str().unwrap(), "--confirm", "shop/prod 0000"]);
            assert!(matches!(ended.code, Some(3 | 5)), "{} {plan}: {ended:?}", version.commit);
        }
    }
    assert_eq!(served.mutating_calls(), 0);
}

#[test]
fn their_keymaps_are_valid() {
    let program = Program::without_credentials("http://127.0.0.1:9");
    for version in VERSIONS {
        for keymap in version.keymaps {
            let path = version.fixture(&format!("{keymap}.toml"));
            program.run(&["keys", "check", path.to_str().unwrap()]).exits(0);
        }
    }
}
