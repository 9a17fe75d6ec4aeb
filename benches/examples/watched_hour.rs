//! An hour of a drill, the console watching it in this process: what both cost in CPU time.
//!
//! Time is paused and jumps from one wait to the next, so that the hour takes as long as there is something to do.
//!
//! `cargo run --release -p portcullis-benches --example watched_hour -- [SCENARIO]`

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis::aws::{Aws, Connection, Endpoint};
use portcullis::drill::Drill;
use portcullis::watch::Watcher;
use portcullis_benches::measure::own_cpu;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let drill = Drill::load(std::env::args().nth(1).as_deref())?;
    let (wall, cpu) = (Instant::now(), own_cpu());
    let range = drill.range(1.0, None)?;
    print("world and history", wall, cpu);
    let (wall, cpu) = (Instant::now(), own_cpu());
    let connection = Connection { endpoint: Endpoint::Range(range.clone()), ..Connection::default() };
    let watcher = Watcher::start(Aws::connect(&connection).await?, Arc::new(drill.settings.clone()));
    let begin = range.now();
    tokio::time::sleep(Duration::from_hours(1)).await;
    print("an hour, watched", wall, cpu);
    let board = Arc::clone(&watcher.boards().borrow());
    let simulated = range.with(|range| range.now()) - begin;
    let polls = range.with(|range| range.calls().iter().filter(|call| call.operation == "GetMetricData").count());
    println!(
        "{} s simulated, {polls} GetMetricData calls, {} stages on the board, the last read at {:?}",
        simulated.num_seconds(),
        board.stages.len(),
        board.polling.read_at
    );
    Ok(())
}

fn print(what: &str, wall: Instant, cpu: Duration) {
    let cpu = own_cpu().saturating_sub(cpu).as_secs_f64();
    println!("{what}: CPU {cpu:.3} s, wall {:.3} s", wall.elapsed().as_secs_f64());
}
