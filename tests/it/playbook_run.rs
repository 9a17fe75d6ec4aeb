//! `playbook` from outside, on ranges: every change with its phrase, nothing lifted, and a run that another process
//! goes on with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use serde_json::Value;

use super::program::{Program, Served, phrase, served, served_drill};
use super::terminal::Terminal;

/// A range some account minutes after its start, and a console that talks to it with the drill's own settings.
fn attacked(scenario: &str, minutes: i64) -> (Served, Program) {
    let served = served_drill(scenario, 600.0);
    let until = served.range.with(|range| range.start()) + chrono::TimeDelta::minutes(minutes);
    while served.range.now() < until {
        std::thread::yield_now();
    }
    served.range.set_rate(60.0);
    let program = Program::new(&served.url);
    (served, program)
}

struct Run<'a> {
    program: &'a Program,
    words: Vec<&'a str>,
}

impl<'a> Run<'a> {
    fn of(program: &'a Program, words: &[&'a str]) -> Self {
        Self { program, words: [&["playbook", "run"], words].concat() }
    }

    fn json(&self, code: i32, more: &[&str]) -> Value {
        let words: Vec<&str> = self.words.iter().copied().chain(more.iter().copied()).collect();
        self.program.json(code, "playbook-run", &words)["playbook_run"].clone()
    }

    /// Confirms plan after plan until it exits otherwise.
    fn confirmed(&self, first: &Value, code: i32) -> Value {
        let mut shown = first.clone();
        let deadline = Instant::now() + Duration::from_mins(2);
        loop {
            assert!(Instant::now() < deadline, "{shown:#}");
            let phrase = shown["plan"]["confirm"].as_str().unwrap().to_owned();
            let words: Vec<&str> = self.words.iter().copied().chain(["--confirm", &phrase, "-o", "json"]).collect();
            let ended = self.program.run(&words);
            if ended.code == Some(5) {
                let next = ended.json()["playbook_run"].clone();
                // The metrics of a slow machine's next minute may change a guard: the same step is shown again.
                let changed = ended.err.contains("the plan has changed");
                assert!(changed || next["next"] != shown["next"], "{}", ended.err);
                shown = next;
                continue;
            }
            return ended.exits(code).json()["playbook_run"].clone();
        }
    }
}

fn state<'v>(run: &'v Value, step: &str) -> &'v Value {
    run["steps"].as_array().unwrap().iter().find(|s| s["id"] == step).unwrap()
}

#[test]
fn a_flood_is_blocked_by_playbook_to_its_end() {
    let (served, program) = attacked("sqli-flood", 6);
    let run = Run::of(&program, &["sqli-flood", "--stage", "shop/prod"]);
    let before = served.entries("shop-blocklist");
    let shown = run.json(5, &[]);
    assert_eq!(shown["next"], "block");
    assert_eq!(state(&shown, "look")["state"], "read");
    assert_eq!(served.entries("shop-blocklist"), before, "nothing is changed without a phrase");
    // The suspects are kept for the phrase: the same plan once more, from another process.
    let again = run.json(5, &[]);
    assert_eq!(again["plan"]["confirm"], shown["plan"]["confirm"]);
    assert_eq!(again["id"], shown["id"]);
    let wrong = run.words.iter().copied().chain(["--confirm", "shop/prod 0000"]).collect::<Vec<_>>();
    program.run(&wrong).says(5, &["the plan has changed"]);
    assert_eq!(served.mutating_calls(), 0);
    let done = run.confirmed(&again, 0);
    assert_eq!(done["next"], Value::Null);
    for (step, wanted) in [("block", "done"), ("works", "observed"), ("recovered", "observed"), ("after", "read")] {
        assert_eq!(state(&done, step)["state"], wanted, "{done:#}");
    }
    assert!(served.entries("shop-blocklist").len() > before.len() + 20);
    let id = state(&done, "block")["action_id"].as_str().unwrap().to_owned();
    let story = program.run(&["timeline", "export"]).exits(0).out;
    for words in ["Playbook sqli-flood for shop/prod", &format!("Step block done by {id}"), "Step works observed"] {
        assert!(story.contains(words), "no {words} in\n{story}");
    }
    // A run that is over is not gone on with.
    assert_ne!(run.json(0, &["--input", "attackers=203.0.113.7", "--step", "look"])["id"], done["id"]);
}

