//! The binary from outside: exit codes, JSON, and what it says in bad weather.

use std::io::Read;
use std::time::{Duration, Instant};

use portcullis_range::{Fault, When};
use serde_json::{Value, json};

use super::program::{Ended, Program, Served, phrase, refused, served, silent};

const BLOCK: [&str; 5] = ["block-ip", "--stage", "shop/prod", "203.0.113.7", "2001:db8:bad::5"];

fn with<'a>(command: &'a str, rest: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [&[command], rest, more].concat()
}

/// A plan's phrase.
fn planned(program: &Program, action: &[&str]) -> String {
    let plan = program.json(2, "plan", &with("plan", action, &[]));
    plan["plan"]["confirm"].as_str().unwrap().to_owned()
}

fn strike(served: &Served, service: &str, operation: &str, when: When, fault: Fault) {
    served.range.with(|range| range.faults().add(service, operation, when, fault));
}

#[test]
fn from_plan_to_export_with_the_exit_codes_of_the_agreement() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    let before = (served.entries("shop-blocklist"), served.entries("shop-blocklist-v6"));
    let shown = program.run(&with("plan", &BLOCK, &[])).exits(2);
    let phrase_shown = phrase(&shown.out, "shop/prod").unwrap();
    program.run(&with("apply", &BLOCK, &[])).says(5, &["not confirmed", &phrase_shown]);
    assert_eq!(served.mutating_calls(), 0);
    let done = program.json(0, "action", &with("apply", &BLOCK, &["--confirm", &phrase_shown]));
    let id = done["action"]["id"].as_str().unwrap().to_owned();
    assert!(served.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned()));
    assert!(served.entries("shop-blocklist-v6").contains(&"2001:db8:bad::5/128".to_owned()));
    program.run(&with("plan", &BLOCK, &[])).exits(0);
    program.run(&with("apply", &BLOCK, &["--confirm", &phrase_shown])).exits(0);
    assert_eq!(program.json(0, "actions", &["actions"])["actions"][0]["state"], "in-force");
    let asked = program.run(&["undo", &id]).exits(5);
    let phrase_of_undo = phrase(&asked.out, "shop/prod").unwrap();
    assert_ne!(phrase_of_undo, phrase_shown);
    program.run(&["undo", &id, "--confirm", &phrase_shown]).says(5, &["the plan has changed"]);
    program.run(&["undo", &id, "--confirm", &phrase_of_undo]).exits(0);
    assert_eq!((served.entries("shop-blocklist"), served.entries("shop-blocklist-v6")), before);
    program.run(&["undo", &id]).says(1, &["was undone already"]);
    program.run(&["undo", "nothing"]).says(1, &["nothing"]);
    program.run(&["timeline", "note", "the bots came back"]).exits(0);
    let story = program.run(&["timeline", "export"]).exits(0).out;
    for words in ["203.0.113.7/32", &id, "the bots came back"] {
        assert!(story.contains(words), "no {words} in\n{story}");
    }
    program.run(&["timeline", "verify"]).exits(0);
}

