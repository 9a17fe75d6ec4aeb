//! Folding a journal: from lines, in order, to what is known. Pure and incremental; nothing in a journal makes it fail.

mod ended;
mod known;
mod reopened;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::attacks;
use super::callers::Callers;
use super::calm;
use super::event::{CallPhase, Event, Reading};
use super::history::{CallRecord, Ending, History, Remark, SignalRecord};
use super::past::{Finished, Ids};
use super::runs;
use super::states::States;
use super::words;
use crate::journal::{BadLine, Line};
use crate::model::attack::Attack;
use crate::model::identity::{Actor, Identity};
use crate::model::plan::{GuardResult, Plan, Purpose};
use crate::model::playbook::RunRecord;
use crate::model::proof::Proof;
use crate::model::timeline::{ActionRecord, ActionState, TimelineEntry};

/// How an incident began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// What it is about.
    pub title: String,
    /// Whose account, in which region.
    pub identity: Identity,
    /// When (account time, UTC).
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: Actor,
}

/// A line that this version could not make sense of. It stays in the journal and in the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotUnderstood {
    /// The line's number.
    pub seq: u64,
    /// Its kind, where that could be read.
    pub kind: String,
    /// Why, in one line.
    pub why: String,
}

/// What a journal says, as far as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Folded {
    /// The incident's id.
    pub incident: String,
    /// How it began; `None` where the first line is missing or damaged.
    pub opened: Option<Opened>,
    /// When it was closed, where it was.
    pub closed: Option<DateTime<Utc>>,
    /// Every line, for people. Text is neutralised.
    pub timeline: Vec<TimelineEntry>,
    /// The actions, in the order in which they were begun; undos are part of the action they take back.
    pub actions: Vec<ActionRecord>,
    /// Actions that are over and done with and are not among `actions` any more; only where the story was left out.
    #[serde(default)]
    pub finished: Finished,
    /// Ids of confirmed plans, actions and undos alike, that are not among `histories` any more; only where the story was left out.
    #[serde(default)]
    pub(super) past: Ids,
    /// Every confirmed plan, actions and undos alike, with what became of it.
    pub histories: Vec<History>,
    /// Runs of playbooks, in the order in which they were begun.
    pub runs: Vec<RunRecord>,
    /// Every proof, in the order in which they were made.
    pub proofs: Vec<Proof>,
    /// Every signal, in the order in which they began.
    pub signals: Vec<SignalRecord>,
    /// The attacks, in the order in which they were pinned; the last of a stage counts.
    #[serde(default)]
    pub attacks: Vec<Attack>,
    /// Who called before them, one a stage.
    #[serde(default)]
    pub(super) callers: Callers,
    /// How stages stand.
    #[serde(default)]
    pub(super) states: States,
    /// Who took part, in order of appearance.
    pub actors: Vec<Actor>,
    /// Plans that guards stopped.
    pub refused: usize,
    /// What stopped a plan the last time, by what it would have done: guards with their verdicts.
    #[serde(default)]
    refusals: BTreeMap<String, Vec<String>>,
    /// Notes written.
    pub notes: usize,
    /// Lines that were not understood.
    pub not_understood: Vec<NotUnderstood>,
    /// The time of the last line.
    pub last_at: Option<DateTime<Utc>>,
    /// When something was last done, or an attack last began or ended.
    pub(super) stirred_at: Option<DateTime<Utc>>,
    /// The number of the last line.
    pub last_seq: u64,
}

impl Folded {
    /// An incident of which nothing has been read.
    #[must_use]
    pub fn nothing(incident: &str) -> Self {
        Self {
            incident: incident.to_owned(),
            opened: None,
            closed: None,
            timeline: Vec::new(),
            actions: Vec::new(),
            finished: Finished::default(),
            past: Ids::default(),
            histories: Vec::new(),
            runs: Vec::new(),
            proofs: Vec::new(),
            signals: Vec::new(),
            attacks: Vec::new(),
            callers: Callers::default(),
            states: States::default(),
            actors: Vec::new(),
            refused: 0,
            refusals: BTreeMap::new(),
            notes: 0,
            not_understood: Vec::new(),
            last_at: None,
            stirred_at: None,
            last_seq: 0,
        }
    }
}

