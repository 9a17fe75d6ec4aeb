//! Measures a console from outside, in a pseudo-terminal: first paint and first row, key to repaint, idling.
//!
//! ```text
//! terminal first RUNS ROW [--keys KEYS AFTER] -- COMMAND…   until something is on the screen, and until ROW is
//! terminal keys COUNT -- COMMAND…                           from a key to the end of its repaint
//! terminal idle SECONDS SETTLE -- COMMAND…                  bytes, CPU and memory while nothing happens, SETTLE seconds after the start
//! ```
//!
//! `--keys` types KEYS once AFTER is on the screen: for consoles that start elsewhere. `\r` in KEYS is Enter.
#![cfg(unix)]

use std::error::Error;
use std::time::Duration;

use portcullis_benches::measure::{Measurements, cpu_of, peak_memory_of};
use portcullis_benches::terminal::Terminal;

const COLUMNS: u16 = 200;
const LINES: u16 = 60;
const PATIENCE: Duration = Duration::from_mins(1);
/// Between the keys of somebody who types fast.
const BETWEEN_KEYS: Duration = Duration::from_millis(120);

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let at = arguments.iter().position(|argument| argument == "--").ok_or("the command to measure goes after --")?;
    let (options, command) = (&arguments[..at], &arguments[at + 1..]);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    match options.as_slice() {
        ["first", runs, row] => first(runs.parse()?, row, None, command),
        ["first", runs, row, "--keys", keys, after] => {
            first(runs.parse()?, row, Some((&keys.replace("\\r", "\r"), after)), command)
        }
        ["keys", count] => keys(count.parse()?, command),
        ["idle", seconds, settle] => idle(seconds.parse()?, settle.parse()?, command),
        _ => Err("first RUNS ROW [--keys KEYS AFTER] | keys COUNT | idle SECONDS SETTLE, then -- COMMAND".into()),
    }
}

fn first(runs: usize, row: &str, keys: Option<(&str, &str)>, command: &[String]) -> Outcome {
    let (mut paint, mut rows) = (Measurements::default(), Measurements::default());
    for _ in 0..runs {
        // Quotas are the account's: what the last run used must have come back.
        std::thread::sleep(Duration::from_secs(1));
        let mut terminal = Terminal::start(command, COLUMNS, LINES)?;
        let started = terminal.started();
        let painted = terminal.wait(PATIENCE, |screen| !screen.trim().is_empty())?;
        paint.add(painted - started);
        let mut shown = painted;
        if let Some((keys, after)) = keys {
            if !terminal.contents().contains(after) {
                terminal.wait(PATIENCE, |screen| screen.contains(after))?;
            }
            terminal.press(keys)?;
        }
        if !terminal.contents().contains(row) {
            shown = terminal.wait(PATIENCE, |screen| screen.contains(row))?;
        }
        rows.add(shown - started);
    }
    println!("first paint: {paint}");
    println!("“{row}” on the screen: {rows}");
    Ok(())
}

/// Keys whose effect can be told from the screen, one after the other, so that each has its own repaint.
fn keys(count: usize, command: &[String]) -> Outcome {
    let mut terminal = Terminal::start(command, COLUMNS, LINES)?;
    terminal.wait(PATIENCE, |screen| screen.contains("quit"))?;
    let (mut held, mut single) = (Measurements::default(), Measurements::default());
    for round in 0..count * 2 {
        #[allow(clippy::type_complexity)]
        let steps: [(&str, fn(&str) -> bool); 4] = [
            ("?", |screen| screen.contains("Leave; asks once more")),
            ("\x1b", |screen| !screen.contains("Leave; asks once more")),
            ("t", |screen| screen.contains("TIMELINE")),
            ("\x1b", |screen| !screen.contains("TIMELINE")),
        ];
        for (key, shown) in steps {
            if round % 2 == 1 {
                terminal.watch(BETWEEN_KEYS)?;
            }
            let pressed = terminal.press(key)?;
            let repainted = terminal.wait(PATIENCE, shown)?;
            if round % 2 == 1 { single.add(repainted - pressed) } else { held.add(repainted - pressed) }
        }
    }
    println!("key to repaint, {} ms between keys: {single}", BETWEEN_KEYS.as_millis());
    println!("key to repaint, the next key with every repaint: {held}");
    Ok(())
}

fn idle(seconds: u64, settle: u64, command: &[String]) -> Outcome {
    let mut terminal = Terminal::start(command, COLUMNS, LINES)?;
    let process = terminal.process().ok_or("the program has no process")?;
    // Details stream in at half the control plane's quota; what counts is the quiet afterwards.
    terminal.watch(Duration::from_secs(settle))?;
    let (bytes, cpu) = (terminal.bytes(), cpu_of(process).ok_or("no /proc")?);
    let pieces = terminal.watch(Duration::from_secs(seconds))?;
    let spent = cpu_of(process).ok_or("no /proc")?.saturating_sub(cpu);
    println!(
        "{seconds} s: {} bytes in {} writes to the terminal, CPU {:.0} ms, {:.2} % of a core",
        terminal.bytes() - bytes,
        pieces.len(),
        spent.as_secs_f64() * 1e3,
        100.0 * spent.as_secs_f64() / Duration::from_secs(seconds).as_secs_f64()
    );
    if let Some(memory) = peak_memory_of(process) {
        println!("peak memory: {memory:.1} MiB");
    }
    Ok(())
}