#[test]
fn a_log_in_is_throttled_and_freed_again_by_playbook() {
    let (served, program) = attacked("credential-stuffing", 7);
    let run = Run::of(&program, &["credential-stuffing", "--stage", "accounts/prod", "--input", "rate=40"]);
    let done = run.confirmed(&run.json(5, &[]), 0);
    for (step, wanted) in [("throttle", "done"), ("works", "observed"), ("recovered", "observed"), ("lift", "done")] {
        assert_eq!(state(&done, step)["state"], wanted, "{done:#}");
    }
    assert_eq!(served.mutating_calls(), 2, "one call to throttle, one to take it back");
    assert_eq!(done["inputs"]["rate"], "40");
    let actions = program.json(0, "actions", &["actions"]);
    assert_eq!(actions["actions"].as_array().unwrap().len(), 0, "nothing stays in force");
}

#[test]
fn a_guard_stops_a_run_and_nothing_in_a_playbook_lifts_it() {
    let (served, program) = attacked("cache-stale-privileges", 4);
    let words =
        ["cache-stale-privileges", "--stage", "records/prod", "--input", "cached=GET /records/{id}", "--skip", "quiet"];
    let run = Run::of(&program, &words);
    let stopped = run.json(3, &[]);
    assert_eq!(stopped["next"], "throttle");
    assert_eq!(stopped["plan"]["stopped"], true);
    let phrase = stopped["plan"]["confirm"].as_str().unwrap().to_owned();
    assert_eq!(run.json(3, &["--confirm", &phrase])["next"], "throttle", "a phrase lifts nothing either");
    // Left out, its undo has nothing to take back, and the flush's own guard stops at the peak.
    let stopped = run.json(3, &["--skip", "throttle"]);
    assert_eq!(
        (stopped["next"].as_str(), state(&stopped, "settled")["state"].as_str()),
        (Some("flush"), Some("skipped"))
    );
    assert_eq!(served.mutating_calls(), 0);
    let told = program.run(&[&["playbook", "run"], &words[..], &["--step", "flush"]].concat()).exits(3);
    assert!(told.err.contains("stopped by flush-cache.herd; a playbook overrides no guard"), "{}", told.err);
}

#[test]
fn a_stage_is_closed_and_reopened_and_says_where_it_stays_bad() {
    let (served, program) = attacked("credential-stuffing", 6);
    let words = ["close-and-reopen", "--stage", "accounts/prod", "--input", "way=throttle-zero", "--skip", "narrow"];
    let run = Run::of(&program, &words);
    let shown = run.json(5, &[]);
    assert_eq!(shown["next"], "close");
    // The attack goes on: reopened, it does not stay calm, and the run says so.
    served.range.set_rate(90.0);
    let ended = run.confirmed(&shown, 4);
    for (step, wanted) in [("close", "done"), ("closed", "observed"), ("narrow", "skipped"), ("reopen", "done")] {
        assert_eq!(state(&ended, step)["state"], wanted, "{ended:#}");
    }
    assert_eq!(state(&ended, "calm")["state"], "not-observed");
    // It stands, or has not been gone for as long as that takes; on a busy machine, that no minute since was read.
    let detail = state(&ended, "calm")["detail"][0].as_str().unwrap();
    assert!(detail.starts_with("not observed within 1500 s of account time: "), "{detail}");
    assert_eq!(ended["next"], "calm", "it is looked for again by the next run");
    assert_eq!(served.mutating_calls(), 2);
}