#[test]
fn everything_that_prints_prints_one_object_with_its_schema() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    let rows = |value: &Value, noun: &str| value[noun].as_array().unwrap().len();
    assert_eq!(rows(&program.json(0, "snapshot", &["snapshot"]), "stages"), 2);
    let stage = program.json(0, "stage", &["snapshot", "--stage", "shop/prod"]);
    assert_eq!((rows(&stage["stage"], "methods"), &stage["stage"]["unknown"]), (6, &json!({})));
    let words = program.run(&["snapshot", "--stage", "shop/prod"]).exits(0).out;
    for part in [
        "Web ACL shop-acl: one stage is behind it",
        "group counts",
        "POST /login",
        "What guards it",
        "Deployments, newest first",
    ] {
        assert!(words.contains(part), "no {part} in\n{words}");
    }
    program.run(&["snapshot", "--stage", "shop/nosuch"]).says(1, &["it has dev, prod"]);
    program.json(0, "sources", &["sources", "shop/prod"]);
    program.json(0, "proposals", &["proposals", "shop/prod"]);
    program.json(2, "plan", &with("plan", &BLOCK, &[]));
    program.json(5, "plan", &with("apply", &BLOCK, &[]));
    program.json(3, "plan", &["plan", "block-ip", "--stage", "shop/prod", "0.0.0.0/0"]);
    let preflight = program.json(1, "preflight", &["preflight", "shop/prod"]);
    assert_eq!((rows(&preflight, "stages"), &preflight["ready"]), (1, &json!(false)));
    let every = program.run(&["preflight"]).exits(1).out;
    assert!(["shop/prod:", "shop/dev:", "not proven"].iter().all(|words| every.contains(words)), "{every}");
    program.run(&["preflight", "shop/nosuch"]).says(1, &["it has dev, prod"]);
    let ladder = program.json(2, "ladder", &["plan", "close", "--stage", "shop/prod"]);
    assert_eq!(rows(&ladder["ladder"], "ways"), 4);
    assert_eq!(ladder["ladder"]["ways"][2]["fits"], true);
    program.json(5, "ladder", &["apply", "close", "--stage", "shop/prod"]);
    program.run(&["apply", "close", "--stage", "shop/prod", "--confirm", "x"]).says(5, &["Name one with --by"]);
    assert_eq!(rows(&program.json(0, "actions", &["actions"]), "actions"), 0);
    assert_eq!(rows(&program.json(0, "sweep", &["sweep"]), "actions"), 0);
    assert_eq!(rows(&program.json(0, "incidents", &["timeline", "list"]), "incidents"), 0);
    program.json(0, "note", &["timeline", "note", "hello"]);
    assert_eq!(rows(&program.json(0, "incidents", &["timeline", "list"]), "incidents"), 1);
    assert!(rows(&program.json(0, "timeline", &["timeline", "show"]), "timeline") >= 2);
    program.json(0, "verification", &["timeline", "verify"]);
    program.json(0, "export", &["timeline", "export", "--to", "review.md"]);
    assert!(program.files().contains(&"review.md".to_owned()));
    program.json(0, "incident", &["timeline", "close"]);
    assert!(rows(&program.json(0, "keys", &["keys"]), "keys") > 30);
}

#[test]
fn without_a_console_what_is_pinned_is_believed_and_who_called_before_is_kept() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    let report = |program: &Program| program.json(0, "stage", &["snapshot", "--stage", "shop/prod"]);
    assert_eq!(report(&program)["stage"]["attack_began"], Value::Null);
    let now = program.json(0, "snapshot", &["snapshot"])["at"].as_str().unwrap().to_owned();
    program.run(&["timeline", "attack-began", "shop/prod", &now, "--kind", "theft"]).exits(0);
    let stage = report(&program)["stage"].clone();
    assert_eq!((&stage["attack_began"], &stage["attack_rests_on"]), (&json!(now), &json!("person")));
    let words = program.run(&["snapshot", "--stage", "shop/prod"]).exits(0).out;
    assert!(words.contains("attack: theft, since ") && words.contains(" by a responder"), "{words}");
    let kept = |program: &Program| {
        let timeline = program.json(0, "timeline", &["timeline", "show"]);
        timeline["timeline"].as_array().unwrap().iter().filter(|line| line["kind"] == "callers-before").count()
    };
    assert_eq!(kept(&program), 0);
    for _ in 0..2 {
        program.run(&["sources", "shop/prod"]).exits(0);
        assert_eq!(kept(&program), 1);
    }
}

/// The error object of a run with `-o json`; its exit code has to agree with the process's.
fn error(ended: &Ended) -> Value {
    let value = ended.json();
    assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), ["error"]);
    let error = value["error"].clone();
    assert_eq!(error["exit_code"], json!(ended.code));
    assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()), "{error}");
    assert!(error["detail"].is_array(), "{error}");
    error
}

