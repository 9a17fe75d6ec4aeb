//! The incident behind the screen: opened when there is something to write, followed for what others write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::only_writer::OnlyWriter;
use super::states::States;
use super::surroundings::Teller;
use crate::aws::{Aws, Lane};
use crate::cli::session;
use crate::incident::{Event as Line, Incident, Live, SignalRecord};
use crate::model::attack::{Attack, Attacks, RestsOn};
use crate::model::belief::Beliefs;
use crate::model::board::Board;
use crate::model::measure::Measures;
use crate::model::signal::{Severity, Signal};
use crate::model::stage::StageId;
use crate::model::timeline::{ActionRecord, ActionState};
use crate::respond::desk::Desk;
use crate::tui::{News, TimelineView};
use crate::watch::{SignalChange, Watcher, signal_changes};

/// Writes to the incident and shows what is in it.
pub(super) struct Journalling {
    aws: Aws,
    desk: Desk,
    screen: Teller,
    only_writer: OnlyWriter,
    /// The reader that follows the incident once it is open.
    live: Mutex<Option<Live>>,
    /// Whether the journal's signals were compared with a board.
    compared: AtomicBool,
    /// Who watches, and freezes what is usual by what is believed of the attacks.
    watcher: Option<Arc<Watcher>>,
    /// What is in force of other open incidents, as it was when they were last looked at.
    elsewhere: Mutex<Vec<ActionRecord>>,
    /// Whether it was said that another world answers.
    strange: AtomicBool,
    /// How stages stand, as the incident has it.
    states: States,
}

impl Journalling {
    pub(super) fn new(desk: Desk, aws: Aws, screen: Teller, only_writer: OnlyWriter) -> Self {
        let (live, compared, strange) = (Mutex::new(None), AtomicBool::new(false), AtomicBool::new(false));
        let elsewhere = Mutex::new(Vec::new());
        Self {
            aws,
            desk,
            screen,
            only_writer,
            live,
            compared,
            strange,
            elsewhere,
            watcher: None,
            states: States::default(),
        }
    }

    /// The same, which lets a watcher know what the incident says of the attacks.
    pub(super) fn believed_by(self, watcher: Arc<Watcher>) -> Self {
        Self { watcher: Some(watcher), ..self }
    }

    /// The incident that an attack is written to: the one that is open, unless it has been calm for too long. A new one
    /// then, since nobody may be there to ask; what is left aside is said, and how to go on with it.
    pub(super) async fn incident_to_act_in(&self, title: &str) -> Result<Incident, String> {
        let found = self.desk.books().to_act_in(&self.aws, title).await;
        let (incident, aside) = found.map_err(|error| error.to_string())?;
        if let Some(line) = aside {
            self.compared.store(false, Ordering::Relaxed);
            self.screen.tell(News::Progress { line });
        }
        Ok(incident)
    }

    /// What a confirmation has to say of where it would be written, where that is not the incident on the screen.
    pub(super) async fn foretold(&self) -> Option<String> {
        let (calm, since) = self.desk.books().left_aside(&self.aws).await.ok()??;
        let since = since.format("%Y-%m-%d %H:%M:%SZ");
        Some(format!(
            "nothing has happened in incident {calm} since {since}, so confirming this opens a new one; to continue \
             {calm}, leave and start again with --incident {calm}"
        ))
    }

    /// The incident to write about, opened for `title` where none is.
    pub(super) async fn incident(&self, title: &str) -> Result<Incident, String> {
        self.desk.books().incident(&self.aws, title).await.map_err(|error| error.to_string())
    }

    pub(super) fn opened(&self) -> Option<Incident> {
        self.desk.books().opened()
    }

    /// At the start: joins an incident that is open already, and finds out what became of actions in flight.
    pub(super) async fn reconcile(&self) {
        let _ = self.desk.books().joined(&self.aws).await;
        self.look_elsewhere().await;
        if self.only_writer.other().is_some() {
            return;
        }
        if let Ok(found) = self.desk.reconcile().await {
            for one in found {
                self.screen.tell(News::Progress { line: session::line(&one) });
            }
        }
    }

