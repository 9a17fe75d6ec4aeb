//! Portcullis: a terminal console for the people on call when an AWS API Gateway API is under attack.
//!
//! Layers, arrows only downwards: `cli → tui → drill → playbook → respond → {watch, incident, report} → aws → journal → model`.

pub mod model;
pub mod tui;
