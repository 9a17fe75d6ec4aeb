//! What the screen asks for, carried out in tasks of their own.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::acting::Acting;
use super::playbook::Begun;
use crate::aws::Lane;
use crate::cli::sources::random_key;
use crate::incident::Event as Line;
use crate::model::attack::{Attack, Attacks, RestsOn};
use crate::model::board::Board;
use crate::model::ladder::Ladder;
use crate::model::plan::{Finished, Outcome, Plan};
use crate::model::source::Sources;
use crate::model::stage::{ApiKind, StageId, StageSelector};
use crate::report::{self, Export, Format};
use crate::respond::desk::error::DeskError;
use crate::respond::desk::{Carried, Desk, PATIENCE, Wish};
use crate::tui::{Ask, News, StepOf};
use crate::watch;

/// Who wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// Somebody pressed a key.
    ByHand,
    /// Nobody did.
    ByItself,
}

fn selector(stage: &StageId) -> StageSelector {
    StageSelector { profile: None, region: None, api: stage.api_id.clone(), stage: stage.stage.clone() }
}

impl Acting {
    pub(super) fn carry_out(&self, asked: Ask) {
        let this = self.clone();
        match asked {
            Ask::LoadSources(stage) => drop(tokio::spawn(async move { this.load_sources(stage).await })),
            Ask::LoadStage(stage) => drop(tokio::spawn(async move { this.load_stage(&stage).await })),
            Ask::LookAt(stages) => self.watcher.look_at(stages),
            Ask::LoadNext(stage) => drop(tokio::spawn(async move { Box::pin(this.load_next(stage)).await })),
            Ask::LoadLadder(stage) => drop(tokio::spawn(async move { Box::pin(this.load_ladder(stage)).await })),
            Ask::Plan { request, action } => {
                drop(tokio::spawn(async move { this.plan(request, &Wish::Action(action)).await }));
            }
            Ask::PlanUndo { request, action_id, terms } => {
                drop(tokio::spawn(async move { this.plan(request, &Wish::Undo { action_id, terms }).await }));
            }
            Ask::Apply { plan, phrase } => {
                self.must_finish.spawn(async move { this.apply(*plan, &phrase, None).await });
            }
            Ask::Extend { action_id, expires_after_seconds } => {
                self.must_finish.spawn(async move { this.extend(&action_id, expires_after_seconds).await });
            }
            Ask::PlanStep { request, step, terms } => {
                drop(tokio::spawn(async move { this.plan_step(request, &step, &terms).await }));
            }
            Ask::ApplyStep { plan, phrase, step } => {
                self.must_finish.spawn(async move { this.apply(*plan, &phrase, Some(&step)).await });
            }
            Ask::ObserveStep(step) => drop(tokio::spawn(async move { this.observe_step(&step).await })),
            Ask::EndStep { step, state } => {
                self.must_finish.spawn(async move { this.end_step(&step, state).await });
            }
            Ask::Note(text) => self.must_finish.spawn(async move { this.note(text).await }),
            Ask::Export(format) => self.must_finish.spawn(async move { this.export(format) }),
            Ask::ConfirmationOpen(open) => self.confirmation_open(open),
        }
    }

    /// A drill falls to real time while somebody reads a plan.
    fn confirmation_open(&self, open: bool) {
        let Some((range, speed)) = &self.range else { return };
        let rate = if open { speed.min(1.0) } else { *speed };
        range.set_rate(rate);
        self.aws.clock().learn(range.now(), Some(rate));
        self.send(News::Clock { account: range.now(), rate });
    }

    async fn load_sources(&self, stage: StageId) {
        let result = self.sources(&stage, Asking::ByHand).await.map(Arc::new);
        self.send(News::Sources { stage, result });
    }

    async fn load_stage(&self, stage: &StageId) {
        let kind = self.latest().and_then(|board| board.row(stage).map(|row| row.kind)).unwrap_or_default();
        let attacks = self.attacks(stage).await;
        let report = Box::pin(watch::stage_report(&self.aws, &self.settings, (stage, kind), &attacks)).await;
        self.send(News::Stage(Arc::new(report)));
    }

