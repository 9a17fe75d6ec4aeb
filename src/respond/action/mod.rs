//! One folder or file an action: what it reads, what its guards say, what it would change.

pub(super) mod allow_ip;
pub mod block_ip;
mod breadth;
pub(super) mod close;
pub(super) mod flush_cache;
pub(super) mod ip_set;
pub(super) mod kill_switch;
pub(super) mod prepare;
mod stage;
pub(super) mod throttle;
