//! What can go wrong with an incident, and what to do about it.

use std::path::PathBuf;

use thiserror::Error;

use crate::journal::JournalError;

/// Why an incident could not be found, read or written.
#[derive(Debug, Error)]
pub enum IncidentError {
    /// A run of a playbook that the journal does not have.
    #[error("incident {incident} has no playbook run {run}")]
    NoRun {
        /// The run.
        run: String,
        /// The incident.
        incident: String,
    },
    /// No such incident; `near` are those whose ids come close.
    #[error("there is no incident “{id}”{}", did_you_mean(near))]
    Unknown {
        /// What was asked for.
        id: String,
        /// Ids that come close, best first; the newest ones where none does.
        near: Vec<String>,
    },
    /// The incident is there and its beginning cannot be read.
    #[error(
        "incident {id} is damaged: {why}. Keep its directory for the review; `portcullis timeline verify` says more, and a new incident can be opened"
    )]
    Damaged {
        /// Which.
        id: String,
        /// What is wrong.
        why: String,
    },
    /// The incident's first line was never written.
    #[error("incident {id} was {}; leave --incident out, or name another", super::NEVER_BEGUN)]
    NeverBegun {
        /// Which.
        id: String,
    },
    /// An undo was to be written to another incident than its action's.
    #[error(
        "action {action_id} is not in incident {incident}, so its undo does not belong there; find it with `portcullis actions`"
    )]
    ForeignUndo {
        /// The action to be taken back.
        action_id: String,
        /// The incident that was given.
        incident: String,
    },
    /// The incident belongs to another account, region or world.
    #[error("incident {incident} is of {of}, not of {wanted}; name another with --incident, or leave it out")]
    OtherAccount {
        /// The incident.
        incident: String,
        /// Its account, region and world.
        of: String,
        /// The account, region and world of what was to be written.
        wanted: String,
    },
    /// The action is not one that can be taken back now.
    #[error("action {action_id} cannot be undone now: it is {state}; `portcullis actions` shows its state")]
    NotUndoable {
        /// The action.
        action_id: String,
        /// How it stands.
        state: &'static str,
    },
    /// The action is not in force, so that it has nothing to expire.
    #[error("action {action_id} is {state}, so it does not expire; `portcullis actions` shows what does")]
    NotExtendable {
        /// The action.
        action_id: String,
        /// How it stands.
        state: &'static str,
    },
    /// Neither `XDG_STATE_HOME` nor a home directory.
    #[error(
        "there is no place for incidents: neither XDG_STATE_HOME nor HOME is set; set one of them to a directory you own"
    )]
    NoHome,
    /// A directory could not be read.
    #[error("could not list {}: {source}; give your user access to it", path.display())]
    List {
        /// The directory.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// An event could not be turned into JSON.
    #[error("an event could not be written as JSON: {0}; this is a defect of the console, please report it")]
    NotJson(#[from] serde_json::Error),
    /// The journal's own error.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() { "; there are no incidents yet".to_owned() } else { format!("; there is: {}", near.join(", ")) }
}