#[test]
fn an_error_is_an_object_too() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    let unknown = program.run(&["plan", "block-ip", "--stage", "shpo/prod", "203.0.113.7", "-o", "json"]).exits(1);
    assert!(error(&unknown)["message"].as_str().unwrap().contains("did you mean shop?"));
    for wrong in [
        &["plan", "block-ip", "--stage", "shop/prod", "203.0.113.300", "-o", "json"][..],
        &["-o", "json", "frobnicate"],
        &["snapshot", "--output=json", "--no-such-flag"],
        &["-ojson", "plan", "block-ip", "203.0.113.7"],
        &["apply", "no-such-file", "-o", "json"],
    ] {
        error(&program.run(wrong).exits(64));
    }
    let help = program.run(&["--help"]).exits(0);
    assert!(help.out.contains("block-ip") || help.out.contains("plan"), "{}", help.out);
}

#[test]
fn without_credentials_or_a_region_it_says_what_to_do() {
    let served = served(60.0);
    let mut program = Program::without_credentials(&served.url);
    program.run(&["snapshot"]).says(1, &["no AWS credentials", "aws sso login", "--profile"]);
    program.run(&with("plan", &BLOCK, &[])).says(1, &["no AWS credentials"]);
    error(&program.run(&["actions", "-o", "json"]).exits(1));
    assert_eq!(served.range.with(|range| range.calls().len()), 0);
    program.unset("AWS_REGION");
    program.run(&["snapshot"]).says(1, &["no region is set", "--region"]);
    program.set("AWS_REGION", "eu-central-1");
    program.run(&["snapshot", "--profile", "nobody"]).says(1, &["nobody"]);
}

#[test]
fn another_region_than_the_range_s_is_refused_and_said() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    program.run(&["--region", "us-east-1", "snapshot"]).says(1, &["InvalidSignatureException"]);
}

#[test]
fn expired_credentials_are_told_from_missing_ones() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    strike(&served, "*", "*", When::Always, Fault::ExpiredToken);
    for args in [&["snapshot"][..], &with("plan", &BLOCK, &[]), &["actions"], &["sources", "shop/prod"]] {
        program.run(args).says(1, &["the credentials were refused (ExpiredToken", "Sign in again"]);
    }
}

#[test]
fn denied_limited_and_failing_calls_are_told_apart() {
    for (fault, words) in [
        (Fault::Deny, "not permitted"),
        (Fault::Throttle, "quota busy"),
        (Fault::ServerError(503), "the service failed"),
        (Fault::UnknownOperation, "does not know this operation"),
        (Fault::Reset, "no connection"),
        (Fault::Truncate, "GetRestApis"),
    ] {
        let served = served(60.0);
        let program = Program::new(&served.url);
        strike(&served, "apigateway", "GetRestApis", When::Always, fault.clone());
        let ended = program.run(&with("plan", &BLOCK, &[]));
        assert_eq!(ended.code, Some(1), "{fault:?}: {ended:?}");
        ended.says(1, &["GetRestApis", words]);
    }
}

#[test]
fn a_read_that_is_limited_once_is_repeated() {
    let served = served(60.0);
    let program = Program::new(&served.url);
    strike(&served, "apigateway", "GetRestApis", When::First(1), Fault::Throttle);
    strike(&served, "wafv2", "GetIPSet", When::First(1), Fault::Throttle);
    program.run(&with("plan", &BLOCK, &[])).exits(2);
}

#[test]
fn a_refused_endpoint_is_said_at_once() {
    let url = refused();
    let program = Program::new(&url);
    for args in [&["snapshot"][..], &with("plan", &BLOCK, &[]), &["actions"]] {
        program.run(args).says(1, &["no connection", "--endpoint-url"]);
    }
    error(&program.run(&["snapshot", "-o", "json"]).exits(1));
    // What is on disk needs no network.
    program.run(&["timeline", "list"]).exits(0);
}

