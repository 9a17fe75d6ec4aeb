//! Everything the screen knows. Changed by [`super::update`] alone, read by [`super::view`].

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ipnet::IpNet;

use crate::model::action::{Action, Terms};
use crate::model::board::StageRow;
use crate::model::connection::{ConnectionId, StageAt};
use crate::model::identity::AccountRegion;
use crate::model::plan::{Finished, Plan};
use crate::model::proposal::ProposedStep;
use crate::model::settings::Accounts;
use crate::model::signal::Severity;
use crate::model::stage_report::StageReport;
use crate::model::timeline::{ActionRecord, ActionState};

use super::command::Context;
use super::effect::StepOf;
use super::event::StopReason;
use super::fleet::{Fleet, Watched};
use super::keymap::{Keymap, UnderWay};
use super::list::{Cursor, Scroll};
pub(crate) use super::next::Next;
pub use super::options::{Mode, Options};
use super::palette::Palette;
use super::playbooks::PlaybooksPane;
pub(crate) use super::prompt::{LadderPane, Prompt, PromptKind};
pub(crate) use super::sources_pane::SourcesPane;
use super::theme::{Characters, Theme};
use super::throttle_pane::ThrottlePane;
pub(crate) use super::timeline_pane::{Item, TimelinePane};

/// The smallest terminal that holds the screens: columns and lines. Below it a notice is drawn and nothing can be confirmed.
pub const SMALLEST: (u16, u16) = (60, 15);

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
    Throttled,
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
            Self::ServerErrors => Self::Throttled,
            Self::Throttled => Self::Latency,
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
            Self::Throttled => "throttled (429)",
            Self::Latency => "p99 latency",
            Self::Blocked => "blocked",
            Self::Name => "name",
        }
    }
}

/// A row of the board: an index into the stages of a connection's board, or a connection that has none and says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RowAt {
    pub(crate) at: ConnectionId,
    pub(crate) index: usize,
}

impl RowAt {
    /// The row of a connection that could not be read and so has no stages.
    pub(crate) fn unread(at: ConnectionId) -> Self {
        Self { at, index: usize::MAX }
    }

    pub(crate) fn is_unread(self) -> bool {
        self.index == usize::MAX
    }
}

/// The board's rows as they are shown.
#[derive(Debug, Default)]
pub(crate) struct BoardPane {
    /// The rows, filtered and sorted.
    pub(crate) order: Vec<RowAt>,
    pub(crate) cursor: Cursor,
    /// The stage the responder moved to; `None` follows the first row, which is the worst.
    pub(crate) held: Option<StageAt>,
    /// The connection without stages that the responder moved to.
    pub(crate) held_unread: Option<ConnectionId>,
    /// Whether the stage that is held has gone from its board: then nothing is selected, least of all another stage.
    pub(crate) gone: bool,
    /// Stages kept on top, until the console is left.
    pub(crate) pinned: Vec<StageAt>,
    pub(crate) sort: Sort,
    pub(crate) reversed: bool,
    /// Rows whose name another one has as well: they show their API's id.
    pub(crate) twins: HashSet<RowAt>,
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

/// The open stage in depth.
#[derive(Debug, Default)]
pub(crate) struct DepthPane {
    /// What was read; at its own age while it is read again.
    pub(crate) report: Option<Arc<StageReport>>,
    pub(crate) loading: bool,
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
    /// Whose account it changes; no other connection's plan is ever shown or carried out here.
    pub(crate) at: ConnectionId,
    pub(crate) request: u64,
    pub(crate) subject: Subject,
    pub(crate) phase: Phase,
    pub(crate) scroll: Scroll,
    /// What was proposed, where it was.
    pub(crate) proposed: Option<ProposedStep>,
    /// What it has become, where something else is proposed in its place now.
    pub(crate) proposed_now: Option<String>,
    /// Whether every guard is listed, and the diff whole.
    pub(crate) all_guards: bool,
    pub(crate) whole_diff: bool,
}

/// What just happened, or why a key does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) text: String,
    pub(crate) bad: bool,
}

/// What is known of the terminal's background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Background {
    /// It was asked, and the theme follows what it answers.
    Asked,
    /// It was asked, and has not answered before somebody pressed a key: colours do not change under whoever reads.
    Late,
    /// Known, or never asked.
    Settled,
}

/// What becomes of the terminal before the next frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum BeforeFrame {
    /// The frame is drawn over the last one.
    #[default]
    Nothing,
    /// It owes nothing to what is there.
    Clear,
    /// The console is suspended first.
    Suspend,
}

