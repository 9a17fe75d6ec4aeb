//! What can happen to the screen: keys, news from the account, answers to what it asked for.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::model::board::Board;
use crate::model::connection::ConnectionId;
use crate::model::ladder::Ladder;
use crate::model::plan::{Finished, Plan};
use crate::model::playbook::RunRecord;
use crate::model::proposal::Proposals;
use crate::model::source::Sources;
use crate::model::stage::StageId;
use crate::model::stage_report::StageReport;

use super::mode::Mode;
use super::timeline_view::TimelineView;

/// Something happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A key, a paste or a resize.
    Terminal(crossterm::event::Event),
    /// The terminal has begun to send something that is no key, and does not end it: until it does, keys are not heard.
    Unended,
    /// The terminal has answered that it tells apart what a plain one sends alike: Ctrl-i and Tab.
    KeysToldApart,
    /// The terminal has answered what its background is.
    Background {
        /// Whether dark text is read on it.
        is_light: bool,
    },
    /// News from one of the accounts and regions watched.
    From(ConnectionId, News),
    /// The mode has changed (credentials without write access, a drill that ended).
    Mode(Mode),
    /// How long what is waited for on the screen has taken so far, wall time.
    Elapsed(std::time::Duration),
    /// The process was asked to stop.
    Stop(StopReason),
}

/// What a connection tells. Errors arrive as text for people: what happened, to what, what to do next.
#[derive(Debug, Clone)]
pub enum News {
    /// A new picture of everything watched.
    Board(Arc<Board>),
    /// Sources of a stage, as asked for with [`super::Ask::LoadSources`].
    Sources {
        /// Which stage was asked for.
        stage: StageId,
        /// What was read.
        result: Result<Arc<Sources>, String>,
    },
    /// A stage in depth, as asked for with [`super::Ask::LoadStage`].
    Stage(Arc<StageReport>),
    /// The ways of closing a stage, as asked for with [`super::Ask::LoadLadder`].
    Ladder {
        /// Which stage was asked for.
        stage: StageId,
        /// What was found.
        result: Result<Box<Ladder>, String>,
    },
    /// What would help a stage, and is lighter than closing: comes after its ways of closing.
    Proposals {
        /// Which stage was asked for.
        stage: StageId,
        /// What was found.
        result: Result<Box<Proposals>, String>,
    },
    /// A plan, as asked for with [`super::Ask::Plan`] or [`super::Ask::PlanUndo`].
    Plan {
        /// The number of the request; an answer to a request that was left is dropped.
        request: u64,
        /// The plan.
        result: Result<Box<Plan>, String>,
    },
    /// A line about the change that is being made.
    Progress {
        /// One line for people.
        line: String,
    },
    /// Somebody has to look now: something that has expired stays until somebody decides, or a stage has come to a bad
    /// state. Said, and the terminal's bell is rung.
    Asks {
        /// What, and what to do, in one line for people.
        line: String,
    },
    /// What plans and changes wait for, past half a second; `None` where they wait for nothing any more.
    Waiting(Option<String>),
    /// The change that was being made has ended.
    Finished {
        /// How.
        result: Result<Box<Finished>, String>,
    },
    /// The timeline, whole.
    Timeline(Arc<TimelineView>),
    /// The incident's runs of playbooks, all of them.
    Runs(Arc<[RunRecord]>),
    /// What time it is in the account.
    Clock {
        /// Account time, UTC.
        account: DateTime<Utc>,
        /// Account seconds per wall second.
        rate: f64,
    },
    /// An export has ended: where it was written, or why not.
    Exported {
        /// A path, or the reason.
        result: Result<String, String>,
    },
    /// A note is on disk, or is not.
    Noted {
        /// Nothing, or the reason.
        result: Result<(), String>,
    },
    /// It turned out to be the account and region of another connection, which alone writes from now on.
    SameAs(ConnectionId),
}

impl News {
    /// As an event of the connection that it comes from.
    #[must_use]
    pub fn from(self, connection: ConnectionId) -> Event {
        Event::From(connection, self)
    }
}

/// Who asked the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// SIGTERM.
    Terminate,
    /// SIGHUP, or the terminal is gone.
    Hangup,
    /// SIGINT from outside; Ctrl-C on the keyboard is a key.
    Interrupt,
    /// SIGQUIT from outside; Ctrl-\ on the keyboard is a key.
    Quit,
}
