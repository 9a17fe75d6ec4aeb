//! Prints what an hour of a scenario costs in CPU time, after its history.
//!
//! `cargo run --release -p portcullis-range --example hour [FILE] [SECONDS]`

use std::process::ExitCode;
use std::time::Instant;

use chrono::Duration;
use portcullis_range::Range;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| "drills/sqli-flood.toml".to_owned());
    let seconds = arguments.next().and_then(|seconds| seconds.parse().ok()).unwrap_or(3_600);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let mut range = match Range::from_scenario(&text, None) {
        Ok(range) => range,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::FAILURE;
        }
    };
    print("world and history", wall, cpu);
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    range.advance(range.start() + Duration::seconds(seconds));
    print(&format!("{seconds} account seconds"), wall, cpu);
    let minute = range.now() - Duration::minutes(1);
    for (stage, population) in range.truth().books() {
        println!("{stage} {population}: {:?}", range.truth().population(stage, population, minute));
    }
    ExitCode::SUCCESS
}

fn print(what: &str, wall: Instant, cpu: Option<f64>) {
    let cpu = cpu.zip(cpu_seconds()).map_or("unknown".to_owned(), |(from, to)| format!("{:.3} s", to - from));
    println!("{what}: CPU {cpu}, wall {:.3} s", wall.elapsed().as_secs_f64());
}

/// CPU seconds of this process, from `/proc` (Linux only); ticks of a hundredth.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / 100.0)
}
