//! The console's own types: what a responder sees, plans and does.
//!
//! Knows nothing of the AWS SDK, of the terminal, of files or of the network, so that every other layer can speak it.

pub mod access_log;
pub mod action;
pub mod address;
pub mod attack;
pub mod belief;
pub mod board;
pub mod bounds;
pub mod callers;
pub mod candidate;
pub mod change;
pub mod condition;
pub mod connection;
pub mod cost;
pub mod counted;
pub mod duration;
pub mod export;
pub mod figure;
pub mod identity;
pub mod ladder;
pub mod limits;
pub mod made_resource;
pub mod measure;
pub mod method;
pub mod plan;
pub mod playbook;
pub mod policy;
pub mod preflight;
pub mod probe;
pub mod proof;
pub mod proposal;
pub mod reader;
pub mod series;
pub mod settings;
pub mod signal;
pub mod source;
pub mod span;
pub mod stage;
pub mod stage_report;
pub mod text;
pub mod timeline;
pub mod top_list;
pub mod usual;
pub mod waf;
pub mod words;
