//! What to block, as the console finds it, against who really attacks: the range knows, and no AWS client can ask it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use chrono::TimeDelta;
use portcullis::aws::{Aws, Connection, Endpoint, Lane, RangeHandle};
use portcullis::model::belief::Beliefs;
use portcullis::model::candidate::{CandidateSet, Candidates, Standing};
use portcullis::model::counted::CountedBy;
use portcullis::model::settings::Settings;
use portcullis::model::source::Sources;
use portcullis::model::stage::{ApiKind, StageId};
use portcullis::watch::candidate::{Caller, Rules, SIZES, candidates};
use portcullis::watch::{CallersOf, attack_began, callers, read_board};
use portcullis_range::Range;

const STUFFING: &str = include_str!("../../drills/credential-stuffing.toml");

/// Nine minutes in: seven of attack.
async fn nine_minutes_in() -> (RangeHandle, Aws) {
    let handle = RangeHandle::new(Range::from_scenario(STUFFING, None).unwrap(), 1.0);
    tokio::time::sleep(Duration::from_mins(9)).await;
    let connection = Connection { endpoint: Endpoint::Range(handle.clone()), ..Connection::default() };
    (handle.clone(), Aws::connect(&connection).await.unwrap())
}

async fn found(aws: &Aws, settings: &Settings) -> (StageId, Sources) {
    let board = read_board(aws, settings, &Beliefs::default()).await.unwrap();
    let row = board.stages.iter().find(|row| row.id.label() == "accounts/prod").unwrap();
    let stage = aws.stage_settings(&row.id.api_id, &row.id.stage, Lane::Plan).await.unwrap();
    let began = attack_began(aws, settings, &row.id, Some("accounts-acl")).await.unwrap();
    let asked = CallersOf {
        meter: &portcullis::watch::Meter::default(),
        stage: &row.id,
        kind: ApiKind::Rest,
        web_acl_arn: stage.web_acl_arn.as_deref(),
        stages_behind: 1,
        access_log: Ok(stage.access_log.as_ref()),
        began: Some(began.expect("the attack is seen")),
        known: None,
        blocked: None,
    };
    (row.id.clone(), callers(aws, settings, asked).await.unwrap())
}

/// Everybody who calls, with the side they are really on.
fn truth(handle: &RangeHandle) -> Vec<Caller> {
    let populations = [("stuffers", 420.0), ("customers", 80.0), ("customers-logging-in", 9.0)];
    let callers = populations.map(|(population, rate)| {
        let senders = handle.with(|range| range.senders(population));
        assert!(senders.len() > 100, "{population}");
        senders.into_iter().map(move |(address, part)| {
            let attack = population == "stuffers";
            Caller {
                address,
                standing: if attack { Standing::Attack } else { Standing::Legitimate },
                now_per_second: part * rate,
                before_per_second: if attack { 0.0 } else { part * rate },
            }
        })
    });
    callers.into_iter().flatten().collect()
}

/// What a set is really worth.
fn worth(set: &CandidateSet, truth: &[Caller], weight: f64) -> f64 {
    let share = |standing: Standing, rate: fn(&Caller) -> f64| {
        let all = truth.iter().filter(|caller| caller.standing == standing);
        let inside = |caller: &&Caller| set.prefixes.iter().any(|p| p.prefix.contains(&caller.address));
        all.clone().filter(inside).map(rate).sum::<f64>() / all.map(rate).sum::<f64>()
    };
    share(Standing::Attack, |c| c.now_per_second) - weight * share(Standing::Legitimate, |c| c.before_per_second)
}

/// The most that sets of at most so many prefixes are worth.
fn best(found: &Candidates, size: usize, truth: &[Caller], weight: f64) -> f64 {
    let small = found.sets.iter().filter(|set| set.prefixes.len() <= size);
    small.map(|set| worth(set, truth, weight)).fold(0.0, f64::max)
}

#[tokio::test(start_paused = true)]
async fn the_sets_for_credential_stuffing_are_as_good_as_if_it_were_known_who_attacks() {
    let (handle, aws) = nine_minutes_in().await;
    let mut settings = Settings::default();
    settings.guards.never_block = Some(vec!["192.0.2.16/28".parse().unwrap()]);
    let (stage, found) = found(&aws, &settings).await;
    let truth = truth(&handle);
    let rules = Rules::of(&settings, true);
    // Exact, and held against trying everything by a property of its own.
    let ideal = candidates(&truth, 509.0, &rules);
    assert!(!found.candidates.sets.is_empty(), "{:?} {:?}", found.candidates, found.missing);
    for size in SIZES {
        let possible = best(&ideal, size, &truth, rules.rest_weight);
        let ours = best(&found.candidates, size, &truth, rules.rest_weight);
        assert!(ours >= 0.95 * possible, "{size} prefixes: {ours} of {possible} that is possible");
    }
    // What is said of a set is what is true of it.
    for set in &found.candidates.sets {
        let said = set.attack_share - rules.rest_weight * set.legitimate_share.unwrap();
        let real = worth(set, &truth, rules.rest_weight);
        assert!((said - real).abs() <= 0.05, "{}: said {said}, is {real}", set.words());
    }
    assert!(found.candidates.classified.share > 0.95, "{:?}", found.candidates.classified);
    let log = found.log.as_ref().unwrap();
    assert_eq!(log.rose, ["POST /login"]);
    let minutes = (log.to - log.from).num_minutes();
    let happened: u64 = (0..minutes)
        .map(|n| handle.with(|range| range.truth().stage(&stage.label(), log.from + TimeDelta::minutes(n)).requests))
        .sum();
    let off = log.requests.abs_diff(happened) as f64 / happened as f64;
    assert!(off < 0.05, "{} lines of {happened} requests", log.requests);
    assert!(log.bytes_scanned > 0.0 && log.dollars > 0.0);
    assert!(found.sources.iter().all(|source| source.counted_by == CountedBy::AccessLog));
    let total: f64 = found.sources.iter().filter_map(|source| source.share).sum();
    assert!(total <= 1.0 + 1e-9, "nothing is counted twice: {total}");
}

#[tokio::test(start_paused = true)]
async fn without_the_access_log_the_rest_of_the_screen_works_and_says_what_is_lacking() {
    let (_, aws) = nine_minutes_in().await;
    let mut settings = Settings::default();
    settings.sources.ask_access_logs = false;
    let (_, found) = found(&aws, &settings).await;
    assert!(found.log.is_none() && !found.sources.is_empty());
    assert!(found.missing.iter().any(|line| line.contains("ask-access-logs")), "{:?}", found.missing);
    assert!(found.sources.iter().all(|source| source.counted_by == CountedBy::WafSamples));
    // No rule matches these attempts: samples alone cannot tell, and nothing is proposed.
    assert!(!found.candidates.sets.is_empty() || found.candidates.reason.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_nobody_can_be_asked_about_says_why_of_each_origin() {
    let (_, aws) = nine_minutes_in().await;
    let stage = StageId { api_id: "none".into(), api_name: "none".into(), stage: "prod".into() };
    let asked = CallersOf {
        meter: &portcullis::watch::Meter::default(),
        stage: &stage,
        kind: ApiKind::Rest,
        web_acl_arn: None,
        stages_behind: 1,
        access_log: Ok(None),
        began: None,
        known: None,
        blocked: None,
    };
    let error = callers(&aws, &Settings::default(), asked).await.unwrap_err().to_string();
    assert!(error.contains("no web ACL") && error.contains("access log"), "{error}");
}
