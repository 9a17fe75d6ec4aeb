//! Folding a journal: from lines, in order, to what is known. Pure and incremental; nothing in a journal makes it fail.
#![deny(clippy::wildcard_enum_match_arm)]

mod ended;
mod queries;
mod reopened;

use chrono::{DateTime, Utc};

use super::attacks;
use super::call_phase::CallPhase;
use super::calm;
use super::event::Event;
use super::folded::{Folded, NotUnderstood, Opened};
use super::history::{CallRecord, Ending, History, Remark, SignalRecord};
use super::reading::Reading;
use super::runs;
use super::timeline;
use super::words;
use crate::journal::{BadLine, Line};
use crate::model::plan::{GuardResult, Plan, Purpose};
use crate::model::signal::{Signal, SignalKind};
use crate::model::stage::StageId;
use crate::model::timeline::{ActionRecord, ActionState};

/// Guards that stopped a plan, with their verdicts.
fn stoppers(guards: &[GuardResult]) -> Vec<String> {
    guards.iter().map(|guard| format!("{} {}", guard.id, guard.verdict.word())).collect()
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
        let mut entry = timeline::entry(line, reading);
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
    // Long: one arm for each kind of event, with all that it changes.
    fn apply(&mut self, line: &Line, event: &Event) -> Result<(), String> {
        if calm::stirs(&self.folded, event) {
            self.folded.stirred_at = self.folded.stirred_at.max(Some(line.at));
        }
        if self.belongs_to_the_past(event) {
            if let Event::Proved { proof, .. } = event {
                self.folded.proofs.push((**proof).clone());
                return Ok(());
            }
            if matches!(event, Event::Effect { .. } | Event::Merged { .. }) {
                return Ok(());
            }
            self.lacks = true;
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
            Event::SignalRaised { stage, signal } => self.raised(stage, signal),
            Event::SignalEnded { stage, kind, peak, .. } => return self.ended(line, (stage, *kind), *peak),
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
        let takes_back = |plan: &Plan| matches!(&plan.purpose, Purpose::Undo { action_id, .. } if past(action_id));
        let is_step = matches!(event, Event::PlaybookStep { .. });
        let undoes = matches!(event, Event::Intent { plan, .. } if takes_back(plan));
        undoes || (!is_step && event.action_id().is_some_and(past))
    }

    fn standing(&mut self, stage: &StageId, kind: SignalKind) -> Option<&mut SignalRecord> {
        self.folded.signals.iter_mut().rfind(|s| s.ended_at.is_none() && s.kind == kind && s.stage == *stage)
    }

    fn raised(&mut self, stage: &StageId, signal: &Signal) {
        attacks::signalled(&mut self.folded.attacks, stage, signal);
        match self.standing(stage, signal.kind) {
            Some(record) => record.measured(signal),
            None => self.folded.signals.push(SignalRecord::begun(stage, signal)),
        }
    }

    fn ended(&mut self, line: &Line, (stage, kind): (&StageId, SignalKind), peak: Option<f64>) -> Result<(), String> {
        self.standing(stage, kind).ok_or("this signal was not active")?.ended(line.at, peak);
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
            .map(|id| format!("it undoes {id}, which this journal has not begun"));
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
        if let Event::Call { service, operation, resource, phase, detail, .. } = event {
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
        if let Event::Merged { detail, .. } = event {
            history.merges.push(Remark { at: line.at, text: detail.clone() });
        }
        if let Event::Effect { effect, evidence, .. } = event {
            let remark = Remark { at: line.at, text: evidence.join("\n") };
            history.effects.push((*effect, remark));
            if let Some(action) = self.folded.actions.iter_mut().find(|a| a.id == id) {
                action.effect = action.effect.max(Some(*effect));
            }
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
