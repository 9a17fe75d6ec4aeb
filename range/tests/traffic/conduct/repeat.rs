//! Same seed, same drill, whoever polls when.

use super::*;

/// Who pulses and gives up and comes back, all in ten minutes.
const ATTACKERS: &str = r#"
[[world.populations]]
name = "pulsing"
kind = "botnet"
stage = "shop/prod"
rate = 90
pulse = { on = "90s", off = "45s", until = "9m" }
sources = [{ prefix = "198.51.100.0/24", count = 9 }]
requests = [{ route = "POST /login" }]
habits = [{ when_blocked = "give-up", after = "20s", share = 0.5, returns = "1m" }]

[[world.populations]]
name = "giving-up"
kind = "botnet"
stage = "shop/prod"
rate = 90
gives_up = { blocked = 0.6, for = "1m", returns = "when-let-in" }
sources = [{ prefix = "203.0.113.0/25", count = 30 }]
requests = [{ route = "POST /login" }]
"#;

/// All books and metrics after twelve minutes in strides of so many milliseconds; at minute 5 somebody blocks.
fn run(strides_ms: &[i64]) -> Vec<String> {
    let fields = r#"daily = { peak = "03:10", trough = 0.4 }
retry = { share = 0.7, times = 2, after = "2s", forbidden = true }
patience = { lasts = "1m", away = "3m" }"#;
    let mut range = shop(&[&customers(fields), FLOOD, ATTACKERS]);
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
            write_blocklist(&mut range, &["198.18.0.0/18", "203.0.113.0/25", "198.51.100.0/24"]);
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

#[test]
fn fields_that_change_nothing_leave_the_traffic_as_it_was_to_the_last_request() {
    let neutral = r#"daily = { peak = "19:00", trough = 1 }
retry = { share = 0, times = 2, after = "2s", forbidden = true }
gives_up = { blocked = 1, for = "24h", returns = "when-let-in" }"#;
    let books = |fields: &str, pulse: &str| {
        let mut range = shop(&[&customers(fields), &FLOOD.replace("stop =", &format!("{pulse}\nstop ="))]);
        after(&mut range, 4);
        write_blocklist(&mut range, &["198.18.0.0/17"]);
        after(&mut range, 4);
        (-20..8).flat_map(|at| ["customers", "botnet"].map(|name| minute(&range, name, at))).collect::<Vec<_>>()
    };
    assert_eq!(books(neutral, r#"pulse = { on = "24h", off = "1s" }"#), books("", ""));
}
