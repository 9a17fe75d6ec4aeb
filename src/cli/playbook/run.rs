//! `playbook run`: the steps of a playbook, one after another. Where the run stands is in the journal alone, so that
//! another process can go on with it.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{library, list, words};
use crate::aws::Lane;
use crate::cli::act::{Carried, carry_out};
use crate::cli::args::playbook::RunArgs;
use crate::cli::args::{Common, Confirmation};
use crate::cli::error::{Exit, Failure};
use crate::cli::json::{Printer, plan_shape};
use crate::cli::out;
use crate::cli::session::Session;
use crate::cli::shape::playbook::{PlaybookRun, PlaybookRunDocument, RunStep};
use crate::incident::Incident;
use crate::incident::mark::{self, Mark};
use crate::model::action::Terms;
use crate::model::plan::Plan;
use crate::model::playbook::{Playbook, RunRecord, Step, StepState, Task};
use crate::model::stage::StageId;
use crate::model::text::neutralised;
use crate::model::timeline::ActionState;
use crate::playbook::observe;
use crate::playbook::values::{self, Context, Inputs};
use crate::respond::desk::Wish;
use crate::respond::resolve;
use crate::watch::Watcher;

/// Account time for which values read from the situation stay those of a step that is not confirmed yet.
const KEPT: TimeDelta = TimeDelta::minutes(15);

/// Runs a playbook for a stage, or goes on with a run of it.
pub(super) async fn run(common: &Common, args: RunArgs, printer: Printer) -> Result<Exit, Failure> {
    let library = library(printer);
    let playbook = library.find(&args.name).map_err(Failure::usage)?;
    let pairs = args.inputs.iter().map(|text| values::split(text)).collect::<Result<Vec<_>, _>>()?;
    let inputs = values::typed(playbook, pairs)?;
    named(playbook, &args)?;
    let session = Session::open_for(common, &args.stage).await?;
    printer.aside(&session.reconciled().await?);
    let stage = resolve::stage(&session.aws, &args.stage, Lane::Plan).await?.id;
    let interactive = args.confirm.is_none() && !printer.is_json() && out::can_ask();
    session.settle_incident(interactive).await?;
    let incident = session.incident_to_act_in(&format!("playbook {} for {}", playbook.name, stage.label())).await?;
    let record = mark::begin(&incident, session.now(), playbook, &stage, values::written(&inputs), args.anew)?;
    let driver = Driver {
        session: &session,
        playbook,
        stage: &stage,
        incident: &incident,
        run_id: record.id.clone(),
        interactive,
        printer,
    };
    driver.skipped(&args.skip)?;
    let mut changed = false;
    let driven = driver.drive(args.step.as_deref(), args.confirm, &mut changed).await;
    let (exit, plan) = driven.map_err(|failure| after_a_change(failure, changed))?;
    driver.report(plan.as_deref())?;
    Ok(exit)
}

/// Refuses steps that the playbook does not have, and to leave out one that is not optional.
fn named(playbook: &Playbook, args: &RunArgs) -> Result<(), Failure> {
    for id in args.skip.iter().chain(&args.step) {
        if playbook.step(id).is_none() {
            let ids: Vec<&str> = playbook.steps.iter().map(|step| step.id.as_str()).collect();
            return Err(Failure::usage(format!("{} has no step “{id}”; it has {}", playbook.name, ids.join(", "))));
        }
    }
    match args.skip.iter().filter_map(|id| playbook.step(id)).find(|step| !step.optional) {
        Some(step) => Err(Failure::usage(format!("step {} is not optional, so it cannot be skipped", step.id))),
        None => Ok(()),
    }
}

/// An error after a step of this very run has changed something is no “nothing was changed”.
fn after_a_change(failure: Failure, changed: bool) -> Failure {
    if changed && failure.exit == Exit::Error { Failure { exit: Exit::Partly, ..failure } } else { failure }
}

/// What a responder answers where a step begins.
enum Answer {
    Go,
    Skip,
    Leave,
}

/// What became of a step.
enum Ended {
    /// It is over; on to the next.
    Over,
    /// Here it ends, perhaps with a plan that waits.
    Here(Exit, Option<Box<Plan>>),
}

struct Driver<'a> {
    session: &'a Session,
    playbook: &'a Playbook,
    stage: &'a StageId,
    incident: &'a Incident,
    run_id: String,
    interactive: bool,
    printer: Printer,
}

