//! Doubt stops: whatever the evaluator of policies calls uncertain yields no `pass` in any guard, and what it calls
//! certain is so by the range's own evaluator, for every address that is asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use portcullis::model::limits::DeployedMethod;
use portcullis::model::method::MethodName;
use portcullis::model::plan::{GuardResult, Verdict};
use portcullis::model::policy::{Admission, ApiScope, Comparison, Entry, Policy};
use portcullis::model::settings::GuardSettings;
use portcullis::respond::admission;
use portcullis_range::policy;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::draws::draws;
use crate::policy_laws::document;

const SCOPE: ApiScope<'static> =
    ApiScope { partition: "aws", region: "eu-central-1", account: "111122223333", api_id: "abc" };
const RANGES: [&str; 8] = [
    "192.0.2.0/28",
    "192.0.2.6/31",
    "192.0.2.7/32",
    "198.51.100.0/24",
    "203.0.113.0/28",
    "127.0.0.0/8",
    "2001:db8:1::/48",
    "2001:db9::1/128",
];
/// A method, and calls to it: statements name one of them.
const METHODS: [(&str, &str, &[&str]); 4] = [
    ("GET", "/pets/{id}", &["GET/pets/1", "GET/pets/x", "GET/pets/long"]),
    ("POST", "/pay", &["POST/pay"]),
    ("GET", "/", &["GET/"]),
    ("GET", "/pets", &["GET/pets"]),
];
const KINDS: [(&str, policy::Authorization); 4] = [
    ("NONE", policy::Authorization::None),
    ("AWS_IAM", policy::Authorization::Iam),
    ("CUSTOM", policy::Authorization::Lambda),
    ("COGNITO_USER_POOLS", policy::Authorization::Cognito),
];
/// User agent, referer and who signed: each that a policy names is there and is not.
const CALLERS: [(Option<&str>, Option<&str>, &str); 4] = [
    (None, None, SIGNED[0]),
    (Some("curl/8"), Some("https://shop.example/cart"), SIGNED[1]),
    (Some("probe"), None, SIGNED[1]),
    (Some("Browser/1"), Some("https://shop.example/cart"), SIGNED[0]),
];
const SIGNED: [&str; 2] = ["arn:aws:iam::111122223333:user/ada", "arn:aws:iam::444455556666:role/partner"];

fn now() -> DateTime<Utc> {
    "2026-06-09T12:00:00Z".parse().unwrap()
}

fn deployed(kinds: &[usize]) -> Vec<DeployedMethod> {
    let method = |((verb, path, _), kind): (&(&str, &str, &[&str]), &usize)| DeployedMethod {
        name: MethodName { verb: (*verb).into(), path: (*path).into() },
        authorization: KINDS[*kind].0.into(),
        api_key_required: false,
    };
    METHODS.iter().zip(kinds).map(method).collect()
}

/// One address of some networks: the first, the last, or one in between.
fn address(nets: &[IpNet], pick: usize) -> IpAddr {
    let net = nets[pick % nets.len()];
    match pick % 3 {
        0 => net.network(),
        1 => net.broadcast(),
        _ => net.hosts().nth(pick % 8).unwrap_or_else(|| net.addr()),
    }
}

/// Whether a caller from an address gets in to any method, by the range's evaluator; whatever else may be said of them,
/// one answer each.
fn really(text: Option<&str>, kinds: &[usize], from: IpAddr, pick: usize) -> Vec<bool> {
    let brings = policy::Credential::Allows;
    let mut answers = Vec::new();
    for (user_agent, referer, principal) in [CALLERS[pick % 4], CALLERS[(pick / 4 + 1) % 4]] {
        let granted = |path: &str, kind: usize| {
            let arn = SCOPE.arn(&format!("prod/{path}"));
            let principal = Some(principal);
            let call = policy::Call { arn: &arn, source_ip: from, user_agent, referer, principal, at: now() };
            let (_, authorization) = KINDS[kind];
            let none = authorization == policy::Authorization::None;
            let brings = if none { policy::Credential::Absent } else { brings };
            policy::verdict(text, &call, authorization, brings).unwrap().is_granted()
        };
        let mut calls =
            METHODS.iter().zip(kinds).flat_map(|((_, _, paths), kind)| paths.iter().map(|path| (*path, *kind)));
        answers.push(calls.any(|(path, kind)| granted(path, kind)));
    }
    answers
}

