//! Snapshots with another policy than the draft's, and the proof that one of them closes.
//!
//! Between writing the draft's policy and putting it back, whoever deploys ships it: so the turn to deploy is waited for before, the draft is
//! put back before anything else is looked at, and deployments of that moment are looked for. Every state in between is said, with the way back.

use chrono::TimeDelta;

use super::{READ_BACKS, Run};
use crate::aws::write::Patch;
use crate::aws::{AwsError, Lane, Problem};
use crate::incident::{CallPhase, Event};
use crate::model::plan::Outcome;
use crate::model::policy::Policy;
use crate::model::probe::{Probe, ProbeReading};
use crate::model::proof::Proof;
use crate::model::stage::StageId;
use crate::respond::action::kill_switch::{ProofRecipe, Recipe, difference, exported_policy};

/// How many answers in a row must agree.
pub(super) const AGREEING: usize = 3;
/// Account time within which a stage must answer as it should. How long a deployment takes to reach every caller is undocumented.
const PATIENCE: TimeDelta = TimeDelta::seconds(90);
/// Account time between two probes.
pub(super) const BETWEEN: TimeDelta = TimeDelta::milliseconds(1_500);
/// How often a call is repeated that AWS turns away as one too many.
const ATTEMPTS: usize = 6;
/// How often it is tried to put the draft back.
const RESTORES: usize = 40;

/// Why it was given up.
struct Trouble {
    line: String,
    /// Something stays in the account that is not ours to put right.
    stays: bool,
}

/// Why a stage was not pointed elsewhere.
struct Pointing {
    line: String,
    /// Whether a call left that may have done it.
    sent: bool,
}

impl From<Pointing> for Trouble {
    fn from(pointing: Pointing) -> Self {
        Self::from(pointing.line)
    }
}

impl From<String> for Trouble {
    fn from(line: String) -> Self {
        Self { line, stays: false }
    }
}