/// Everything the screen knows.
#[derive(Debug)]
pub struct State {
    pub(crate) mode: Mode,
    pub(crate) keymap: Keymap,
    /// What has been pressed of a sequence.
    pub(crate) sequence: UnderWay,
    pub(crate) theme: Theme,
    pub(crate) background: Background,
    pub(crate) characters: Characters,
    pub(crate) fleet: Fleet,
    pub(crate) stale_after: TimeDelta,
    pub(crate) block_for: String,
    pub(crate) admitted: Vec<IpNet>,
    pub(crate) accounts: Accounts,
    /// The stage of the last proof, and whom it lets in.
    pub(crate) proven: Option<(StageAt, String)>,
    pub(crate) size: (u16, u16),
    /// Never empty; the last is shown.
    pub(crate) screens: Vec<Screen>,
    pub(crate) list: BoardPane,
    /// The stage that is open.
    pub(crate) stage: Option<StageAt>,
    pub(crate) depth: DepthPane,
    /// Which stage is known to be looked at.
    pub(crate) looked_at: Option<StageAt>,
    pub(crate) stage_scroll: Scroll,
    pub(crate) sources: SourcesPane,
    pub(crate) review: Option<Review>,
    pub(crate) timeline: TimelinePane,
    pub(crate) playbooks: PlaybooksPane,
    pub(crate) help_scroll: Scroll,
    pub(crate) prompt: Option<Prompt>,
    /// How long what is waited for has taken, as it was told last; wall time.
    pub(crate) elapsed: Option<Duration>,
    /// The palette while it is open.
    pub(crate) palette: Option<Palette>,
    /// What was looked for last.
    pub(crate) found: String,
    /// What the terminal's clipboard is to take.
    pub(crate) copied: Option<String>,
    /// The methods, while a throttle is being typed.
    pub(crate) throttle: Option<ThrottlePane>,
    /// The ways of closing, while one is being chosen.
    pub(crate) ladder: Option<LadderPane>,
    /// What would help the stages that were looked at, one each.
    pub(crate) next: Vec<Next>,
    pub(crate) status: Option<Status>,
    /// A note that is on its way to the disk, kept in case it does not get there.
    pub(crate) pending_note: Option<(ConnectionId, String)>,
    pub(crate) requests: u64,
    pub(crate) quit_warned: bool,
    pub(crate) stopped: Option<StopReason>,
    pub(crate) changed: bool,
    pub(crate) before_frame: BeforeFrame,
    /// Whether somebody has to look: the bell is rung once.
    pub(crate) ring: bool,
}

