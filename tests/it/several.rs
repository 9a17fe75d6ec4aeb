//! Several profiles at once, as a user starts them: a file of profiles, each with a range of its own behind it.
#![cfg(unix)]

use portcullis::aws::RangeHandle;
use portcullis_range::{Fault, Range, When};

use super::program::{Program, Served, served_range};
use super::terminal::Terminal;

const PROFILES: [(&str, &str); 3] = [("west", "eu-west-1"), ("east", "us-east-1"), ("north", "eu-north-1")];

/// `sqli-flood` in another region.
fn elsewhere(region: &str) -> Served {
    let text = include_str!("../../drills/sqli-flood.toml");
    let moved = text.replace("region = \"eu-central-1\"", &format!("region = \"{region}\""));
    assert_ne!(text, moved);
    served_range(RangeHandle::new(Range::from_scenario(&moved, None).unwrap(), 20.0))
}

/// Three profiles, each with its region and its endpoint, and the program that is told of them.
fn three() -> ([Served; 3], Program) {
    let served = PROFILES.map(|(_, region)| elsewhere(region));
    let mut program = Program::new("");
    program.unset("AWS_ENDPOINT_URL");
    program.unset("AWS_REGION");
    let profiles = PROFILES.iter().zip(&served);
    let text: Vec<String> = profiles
        .map(|((name, region), served)| {
            let url = &served.url;
            format!(
                "[profile {name}]\nregion = {region}\nendpoint_url = {url}\n\
                 aws_access_key_id = AKIARANGE00000000000\naws_secret_access_key = range\n"
            )
        })
        .collect();
    let path = program.file("aws-config", &text.join("\n"));
    program.set("AWS_CONFIG_FILE", path.to_str().unwrap());
    (served, program)
}

fn calls(served: &Served) -> usize {
    served.range.with(|range| range.calls().len())
}

#[test]
fn a_command_for_one_stage_takes_the_profile_that_the_stage_names() {
    let (served, program) = three();
    let block = |stage| ["plan", "block-ip", "--stage", stage, "203.0.113.7", "--profile", "west", "--profile", "east"];
    program.run(&block("shop/prod")).says(64, &["one account and region", "profile/region:api/stage"]);
    program.run(&block("north/shop/prod")).says(64, &["--profile says west, east", "add --profile north"]);
    assert_eq!(served.each_ref().map(calls), [0, 0, 0], "nobody was asked");
    let planned = program.run(&block("east/shop/prod"));
    assert!(planned.out.contains("us-east-1"), "{}{}", planned.out, planned.err);
    let [west, east, north] = served.each_ref().map(calls);
    assert!(east > 0 && west + north == 0, "{west} {east} {north}");
    let named = program.run(&["plan", "block-ip", "--stage", "north/eu-north-1:shop/prod", "203.0.113.7"]);
    assert!(named.out.contains("eu-north-1"), "{}{}", named.out, named.err);
    program.run(&["actions", "--region", "eu-west-1", "--region", "us-east-1"]).says(64, &["one account and region"]);
    program.run(&["drill", "--profile", "west", "--profile", "east"]).says(64, &["one account and region"]);
    program
        .run(&["live", "--incident", "x", "--profile", "west", "--profile", "east"])
        .says(64, &["--incident names the incident of one account and region"]);
}

#[test]
fn a_profile_that_hangs_leaves_the_others_live_in_a_terminal() {
    let (served, program) = three();
    served[1].range.with(|range| range.faults().add("*", "*", When::Always, Fault::Hang));
    let args = ["live", "--profile", "west", "--profile", "east", "--profile", "north"];
    let mut terminal = Terminal::start(program.in_terminal(&args), 140, 40);
    terminal.shows("ATTACK     west  ");
    terminal.shows("ATTACK     north  ");
    terminal.shows("in 3 connections");
    terminal.shows("east");
    // The row of each, the header of each.
    terminal.send("/west shop/prod\r");
    // Read in one piece with what follows, it would be more at once than anybody types: a paste.
    terminal.wait("the search", |s| !s.contents().contains("north "));
    terminal.shows("111122223333 eu-west-1  profile west  via http://127.0.0.1:");
    terminal.send("/");
    terminal.send(&"\x7f".repeat("west shop/prod".len()));
    terminal.send("north shop/prod\r");
    terminal.shows("111122223333 eu-north-1  profile north  via http://127.0.0.1:");
    // The one that hangs says so by name, and comes back by itself.
    terminal.shows("TROUBLE east, no figures: ");
    served[1].range.with(|range| range.faults().clear());
    terminal.send("\x1b\x1b");
    terminal.shows("ATTACK     east  ");
    terminal.send("q");
    let (status, _) = terminal.ends_with("");
    assert_eq!(status.exit_code(), 0);
}

#[test]
fn a_snapshot_that_lacks_an_account_is_no_success() {
    let (served, program) = three();
    served[1].range.with(|range| range.faults().add("*", "*", When::Always, Fault::ExpiredToken));
    let profiles = ["--profile", "west", "--profile", "east", "--profile", "north"];
    let args = |more: &[&'static str]| [&["snapshot"], &profiles[..], more].concat();
    let text = program.run(&args(&[])).exits(6);
    assert!(text.out.contains("east") && text.out.contains("NOT READ: "), "{}", text.out);
    assert!(text.err.contains("this snapshot is incomplete: east"), "{}", text.err);
    let read = program.json(6, "snapshot", &args(&[]));
    assert_eq!(read["complete"], false);
    let east = read["connections"].as_array().unwrap().iter().find(|one| one["profile"] == "east").unwrap();
    assert!(east["complete"] == false && east["error"].as_str().unwrap().contains("ExpiredToken"), "{east}");
    served[1].range.with(|range| range.faults().clear());
    assert_eq!(program.json(0, "snapshot", &args(&[]))["complete"], true);
    // A part of one account is missing as well.
    served[0].range.with(|range| range.faults().add("apigateway", "GetRestApis", When::Always, Fault::Deny));
    let part = program.json(6, "snapshot", &["snapshot", "--profile", "west"]);
    assert!(part["complete"] == false && part["lacks"].as_str().unwrap().contains("REST APIs"), "{}", part["lacks"]);
}
