//! A deployment of the draft with another policy than the draft's, to which no stage points.
//!
//! Between writing the draft's policy and putting it back, whoever deploys ships it: so the turn to deploy is waited for before, the draft is
//! put back before anything else is looked at, and deployments of that moment are looked for on every path.

use chrono::TimeDelta;

use super::Run;
use super::kill_switch::{ATTEMPTS, Trouble};
use super::settle::kept_throttling;
use crate::aws::write::Answer;
use crate::aws::{AwsError, Lane, Problem};
use crate::incident::{CallPhase, Event};
use crate::model::policy::Policy;
use crate::model::stage::{Deployment, StageDetail};
use crate::respond::action::kill_switch::Recipe;

/// How often it is tried to put the draft back.
const RESTORES: usize = 40;

/// How one call ended.
pub(super) enum Sent<T> {
    Done(T),
    /// AWS turned it away as one too many.
    Throttled(AwsError),
    /// Nobody knows; `ended` where it cannot take effect any more, if it has not.
    Perhaps {
        error: AwsError,
        ended: bool,
    },
    Refused(String),
}

/// What became of a deployment.
enum Found {
    Made(String),
    /// AWS turned it away as one too many.
    Throttled(AwsError),
    /// It was not made, and will not be.
    NotMade(AwsError),
}

/// Whose the draft's policy is.
#[derive(Debug, PartialEq, Eq)]
enum Draft {
    /// As it was read for the plan.
    Original,
    /// As we wrote it.
    Ours,
    /// Neither.
    Theirs,
}

