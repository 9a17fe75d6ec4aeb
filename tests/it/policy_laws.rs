//! What the console predicts of a resource policy against what the range makes of it: two evaluators that share
//! nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use portcullis::model::limits::DeployedMethod;
use portcullis::model::method::MethodName;
use portcullis::model::policy::{Access, ApiScope, Authorization, Call, Credential, Policy, access, reached_by_allow};
use portcullis_range::policy;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::draws::draws;

const ACCOUNT: &str = "111122223333";
const SCOPE: ApiScope<'static> = ApiScope { partition: "aws", region: "eu-central-1", account: ACCOUNT, api_id: "abc" };

const RESOURCES: [&str; 13] = [
    "*",
    "arn:aws:execute-api:eu-central-1:111122223333:abc/*",
    "arn:aws:execute-api:eu-central-1:111122223333:abc/prod/*",
    "arn:aws:execute-api:eu-central-1:111122223333:abc/dev/*",
    "arn:aws:execute-api:eu-central-1:111122223333:abc/*/GET/*",
    "arn:aws:execute-api:eu-central-1:111122223333:abc/*/POST/pay",
    "arn:aws:execute-api:eu-central-1:111122223333:abc/prod/GET/pets/?",
    "arn:aws:execute-api:eu-central-1:111122223333:xyz/*",
    "arn:aws:execute-api:*:111122223333:abc/*",
    "execute-api:/*",
    "execute-api:/prod/*",
    "execute-api:/*/POST/*",
    "execute-api:/prod/GET/pets/1",
];
const PRINCIPALS: [&str; 5] = [
    "*",
    ACCOUNT,
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:user/ada",
    "arn:aws:iam::444455556666:role/partner",
];
const NETS: [&str; 9] = [
    "0.0.0.0/0",
    "192.0.2.0/24",
    "192.0.2.7/32",
    "192.0.2.7",
    "198.51.100.0/25",
    "203.0.113.9/28",
    "2001:db8::/32",
    "2001:db8:1::7",
    "::/0",
];
const ADDRESSES: [&str; 7] =
    ["192.0.2.7", "192.0.2.200", "198.51.100.3", "198.51.100.200", "203.0.113.1", "2001:db8:1::7", "2001:db9::1"];
const AGENTS: [&str; 4] = ["curl/8", "Mozilla/5.0 (x)", "probe", ""];
const PATHS: [&str; 6] =
    ["prod/GET/pets/1", "prod/POST/pay", "dev/GET/pets/1", "prod/GET/", "dev/DELETE/pets/1/x", "prod/GET/pets"];

fn some_of(all: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let one = prop::sample::select(all.to_vec()).prop_map(Value::from);
    let several = prop::sample::subsequence(all.to_vec(), 1..3).prop_map(Value::from);
    prop_oneof![one, several]
}

