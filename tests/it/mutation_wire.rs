//! Damaged input from outside: formats of access logs and resource policies. Nothing panics or hangs, and an error has words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use portcullis::model::access_log::{AccessLogFormat, Field};
use portcullis::model::policy::{Access, Authorization, Call, Credential, Policy, access};

use crate::access_log_law::{Draw, Reader};

const INPUTS: u64 = 20_000;

/// Damages a text in one to three places: bytes, stretches of it, numbers, and what stands for structure.
fn damaged(draw: &mut Draw, text: &[u8], tokens: &[&str]) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=draw.below(3) {
        let at = draw.below(text.len() + 1);
        let to = (at + draw.below(12)).min(text.len());
        match draw.below(8) {
            0 if at < text.len() => text[at] = u8::try_from(draw.below(256)).unwrap(),
            1 => drop(text.drain(at..to)),
            2 => {
                let stretch = text[at..to].to_vec();
                text.splice(at..at, stretch);
            }
            3 => text.truncate(at),
            4 => drop(text.splice(at..to, draw.pick(tokens).bytes())),
            5 => drop(text.splice(at..at, draw.pick(tokens).bytes())),
            6 => {
                // A number becomes another.
                let digit = text.iter().skip(at).position(u8::is_ascii_digit).map(|n| n + at);
                if let Some(from) = digit {
                    let end =
                        text[from..].iter().position(|byte| !byte.is_ascii_digit()).map_or(text.len(), |n| n + from);
                    let other = draw.pick(&["0", "-1", "1e999", "99999999999999999999", "NaN", "0.5", "null", "\"7\""]);
                    text.splice(from..end, other.bytes());
                }
            }
            _ => {
                // Two stretches of it change places.
                let other = draw.below(text.len() + 1);
                let (from, until) = (at.min(other), at.max(other));
                let middle = from + (until - from) / 2;
                text[from..until].rotate_left(middle - from);
            }
        }
    }
    text
}

const FORMATS: [&str; 6] = [
    r#"{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","path":"$context.path","status":"$context.status","responseType":"$context.error.responseType","userAgent":"$context.identity.userAgent"}"#,
    r#"{"id":"$context.requestId","nested":{"status":$context.status,"l":$context.integrationLatency}}"#,
    r#"$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime]"$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength $context.requestId"#,
    r#"<request id="$context.requestId"> <ip>$context.identity.sourceIp</ip> <status>$context.status</status> <ua>$context.identity.userAgent</ua> </request>"#,
    "$context.identity.sourceIp,$context.requestTime,$context.httpMethod,$context.routeKey,$context.path,$context.status,$context.requestId",
    "$context.requestId\t$context.path\t$context.status\t$context.identity.userAgent\t$context.identity.sourceIp",
];

#[test]
fn a_damaged_format_of_an_access_log_is_read_or_not_and_breaks_nothing() {
    let tokens = [
        "$context.",
        "$context.status",
        "$context.path",
        "$context",
        "$",
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "*",
        "/",
        "?<",
        " | ",
        "#",
        "'",
        "`",
        "\n",
        "\u{0}",
        "é",
        "\u{202e}",
        ".",
        "-",
        "_",
        "$context.requestTime",
        "$context..x",
    ];
    let (mut told, mut patterns) = (0, 0);
    for seed in 0..INPUTS {
        let mut draw = Draw::of(seed);
        let format = damaged(&mut draw, draw_format(seed).as_bytes(), &tokens);
        let format = String::from_utf8_lossy(&format);
        let read = AccessLogFormat::parse(&format);
        for field in [Field::Status, Field::SourceIp, Field::Resource] {
            told += u64::from(read.field(field).is_some());
            assert!(read.reason(field).is_none_or(|reason| reason.contains("$context")), "{seed}: {format:?}");
        }
        // A query can be made of it: each pattern is one, and stands between its slashes.
        if seed % 10 == 0 && !read.prelude().is_empty() {
            patterns += 1;
            Reader::of(&read).read(&format);
        }
    }
    println!("{INPUTS} damaged formats: {told} fields told, {patterns} of their patterns tried");
    assert!(told > INPUTS && patterns > 500, "most of them are still formats");
}