impl Run<'_> {
    /// A deployment of the draft with `policy` that no stage points at; the draft is back as it was whenever this returns, or it says that
    /// it is not. `known` are the deployments that were there before.
    pub(super) async fn snapshot(
        &mut self,
        recipe: &Recipe,
        policy: &Policy,
        what: &str,
        known: &[String],
    ) -> Result<String, Trouble> {
        let api = recipe.stage.api_id.clone();
        let description = format!("{}: {what}", recipe.mark);
        let (mut patience, mut attempt) = (self.patience(), 0);
        loop {
            attempt += 1;
            // Before the draft is looked at: nothing may be waited for between looking and writing.
            self.aws.deployment_turn().await;
            if self.draft(recipe).await? != Draft::Original {
                return Err(Trouble::from(
                    "the draft's policy has been changed by somebody else: plan again".to_owned(),
                ));
            }
            let id = self.action_id.clone();
            self.say(format!(
                "temporarily writing {what} to the draft; if this console dies now, `portcullis undo {id}` restores it"
            ));
            let opened = self.aws.clock().now();
            let (made, doubt) = self.made_in_window(recipe, policy, &description).await;
            let back = self.draft_back(recipe, doubt).await;
            let seconds = (self.aws.clock().now() - opened).as_seconds_f64();
            let foreign = self.nobody_else_deployed(recipe, known).await;
            match (back, foreign) {
                (Ok(()), Ok(())) => {}
                (Ok(()), Err(foreign)) => return Err(foreign),
                (Err(why), Ok(())) => return Err(Trouble::from(why)),
                (Err(why), Err(foreign)) => {
                    return Err(Trouble { line: format!("{why}; {}", foreign.line), ..foreign });
                }
            }
            self.say(format!("the draft policy was replaced for {seconds:.1} s and has been restored"));
            let again = match self.found(&api, (&description, known), made, recipe.proof.is_some()).await? {
                Found::Made(id) => {
                    self.say(format!("snapshot {id} made with {what}; no stage points at it"));
                    return Ok(id);
                }
                Found::Throttled(error) if self.waited_out("the deployment", &error, &mut patience).await => continue,
                Found::Throttled(error) => {
                    let why = kept_throttling(&error);
                    return Err(Trouble::from(format!("no deployment could be made: {why}; try again")));
                }
                Found::NotMade(error) => error.to_string(),
            };
            if attempt >= ATTEMPTS {
                return Err(Trouble::from(format!("no deployment could be made: {again}. Try again")));
            }
            self.say(format!("no deployment was made ({again}); trying again"));
            self.aws.clock().sleep(TimeDelta::seconds(5)).await;
        }
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
            // What is deployed next is the draft as it is, not as it was answered to be.
            Sent::Done(()) => match self.draft(recipe).await {
                Ok(Draft::Ours) => {}
                Ok(Draft::Original) => {
                    let nothing = Problem::Unreadable("AWS answered 200 and nothing changed".to_owned());
                    let error = AwsError::new("UpdateRestApi", api, nothing);
                    return (Sent::Perhaps { error, ended: true }, true);
                }
                Ok(Draft::Theirs) => {
                    return (Sent::Refused("somebody else changed the draft's policy".to_owned()), false);
                }
                Err(why) => return (Sent::Refused(why), true),
            },
            Sent::Throttled(error) => return (Sent::Throttled(error), false),
            Sent::Refused(why) => return (Sent::Refused(why), false),
            Sent::Perhaps { error, ended } => match self.draft(recipe).await {
                Ok(Draft::Ours) => {
                    let seen = "the answer did not tell, but reading shows the policy";
                    self.stepped("UpdateRestApi", &recipe.api_arn, CallPhase::Answered, seen);
                }
                // It has not been taken and will not be: the deployment may be tried again.
                Ok(Draft::Original) if ended => return (Sent::Perhaps { error, ended }, false),
                _ => return (Sent::Refused(error.to_string()), !ended),
            },
        }
        let deployments = format!("{}/deployments", recipe.api_arn);
        if let Err(why) = self.step("CreateDeployment", &deployments, CallPhase::Sending, description) {
            return (Sent::Refused(why), false);
        }
        let answer = aws.create_deployment(&ticket, api, description).await;
        (self.ended("CreateDeployment", &deployments, answer), false)
    }

    /// The deployment that was made; where its answer does not name it, looked for by its description, which no other has. Unless what is
    /// in it gets proven, only where the answer came before the draft was put back: else it may close nothing.
    async fn found(
        &mut self,
        api: &str,
        (description, known): (&str, &[String]),
        made: Sent<String>,
        proven: bool,
    ) -> Result<Found, Trouble> {
        let (error, ended) = match made {
            Sent::Done(id) if !id.is_empty() => return Ok(Found::Made(id)),
            Sent::Throttled(error) => return Ok(Found::Throttled(error)),
            Sent::Refused(why) => return Err(Trouble::from(why)),
            Sent::Done(_) => {
                let nameless = Problem::Unreadable("it names no deployment".to_owned());
                (AwsError::new("CreateDeployment", api, nameless), true)
            }
            Sent::Perhaps { error, ended } => (error, ended),
        };
        if !proven && !ended {
            return Err(Trouble::from(format!("{error}; nothing points at what it may have made. Plan again")));
        }
        self.say(format!("{error}; looking whether it was made all the same"));
        let mut patience = self.patience();
        let mut looked = 0;
        while looked < 3 {
            if looked > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(3)).await;
            }
            looked += 1;
            match self.aws.deployments(api, Lane::Write).await {
                Ok(all) => {
                    let ours = |one: &Deployment| one.description == description && !known.contains(&one.id);
                    if let Some(one) = all.into_iter().find(ours) {
                        self.say(format!("it was made: deployment {}", one.id));
                        return Ok(Found::Made(one.id));
                    }
                }
                Err(throttled) if self.waited_out("the deployments", &throttled, &mut patience).await => looked -= 1,
                Err(unread) => return Err(Trouble::from(format!("{error}; {unread}. Nothing points at it"))),
            }
        }
        if ended {
            return Ok(Found::NotMade(error));
        }
        Err(Trouble::from(format!(
            "{error}; and no deployment of that description is there. One may still appear, to which nothing points"
        )))
    }

    /// Deployments that came up while the draft was another: their makers shipped our policy.
    pub(super) async fn nobody_else_deployed(&mut self, recipe: &Recipe, before: &[String]) -> Result<(), Trouble> {
        let api = &recipe.stage.api_id;
        let mut listed = self.aws.deployments(api, Lane::Write).await;
        for _ in 1..ATTEMPTS {
            if listed.is_ok() {
                break;
            }
            self.aws.clock().sleep(TimeDelta::seconds(2)).await;
            listed = self.aws.deployments(api, Lane::Write).await;
        }
        let all = listed.map_err(|error| Trouble {
            stays: true,
            ..Trouble::from(format!(
                "whether somebody deployed while the draft was another is not known ({error}): look at the API's deployments"
            ))
        })?;
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
            doubt: false,
        })
    }

    async fn pointing_at(&mut self, recipe: &Recipe, ids: &[String]) -> String {
        let api = recipe.stage.api();
        match self.aws.stages(&api, Lane::Write).await {
            Ok(stages) => {
                let at = |d: &&StageDetail| d.deployment_id.as_ref().is_some_and(|id| ids.contains(id));
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

    pub(super) async fn deployments(&mut self, api: &str) -> Result<Vec<String>, Trouble> {
        let all = self.aws.deployments(api, Lane::Write).await.map_err(|e| e.to_string())?;
        Ok(all.into_iter().map(|one| one.id).collect())
    }

    /// Puts the draft's own policy back, where ours is there. Tried again and again, journal or no journal: nothing is more urgent. With a
    /// `doubt` our own write may land after we have looked, so that the draft's own is written whatever shows.
    pub(super) async fn draft_back(&mut self, recipe: &Recipe, mut doubt: bool) -> Result<(), String> {
        let mut last = String::new();
        let mut patience = self.patience();
        let mut attempt = 0;
        while attempt < RESTORES {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::milliseconds(400)).await;
            }
            attempt += 1;
            match self.draft(recipe).await {
                Ok(Draft::Original) if !doubt => return Ok(()),
                Ok(Draft::Original | Draft::Ours) => {}
                Ok(Draft::Theirs) => {
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
                Sent::Throttled(error) => {
                    // It costs time and no attempt.
                    attempt -= usize::from(self.waited_out("the draft", &error, &mut patience).await);
                    last = error.to_string();
                }
                Sent::Perhaps { error, .. } => last = error.to_string(),
                Sent::Refused(why) => last = why,
            }
        }
        Err(format!("THE DRAFT'S POLICY IS NOT BACK ({last}): the next deployment of the API would close it"))
    }

    /// Whose the draft's policy is, by one reading.
    async fn draft(&mut self, recipe: &Recipe) -> Result<Draft, String> {
        let now = self.aws.draft_api(&recipe.stage.api_id, Lane::Write).await.map_err(|e| e.to_string())?.policy;
        let read = |text: &str| Policy::of_answer(text).map_err(|e| e.to_string());
        let (now, original) = (read(&now)?, read(&recipe.draft)?);
        if Policy::same(now.as_ref(), original.as_ref()) {
            return Ok(Draft::Original);
        }
        let candidate = recipe.proof.as_ref().map(|proof| &proof.candidate);
        let ours = |policy: &Policy| {
            let written = std::iter::once(&recipe.closed).chain(candidate);
            policy.is_closed() && written.into_iter().any(|own| own.admitted() == policy.admitted())
        };
        Ok(if now.as_ref().is_some_and(ours) { Draft::Ours } else { Draft::Theirs })
    }

    pub(super) fn step(
        &mut self,
        operation: &str,
        resource: &str,
        phase: CallPhase,
        detail: &str,
    ) -> Result<(), String> {
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

    pub(super) fn ended<T>(&mut self, operation: &str, resource: &str, answer: Answer<T>) -> Sent<T> {
        let (phase, detail, sent) = match answer {
            Answer::Accepted(value) => (CallPhase::Answered, "accepted".to_owned(), Sent::Done(value)),
            Answer::Refused(error @ AwsError { problem: Problem::Throttled(_), .. }) => {
                (CallPhase::Failed, error.to_string(), Sent::Throttled(error))
            }
            Answer::Refused(error) => (CallPhase::Failed, error.to_string(), Sent::Refused(error.to_string())),
            Answer::Uncertain { error, ended } => {
                (CallPhase::NoAnswer, error.to_string(), Sent::Perhaps { error, ended })
            }
        };
        self.stepped(operation, resource, phase, &detail);
        sent
    }

    /// Writes how a call stands; that it could not be written is said, and spoils the outcome.
    pub(super) fn stepped(&mut self, operation: &str, resource: &str, phase: CallPhase, detail: &str) {
        if matches!(phase, CallPhase::Answered | CallPhase::NoAnswer) {
            self.sent.push(resource.to_owned());
        }
        if let Err(error) = self.step(operation, resource, phase, detail) {
            self.unwritten = true;
            self.say(format!("this step is not in the journal: {error}"));
        }
    }
}