/// Guards that stopped a plan, with their verdicts.
fn stoppers(guards: &[GuardResult]) -> Vec<String> {
    guards.iter().map(|guard| format!("{} {}", guard.id, guard.verdict.word())).collect()
}

/// Whether an action is in force, or may be in part.
pub(super) fn in_force(action: &ActionRecord) -> bool {
    matches!(action.state, ActionState::InForce | ActionState::Unclear)
}

/// Folds lines one by one.
#[derive(Debug, Clone, PartialEq)]
pub struct Folder {
    folded: Folded,
    /// Whether every line is told for people.
    story: bool,
    /// Whether a line belongs to what was left out.
    lacks: bool,
}

impl Folder {
    /// Begins with nothing.
    #[must_use]
    pub fn new(incident: &str) -> Self {
        Self { folded: Folded::nothing(incident), story: true, lacks: false }
    }

    /// Goes on from what stood at some place, and tells no story.
    #[must_use]
    pub(super) fn going_on(folded: Folded) -> Self {
        Self { folded, story: false, lacks: false }
    }

    /// Whether something came that belongs to what was left out: then only reading everything tells.
    pub(super) fn lacks_something(&self) -> bool {
        self.lacks
    }

    /// What is known so far.
    #[must_use]
    pub fn folded(&self) -> &Folded {
        &self.folded
    }

    /// What is known at the end.
    #[must_use]
    pub fn finish(self) -> Folded {
        self.folded
    }

    /// Takes the next line.
    pub fn push(&mut self, line: &Line) {
        self.push_read(line, &Reading::of(line));
    }

    /// Takes the next line as it was read.
    pub(super) fn push_read(&mut self, line: &Line, reading: &Reading) {
        self.folded.last_at = Some(line.at);
        self.folded.last_seq = line.seq;
        if !self.folded.actors.contains(&line.actor) {
            self.folded.actors.push(line.actor.clone());
        }
        let why_not = match reading {
            Reading::Known { event, .. } => self.apply(line, event).err(),
            Reading::TornLineSetAside | Reading::ChainBroken => None,
            Reading::UnknownKind => Some("this version does not know the kind".to_owned()),
            Reading::Unreadable(why) => Some(format!("its data cannot be read: {why}")),
        };
        if !self.story {
            return;
        }
        let mut entry = words::entry(line, reading);
        if let Some(why) = why_not {
            entry.detail.push(words::clean(&why));
            self.folded.not_understood.push(NotUnderstood {
                seq: line.seq,
                kind: words::clean(&line.kind),
                why: words::clean(&why),
            });
        }
        self.folded.timeline.push(entry);
    }

    /// Takes a line that could not be read as one.
    pub fn push_unreadable(&mut self, bad: &BadLine) {
        if !self.story {
            return;
        }
        self.folded.not_understood.push(NotUnderstood {
            seq: bad.number,
            kind: String::new(),
            why: words::clean(&bad.wrong.to_string()),
        });
    }

