//! The incident behind the screen: opened when there is something to write, followed for what others write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::same::OnlyWriter;
use super::surroundings::{Surroundings, Teller};
use crate::aws::{Aws, Lane};
use crate::cli::session;
use crate::incident::{Event as Line, Incident, IncidentError, IncidentStore, Live, SignalRecord, Survey};
use crate::model::board::Board;
use crate::model::identity::Identity;
use crate::model::proof::Proof;
use crate::model::signal::Severity;
use crate::model::timeline::{ActionRecord, ActionState};
use crate::respond::reconcile::{look_again, reconcile};
use crate::tui::{News, TimelineView};
use crate::watch::{SignalChange, signal_changes};

/// Writes to the incident and shows what is in it.
pub(super) struct Journalling {
    aws: Aws,
    pub(super) store: IncidentStore,
    screen: Teller,
    pub(super) only_writer: OnlyWriter,
    named: Option<String>,
    title: String,
    always_new: bool,
    /// The incident once it is open, and the reader that follows it.
    open: Mutex<Option<(Incident, Live)>>,
    /// Whether the journal's signals were compared with a board.
    compared: AtomicBool,
}

impl Journalling {
    pub(super) fn new(surroundings: &Surroundings, aws: Aws, screen: Teller, only_writer: OnlyWriter) -> Self {
        Self {
            aws,
            store: surroundings.store.clone(),
            screen,
            only_writer,
            named: surroundings.incident.clone(),
            title: surroundings.title.clone(),
            always_new: surroundings.always_new,
            open: Mutex::new(None),
            compared: AtomicBool::new(false),
        }
    }