/// Whether a caller like any other gets in to any method, by the range's evaluator.
fn ordinary_gets_in(text: &str, kinds: &[usize], source_ip: IpAddr) -> bool {
    METHODS.iter().zip(kinds).flat_map(|((_, _, paths), kind)| paths.iter().map(|path| (*path, *kind))).any(
        |(path, kind)| {
            let arn = SCOPE.arn(&format!("prod/{path}"));
            let (user_agent, principal) = (Some("Browser/1"), Some(SIGNED[0]));
            let call = policy::Call { arn: &arn, source_ip, user_agent, referer: None, principal, at: now() };
            let (_, authorization) = KINDS[kind];
            let none = authorization == policy::Authorization::None;
            let brings = if none { policy::Credential::Absent } else { policy::Credential::Allows };
            policy::verdict(Some(text), &call, authorization, brings).unwrap().is_granted()
        },
    )
}

/// Where the console is certain, the range agrees; gives whether it was.
fn agrees(
    entry: &Entry,
    text: Option<&str>,
    kinds: &[usize],
    from: IpAddr,
    pick: usize,
) -> Result<bool, TestCaseError> {
    let wanted = match entry {
        Entry::In => true,
        Entry::Out => false,
        Entry::Unknown(_) => return Ok(false),
    };
    let answers = really(text, kinds, from, pick);
    prop_assert!(answers.iter().all(|answer| *answer == wanted), "{from}: {wanted} was said, {answers:?} is so");
    Ok(true)
}

#[derive(Debug, Default)]
struct Counts {
    parts: AtomicUsize,
    unknown: AtomicUsize,
    passed: AtomicUsize,
    stopped: AtomicUsize,
}

impl Counts {
    fn add(&self, of: impl Fn(&Self) -> &AtomicUsize, yes: bool) {
        of(self).fetch_add(usize::from(yes), Ordering::Relaxed);
    }

    fn words(&self) -> String {
        let [parts, unknown, passed, stopped] =
            [&self.parts, &self.unknown, &self.passed, &self.stopped].map(|n| n.load(Ordering::Relaxed));
        format!(
            "{parts} parts of ranges, {unknown} of them unknown ({:.1} %); verdicts: {passed} pass, {stopped} halt",
            unknown as f64 * 100.0 / parts as f64
        )
    }
}

/// What the guards say of a range that is both break-glass and a partner's, and of an address of ours in it.
fn guards(net: IpNet, allow: &[IpNet], comparison: &Comparison<'_>) -> [GuardResult; 2] {
    let settings =
        GuardSettings { break_glass: Some(vec![net]), never_block: Some(vec![net]), ..GuardSettings::default() };
    let own = [(net.addr(), "as a test says".to_owned())];
    [admission::admits(&settings, allow, comparison), admission::responder(&own, &[], allow, comparison)]
}

