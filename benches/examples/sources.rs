//! Who is sending what, where it is a hundred thousand addresses: what finding out costs, and how far the answer is
//! from the truth.
//!
//! `cargo run --release -p portcullis-benches --example sources -- [ADDRESSES] [RUNS]`

use std::collections::HashMap;
use std::error::Error;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use portcullis::aws::{Aws, Connection, Endpoint, Lane, RangeHandle};
use portcullis::model::belief::Beliefs;
use portcullis::model::settings::Settings;
use portcullis::model::source::Sources;
use portcullis::watch::{CallersOf, attack_began, callers, read_board};
use portcullis_benches::measure::{Measurements, own_cpu, own_memory, own_peak_memory};
use portcullis_range::Range;

/// Account time that passes before anybody looks: two minutes of calm and seven of attack.
const LOOKED: Duration = Duration::from_mins(9);

const STAGE: &str = "accounts/prod";

fn scenario(addresses: usize) -> String {
    let text = include_str!("../../drills/credential-stuffing.toml");
    // A list as long as this is only worth its price where some send more than others: the rate is thirty times the
    // drill's.
    let rest = addresses.saturating_sub(100 + 600 + 400);
    text.replace("count = 1300", &format!("count = {rest}")).replace("rate = 420", "rate = 12600")
}

/// How far the shares of the hundred busiest prefixes are from those that the attack was told to send, at the most.
fn off(range: &RangeHandle, found: &Sources) -> f64 {
    let log = found.log.as_ref();
    let requests = log.map_or(0.0, |log| log.requests as f64);
    let minutes = log.map_or(0, |log| (log.to - log.from).num_minutes());
    let attack: f64 = (0..minutes)
        .filter_map(|n| Some(log?.from + TimeDelta::minutes(n)))
        .map(|at| range.with(|range| range.truth().population(STAGE, "stuffers", at).requests) as f64)
        .sum();
    let senders: HashMap<IpAddr, f64> = range.with(|range| range.senders("stuffers")).into_iter().collect();
    let rows = found.top.iter().flat_map(|list| &list.rows).filter_map(|row| Some((row.prefix?, row.share)));
    rows.map(|(prefix, share)| {
        let part: f64 = senders.iter().filter(|(address, _)| prefix.contains(*address)).map(|(_, part)| part).sum();
        (share - part * attack / requests).abs()
    })
    .fold(0.0, f64::max)
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let addresses: usize = arguments.next().map_or(Ok(100_000), |n| n.parse())?;
    let runs: usize = arguments.next().map_or(Ok(5), |n| n.parse())?;
    let began = Instant::now();
    let handle = RangeHandle::new(Range::from_scenario(&scenario(addresses), None)?, 1.0);
    // Paused time: it jumps, and account time goes with it.
    tokio::time::sleep(LOOKED).await;
    let now = handle.now();
    handle.with(|range| range.advance(now));
    let before = own_memory().unwrap_or(0.0);
    println!("the world, and nine minutes of it: {:.2} s, {before:.0} MiB", began.elapsed().as_secs_f64());
    let mut settings = Settings::default();
    settings.guards.never_block = Some(Vec::new());
    let aws = Aws::connect(&Connection { endpoint: Endpoint::Range(handle.clone()), ..Connection::default() }).await?;
    let board = read_board(&aws, &settings, &Beliefs::default()).await?;
    let row = board.stages.iter().find(|row| row.id.label() == STAGE).ok_or("no such stage")?;
    let stage = aws.stage_settings(&row.id.api_id, &row.id.stage, Lane::Plan).await?;
    let asked = CallersOf {
        stage: &row.id,
        kind: row.kind,
        web_acl_arn: stage.web_acl_arn.as_deref(),
        stages_behind: 1,
        access_log: Ok(stage.access_log.as_ref()),
        meter: &portcullis::watch::Meter::default(),
        began: attack_began(&aws, &settings, &row.id, Some("accounts-acl")).await?,
        known: None,
        blocked: None,
    };
    let (mut wall, mut cpu) = (Measurements::default(), Measurements::default());
    let mut last = None;
    for _ in 0..runs {
        let (began, spent) = (Instant::now(), own_cpu());
        last = Some(callers(&aws, &settings, asked).await?);
        wall.add(began.elapsed());
        cpu.add(own_cpu().saturating_sub(spent));
    }
    let found = last.ok_or("no run")?;
    let log = found.log.as_ref().ok_or_else(|| found.missing.join("; "))?;
    println!("{} requests of {} addresses (as Insights estimates them)", log.requests, log.addresses);
    println!("sources, sets and lists: {wall}; CPU, the range's included: {cpu}");
    println!(
        "{} addresses are listed with {:.1} % of the requests; no other sent more than {}",
        found.sources.len(),
        log.listed_share * 100.0,
        log.unlisted_at_most.unwrap_or(0)
    );
    println!("the share of a prefix is off by {:.4} at the most", off(&handle, &found));
    for set in &found.candidates.sets {
        println!("  {}", set.words());
    }
    let (now, most) = (own_memory().unwrap_or(0.0), own_peak_memory().unwrap_or(0.0));
    println!("memory: {now:.0} MiB, at most {most:.0}, of which {before:.0} are the range's");
    Ok(())
}