    /// The incident, opened for `title` where none is.
    pub(super) async fn incident(&self, title: &str) -> Result<Incident, String> {
        if let Some(incident) = self.opened() {
            return Ok(incident);
        }
        let identity = self.aws.identity(Lane::Plan).await.map_err(|error| error.to_string())?;
        if self.only_writer.lead_to(&identity.at).is_some() {
            let other = self.only_writer.other().unwrap_or_default();
            return Err(format!("{other} is the same account and region and keeps its journal; do it there"));
        }
        let actor = session::actor(&identity.arn);
        let title = if self.title.is_empty() { title } else { self.title.as_str() };
        let now = self.aws.clock().now();
        let mut open = self.locked();
        // Somebody may have opened it while we asked who we are.
        if let Some((incident, _)) = open.as_ref() {
            return Ok(incident.clone());
        }
        let incident = match &self.named {
            Some(id) => self.store.by_id(id, &actor),
            None if self.always_new => self.store.create(&identity, title, now, &actor),
            None => self.store.open_or_create(&identity, title, now, &actor),
        };
        let incident = incident.map_err(|error: IncidentError| error.to_string())?;
        *open = Some((incident.clone(), incident.follow()));
        Ok(incident)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Option<(Incident, Live)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn opened(&self) -> Option<Incident> {
        self.locked().as_ref().map(|(incident, _)| incident.clone())
    }

    /// At the start: joins an incident that is open already, and finds out what became of actions in flight.
    pub(super) async fn reconcile(&self, identity: &Identity) {
        let actor = session::actor(&identity.arn);
        if self.named.is_some() {
            let _ = self.incident("").await;
        } else if !self.always_new
            && let Ok(Some(incident)) = self.store.newest_open(&identity.at, &actor)
        {
            self.locked().get_or_insert_with(|| (incident.clone(), incident.follow()));
        }
        if self.only_writer.other().is_some() {
            return;
        }
        // A drill's incidents are each of a range that is gone: only its own concerns it.
        let own = self.opened().map(|incident| incident.id().to_owned());
        let only = self.always_new.then(|| own.unwrap_or_default());
        let in_flight = reconcile(&self.aws, &self.store, &actor, only.as_deref()).await;
        let not_known = look_again(&self.aws, &self.store, &actor, only.as_deref()).await;
        for one in [in_flight, not_known].into_iter().flatten().flatten() {
            self.screen.tell(News::Progress { line: session::line(&one) });
        }
    }

    /// Writes what a board raises and ends. An attack opens an incident; a notice alone does not.
    pub(super) async fn signals(&self, before: Option<&Board>, after: &Board) {
        // Another connection to the same account and region writes them already.
        if self.only_writer.other().is_some() {
            return;
        }
        let empty = Board::empty(after.at);
        let changes = signal_changes(before.unwrap_or(&empty), after);
        let attack = changes.iter().find_map(|change| match change {
            SignalChange::Raised { stage, signal } if signal.severity == Severity::Attack => {
                Some(format!("{} on {}", signal.kind.id(), stage.label()))
            }
            _ => None,
        });
        let incident = match (self.opened(), attack) {
            (Some(incident), _) => incident,
            (None, Some(title)) => match self.incident(&title).await {
                Ok(incident) => incident,
                Err(_) => return,
            },
            (None, None) => return,
        };
        let mut lines: Vec<Line> = changes.into_iter().filter_map(|change| line(&incident, change)).collect();
        lines.extend(self.ended_unnoticed(&incident, after));
        for line in lines {
            if let Err(error) = incident.record(after.at, &line) {
                self.screen.tell(News::Progress { line: format!("the timeline is not being written: {error}") });
            }
        }
    }

    /// Signals that the journal has standing and a full board has not: they ended while no console was looking. What could not be judged
    /// yet is looked at again with the next board.
    fn ended_unnoticed(&self, incident: &Incident, board: &Board) -> Vec<Line> {
        if board.polling.read_at.is_none() || self.compared.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let Ok(folded) = incident.known() else { return Vec::new() };
        // A stage that is not there may not have been found yet.
        let found = board.polling.details.0 == board.polling.details.1 && board.polling.lacks.is_none();
        let is_open = |s: &SignalRecord| match board.row(&s.stage) {
            Some(row) => row.not_judged.iter().any(|one| one.kind == s.kind),
            None => !found,
        };
        let stands = |s: &SignalRecord| {
            board.row(&s.stage).is_some_and(|row| row.signals.iter().any(|signal| signal.kind == s.kind))
        };
        self.compared.store(!folded.standing().any(is_open), Ordering::Relaxed);
        let ended = folded.standing().filter(|s| !stands(s) && !is_open(s));
        ended.map(|s| Line::SignalEnded { stage: s.stage.clone(), kind: s.kind, since: s.since, peak: None }).collect()
    }

    /// Shows the timeline where anything was written since the last look.
    pub(super) fn show_changes(&self) {
        let (view, runs) = {
            let mut open = self.locked();
            let Some((incident, live)) = open.as_mut() else { return };
            if !live.poll().unwrap_or(false) {
                return;
            }
            let folded = live.folded();
            let view = TimelineView {
                incident: Some(incident.id().to_owned()),
                opened_at: Some(incident.opened_at()),
                entries: folded.timeline.clone().into(),
                actions: folded.actions.clone(),
            };
            (view, folded.runs.clone())
        };
        self.screen.tell(News::Runs(runs.into()));
        self.screen.tell(News::Timeline(std::sync::Arc::new(view)));
    }

    /// Every action of the account's open incidents.
    pub(super) async fn actions(&self) -> Vec<ActionRecord> {
        self.survey().await.actions
    }

    /// Every action of the account's open incidents, and the incidents that cannot be read whole.
    pub(super) async fn survey(&self) -> Survey {
        if self.always_new {
            let folded = self.opened().and_then(|incident| incident.known().ok());
            return folded
                .map(|f| Survey { actions: f.actions, finished: f.finished, ..Survey::default() })
                .unwrap_or_default();
        }
        let Ok(identity) = self.aws.identity(Lane::Plan).await else { return Survey::default() };
        self.store.survey(&identity.at).unwrap_or_default()
    }

    /// Every proof of the account's open incidents, oldest first.
    pub(super) async fn proofs(&self) -> Vec<Proof> {
        if self.always_new {
            let folded = self.opened().and_then(|incident| incident.known().ok());
            return folded.map(|f| f.proofs).unwrap_or_default();
        }
        let Ok(identity) = self.aws.identity(Lane::Plan).await else { return Vec::new() };
        self.store.survey(&identity.at).unwrap_or_default().proofs
    }

    /// What is in force when the console is left. Asks nobody: the network may be what is broken.
    pub(super) async fn in_force(&self) -> Vec<ActionRecord> {
        let known = tokio::time::timeout(std::time::Duration::from_secs(1), self.actions()).await.unwrap_or_default();
        let live =
            |a: &ActionRecord| matches!(a.state, ActionState::InForce | ActionState::Unclear | ActionState::InFlight);
        known.into_iter().filter(live).collect()
    }
}

/// The journal's line for a change, unless another console has written it.
fn line(incident: &Incident, change: SignalChange) -> Option<Line> {
    let folded = incident.known().ok()?;
    let standing = |stage: &_, kind| folded.standing().find(|s| s.stage == *stage && s.kind == kind).cloned();
    match change {
        SignalChange::Raised { stage, signal } => {
            let known = standing(&stage, signal.kind).is_some_and(|s| s.severity >= signal.severity);
            (!known).then_some(Line::SignalRaised { stage, signal })
        }
        SignalChange::Ended { stage, kind, .. } => {
            let stood = standing(&stage, kind)?;
            Some(Line::SignalEnded { stage, kind, since: stood.since, peak: None })
        }
    }
}
