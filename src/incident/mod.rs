//! Incidents: what the lines of a journal mean.
//!
//! One incident is one journal in a directory of its own. This layer names the events, writes them through `journal/`,
//! and folds them into what people and the other layers ask for: the timeline, what is in force, what was in flight
//! when a process died. It must not know AWS, the terminal, or how a plan is made.

mod attacks;
mod call_phase;
mod callers;
mod callers_key;
mod calm;
mod error;
mod event;
mod fold;
mod folded;
mod handle;
mod history;
mod index;
mod list;
mod lost;
pub mod mark;
mod past;
mod reading;
mod runs;
mod states;
mod store;
mod timeline;
mod words;

pub use call_phase::CallPhase;
pub use calm::{CALM, left_aside};
pub use error::IncidentError;
pub use event::Event;
pub use fold::Folder;
pub use folded::{Folded, NotUnderstood, Opened};
pub use handle::{Incident, Live};
pub use history::{CallRecord, Ending, History, InFlight, Remark, SignalRecord};
pub use list::{AT_WORK, Listed, NEVER_BEGUN};
pub use lost::MayClaim;
pub use past::{Finished, Ids};
pub use reading::Reading;
pub use store::{IncidentStore, Survey, Unreadable, default_root};

// Reports are made from incidents alone; what checking a journal found is part of one.
pub use crate::journal::{Fault, Verification};

pub(crate) use crate::journal::ascii_json;
