//! The only place that names the AWS SDK.
//!
//! Turns the SDK's calls into the console's own types, paces them inside the account's quotas, and lets nothing change
//! the account without a ticket (see [`gate`]). Knows nothing of screens, plans or incidents.

mod ask;
mod connect;
mod credentials;
mod endpoint;
mod error;
pub mod gate;
mod in_process;
pub mod pace;
pub mod permission;
mod probe;
mod raw;
pub mod read;
mod refusal;
mod world;
pub mod write;

pub use connect::{Aws, Connection};
pub use credentials::profiles;
pub use endpoint::Endpoint;
pub use error::{AwsError, Problem};
pub use in_process::{InProcess, RangeHandle};
pub use pace::{Lane, Waited, Waits};
pub use refusal::Refusal;