    async fn load_ladder(&self, stage: StageId) {
        let selector = selector(&stage);
        let ladder = async {
            let ladder = self.desk.ladder(&selector, None).await.map_err(|error| error.to_string());
            // The ways must not wait for who is sending what.
            self.send(News::Ladder { stage: stage.clone(), result: ladder.clone().map(Box::new) });
            ladder
        };
        let (ladder, sources) = tokio::join!(ladder, self.sources(&stage, Asking::ByHand));
        self.propose(&selector, stage, ladder, sources).await;
    }

    /// What would help, where nobody has asked.
    async fn load_next(&self, stage: StageId) {
        let selector = selector(&stage);
        let (ladder, sources) =
            tokio::join!(self.desk.ladder_unasked(&selector), self.sources(&stage, Asking::ByItself));
        self.propose(&selector, stage, ladder.map_err(|error| error.to_string()), sources).await;
    }

    async fn propose(
        &self,
        selector: &StageSelector,
        stage: StageId,
        ladder: Result<Ladder, String>,
        sources: Result<Sources, String>,
    ) {
        let condition = self.latest().and_then(|board| board.row(&stage).map(|row| row.condition.clone()));
        let result = match (ladder, condition) {
            (Ok(ladder), Some(condition)) => {
                let sources = sources.as_ref().map_err(Clone::clone);
                let proposed = self.desk.proposals(selector, &condition, sources, &ladder).await;
                proposed.map(Box::new).map_err(|error| error.to_string())
            }
            (Err(why), _) => Err(why),
            (Ok(_), None) => Err("the stage's state is not known yet".to_owned()),
        };
        self.send(News::Proposals { stage, result });
    }

    /// Who sends to a stage; where nobody has asked, by its access log only inside the budget for log queries.
    async fn sources(&self, stage: &StageId, asking: Asking) -> Result<Sources, String> {
        let board = self.latest().ok_or("nothing has been read yet; wait for the first figures")?;
        let row = board.row(stage).ok_or_else(|| format!("{} is not on the board any more", stage.label()))?;
        let (api, name) = (stage.api_id.as_str(), stage.stage.as_str());
        let read = match row.kind {
            ApiKind::Rest => {
                let read = self.aws.stage_settings(api, name, Lane::Plan).await;
                read.map(|settings| (settings.web_acl_arn, settings.access_log))
            }
            ApiKind::Http => {
                let read = self.aws.guarded_http_stage(api, name, Lane::Plan).await;
                read.map(|guarded| (None, guarded.access_log))
            }
        };
        let (arn, access_log) = match read {
            Ok((arn, log)) => (arn, Ok(log)),
            Err(error) if row.web_acl_arn.is_none() => return Err(error.to_string()),
            Err(error) => (None, Err(error.to_string())),
        };
        let arn = arn.or(row.web_acl_arn.clone());
        let behind = board.stages.iter().filter(|r| arn.is_some() && r.web_acl_arn == arn).count();
        let known = self.desk.callers_before(stage).await.map_err(|error| error.to_string())?;
        let began = self.attack_began(stage).await?;
        let blocked = self.desk.blocked(stage).await.map_err(|error| error.to_string())?;
        let reserved = match asking {
            Asking::ByHand => Ok(None),
            Asking::ByItself => {
                let log = access_log.as_ref().ok().cloned().flatten();
                self.watcher.reserve_log(stage, log, began).await.map(Some)
            }
        };
        let meter = watch::Meter::default();
        let asked = watch::CallersOf {
            stage,
            kind: row.kind,
            web_acl_arn: arn.as_deref(),
            stages_behind: behind.max(1),
            access_log: match (&access_log, &reserved) {
                (Ok(Some(_)), Err(why)) => Err(watch::Unasked::Budget(why)),
                (known, _) => known.as_ref().map(Option::as_ref).map_err(|why| watch::Unasked::NotRead(why)),
            },
            meter: &meter,
            began,
            known: known.as_ref(),
            blocked: blocked.as_ref(),
        };
        let read = watch::callers(&self.aws, &self.settings, asked).await.map_err(|error| error.to_string());
        if let Ok(reserved) = reserved {
            self.watcher.settle_log(reserved, meter.scanned());
        }
        let read = read?;
        if let Err(error) = self.desk.keep_callers((stage, began), &read, random_key).await {
            self.send(News::Progress { line: format!("who called before the attack is not recorded: {error}") });
        }
        Ok(read)
    }

