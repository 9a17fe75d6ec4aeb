#![allow(clippy::unwrap_used)]
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::draws::draws;

const SLOW: Quota = Quota::WafSlowRead("ListResourcesForWebACL");
const WRITES: Quota = Quota::WafWrite("UpdateIPSet");

fn pace() -> Pace {
    Pace::with_chance(AccountClock::new(DateTime::UNIX_EPOCH, 1.0), Box::new(|| 0.5))
}

#[tokio::test(start_paused = true)]
async fn polling_takes_at_most_half_of_the_rate() {
    let pace = pace();
    let start = Instant::now();
    for _ in 0..120 {
        pace.turn(Quota::ApiGateway, Lane::Poll).await;
    }
    // Twenty at once, a hundred more at five a second.
    let seconds = start.elapsed().as_secs_f64();
    assert!((19.9..21.0).contains(&seconds), "{seconds}");
    let before = Instant::now();
    pace.turn(Quota::ApiGateway, Lane::Plan).await;
    assert_eq!(before.elapsed(), Duration::ZERO, "a plan's read must not wait behind polling");
}

/// Sends calls for `lanes` one after another, each when it is waiting after those before it, and gives the order in
/// which they went.
async fn order(pace: &Arc<Pace>, quota: Quota, lanes: &[Lane]) -> Vec<usize> {
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for (number, lane) in lanes.iter().copied().enumerate() {
        let (pace, order) = (Arc::clone(pace), Arc::clone(&order));
        tasks.push(tokio::spawn(async move {
            pace.turn(quota, lane).await;
            order.lock().unwrap().push(number);
        }));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    Arc::into_inner(order).unwrap().into_inner().unwrap()
}

#[tokio::test(start_paused = true)]
async fn calls_go_by_lane_and_then_as_they_came() {
    use Lane::{Plan, Write};
    let pace = Arc::new(pace());
    pace.turn(WRITES, Write).await;
    pace.turn(WRITES, Write).await;
    assert_eq!(order(&pace, WRITES, &[Plan, Plan, Write, Plan, Write]).await, [2, 4, 0, 1, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_not_starved_by_polling_however_much_of_it_waits() {
    let pace = Arc::new(pace());
    let polls: Vec<_> = (0..200)
        .map(|_| {
            let pace = Arc::clone(&pace);
            tokio::spawn(async move { pace.turn(SLOW, Lane::Poll).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let start = Instant::now();
    for _ in 0..5 {
        pace.turn(SLOW, Lane::Plan).await;
    }
    // What polling left is there at once; the rest comes at one a second.
    let seconds = start.elapsed().as_secs_f64();
    assert!(seconds <= 4.1, "{seconds}");
    polls.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_leaves_the_queue() {
    let pace = pace();
    pace.turn(WRITES, Lane::Write).await;
    pace.turn(WRITES, Lane::Write).await;
    let gone = tokio::time::timeout(Duration::from_millis(1), pace.turn(WRITES, Lane::Write)).await;
    assert!(gone.is_err());
    pace.with_bucket((WRITES, false), |bucket| assert_eq!(bucket.waiting(), 0));
    let start = Instant::now();
    pace.turn(WRITES, Lane::Plan).await;
    assert!(start.elapsed() <= Duration::from_millis(1_010), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_next_goes_at_once_when_the_first_is_cancelled() {
    let pace = Arc::new(pace());
    pace.turn(SLOW, Lane::Plan).await;
    pace.turn(SLOW, Lane::Plan).await;
    let spawn = |lane| {
        let pace = Arc::clone(&pace);
        tokio::spawn(async move { pace.turn(SLOW, lane).await })
    };
    let (first, second) = (spawn(Lane::Write), spawn(Lane::Plan));
    tokio::time::sleep(Duration::from_millis(990)).await;
    first.abort();
    let start = Instant::now();
    second.await.unwrap();
    assert!(start.elapsed() <= Duration::from_millis(20), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_empties_the_bucket_and_the_call_keeps_its_place() {
    let pace = Arc::new(pace());
    let mut caller = pace.caller(SLOW, Lane::Plan);
    pace.wait(&mut caller, None).await.unwrap();
    // One was left by our own reckoning; others have taken it.
    pace.refused(&mut caller);
    let later = {
        let pace = Arc::clone(&pace);
        tokio::spawn(async move {
            pace.turn(SLOW, Lane::Plan).await;
            Instant::now()
        })
    };
    tokio::time::sleep(Duration::from_millis(1)).await;
    let start = Instant::now();
    pace.wait(&mut caller, None).await.unwrap();
    let mine = Instant::now();
    assert!((mine - start).as_secs_f64() > 0.9, "{:?}", mine - start);
    assert!(later.await.unwrap() > mine, "whoever came later goes later");
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_where_patience_does() {
    let pace = pace();
    let mut caller = pace.caller(Quota::CreateDeployment, Lane::Plan);
    pace.wait(&mut caller, None).await.unwrap();
    let (start, mut next) = (Instant::now(), pace.caller(Quota::CreateDeployment, Lane::Plan));
    let until = start + Duration::from_secs(2);
    assert_eq!(pace.wait(&mut next, Some(until)).await, Err(TooLate));
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    pace.with_bucket((Quota::CreateDeployment, false), |bucket| assert_eq!(bucket.waiting(), 0));
    // What need not wait is not late.
    let mut other = pace.caller(SLOW, Lane::Plan);
    assert_eq!(pace.wait(&mut other, Some(start)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn what_is_waited_for_is_told_past_half_a_second_and_when_it_is_over() {
    let pace = Arc::new(pace());
    let mut waits = pace.waits();
    pace.turn(SLOW, Lane::Plan).await;
    pace.turn(SLOW, Lane::Plan).await;
    let start = Instant::now();
    let three = {
        let pace = Arc::clone(&pace);
        tokio::spawn(async move {
            for _ in 0..3 {
                pace.turn(SLOW, Lane::Plan).await;
            }
        })
    };
    let told = waits.next().await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_millis(500));
    assert_eq!(told.to_string(), "waiting for WAF's ListResourcesForWebACL quota (1 a second)…");
    assert_eq!(waits.next().await, None, "told once, though three calls wait");
    three.await.unwrap();
    let seconds = start.elapsed().as_secs_f64();
    assert!((3.0..3.5).contains(&seconds), "{seconds}");
    // Polling's waits are nobody's business.
    pace.turn(SLOW, Lane::Poll).await;
    let polled = tokio::spawn({
        let pace = Arc::clone(&pace);
        async move { pace.turn(SLOW, Lane::Poll).await }
    });
    assert!(tokio::time::timeout(Duration::from_secs(1), waits.next()).await.is_err());
    polled.abort();
}

fn bucket(quota: Quota) -> (Bucket, f64, DateTime<Utc>) {
    let (rate, burst) = quota.limits();
    (Bucket::new(rate, burst, DateTime::UNIX_EPOCH), rate, DateTime::UNIX_EPOCH)
}

const QUOTAS: [Quota; 6] = [
    Quota::ApiGateway,
    Quota::CreateDeployment,
    Quota::Resources,
    Quota::WafRead("GetSampledRequests"),
    SLOW,
    Quota::WebAclAssociation("AssociateWebACL"),
];

fn rank(number: u64) -> Rank {
    Rank { lane: Lane::Plan, number }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: draws(3_000), ..ProptestConfig::default() })]

    /// However often AWS says no and whatever the dice: the next try comes after half a token's time at the least, and
    /// no later than one and a half times the longest pause.
    #[test]
    fn a_pause_is_bounded(which in 0..QUOTAS.len(), chances in prop::collection::vec(0.0..=1.0_f64, 1..12)) {
        let (mut bucket, rate, mut now) = bucket(QUOTAS[which]);
        for (number, chance) in (0..).zip(chances) {
            while bucket.take(rank(number), 0.0).is_err() {
                now += TimeDelta::milliseconds(50);
                bucket.fill(now);
            }
            bucket.refused(bucket.refusals(), 0, chance);
            let pause = bucket.take(rank(number), 0.0).unwrap_err().unwrap().as_seconds_f64();
            prop_assert!(pause >= 0.5 / rate - 1e-5, "{pause}");
            prop_assert!(pause <= 1.5 * (1.0 / rate).max(5.0) + 1e-5, "{pause}");
        }
    }

    /// A wave of calls that were under way together and are all turned away is one refusal.
    #[test]
    fn a_wave_of_refusals_counts_once(which in 0..QUOTAS.len(), wave in 1..40_usize, chance in 0.0..=1.0_f64) {
        let (mut bucket, rate, _) = bucket(QUOTAS[which]);
        let sent_at = bucket.refusals();
        for _ in 0..wave {
            bucket.refused(sent_at, 0, chance);
        }
        prop_assert_eq!(bucket.refusals(), 1);
        let pause = bucket.take(rank(0), 0.0).unwrap_err().unwrap().as_seconds_f64();
        prop_assert!(pause <= 1.5 / rate + 1e-5, "{pause}");
    }

    /// No burst and no rate is ever exceeded, whatever the order of asking, waiting and being refused, and tokens never
    /// go backwards but by a call or a refusal.
    #[test]
    fn no_more_calls_than_the_quota_allows(which in 0..QUOTAS.len(), steps in prop::collection::vec((0..4_u8, 0..3_000_i64), 1..60)) {
        let (rate, burst) = QUOTAS[which].limits();
        let (mut bucket, _, start) = bucket(QUOTAS[which]);
        let (mut now, mut taken) = (start, 0_u32);
        for (number, (step, millis)) in (0..).zip(steps) {
            match step {
                0 => now += TimeDelta::milliseconds(millis),
                1 => bucket.refused(bucket.refusals(), 0, 0.0),
                2 => bucket.accepted(bucket.refusals()),
                _ => taken += u32::from(bucket.take(rank(number), 0.0).is_ok()),
            }
            bucket.fill(now);
            let most = burst + (now - start).as_seconds_f64() * rate;
            prop_assert!(f64::from(taken) <= most + 1e-3, "{taken} of {most}");
        }
    }

    /// Whoever is first in lane order is served first, whoever else waits.
    #[test]
    fn the_first_in_line_is_served_first(lanes in prop::collection::vec(0..3_u8, 1..30)) {
        let (mut bucket, _, mut now) = bucket(SLOW);
        let lane = |n: u8| [Lane::Write, Lane::Plan, Lane::Poll][usize::from(n)];
        let ranks: Vec<Rank> = (0..).zip(&lanes).map(|(number, n)| Rank { lane: lane(*n), number }).collect();
        for rank in &ranks {
            bucket.join(*rank);
        }
        let mut sorted = ranks.clone();
        sorted.sort();
        for expected in sorted {
            now += TimeDelta::seconds(2);
            bucket.fill(now);
            // Nobody behind the first gets anything, though there is enough.
            for rank in ranks.iter().filter(|rank| **rank > expected) {
                prop_assert_eq!(bucket.take(*rank, 0.0), Err(None));
            }
            prop_assert_eq!(bucket.take(expected, 0.0), Ok(()));
            bucket.leave(expected);
        }
    }
}

#[test]
fn pauses_double_while_it_goes_on_and_an_accepted_call_ends_that() {
    let (mut bucket, ..) = bucket(SLOW);
    let mut now = DateTime::UNIX_EPOCH;
    let mut pause = |bucket: &mut Bucket| {
        now += TimeDelta::seconds(60);
        bucket.fill(now);
        bucket.take(rank(0), 0.0).unwrap();
        bucket.refused(bucket.refusals(), 0, 0.5);
        bucket.take(rank(0), 0.0).unwrap_err().unwrap().num_milliseconds()
    };
    let pauses: Vec<i64> = (0..4).map(|_| pause(&mut bucket)).collect();
    assert_eq!(pauses, [1_000, 2_000, 4_000, 4_000]);
    bucket.accepted(bucket.refusals());
    assert_eq!(pause(&mut bucket), 1_000);
}

#[test]
fn what_is_sent_for_minutes_comes_back_more_and_more_slowly_whatever_else_is_accepted() {
    for (quota, expected) in [
        (Quota::ApiGateway, [100, 200, 400, 800, 1_600, 3_200, 6_400, 8_000, 8_000]),
        (SLOW, [1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000, 8_000, 8_000]),
        (Quota::CreateDeployment, [5_000, 10_000, 20_000, 20_000, 20_000, 20_000, 20_000, 20_000, 20_000]),
    ] {
        let (mut bucket, _, mut now) = bucket(quota);
        for (again, expected) in (0..).zip(expected) {
            now += TimeDelta::seconds(60);
            bucket.fill(now);
            bucket.take(rank(0), 0.0).unwrap();
            bucket.refused(bucket.refusals(), again, 0.5);
            assert_eq!(bucket.take(rank(0), 0.0).unwrap_err().unwrap().num_milliseconds(), expected, "{quota}");
            bucket.accepted(bucket.refusals());
        }
    }
}

#[test]
fn chance_is_spread_between_nought_and_one() {
    let (one, other) = (chance(), chance());
    let drawn: Vec<f64> = (0..1_000).map(|_| one()).collect();
    assert!(drawn.iter().all(|value| (0.0..=1.0).contains(value)));
    let mean = drawn.iter().sum::<f64>() / 1_000.0;
    assert!((0.45..0.55).contains(&mean), "{mean}");
    assert!((0..10).any(|n| (drawn[n] - other()).abs() > f64::EPSILON), "two consoles draw differently");
}