/// The drill's way out, whole: relieve, prove on dev, close for the thieves alone, reopen, lift; a list that leaves the
/// responder out is stopped.
#[test]
fn a_stage_is_closed_with_a_proven_list_and_reopened() {
    let (served, program) = attacked("lockout-trap", 6);
    let words = ["lockout-trap", "--stage", "pay/prod", "--input", "attacked=POST /payments", "--input", "dev=pay/dev"];
    let run = Run::of(&program, &words);
    let stopped = run.confirmed(&run.json(5, &[]), 3);
    assert_eq!(stopped["next"], "prove");
    let halting = |guard: &Value| guard["id"] == "kill-switch.responder" && guard["verdict"] == "stop";
    assert!(stopped["plan"]["guards"].as_array().unwrap().iter().any(halting), "{stopped:#}");
    let all = "let-in=127.0.0.1 192.0.2.16/28 192.0.2.240/28 198.51.100.64/27 198.18.0.0/15";
    let done = run.confirmed(&run.json(5, &["--input", all]), 0);
    for (step, wanted) in
        [("relieve", "done"), ("prove", "done"), ("close", "done"), ("closed", "observed"), ("reopen", "done")]
    {
        assert_eq!(state(&done, step)["state"], wanted, "{done:#}");
    }
    let actions = program.json(0, "actions", &["actions"]);
    assert_eq!(actions["actions"].as_array().unwrap().len(), 0, "nothing stays in force: {actions:#}");
    assert!(served.mutating_calls() > 4);
}

#[test]
fn what_is_asked_for_wrongly_is_refused_before_anything_is_asked_of_aws() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    let run = |more: &[&str]| program.run(&[&["playbook", "run", "sqli-flood", "--stage", "shop/prod"], more].concat());
    run(&["--input", "attacker=203.0.113.7"]).says(64, &["Did you mean “attackers”?"]);
    run(&["--input", "attackers=nobody"]).says(64, &["“nobody” is not an IP address"]);
    run(&["--input", "attackers"]).says(64, &["write NAME=VALUE"]);
    run(&["--skip", "block"]).says(64, &["step block is not optional"]);
    run(&["--step", "blok"]).says(64, &["has no step “blok”"]);
    program.run(&["playbook", "run", "sqli", "--stage", "shop/prod"]).says(64, &["Did you mean “sqli-flood”?"]);
    assert_eq!(served.range.with(|range| range.calls().len()), 0);
    run(&["--step", "works"]).says(1, &["step works is about step block, which has not been done"]);
    // Nobody stands out before the attack: nothing is made up.
    run(&[]).says(1, &["no source of shop/prod stands out now", "--input attackers="]);
    assert_eq!(served.mutating_calls(), 0);
}

#[test]
fn playbooks_are_listed_shown_and_checked() {
    let (_served, program) = attacked("sqli-flood", 6);
    let listed = program.json(0, "playbooks", &["playbook", "list", "--stage", "shop/prod"]);
    let rows = listed["playbooks"].as_array().unwrap();
    let answering: Vec<bool> = rows.iter().map(|row| !row["answers_now"].as_array().unwrap().is_empty()).collect();
    assert!(answering[0] && !answering.last().unwrap(), "those that answer come first: {listed:#}");
    assert!(answering.is_sorted_by(|a, b| a >= b), "{listed:#}");
    let shown = program.json(0, "playbook-content", &["playbook", "show", "close-and-reopen"]);
    assert_eq!(shown["playbook"]["steps"][1]["does"], "close");
    let folder = program.path().join("config/portcullis/playbooks");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("own.toml"), "name = \"own\\u001b[2J\"\n").unwrap();
    let told = program.run(&["playbook", "list"]).exits(0);
    assert!(told.err.contains("own.toml:1:1: the playbook has no “schema”"), "{}", told.err);
    assert!(!told.err.contains('\u{1b}'), "{:?}", told.err);
    let bad = program.file("bad.toml", "schema = \"portcullis.playbook/1\"\nname = \"bad\"\ntitle = \"Bad\"\n");
    let bad = bad.to_str().unwrap();
    program.run(&["playbook", "check", bad]).says(1, &["bad.toml:1:1: the playbook has no steps"]);
    let checked = program.json(1, "playbook-check", &["playbook", "check", bad]);
    assert_eq!(checked["files"][0]["mistakes"][0]["line"], 1);
    program.run(&["playbook", "check", "nowhere.toml"]).says(1, &["nowhere.toml:1:1: it could not be read"]);
}