    /// Keeps who called before each attack that is pinned, out of WAF's samples, where nothing is kept of it: once
    /// each, and again only where it failed. What the access log says can be read later as well.
    pub(super) async fn keep_callers(&self, asked: &mut HashSet<(StageId, DateTime<Utc>)>) {
        let Some(board) = self.latest() else { return };
        let Ok(attacks) = self.desk.attacks().await else { return };
        for row in &board.stages {
            let (Some(began), Some(arn)) = (attacks.began(&row.id), &row.web_acl_arn) else { continue };
            let attack = (row.id.clone(), began);
            if asked.contains(&attack) || !matches!(self.desk.callers_before(&row.id).await, Ok(None)) {
                continue;
            }
            let earlier = attacks.over(&row.id);
            if let Ok(before) = watch::callers_before(&self.aws, arn, began, earlier).await
                && self.desk.keep_callers((&row.id, Some(began)), &before, random_key).await.is_ok()
            {
                asked.insert(attack);
            }
        }
    }

    fn latest(&self) -> Option<Arc<Board>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The attacks that are pinned, and on `stage`, where none is, what the boards said first. An incident that cannot
    /// be read pins nothing.
    async fn attacks(&self, stage: &StageId) -> Attacks {
        let pinned = self.desk.attacks().await.unwrap_or_default();
        match self.shown_since(stage) {
            Some(began) => pinned.or_begun(Attack::begun(stage.clone(), began, RestsOn::Metrics, None)),
            None => pinned,
        }
    }

    /// When the attack on a stage began: as the incident has it; where nothing is pinned, as the board shows it now.
    async fn attack_began(&self, stage: &StageId) -> Result<Option<DateTime<Utc>>, String> {
        if let Some(attack) = self.desk.attack_on(stage).await.map_err(|error| error.to_string())? {
            return Ok(Some(attack.began));
        }
        Ok(self.shown_since(stage))
    }

    /// Since when the boards show an attack.
    fn shown_since(&self, stage: &StageId) -> Option<DateTime<Utc>> {
        let board = self.latest();
        let row = board.as_ref().and_then(|board| board.row(stage));
        // What the boards said first does not move when something is done about it.
        row.and_then(|row| row.usuals.as_ref().map(|usuals| usuals.began).or_else(|| row.attack_since()))
    }

    /// The plan of a wish, for the screen. What guards stop is written down where it could have been done from here.
    pub(super) async fn plan(&self, request: u64, wish: &Wish) {
        let result = self.planned(wish).await.map(Box::new);
        self.send(News::Plan { request, result });
    }

    pub(super) async fn planned(&self, wish: &Wish) -> Result<Plan, String> {
        let mut plan = self.desk.plan(wish).await.map_err(|error| error.to_string())?.plan().clone();
        if matches!(wish, Wish::Action(_)) {
            plan.notes.extend(self.journalling.foretold().await);
        }
        if plan.halting().next().is_some() && self.desk.may_carry_out(&plan).await.is_ok() {
            self.desk.refuse(&plan).await.map_err(|error| error.to_string())?;
            self.journalling.show_changes();
        }
        Ok(plan)
    }

    async fn apply(&self, shown: Plan, phrase: &str, step: Option<&StepOf>) {
        let result = self.applied(&shown, phrase, step).await;
        self.journalling.show_changes();
        self.send(News::Finished { result: result.map(Box::new) });
    }

