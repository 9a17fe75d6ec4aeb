//! The proof that a snapshot closes, and closing without one.
//!
//! Every state in between is said, with the way back, and whatever fails, draft and stage are put back before anything
//! else.

use super::step::{Trouble, commit_after};
use super::{Run, Step};
use crate::aws::Lane;
use crate::incident::Event;
use crate::model::plan::Outcome;
use crate::model::probe::ProbeReading;
use crate::model::proof::Proof;
use crate::respond::recipe::{ProofRecipe, Recipe};

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
            self.say(format!("{why}. Undo it with `portcullis undo {id}`"));
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
        let (on, on_stage) = (proof.on.label(), (&proof.on, proof.arn.as_str()));
        self.still_at(&recipe.stage, &recipe.base).await?;
        let denied = |reading: &ProbeReading| matches!(reading, ProbeReading::DeniedByPolicy { explicit: true });
        let admitted = |reading: &ProbeReading| matches!(reading, ProbeReading::Admitted { .. });
        let mut evidence = Vec::new();

        let candidate = self.snapshot(recipe, &proof.candidate, "a list that leaves the responder out", known).await?;
        self.point(on_stage, &proof.base, &candidate).await?;
        self.say(format!("{on} keeps out everybody now; it goes back to deployment {} at the end", proof.base));
        let seen = self.agreeing(&proof.probe, denied, "be kept out by the policy").await?;
        evidence.push(format!("a list without the responder: {seen}"));
        self.carries(&proof.on, &proof.candidate).await?;

        let snapshot = self.snapshot(recipe, &recipe.closed, "the closing policy", known).await?;
        self.point(on_stage, &candidate, &snapshot).await?;
        let seen = self.agreeing(&proof.probe, admitted, "be let in again").await?;
        evidence.push(format!("the closing policy: {seen}"));
        let export = self.carries(&proof.on, &recipe.closed).await?;
        evidence.push(format!("the export of {on} has the closing policy, statement for statement"));
        evidence.push(self.same_but_for_policy(&export, &proof.on, &recipe.stage).await?);
        self.still_at(&recipe.stage, &recipe.base).await?;

        // By way of the one that keeps us out: else nothing would tell the deployment of before from the closing one.
        self.point(on_stage, &snapshot, &candidate).await?;
        self.agreeing(&proof.probe, denied, "be kept out by the policy").await?;
        self.point(on_stage, &candidate, &proof.base).await?;
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
        let Err(ended) = self.point((&recipe.stage, &recipe.stage_arn), &recipe.base, &snapshot).await else {
            return Outcome::Done;
        };
        self.say(ended.line);
        self.only_a_snapshot(recipe);
        if ended.unmoved {
            self.unchanged.push(recipe.stage_arn.clone());
        }
        if ended.step == Step::NotDone { Outcome::NotDone } else { Outcome::NotKnown }
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
        Err(Trouble::from("the draft's methods changed meanwhile and are not deployed: plan again".to_owned()))
    }
}
