//! Everything the screen knows. Changed by [`super::update`] alone, read by [`super::view`].

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use tui_input::Input;

use crate::model::action::{Action, Terms};
use crate::model::board::{Board, StageRow};
use crate::model::ladder::Ladder;
use crate::model::plan::{Finished, Plan};
use crate::model::playbook::Playbook;
use crate::model::signal::Severity;
use crate::model::source::{Source, Sources};
use crate::model::stage::StageId;
use crate::model::timeline::{ActionRecord, ActionState};

use super::command::Context;
use super::effect::StepOf;
use super::event::{StopReason, TimelineView};
use super::keymap::Keymap;
use super::list::{Cursor, Scroll};
use super::playbooks::PlaybooksPane;
use super::theme::Theme;

/// The smallest terminal that holds the screens: columns and lines. Below it a notice is drawn and nothing can be confirmed.
pub const SMALLEST: (u16, u16) = (60, 15);

/// What the console is allowed to do, in one word the responder cannot miss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// On the range: everything may be done, nothing of it is real.
    Drill {
        /// The scenario's name.
        scenario: String,
    },
    /// On AWS, looking only.
    ReadOnly,
    /// On AWS, and confirmed plans are carried out.
    Armed,
}

impl Mode {
    /// The banner's words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Drill { scenario } => format!("DRILL {scenario}"),
            Self::ReadOnly => "READ-ONLY".into(),
            Self::Armed => "ARMED".into(),
        }
    }

    /// Whether a confirmed plan may be carried out.
    #[must_use]
    pub fn may_apply(&self) -> bool {
        !matches!(self, Self::ReadOnly)
    }
}

/// How the console is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// What it may do.
    pub mode: Mode,
    /// The keys, as [`super::keymap::load`] gives them.
    pub keymap: Keymap,
    /// The colours, as [`Theme::choose`] gives them.
    pub theme: Theme,
    /// What is shown where the account is until credentials have answered, e.g. `profile ops, eu-west-1`.
    pub target: String,
    /// Account time after which figures count as stale; three polls are a good measure.
    pub stale_after: TimeDelta,
    /// The expiry offered for a block, as it would be typed, e.g. `4h`.
    pub block_for: String,
    /// The playbooks there are.
    pub playbooks: Arc<[Playbook]>,
    /// What is wrong with playbook files that are not among them, a line each.
    pub playbook_mistakes: Vec<String>,
    /// Who is offered to be let in when a stage is closed: the configuration's break-glass and never-block ranges.
    pub admitted: Vec<IpNet>,
}

impl Options {
    /// The usual: three minutes to stale, blocks for four hours.
    #[must_use]
    pub fn new(mode: Mode, keymap: Keymap, theme: Theme) -> Self {
        Self {
            mode,
            keymap,
            theme,
            target: "asking AWS who we are".into(),
            stale_after: TimeDelta::minutes(3),
            block_for: "4h".into(),
            playbooks: Arc::new([]),
            playbook_mistakes: Vec::new(),
            admitted: Vec::new(),
        }
    }
}

/// What fills the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Screen {
    /// The stages.
    Board,
    /// One stage.
    Stage,
    /// Who is sending what.
    Sources,
    /// A plan.
    Review,
    /// The timeline.
    Timeline,
    /// The playbooks.
    Playbooks,
    /// One playbook.
    Playbook,
    /// The help.
    Help,
}

impl Screen {
    /// Where its keys are looked up.
    #[must_use]
    pub fn context(self) -> Context {
        match self {
            Self::Board => Context::Board,
            Self::Stage => Context::Stage,
            Self::Sources => Context::Sources,
            Self::Review => Context::Review,
            Self::Timeline => Context::Timeline,
            Self::Playbooks => Context::Playbooks,
            Self::Playbook => Context::Playbook,
            Self::Help => Context::Help,
        }
    }
}

/// By what the board is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sort {
    #[default]
    Worst,
    Requests,
    ClientErrors,
    ServerErrors,
    Latency,
    Blocked,
    Name,
}

impl Sort {
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Worst => Self::Requests,
            Self::Requests => Self::ClientErrors,
            Self::ClientErrors => Self::ServerErrors,
            Self::ServerErrors => Self::Latency,
            Self::Latency => Self::Blocked,
            Self::Blocked => Self::Name,
            Self::Name => Self::Worst,
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Worst => "the worst first",
            Self::Requests => "requests",
            Self::ClientErrors => "4XX share",
            Self::ServerErrors => "5XX share",
            Self::Latency => "p99 latency",
            Self::Blocked => "blocked",
            Self::Name => "name",
        }
    }
}

/// The board's rows as they are shown.
#[derive(Debug, Default)]
pub(crate) struct BoardPane {
    /// Indices into the board's stages, filtered and sorted.
    pub(crate) order: Vec<usize>,
    pub(crate) cursor: Cursor,
    /// The stage the responder moved to; `None` follows the first row, which is the worst.
    pub(crate) held: Option<StageId>,
    pub(crate) sort: Sort,
    pub(crate) reversed: bool,
    /// Columns of the longest name among the rows.
    pub(crate) label_width: u16,
    pub(crate) filter: String,
}