pub(crate) fn condition() -> impl Strategy<Value = Value> {
    let address = (
        prop::sample::select(vec![
            "IpAddress",
            "NotIpAddress",
            "IpAddressIfExists",
            "NotIpAddressIfExists",
            "ForAnyValue:IpAddress",
        ]),
        prop::sample::select(vec!["aws:SourceIp", "aws:sourceip", "aws:VpcSourceIp"]),
        some_of(&NETS),
    );
    let text = (
        prop::sample::select(vec![
            "StringEquals",
            "StringNotEquals",
            "StringLike",
            "StringNotLike",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLikeIfExists",
            "StringNotEqualsIfExists",
            "ForAllValues:StringLike",
        ]),
        prop::sample::select(vec!["aws:UserAgent", "aws:Referer", "aws:PrincipalAccount", "aws:SourceVpce"]),
        some_of(&["curl/*", "CURL/8", "probe", "*", "https://shop.example/*", ACCOUNT, "vpce-1"]),
    );
    let principal = (
        prop::sample::select(vec!["ArnEquals", "ArnLike", "ArnNotLike", "ArnNotEquals", "StringLike"]),
        Just("aws:PrincipalArn"),
        some_of(&["arn:aws:iam::111122223333:user/*", "arn:aws:iam::111122223333:user/ada", "arn:aws:iam::4*:role/x"]),
    );
    let time = (
        prop::sample::select(vec![
            "DateGreaterThan",
            "DateLessThan",
            "DateLessThanEquals",
            "DateEquals",
            "DateNotEquals",
        ]),
        prop::sample::select(vec!["aws:CurrentTime", "aws:EpochTime"]),
        some_of(&["2026-06-09T02:10:00Z", "2030-01-01T00:00:00Z", "1780971000"]),
    );
    let truth =
        (prop::sample::select(vec!["Bool", "BoolIfExists"]), Just("aws:SecureTransport"), some_of(&["true", "false"]));
    let null = (
        Just("Null"),
        prop::sample::select(vec!["aws:Referer", "aws:SourceIp", "aws:PrincipalArn", "aws:SourceVpc"]),
        some_of(&["true", "false"]),
    );
    let strange = (
        prop::sample::select(vec!["StringEquals", "StringSortOf", "NumericEquals"]),
        prop::sample::select(vec!["aws:RequestedRegion", "aws:SourceIp", "aws:PrincipalOrgID", "aws:CurrentTime"]),
        some_of(&["x", "1"]),
    );
    let one = prop_oneof![
        6 => address.prop_map(|(o, k, v)| json!({o: {k: v}})),
        5 => text.prop_map(|(o, k, v)| json!({o: {k: v}})),
        2 => principal.prop_map(|(o, k, v)| json!({o: {k: v}})),
        2 => time.prop_map(|(o, k, v)| json!({o: {k: v}})),
        1 => truth.prop_map(|(o, k, v)| json!({o: {k: v}})),
        1 => null.prop_map(|(o, k, v)| json!({o: {k: v}})),
        1 => strange.prop_map(|(o, k, v)| json!({o: {k: v}})),
    ];
    prop::collection::vec(one, 0..3).prop_map(|all| {
        let merged = all.into_iter().fold(serde_json::Map::new(), |mut merged, one| {
            for (operator, keys) in one.as_object().unwrap() {
                let members = merged.entry(operator.clone()).or_insert_with(|| json!({}));
                members.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
            }
            merged
        });
        Value::Object(merged)
    })
}

fn statement() -> impl Strategy<Value = Value> {
    (
        prop::sample::select(vec!["Allow", "Allow", "Deny"]),
        prop::sample::select(vec!["execute-api:Invoke", "execute-api:*", "*", "EXECUTE-API:invoke", "s3:GetObject"]),
        some_of(&RESOURCES),
        some_of(&PRINCIPALS),
        prop::sample::select(vec!["plain", "aws", "not"]),
        any::<bool>(),
        condition(),
    )
        .prop_map(|(effect, action, resource, principal, kind, not_resource, condition)| {
            let resource_name = if not_resource && kind != "plain" { "NotResource" } else { "Resource" };
            let mut statement = json!({"Effect": effect, "Action": action, resource_name: resource});
            match kind {
                "plain" => statement["Principal"] = Value::from("*"),
                "aws" => statement["Principal"] = json!({"AWS": principal}),
                _ => statement["NotPrincipal"] = json!({"AWS": principal}),
            }
            if condition.as_object().is_some_and(|c| !c.is_empty()) {
                statement["Condition"] = condition;
            }
            statement
        })
}

pub(crate) fn document() -> impl Strategy<Value = Option<String>> {
    let several = prop::collection::vec(statement(), 1..4)
        .prop_map(|all| json!({"Version": "2012-10-17", "Statement": all}).to_string());
    let one = statement().prop_map(|one| json!({"Version": "2012-10-17", "Statement": one}).to_string());
    prop_oneof![1 => Just(None), 6 => several.prop_map(Some), 2 => one.prop_map(Some)]
}

#[derive(Debug, Clone)]
struct Caller {
    arn: String,
    source_ip: IpAddr,
    user_agent: Option<&'static str>,
    referer: Option<&'static str>,
    principal: Option<&'static str>,
    at: DateTime<Utc>,
    authorization: usize,
    credential: usize,
}

fn caller() -> impl Strategy<Value = Caller> {
    (
        prop::sample::select(PATHS.to_vec()),
        prop::sample::select(ADDRESSES.to_vec()),
        prop::option::of(prop::sample::select(AGENTS.to_vec())),
        prop::option::of(Just("https://shop.example/cart")),
        prop::option::of(prop::sample::select(PRINCIPALS[3..].to_vec())),
        1_780_970_990i64..1_780_971_010,
        0usize..4,
        0usize..5,
    )
        .prop_map(|(path, ip, user_agent, referer, principal, at, authorization, credential)| Caller {
            arn: SCOPE.arn(path),
            source_ip: ip.parse().unwrap(),
            user_agent,
            referer,
            principal,
            at: DateTime::from_timestamp(at, 0).unwrap(),
            authorization,
            credential,
        })
}

