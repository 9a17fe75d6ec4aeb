//! Damaged input from outside: formats of access logs, resource policies, and what AWS answers. Nothing panics or
//! hangs, an error has words, and a figure is a number.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use portcullis::aws::Lane;
use portcullis::aws::read::{MetricQuery, ResourceKind, Statistic};
use portcullis::model::access_log::{AccessLogFormat, Field};
use portcullis::model::action::Action;
use portcullis::model::belief::Beliefs;
use portcullis::model::figure::Figure;
use portcullis::model::policy::{Access, Authorization, Call, Credential, Policy, access};
use portcullis::model::settings::Settings;
use portcullis::model::stage::{ApiKind, StageDetail};
use portcullis::respond::resolve::stage_of_any;
use portcullis::watch::{CallersOf, callers, read_board};
use portcullis_range::Range;

use crate::access_log_law::{Draw, Reader};
use crate::draws::draws;
use crate::world::{World, block, of_range};

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
    let inputs = draws(600);
    let (mut told, mut patterns) = (0, 0);
    for seed in 0..inputs {
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
    println!("{inputs} damaged formats: {told} fields told, {patterns} of their patterns tried");
    assert!(told > inputs && patterns > inputs / 40, "most of them are still formats");
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
    let inputs = draws(20_000);
    let (mut read, mut unknown, mut asked) = (0, 0, 0);
    for seed in 0..inputs {
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
    println!("{inputs} damaged policies: {read} read, {unknown} of {asked} answers unknown");
    assert!(read > inputs / 20, "some of them are still policies: {read}");
}

/// A small account: the drill's, with hardly any traffic.
async fn quiet() -> World {
    let text = include_str!("../../drills/credential-stuffing.toml");
    let calm = |line: &str| if line.starts_with("rate = ") { "rate = 3".to_owned() } else { line.to_owned() };
    let text: Vec<String> = text.lines().map(calm).collect();
    let world = of_range(Range::from_scenario(&text.join("\n"), None).unwrap(), 1.0).await;
    world.pass(420).await;
    world
}

const GROUP: &str = "/aws/apigateway/accounts-prod";

/// One of the console's reads; an error's words.
async fn read(world: &World, n: u64) -> Result<(), String> {
    let (aws, lane) = (&world.aws, Lane::Plan);
    let (api, arn) = world.range.with(|range| {
        let api = range.account().gateway.apis.keys().next().unwrap().clone();
        (api, range.account().waf.web_acls.values().next().unwrap().saved().arn.clone())
    });
    let now = aws.clock().now();
    let from = now - TimeDelta::minutes(3);
    let query = MetricQuery {
        namespace: "AWS/ApiGateway".into(),
        name: "Count".into(),
        dimensions: vec![("ApiName", "accounts".into()), ("Stage", "prod".into())],
        statistic: Statistic::SampleCount,
    };
    let said = match n % 22 {
        0 => aws.rest_apis(lane).await.map(drop),
        1 => aws.stage_settings(&api, "prod", lane).await.map(drop),
        2 => aws.account_limit(lane).await.map(drop),
        3 => aws.usage_plans(&api, "prod", lane).await.map(drop),
        4 => aws.guarded_stage(&api, "prod", lane).await.map(drop),
        5 => aws.web_acl(&arn, lane).await.map(drop),
        6 => aws.web_acl_names(lane).await.map(drop),
        7 => aws.ip_set_names(lane).await.map(drop),
        8 => aws.resources_behind(&arn, ResourceKind::API_GATEWAY, lane).await.map(drop),
        9 => aws.sampled_requests(&arn, "ALL", from, now, lane).await.map(drop),
        10..=12 => aws.metric_data(&[query], from, now, lane).await.map(drop),
        13 => aws.metric_dimensions("AWS/WAFV2", "AllowedRequests", &[], lane).await.map(drop),
        14..=15 => aws.log_query(GROUP, "stats count(*) as requests by status", from, now, lane).await.map(drop),
        16 => aws.metric_filters(GROUP, lane).await.map(drop),
        17 => aws.draft_api(&api, lane).await.map(drop),
        18 => aws.deployments(&api, lane).await.map(drop),
        19 => aws.export(&api, "prod", lane).await.map(drop),
        20 => aws.draft_methods(&api, lane).await.map(drop),
        _ => aws.identity(lane).await.map(drop),
    };
    said.map_err(|error| error.to_string())
}

/// What rests on many reads: the board, the sources, a plan.
async fn whole(world: &World, known: &StageDetail, n: u64) -> Result<(), String> {
    match n % 3 {
        0 => {
            let board = read_board(&world.aws, &Settings::default(), &Beliefs::default())
                .await
                .map_err(|error| error.to_string())?;
            for row in &board.stages {
                let f = &row.figures;
                let figures = [
                    &f.requests_per_second,
                    &f.client_error_share,
                    &f.server_error_share,
                    &f.latency_p99_ms,
                    &f.waf_allowed_per_second,
                    &f.waf_blocked_per_second,
                    &f.throttled_per_second,
                    &f.limit_used_share,
                ];
                assert!(figures.iter().all(|figure| is_honest(figure)), "{figures:?}");
            }
            Ok(())
        }
        1 => {
            let (stage, settings) = (&known.id, Settings::default());
            let (acl, log) = (known.web_acl_arn.as_deref(), Ok(known.access_log.as_ref()));
            let (kind, began) = (ApiKind::Rest, None);
            let asked = CallersOf {
                stage,
                kind,
                web_acl_arn: acl,
                stages_behind: 1,
                access_log: log,
                meter: &portcullis::watch::Meter::default(),
                began,
                known: None,
                blocked: None,
            };
            let found = callers(&world.aws, &settings, asked).await.map_err(|error| error.to_string())?;
            assert!(found.sources.iter().all(|source| source.share.is_none_or(f64::is_finite)), "{found:?}");
            Ok(())
        }
        _ => {
            let action = Action::BlockIp(block(&["203.0.113.7/32"]));
            world.try_action(&action).await.map(drop).map_err(|error| error.to_string())
        }
    }
}

fn is_honest(figure: &Figure) -> bool {
    figure.value().is_none_or(f64::is_finite) && figure.reason().is_none_or(|reason| !reason.is_empty())
}

#[tokio::test(start_paused = true)]
async fn damaged_answers_of_aws_are_errors_with_words_or_figures_that_are_numbers() {
    let tokens = [
        "null",
        "{}",
        "[]",
        "\"",
        "\\",
        ":",
        ",",
        "\"\"",
        "true",
        "\u{0}",
        "é",
        "\u{7f}",
        "9007199254740993",
        "<Error>",
        "\"__type\":\"WAFInternalErrorException\",",
        "\"nextToken\":\"x\",",
        "-0",
        "2026-13-99T99:99:99Z",
    ];
    let world = quiet().await;
    let selector = "accounts/prod".parse().unwrap();
    let known = stage_of_any(&world.aws, &selector, Lane::Plan).await.unwrap().0;
    // How many answers were damaged; every so many-th of those that come is.
    let (done, every) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(1)));
    let (counter, rhythm) = (Arc::clone(&done), Arc::clone(&every));
    let mut draw = Draw::of(11);
    world.range.rewrite_answers(move |mut answer| {
        let every = rhythm.load(Ordering::Relaxed);
        // Who one is stands before everything else: it is damaged by itself, not in the way of a plan.
        let identity = every > 1 && answer.body().starts_with(b"<");
        if every == 0 || identity || !draw.next().is_multiple_of(every) {
            return answer;
        }
        counter.fetch_add(1, Ordering::Relaxed);
        let body = damaged(&mut draw, answer.body(), &tokens);
        answer.headers_mut().remove("content-length");
        *answer.body_mut() = Bytes::from(body);
        answer
    });
    let inputs = draws(1_500);
    let (mut errors, mut answers) = (0_u64, 0_u64);
    let mut n = 0;
    while done.load(Ordering::Relaxed) < inputs {
        let flow = n % 60 == 0;
        every.store(if flow { 12 } else { 1 }, Ordering::Relaxed);
        let work = async { if flow { whole(&world, &known, n / 60).await } else { read(&world, n).await } };
        let said = tokio::time::timeout(Duration::from_hours(1), work).await.unwrap_or_else(|_| panic!("{n} hangs"));
        match said {
            Ok(()) => answers += 1,
            Err(words) => {
                errors += 1;
                assert!(!words.trim().is_empty(), "{n}: no words");
            }
        }
        n += 1;
    }
    println!("{inputs} damaged answers in {n} reads: {answers} gave something, {errors} an error");
    assert!(answers > inputs / 20 && errors > inputs / 20, "{answers} answers, {errors} errors");
}