/// Something asked for.
#[derive(Debug, Default)]
pub(crate) enum Load<T> {
    #[default]
    Idle,
    Loading,
    Loaded(T),
    Failed(String),
}

/// The sources of one stage.
#[derive(Debug, Default)]
pub(crate) struct SourcesPane {
    pub(crate) stage: Option<StageId>,
    pub(crate) load: Load<Arc<Sources>>,
    /// True while a second reading is under way and the first is still shown.
    pub(crate) reloading: bool,
    pub(crate) cursor: Cursor,
    pub(crate) marked: BTreeSet<IpAddr>,
}

impl SourcesPane {
    pub(crate) fn list(&self) -> &[Source] {
        match &self.load {
            Load::Loaded(sources) => &sources.sources,
            _ => &[],
        }
    }
}

/// What a plan is asked for.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    Action(Action),
    Undo { action_id: String, terms: Terms },
    Step { step: StepOf, terms: Terms },
}

impl Subject {
    pub(crate) fn terms_mut(&mut self) -> &mut Terms {
        match self {
            Self::Action(action) => action.terms_mut(),
            Self::Undo { terms, .. } | Self::Step { terms, .. } => terms,
        }
    }
}

/// How far a review has got.
#[derive(Debug)]
pub(crate) enum Phase {
    Planning,
    Failed(String),
    Ready(Box<Plan>),
    Applying { plan: Box<Plan>, lines: Vec<String> },
    Done { plan: Box<Plan>, lines: Vec<String>, result: Result<Box<Finished>, String> },
}

/// A plan on its way from asked for to done.
#[derive(Debug)]
pub(crate) struct Review {
    pub(crate) request: u64,
    pub(crate) subject: Subject,
    pub(crate) phase: Phase,
    pub(crate) scroll: Scroll,
}

/// A line of the timeline screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// An index into the timeline's actions.
    Action(usize),
    /// An index into the timeline's entries.
    Entry(usize),
}

/// The timeline as it is shown: what is in force first, then what happened, newest first.
#[derive(Debug, Default)]
pub(crate) struct TimelinePane {
    pub(crate) view: Arc<TimelineView>,
    pub(crate) items: Vec<Item>,
    pub(crate) cursor: Cursor,
}

/// What is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PromptKind {
    /// A filter for the board; `before` comes back on Esc.
    Filter { before: String },
    /// How long to block these.
    Duration { targets: Vec<IpAddr> },
    /// Which method of the stage to throttle, and to what.
    Throttle { stage: StageId },
    /// In which way to close the stage.
    Close { stage: StageId },
    /// An input of the open playbook; `then_do`: the selected step waits for it.
    Input { then_do: bool },
    /// Whom a closing policy is to let in, and where to prove it.
    KillSwitch { stage: StageId },
    /// How long this action is to stay in force.
    Extend { action_id: String },
    /// The phrase of the plan on the screen.
    Confirm,
    /// Why these guards are overridden.
    Reason { guards: Vec<String> },
    /// A note.
    Note,
}

/// The ways of closing a stage: asked for when the choice was opened.
#[derive(Debug)]
pub(crate) struct LadderPane {
    pub(crate) stage: StageId,
    /// What stood in the prompt when it was opened: only that is replaced by what is recommended.
    pub(crate) offered: String,
    /// `None` until it has arrived.
    pub(crate) answer: Option<Result<Box<Ladder>, String>>,
}

/// A line that is being typed, in place of the status line.
#[derive(Debug)]
pub(crate) struct Prompt {
    pub(crate) kind: PromptKind,
    pub(crate) input: Input,
    pub(crate) error: Option<String>,
}

/// What just happened, or why a key does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) text: String,
    pub(crate) bad: bool,
}

/// Everything the screen knows.
#[derive(Debug)]
pub struct State {
    pub(crate) mode: Mode,
    pub(crate) keymap: Keymap,
    pub(crate) theme: Theme,
    pub(crate) target: String,
    pub(crate) stale_after: TimeDelta,
    pub(crate) block_for: String,
    pub(crate) admitted: Vec<IpNet>,
    /// The stage of the last proof, and whom it lets in.
    pub(crate) proven: Option<(StageId, String)>,
    pub(crate) size: (u16, u16),
    /// `None` until the first board.
    pub(crate) board: Option<Arc<Board>>,
    /// Account time, as last heard.
    pub(crate) now: Option<DateTime<Utc>>,
    pub(crate) rate: f64,
    /// Never empty; the last is shown.
    pub(crate) screens: Vec<Screen>,
    pub(crate) list: BoardPane,
    /// The stage that is open.
    pub(crate) stage: Option<StageId>,
    pub(crate) stage_scroll: Scroll,
    pub(crate) sources: SourcesPane,
    pub(crate) review: Option<Review>,
    pub(crate) timeline: TimelinePane,
    pub(crate) playbooks: PlaybooksPane,
    pub(crate) help_scroll: Scroll,
    pub(crate) prompt: Option<Prompt>,
    /// The ways of closing, while one is being chosen.
    pub(crate) ladder: Option<LadderPane>,
    pub(crate) status: Option<Status>,
    /// A note that is on its way to the disk, kept in case it does not get there.
    pub(crate) pending_note: Option<String>,
    pub(crate) requests: u64,
    pub(crate) quit_warned: bool,
    pub(crate) stopped: Option<StopReason>,
    pub(crate) changed: bool,
    pub(crate) clear: bool,
}