const OURS: [Authorization; 4] =
    [Authorization::None, Authorization::Iam, Authorization::Lambda, Authorization::Cognito];
const THEIRS: [policy::Authorization; 4] = [
    policy::Authorization::None,
    policy::Authorization::Iam,
    policy::Authorization::Lambda,
    policy::Authorization::Cognito,
];
const BROUGHT: [(Credential, policy::Credential); 5] = [
    (Credential::Absent, policy::Credential::Absent),
    (Credential::Invalid, policy::Credential::Invalid),
    (Credential::Allows, policy::Credential::Allows),
    (Credential::Silent, policy::Credential::Silent),
    (Credential::Denies, policy::Credential::Denies),
];

fn predicted(policy: Option<&Policy>, caller: &Caller) -> Access {
    let call = Call {
        arn: &caller.arn,
        source_ip: caller.source_ip,
        user_agent: caller.user_agent,
        referer: caller.referer,
        principal: caller.principal,
        exact: true,
        at: caller.at,
    };
    access(policy, &call, OURS[caller.authorization], BROUGHT[caller.credential].0)
}

fn really(text: Option<&str>, caller: &Caller) -> bool {
    let call = policy::Call {
        arn: &caller.arn,
        source_ip: caller.source_ip,
        user_agent: caller.user_agent,
        referer: caller.referer,
        principal: caller.principal,
        at: caller.at,
    };
    policy::verdict(text, &call, THEIRS[caller.authorization], BROUGHT[caller.credential].1).unwrap().is_granted()
}

fn cases() -> usize {
    draws(2_000)
}

fn runner() -> TestRunner {
    TestRunner::new(ProptestConfig { cases: u32::try_from(cases()).unwrap(), ..ProptestConfig::default() })
}

#[test]
fn the_simulation_agrees_with_the_range() {
    let (certain, granted) = (AtomicUsize::new(0), AtomicUsize::new(0));
    runner()
        .run(&(document(), caller()), |(text, caller)| {
            let policy = text.as_deref().map(|text| Policy::parse(text).unwrap());
            let told = match predicted(policy.as_ref(), &caller) {
                Access::Unknown(_) => return Ok(()),
                told => told == Access::Granted,
            };
            certain.fetch_add(1, Ordering::Relaxed);
            granted.fetch_add(usize::from(told), Ordering::Relaxed);
            prop_assert_eq!(told, really(text.as_deref(), &caller));
            Ok(())
        })
        .unwrap();
    let (certain, granted) = (certain.into_inner(), granted.into_inner());
    println!("simulation: {certain} of {} certain, {granted} granted, no disagreement", cases());
    assert!(certain >= cases() / 6 * 5, "{certain}");
    assert!(granted * 10 > certain && granted * 10 < certain * 9, "too one-sided: {granted} of {certain}");
}

fn deployed() -> impl Strategy<Value = Vec<DeployedMethod>> {
    let names = [("GET", "/pets/{id}"), ("POST", "/pay"), ("GET", "/"), ("GET", "/pets")];
    let kinds = prop::sample::select(vec!["NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS"]);
    prop::collection::vec(kinds, names.len()).prop_map(move |kinds| {
        let method = |((verb, path), kind): (&(&str, &str), &str)| DeployedMethod {
            name: MethodName { verb: (*verb).into(), path: (*path).into() },
            authorization: kind.into(),
            api_key_required: false,
        };
        names.iter().zip(kinds).map(|(name, kind)| method((name, kind))).collect()
    })
}

