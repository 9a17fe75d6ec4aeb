//! A deployment of the draft with another policy than the draft's, to which no stage points.
//!
//! Between writing the draft's policy and putting it back, whoever deploys ships it: so the turn to deploy is waited
//! for before, the draft is put back before anything else is looked at, and deployments of that moment are looked for
//! on every path.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::point::LANDS_IN;
use super::step::{ATTEMPTS, Sent, Trouble};
use super::tries::{Manner, Patience, Reading, Tries, kept_throttling};
use super::{CallName, Run, Step};
use crate::aws::write::Answer;
use crate::aws::{AwsError, Lane, Problem};
use crate::incident::CallPhase;
use crate::model::change::{Assignment, POLICY, Part, Place};
use crate::model::plan::{Change, ChangedKind, ResourceRef};
use crate::model::policy::Policy;
use crate::model::stage::{Deployment, StageDetail};
use crate::respond::assigned;
use crate::respond::recipe::Recipe;

/// How often it is tried to put the draft back.
const RESTORES: usize = 40;

/// What became of a deployment.
enum Found {
    Made(String),
    /// AWS turned it away as one too many.
    Throttled(AwsError),
    /// It was not made, and will not be.
    NotMade(String),
}

/// What became of the moment in which the draft carries another policy.
struct Window {
    made: Sent<String>,
    /// Whether the draft may yet be written.
    doubt: bool,
    /// When it began, account time; `None` where nothing was sent.
    opened: Option<DateTime<Utc>>,
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
    /// A deployment of the draft with `policy` that no stage points at; the draft is back as it was whenever this
    /// returns, or it says that it is not. `known` are the deployments that were there before.
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
            if self.draft(recipe).await?.0 != Draft::Original {
                return Err(Trouble::from(
                    "the draft's policy has been changed by somebody else: plan again".to_owned(),
                ));
            }
            let id = self.action_id.clone();
            self.say(format!(
                "temporarily writing {what} to the draft; if this console dies now, `portcullis undo {id}` restores it"
            ));
            let Window { made, doubt, opened } = self.window(recipe, policy, &description, patience).await;
            let back = self.draft_back(recipe, doubt).await;
            let closed = self.aws.clock().now();
            let foreign = self.nobody_else_deployed(recipe, known).await;
            match (back, foreign) {
                (Ok(()), Ok(())) => {}
                (Ok(()), Err(foreign)) => return Err(foreign),
                (Err(why), Ok(())) => return Err(Trouble::from(why)),
                (Err(why), Err(foreign)) => {
                    return Err(Trouble { line: format!("{why}; {}", foreign.line), ..foreign });
                }
            }
            if let Some(opened) = opened {
                let seconds = (closed - opened).as_seconds_f64();
                self.say(format!("the draft policy was replaced for {seconds:.1} s and has been restored"));
            }
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
                Found::NotMade(why) => why,
            };
            if attempt >= ATTEMPTS {
                return Err(Trouble::from(format!("no deployment could be made: {again}. Try again")));
            }
            self.say(format!("no deployment was made ({again}); trying again"));
            self.aws.clock().sleep(TimeDelta::seconds(5)).await;
        }
    }

    /// Writes the draft's policy and deploys. What follows must put the draft back, however this ends.
    async fn window(&mut self, recipe: &Recipe, policy: &Policy, description: &str, patience: Patience) -> Window {
        let change = draft_change(recipe, draft_value(&recipe.draft), draft_value(policy.text()));
        let ended = self.change(&change, Tries::new(Manner::Confirmed, patience)).await;
        let (opened, doubt) = (ended.sent_at, ended.may_land || ended.step != Step::NotDone);
        let left = |made, doubt| Window { made, doubt, opened };
        match ended.step {
            Step::Verified => {}
            Step::NotDone if ended.unmoved => return left(Sent::Never(ended.line), doubt),
            _ => return left(Sent::Refused(ended.line), doubt),
        }
        let doubt = ended.may_land;
        // Ours by its list, not only by its statement: what is deployed next is the draft as it is.
        match self.draft(recipe).await {
            Ok((Draft::Ours, _)) => {}
            Ok(_) => return left(Sent::Refused("somebody else changed the draft's policy".to_owned()), doubt),
            Err(why) => return left(Sent::Refused(why), true),
        }
        let made = self.deployed(recipe, description).await;
        left(made, doubt)
    }

    /// Deploys the draft as it is.
    async fn deployed(&mut self, recipe: &Recipe, description: &str) -> Sent<String> {
        let deployments = format!("{}/deployments", recipe.api_arn);
        let call = CallName { service: "apigateway", operation: "CreateDeployment", resource: &deployments };
        if let Err(error) = self.call(call, CallPhase::Sending, description) {
            return Sent::Refused(format!("the journal could not be written, so no deployment was made: {error}"));
        }
        let answer = self.aws.create_deployment(&self.ticket, &recipe.stage.api_id, description).await;
        let (phase, detail, sent) = match answer {
            Answer::Accepted(id) => (CallPhase::Answered, "accepted".to_owned(), Sent::Done(id)),
            Answer::Refused(error) => {
                let limited = matches!(error.problem, Problem::Throttled(_));
                let said = error.to_string();
                let sent = if limited { Sent::Throttled(error) } else { Sent::Refused(said.clone()) };
                (CallPhase::Failed, said, sent)
            }
            Answer::Uncertain { error, ended } => {
                (CallPhase::NoAnswer, error.to_string(), Sent::Perhaps { error, ended })
            }
        };
        self.noted(call, phase, &detail);
        sent
    }

    /// The deployment that was made; where its answer does not name it, looked for by its description, which no other
    /// has. Unless what is in it gets proven, only where the answer came before the draft was put back: else it may
    /// close nothing.
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
            Sent::Never(why) => return Ok(Found::NotMade(why)),
            Sent::Done(_) => {
                let nameless = Problem::Unreadable("it names no deployment".to_owned());
                (AwsError::new("CreateDeployment", api, nameless), true)
            }
            Sent::Perhaps { error, ended } => (error, ended),
        };
        if !proven && !ended {
            return Err(Trouble::from(format!("{error}; nothing points at what it may have made. Plan again")));
        }
        self.say(format!("{error}; checking whether it was made anyway"));
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
            return Ok(Found::NotMade(error.to_string()));
        }
        Err(Trouble::from(format!(
            "{error}; and no deployment with that description exists. One may still appear, but nothing points at it"
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
                "whether somebody deployed while the draft was changed is not known ({error}): check the API's deployments"
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
                "somebody else deployed meanwhile: {first} may carry the closing policy; {pointing}. Have it deployed again, now that the draft is restored"
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

    /// Puts the draft's own policy back, where ours is there. Tried again and again, journal or no journal: nothing is
    /// more urgent. With a `doubt` our own write may land after we have looked, so that the draft's own is written
    /// whatever shows.
    pub(super) async fn draft_back(&mut self, recipe: &Recipe, mut doubt: bool) -> Result<(), String> {
        let mut last = String::new();
        let patience = self.patience();
        for attempt in 0..RESTORES {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::milliseconds(400)).await;
            }
            let now = match self.draft(recipe).await {
                Ok((Draft::Original, _)) if !doubt => return Ok(()),
                Ok((Draft::Original | Draft::Ours, now)) => now,
                Ok((Draft::Theirs, _)) => {
                    return Err("the draft's policy has been changed by somebody else meanwhile; leaving it unchanged"
                        .to_owned());
                }
                Err(why) => {
                    last = why;
                    continue;
                }
            };
            let change = draft_change(recipe, now.get(POLICY).cloned(), draft_value(&recipe.draft));
            let tries = Tries::new(Manner::Back { doubt }, patience).reading(Some(Reading::Values(now)));
            let ended = self.change(&change, tries).await;
            match ended.step {
                Step::Verified if !doubt => return Ok(()),
                // Looked at once more.
                Step::Verified => {
                    self.aws.clock().sleep(LANDS_IN).await;
                    doubt = false;
                }
                _ => doubt |= ended.may_land,
            }
            last = ended.line;
        }
        Err(format!("THE DRAFT'S POLICY IS NOT RESTORED ({last}): the next deployment of the API would close it"))
    }

    /// Whose the draft's policy is, and what it holds, by one reading.
    async fn draft(&mut self, recipe: &Recipe) -> Result<(Draft, Map<String, Value>), String> {
        let values = assigned::current(self.aws, &draft_place(recipe), Lane::Write).await.map_err(|e| e.to_string())?;
        let read = |text: &str| Policy::of_answer(text).map_err(|e| e.to_string());
        let now = read(values.get(POLICY).and_then(Value::as_str).unwrap_or_default())?;
        if Policy::same(now.as_ref(), read(&recipe.draft)?.as_ref()) {
            return Ok((Draft::Original, values));
        }
        let candidate = recipe.proof.as_ref().map(|proof| &proof.candidate);
        let ours = |policy: &Policy| {
            let written = std::iter::once(&recipe.closed).chain(candidate);
            policy.is_closed() && written.into_iter().any(|own| own.admitted() == policy.admitted())
        };
        Ok((if now.as_ref().is_some_and(ours) { Draft::Ours } else { Draft::Theirs }, values))
    }
}

fn draft_place(recipe: &Recipe) -> Place {
    Place::DraftPolicy { api_id: recipe.stage.api_id.clone() }
}

/// A policy's text as a value; none where it is empty.
fn draft_value(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| Value::String(text.to_owned()))
}

/// The draft's policy from one text to another.
fn draft_change(recipe: &Recipe, before: Option<Value>, after: Option<Value>) -> Change {
    let part = Part { name: POLICY.to_owned(), before, after };
    let resource = ResourceRef {
        kind: ChangedKind::DraftPolicy,
        name: format!("the draft of {}", recipe.stage.api_name),
        id: recipe.stage.api_id.clone(),
        arn: recipe.api_arn.clone(),
    };
    Change::of_values(resource, Assignment { place: draft_place(recipe), parts: vec![part], passing: true })
}
