//! Serves an account of many stages on a loopback port, with three hours of metrics behind it and a new minute every
//! minute.
//!
//! `cargo run --release -p portcullis-benches --example crowd -- [STAGES] [SPEED] [ADDRESS]`

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use portcullis_benches::account::{crowd, fill};
use portcullis_range::RangeClock;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let stages: usize = arguments.next().map_or(Ok(1_000), |n| n.parse())?;
    let speed: f64 = arguments.next().map_or(Ok(1.0), |n| n.parse())?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:4598".to_owned());
    let mut range = crowd(stages, 185)?;
    range.set_rate(speed);
    let clock = Arc::new(Mutex::new(RangeClock::new(range.start(), Instant::now(), speed)));
    let mut written = range.start();
    let range = Arc::new(Mutex::new(range));
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let address = listener.local_addr()?;
    for (name, value) in [
        ("AWS_ENDPOINT_URL", format!("http://{address}")),
        ("AWS_ACCESS_KEY_ID", "AKIARANGE00000000000".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "range".to_owned()),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("AWS_DEFAULT_REGION", "eu-central-1".to_owned()),
    ] {
        println!("export {name}={value}");
    }
    let (account, time) = (Arc::clone(&range), Arc::clone(&clock));
    let minutes = async move {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = time.lock().unwrap_or_else(PoisonError::into_inner).now(Instant::now());
            while written + TimeDelta::minutes(1) <= now {
                let next = written + TimeDelta::minutes(1);
                let mut range = account.lock().unwrap_or_else(PoisonError::into_inner);
                fill(range.account_mut(), stages, written, next);
                written = next;
            }
        }
    };
    tokio::select! {
        served = portcullis_range::serve(listener, range, clock) => served?,
        () = minutes => {}
    }
    Ok(())
}