    /// Applies an event; an error says why it does not fit what came before it.
    fn apply(&mut self, line: &Line, event: &Event) -> Result<(), String> {
        if calm::stirs(&self.folded, event) {
            self.folded.stirred_at = self.folded.stirred_at.max(Some(line.at));
        }
        if self.belongs_to_the_past(event) {
            match event {
                Event::Effect { .. } | Event::Merged { .. } => return Ok(()),
                Event::Proved { proof, .. } => {
                    self.folded.proofs.push((**proof).clone());
                    return Ok(());
                }
                _ => self.lacks = true,
            }
        }
        match event {
            Event::Opened { title, identity, .. } => {
                if self.folded.opened.is_none() {
                    self.folded.opened = Some(Opened {
                        title: title.clone(),
                        identity: identity.clone(),
                        at: line.at,
                        by: line.actor.clone(),
                    });
                }
            }
            Event::SignalRaised { .. } | Event::SignalEnded { .. } => {
                return self.signal(line, event);
            }
            Event::AttackBegan { .. } | Event::AttackCorrected { .. } | Event::AttackEnded { .. } => {
                return attacks::take(&mut self.folded.attacks, line.at, event);
            }
            Event::StateChanged { stage, state, .. } => self.folded.states.keep(stage, *state),
            Event::CallersBefore { stage, began, callers } => {
                self.folded.callers.keep(stage, *began, callers);
            }
            Event::Refused { summary, guards } => {
                self.folded.refused += 1;
                self.folded.refusals.insert(summary.clone(), stoppers(guards));
            }
            Event::Note { .. } => self.folded.notes += 1,
            Event::Intent { action_id, plan, expires_at } => return self.begin(line, action_id, plan, *expires_at),
            Event::Call { .. } | Event::Merged { .. } | Event::Effect { .. } => {
                return self.progress(line, event);
            }
            Event::Proved { action_id, proof } => {
                find(&mut self.folded.histories, action_id)?;
                self.folded.proofs.push((**proof).clone());
            }
            Event::Outcome { action_id, outcome, lines, unchanged } => {
                let history = find(&mut self.folded.histories, action_id)?;
                history.made.retain(|resource| !unchanged.contains(resource));
                history.unchanged.clone_from(unchanged);
                let ending = Ending { at: line.at, outcome: *outcome, lines: lines.clone(), reconciled: false };
                return self.end(action_id, &[], ending);
            }
            Event::Reconciled { action_id, made, outcome, detail } => {
                // What was said of it at its end stays beside what was found out since.
                let history = find(&mut self.folded.histories, action_id)?;
                let said = history.ending.as_ref().map(|end| end.lines.clone()).unwrap_or_default();
                let lines = said.into_iter().chain([detail.clone()]).collect();
                let ending = Ending { at: line.at, outcome: *outcome, lines, reconciled: true };
                return self.end(action_id, made, ending);
            }
            Event::Extended { action_id, expires_at, awaits_probe } => {
                let action = self.folded.actions.iter_mut().find(|a| a.id == *action_id);
                let action =
                    action.ok_or_else(|| format!("it extends {action_id}, which this journal has not begun"))?;
                action.expires_at = *expires_at;
                action.awaits_probe = *awaits_probe;
            }
            Event::PlaybookRun { .. } => runs::begun(&mut self.folded.runs, line, event),
            Event::PlaybookStep { .. } => return runs::step(&mut self.folded.runs, line.at, event),
            Event::Closed {} => self.folded.closed = Some(line.at),
            Event::Exported { .. } => {}
        }
        Ok(())
    }

    /// Whether an event is about an action that was left out.
    fn belongs_to_the_past(&self, event: &Event) -> bool {
        let past = |id: &str| self.folded.past.contains(id);
        match event {
            Event::PlaybookStep { .. } => false,
            Event::Intent { plan, .. } if matches!(&plan.purpose, Purpose::Undo { action_id, .. } if past(action_id)) => {
                true
            }
            _ => event.action_id().is_some_and(past),
        }
    }

