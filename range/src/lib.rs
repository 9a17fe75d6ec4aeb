//! A simulated AWS account under attack: API Gateway, `WAFv2` and `CloudWatch`, down to the wire.
//!
//! [`Range`] takes HTTP requests and gives HTTP answers. It runs in account time, which its caller supplies; it never
//! looks at a clock, never draws chance that is not seeded and knows nothing of the console that may be talking to it.
//! Between requests it advances lazily in fixed steps of one second, so what it answers does not depend on who asks
//! when.
//!
//! How AWS behaves is marked where it is built: *documented*, *inferred* (from other facts or other people's
//! recordings) or *unverified*.

mod addresses;
mod clock;
mod error;
pub mod fault;
pub mod logs;
mod operator;
pub mod policy;
mod quota;
mod range;
pub mod scenario;
mod serve;
mod service;
mod shapes;
pub mod state;
mod traffic;
mod wire;
mod world;

pub use clock::RangeClock;
pub use error::AwsError;
pub use fault::{Damage, Fault, Faults, When};
pub use range::{ID_HEADER, RATE_HEADER, Range, Reply};
pub use scenario::ScenarioError;
pub use serve::serve;
pub use state::Call;
pub use traffic::{Counts, Latencies, Truth};
