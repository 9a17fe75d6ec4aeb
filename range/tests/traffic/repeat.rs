//! Same seed, same drill.

use super::*;
use portcullis_range::state::Sample;

/// Everything that can be read of a range after some minutes.
fn reading(range: &Range) -> (Vec<String>, Vec<String>, Vec<(Sample, u64)>) {
    let account = range.account();
    let later = range.now() + Duration::hours(1);
    let mut books = Vec::new();
    for (stage, population) in range.truth().books() {
        for minute in 0..12 {
            let at = range.start() + Duration::minutes(minute - 3);
            books.push(format!("{stage} {population} {:?}", range.truth().population(stage, population, at)));
        }
    }
    let points = |key: &SeriesKey| {
        let id = account.metrics.find(key).unwrap();
        format!("{key:?} {:?}", account.metrics.read(id, range.start() - Duration::hours(1), later, later))
    };
    let metrics = account.metrics.list(None, later).into_iter().map(points).collect();
    let to = range.now();
    let samples = account.samples.draw(&acl_arn(range), "aws-sqli", to - Duration::minutes(1), to, 500).rows;
    (books, metrics, samples)
}

/// Runs to minute 6 in strides of so many milliseconds, blocking at minute 4 as a responder would.
fn run(strides_ms: &[i64], poll: bool) -> Range {
    let mut range = sqli_flood(0);
    let (opened, mut blocked) = (range.start(), false);
    let mut strides = strides_ms.iter().cycle();
    while range.now() < opened + Duration::minutes(6) {
        let block_at = opened + Duration::minutes(4);
        let next = range.now() + Duration::milliseconds(*strides.next().unwrap());
        let next = if blocked { next } else { next.min(block_at) };
        range.advance(next.min(opened + Duration::minutes(6)));
        if poll {
            let request = http::Request::get("/restapis").body(bytes::Bytes::new()).unwrap();
            let now = range.now();
            range.handle(request, None, now);
        }
        if !blocked && range.now() == block_at {
            blocked = true;
            write_blocklist(&mut range, &["203.0.113.0/25"]);
        }
    }
    range
}

#[test]
fn the_result_does_not_depend_on_who_polls_when() {
    let once = reading(&run(&[3_600_000], false));
    assert!(!once.2.is_empty(), "the reading must hold samples");
    for (strides, poll) in [(&[1_000][..], false), (&[370, 4_100, 1, 999, 13_000], true), (&[61_003], true)] {
        let chopped = reading(&run(strides, poll));
        assert_eq!(once.0, chopped.0, "truth, in strides of {strides:?} ms");
        assert_eq!(once.1, chopped.1, "metrics, in strides of {strides:?} ms");
        assert_eq!(once.2, chopped.2, "samples, in strides of {strides:?} ms");
    }
}

#[test]
fn another_seed_is_another_drill() {
    let requests = |seed| {
        let mut range = Range::from_scenario(&SQLI_FLOOD.replace("45m", "1m"), Some(seed)).unwrap();
        after(&mut range, 3);
        range.truth().stage(PROD, last_minute(&range)).requests
    };
    assert_ne!(requests(1), requests(2));
    assert_eq!(requests(3), requests(3));
}

#[test]
fn what_attackers_send_does_not_depend_on_what_is_blocked() {
    let requests = |block: bool| {
        let mut range = sqli_flood(4);
        if block {
            write_blocklist(&mut range, &["203.0.113.0/25", "198.51.100.0/25"]);
        }
        after(&mut range, 3);
        range.truth().population(PROD, "botnet", last_minute(&range)).requests
    };
    assert_eq!(requests(true), requests(false));
}