impl Driver<'_> {
    fn record(&self) -> Result<RunRecord, Failure> {
        Ok(mark::run(self.incident, &self.run_id)?)
    }

    fn mark<'s>(&'s self, step: &'s Step) -> Mark<'s> {
        Mark { incident: self.incident, run_id: &self.run_id, step }
    }

    fn end(&self, step: &Step, state: StepState, detail: Vec<String>) -> Result<Ended, Failure> {
        self.mark(step).ended(self.session.now(), state, detail)?;
        Ok(Ended::Over)
    }

    /// Leaves out what is named, unless it is over already.
    fn skipped(&self, ids: &[String]) -> Result<(), Failure> {
        let record = self.record()?;
        for step in ids.iter().filter_map(|id| self.playbook.step(id)).filter(|step| !record.is_over(step)) {
            self.end(step, StepState::Skipped, Vec::new())?;
        }
        Ok(())
    }

    /// Goes on until something needs the responder, or nothing is left. `only`: that step alone.
    async fn drive(
        &self,
        only: Option<&str>,
        mut phrase: Option<String>,
        changed: &mut bool,
    ) -> Result<(Exit, Option<Box<Plan>>), Failure> {
        if let Some(step) = only.and_then(|id| self.playbook.step(id)) {
            return Ok(match self.step(step, &mut phrase).await? {
                Ended::Over => (Exit::Done, None),
                Ended::Here(exit, plan) => (exit, plan),
            });
        }
        loop {
            let record = self.record()?;
            let Some(step) = self.playbook.next(Some(&record)) else { return Ok((Exit::Done, None)) };
            if let Ended::Here(exit, plan) = self.step(step, &mut phrase).await? {
                return Ok((exit, plan));
            }
            *changed |= step.task.is_change();
            if !self.record()?.is_over(step) {
                let why = format!("step {} has ended and the journal does not say so; look at the timeline", step.id);
                return Err(Failure::new(Exit::Partly, why));
            }
        }
    }

    async fn step(&self, step: &Step, phrase: &mut Option<String>) -> Result<Ended, Failure> {
        let record = self.record()?;
        let place = self.playbook.steps.iter().position(|one| one.id == step.id).unwrap_or_default() + 1;
        let all = self.playbook.steps.len();
        let optional = if step.optional { ", optional" } else { "" };
        let heading = format!("step {place} of {all}: {}{optional}: {}", step.id, step.title);
        self.printer.words(&neutralised(&heading));
        if let Some(ended) = self.without_its_step(step, &record)? {
            return Ok(ended);
        }
        self.say(&words::does(step));
        match self.asked(step)? {
            Answer::Go => {}
            Answer::Skip => return self.end(step, StepState::Skipped, Vec::new()),
            Answer::Leave => return Ok(Ended::Here(Exit::NotConfirmed, None)),
        }
        match &step.task {
            Task::Note { .. } => self.end(step, StepState::Read, Vec::new()),
            Task::Observe { .. } => self.observed(step, &record).await,
            Task::Action { .. } | Task::Undo { .. } => self.changed(step, &record, phrase).await,
        }
    }

    /// A step that is about another one which changed nothing has nothing to do; about one that is still to come, it
    /// cannot be done.
    fn without_its_step(&self, step: &Step, record: &RunRecord) -> Result<Option<Ended>, Failure> {
        let Some(about) = step.task.about().and_then(|id| self.playbook.step(id)) else { return Ok(None) };
        if let Some(id) = record.action_of(&about.id) {
            let state = self.incident.known()?.state_of(id);
            let over = state.is_some_and(ActionState::is_over);
            if !over || !matches!(step.task, Task::Undo { .. }) {
                return Ok(None);
            }
            let why = format!("action {id} of step {} had ended already", about.id);
            self.say(&why);
            return self.end(step, StepState::Done, vec![why]).map(Some);
        }
        if !record.is_over(about) {
            let why = format!("step {} is about step {}, which has not been done", step.id, about.id);
            return Err(Failure::new(Exit::Error, why));
        }
        let why = format!("step {} changed nothing", about.id);
        self.say(&why);
        self.end(step, StepState::Skipped, vec![why]).map(Some)
    }

    fn say(&self, text: &str) {
        for line in text.lines() {
            self.printer.words(&format!("  {}", neutralised(line)));
        }
    }

    /// On a terminal a note waits until it was read, and whatever is optional is asked for.
    fn asked(&self, step: &Step) -> Result<Answer, Failure> {
        let is_note = matches!(step.task, Task::Note { .. });
        if !self.interactive || !(is_note || step.optional) {
            return Ok(Answer::Go);
        }
        let skip = if step.optional { ", s to skip it" } else { "" };
        let go = if is_note { "Enter when that is done" } else { "Enter to do it" };
        loop {
            let Some(line) = out::ask(&format!("{go}{skip}, q to stop here: "))? else { return Ok(Answer::Leave) };
            match line.trim() {
                "" => return Ok(Answer::Go),
                "s" if step.optional => return Ok(Answer::Skip),
                "q" => return Ok(Answer::Leave),
                _ => {}
            }
        }
    }

    async fn observed(&self, step: &Step, record: &RunRecord) -> Result<Ended, Failure> {
        let given = values::of_run(self.playbook, record);
        let context = Context { playbook: self.playbook, stage: self.stage, given: &given };
        let watcher = Watcher::start(self.session.aws.clone(), Arc::clone(&self.session.settings));
        watcher.believe(self.session.desk.beliefs().await?);
        let mut boards = watcher.boards();
        let seen =
            observe(context, step, record, (&self.session.aws, &self.session.desk), &mut boards, self.incident).await?;
        self.say(&format!("{}: {}", seen.state.words(), seen.detail.join("; ")));
        self.end(step, seen.state, seen.detail)?;
        if seen.state == StepState::NotObserved && !step.optional {
            self.printer.aside(&["not observed, so it stops here; run it again to look again".to_owned()]);
            return Ok(Ended::Here(Exit::NotVerified, None));
        }
        Ok(Ended::Over)
    }

    /// A change: the same way as `apply` and `undo`, with the step's name on it.
    async fn changed(&self, step: &Step, record: &RunRecord, phrase: &mut Option<String>) -> Result<Ended, Failure> {
        let wish = self.wish(step, record).await?;
        let confirmation = Confirmation { confirm: phrase.clone(), wait: false };
        let mark = self.mark(step);
        let printer = self.printer.within();
        let carried = carry_out(self.session, &wish, None, &confirmation, Some(&mark), printer).await?;
        let Carried { exit, plan, confirmed } = carried;
        if confirmed {
            *phrase = None;
        }
        match exit {
            Exit::Done => Ok(Ended::Over),
            Exit::Stopped => {
                let guards: Vec<&str> = plan.halting().map(|guard| guard.id.as_str()).collect();
                let skip = if step.optional { format!("; or skip it with --skip {}", step.id) } else { String::new() };
                let said = format!(
                    "stopped by {}; a playbook overrides no guard. Other inputs may pass (--input NAME=VALUE){skip}",
                    guards.join(", ")
                );
                self.printer.aside(&[said]);
                Ok(Ended::Here(exit, Some(Box::new(plan))))
            }
            Exit::NotConfirmed => {
                if step.optional {
                    self.printer.aside(&[format!("or skip it with --skip {}", step.id)]);
                }
                Ok(Ended::Here(exit, Some(Box::new(plan))))
            }
            _ => Ok(Ended::Here(exit, None)),
        }
    }

    /// What the step asks for. Values read from the situation are kept for a while: the phrase of a plan is typed
    /// minutes after it was made, and must be of the same plan.
    async fn wish(&self, step: &Step, record: &RunRecord) -> Result<Wish, Failure> {
        if let Some(action) = step.task.about().and_then(|about| record.action_of(about)) {
            let reason = format!("playbook {}, step {}", self.playbook.name, step.id);
            let terms = Terms { reason: Some(reason), ..Terms::default() };
            return Ok(Wish::Undo { action_id: action.to_owned(), terms });
        }
        let given = values::of_run(self.playbook, record);
        let context = Context { playbook: self.playbook, stage: self.stage, given: &given };
        let now = self.session.now();
        let kept = record.step(&step.id).filter(|known| known.state == StepState::Started && now - known.at < KEPT);
        let found = match kept.map(|known| values::read_back(self.playbook, &known.inputs)) {
            Some(kept) if !kept.is_empty() => kept,
            _ => self.situation(context, step).await?,
        };
        Ok(Wish::Action(context.action(step, &found)?))
    }

    async fn situation(&self, context: Context<'_>, step: &Step) -> Result<Inputs, Failure> {
        let found = context.situation(step, (&self.session.aws, &self.session.desk), &self.session.settings).await?;
        if !found.is_empty() {
            self.mark(step).read(self.session.now(), values::written(&found))?;
        }
        Ok(found)
    }

    /// How the run stands now.
    fn report(&self, plan: Option<&Plan>) -> Result<(), Failure> {
        let record = self.record()?;
        if !self.printer.is_json() {
            self.printer.text(&words::run(self.playbook, &record));
            return Ok(());
        }
        let step = |step: &Step| {
            let known = record.step(&step.id);
            RunStep {
                step: list::step(step),
                state: known.map(|known| known.state),
                action_id: known.and_then(|known| known.action_id.clone()),
                detail: known.map(|known| known.detail.clone()).unwrap_or_default(),
            }
        };
        let playbook_run = PlaybookRun {
            id: record.id.clone(),
            incident: self.incident.id().to_owned(),
            playbook: record.playbook.clone(),
            stage: record.stage.label(),
            inputs: record.inputs.clone(),
            steps: self.playbook.steps.iter().map(step).collect(),
            next: self.playbook.next(Some(&record)).map(|step| step.id.clone()),
            plan: plan.map(plan_shape),
        };
        self.printer.object("playbook-run", &PlaybookRunDocument { playbook_run });
        Ok(())
    }
}
