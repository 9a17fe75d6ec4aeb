//! Playbooks: files of guarded steps, found, checked, and turned into the actions that the console plans.
//!
//! A playbook proposes, in order, what a responder could ask for by hand. Every action step becomes an ordinary
//! [`Action`](crate::model::action::Action): it is planned from state read now, judged by the guards, shown, confirmed
//! by its phrase and journalled as any other. Nothing in a file can lift a guard or confirm a plan; there is no shell,
//! and no text is ever filled into a call. Knows nothing of screens.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`action`] | which actions a file can name, their parameters, and the way from there to an `Action` |
//! | `load` | from a file to a playbook, or to everything that is wrong with it, with line and column |
//! | `library` | the playbooks that come with the program, and the user's own over them |
//! | [`values`] | from inputs and defaults to the values of a step |
//! | `observe` | what an observation step waits for |

pub mod action;
mod library;
mod load;
mod observe;
pub mod values;

pub use crate::model::reader::Mistake;
pub use library::{EMBEDDED, Library, read_file};
pub use load::{OBSERVATIONS, read};
pub use observe::{Boards, ObserveError, Seen, observe};
