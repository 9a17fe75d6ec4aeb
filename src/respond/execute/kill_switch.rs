//! The proof that a snapshot closes, and closing without one.
//!
//! Every state in between is said, with the way back, and whatever fails, draft and stage are put back before anything else.

use chrono::TimeDelta;

use super::Run;
use super::commit::commit_after;
use super::settle::kept_throttling;
use super::snapshot::Sent;
use crate::aws::write::Patch;
use crate::aws::{AwsError, Lane};
use crate::incident::{CallPhase, Event};
use crate::model::plan::Outcome;
use crate::model::policy::Policy;
use crate::model::probe::{Probe, ProbeReading};
use crate::model::proof::Proof;
use crate::model::stage::StageId;
use crate::respond::action::kill_switch::{ProofRecipe, Recipe, difference};

/// How many answers in a row must agree.
pub(super) const AGREEING: usize = 3;
/// Account time within which a stage must answer as it should. How long a deployment takes to reach every caller is undocumented.
const PATIENCE: TimeDelta = TimeDelta::seconds(90);
/// Account time between two probes.
pub(super) const BETWEEN: TimeDelta = TimeDelta::milliseconds(1_500);
/// How often a stage is read before it counts as not pointed elsewhere.
const READ_BACKS: usize = 4;
/// How often a call is repeated whose answer does not tell and that shows nothing.
pub(super) const ATTEMPTS: usize = 6;

/// Why it was given up.
pub(super) struct Trouble {
    pub(super) line: String,
    /// Something stays in the account that is not ours to put right.
    pub(super) stays: bool,
    /// A stage may yet be pointed elsewhere: a call was sent, and what became of it does not show.
    pub(super) doubt: bool,
}

/// What is known of the calls that were to point a stage elsewhere.
#[derive(Debug, Clone, Copy, Default)]
struct Sending {
    accepted: bool,
    /// One had no answer that tells.
    unanswered: bool,
    /// One of those may take effect yet.
    may_land: bool,
}

impl Sending {
    fn may_have(self) -> bool {
        self.accepted || self.unanswered
    }
}

/// Why a stage was not pointed elsewhere.
struct Pointing {
    line: String,
    /// Whether a call left that may have done it, or may do it yet.
    sent: bool,
}

impl From<Pointing> for Trouble {
    fn from(pointing: Pointing) -> Self {
        Self { doubt: pointing.sent, ..Self::from(pointing.line) }
    }
}

impl From<String> for Trouble {
    fn from(line: String) -> Self {
        Self { line, stays: false, doubt: false }
    }
}

