//! What a change takes from the traffic of before the attack, as the command line says it: throttles and closures,
//! against a served range.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::TimeDelta;
use serde_json::Value;

use crate::program::{Program, Served, served};
use crate::world::closed_web_acl;

/// `sqli-flood`, eight minutes in: the attack stands, and what came before it is in WAF's samples.
fn flooded() -> (Served, Program) {
    let served = served(600.0);
    let flooded = served.range.with(|range| range.start()) + TimeDelta::minutes(8);
    while served.range.now() < flooded {
        std::thread::yield_now();
    }
    served.range.set_rate(10.0);
    let program = Program::new(&served.url);
    (served, program)
}

/// What a plan's guard says: its verdict and its reason.
fn says(program: &Program, code: i32, guard: &str, args: &[&str]) -> (String, String) {
    let args: Vec<&str> = ["plan"].iter().chain(args).copied().collect();
    let plan = program.json(code, "plan", &args);
    let guards = plan["plan"]["guards"].as_array().unwrap();
    let found = guards.iter().find(|found| found["id"] == guard).unwrap_or_else(|| panic!("no {guard} in {plan:#}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&found["verdict"]), text(&found["reason"]))
}

#[test]
fn a_throttle_says_what_it_takes_from_before_and_what_becomes_of_a_caller_now() {
    let (_served, program) = flooded();
    let throttle = |code, rate| {
        let args = ["throttle", "--stage", "shop/prod", "--method", "POST /login", "--rate", rate, "--burst", rate];
        says(&program, code, "throttle.shedding", &args)
    };
    // Below what customers sent before: their requests are turned away flood or no flood.
    let (verdict, reason) = throttle(3, "2");
    assert_eq!(verdict, "stop", "{reason}");
    for words in ["Before the attack ", "(between ", "the limit turns away ", " %) of them", "at most 5 % is allowed"] {
        assert!(reason.contains(words), "no {words:?} in {reason}");
    }
    // Far above it: nothing of before is taken, and the flood takes most of everybody's requests.
    let (verdict, reason) = throttle(2, "100");
    assert_eq!(verdict, "warn", "{reason}");
    for words in ["the limit turns away none of them", "at the present rate ", " of all requests get through"] {
        assert!(reason.contains(words), "no {words:?} in {reason}");
    }
}

#[test]
fn a_closure_says_what_it_takes_from_before() {
    let (served, mut program) = flooded();
    let losers = |program: &Program, args: &[&str]| {
        let (verdict, reason) = says(program, 2, "close.who-loses", args);
        assert_eq!(verdict, "warn", "{reason}");
        reason
    };
    let zero = losers(&program, &["close", "--stage", "shop/prod", "--by", "throttle-zero", "--reason", "a test"]);
    assert!(zero.contains("turns away 100 % of the traffic from before the attack"), "{zero}");
    // Half of the customers' own network is let in.
    let allowed = ["192.0.2.16/28", "192.0.2.240/28", "127.0.0.1/32", "198.18.0.0/17"];
    served.range.with(|range| drop(closed_web_acl(range.account_mut(), "shop-closed", &allowed)));
    program.configure(&format!("{}closed-web-acl = \"shop-closed\"\n", crate::program::SETTINGS));
    let swap = losers(&program, &["close", "--stage", "shop/prod", "--by", "web-acl"]);
    let switch: Vec<&str> =
        ["kill-switch", "--stage", "shop/prod", "--prove-on", "shop/dev", "--own-address", "127.0.0.1"]
            .into_iter()
            .chain(allowed.iter().flat_map(|net| ["--allow", *net]))
            .collect();
    for reason in [swap, losers(&program, &switch)] {
        assert!(reason.contains("of the requests sampled before the attack began at "), "{reason}");
        let taken = reason.split(" that turns away ").nth(1).unwrap();
        let share: f64 = taken.split(" %").next().unwrap().parse().unwrap();
        assert!((20.0..90.0).contains(&share), "{reason}");
        assert!(taken.contains("between ") && taken.contains(" of "), "with its bounds: {reason}");
    }
}
