//! Steps of playbooks that the screen asks for: planned as any other change, observed, ticked off, and written of.

use super::acting::Acting;
use crate::incident::Incident;
use crate::incident::mark::{self, Mark};
use crate::model::action::Terms;
use crate::model::plan::Plan;
use crate::model::playbook::{Playbook, RunRecord, Step, StepState};
use crate::playbook::observe;
use crate::playbook::values::{self, Context};
use crate::respond::desk::Wish;
use crate::tui::{News, StepOf};

/// A step of a run that is in the journal.
pub(super) struct Begun {
    incident: Incident,
    run: RunRecord,
    step: Step,
}

impl Begun {
    pub(super) fn mark(&self) -> Mark<'_> {
        Mark { incident: &self.incident, run_id: &self.run.id, step: &self.step }
    }
}

impl Acting {
    fn playbook(&self, of: &StepOf) -> Result<(&Playbook, &Step), String> {
        let playbook = self.playbooks.iter().find(|playbook| playbook.name == of.playbook);
        let playbook = playbook.ok_or_else(|| format!("there is no playbook {} any more", of.playbook))?;
        let step = playbook.step(&of.step);
        Ok((playbook, step.ok_or_else(|| format!("{} has no step {}", of.playbook, of.step))?))
    }

    /// The step's run in the journal, begun where there is none.
    pub(super) async fn begun(&self, of: &StepOf) -> Result<Begun, String> {
        let (playbook, step) = self.playbook(of)?;
        self.goes_on(playbook, of).await?;
        let title = format!("playbook {} for {}", of.playbook, of.stage.label());
        let incident = self.journalling.incident_to_act_in(&title).await?;
        let now = self.aws.clock().now();
        let run = mark::begin(&incident, now, playbook, &of.stage, values::written(&of.inputs), false)
            .map_err(|e| e.to_string())?;
        Ok(Begun { incident, run, step: step.clone() })
    }

    /// A run that stands on the screen goes on where it was begun, however long nothing has happened there: who takes
    /// its next step says so.
    async fn goes_on(&self, playbook: &Playbook, of: &StepOf) -> Result<(), String> {
        let Some(incident) = self.journalling.opened() else { return Ok(()) };
        let known = incident.known().map_err(|error| error.to_string())?;
        if playbook.open_run(&known.runs, &of.stage).is_none() {
            return Ok(());
        }
        self.desk.books().go_on(&self.aws, incident.id()).await.map_err(|error| error.to_string())
    }

    pub(super) async fn plan_step(&self, request: u64, of: &StepOf, terms: &Terms) {
        let result = self.step_planned(of, terms).await.map(Box::new);
        self.send(News::Plan { request, result });
    }

    async fn step_planned(&self, of: &StepOf, terms: &Terms) -> Result<Plan, String> {
        let (playbook, step) = self.playbook(of)?;
        self.goes_on(playbook, of).await?;
        if let Some(about) = step.task.about() {
            let folded = self.journalling.opened().and_then(|incident| incident.known().ok());
            let run = folded.as_ref().and_then(|folded| playbook.open_run(&folded.runs, &of.stage));
            let not_done = || format!("step {} is about step {about}, which has not been done", step.id);
            let action_id = run.and_then(|run| run.action_of(about)).ok_or_else(not_done)?;
            let mut terms = terms.clone();
            terms.reason = terms.reason.or_else(|| Some(format!("playbook {}, step {}", playbook.name, step.id)));
            return self.planned(&Wish::Undo { action_id: action_id.to_owned(), terms }).await;
        }
        let context = Context { playbook, stage: &of.stage, given: &of.inputs };
        let found =
            context.situation(step, (&self.aws, &self.desk), &self.settings).await.map_err(|e| e.to_string())?;
        let mut action = context.action(step, &found).map_err(|e| e.to_string())?;
        let own = action.terms_mut();
        own.overrides.clone_from(&terms.overrides);
        if terms.reason.is_some() {
            own.reason.clone_from(&terms.reason);
        }
        self.planned(&Wish::Action(action)).await
    }

    pub(super) async fn end_step(&self, of: &StepOf, state: StepState) {
        let ended = match self.begun(of).await {
            Ok(begun) => begun.mark().ended(self.aws.clock().now(), state, Vec::new()).map_err(|e| e.to_string()),
            Err(error) => Err(error),
        };
        self.journalling.show_changes();
        if let Err(error) = ended {
            self.send(News::Progress { line: format!("step {} was not written: {error}", of.step) });
        }
    }

    pub(super) async fn observe_step(&self, of: &StepOf) {
        let line = match self.step_observed(of).await {
            Ok(line) => line,
            Err(error) => format!("step {}: {error}", of.step),
        };
        self.journalling.show_changes();
        self.send(News::Progress { line });
    }

    async fn step_observed(&self, of: &StepOf) -> Result<String, String> {
        let begun = self.begun(of).await?;
        let mark = begun.mark();
        let clock = self.aws.clock();
        mark.ended(clock.now(), StepState::Started, Vec::new()).map_err(|e| e.to_string())?;
        self.journalling.show_changes();
        let (playbook, step) = self.playbook(of)?;
        let context = Context { playbook, stage: &of.stage, given: &of.inputs };
        let mut boards = self.boards.clone();
        let seen = observe(context, step, &begun.run, (&self.aws, &self.desk), &mut boards, &begun.incident).await;
        let seen = seen.map_err(|e| e.to_string())?;
        let line = format!("step {} {}: {}", of.step, seen.state.words(), seen.detail.join("; "));
        mark.ended(clock.now(), seen.state, seen.detail).map_err(|e| e.to_string())?;
        Ok(line)
    }
}