    /// Takes up what is in force of other open incidents: it turns requests away like what this one has done.
    pub(super) async fn look_elsewhere(&self) {
        let own = self.opened().map(|incident| incident.id().to_owned());
        let mut actions = self.actions().await;
        actions.retain(|action| own.as_deref() != Some(&action.incident));
        if let (Some(watcher), None) = (&self.watcher, &own) {
            watcher.believe(Beliefs { measures: Measures::of(&actions), ..Beliefs::default() });
        }
        *self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner) = actions;
    }

    /// Writes what a board raises and ends. An attack opens an incident; a notice alone does not.
    pub(super) async fn signals(&self, before: Option<&Board>, after: &Board) {
        // Another connection to the same account and region writes them already.
        if self.only_writer.other().is_some() {
            return;
        }
        // Whose account it is is known where an incident is open: nothing is waited for.
        if self.opened().is_some()
            && let Err(error) = self.aws.identity(Lane::Poll).await
        {
            if !self.strange.swap(true, Ordering::Relaxed) {
                self.screen.tell(News::Progress { line: format!("the timeline is not being written: {error}") });
            }
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
            (_, Some(title)) => match self.incident_to_act_in(&title).await {
                Ok(incident) => incident,
                Err(_) => return,
            },
            (Some(incident), None) => incident,
            (None, None) => return,
        };
        self.pin(&incident, &changes);
        let mut lines: Vec<Line> = changes.into_iter().filter_map(|change| line(&incident, change)).collect();
        lines.extend(self.ended_unnoticed(&incident, after));
        for line in lines {
            if let Err(error) = incident.record(after.at, &line) {
                self.screen.tell(News::Progress { line: format!("the timeline is not being written: {error}") });
            }
        }
        self.states.write(&incident, after, |news| self.screen.tell(news));
    }

    /// Pins when an attack began before anything else is written of it: by the earliest of its signals.
    fn pin(&self, incident: &Incident, changes: &[SignalChange]) {
        let raised = |change: &SignalChange| match change {
            SignalChange::Raised { stage, signal } if signal.severity == Severity::Attack => {
                Some((stage.clone(), signal.clone()))
            }
            _ => None,
        };
        let mut attacks: Vec<(StageId, Signal)> = changes.iter().filter_map(raised).collect();
        attacks.sort_by_key(|(_, signal)| signal.since);
        for (stage, signal) in attacks {
            let attack = Attack::begun(stage, signal.since, RestsOn::Signal(signal.kind), None);
            if let Err(error) = self.desk.pin(incident, &attack, &signal.evidence) {
                self.screen.tell(News::Progress { line: format!("the timeline is not being written: {error}") });
            }
        }
    }

    /// Signals that the journal has standing and a full board has not: they ended while no console was looking. What
    /// could not be judged yet is looked at again with the next board.
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
        let Some(incident) = self.opened() else { return };
        let (view, runs) = {
            let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
            let followed = live.take_if(|live| live.folded().incident == incident.id());
            let live = live.insert(followed.unwrap_or_else(|| incident.follow()));
            let changed = live.poll().unwrap_or(false);
            let folded = live.folded();
            if let Some(watcher) = &self.watcher {
                // What is known of an attack that is long over is not believed of the next.
                let (books, now) = (self.desk.books(), self.aws.clock().now());
                let is_calm = folded.long_calm(now).is_some() && !books.goes_on_however_calm(incident.id(), now);
                let attacks = if is_calm { Attacks::default() } else { folded.attacks() };
                let elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
                let measures = Measures::of(folded.actions.iter().chain(elsewhere.iter()));
                watcher.believe(Beliefs { attacks, measures });
            }
            if !changed {
                return;
            }
            let view = TimelineView {
                incident: Some(incident.id().to_owned()),
                opened_at: Some(incident.opened_at()),
                entries: folded.timeline.clone().into(),
                actions: folded.actions.clone(),
                attacks: folded.attacks(),
            };
            (view, folded.runs.clone())
        };
        self.screen.tell(News::Runs(runs.into()));
        self.screen.tell(News::Timeline(std::sync::Arc::new(view)));
    }

    /// Every action of the account's open incidents.
    pub(super) async fn actions(&self) -> Vec<ActionRecord> {
        self.desk.books().survey(&self.aws).await.unwrap_or_default().actions
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
