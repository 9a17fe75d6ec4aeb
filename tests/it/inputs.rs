//! Inputs through the binary: profiles, checks of files, names that match nothing.

use std::fs;

use portcullis::drill::Drill;

use crate::program::{Program, Served, refused, served, served_range};

/// Two profiles: one with keys, one that names nothing but a region.
fn profiles(program: &mut Program, served: &Served) {
    let keys = "aws_access_key_id = AKIARANGE00000000000\naws_secret_access_key = range\n";
    let text = format!(
        "[profile ops]\nregion = eu-central-1\nendpoint_url = {url}\n{keys}[profile bare]\nregion = eu-central-1\nendpoint_url = {url}\n",
        url = served.url
    );
    let path = program.file("aws-config", &text);
    program.set("AWS_CONFIG_FILE", path.to_str().unwrap());
}

#[test]
fn an_explicit_profile_wins_over_keys_in_the_environment_or_fails() {
    let served = served(60.0);
    let mut program = Program::new(&served.url);
    profiles(&mut program, &served);
    // The keys of the environment are there, and nobody asked for them.
    program.run(&["snapshot", "--profile", "nope"]).says(1, &["no profile “nope”", "bare, ops", "--profile"]);
    program.run(&["snapshot", "--profile", "bare"]).says(1, &["no AWS credentials"]);
    assert_eq!(served.range.with(|range| range.calls().len()), 0, "nothing may be asked with other credentials");
    program.set("AWS_ACCESS_KEY_ID", "AKIAOFTHEENVIRONMENT");
    program.set("AWS_SECRET_ACCESS_KEY", "not the profile's");
    program.run(&["actions", "--profile", "ops"]).exits(0);
    // Named by AWS_PROFILE it is not explicit: keys of the environment come first, as with the AWS CLI.
    program.set("AWS_PROFILE", "nope");
    program.run(&["actions"]).exits(0);
}

#[test]
fn the_configuration_is_checked_without_asking_aws() {
    let mut program = Program::new(&refused());
    program.configure("[guards]\nmost-legitimate-share = 5\nwidest-v4 = 33\n[polling]\ninterval-seconds = 0\n");
    let said = ["config.toml:2:25: ", "0 to 1", "config.toml:3:13: ", "8 to 32", "config.toml:5:20: "];
    program.run(&["config", "check"]).says(1, &said);
    let json = program.json(1, "config-check", &["config", "check"]);
    assert_eq!(json["config"]["sound"], false);
    assert_eq!(json["config"]["mistakes"].as_array().unwrap().len(), 3);
    program.run(&["snapshot"]).says(64, &said);
    let file = program.file("other.toml", "[polling]\nclose-seconds = 90\n");
    program
        .run(&["config", "check", file.to_str().unwrap()])
        .says(1, &["other.toml:2:17: ", "close-seconds", "1 to 60"]);
    let file = program.file("other.toml", "[polling]\nclose-seconds = 30\n");
    let unsaid = ["is valid", "guards.break-glass", "--account checks"];
    let ended = program.run(&["config", "check", file.to_str().unwrap()]).exits(0);
    assert!(unsaid.iter().all(|word| ended.out.contains(word)), "{}", ended.out);
    program.run(&["config", "check", "nowhere.toml"]).says(64, &["nowhere.toml could not be read"]);
    program.run(&["config", "check", "."]).says(64, &["not a regular file"]);
}

