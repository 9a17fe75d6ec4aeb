//! What is being typed, and what is shown beside it.

use ipnet::IpNet;
use tui_input::Input;

use crate::model::connection::{ConnectionId, StageAt};
use crate::model::ladder::Ladder;
use crate::model::proposal::Proposals;

/// What is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PromptKind {
    /// A filter for the board; what was there before comes back on Esc.
    Filter { before: String, held: Option<StageAt> },
    /// Text in what is shown: the line it was begun at, and what was looked for last.
    Find { from: usize, before: String },
    /// A command or a stage, by a few letters.
    Palette,
    /// Addresses to block on a stage.
    BlockList { stage: StageAt },
    /// How long to block these.
    Duration { targets: Vec<IpNet> },
    /// Which method of the stage to throttle, and to what.
    Throttle { stage: StageAt },
    /// In which way to close the stage.
    Close { stage: StageAt },
    /// Which of the steps that would help the stage to plan.
    Propose { stage: StageAt },
    /// An input of the open playbook; `then_do`: the selected step waits for it.
    Input { then_do: bool },
    /// Whom a closing policy is to let in, and where to prove it.
    KillSwitch { stage: StageAt },
    /// What an action of the table, this one, is to do to the stage.
    Action { stage: StageAt, name: &'static str },
    /// In which format to export the timeline.
    Export,
    /// How long this action is to stay in force.
    Extend { action_id: String },
    /// The phrase of the plan on the screen.
    Confirm,
    /// Why these guards are overridden.
    Reason { guards: Vec<String> },
    /// A note.
    Note { at: ConnectionId },
}

impl PromptKind {
    /// Whose account it is about, where the screen behind it does not say so.
    pub(crate) fn at(&self) -> Option<ConnectionId> {
        match self {
            Self::Throttle { stage }
            | Self::Close { stage }
            | Self::Propose { stage }
            | Self::BlockList { stage }
            | Self::Action { stage, .. }
            | Self::KillSwitch { stage } => Some(stage.at),
            Self::Note { at } => Some(*at),
            _ => None,
        }
    }
}

/// The ways of closing a stage: asked for when the choice was opened.
#[derive(Debug)]
pub(crate) struct LadderPane {
    pub(crate) stage: StageAt,
    /// What stood in the prompt when it was opened: only that is replaced by what is recommended.
    pub(crate) offered: String,
    /// `None` until it has arrived.
    pub(crate) answer: Option<Result<Box<Ladder>, String>>,
    /// What would help and is lighter; `None` until it has arrived.
    pub(crate) proposals: Option<Result<Box<Proposals>, String>>,
    /// Whether Enter was pressed before they were there: it counts once they are.
    pub(crate) entered: bool,
    /// As they were shown first: a number that was read there is not to mean something else.
    pub(crate) shown: Option<Box<Proposals>>,
    /// What of them has become another since they were shown.
    pub(crate) changed: Option<String>,
}

/// A line that is being typed, in place of the status line.
#[derive(Debug)]
pub(crate) struct Prompt {
    pub(crate) kind: PromptKind,
    pub(crate) input: Input,
    pub(crate) error: Option<String>,
}
