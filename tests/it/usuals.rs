//! What is usual on an attacked stage: frozen at the beginning, the same in every process, and the time of day's after
//! an hour.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::aws::Lane;
use portcullis::incident::Event;
use portcullis::model::action::Action;
use portcullis::model::attack::Attacks;
use portcullis::model::belief::Beliefs;
use portcullis::model::board::{Board, Known, StageRow};
use portcullis::model::callers::{CallersBefore, CallersKey, KEY_BYTES, KnownCallers};
use portcullis::model::plan::{Outcome, Verdict};
use portcullis::model::signal::Severity;
use portcullis::model::source::{Legitimacy, Sources};
use portcullis::model::usual::{UsualFrom, UsualOf, Usuals};
use portcullis::respond::desk::{Desk, Wish};
use portcullis::watch::{CallersOf, Watcher, callers, callers_before, read_board, stage_report};
use tokio::sync::watch::Receiver;

use crate::watch::{board_with, row};
use crate::world::{World, block, flood};

const SHOP: &str = "shop/prod";

/// What an attack is known to have: the cache is none of this stage's.
const KNOWN: [UsualOf; 7] = [
    UsualOf::Requests,
    UsualOf::Answers,
    UsualOf::MedianLatency,
    UsualOf::Latency,
    UsualOf::IntegrationLatency,
    UsualOf::Blocked,
    UsualOf::Cost,
];

fn usuals(board: &Board) -> &Usuals {
    row(board, SHOP).usuals.as_ref().expect("an attack is believed in")
}

fn value(usuals: &Usuals, of: UsualOf) -> f64 {
    usuals.figure(of).value().unwrap_or_else(|| panic!("{of:?}: {:?}", usuals.figure(of).reason()))
}

fn values(usuals: &Usuals) -> Vec<f64> {
    KNOWN.iter().map(|of| value(usuals, *of)).collect()
}

