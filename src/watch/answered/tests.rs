#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::net::IpAddr;

use super::pool::{ByAddress, ByMethod, Tally};
use super::*;
use crate::aws::Problem;
use crate::aws::read::MOST_ROWS;
use crate::model::stage::{AccessLog, StageId};

fn names() -> Names {
    let kind = Some(["method".to_owned(), "path".to_owned()]);
    Names { address: "ip".to_owned(), status: "status".to_owned(), kind }
}

fn rows(list: &[&[(&str, &str)]]) -> LogRows {
    let row = |pairs: &&[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    LogRows { rows: list.iter().map(row).collect(), records_scanned: 0.0, bytes_scanned: 0.0 }
}

fn answers(list: &[(&str, &str, &str)]) -> LogRows {
    let row = |(ip, status, n): &(&str, &str, &str)| {
        let pairs = [("ip", *ip), ("status", *status), ("requests", *n)];
        pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().collect::<HashMap<_, _>>()
    };
    LogRows { rows: list.iter().map(row).collect(), records_scanned: 0.0, bytes_scanned: 0.0 }
}

fn read(list: &[(&str, &str, &str)]) -> ByAddress {
    by_address(&answers(list), &names()).unwrap()
}

#[test]
fn callers_of_before_are_told_from_everybody_else() {
    let before = read(&[("198.51.100.1", "200", "90"), ("198.51.100.1", "404", "10"), ("198.51.100.2", "200", "200")]);
    let before = Before::of(&before, ByMethod::new(), 30.0).unwrap();
    assert!((before.per_minute - 10.0).abs() < 1e-9 && (before.ok_share - 290.0 / 300.0).abs() < 1e-9);
    let now = read(&[
        ("198.51.100.1", "200", "3"),
        ("::ffff:198.51.100.2", "429", "7"),
        ("203.0.113.9", "200", "80"),
        ("203.0.113.9", "403", "20"),
    ]);
    let pool = Pool::of(&now, (&ByMethod::new(), true), 1.0, &before, None);
    assert_eq!(pool.known, Tally { callers: 2.0, requests: 10.0, ok: 3.0, turned_away: 7.0 });
    assert_eq!(pool.others, Tally { callers: 1.0, requests: 100.0, ok: 80.0, turned_away: 20.0 });
    assert!((pool.others_share() - 100.0 / 110.0).abs() < 1e-9 && (pool.others_answered() - 80.0 / 110.0).abs() < 1e-9);
    assert_eq!(pool.followers, None, "nothing says who was there before a block");
}

#[test]
fn a_log_that_does_not_tell_enough_tells_nothing() {
    let hidden = by_address(&answers(&[("198.51.100.1", "200", "90"), ("-", "200", "10")]), &names());
    assert!(hidden.unwrap_err().contains("do not say who called"));
    let one = answers(&[("198.51.100.1", "200", "1")]).rows.remove(0);
    let crowd = LogRows { rows: vec![one; MOST_ROWS], records_scanned: 0.0, bytes_scanned: 0.0 };
    assert!(by_address(&crowd, &names()).unwrap_err().contains("more callers"));
    let failed = read(&[("198.51.100.1", "500", "90")]);
    assert_eq!(Before::of(&failed, ByMethod::new(), 30.0), None, "of whom nobody was answered nothing is missed");
}

#[test]
fn an_attacker_who_knocked_before_is_no_customer_for_it() {
    // One was refused, one looked around once, and the customer called as customers do.
    let before = read(&[("203.0.113.1", "403", "5"), ("203.0.113.2", "200", "1"), ("198.51.100.1", "200", "300")]);
    let before = Before::of(&before, ByMethod::new(), 30.0).unwrap();
    let now = read(&[("203.0.113.1", "403", "900"), ("203.0.113.2", "403", "900"), ("198.51.100.1", "200", "10")]);
    let pool = Pool::of(&now, (&ByMethod::new(), true), 1.0, &before, None);
    assert_eq!(pool.known, Tally { callers: 1.0, requests: 10.0, ok: 10.0, turned_away: 0.0 });
    assert!((pool.others.requests - 1_800.0).abs() < 1e-9);
}

#[test]
fn minutes_of_an_attack_before_are_no_minutes_of_before() {
    let at = |minute: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
    assert_eq!(calm((at(0), at(30)), None), (at(0), at(30)));
    assert_eq!(calm((at(0), at(30)), Some((at(-20), at(9)))), (at(10), at(30)));
    assert_eq!(calm((at(0), at(30)), Some((at(-20), at(28)))), (at(0), at(30)), "too little is left to tell anything");
}

#[test]
fn followers_are_new_since_the_block_busy_and_get_past() {
    let before = read(&[("198.51.100.1", "200", "300"), ("198.51.100.2", "200", "300")]);
    let before = Before::of(&before, ByMethod::new(), 30.0).unwrap();
    let attackers: HashSet<IpAddr> = ["203.0.113.1".parse().unwrap()].into();
    let now = read(&[
        // A caller of before, one of the first attackers, two who moved, one who is turned away, a new customer.
        ("198.51.100.1", "200", "900"),
        ("203.0.113.1", "403", "900"),
        ("203.0.113.2", "200", "600"),
        ("203.0.113.3", "500", "600"),
        ("203.0.113.4", "403", "600"),
        ("198.51.100.9", "200", "20"),
        // A busy newcomer sends no more in a minute than the busiest have sent in half an hour.
        ("198.51.100.8", "200", "250"),
    ]);
    let pool = Pool::of(&now, (&ByMethod::new(), true), 1.0, &before, Some(&attackers));
    let followers = pool.followers.unwrap();
    assert_eq!(followers.sources, 2);
    assert!((followers.per_second - 20.0).abs() < 1e-9, "{followers:?}");
}

#[test]
fn the_worst_method_is_the_one_that_lost_most_of_what_it_had() {
    let methods = |list: &[(&str, &str, &str, &str)]| {
        let rows_of: Vec<Vec<(&str, &str)>> = list
            .iter()
            .map(|(m, p, s, n)| vec![("method", *m), ("path", *p), ("status", *s), ("requests", *n)])
            .collect();
        by_method(&rows(&rows_of.iter().map(Vec::as_slice).collect::<Vec<_>>()), &names())
    };
    let before = methods(&[
        ("GET", "/items", "200", "900"),
        ("POST", "/login", "200", "90"),
        ("POST", "/login", "401", "10"),
        ("GET", "/probe", "404", "400"),
    ]);
    let callers = read(&[("198.51.100.1", "200", "300")]);
    let before = Before::of(&callers, before, 30.0).unwrap();
    let now = methods(&[
        ("GET", "/items", "200", "900"),
        ("POST", "/login", "200", "10"),
        ("POST", "/login", "429", "80"),
        // It never answered well, nothing is known of it from before, and too few of it came.
        ("GET", "/probe", "404", "400"),
        ("GET", "/new", "500", "400"),
        ("GET", "/rare", "500", "4"),
    ]);
    let worst = Pool::of(&callers, (&now, false), 1.0, &before, None).worst.unwrap();
    assert_eq!((worst.method.as_str(), worst.usually), ("POST /login", 0.9));
    assert!((worst.answered - 1.0 / 9.0).abs() < 1e-9);
}

#[test]
fn all_since_the_beginning_is_asked_again_where_aws_failed_and_unknown_where_it_is_too_long() {
    let at = |minute: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
    let stage = StageId { api_id: "a1".into(), api_name: "shop".into(), stage: "prod".into() };
    let log = AccessLog {
        destination: "arn:aws:logs:eu-central-1:111122223333:log-group:prod".into(),
        format: r#"{"ip":"$context.identity.sourceIp","status":"$context.status"}"#.into(),
    };
    let job = |from, to| Job {
        row: ("shop".into(), "prod".into(), "a1".into()),
        began: at(0),
        log: Log::of(&stage, &log).unwrap(),
        names: names(),
        now: None,
        before: None,
        block: None,
        blocked: None,
        total: Some(sum::SumOf { window: (at(from), at(to)), usual: 100.0, counted: 0.0 }),
    };
    let answer = |total: Vec<_>| Answer { now: None, before: None, blocked: None, total };
    let before = Before::of(&read(&[("198.51.100.1", "200", "300")]), ByMethod::new(), 30.0).unwrap();
    let mut answered = Answered { before: Some(Ok(Arc::new(before))), ..Answered::new(at(0), at(13)) };
    let failed = AwsError::new("StartQuery", "prod", Problem::Unreadable("no query id in it".to_owned()));
    answered.take(&job(0, 10), &answer(vec![Err(failed)])).unwrap();
    assert!(answered.total(at(12)).unwrap_err().contains("no query id"));
    assert_eq!(answered.total, None, "the next question is of the same minutes");
    let flood = [("198.51.100.1", "200", "100"), ("203.0.113.9", "200", "80"), ("203.0.113.9", "403", "820")];
    answered.take(&job(0, 10), &answer(vec![Ok(answers(&flood))])).unwrap();
    answered.total_trouble = None;
    assert_eq!(answered.total(at(12)), Ok((80.0, (at(0), at(10)))));
    let one = answers(&flood).rows.remove(0);
    let crowd = LogRows { rows: vec![one; MOST_ROWS], records_scanned: 0.0, bytes_scanned: 0.0 };
    // By caller, and by caller of what was answered, there may be few enough.
    let count = |list: &[(&str, &str)]| {
        let pairs = |(ip, n): &(&str, &str)| rows(&[&[("ip", *ip), ("requests", *n)]]).rows.remove(0);
        LogRows { rows: list.iter().map(pairs).collect(), records_scanned: 0.0, bytes_scanned: 0.0 }
    };
    let all = count(&[("198.51.100.1", "90"), ("::ffff:203.0.113.9", "910")]);
    let well = count(&[("198.51.100.1", "90"), ("203.0.113.9", "20")]);
    answered.take(&job(10, 20), &answer(vec![Ok(crowd.clone()), Ok(all), Ok(well.clone())])).unwrap();
    assert_eq!(answered.total(at(22)), Ok((100.0, (at(0), at(20)))));
    answered.take(&job(20, 30), &answer(vec![Ok(crowd.clone()), Ok(crowd), Ok(well)])).unwrap();
    assert!(answered.total(at(32)).unwrap_err().contains("more callers"));
}
