//! Watches the account that the environment names, without a screen, and prints what each poll costs this process.
//!
//! `cargo run --release -p portcullis-benches --example watch -- [POLLS]`

use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portcullis::aws::{Aws, Connection};
use portcullis::model::board::{Board, HISTORY_MINUTES, Metric};
use portcullis::watch::Watcher;
use portcullis_benches::measure::{Measurements, own_cpu, own_peak_memory};

/// How often CPU time is looked at, and how many looks make the window around a poll: in real time a poll takes less.
const SAMPLE: Duration = Duration::from_millis(100);
const AROUND: usize = 10;

fn known(board: &Board) -> usize {
    board.stages.iter().filter(|row| row.figures.requests_per_second.value().is_some()).count()
}

fn history(board: &Board) -> usize {
    let minutes = |row: &portcullis::model::board::StageRow| {
        row.history[Metric::Requests.index()].window(board.at, HISTORY_MINUTES).iter().flatten().count()
    };
    board.stages.first().map_or(0, minutes)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let polls: usize = std::env::args().nth(1).map_or(Ok(20), |n| n.parse())?;
    let began = Instant::now();
    let aws = Aws::connect(&Connection::default()).await?;
    let watcher = Watcher::start(aws, Arc::default());
    let mut boards = watcher.boards();
    boards.wait_for(|board| !board.stages.is_empty()).await?;
    println!("first rows after {:.2} s", began.elapsed().as_secs_f64());
    boards.wait_for(|board| known(board) > 0).await?;
    println!("first figures after {:.2} s", began.elapsed().as_secs_f64());
    let complete = |board: &Arc<Board>| {
        let (read, all) = board.polling.details;
        read == all && known(board) == board.stages.len()
    };
    let board = Arc::clone(&*boards.wait_for(complete).await?);
    println!(
        "{} stages with all details and figures after {:.2} s; CPU {:.0} ms",
        board.stages.len(),
        began.elapsed().as_secs_f64(),
        own_cpu().as_secs_f64() * 1e3
    );
    let next = |board: &Board| (board.polling.read_at, board.polling.metrics, board.polling.calls);
    // What is left of discovery and of the first, long windows ends before the counting begins.
    let mut last = next(&board);
    for _ in 0..2 {
        let board = boards.wait_for(|board| next(board).0 != last.0).await?;
        last = next(&board);
    }
    let (mut interval, mut poll) = (Measurements::default(), Measurements::default());
    let mut spent = own_cpu();
    let around = Arc::new(Mutex::new(VecDeque::from([own_cpu()])));
    let samples = Arc::clone(&around);
    let sampler = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(SAMPLE);
        loop {
            ticks.tick().await;
            let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
            samples.push_back(own_cpu());
            if samples.len() > AROUND {
                samples.pop_front();
            }
        }
    });
    for _ in 0..polls {
        let board = boards.wait_for(|board| next(board).0 != last.0).await?;
        last = next(&board);
        drop(board);
        // The board that shows the poll is published already; what follows it at once belongs to it as well.
        tokio::time::sleep(SAMPLE).await;
        let now = own_cpu();
        interval.add(now.saturating_sub(spent));
        spent = now;
        let oldest = around.lock().unwrap_or_else(PoisonError::into_inner).front().copied().unwrap_or(now);
        poll.add(now.saturating_sub(oldest));
    }
    sampler.abort();
    println!("a poll asks for {} metrics in {} GetMetricData calls", last.1, last.2);
    println!("CPU from poll to poll, discovery and boards included: {interval}");
    println!("CPU in the last {} ms of a poll: {poll}", SAMPLE.as_millis() * AROUND as u128);
    let board = Arc::clone(&boards.borrow());
    println!("minutes of history held: {}", history(&board));
    if let Some(memory) = own_peak_memory() {
        println!("peak memory: {memory:.1} MiB");
    }
    Ok(())
}