impl Run<'_> {
    /// Carries out what takes more than its diff says.
    pub(super) async fn by_recipe(&mut self, recipe: &Recipe) -> Outcome {
        match &recipe.proof {
            Some(proof) => self.prove(recipe, proof).await,
            None => self.close_unproven(recipe).await,
        }
    }

    /// A proof: whatever happens, draft and stage are put back before it ends.
    async fn prove(&mut self, recipe: &Recipe, proof: &ProofRecipe) -> Outcome {
        let known = match self.deployments(&recipe.stage.api_id).await {
            Ok(known) => known,
            Err(trouble) => {
                self.say(trouble.line);
                return Outcome::NotDone;
            }
        };
        let tried = self.try_out(recipe, proof, &known).await;
        let doubt = tried.as_ref().is_err_and(|trouble| trouble.doubt);
        let back = self.all_back(recipe, proof, doubt).await;
        // Once more at the end: a deployment may show late.
        let late = self.nobody_else_deployed(recipe, &known).await;
        for trouble in tried.as_ref().err().into_iter().chain(late.as_ref().err()) {
            self.say(format!("not proven: {}", trouble.line));
        }
        let tried = match (tried, late) {
            (Ok(proven), late) => late.map(|()| proven),
            (Err(trouble), late) => Err(Trouble { stays: trouble.stays || late.is_err(), ..trouble }),
        };
        if let Err(why) = back {
            let id = self.action_id.clone();
            self.say(format!("{why}. Take it back with `portcullis undo {id}`"));
            return Outcome::Partly;
        }
        self.say(format!("the draft and {} are as they were", proof.on.label()));
        match tried {
            Ok(proven) => {
                let until = (proven.at + crate::model::proof::GOOD_FOR).format("%H:%M:%SZ");
                let stage = recipe.stage.label();
                let line = format!("proven; close {stage} with the same --allow and without --prove-on, until {until}");
                self.record(&Event::Proved { action_id: self.action_id.clone(), proof: Box::new(proven) });
                self.say(line);
                Outcome::Done
            }
            Err(Trouble { stays: true, .. }) => Outcome::Partly,
            Err(_) => Outcome::NotDone,
        }
    }

    async fn try_out(&mut self, recipe: &Recipe, proof: &ProofRecipe, known: &[String]) -> Result<Proof, Trouble> {
        let on = proof.on.label();
        self.still_at(&recipe.stage, &recipe.base).await?;
        let denied = |reading: &ProbeReading| matches!(reading, ProbeReading::DeniedByPolicy { explicit: true });
        let admitted = |reading: &ProbeReading| matches!(reading, ProbeReading::Admitted { .. });
        let mut evidence = Vec::new();

        let candidate = self.snapshot(recipe, &proof.candidate, "a list that leaves the responder out", known).await?;
        self.point(&proof.on, &proof.arn, &proof.base, &candidate).await?;
        self.say(format!("{on} keeps out everybody now; it goes back to deployment {} at the end", proof.base));
        let seen = self.agreeing(&proof.probe, denied, "be kept out by the policy").await?;
        evidence.push(format!("a list without the responder: {seen}"));
        self.carries(&proof.on, &proof.candidate).await?;

        let snapshot = self.snapshot(recipe, &recipe.closed, "the closing policy", known).await?;
        self.point(&proof.on, &proof.arn, &candidate, &snapshot).await?;
        let seen = self.agreeing(&proof.probe, admitted, "be let in again").await?;
        evidence.push(format!("the closing policy: {seen}"));
        let export = self.carries(&proof.on, &recipe.closed).await?;
        evidence.push(format!("the export of {on} has the closing policy, statement for statement"));
        evidence.push(self.same_but_for_policy(&export, &proof.on, &recipe.stage).await?);
        self.still_at(&recipe.stage, &recipe.base).await?;

        // By way of the one that keeps us out: else nothing would tell the deployment of before from the closing one.
        self.point(&proof.on, &proof.arn, &snapshot, &candidate).await?;
        self.agreeing(&proof.probe, denied, "be kept out by the policy").await?;
        self.point(&proof.on, &proof.arn, &candidate, &proof.base).await?;
        let seen = self.agreeing(&proof.probe, admitted, "be let in as before").await?;
        evidence.push(format!("kept out once more, then pointed back at deployment {}: {seen}", proof.base));
        Ok(Proof {
            stage: recipe.stage.clone(),
            proven_on: proof.on.clone(),
            snapshot,
            base: recipe.base.clone(),
            policy: recipe.closed.text().to_owned(),
            at: self.aws.clock().now(),
            evidence,
        })
    }

    /// Without a proof: the snapshot goes straight to the stage. The way back is the caller's.
    async fn close_unproven(&mut self, recipe: &Recipe) -> Outcome {
        let snapshot = match self.closing_snapshot(recipe).await {
            Ok(snapshot) => snapshot,
            Err(trouble) => {
                self.say(trouble.line);
                let back = self.draft_back(recipe, false).await;
                if let Err(why) = &back {
                    self.say(why.clone());
                }
                if back.is_err() || trouble.stays {
                    return Outcome::Partly;
                }
                self.only_a_snapshot(recipe);
                return Outcome::NotDone;
            }
        };
        // Its minute begins now, and not when the snapshot was begun.
        let expires_at = Some(self.aws.clock().now() + commit_after());
        self.record(&Event::Extended { action_id: self.action_id.clone(), expires_at, awaits_probe: true });
        match self.point(&recipe.stage, &recipe.stage_arn, &recipe.base, &snapshot).await {
            Ok(()) => Outcome::Done,
            Err(Pointing { line, sent }) => {
                self.say(line);
                self.only_a_snapshot(recipe);
                if sent { Outcome::NotKnown } else { Outcome::NotDone }
            }
        }
    }

    /// The draft has been read to be as it was, and a deployment that no stage points at changes nothing.
    fn only_a_snapshot(&mut self, recipe: &Recipe) {
        self.unchanged.extend([recipe.api_arn.clone(), format!("{}/deployments", recipe.api_arn)]);
    }

    async fn closing_snapshot(&mut self, recipe: &Recipe) -> Result<String, Trouble> {
        let api = recipe.stage.api_id.clone();
        let known = self.deployments(&api).await?;
        self.still_at(&recipe.stage, &recipe.base).await?;
        let snapshot = self.snapshot(recipe, &recipe.closed, "the closing policy", &known).await?;
        let deployed = self.aws.deployed_methods(&api, &recipe.base, Lane::Write).await.map_err(|e| e.to_string())?;
        let made = self.aws.deployed_methods(&api, &snapshot, Lane::Write).await.map_err(|e| e.to_string())?;
        self.nobody_else_deployed(recipe, &known).await?;
        if made == deployed {
            return Ok(snapshot);
        }
        Err(Trouble::from("the draft got other methods meanwhile, which nobody has deployed: plan again".to_owned()))
    }

    /// The draft and the stage that the proof was on, as they were; what somebody else changed since is left and said. Each is tried
    /// whatever becomes of the other.
    async fn all_back(&mut self, recipe: &Recipe, proof: &ProofRecipe, doubt: bool) -> Result<(), String> {
        let draft = self.draft_back(recipe, false).await;
        let mut stage = Ok(());
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(2)).await;
            }
            stage = self.stage_back(recipe, proof, doubt && attempt == 0).await;
            if stage.is_ok() {
                break;
            }
        }
        match (draft, stage) {
            (Ok(()), Ok(())) => Ok(()),
            (Err(one), Err(other)) => Err(format!("{one}; {other}")),
            (Err(one), Ok(())) | (Ok(()), Err(one)) => Err(one),
        }
    }

    /// With a `doubt` an earlier call may land after we have looked: the deployment of before is then written whatever shows.
    async fn stage_back(&mut self, recipe: &Recipe, proof: &ProofRecipe, doubt: bool) -> Result<(), String> {
        let now = self.pointed_at(&proof.on).await.map_err(|e| e.to_string())?;
        if now == proof.base {
            return if doubt { Err(self.once_more(proof).await) } else { Ok(()) };
        }
        let there = self.aws.deployment(&proof.on.api_id, &now, Lane::Write).await.map_err(|e| e.to_string())?;
        if !there.description.starts_with(&recipe.mark) {
            return Err(format!(
                "{} has been pointed at {now} by somebody else meanwhile; leaving it unchanged",
                proof.on.label()
            ));
        }
        self.point_back(&proof.on, &proof.arn, &now, &proof.base).await.map_err(|pointing| pointing.line)
    }

    /// Writes the deployment of before although it shows; says so, or why it could not.
    async fn once_more(&mut self, proof: &ProofRecipe) -> String {
        let ticket = std::sync::Arc::clone(&self.ticket);
        let patch = Patch::Replace { path: "/deploymentId".to_owned(), value: proof.base.clone() };
        let (api, stage) = (&proof.on.api_id, &proof.on.stage);
        let detail = format!("to deployment {}, once more", proof.base);
        // With the journal or without: nothing is written but what was there.
        self.stepped("UpdateStage", &proof.arn, CallPhase::Sending, &detail);
        let answer = self.aws.update_stage(&ticket, api, stage, &[patch]).await;
        match self.ended("UpdateStage", &proof.arn, answer) {
            Sent::Done(()) => {
                self.aws.clock().sleep(TimeDelta::seconds(4)).await;
                format!("{} was pointed back once more, to be sure", proof.on.label())
            }
            Sent::Throttled(error) | Sent::Perhaps { error, .. } => error.to_string(),
            Sent::Refused(why) => why,
        }
    }

    async fn pointed_at(&mut self, stage: &StageId) -> Result<String, AwsError> {
        let settings = self.aws.stage_settings(&stage.api_id, &stage.stage, Lane::Write).await?;
        Ok(settings.deployment_id.unwrap_or_default())
    }

    async fn still_at(&mut self, stage: &StageId, deployment: &str) -> Result<(), Trouble> {
        let now = self.pointed_at(stage).await.map_err(|e| e.to_string())?;
        if now == deployment {
            return Ok(());
        }
        Err(Trouble::from(format!(
            "{} points at {now} now, not at {deployment}: it was deployed meanwhile. Plan again",
            stage.label()
        )))
    }

    /// Points a stage from one deployment at another and reads back that it does. Where it no longer points at `from`, somebody else has
    /// deployed: then it is left.
    async fn point(&mut self, stage: &StageId, arn: &str, from: &str, to: &str) -> Result<(), Pointing> {
        self.pointed(stage, arn, (from, to), false).await
    }

    /// As [`Run::point`], also where the journal cannot be written: the intent is on disk, and what was is to be again.
    async fn point_back(&mut self, stage: &StageId, arn: &str, from: &str, to: &str) -> Result<(), Pointing> {
        self.pointed(stage, arn, (from, to), true).await
    }

    async fn pointed(
        &mut self,
        stage: &StageId,
        arn: &str,
        (from, to): (&str, &str),
        back: bool,
    ) -> Result<(), Pointing> {
        let ticket = std::sync::Arc::clone(&self.ticket);
        let label = stage.label();
        let (mut last, mut sent) = (String::new(), Sending::default());
        let (mut patience, mut attempt) = (self.patience(), 0);
        while attempt < ATTEMPTS && !sent.accepted {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(2)).await;
            }
            attempt += 1;
            match self.pointed_at(stage).await {
                Ok(now) if now == to => break,
                Ok(now) if now == from => {}
                Ok(now) => {
                    let line =
                        format!("{label} points at {now} by now: somebody else has deployed. Leaving it unchanged");
                    return Err(Pointing { line, sent: sent.may_have() });
                }
                Err(error) if self.waited_out(&label, &error, &mut patience).await => {
                    attempt -= 1;
                    continue;
                }
                Err(error) if !sent.may_have() => return Err(Pointing { line: error.to_string(), sent: false }),
                Err(_) => continue,
            }
            if let Err(why) = self.step("UpdateStage", arn, CallPhase::Sending, &format!("to deployment {to}")) {
                if !back {
                    return Err(Pointing { line: why, sent: sent.may_have() });
                }
                self.unwritten = true;
                last = why;
            }
            let patch = Patch::Replace { path: "/deploymentId".to_owned(), value: to.to_owned() };
            let answer = self.aws.update_stage(&ticket, &stage.api_id, &stage.stage, &[patch]).await;
            match self.ended("UpdateStage", arn, answer) {
                Sent::Done(()) => sent.accepted = true,
                Sent::Throttled(error) if self.waited_out(&label, &error, &mut patience).await => {
                    attempt -= 1;
                    last = error.to_string();
                }
                Sent::Throttled(error) => last = format!("{}; try again", kept_throttling(&error)),
                Sent::Perhaps { error, ended } => {
                    sent.unanswered = true;
                    sent.may_land |= !ended;
                    last = error.to_string();
                }
                Sent::Refused(line) => return Err(Pointing { line, sent: sent.may_have() }),
            }
        }
        self.points_at(stage, arn, (from, to), sent, last).await
    }

    /// Reads until a stage points where it was to, or readings agree that it does not.
    async fn points_at(
        &mut self,
        stage: &StageId,
        arn: &str,
        (from, to): (&str, &str),
        sent: Sending,
        why: String,
    ) -> Result<(), Pointing> {
        let label = stage.label();
        let (mut patience, mut last, mut readings, mut unmoved) = (self.patience(), why, 0, 0);
        while readings < READ_BACKS {
            if readings > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(2)).await;
            }
            readings += 1;
            match self.pointed_at(stage).await {
                Ok(now) if now == to => {
                    if !sent.accepted && sent.unanswered {
                        self.stepped(
                            "UpdateStage",
                            arn,
                            CallPhase::Answered,
                            "the answer did not tell, but reading shows it",
                        );
                    }
                    self.say(format!("{label} points at deployment {to}"));
                    return Ok(());
                }
                Ok(now) if now == from => unmoved += 1,
                Ok(now) => last = format!("it points at {now} {last}"),
                Err(error) if self.waited_out(&label, &error, &mut patience).await => readings -= 1,
                Err(error) => last = error.to_string(),
            }
        }
        if unmoved < READ_BACKS || sent.may_land {
            let line = format!("{label} could not be seen to point at {to}: {last}");
            return Err(Pointing { line, sent: sent.may_have() });
        }
        self.unchanged.push(arn.to_owned());
        let line = if sent.accepted {
            format!("{label}: AWS answered 200 and nothing changed: it still points at {from}. Plan again")
        } else {
            format!("{label} still points at {from}: {last}")
        };
        Err(Pointing { line, sent: false })
    }

    /// Asks until enough answers in a row are what they should be.
    async fn agreeing(
        &mut self,
        probe: &Probe,
        wanted: impl Fn(&ProbeReading) -> bool,
        what: &str,
    ) -> Result<String, String> {
        let until = self.aws.clock().now() + PATIENCE;
        let (mut in_a_row, mut last) = (0, "no answer yet".to_owned());
        while self.aws.clock().now() < until {
            match self.aws.probe(probe).await.map(|answer| answer.reading()) {
                Ok(reading) => {
                    in_a_row = if wanted(&reading) { in_a_row + 1 } else { 0 };
                    last = reading.words();
                }
                Err(error) => {
                    in_a_row = 0;
                    last = error.to_string();
                }
            }
            if in_a_row >= AGREEING {
                let line = format!("{} answers of {} agree: {last}", AGREEING, probe.shown());
                self.say(line.clone());
                return Ok(line);
            }
            self.aws.clock().sleep(BETWEEN).await;
        }
        Err(format!("{} was to {what} within {} s; last answer: {last}", probe.shown(), PATIENCE.num_seconds()))
    }

    /// The export of a stage, which must have this very policy: that a snapshot holds what was in the draft is not taken on trust.
    async fn carries(&mut self, stage: &StageId, policy: &Policy) -> Result<serde_json::Value, Trouble> {
        let export = self
            .aws
            .export(&stage.api_id, &stage.stage, Lane::Write)
            .await
            .map_err(|e| Trouble::from(e.to_string()))?;
        match Policy::of_export(&export) {
            Some(Ok(there)) if Policy::same(Some(&there), Some(policy)) => Ok(export),
            Some(Ok(_)) => Err(Trouble::from(format!(
                "the snapshot that {} points at has another policy than it was made with: somebody else changed the draft meanwhile. Plan again",
                stage.label()
            ))),
            Some(Err(error)) => Err(Trouble::from(format!("the policy in the snapshot cannot be read: {error}"))),
            None => Err(Trouble::from(format!(
                "the export of {} shows no policy, so what is in the snapshot cannot be told. Close by web-acl, or without a proof: then it \
                 takes itself back unless you get in",
                stage.label()
            ))),
        }
    }

    /// The proven snapshot against what the stage to be closed has deployed.
    async fn same_but_for_policy(
        &mut self,
        snapshot: &serde_json::Value,
        on: &StageId,
        stage: &StageId,
    ) -> Result<String, Trouble> {
        let deployed = self.aws.export(&stage.api_id, &stage.stage, Lane::Write).await.map_err(|e| e.to_string())?;
        let lines = difference(snapshot, &deployed);
        if lines.is_empty() {
            let line = format!("in what exports carry, {} and {} differ in the policy only", on.label(), stage.label());
            self.say(line.clone());
            return Ok(line);
        }
        Err(Trouble::from(format!(
            "the draft holds work that {} does not have deployed: {}. Deploy or take back that work first",
            stage.label(),
            lines.join("; ")
        )))
    }
}
