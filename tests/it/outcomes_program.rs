//! A smoke of the fault matrix through the binary, over a socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use portcullis_range::{Damage, Fault, When};

use crate::program;

const THROTTLE: [&str; 15] = [
    "throttle",
    "--stage",
    "shop/prod",
    "--method",
    "GET /search",
    "--rate",
    "20",
    "--burst",
    "40",
    "--for",
    "4h",
    "--reason",
    "a test",
    "--override",
    "throttle.shedding",
];

fn confirmed(program: &program::Program, verb: &str, args: &[&str]) -> program::Ended {
    let args = |verb: &str, more: &[&str]| -> Vec<String> {
        [verb].iter().chain(args).chain(more).map(|arg| (*arg).to_owned()).collect()
    };
    let run = |args: Vec<String>| program.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let deadline = Instant::now() + Duration::from_mins(2);
    loop {
        let shown = run(args(if verb == "apply" { "plan" } else { verb }, &[]));
        let phrase = program::phrase(&format!("{}{}", shown.out, shown.err), "shop/prod");
        let phrase = phrase.unwrap_or_else(|| panic!("{shown:?}"));
        let ended = run(args(verb, &["--confirm", &phrase]));
        // The range's minutes are seconds: what its metrics say of the plan may change before it is confirmed. Then
        // nothing was done, and it is planned again, as the message asks.
        if ended.code != Some(5) || !ended.err.contains("the plan has changed") {
            return ended;
        }
        assert!(Instant::now() < deadline, "{ended:?}");
    }
}

/// The case that started it, through the binary and a socket: the write is made, AWS answers 200, and the last two
/// bytes are lost on the way. Apply, list, undo and sweep say what is so.
#[test]
fn two_lost_bytes_are_neither_not_done_nor_off_the_list() {
    let block = ["block-ip", "--stage", "shop/prod", "203.0.113.7", "--for", "4h"];
    for (service, operation, action) in
        [("apigateway", "UpdateStage", &THROTTLE[..]), ("wafv2", "UpdateIPSet", &block[..])]
    {
        let served = program::served(60.0);
        let program = program::Program::new(&served.url);
        let lost = |status, body, performed, when| {
            let fault = Fault::Answered { performed, status, body };
            served.range.with(|range| {
                range.faults().clear();
                range.faults().add(service, operation, when, fault);
            });
        };
        lost(200, Damage::Cut, true, When::Nth(1));
        confirmed(&program, "apply", action).says(0, &["the change was made anyway"]);
        let listed = program.json(0, "actions", &["actions"]);
        assert_eq!(listed["actions"][0]["state"], "in-force", "{listed}");
        let id = listed["actions"][0]["id"].as_str().unwrap().to_owned();

        lost(200, Damage::Cut, true, When::Nth(1));
        confirmed(&program, "undo", &[&id]).exits(0);
        let listed = program.json(0, "actions", &["actions"]);
        assert_eq!(listed["actions"].as_array().unwrap().len(), 0, "{listed}");

        // Nobody knows: it stays on the list, with its undo and its expiry.
        lost(504, Damage::Foreign, false, When::Always);
        confirmed(&program, "apply", action).says(6, &["not known"]);
        // It may come yet for ten minutes: however slow this machine is, they are not over.
        served.range.set_rate(1.0);
        let listed = program.json(0, "actions", &["actions"]);
        assert_eq!(
            (&listed["actions"][0]["state"], &listed["actions"][0]["outcome"]),
            (&"unclear".into(), &"not-known".into())
        );
        assert!(listed["actions"][0]["expires_at"].is_string(), "{listed}");
        let id = listed["actions"][0]["id"].as_str().unwrap().to_owned();
        served.range.with(|range| range.faults().clear());
        served.range.set_rate(60.0);
        confirmed(&program, "undo", &[&id]).exits(0);

        // AWS says yes and does nothing.
        lost(200, Damage::Whole, false, When::Nth(1));
        confirmed(&program, "apply", action).says(1, &["AWS answered 200 and nothing changed"]);
    }
}
