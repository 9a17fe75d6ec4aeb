//! Watches the account that the environment names, without a screen, and prints what each poll costs this process.
//!
//! `cargo run --release -p portcullis-benches --example watch -- [POLLS]`

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis::aws::{Aws, Connection};
use portcullis::model::board::{Board, HISTORY_MINUTES, Metric};
use portcullis::watch::Watcher;
use portcullis_benches::measure::{Measurements, own_cpu, own_peak_memory};
use portcullis_benches::spans::Spans;

/// What follows a poll at once belongs to it.
const AFTER: Duration = Duration::from_millis(100);

/// CPU time of polls: all of the process, what is done in the poll's own task, and what of it is the console's own
/// code.
#[derive(Default)]
struct Polls {
    interval: Measurements,
    process: Measurements,
    task: Measurements,
    own: Measurements,
    parts: BTreeMap<&'static str, Measurements>,
}

impl Polls {
    fn add(&mut self, spans: &Spans, interval: Duration) {
        self.interval.add(interval);
        self.process.add(spans.since("poll").unwrap_or_default());
        let mut parts = spans.take();
        self.task.add(parts.remove("poll").unwrap_or_default());
        self.own.add(parts.values().sum());
        for (name, time) in parts {
            self.parts.entry(name).or_default().add(time);
        }
    }
}

impl fmt::Display for Polls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "CPU from poll to poll, discovery included: {}", self.interval)?;
        writeln!(f, "CPU of the process from the asking of a poll to its board: {}", self.process)?;
        writeln!(f, "  of the task that asks, SDK included: {}", self.task)?;
        writeln!(f, "  of the console's own code: {}", self.own)?;
        self.parts.iter().try_for_each(|(name, time)| writeln!(f, "    {name}: {time}"))
    }
}

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
    let spans = Spans::install()?;
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
    // Polls go on meanwhile, and have their own bar: what they took of it is said beside it.
    for (name, time) in spans.take() {
        println!("  of it in {name}: {:.0} ms", time.as_secs_f64() * 1e3);
    }
    let next = |board: &Board| (board.polling.read_at, board.polling.metrics, board.polling.calls);
    // What is left of discovery and of the first, long windows ends before the counting begins.
    let mut last = next(&board);
    for _ in 0..2 {
        let board = boards.wait_for(|board| next(board).0 != last.0).await?;
        last = next(&board);
    }
    let mut polled = Polls::default();
    drop(spans.take());
    let mut spent = own_cpu();
    for _ in 0..polls {
        let board = boards.wait_for(|board| next(board).0 != last.0).await?;
        last = next(&board);
        drop(board);
        // The board that shows the poll is published already; what follows it at once belongs to it as well.
        tokio::time::sleep(AFTER).await;
        polled.add(&spans, own_cpu().saturating_sub(spent));
        spent = own_cpu();
    }
    println!("a poll asks for {} metrics in {} GetMetricData calls", last.1, last.2);
    print!("{polled}");
    let board = Arc::clone(&boards.borrow());
    println!("minutes of history held: {}", history(&board));
    if let Some(memory) = own_peak_memory() {
        println!("peak memory: {memory:.1} MiB");
    }
    Ok(())
}