/// How one call ended.
enum Sent<T> {
    Done(T),
    Throttled,
    Perhaps(AwsError),
    Refused(String),
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
        let back = self.all_back(recipe, proof).await;
        // Once more at the end: a deployment may show late.
        let late = self.nobody_else_deployed(recipe, &known).await;
        let tried = tried.and_then(|proven| late.map(|()| proven));
        if let Err(trouble) = &tried {
            self.say(format!("not proven: {}", trouble.line));
        }
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
                return if back.is_ok() && !trouble.stays { Outcome::NotDone } else { Outcome::Partly };
            }
        };
        // Its minute begins now, and not when the snapshot was begun.
        let expires_at = Some(self.aws.clock().now() + TimeDelta::seconds(60));
        self.record(&Event::Extended { action_id: self.action_id.clone(), expires_at, awaits_probe: true });
        match self.point(&recipe.stage, &recipe.stage_arn, &recipe.base, &snapshot).await {
            Ok(()) => Outcome::Done,
            Err(Pointing { line, sent }) => {
                self.say(line);
                if sent { Outcome::NotKnown } else { Outcome::NotDone }
            }
        }
    }

    async fn closing_snapshot(&mut self, recipe: &Recipe) -> Result<String, Trouble> {
        let api = recipe.stage.api_id.clone();
        let known = self.deployments(&api).await?;
        self.still_at(&recipe.stage, &recipe.base).await?;
        let snapshot = self.snapshot(recipe, &recipe.closed, "the closing policy", &known).await?;
        let deployed = self.aws.deployed_methods(&api, &recipe.base, Lane::Write).await.map_err(|e| e.to_string())?;
        let made = self.aws.deployed_methods(&api, &snapshot, Lane::Write).await.map_err(|e| e.to_string())?;
        if made == deployed {
            return Ok(snapshot);
        }
        Err(Trouble::from("the draft got other methods meanwhile, which nobody has deployed: plan again".to_owned()))
    }

    /// A deployment of the draft with `policy` that no stage points at; the draft is back as it was whenever this returns, or it says that
    /// it is not. `known` are the deployments that were there before.
    async fn snapshot(
        &mut self,
        recipe: &Recipe,
        policy: &Policy,
        what: &str,
        known: &[String],
    ) -> Result<String, Trouble> {
        let api = recipe.stage.api_id.clone();
        let description = format!("{}: {what}", recipe.mark);
        for attempt in 1..=ATTEMPTS {
            // Before the draft is looked at: nothing may be waited for between looking and writing.
            self.aws.deployment_turn().await;
            if !self.draft_is(recipe, &recipe.draft).await? {
                return Err(Trouble::from(
                    "the draft's policy has been changed by somebody else: plan again".to_owned(),
                ));
            }
            let opened = self.aws.clock().now();
            let (made, doubt) = self.made_in_window(recipe, policy, &description).await;
            let back = self.draft_back(recipe, doubt).await;
            let seconds = (self.aws.clock().now() - opened).as_seconds_f64();
            let foreign = self.nobody_else_deployed(recipe, known).await;
            back?;
            self.say(format!("the draft's policy was another for {seconds:.1} s, and is back"));
            foreign?;
            match self.found(&api, &description, made, recipe.proof.is_some()).await? {
                Some(id) => {
                    self.say(format!("snapshot {id} made with {what}; no stage points at it"));
                    return Ok(id);
                }
                None if attempt < ATTEMPTS => {
                    self.say("AWS is limiting deployments; trying again".to_owned());
                    self.aws.clock().sleep(TimeDelta::seconds(5)).await;
                }
                None => {}
            }
        }
        Err(Trouble::from("AWS kept limiting deployments. Try again".to_owned()))
    }

    /// Writes the draft's policy and deploys; also says whether the draft may yet be written. What follows must put the draft back,
    /// however this ends.
    async fn made_in_window(&mut self, recipe: &Recipe, policy: &Policy, description: &str) -> (Sent<String>, bool) {
        let api = &recipe.stage.api_id;
        let (aws, ticket) = (self.aws, std::sync::Arc::clone(&self.ticket));
        if let Err(why) =
            self.step("UpdateRestApi", &recipe.api_arn, CallPhase::Sending, "the closing policy, for a moment")
        {
            return (Sent::Refused(why), false);
        }
        let answer = aws.update_draft_policy(&ticket, api, policy.text()).await;
        match self.ended("UpdateRestApi", &recipe.api_arn, answer) {
            Sent::Done(()) => {}
            Sent::Throttled => return (Sent::Throttled, false),
            Sent::Refused(why) => return (Sent::Refused(why), false),
            Sent::Perhaps(error) => return (Sent::Refused(error.to_string()), true),
        }
        let deployments = format!("{}/deployments", recipe.api_arn);
        if let Err(why) = self.step("CreateDeployment", &deployments, CallPhase::Sending, description) {
            return (Sent::Refused(why), false);
        }
        let answer = aws.create_deployment(&ticket, api, description).await;
        (self.ended("CreateDeployment", &deployments, answer), false)
    }

    /// The deployment that was made; looked for by its description where no answer came, if what is in it gets proven. `None` where AWS
    /// turned it away.
    async fn found(
        &mut self,
        api: &str,
        description: &str,
        made: Sent<String>,
        proven: bool,
    ) -> Result<Option<String>, Trouble> {
        let error = match made {
            Sent::Done(id) if !id.is_empty() => return Ok(Some(id)),
            Sent::Throttled => return Ok(None),
            Sent::Refused(why) => return Err(Trouble::from(why)),
            Sent::Done(_) => "AWS named no deployment".to_owned(),
            Sent::Perhaps(error) => error.to_string(),
        };
        if !proven {
            // It may have been taken once the draft was back: then it closes nothing.
            return Err(Trouble::from(format!("{error}; nothing points at what it may have made. Plan again")));
        }
        self.say(format!("{error}; looking whether it was made all the same"));
        for attempt in 0..3 {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(3)).await;
            }
            let all = self.aws.deployments(api, Lane::Write).await.map_err(|e| e.to_string())?;
            if let Some(one) = all.into_iter().find(|one| one.description == description) {
                self.say(format!("it was made: deployment {}", one.id));
                return Ok(Some(one.id));
            }
        }
        Err(Trouble::from(format!(
            "{error}; and no deployment of that description is there. One may still appear, to which nothing points"
        )))
    }

    /// Deployments that came up while the draft was another: their makers shipped our policy.
    async fn nobody_else_deployed(&mut self, recipe: &Recipe, before: &[String]) -> Result<(), Trouble> {
        let api = &recipe.stage.api_id;
        let all = self.aws.deployments(api, Lane::Write).await.map_err(|e| e.to_string())?;
        let foreign: Vec<String> = all
            .into_iter()
            .filter(|one| !before.contains(&one.id) && !one.description.starts_with(&recipe.mark))
            .map(|one| one.id)
            .collect();
        let Some(first) = foreign.first() else { return Ok(()) };
        let pointing = self.pointing_at(recipe, &foreign).await;
        Err(Trouble {
            line: format!(
                "somebody else deployed meanwhile: {first} may carry the closing policy; {pointing}. Have it deployed again, now that the draft is back"
            ),
            stays: true,
        })
    }

    async fn pointing_at(&mut self, recipe: &Recipe, ids: &[String]) -> String {
        let api = crate::model::stage::Api {
            id: recipe.stage.api_id.clone(),
            name: recipe.stage.api_name.clone(),
            endpoint_types: Vec::new(),
            endpoint_disabled: false,
        };
        match self.aws.stages(&api, Lane::Write).await {
            Ok(stages) => {
                let at =
                    |d: &&crate::model::stage::StageDetail| d.deployment_id.as_ref().is_some_and(|id| ids.contains(id));
                let names: Vec<String> = stages.iter().filter(at).map(|d| d.id.label()).collect();
                if names.is_empty() {
                    "no stage points at it yet".to_owned()
                } else {
                    format!("{} runs it", names.join(", "))
                }
            }
            Err(error) => format!("which stages run it is not known ({error})"),
        }
    }

    async fn deployments(&mut self, api: &str) -> Result<Vec<String>, Trouble> {
        let all = self.aws.deployments(api, Lane::Write).await.map_err(|e| e.to_string())?;
        Ok(all.into_iter().map(|one| one.id).collect())
    }

    /// Whether the draft's policy is the one of that text.
    async fn draft_is(&mut self, recipe: &Recipe, text: &str) -> Result<bool, String> {
        let now = self.aws.draft_api(&recipe.stage.api_id, Lane::Write).await.map_err(|e| e.to_string())?.policy;
        let read = |text: &str| Policy::of_answer(text).map_err(|e| e.to_string());
        Ok(Policy::same(read(&now)?.as_ref(), read(text)?.as_ref()))
    }

    /// Puts the draft's own policy back, where ours is there. Tried again and again, journal or no journal: nothing is more urgent. With a
    /// `doubt` our own write may land after we have looked, so that the draft's own is written whatever shows.
    async fn draft_back(&mut self, recipe: &Recipe, mut doubt: bool) -> Result<(), String> {
        let mut last = String::new();
        for attempt in 0..RESTORES {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::milliseconds(400)).await;
            }
            let original = match self.draft_is(recipe, &recipe.draft).await {
                Ok(true) if !doubt => return Ok(()),
                Ok(original) => original,
                Err(why) => {
                    last = why;
                    continue;
                }
            };
            match self.draft_is_ours(recipe).await {
                Ok(ours) if ours || original => {}
                Ok(_) => {
                    return Err("the draft's policy has been changed by somebody else meanwhile; it is left as it is"
                        .to_owned());
                }
                Err(why) => {
                    last = why;
                    continue;
                }
            }
            if let Err(why) =
                self.step("UpdateRestApi", &recipe.api_arn, CallPhase::Sending, "the draft's own policy, back")
            {
                self.unwritten = true;
                last = why;
            }
            let ticket = std::sync::Arc::clone(&self.ticket);
            let answer = self.aws.update_draft_policy(&ticket, &recipe.stage.api_id, &recipe.draft).await;
            match self.ended("UpdateRestApi", &recipe.api_arn, answer) {
                Sent::Done(()) if doubt => {
                    self.aws.clock().sleep(TimeDelta::seconds(4)).await;
                    doubt = false;
                }
                Sent::Done(()) => {}
                Sent::Throttled => "AWS is limiting calls".clone_into(&mut last),
                Sent::Perhaps(error) => last = error.to_string(),
                Sent::Refused(why) => last = why,
            }
        }
        Err(format!("THE DRAFT'S POLICY IS NOT BACK ({last}): the next deployment of the API would close it"))
    }

    async fn draft_is_ours(&mut self, recipe: &Recipe) -> Result<bool, String> {
        let now = self.aws.draft_api(&recipe.stage.api_id, Lane::Write).await.map_err(|e| e.to_string())?.policy;
        Ok(Policy::of_answer(&now).map_err(|e| e.to_string())?.is_some_and(|policy| policy.is_closed()))
    }

    /// The draft and the stage that the proof was on, as they were; what somebody else changed since is left and said. Each is tried
    /// whatever becomes of the other.
    async fn all_back(&mut self, recipe: &Recipe, proof: &ProofRecipe) -> Result<(), String> {
        let draft = self.draft_back(recipe, false).await;
        let mut stage = Ok(());
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(2)).await;
            }
            stage = self.stage_back(recipe, proof).await;
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

    async fn stage_back(&mut self, recipe: &Recipe, proof: &ProofRecipe) -> Result<(), String> {
        let now = self.pointed_at(&proof.on).await?;
        if now == proof.base {
            return Ok(());
        }
        let there = self.aws.deployment(&proof.on.api_id, &now, Lane::Write).await.map_err(|e| e.to_string())?;
        if !there.description.starts_with(&recipe.mark) {
            return Err(format!(
                "{} has been pointed at {now} by somebody else meanwhile; it is left so",
                proof.on.label()
            ));
        }
        self.point(&proof.on, &proof.arn, &now, &proof.base).await.map_err(|pointing| pointing.line)
    }

    async fn pointed_at(&mut self, stage: &StageId) -> Result<String, String> {
        let settings = self.aws.stage_settings(&stage.api_id, &stage.stage, Lane::Write).await;
        Ok(settings.map_err(|e| e.to_string())?.deployment_id.unwrap_or_default())
    }

    async fn still_at(&mut self, stage: &StageId, deployment: &str) -> Result<(), Trouble> {
        let now = self.pointed_at(stage).await?;
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
        let ticket = std::sync::Arc::clone(&self.ticket);
        let (mut last, mut sent) = (String::new(), false);
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(2)).await;
            }
            match self.pointed_at(stage).await {
                Ok(now) if now == to => break,
                Ok(now) if now == from => {}
                Ok(now) => {
                    let line =
                        format!("{} points at {now} by now: somebody else has deployed. It is left so", stage.label());
                    return Err(Pointing { line, sent });
                }
                Err(line) if !sent => return Err(Pointing { line, sent }),
                Err(_) => continue,
            }
            if let Err(why) = self.step("UpdateStage", arn, CallPhase::Sending, &format!("to deployment {to}")) {
                // The intent is on disk. Not to go on would leave in between what is to be put back.
                self.unwritten = true;
                last = why;
            }
            let patch = Patch::Replace { path: "/deploymentId".to_owned(), value: to.to_owned() };
            let answer = self.aws.update_stage(&ticket, &stage.api_id, &stage.stage, &[patch]).await;
            match self.ended("UpdateStage", arn, answer) {
                Sent::Done(()) => {
                    sent = true;
                    break;
                }
                Sent::Throttled => "AWS is limiting calls".clone_into(&mut last),
                Sent::Perhaps(error) => {
                    sent = true;
                    last = error.to_string();
                }
                Sent::Refused(line) => return Err(Pointing { line, sent }),
            }
        }
        for attempt in 0..READ_BACKS {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(1)).await;
            }
            match self.pointed_at(stage).await {
                Ok(now) if now == to => {
                    self.say(format!("{} points at deployment {to}", stage.label()));
                    return Ok(());
                }
                Ok(now) => last = format!("it points at {now} {last}"),
                Err(why) => last = why,
            }
        }
        Err(Pointing { line: format!("{} could not be seen to point at {to}: {last}", stage.label()), sent })
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
        match exported_policy(&export) {
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

    fn step(&mut self, operation: &str, resource: &str, phase: CallPhase, detail: &str) -> Result<(), String> {
        let event = Event::Call {
            action_id: self.action_id.clone(),
            service: "apigateway".to_owned(),
            operation: operation.to_owned(),
            resource: resource.to_owned(),
            phase,
            detail: detail.to_owned(),
        };
        let written = self.incident.record(self.aws.clock().now(), &event);
        written
            .map(|_| ())
            .map_err(|error| format!("the journal could not be written, so {operation} was not sent: {error}"))
    }

    fn ended<T>(&mut self, operation: &str, resource: &str, answer: Result<T, AwsError>) -> Sent<T> {
        let (phase, detail, sent) = match answer {
            Ok(value) => (CallPhase::Answered, "accepted".to_owned(), Sent::Done(value)),
            Err(AwsError { problem: Problem::Throttled(why), .. }) => {
                (CallPhase::Failed, format!("AWS is limiting calls: {why}"), Sent::Throttled)
            }
            Err(error) if error.may_have_happened() => (CallPhase::NoAnswer, error.to_string(), Sent::Perhaps(error)),
            Err(error) => (CallPhase::Failed, error.to_string(), Sent::Refused(error.to_string())),
        };
        if !matches!(phase, CallPhase::Failed) {
            self.sent.push(resource.to_owned());
        }
        if let Err(error) = self.step(operation, resource, phase, &detail) {
            self.unwritten = true;
            self.say(format!("this step is not in the journal: {error}"));
        }
        sent
    }
}