    /// Plans again, compares with what was on the screen, and carries out what was confirmed.
    async fn applied(&self, shown: &Plan, phrase: &str, step: Option<&StepOf>) -> Result<Finished, String> {
        let told = |error: DeskError| error.in_full();
        self.desk.may_carry_out(shown).await.map_err(told)?;
        let proposal = self.desk.plan(&Wish::of(shown)).await.map_err(told)?;
        let agreed = Desk::agreed(proposal, phrase, Some(shown)).map_err(told)?;
        let step = match step {
            Some(step) => Some(self.begun(step).await?),
            None => None,
        };
        let mark = step.as_ref().map(Begun::mark);
        let screen = self.screen.clone();
        let mut progress = |line: &str| screen.tell(News::Progress { line: line.to_owned() });
        let carried = self.desk.carry_out(agreed, mark.as_ref(), &mut progress).await.map_err(told)?;
        if let Some(error) = &carried.step_unwritten {
            self.send(News::Progress { line: format!("the end of the step was not written: {error}") });
        }
        let finished = carried.finished.clone();
        if finished.outcome == Outcome::Done && carried.plan.action.moves_traffic() {
            self.watch_effect(carried);
        }
        Ok(finished)
    }

    fn watch_effect(&self, carried: Carried) {
        let this = self.clone();
        tokio::spawn(async move {
            let done_at = this.aws.clock().now();
            let action_id = &carried.finished.run_id;
            let line = match this.desk.observe(carried.place(), &carried.plan, done_at, PATIENCE).await {
                Ok(seen) if seen.observed => format!("effect of {action_id} observed: {}", seen.evidence.join("; ")),
                Ok(seen) => format!("effect of {action_id}: {}", seen.evidence.join("; ")),
                Err(error) => format!("effect of {action_id}: {error}"),
            };
            this.send(News::Progress { line });
        });
    }

    async fn extend(&self, action_id: &str, seconds: Option<u64>) {
        let line = match self.extended(action_id, seconds).await {
            Ok(line) => line,
            Err(error) => format!("not extended: {error}"),
        };
        self.journalling.show_changes();
        self.send(News::Progress { line });
    }

    async fn extended(&self, action_id: &str, seconds: Option<u64>) -> Result<String, String> {
        let lifetime = seconds.and_then(|s| TimeDelta::try_seconds(i64::try_from(s).ok()?));
        let (expires_at, _) = self.desk.extend(action_id, lifetime).await.map_err(|error| error.to_string())?;
        Ok(match expires_at {
            Some(at) => format!("{action_id} now expires {}", at.format("%Y-%m-%d %H:%M:%SZ")),
            None => format!("{action_id} no longer expires; it stays until somebody undoes it"),
        })
    }

    async fn note(&self, text: String) {
        let written = match self.journalling.incident("noted by a responder").await {
            Ok(incident) => {
                let at = self.aws.clock().now();
                incident.record(at, &Line::Note { text }).map(|_| ()).map_err(|error| error.to_string())
            }
            Err(error) => Err(error),
        };
        self.journalling.show_changes();
        self.send(News::Noted { result: written });
    }

    fn export(&self, format: Format) {
        let result = self.exported(format);
        self.journalling.show_changes();
        self.send(News::Exported { result });
    }

    fn exported(&self, format: Format) -> Result<String, String> {
        let incident =
            self.journalling.opened().ok_or("there is no incident yet; a note, an action or an attack opens one")?;
        let folded = incident.fold().map_err(|e| e.to_string())?;
        let verification = incident.verify().map_err(|e| e.to_string())?;
        let at = self.aws.clock().now();
        let document = report::write(format, &Export { folded: &folded, verification: &verification, at })
            .map_err(|e| e.to_string())?;
        let path = self.exports.join(format!("{}.{}", incident.id(), format.extension()));
        crate::journal::save(&path, document.as_bytes())
            .map_err(|e| format!("{} could not be written: {e}", path.display()))?;
        let path = std::path::absolute(&path).unwrap_or(path).display().to_string();
        let line = Line::Exported { format: format.name().to_owned(), path: path.clone() };
        incident.record(at, &line).map_err(|e| e.to_string())?;
        Ok(path)
    }
}
