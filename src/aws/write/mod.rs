//! Writes: each takes the ticket that a confirmation yielded, and answers whether it was accepted, refused, or nobody
//! knows.

mod answer;
mod closed_web_acl;
mod http_api;
mod ip_set;
mod policy;
mod send;
mod stage;

pub use answer::Answer;
pub(in crate::aws) use send::Places;
pub use stage::Patch;