/// Blocks all forty attackers; gives when the attack began, as it is pinned by that.
async fn block_all(world: &World, desk: &Desk) -> DateTime<Utc> {
    let attackers = world.range.with(|range| range.senders("botnet"));
    let names: Vec<String> = attackers.into_iter().map(|(address, _)| address.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let proposal = desk.plan(&Wish::Action(Action::BlockIp(block(&names)))).await.unwrap();
    let shown = proposal.plan().clone();
    let agreed = Desk::agreed(proposal, &shown.phrase(), Some(&shown)).unwrap();
    let carried = desk.carry_out(agreed, None, &mut |_| {}).await.unwrap();
    assert_eq!(carried.finished.outcome, Outcome::Done);
    let stage = portcullis::respond::resolve::stage_of_any(&world.aws, &SHOP.parse().unwrap(), Lane::Plan).await;
    desk.attack_on(&stage.unwrap().0.id).await.unwrap().expect("it is pinned").began
}

/// The first board of a minute that lies so many after `began`.
async fn minutes_after(boards: &mut Receiver<Arc<Board>>, began: DateTime<Utc>, minutes: i64) -> Arc<Board> {
    let at = began + TimeDelta::minutes(minutes);
    let read = |row: &StageRow| row.figures.requests_per_second.reading().is_some_and(|reading| reading.at > at);
    board_with(boards, 120, |board| board.at >= at && read(row(board, SHOP))).await
}

#[tokio::test(start_paused = true)]
async fn what_is_usual_stays_as_it_was_before_the_attack_and_after_the_block() {
    let world = flood(60.0).await;
    let watcher = Watcher::start(world.aws.clone(), Arc::new(world.settings.clone()));
    let mut boards = watcher.boards();
    let attacked = |row: &StageRow| row.signals.iter().any(|signal| signal.severity == Severity::Attack);
    board_with(&mut boards, 60, |board| board.stages.iter().any(|row| row.id.label() == SHOP && attacked(row))).await;
    let desk = world.desk();
    let began = block_all(&world, &desk).await;
    watcher.believe(desk.beliefs().await.unwrap());
    // What is read of an attacked stage only comes with the next poll.
    let whole = |usuals: &Usuals| KNOWN.iter().all(|of| usuals.figure(*of).value().is_some());
    let board = board_with(&mut boards, 60, |board| {
        row(board, SHOP).usuals.as_ref().is_some_and(|usuals| usuals.began == began && whole(usuals))
    })
    .await;
    let first = values(usuals(&board));
    let requests = first[0];
    assert!((3_000.0..9_000.0).contains(&requests), "a flood is several times that: {requests} a minute");
    for minutes in [10, 20, 30, 40, 50, 58] {
        let board = minutes_after(&mut boards, began, minutes).await;
        let usuals = usuals(&board);
        assert_eq!((usuals.began, usuals.from), (began, UsualFrom::HalfHourBefore), "{minutes}");
        assert_eq!(values(usuals), first, "after {minutes} minutes");
    }
    // By now what was read when the attack was seen lies in the past of whoever starts now.
    let known = desk.beliefs().await.unwrap();
    let other = read_board(&world.aws, &world.settings, &known).await.unwrap();
    assert_eq!(usuals(&other).began, began);
    for (again, first) in values(usuals(&other)).iter().zip(&first) {
        assert!((again - first).abs() <= first.abs() * 1e-6, "read anew: {again}, and {first}");
    }
    // After an hour the time of day counts: the range's weeks before are as its history was.
    let board = minutes_after(&mut boards, began, 75).await;
    let later = usuals(&board);
    assert_eq!(later.from, UsualFrom::WeeksBefore);
    for (of, first) in KNOWN.into_iter().zip(&first) {
        let now = value(later, of);
        assert!((now - first).abs() <= first * 0.25, "{of:?}: {now} after an hour, {first} before");
    }
    let other = read_board(&world.aws, &world.settings, &known).await.unwrap();
    assert_eq!(usuals(&other).from, UsualFrom::WeeksBefore);
    assert!(value(usuals(&other), UsualOf::Requests) > 0.0);
    in_depth_is_compared_with_before_the_attack(&world, &known, began).await;
}

/// Behind a perfect block the metrics show no attack any more, and after three hours none of the time before it: the
/// report of the stage goes by what is pinned, and reads as far back.
async fn in_depth_is_compared_with_before_the_attack(world: &World, known: &Beliefs, began: DateTime<Utc>) {
    let (stage, kind) =
        portcullis::respond::resolve::stage_of_any(&world.aws, &SHOP.parse().unwrap(), Lane::Plan).await.unwrap();
    world.pass(125 * 60).await;
    assert!(world.aws.clock().now() > began + TimeDelta::minutes(195));
    let report = stage_report(&world.aws, &world.settings, (&stage.id, kind), &known.attacks).await;
    assert_eq!(report.attack, Known::Yes(known.attacks.on(&stage.id).cloned()));
    let Known::Yes(Some(waf)) = &report.waf else { panic!("{:?}", report.waf) };
    let from = began - TimeDelta::minutes(30);
    assert_eq!(
        waf.before,
        format!("median of {} to {}, before the attack", from.format("%H:%M"), began.format("%H:%M"))
    );
    let block = waf.in_the_way.iter().find(|rule| rule.rule == "blocklist").expect("the forty knock on");
    let (now, before) = (block.stopped_per_second.value().unwrap(), block.before_per_second.value().unwrap());
    assert!(now > 100.0 && before < 1.0, "{now}/s now, {before}/s before");
    let alone = stage_report(&world.aws, &world.settings, (&stage.id, kind), &Attacks::default()).await;
    assert_ne!(alone.attack, report.attack, "what the metrics alone say moves: else this test shows nothing");
}

#[tokio::test(start_paused = true)]
async fn a_correction_freezes_anew_and_an_end_freezes_nothing() {
    let world = flood(60.0).await;
    let watcher = Watcher::start(world.aws.clone(), Arc::new(world.settings.clone()));
    let mut boards = watcher.boards();
    world.pass(300).await;
    let desk = world.desk();
    let began = block_all(&world, &desk).await;
    watcher.believe(desk.beliefs().await.unwrap());
    let of = |began: DateTime<Utc>| {
        move |board: &Board| {
            let row = board.stages.iter().find(|row| row.id.label() == SHOP);
            row.and_then(|row| row.usuals.as_ref()).is_some_and(|usuals| usuals.began == began)
        }
    };
    let board = board_with(&mut boards, 60, of(began)).await;
    let stage = row(&board, SHOP).id.clone();
    let corrected = began - TimeDelta::minutes(10);
    desk.attack_began(&stage, corrected, None).await.unwrap();
    watcher.believe(desk.beliefs().await.unwrap());
    let board = board_with(&mut boards, 60, of(corrected)).await;
    assert!(value(usuals(&board), UsualOf::Requests) > 0.0);
    desk.attack_ended(&stage, world.aws.clock().now()).await.unwrap();
    watcher.believe(desk.beliefs().await.unwrap());
    let none = |board: &Board| row(board, SHOP).usuals.is_none();
    board_with(&mut boards, 60, none).await;
    // The same signals may stand for a while: they are no new attack.
    let board = minutes_after(&mut boards, began, 25).await;
    assert!(none(&board));
}

/// What `sources` find by what the desk believes and keeps.
async fn found(world: &World, desk: &Desk, known: Option<&KnownCallers>) -> Sources {
    let (stage, kind) =
        portcullis::respond::resolve::stage_of_any(&world.aws, &SHOP.parse().unwrap(), Lane::Plan).await.unwrap();
    let asked = CallersOf {
        stage: &stage.id,
        kind,
        web_acl_arn: stage.web_acl_arn.as_deref(),
        stages_behind: 1,
        // Without the log samples alone tell who was there, and those are gone after three hours.
        access_log: Ok(None),
        meter: &portcullis::watch::Meter::default(),
        began: desk.attack_on(&stage.id).await.unwrap().map(|attack| attack.began),
        known,
        blocked: None,
    };
    callers(&world.aws, &world.settings, asked).await.unwrap()
}

#[allow(clippy::unnecessary_wraps)]
fn fresh() -> Option<CallersKey> {
    Some(CallersKey::new([7; KEY_BYTES]))
}

#[tokio::test(start_paused = true)]
async fn who_called_before_is_known_when_the_samples_are_gone() {
    let world = flood(600.0).await;
    let desk = world.desk();
    world.pass(300).await;
    let began = block_all(&world, &desk).await;
    let stage = portcullis::respond::resolve::stage_of_any(&world.aws, &SHOP.parse().unwrap(), Lane::Plan).await;
    let stage = stage.unwrap().0;
    // What the console asks for by itself, and what is read with the sources.
    let read = callers_before(&world.aws, stage.web_acl_arn.as_deref().unwrap(), began, None).await.unwrap();
    assert!(read.sources.is_empty() && read.gone.len() > 3, "{:?}", read.gone);
    let asked = found(&world, &desk, None).await;
    let stage = stage.id;
    let kept = desk.keep_callers((&stage, Some(began)), &asked, fresh).await.unwrap();
    assert!(!kept, "samples of now beside them do not say how many are of before");
    let other = Some(began - TimeDelta::minutes(3));
    assert!(!desk.keep_callers((&stage, other), &read, fresh).await.unwrap(), "they were read for another beginning");
    assert_eq!(desk.callers_before(&stage).await.unwrap(), None);
    assert!(desk.keep_callers((&stage, Some(began)), &read, fresh).await.unwrap());
    assert!(
        !world.desk().keep_callers((&stage, Some(began)), &read, fresh).await.unwrap(),
        "whoever comes second writes nothing"
    );
    let before: Vec<IpAddr> = read.gone.iter().map(|(address, _)| *address).collect();
    assert!(before.len() > 3, "{}", before.len());

    // Three hours later WAF has no samples of then any more.
    world.pass(3 * 3_600).await;
    let desk = world.desk();
    let gone = found(&world, &desk, None).await;
    assert!(gone.sources.iter().all(|one| one.legitimacy == Legitimacy::Unknown));
    let known = desk.callers_before(&stage).await.unwrap().expect("it is kept");
    let told = found(&world, &desk, Some(&known)).await;
    let customers = told.sources.iter().filter(|one| one.legitimacy == Legitimacy::SeenBefore).count();
    assert!(customers > 3, "{customers} of {}", told.sources.len());
    let attackers: Vec<IpAddr> =
        world.range.with(|range| range.senders("botnet").into_iter().map(|(address, _)| address).collect());
    for one in told.sources.iter().filter(|one| attackers.contains(&one.address.to_canonical())) {
        assert_ne!(one.legitimacy, Legitimacy::SeenBefore, "{}", one.address);
    }
    assert!(told.missing.iter().any(|why| why.contains("the incident's record")), "{:?}", told.missing);
    // A block is judged by it as well: a customer's address stops, and so does what nobody can tell of.
    let customers = told.sources.iter().filter(|one| one.legitimacy == Legitimacy::SeenBefore);
    let customers: Vec<String> = customers.map(|one| one.address.to_string()).take(40).collect();
    for (targets, wanted, says) in [
        (customers.iter().map(String::as_str).collect(), Verdict::Stop, "come from callers seen before the attack"),
        (vec!["203.0.112.9"], Verdict::Pass, "0.0 % and at most"),
    ] {
        let plan = desk.plan(&Wish::Action(Action::BlockIp(block(&targets)))).await.unwrap();
        let guard = plan.plan().guards.iter().find(|guard| guard.id == "block-ip.legitimate-share").unwrap();
        assert_eq!(guard.verdict, wanted, "{targets:?}: {}", guard.reason);
        assert!(guard.reason.contains(says), "{}", guard.reason);
    }

    // No address stands in the journal, nor in an export; and after its time nobody can ask any more.
    let listed = &world.store.list().unwrap()[0];
    let journal = std::fs::read_to_string(&listed.journal).unwrap();
    let line = journal.lines().find(|line| line.contains("\"kind\":\"callers-before\"")).unwrap();
    assert!(before.iter().all(|address| !line.contains(&address.to_string())) && line.len() < 64 * 1024);
    let key = listed.journal.with_file_name("callers.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
    desk.attack_began(&stage, began - TimeDelta::minutes(5), None).await.unwrap();
    assert_eq!(desk.callers_before(&stage).await.unwrap(), None, "they are of another beginning");
    desk.attack_began(&stage, began, None).await.unwrap();
    assert!(desk.callers_before(&stage).await.unwrap().is_some());
    let later = began + TimeDelta::minutes(1);
    desk.attack_began(&stage, later, None).await.unwrap();
    let over = CallersBefore { until: world.aws.clock().now(), ..known.callers };
    let event = Event::CallersBefore { stage: stage.clone(), began: later, callers: Box::new(over) };
    world.incident().await.record(world.aws.clock().now(), &event).unwrap();
    assert_eq!(world.desk().callers_before(&stage).await.unwrap(), None);
    // Whatever has become of the incident, its key goes when its time is over.
    world.incident().await.record(world.aws.clock().now(), &Event::Closed {}).unwrap();
    assert!(key.exists());
    world.desk().reconcile().await.unwrap();
    assert!(!key.exists());
}