fn doubt(cases: usize, documents: impl Strategy<Value = Option<String>>, counts: &Counts) {
    let list =
        prop::sample::subsequence(vec!["192.0.2.0/24", "198.51.100.0/25", "127.0.0.1/32", "2001:db8::/32"], 1..4);
    let draws = (
        documents,
        prop::collection::vec(0usize..KINDS.len(), METHODS.len()),
        list,
        prop::sample::select(RANGES.to_vec()),
        0usize..48,
    );
    let mut runner =
        TestRunner::new(ProptestConfig { cases: u32::try_from(cases).unwrap(), ..ProptestConfig::default() });
    runner
        .run(&draws, |(text, kinds, list, range, pick)| {
            let (methods, net): (_, IpNet) = (deployed(&kinds), range.parse().unwrap());
            let allow: Vec<IpNet> = list.iter().map(|net| net.parse().unwrap()).collect();
            let before = text.as_deref().map(|text| Policy::parse(text).unwrap());
            let closed = Policy::closed(before.as_ref(), &SCOPE, &allow, &methods, &["prod".into(), "dev".into()]);
            let comparison = Comparison::new(Ok(before.as_ref()), &closed, (&SCOPE, "prod"), &methods, now());
            let parts = comparison.admissions(&net).unwrap();
            for part in &parts {
                let some = address(&part.nets, pick);
                let gets_in = !part.ordinary || ordinary_gets_in(closed.text(), &kinds, some);
                prop_assert!(gets_in, "{some} is said to get in without doing anything odd");
                agrees(&part.today, text.as_deref(), &kinds, some, pick)?;
                let sure = agrees(&part.then, Some(closed.text()), &kinds, some, pick)?;
                counts.add(|c| &c.parts, true);
                counts.add(|c| &c.unknown, !sure || part.doubt.is_some());
            }
            // A pass only where every part of the whole range is certain.
            let certain = parts.iter().all(Admission::is_certain);
            let [responders, own] = guards(net, &allow, &comparison);
            prop_assert_eq!(responders.verdict == Verdict::Pass, certain, "{:?} {:?}", responders, parts);
            let unknown = parts.iter().any(|part| matches!(part.then, Entry::Unknown(_)));
            // A caller like any other gets in: said, and no more.
            let ordinary = parts.iter().all(|part| part.ordinary || part.is_certain());
            prop_assert!(!unknown || ordinary || responders.verdict.halts(), "{responders:?}");
            let at = comparison.admissions(&IpNet::from(net.addr())).unwrap();
            prop_assert_eq!(own.verdict == Verdict::Pass, at.iter().all(Admission::is_certain));
            // Said of today, before and after alike.
            prop_assert!(responders.evidence.len() >= parts.len());
            let shut = parts.iter().any(|part| part.today == Entry::Out && part.then == Entry::Out);
            prop_assert!(!shut || responders.evidence.iter().any(|line| line.contains("is not let in today")));
            counts.add(|c| &c.passed, responders.verdict == Verdict::Pass);
            counts.add(|c| &c.stopped, responders.verdict.halts());
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_is_uncertain_passes_no_guard_and_what_is_certain_is_so() {
    let counts = Counts::default();
    let cases = draws(1_500);
    doubt(cases, document(), &counts);
    println!("doubt, any policy: {}", counts.words());
    let [passed, stopped, unknown] = [counts.passed, counts.stopped, counts.unknown].map(AtomicUsize::into_inner);
    assert!(passed > cases / 20 && stopped > cases / 5 && unknown > cases / 20, "{passed} {stopped} {unknown}");
}

/// Policies of which everything can be told, whoever calls: by address, by text of an address, by date, by what no
/// public caller has.
fn knowable() -> impl Strategy<Value = Option<String>> {
    let some = |all: &[&str]| {
        prop::sample::subsequence(all.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>(), 1..=all.len().min(2))
    };
    let of = |operators: &[&str], key: &str, values| {
        let (operators, key) = (operators.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>(), key.to_owned());
        (prop::sample::select(operators), values)
            .prop_map(move |(operator, values)| json!({operator: {key.clone(): values}}))
    };
    let nets =
        ["192.0.2.0/29", "192.0.2.7", "198.51.100.0/25", "203.0.113.0/28", "2001:db8::/32", "127.0.0.0/9", "0.0.0.0/0"];
    let condition = prop_oneof![
        4 => of(&["IpAddress", "NotIpAddress", "IpAddressIfExists"], "aws:SourceIp", some(&nets)),
        3 => of(&["StringEquals", "StringNotEquals"], "aws:SourceIp", some(&["127.0.0.1", "192.0.2.7", "198.18.0.1", "192.0.2.0/24"])),
        1 => of(&["StringLike"], "aws:SourceIp", some(&["192.0.*", "127.*", "10.1.2.*"])),
        2 => of(&["DateLessThan", "DateGreaterThan"], "aws:CurrentTime", some(&["2020-01-01T00:00:00Z", "2031-01-01T00:00:00Z"])),
        1 => of(&["Bool"], "aws:SecureTransport", some(&["true", "false"])),
        1 => of(&["StringEquals", "StringNotEquals", "StringEqualsIfExists"], "aws:SourceVpce", some(&["vpce-1"])),
        1 => of(&["Null"], "aws:SourceIp", some(&["true"])),
        2 => Just(json!({})),
    ];
    let statement = (prop::sample::select(vec!["Allow", "Allow", "Deny"]), condition).prop_map(|(effect, condition)| {
        json!({"Effect": effect, "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*", "Condition": condition})
    });
    prop::collection::vec(statement, 1..4)
        .prop_map(|all: Vec<Value>| Some(json!({"Version": "2012-10-17", "Statement": all}).to_string()))
}

/// Unknown is for what cannot be told: not for texts of v4 addresses, dates that have passed, or what no public caller
/// has.
#[test]
fn what_can_be_told_is_told() {
    let counts = Counts::default();
    doubt(draws(1_500) / 5, knowable(), &counts);
    println!("doubt, policies that can be told: {}", counts.words());
    assert_eq!(counts.unknown.into_inner(), 0);
}