/// SIGKILL between the intent and the step's end: the next run finds out what became of the action, and goes on behind
/// it.
#[test]
fn killed_in_a_step_the_next_run_goes_on_behind_it() {
    use portcullis_range::{Fault, When};
    let (served, program) = attacked("sqli-flood", 6);
    let run = Run::of(&program, &["sqli-flood", "--stage", "shop/prod", "--input", "attackers=203.0.113.7"]);
    let phrase = run.json(5, &[])["plan"]["confirm"].as_str().unwrap().to_owned();
    served.range.with(|range| range.faults().add("wafv2", "UpdateIPSet", When::Nth(1), Fault::HangAfter));
    let words: Vec<&str> = run.words.iter().copied().chain(["--confirm", &phrase]).collect();
    let mut child = program.command(&words).spawn().unwrap();
    let hangs =
        || served.range.with(|range| range.calls().iter().any(|call| call.error.as_deref() == Some("HangAfter")));
    let written = || served.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned());
    let deadline = Instant::now() + Duration::from_secs(30);
    while !(hangs() || written()) {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "it did not hang");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    served.range.with(|range| range.faults().clear());
    let calls = served.mutating_calls();
    let words: Vec<&str> = run.words.iter().copied().chain(["--step", "works", "-o", "json"]).collect();
    let next = program.run(&words).exits(0).json()["playbook_run"].clone();
    assert_eq!(
        (state(&next, "block")["state"].as_str(), state(&next, "works")["state"].as_str()),
        (Some("done"), Some("observed"))
    );
    assert_eq!(served.mutating_calls(), calls, "it is not done twice");
}

/// On a terminal it waits at a note, shows the plan, takes its phrase, asks before what is optional, and ends.
#[test]
fn on_a_terminal_it_goes_step_by_step() {
    let (served, program) = attacked("sqli-flood", 6);
    let words = ["playbook", "run", "sqli-flood", "--stage", "shop/prod"];
    let mut terminal = Terminal::start(program.in_terminal(&words), 160, 250);
    terminal.shows("Enter when that is done, q to stop here:");
    terminal.send("s\r");
    terminal.wait("the question once more", |screen| screen.contents().matches("Enter when that is done").count() == 2);
    assert_eq!(served.mutating_calls(), 0, "a note that is not optional is not left out");
    terminal.send("\r");
    terminal.shows("to confirm, anything else to cancel:");
    let typed = phrase(&terminal.text(), "shop/prod").unwrap();
    terminal.send(&format!("{typed}\r"));
    terminal.shows("Enter to do it, s to skip it, q to stop here:");
    assert_eq!(served.mutating_calls(), 2, "a set for each address version");
    terminal.send("s\r");
    let asked = "Enter to do it, s to skip it, q to stop here:";
    terminal.wait("the next", |screen| screen.contents().matches(asked).count() == 2);
    terminal.send("s\r");
    terminal.wait("the last note", |screen| screen.contents().matches("Enter when that is done").count() == 3);
    terminal.send("q\r");
    let (status, text) = terminal.ends_with("moved, optional");
    assert_eq!(status.exit_code(), 5, "left before its end");
    for words in ["done (", "observed       works", "skipped        moved, optional", "open           after"] {
        assert!(text.contains(words), "no {words} in\n{text}");
    }
}