#[test]
fn an_endpoint_that_never_answers_is_given_up() {
    let (_listener, url) = silent();
    let program = Program::new(&url);
    let began = Instant::now();
    program.run(&with("plan", &BLOCK, &[])).says(1, &["no answer in time"]);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn a_write_whose_answer_is_lost_is_read_back() {
    // What reading shows is not written again; what it does not show is sent once more, under the same lock token.
    for (fault, calls) in [(Fault::ResetAfter, 1), (Fault::Reset, 2), (Fault::Truncate, 1)] {
        let served = served(60.0);
        let program = Program::new(&served.url);
        let action = ["block-ip", "--stage", "shop/prod", "203.0.113.7"];
        let confirm = planned(&program, &action);
        strike(&served, "wafv2", "UpdateIPSet", When::Nth(1), fault.clone());
        let ended = program.run(&with("apply", &action, &["--confirm", &confirm]));
        assert_eq!(ended.code, Some(0), "{fault:?}: {ended:?}");
        assert!(served.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned()), "{fault:?}");
        assert_eq!(served.mutating_calls(), calls, "{fault:?}");
    }
}

#[test]
fn a_broken_configuration_is_told_with_file_line_and_hint() {
    let served = served(60.0);
    let mut program = Program::new(&served.url);
    let path = program.configure("[guards]\nwidest-v4 = 24\nnever-blok = []\n");
    let place = format!("{}:3:1: ", path.display());
    for args in [&["snapshot"][..], &with("plan", &BLOCK, &[]), &["actions"], &["live"]] {
        program.run(args).says(64, &[&place, "Did you mean “never-block”?"]);
    }
    program.configure("[guards\n");
    program.run(&["snapshot"]).says(64, &["config.toml:1:"]);
    program.configure("[guards]\nnever-block = [\"203.0.113.0/33\"]\n");
    program.run(&["snapshot"]).says(64, &["config.toml:2:"]);
    program.run(&["snapshot", "--config", "nowhere.toml"]).says(64, &["nowhere.toml could not be read"]);
    assert_eq!(served.range.with(|range| range.calls().len()), 0);
}

#[test]
fn a_broken_keymap_is_told_before_the_screen_is_taken() {
    let program = Program::new(&refused());
    for (text, words) in [
        ("[board]\nsources = \"w\"\nfilter = \"w\"\n", &["keymap.toml:", "w"][..]),
        ("[board]\nsuorces = \"w\"\n", &["keymap.toml:2", "sources"]),
        ("[baord]\nsources = \"w\"\n", &["keymap.toml:1", "board"]),
        ("[board]\nsources = \"no-such-key\"\n", &["keymap.toml:2", "no-such-key"]),
        ("[board]\nsources = \"alt-[\"\n", &["keymap.toml:2", "alt-[ cannot be bound", "with alt-"]),
        ("[board\n", &["keymap.toml:1"]),
    ] {
        let path = program.file("keymap.toml", text);
        let path = path.to_str().unwrap();
        program.run(&["keys", "check", path]).says(1, words);
        program.run(&["drill", "--keymap", path]).says(64, words);
        program.run(&["live", "--keymap", path]).says(64, words);
    }
    let path = program.file("keymap.toml", "[board]\nsources = \"w\"\n");
    program.run(&["keys", "check", path.to_str().unwrap()]).exits(0);
    program.run(&["keys", "check", "nowhere.toml"]).says(64, &["nowhere.toml could not be read"]);
}