impl State {
    /// The first screen: an empty board. `size` is the terminal's, columns and lines.
    #[must_use]
    pub fn new(options: Options, size: (u16, u16)) -> Self {
        // As long as the terminal has not answered, it is taken for a plain one.
        let status = options.keymap.warned().map(|text| Status { text, bad: true });
        Self {
            mode: options.mode,
            keymap: options.keymap,
            sequence: UnderWay::default(),
            theme: options.theme,
            background: if options.asks_background { Background::Asked } else { Background::Settled },
            characters: options.characters,
            fleet: Fleet::new(options.targets),
            stale_after: options.stale_after,
            block_for: options.block_for,
            admitted: options.admitted,
            accounts: options.accounts,
            proven: None,
            size,
            screens: vec![Screen::Board],
            list: BoardPane::default(),
            stage: None,
            depth: DepthPane::default(),
            looked_at: None,
            stage_scroll: Scroll::default(),
            sources: SourcesPane::default(),
            review: None,
            timeline: TimelinePane::default(),
            playbooks: PlaybooksPane::new(options.playbooks, options.playbook_mistakes),
            help_scroll: Scroll::default(),
            prompt: None,
            elapsed: None,
            palette: None,
            found: String::new(),
            copied: None,
            throttle: None,
            ladder: None,
            next: Vec::new(),
            status,
            pending_note: None,
            requests: 0,
            quit_warned: false,
            stopped: None,
            changed: true,
            before_frame: BeforeFrame::Nothing,
            ring: false,
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

    /// The connection that the screen speaks of: of the stage that is open or under the cursor, of the plan, of the timeline.
    #[must_use]
    pub fn focus(&self) -> ConnectionId {
        let prompted = self.prompt.as_ref().and_then(|prompt| prompt.kind.at());
        let shown = || self.screens.iter().rev().find_map(|screen| self.shown_of(*screen));
        prompted.or_else(shown).unwrap_or_default()
    }

    fn shown_of(&self, screen: Screen) -> Option<ConnectionId> {
        match screen {
            Screen::Board => self.row_under_cursor().map(|row| row.at).or(self.list.held.as_ref().map(|held| held.at)),
            Screen::Stage => self.stage.as_ref().map(|stage| stage.at),
            Screen::Sources => self.sources.stage.as_ref().map(|stage| stage.at),
            Screen::Review => self.review.as_ref().map(|review| review.at),
            Screen::Timeline => Some(self.timeline.at),
            Screen::Playbooks | Screen::Playbook => self.playbooks.stage.as_ref().map(|stage| stage.at),
            Screen::Help => None,
        }
    }

    /// The connection that the screen speaks of.
    pub(crate) fn here(&self) -> &Watched {
        self.fleet.get(self.focus())
    }

    /// The age of the figures of the connection on the screen, where they are too old to act on; account time.
    #[must_use]
    pub fn stale(&self) -> Option<TimeDelta> {
        self.stale_at(self.focus())
    }

    /// The age of a connection's figures, where they are too old to act on; account time.
    pub(crate) fn stale_at(&self, at: ConnectionId) -> Option<TimeDelta> {
        self.fleet.get(at).age().filter(|age| *age > self.stale_after)
    }

    /// How old what is shown of sources is, account time.
    pub(crate) fn sources_age(&self) -> Option<TimeDelta> {
        let stage = self.sources.stage.as_ref()?;
        Some(self.fleet.get(stage.at).now? - self.sources.read_to()?)
    }

    /// Why the process is to stop, where a signal said so.
    #[must_use]
    pub fn stopped(&self) -> Option<StopReason> {
        self.stopped
    }

    fn row_under_cursor(&self) -> Option<RowAt> {
        if self.list.gone { None } else { self.list.order.get(self.list.cursor.at).copied() }
    }

    /// What stands in a row of the board.
    pub(crate) fn row(&self, row: RowAt) -> Option<&StageRow> {
        self.fleet.get(row.at).stages().get(row.index)
    }

    /// The stage under the board's cursor.
    #[must_use]
    pub fn selected(&self) -> Option<&StageRow> {
        self.row(self.row_under_cursor()?)
    }

    /// The stage under the board's cursor, and whose it is.
    pub(crate) fn selected_at(&self) -> Option<StageAt> {
        let row = self.row_under_cursor()?;
        Some(StageAt { at: row.at, stage: self.row(row)?.id.clone() })
    }

    /// The connection under the board's cursor, where it could not be read and so has no stages.
    pub(crate) fn selected_unread(&self) -> Option<ConnectionId> {
        self.row_under_cursor().filter(|row| row.is_unread()).map(|row| row.at)
    }

    /// The row of the stage that is open.
    pub(crate) fn open_row(&self) -> Option<&StageRow> {
        self.fleet.row(self.stage.as_ref()?)
    }

    /// How many stages have an attack signal, and how many only a notice; of every connection, each account and region once.
    pub(crate) fn severities(&self) -> (usize, usize) {
        let own = self.fleet.iter().filter(|(_, watched)| watched.same_as.is_none());
        let stages = own.flat_map(|(_, watched)| watched.stages());
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

    /// The next frame owes nothing to what is on the terminal.
    pub(crate) fn draw_anew(&mut self) {
        self.before_frame = BeforeFrame::Clear;
        self.changed = true;
    }

    /// Whether the terminal is to be cleared before the next frame; asked once.
    pub(crate) fn take_clear(&mut self) -> bool {
        std::mem::take(&mut self.before_frame) == BeforeFrame::Clear
    }

    /// What the terminal's clipboard is to take; asked once.
    pub(crate) fn take_copied(&mut self) -> Option<String> {
        self.copied.take()
    }

    /// Whose account, with what the team calls it: `shop-prod 111122223333 eu-west-1`.
    pub(crate) fn account_words(&self, at: &AccountRegion) -> String {
        let name = self.accounts.get(&at.account).map_or("", |account| account.name.as_str());
        format!("{name} {} {}", at.account, at.region).trim_start().to_owned()
    }

    /// Whether customers depend on the account that the screen speaks of: so unless it is said that they do not.
    pub(crate) fn is_production(&self) -> bool {
        let identity = self.here().board.as_ref().and_then(|board| board.identity.as_ref());
        identity.and_then(|identity| self.accounts.get(&identity.at.account)).is_none_or(|account| account.production)
    }

    /// Whether somebody has to look, since the last time this was asked.
    pub(crate) fn take_ring(&mut self) -> bool {
        std::mem::take(&mut self.ring)
    }

    /// Whether it was asked since the last time that the console be suspended.
    pub(crate) fn take_suspend(&mut self) -> bool {
        let asked = self.before_frame == BeforeFrame::Suspend;
        if asked {
            self.before_frame = BeforeFrame::Nothing;
        }
        asked
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