impl State {
    /// The first screen: an empty board. `size` is the terminal's, columns and lines.
    #[must_use]
    pub fn new(options: Options, size: (u16, u16)) -> Self {
        Self {
            mode: options.mode,
            keymap: options.keymap,
            theme: options.theme,
            target: options.target,
            stale_after: options.stale_after,
            block_for: options.block_for,
            admitted: options.admitted,
            proven: None,
            size,
            board: None,
            now: None,
            rate: 1.0,
            screens: vec![Screen::Board],
            list: BoardPane::default(),
            stage: None,
            stage_scroll: Scroll::default(),
            sources: SourcesPane::default(),
            review: None,
            timeline: TimelinePane::default(),
            playbooks: PlaybooksPane::new(options.playbooks, options.playbook_mistakes),
            help_scroll: Scroll::default(),
            prompt: None,
            ladder: None,
            status: None,
            pending_note: None,
            requests: 0,
            quit_warned: false,
            stopped: None,
            changed: true,
            clear: false,
        }
    }

    /// What fills the body.
    #[must_use]
    pub fn screen(&self) -> Screen {
        self.screens.last().copied().unwrap_or(Screen::Board)
    }

    /// Whether a frame would differ from the last one drawn; asking takes the answer away.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether the terminal is too small for the screens, so that nothing could be read before it is confirmed.
    #[must_use]
    pub fn too_small(&self) -> bool {
        self.size.0 < SMALLEST.0 || self.size.1 < SMALLEST.1
    }

    /// The age of the figures, where they are too old to act on; account time.
    #[must_use]
    pub fn stale(&self) -> Option<TimeDelta> {
        let age = self.now? - self.board.as_ref()?.polling.read_at?;
        (age > self.stale_after).then_some(age)
    }

    /// Why the process is to stop, where a signal said so.
    #[must_use]
    pub fn stopped(&self) -> Option<StopReason> {
        self.stopped
    }

    /// The stage under the board's cursor.
    #[must_use]
    pub fn selected(&self) -> Option<&StageRow> {
        let board = self.board.as_deref()?;
        board.stages.get(*self.list.order.get(self.list.cursor.at)?)
    }

    /// The row of the stage that is open.
    pub(crate) fn open_row(&self) -> Option<&StageRow> {
        self.board.as_deref()?.row(self.stage.as_ref()?)
    }

    /// How many stages have an attack signal, and how many only a notice.
    pub(crate) fn severities(&self) -> (usize, usize) {
        let stages = self.board.iter().flat_map(|b| &b.stages);
        stages.fold((0, 0), |(attacks, notices), row| match worst(row) {
            Some(Severity::Attack) => (attacks + 1, notices),
            Some(Severity::Notice) => (attacks, notices + 1),
            None => (attacks, notices),
        })
    }

    /// The action on the timeline's selected line, by its own line or by an entry that belongs to it.
    pub(crate) fn selected_action(&self) -> Option<&ActionRecord> {
        let view = &self.timeline.view;
        match self.timeline.items.get(self.timeline.cursor.at)? {
            Item::Action(index) => view.actions.get(*index),
            Item::Entry(index) => {
                let id = view.entries.get(*index)?.action_id.as_ref()?;
                view.actions.iter().find(|a| a.id == *id)
            }
        }
    }

    /// Whether a change is being made at this moment.
    pub(crate) fn is_applying(&self) -> bool {
        matches!(self.review, Some(Review { phase: Phase::Applying { .. }, .. }))
    }

    /// The plan on the screen, where it waits for its confirmation.
    pub(crate) fn ready_plan(&self) -> Option<&Plan> {
        match &self.review.as_ref()?.phase {
            Phase::Ready(plan) => Some(plan),
            _ => None,
        }
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.status = Some(Status { text: text.into(), bad: false });
        self.changed = true;
    }

    pub(crate) fn complain(&mut self, text: impl Into<String>) {
        self.status = Some(Status { text: text.into(), bad: true });
        self.changed = true;
    }
}

/// The worst signal's severity.
pub(crate) fn worst(row: &StageRow) -> Option<Severity> {
    row.signals.iter().map(|s| s.severity).max()
}

/// Whether an action may still have to be taken back.
pub(crate) fn stands(state: ActionState) -> bool {
    matches!(state, ActionState::InForce | ActionState::InFlight | ActionState::Unclear)
}
