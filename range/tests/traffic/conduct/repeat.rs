//! Same seed, same drill, whoever polls when.

use super::*;

/// All books and metrics after twelve minutes in strides of so many milliseconds; at minute 5 somebody blocks.
fn run(strides_ms: &[i64]) -> Vec<String> {
    let fields = r#"daily = { peak = "03:10", trough = 0.4 }
retry = { share = 0.7, times = 2, after = "2s", forbidden = true }
patience = { lasts = "1m", away = "3m" }"#;
    let mut range = shop(&[&customers(fields), FLOOD]);
    let (block, end) = (range.start() + Duration::minutes(5), range.start() + Duration::minutes(12));
    let mut strides = strides_ms.iter().cycle();
    let mut blocked = false;
    while range.now() < end {
        let next = range.now() + Duration::milliseconds(*strides.next().unwrap());
        range.advance(next.min(if blocked { end } else { block }));
        let request = http::Request::get("/restapis").body(bytes::Bytes::new()).unwrap();
        let now = range.now();
        range.handle(request, None, now);
        if !blocked && now == block {
            blocked = true;
            write_blocklist(&mut range, &["198.18.0.0/18", "203.0.113.0/26"]);
        }
    }
    reading(&range)
}

fn reading(range: &Range) -> Vec<String> {
    let mut read = Vec::new();
    for (_, population) in range.truth().books() {
        read.extend((-5..12).map(|at| format!("{population} {:?}", minute(range, population, at))));
    }
    let (metrics, later) = (&range.account().metrics, range.now() + Duration::hours(1));
    for key in metrics.list(None, later) {
        let points = metrics.read(metrics.find(key).unwrap(), range.start() - Duration::days(2), later, later);
        read.push(format!("{key:?} {points:?}"));
    }
    read
}

#[test]
fn what_clients_do_depends_on_the_seed_and_on_what_happened_only() {
    let once = run(&[3_600_000]);
    assert!(once.iter().any(|line| line.contains("customers") && !line.contains("retries: 0")));
    for strides in [&[1_000][..], &[370, 4_100, 1, 999, 13_000], &[61_003]] {
        assert_eq!(once, run(strides), "in strides of {strides:?} ms");
    }
}