#[test]
fn a_keymap_is_chosen_by_flag_and_configuration_and_a_wrong_name_is_told() {
    let mut program = Program::new(&refused());
    let first = |program: &Program, args: &[&str]| {
        let value = program.json(0, "keys", &[&["keys"], args].concat());
        let is_first = |row: &&serde_json::Value| row["context"] == "global" && row["command"] == "first";
        value["keys"].as_array().unwrap().iter().find(is_first).unwrap()["keys"].as_str().unwrap().to_owned()
    };
    assert_eq!(first(&program, &[]), "Home g");
    assert_eq!(first(&program, &["--keymap", "vim"]), "Home, g g");
    let mine = program.file("mine.toml", "base = \"emacs\"\n[board]\nsort = \"ctrl-o\"\n");
    assert_eq!(first(&program, &["--keymap", "./mine.toml"]), "Home Alt-<");
    program.configure("[screen]\nkeymap = \"vim\"\n");
    assert_eq!(first(&program, &[]), "Home, g g");
    assert_eq!(first(&program, &["--keymap", "default"]), "Home g");
    // A file that names no base is laid over what is configured.
    program.file("plain.toml", "[board]\nsort = \"g o\"\n");
    program.run(&["keys", "check", "plain.toml"]).exits(0);
    program.configure(&format!("[screen]\nkeymap = \"{}\"\n", mine.file_name().unwrap().to_str().unwrap()));
    assert_eq!(first(&program, &[]), "Home Alt-<");
    program.run(&["keys", "check", "plain.toml"]).says(1, &["plain.toml:2: g is bound by itself and begins g o"]);

    for command in ["live", "drill", "keys"] {
        let named = |name| program.run(&[command, "--keymap", name]);
        named("vmi").says(64, &["there is no keymap “vmi”", "Did you mean “vim”?", "default, vim, emacs", "./my.toml"]);
        named("nano").says(64, &["there is no keymap “nano”. There is default, vim, emacs, or write a file"]);
        named("nowhere.toml").says(64, &["nowhere.toml could not be read"]);
    }
    program.configure("[guards]\n\n[screen]\nkeymap = \"emcas\"\n");
    let words = ["config.toml:4:10: there is no keymap “emcas”. Did you mean “emacs”?"];
    for command in ["live", "drill", "keys"] {
        program.run(&[command]).says(64, &[words[0], "--keymap default starts without it"]);
    }
    program.run(&["config", "check"]).says(1, &words);
    program.run(&["keys", "--keymap", "vim"]).exits(0);
    program.file("broken.toml", "[board]\nsuorces = \"w\"\n");
    program.configure("[screen]\nkeymap = \"broken.toml\"\n");
    program.run(&["config", "check"]).says(1, &["config.toml:2:10: ", "broken.toml:2: there is no command “suorces”"]);
    program.run(&["live"]).says(64, &["broken.toml:2: there is no command “suorces”"]);
}

#[test]
fn what_a_plain_terminal_cannot_tell_apart_is_warned_of_and_taken() {
    let program = Program::new(&refused());
    let path = program.file("mine.toml", "[board]\nsort = [\"o\", \"ctrl-i\"]\n");
    let args = ["keys", "check", path.to_str().unwrap()];
    let warning = "mine.toml:2: Ctrl-i (sort): a plain terminal sends it as Tab, which does next-account there; only one that \
                   offers the kitty keyboard protocol tells them apart";
    let said = program.run(&args).exits(0);
    assert!(said.err.contains(warning) && said.out.contains("the keymap is valid"), "{said:?}");
    let value = program.json(0, "keys", &args);
    assert!(value["warnings"][0]["at"].as_str().unwrap().ends_with("mine.toml:2"), "{value}");
    assert!(value["warnings"][0]["message"].as_str().unwrap().starts_with("Ctrl-i (sort): a plain"), "{value}");
    assert_eq!(program.run(&["keys"]).exits(0).err, "");
}

