//! What proves that a snapshot closes: the stage's answers, and its export.

use chrono::TimeDelta;

use super::Run;
use super::step::{AGREEING, BETWEEN, Trouble};
use crate::aws::Lane;
use crate::model::policy::Policy;
use crate::model::probe::{Probe, ProbeReading};
use crate::model::stage::StageId;
use crate::respond::action::kill_switch::difference;

/// Account time within which a stage must answer as it should. How long a deployment takes to reach every caller is
/// undocumented.
const PATIENCE: TimeDelta = TimeDelta::seconds(90);

impl Run<'_> {
    /// Asks until enough answers in a row are what they should be.
    pub(super) async fn agreeing(
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
        Err(format!(
            "{} was expected to {what} within {} s; last answer: {last}",
            probe.shown(),
            PATIENCE.num_seconds()
        ))
    }

    /// The export of a stage, which must have this very policy: that a snapshot holds what was in the draft is not
    /// taken on trust.
    pub(super) async fn carries(&mut self, stage: &StageId, policy: &Policy) -> Result<serde_json::Value, Trouble> {
        let export = self
            .aws
            .export(&stage.api_id, &stage.stage, Lane::Write)
            .await
            .map_err(|e| Trouble::from(e.to_string()))?;
        match Policy::of_export(&export) {
            Some(Ok(there)) if Policy::same(Some(&there), Some(policy)) => Ok(export),
            Some(Ok(_)) => Err(Trouble::from(format!(
                "the snapshot that {} points at has a different policy than it was made with: somebody else changed the draft meanwhile. Plan again",
                stage.label()
            ))),
            Some(Err(error)) => Err(Trouble::from(format!("the policy in the snapshot cannot be read: {error}"))),
            None => Err(Trouble::from(format!(
                "the export of {} shows no policy, so the snapshot's policy is not known. Close by web-acl, or without \
                 a proof: then it undoes itself unless you get in",
                stage.label()
            ))),
        }
    }

    /// The proven snapshot against what the stage to be closed has deployed.
    pub(super) async fn same_but_for_policy(
        &mut self,
        snapshot: &serde_json::Value,
        on: &StageId,
        stage: &StageId,
    ) -> Result<String, Trouble> {
        let deployed = self.aws.export(&stage.api_id, &stage.stage, Lane::Write).await.map_err(|e| e.to_string())?;
        let lines = difference(snapshot, &deployed);
        if lines.is_empty() {
            let line =
                format!("as far as exports show, {} and {} differ only in the policy", on.label(), stage.label());
            self.say(line.clone());
            return Ok(line);
        }
        Err(Trouble::from(format!(
            "the draft holds work that is not deployed on {}: {}. Deploy or discard that work first",
            stage.label(),
            lines.join("; ")
        )))
    }
}