fn draw_format(seed: u64) -> &'static str {
    FORMATS[usize::try_from(seed).unwrap() % FORMATS.len()]
}

const POLICIES: [&str; 4] = [
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"},{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/prod/*","Condition":{"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]}}}]}"#,
    r#"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"111122223333\",\"arn:aws:iam::111122223333:user\/ada\"]},\"Action\":\"execute-api:*\",\"Resource\":[\"arn:aws:execute-api:eu-central-1:111122223333:abc\/prod\/GET\/*\"]}}"#,
    r#"{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"a","Effect":"Deny","NotPrincipal":{"AWS":"*"},"NotAction":"execute-api:Manage*","NotResource":"execute-api:/dev/*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2026-03-03T03:00:00Z"},"Bool":{"aws:SecureTransport":"false"},"StringLikeIfExists":{"aws:UserAgent":"curl/?.*"}}}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["execute-api:Invoke"],"Resource":"*","Condition":{"ForAnyValue:IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"},"NumericLessThan":{"aws:EpochTime":"1772506800"},"StringEquals":{"aws:SourceVpce":"vpce-1"},"Null":{"aws:Referer":"true"}}}]}"#,
];

#[test]
fn a_damaged_resource_policy_is_an_error_with_words_or_is_evaluated() {
    let tokens = [
        "\"Deny\"",
        "\"Allow\"",
        "*",
        "\"",
        "\\",
        "[]",
        "{}",
        "null",
        ",",
        ":",
        "NotIpAddres",
        "0.0.0.0/0",
        "::/0",
        "/129",
        "aws:SourceIp",
        "Principal",
        "Condition",
        "IfExists",
        "ForAllValues:",
        "é",
        "\u{202e}",
        "${aws:username}",
        "?",
    ];
    let calls: [(&str, IpAddr); 3] = [
        ("arn:aws:execute-api:eu-central-1:111122223333:abc/prod/GET/pets", "192.0.2.7".parse().unwrap()),
        ("arn:aws:execute-api:eu-central-1:111122223333:abc/dev/POST/", "2001:db8::1".parse().unwrap()),
        ("arn:aws:execute-api:eu-central-1:111122223333:abc/prod/DELETE/a/b", "203.0.113.9".parse().unwrap()),
    ];
    let at: DateTime<Utc> = "2026-03-03T03:10:00Z".parse().unwrap();
    let (mut read, mut unknown, mut asked) = (0, 0, 0);
    for seed in 0..INPUTS {
        let mut draw = Draw::of(seed);
        let text = POLICIES[usize::try_from(seed).unwrap() % POLICIES.len()];
        let text = String::from_utf8_lossy(&damaged(&mut draw, text.as_bytes(), &tokens)).into_owned();
        let policy = match Policy::of_answer(&text) {
            Ok(Some(policy)) => policy,
            Ok(None) => continue,
            Err(error) => {
                assert!(!error.to_string().trim().is_empty(), "{seed}: {text:?}");
                continue;
            }
        };
        read += 1;
        let _ = (policy.lines(), policy.admitted(), policy.is_closed(), policy.characters(), policy.statements());
        assert!(Policy::same(Some(&policy), Some(&policy)), "{seed}: {text:?}");
        for (arn, source_ip) in calls {
            let call = Call { arn, source_ip, user_agent: None, referer: None, principal: None, exact: false, at };
            for (kind, brought) in [(Authorization::None, Credential::Absent), (Authorization::Iam, Credential::Allows)]
            {
                asked += 1;
                if let Access::Unknown(why) = access(Some(&policy), &call, kind, brought) {
                    unknown += 1;
                    assert!(!why.is_empty(), "{seed}: {text:?} is in doubt without a reason");
                }
            }
        }
    }
    println!("{INPUTS} damaged policies: {read} read, {unknown} of {asked} answers unknown");
    assert!(read > INPUTS / 20, "some of them are still policies: {read}");
}