#[test]
fn text_from_attackers_reaches_no_terminal_and_no_export() {
    let served = served(600.0);
    let program = Program::new(&served.url);
    let opened = served.range.with(|range| range.start());
    // The flood begins two minutes in; its strings are in the samples of the minutes after.
    let flooded = opened + chrono::TimeDelta::minutes(6);
    while served.range.now() < flooded {
        std::thread::yield_now();
    }
    served.range.set_rate(60.0);
    let harmless =
        |text: &str| text.chars().all(|c| c == '\n' || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
    let sources = program.run(&["sources", "shop/prod"]).exits(0);
    assert!(sources.out.contains("sqlmap") || sources.out.contains("/login"), "{}", sources.out);
    assert!(harmless(&sources.out), "{:?}", sources.out);
    let plan = program.run(&with("plan", &BLOCK, &["--reason", "\u{1b}[2Jcleared"])).exits(2);
    assert!(harmless(&plan.out), "{:?}", plan.out);
    program.run(&["timeline", "note", "\u{1b}]0;pwned\u{7}<script>x</script>"]).exits(0);
    for args in [&["timeline", "show"][..], &["timeline", "list"], &["timeline", "export"]] {
        let told = program.run(args).exits(0).out;
        assert!(harmless(&told), "{told:?}");
        assert!(!told.contains("<script>") || args[1] != "export", "{told}");
    }
}

#[test]
fn a_reader_that_goes_away_is_a_quiet_end() {
    let program = Program::new(&refused());
    let mut child = program.command(&["keys"]).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(1), ""));
}

/// SIGKILL while a call hangs, at every call of `apply` that changes or reads back: the next start says what is true.
#[test]
fn killed_at_any_call_the_next_start_tells_the_truth() {
    let mut points = 0;
    for (operation, nth) in [("UpdateIPSet", 1), ("UpdateIPSet", 2), ("GetIPSet", 1), ("GetIPSet", 2)] {
        for fault in [Fault::Hang, Fault::HangAfter] {
            killed(operation, nth, &fault);
            points += 1;
        }
    }
    assert_eq!(points, 8);
}

fn killed(operation: &'static str, nth: u32, fault: &Fault) {
    let served = served(60.0);
    let program = Program::new(&served.url);
    let confirm = planned(&program, &BLOCK);
    // `apply` reads each set once for its plan before it writes.
    let nth = if operation == "GetIPSet" { nth + 2 } else { nth };
    strike(&served, "wafv2", operation, When::Nth(nth), fault.clone());
    let seen = served.range.with(|range| range.calls().len());
    let mut child = program.command(&with("apply", &BLOCK, &["--confirm", &confirm])).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let hangs = || served.range.with(|range| range.calls()[seen..].iter().any(|c| c.error.as_deref() == Some("Hang")));
    while !hangs() {
        assert!(Instant::now() < deadline, "{operation} {nth} {fault:?} did not hang");
        assert!(child.try_wait().unwrap().is_none(), "{operation} {nth} {fault:?}: it ended");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    served.range.with(|range| range.faults().clear());
    let v4 = served.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned());
    let v6 = served.entries("shop-blocklist-v6").contains(&"2001:db8:bad::5/128".to_owned());
    let actions = program.json(0, "actions", &["actions"]);
    let told: Vec<&str> = actions["actions"].as_array().unwrap().iter().map(|a| a["state"].as_str().unwrap()).collect();
    let truth: &[&str] = match (v4, v6) {
        (true, true) => &["in-force"],
        (false, false) => &[],
        _ => &["unclear"],
    };
    assert_eq!(told, truth, "{operation} {nth} {fault:?}: {v4} {v6}");
    let verified = program.json(0, "verification", &["timeline", "verify"]);
    assert_eq!(verified["verification"]["intact"], true);
    // Whatever was done can be taken back.
    for action in actions["actions"].as_array().unwrap() {
        let id = action["id"].as_str().unwrap();
        let asked = program.run(&["undo", id]).exits(5);
        program.run(&["undo", id, "--confirm", &phrase(&asked.out, "shop/prod").unwrap()]).exits(0);
    }
    assert!(!served.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned()));
    assert!(!served.entries("shop-blocklist-v6").contains(&"2001:db8:bad::5/128".to_owned()));
}
