//! Snapshots with another policy than the draft's, and the proof that one of them closes.
//!
//! Between writing the draft's policy and putting it back, whoever deploys ships it: so the turn to deploy is waited for before, the draft is
//! put back before anything else is looked at, and deployments of that moment are looked for. Every state in between is said, with the way back.

use chrono::TimeDelta;

use super::Run;
use crate::aws::write::Patch;
use crate::aws::{AwsError, Lane, Problem};
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
        let tried = self.try_out(recipe, proof).await;
        let back = self.all_back(recipe, proof).await;
        let (proven, trouble) = match tried {
            Ok(proven) => (Some(proven), None),
            Err(trouble) => (None, Some(trouble)),
        };
        if let Some(trouble) = &trouble {
            self.say(format!("not proven: {}", trouble.line));
        }
        if let Err(why) = back {
            let id = self.action_id.clone();
            self.say(format!("{why}. Take it back with `portcullis undo {id}`"));
            return Outcome::Partly;
        }
        self.say(format!("the draft and {} are as they were", proof.on.label()));
        match (proven, trouble) {
            (Some(proven), _) => {
                let until = (proven.at + crate::model::proof::GOOD_FOR).format("%H:%M:%SZ");
                let line = format!(
                    "proven; close {} with the same --allow and without --prove-on, until {until}",
                    recipe.stage.label()
                );
                self.record(&Event::Proved { action_id: self.action_id.clone(), proof: Box::new(proven) });
                self.say(line);
                Outcome::Done
            }
            (None, Some(Trouble { stays: true, .. })) => Outcome::Partly,
            (None, _) => Outcome::NotDone,
        }
    }

    async fn try_out(&mut self, recipe: &Recipe, proof: &ProofRecipe) -> Result<Proof, Trouble> {
        let (on, api) = (proof.on.label(), &recipe.stage.api_id);
        self.still_at(&recipe.stage, &recipe.base).await?;
        self.still_at(&proof.on, &proof.base).await?;
        let mut evidence = Vec::new();

        let candidate = self.snapshot(recipe, &proof.candidate, "a list that leaves the responder out").await?;
        self.point(&proof.on, &proof.arn, &candidate).await?;
        self.say(format!("{on} keeps out everybody now; it goes back to deployment {} at the end", proof.base));
        let denied = |reading: &ProbeReading| matches!(reading, ProbeReading::DeniedByPolicy { explicit: true });
        let seen = self.agreeing(&proof.probe, denied, "be kept out by the policy").await?;
        evidence.push(format!("a list without the responder: {seen}"));

        let snapshot = self.snapshot(recipe, &recipe.closed, "the closing policy").await?;
        self.point(&proof.on, &proof.arn, &snapshot).await?;
        let admitted = |reading: &ProbeReading| matches!(reading, ProbeReading::Admitted { .. });
        let seen = self.agreeing(&proof.probe, admitted, "be let in again").await?;
        evidence.push(format!("the closing policy: {seen}"));

        evidence.push(self.same_but_for_policy(api, &proof.on, &recipe.stage).await?);
        self.still_at(&recipe.stage, &recipe.base).await?;

        self.point(&proof.on, &proof.arn, &proof.base).await?;
        let seen = self.agreeing(&proof.probe, admitted, "be let in as before").await?;
        evidence.push(format!("pointed back at deployment {}: {seen}", proof.base));
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
                return match self.draft_back(recipe).await {
                    Ok(()) if !trouble.stays => Outcome::NotDone,
                    Ok(()) => Outcome::Partly,
                    Err(why) => {
                        self.say(why);
                        Outcome::Partly
                    }
                };
            }
        };
        match self.point(&recipe.stage, &recipe.stage_arn, &snapshot).await {
            Ok(()) => Outcome::Done,
            Err(why) => {
                self.say(why);
                match self.still_at(&recipe.stage, &recipe.base).await {
                    Ok(()) => Outcome::NotDone,
                    Err(_) => Outcome::NotKnown,
                }
            }
        }
    }

    async fn closing_snapshot(&mut self, recipe: &Recipe) -> Result<String, Trouble> {
        self.still_at(&recipe.stage, &recipe.base).await?;
        self.snapshot(recipe, &recipe.closed, "the closing policy").await
    }

    /// A deployment of the draft with `policy` that no stage points at; the draft is back as it was whenever this returns, or it says that
    /// it is not.
    async fn snapshot(&mut self, recipe: &Recipe, policy: &Policy, what: &str) -> Result<String, Trouble> {
        let api = recipe.stage.api_id.clone();
        let description = format!("{}: {what}", recipe.mark);
        for attempt in 1..=ATTEMPTS {
            if !self.draft_is(recipe, &recipe.draft).await? {
                return Err(Trouble::from(
                    "the draft's policy has been changed by somebody else: plan again".to_owned(),
                ));
            }
            let before = self.deployments(&api).await?;
            self.aws.deployment_turn().await;
            let opened = self.aws.clock().now();
            let made = self.made_in_window(recipe, policy, &description).await;
            self.draft_back(recipe).await?;
            let seconds = (self.aws.clock().now() - opened).as_seconds_f64();
            self.say(format!("the draft's policy was another for {seconds:.1} s, and is back"));
            let id = self.found(&api, &description, made).await?;
            self.nobody_else_deployed(recipe, &before).await?;
            match id {
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
        Err(Trouble::from("AWS kept limiting deployments; nothing was changed. Try again".to_owned()))
    }

    /// Writes the draft's policy and deploys. What follows must put the draft back, however this ends.
    async fn made_in_window(&mut self, recipe: &Recipe, policy: &Policy, description: &str) -> Sent<String> {
        let api = &recipe.stage.api_id;
        let (aws, ticket) = (self.aws, std::sync::Arc::clone(&self.ticket));
        if let Err(why) =
            self.step("UpdateRestApi", &recipe.api_arn, CallPhase::Sending, "the closing policy, for a moment")
        {
            return Sent::Refused(why);
        }
        let answer = aws.update_draft_policy(&ticket, api, policy.text()).await;
        match self.ended("UpdateRestApi", &recipe.api_arn, answer) {
            Sent::Done(()) => {}
            Sent::Throttled => return Sent::Throttled,
            Sent::Refused(why) => return Sent::Refused(why),
            Sent::Perhaps(error) => return Sent::Refused(error.to_string()),
        }
        let deployments = format!("{}/deployments", recipe.api_arn);
        if let Err(why) = self.step("CreateDeployment", &deployments, CallPhase::Sending, description) {
            return Sent::Refused(why);
        }
        let answer = aws.create_deployment(&ticket, api, description).await;
        self.ended("CreateDeployment", &deployments, answer)
    }

    /// The deployment that was made; looked for by its description where no answer came. `None` where AWS turned it away.
    async fn found(&mut self, api: &str, description: &str, made: Sent<String>) -> Result<Option<String>, Trouble> {
        let error = match made {
            Sent::Done(id) if !id.is_empty() => return Ok(Some(id)),
            Sent::Throttled => return Ok(None),
            Sent::Refused(why) => return Err(Trouble::from(why)),
            Sent::Done(_) => "AWS named no deployment".to_owned(),
            Sent::Perhaps(error) => error.to_string(),
        };
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

    /// Puts the draft's own policy back, where ours is there. Tried again and again: nothing is more urgent.
    async fn draft_back(&mut self, recipe: &Recipe) -> Result<(), String> {
        let mut last = String::new();
        for attempt in 0..RESTORES {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::milliseconds(400)).await;
            }
            match self.draft_is(recipe, &recipe.draft).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(why) => {
                    last = why;
                    continue;
                }
            }
            match self.draft_is_ours(recipe).await {
                Ok(true) => {}
                Ok(false) => {
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
                last = why;
                continue;
            }
            let ticket = std::sync::Arc::clone(&self.ticket);
            let answer = self.aws.update_draft_policy(&ticket, &recipe.stage.api_id, &recipe.draft).await;
            match self.ended("UpdateRestApi", &recipe.api_arn, answer) {
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
        let now = Policy::of_answer(&now).map_err(|e| e.to_string())?;
        Ok(Policy::same_but_for_our_addresses(now.as_ref(), Some(&recipe.closed)))
    }

    /// The draft and the stage that the proof was on, as they were; what somebody else changed since is left and said.
    async fn all_back(&mut self, recipe: &Recipe, proof: &ProofRecipe) -> Result<(), String> {
        self.draft_back(recipe).await?;
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
        self.point(&proof.on, &proof.arn, &proof.base).await
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

    /// Points a stage at a deployment and reads back that it does.
    async fn point(&mut self, stage: &StageId, arn: &str, deployment: &str) -> Result<(), String> {
        let ticket = std::sync::Arc::clone(&self.ticket);
        let mut last = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(2)).await;
                if self.pointed_at(stage).await.is_ok_and(|now| now == deployment) {
                    break;
                }
            }
            self.step("UpdateStage", arn, CallPhase::Sending, &format!("to deployment {deployment}"))?;
            let patch = Patch::Replace { path: "/deploymentId".to_owned(), value: deployment.to_owned() };
            let answer = self.aws.update_stage(&ticket, &stage.api_id, &stage.stage, &[patch]).await;
            match self.ended("UpdateStage", arn, answer) {
                Sent::Done(()) => break,
                Sent::Throttled => "AWS is limiting calls".clone_into(&mut last),
                Sent::Perhaps(error) => last = error.to_string(),
                Sent::Refused(why) => return Err(why),
            }
        }
        match self.pointed_at(stage).await {
            Ok(now) if now == deployment => {
                self.say(format!("{} points at deployment {deployment}", stage.label()));
                Ok(())
            }
            Ok(now) => Err(format!("{} points at {now}, not at {deployment}: {last}", stage.label())),
            Err(why) => Err(why),
        }
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
                let line = format!("{} answers of {} agree: {last}", AGREEING, probe.url);
                self.say(line.clone());
                return Ok(line);
            }
            self.aws.clock().sleep(BETWEEN).await;
        }
        Err(format!("{} was to {what} within {} s; last answer: {last}", probe.url, PATIENCE.num_seconds()))
    }

    /// The proven snapshot against what the stage to be closed has deployed.
    async fn same_but_for_policy(&mut self, api: &str, on: &StageId, stage: &StageId) -> Result<String, Trouble> {
        let snapshot = self.aws.export(api, &on.stage, Lane::Write).await.map_err(|e| e.to_string())?;
        let deployed = self.aws.export(api, &stage.stage, Lane::Write).await.map_err(|e| e.to_string())?;
        let lines = difference(&snapshot, &deployed);
        if lines.is_empty() {
            let line = format!("the exports of {} and {} differ in the policy only", on.label(), stage.label());
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
        if let Err(error) = self.step(operation, resource, phase, &detail) {
            self.unwritten = true;
            self.say(format!("this step is not in the journal: {error}"));
        }
        sent
    }
}