    fn signal(&mut self, line: &Line, event: &Event) -> Result<(), String> {
        let (stage, kind) = match event {
            Event::SignalRaised { stage, signal } => (stage, signal.kind),
            Event::SignalEnded { stage, kind, .. } => (stage, *kind),
            _ => return Ok(()),
        };
        let standing =
            self.folded.signals.iter_mut().rfind(|s| s.ended_at.is_none() && s.kind == kind && s.stage == *stage);
        if let Event::SignalRaised { signal, .. } = event {
            attacks::signalled(&mut self.folded.attacks, stage, signal);
        }
        match (event, standing) {
            (Event::SignalRaised { signal, .. }, Some(record)) => record.measured(signal),
            (Event::SignalRaised { signal, .. }, None) => {
                let record = SignalRecord::begun(stage, signal);
                self.folded.signals.push(record);
            }
            (Event::SignalEnded { peak, .. }, Some(record)) => record.ended(line.at, *peak),
            (_, None) => return Err("this signal was not standing".to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// An intent: from here on it counts as in flight.
    fn begin(
        &mut self,
        line: &Line,
        action_id: &str,
        plan: &Plan,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<(), String> {
        if self.folded.history(action_id).is_some() {
            return Err(format!("action {action_id} was begun before"));
        }
        let takes_back = match &plan.purpose {
            Purpose::Apply => None,
            Purpose::Undo { action_id, .. } => Some(action_id.clone()),
        };
        let orphan = takes_back
            .as_ref()
            .filter(|id| self.folded.action(id).is_none())
            .map(|id| format!("it takes back {id}, which this journal has not begun"));
        runs::intent(&mut self.folded.runs, action_id, &plan.digest);
        if takes_back.is_none() {
            self.folded.actions.push(ActionRecord {
                id: action_id.to_owned(),
                incident: self.folded.incident.clone(),
                action: plan.action.clone(),
                stage: plan.stage.clone(),
                changes: plan.changes.clone(),
                made: Vec::new(),
                doubtful: Vec::new(),
                actor: line.actor.clone(),
                begun_at: line.at,
                expires_at,
                awaits_probe: plan.action.commit_within().is_some(),
                state: ActionState::InFlight,
                effect: None,
                outcome: None,
                undone_at: None,
            });
        }
        self.folded.histories.push(History {
            action_id: action_id.to_owned(),
            takes_back,
            plan: plan.clone(),
            actor: line.actor.clone(),
            begun_at: line.at,
            expires_at,
            calls: Vec::new(),
            merges: Vec::new(),
            effects: Vec::new(),
            made: Vec::new(),
            unchanged: Vec::new(),
            ending: None,
        });
        orphan.map_or(Ok(()), Err)
    }

    /// A step of something begun.
    fn progress(&mut self, line: &Line, event: &Event) -> Result<(), String> {
        let id = event.action_id().unwrap_or_default();
        let history = find(&mut self.folded.histories, id)?;
        match event {
            Event::Call { service, operation, resource, phase, detail, .. } => {
                if *phase == CallPhase::Answered {
                    add(&mut history.made, resource);
                }
                history.calls.push(CallRecord {
                    at: line.at,
                    service: service.clone(),
                    operation: operation.clone(),
                    resource: resource.clone(),
                    phase: *phase,
                    detail: detail.clone(),
                });
            }
            Event::Merged { detail, .. } => history.merges.push(Remark { at: line.at, text: detail.clone() }),
            Event::Effect { effect, evidence, .. } => {
                let remark = Remark { at: line.at, text: evidence.join("\n") };
                history.effects.push((*effect, remark));
                if let Some(action) = self.folded.actions.iter_mut().find(|a| a.id == id) {
                    action.effect = action.effect.max(Some(*effect));
                }
            }
            _ => {}
        }
        self.copy_made(id);
        Ok(())
    }

    /// Carries what is known to have been made over to the action's record.
    fn copy_made(&mut self, id: &str) {
        let Some(history) = self.folded.histories.iter().find(|h| h.action_id == id) else {
            return;
        };
        if let Some(action) = self.folded.actions.iter_mut().find(|a| a.id == id) {
            action.made.clone_from(&history.made);
            action.doubtful = history.doubtful();
        }
    }
}

fn find<'a>(histories: &'a mut [History], id: &str) -> Result<&'a mut History, String> {
    histories
        .iter_mut()
        .find(|h| h.action_id == id)
        .ok_or_else(|| format!("it belongs to action {id}, which this journal has not begun"))
}

fn add(made: &mut Vec<String>, resource: &str) {
    if !made.iter().any(|have| have == resource) {
        made.push(resource.to_owned());
    }
}
