//! Where AWS is strict, the range is strict: one test for each rule, named after it, with its source.
//!
//! Everything goes through `Range::handle` as raw requests, so that what is tested is what a client meets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Inputs are written where they are used: `client.waf("GetIPSet", json!({…}))`.
#![allow(clippy::needless_pass_by_value)]

mod authorizers;
mod client;
mod deployments;
mod exports;
mod faults;
mod gateway;
mod http_apis;
mod ip_sets;
mod logs;
mod metrics;
mod plans;
mod propagation;
mod quotas;
mod sampled;
mod serving;
mod shapes;
mod stages;
mod trail;
mod unevaluated;
mod web_acls;
mod wire;