#[test]
fn names_that_match_nothing_are_said() {
    let served = served(60.0);
    let mut program = Program::new(&served.url);
    program.configure(
        "[guards]\nnever-block = []\nblock-lists = [\"shop-blocklist\", \"no-such-list\"]\nclosed-web-acl = \"no-such-acl\"\n\
         [[signals.stages]]\nstage = \"shop/pord\"\nclient-errors-attack = 0.7\n[[signals.stages]]\nstage = \"shop/prod\"\n",
    );
    let said = ["signals.stages “shop/pord”", "it has dev, prod", "“no-such-list”", "“no-such-acl”"];
    let ended = program.run(&["config", "check", "--account"]).exits(1);
    assert!(said.iter().all(|word| ended.out.contains(word)), "{}", ended.out);
    let json = program.json(1, "config-check", &["config", "check", "--account"]);
    assert_eq!(json["config"]["unmatched"].as_array().unwrap().len(), 3);
    // What is read with it says so as well.
    program.run(&["snapshot"]).says(0, &["signals.stages", "shop/pord", "applies to nothing"]);
    let json = program.json(0, "snapshot", &["snapshot"]);
    assert_eq!(json["settings_without_stage"][0]["stage"], "shop/pord");
}

#[test]
fn a_scenario_is_checked_before_anything_else() {
    let program = Program::new(&refused());
    let whole = include_str!("../../drills/sqli-flood.toml");
    let file = program.file("bad.toml", &whole.replacen("speed = 20", "speed = -20", 1));
    let bad = file.to_str().unwrap();
    program.run(&["drill", bad]).says(64, &["bad.toml:", "speed"]);
    let ended = program.run(&["drill", "check", bad, "sqli-flood"]).says(1, &["bad.toml:", "speed"]);
    assert!(ended.out.contains("sqli-flood is a valid scenario"), "{}", ended.out);
    let json = program.json(1, "drill-check", &["drill", "check", bad]);
    assert!(json["files"][0]["mistakes"][0]["line"].as_u64().unwrap() > 1, "{json}");
    let settings = format!("{whole}\n[drill.settings.polling]\ninterval-seconds = 0\n");
    fs::write(&file, settings).unwrap();
    program.run(&["drill", "check", bad]).says(1, &["bad.toml:", "interval-seconds", "1 to 3,600"]);
    program.run(&["drill", "check", "."]).says(1, &["not a regular file"]);
}

#[test]
fn an_api_with_a_slash_and_a_colon_in_its_name_can_be_named() {
    const NAME: &str = "orders: internal/v2 (new)";
    let label = format!("{NAME}/prod");
    let text = include_str!("../../drills/sqli-flood.toml")
        .replace("\"shop/", &format!("\"{NAME}/"))
        .replace("name = \"shop\"", &format!("name = \"{NAME}\""))
        .replace("history = \"45m\"", "history = \"5m\"");
    let served = served_range(Drill::parse("orders.toml", &text).unwrap().range(60.0, None).unwrap());
    let mut program = Program::new(&served.url);
    let guards = "[guards]\nnever-block = []\nbreak-glass = []\n";
    program.configure(&format!("{guards}[[signals.stages]]\nstage = \"{label}\"\nclient-errors-attack = 0.9\n"));
    let board = program.json(0, "snapshot", &["snapshot"]);
    assert!(board["stages"].as_array().unwrap().iter().any(|row| row["stage"] == *label), "{board}");
    assert_eq!(board["settings_without_stage"], serde_json::json!([]));
    for written in [label.clone(), format!("eu-central-1:{label}")] {
        let ended = program.run(&["plan", "block-ip", "--stage", &written, "203.0.113.7", "-o", "json"]);
        assert!(matches!(ended.code, Some(2 | 3)), "{ended:?}");
        assert_eq!(ended.json()["plan"]["stage"]["api_name"], NAME);
    }
    program.run(&["plan", "block-ip", "--stage", "nobody/v2/prod", "203.0.113.7"]).says(1, &["nobody"]);
    // A stage alone is one of the same API.
    let switch =
        ["plan", "kill-switch", "--stage", &label, "--allow", "192.0.2.0/24", "--prove-on", "dev", "-o", "json"];
    let ended = program.run(&switch);
    assert_eq!(ended.json()["plan"]["action"]["prove_on"]["stage"], "dev", "{ended:?}");
}