/// By the range's own evaluator: whoever was refused stays refused, whoever is not on the list is refused, and whoever
/// is on it keeps what they had.
#[test]
fn closing_lets_nobody_in_and_keeps_out_whoever_is_not_listed() {
    let list = prop::sample::subsequence(vec!["192.0.2.0/24", "198.51.100.0/25", "2001:db8::/32"], 1..3);
    let kept = AtomicUsize::new(0);
    runner()
        .run(&(document(), caller(), deployed(), list), |(text, mut caller, methods, list)| {
            let list: Vec<IpNet> = list.iter().map(|net| net.parse().unwrap()).collect();
            let base = text.as_deref().map(|text| Policy::parse(text).unwrap());
            let closed = Policy::closed(base.as_ref(), &SCOPE, &list, &methods, &["prod".into(), "dev".into()]);
            // The call is to one of the API's methods, with that method's authorization.
            let paths = ["GET/pets/1", "POST/pay", "GET/", "GET/pets"];
            let place = caller.credential % paths.len();
            caller.arn = SCOPE.arn(&format!("prod/{}", paths[place]));
            let kinds = ["NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS"];
            caller.authorization = kinds.iter().position(|kind| *kind == methods[place].authorization).unwrap();
            let (before, after) = (really(text.as_deref(), &caller), really(Some(closed.text()), &caller));
            let listed = list.iter().any(|net| net.contains(&caller.source_ip));
            prop_assert!(listed || !after, "not listed, and let in");
            // Where there was no policy, an Allow for `/pets/{id}` may not reach a method that wants more: those are
            // apart here.
            prop_assert!(before || !after, "kept out before, let in now");
            prop_assert_eq!(after, before && listed);
            kept.fetch_add(usize::from(after), Ordering::Relaxed);
            Ok(())
        })
        .unwrap();
    assert!(kept.into_inner() > cases() / 24);
}

/// Methods whose patterns reach into each other, and calls that find that out.
const OVERLAPPING: [(&str, &str); 6] = [
    ("POST", "/{proxy+}"),
    ("ANY", "/admin"),
    ("GET", "/docs/{file}"),
    ("ANY", "/{proxy+}"),
    ("GET", "/docs/export"),
    ("GET", "/"),
];
const CALLS: [(&str, usize); 9] = [
    ("POST/x", 0),
    ("POST/admin", 1),
    ("GET/admin", 1),
    ("GET/docs/a", 2),
    ("GET/docs/a/b", 3),
    ("DELETE/x/y", 3),
    ("GET/docs/export", 4),
    ("GET/", 5),
    ("PUT/admin", 1),
];

/// Where the console says that no Allow reaches a guarded method, nobody gains; by the range's own evaluator.
#[test]
fn what_no_allow_reaches_nobody_gains() {
    let kinds = prop::sample::select(vec!["NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS"]);
    let kinds = prop::collection::vec(kinds, OVERLAPPING.len());
    let (clear, found) = (AtomicUsize::new(0), AtomicUsize::new(0));
    runner()
        .run(&(kinds, prop::sample::select(CALLS.to_vec()), caller()), |(kinds, (path, which), mut caller)| {
            let method = |((verb, path), kind): (&(&str, &str), &&str)| DeployedMethod {
                name: MethodName { verb: (*verb).into(), path: (*path).into() },
                authorization: (*kind).into(),
                api_key_required: false,
            };
            let methods: Vec<DeployedMethod> = OVERLAPPING.iter().zip(&kinds).map(|(n, k)| method((n, k))).collect();
            let stages = ["prod".to_owned(), "dev".to_owned()];
            let all: Vec<IpNet> = vec!["0.0.0.0/1".parse().unwrap(), "128.0.0.0/1".parse().unwrap()];
            let closed = Policy::closed(None, &SCOPE, &all, &methods, &stages);
            let reached = reached_by_allow(&closed, &SCOPE, &methods, &stages);
            caller.arn = SCOPE.arn(&format!("prod/{path}"));
            let known = ["NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS"];
            caller.authorization = known.iter().position(|kind| *kind == kinds[which]).unwrap();
            let gains = !really(None, &caller) && really(Some(closed.text()), &caller);
            if reached.is_empty() {
                clear.fetch_add(1, Ordering::Relaxed);
                prop_assert!(!gains, "{path} of {:?}", methods[which]);
            }
            if gains {
                found.fetch_add(1, Ordering::Relaxed);
                prop_assert!(reached.contains(&methods[which].name.to_string()), "{path}: {reached:?}");
            }
            Ok(())
        })
        .unwrap();
    assert!(clear.into_inner() > cases() / 240 && found.into_inner() > cases() / 240);
}
