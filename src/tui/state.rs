//! Everything the screen knows. Changed by [`super::update`] alone, read by [`super::view`].

use std::sync::Arc;

use chrono::TimeDelta;

use crate::model::board::StageRow;
use crate::model::connection::{ConnectionId, StageAt};
use crate::model::plan::Plan;
use crate::model::signal::{Severity, SignalKind};
use crate::model::stage_report::StageReport;
use crate::model::timeline::{ActionRecord, ActionState};

use super::asked::Asked;
pub(crate) use super::board_pane::{BoardPane, RowAt, Sort};
use super::configured::Configured;
pub(crate) use super::due::BeforeFrame;
use super::due::Due;
use super::event::StopReason;
use super::fleet::{Fleet, Watched};
use super::keys::Keys;
use super::list::Scroll;
pub(crate) use super::looks::Background;
use super::looks::Looks;
pub use super::looks::SMALLEST;
use super::mode::Mode;
pub(crate) use super::next::Next;
use super::options::Options;
use super::playbooks::PlaybooksPane;
pub(crate) use super::prompt::{LadderPane, Prompt, PromptKind};
pub(crate) use super::review_pane::{Phase, Review, Subject};
pub use super::screens::Screen;
use super::screens::Screens;
pub(crate) use super::sources_pane::SourcesPane;
pub(crate) use super::timeline_pane::{Item, TimelinePane};
use super::typing::Typing;

/// The open stage, in depth.
#[derive(Debug, Default)]
pub(crate) struct DepthPane {
    pub(crate) stage: Option<StageAt>,
    /// What was read; at its own age while it is read again.
    pub(crate) report: Option<Arc<StageReport>>,
    pub(crate) loading: bool,
    pub(crate) scroll: Scroll,
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
    pub(crate) configured: Configured,
    pub(crate) looks: Looks,
    pub(crate) keys: Keys,
    pub(crate) fleet: Fleet,
    pub(crate) screens: Screens,
    pub(crate) list: BoardPane,
    pub(crate) depth: DepthPane,
    pub(crate) sources: SourcesPane,
    pub(crate) review: Option<Review>,
    pub(crate) timeline: TimelinePane,
    pub(crate) playbooks: PlaybooksPane,
    pub(crate) typing: Typing,
    pub(crate) status: Option<Status>,
    /// What the outside was asked for.
    pub(crate) asked: Asked,
    /// What is due at the terminal.
    pub(crate) due: Due,
}

impl State {
    /// The first screen: an empty board. `size` is the terminal's, columns and lines.
    #[must_use]
    pub fn new(options: Options, size: (u16, u16)) -> Self {
        // As long as the terminal has not answered, it is taken for a plain one.
        let status = options.keymap.warned().map(|text| Status { text, bad: true });
        let background = if options.asks_background { Background::Asked } else { Background::Settled };
        Self {
            mode: options.mode,
            configured: Configured::new(options.stale_after, options.block_for, options.admitted, options.accounts),
            looks: Looks { theme: options.theme, background, characters: options.characters, size },
            keys: Keys::new(options.keymap),
            fleet: Fleet::new(options.targets),
            screens: Screens::default(),
            list: BoardPane::default(),
            depth: DepthPane::default(),
            sources: SourcesPane::default(),
            review: None,
            timeline: TimelinePane::default(),
            playbooks: PlaybooksPane::new(options.playbooks, options.playbook_mistakes),
            typing: Typing::default(),
            status,
            asked: Asked::default(),
            due: Due::default(),
        }
    }

    /// What fills the body.
    #[must_use]
    pub fn screen(&self) -> Screen {
        self.screens.shown()
    }

    /// Whether a frame would differ from the last one drawn; asking takes the answer away.
    pub fn take_changed(&mut self) -> bool {
        self.due.take_changed()
    }

    /// Whether the terminal is too small for the screens, so that nothing could be read before it is confirmed.
    #[must_use]
    pub fn too_small(&self) -> bool {
        self.looks.too_small()
    }

    /// The connection that the screen speaks of: of the stage that is open or under the cursor, of the plan, of the
    /// timeline.
    #[must_use]
    pub fn focus(&self) -> ConnectionId {
        let prompted = self.typing.prompt.as_ref().and_then(|prompt| prompt.kind.at());
        let shown = || self.screens.downwards().find_map(|screen| self.shown_of(screen));
        prompted.or_else(shown).unwrap_or_default()
    }

    fn shown_of(&self, screen: Screen) -> Option<ConnectionId> {
        match screen {
            Screen::Board => self.row_under_cursor().map(|row| row.at).or(self.list.held.as_ref().map(|held| held.at)),
            Screen::Stage => self.depth.stage.as_ref().map(|stage| stage.at),
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
        self.fleet.get(at).age().filter(|age| *age > self.configured.stale_after)
    }

    /// How old what is shown of sources is, account time.
    pub(crate) fn sources_age(&self) -> Option<TimeDelta> {
        let stage = self.sources.stage.as_ref()?;
        Some(self.fleet.get(stage.at).now? - self.sources.read_to()?)
    }

    /// Why the process is to stop, where a signal said so.
    #[must_use]
    pub fn stopped(&self) -> Option<StopReason> {
        self.due.stopped
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
        self.fleet.row(self.depth.stage.as_ref()?)
    }

    /// How many stages have an attack signal, and how many only a notice; of every connection, each account and region
    /// once.
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

    /// Whether no attack stands on a stage, as far as its figures say.
    pub(crate) fn is_calm(&self, stage: &StageAt) -> bool {
        self.fleet.row(stage).is_some_and(|row| worst(row) != Some(Severity::Attack))
    }

    /// The signals that stand on the stage that the playbooks are shown for.
    pub(crate) fn standing(&self) -> Vec<SignalKind> {
        let row = self.playbooks.stage.as_ref().and_then(|stage| self.fleet.row(stage));
        row.map(|row| row.signals.iter().map(|signal| signal.kind).collect()).unwrap_or_default()
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

    /// Whether customers depend on the account that the screen speaks of: so unless it is said that they do not.
    pub(crate) fn is_production(&self) -> bool {
        let identity = self.here().board.as_ref().and_then(|board| board.identity.as_ref());
        identity.is_none_or(|identity| self.configured.is_production(&identity.at))
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.status = Some(Status { text: text.into(), bad: false });
        self.due.changed = true;
    }

    pub(crate) fn complain(&mut self, text: impl Into<String>) {
        self.status = Some(Status { text: text.into(), bad: true });
        self.due.changed = true;
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
