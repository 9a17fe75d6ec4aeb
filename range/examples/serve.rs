//! Serves a range on a loopback port: `cargo run -p portcullis-range --example serve [SCENARIO.toml] [PORT]`.
//!
//! Without a scenario the account is empty. Prints the environment that an AWS client needs.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use portcullis_range::{Range, RangeClock, serve};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let range = match arguments.next().filter(|path| path != "-") {
        Some(path) => Range::from_scenario(&std::fs::read_to_string(path)?, None)?,
        None => Range::empty("123456789012", "eu-central-1", chrono::Utc::now()),
    };
    let port: u16 = arguments.next().map_or(Ok(4599), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let clock = RangeClock::new(range.start(), Instant::now(), 1.0);
    println!("export AWS_ENDPOINT_URL=http://{}", listener.local_addr()?);
    println!("export AWS_REGION={0} AWS_DEFAULT_REGION={0}", range.account().region);
    println!("export AWS_ACCESS_KEY_ID=range AWS_SECRET_ACCESS_KEY=range");
    serve(listener, Arc::new(Mutex::new(range)), Arc::new(Mutex::new(clock))).await?;
    Ok(())
}
