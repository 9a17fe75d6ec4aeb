//! Commit-confirmed: a closure takes itself back unless a probe gets through in time.
//!
//! The way back is part of the plan that was confirmed. Until a probe has got through, the journal lets the action expire after a minute, so
//! that whatever console runs next takes it back should this one die.

use chrono::{DateTime, TimeDelta, Utc};

use super::kill_switch::{AGREEING, BETWEEN};
use super::{ExecuteError, execute};
use crate::aws::Aws;
use crate::incident::{Event, Incident};
use crate::model::action::Terms;
use crate::model::plan::{Effect, Finished, Outcome, Plan};
use crate::model::probe::{Probe, ProbeReading};
use crate::model::timeline::ActionRecord;
use crate::respond::confirm::Confirmed;
use crate::respond::undo;

/// Account time for which answers may still come from the deployment of before (3 to 10 s in others' experience; undocumented).
const SETTLING: TimeDelta = TimeDelta::seconds(15);
/// Account time that the way back is given before the minute is over.
const WAY_BACK: TimeDelta = TimeDelta::seconds(12);

/// Waits for probes to get through; commits, or takes the action back.
pub(super) async fn committed(
    aws: &Aws,
    incident: &Incident,
    plan: &Plan,
    mut finished: Finished,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Finished, ExecuteError> {
    let folded = incident.fold()?;
    let Some(action) = folded.action(&finished.action_id) else { return Ok(finished) };
    let Some(end) = action.expires_at else { return Ok(finished) };
    let mut say = |lines: &mut Vec<String>, line: String| {
        progress(&line);
        lines.push(line);
    };
    say(
        &mut finished.lines,
        format!("probing from here; without an answer it is taken back by {}", end.format("%H:%M:%SZ")),
    );
    match got_through(aws, plan.probe.as_ref(), end - WAY_BACK).await {
        Ok(evidence) => {
            let now = aws.clock().now();
            let lasting = plan.lifetime().and_then(|lifetime| action.begun_at.checked_add_signed(lifetime));
            incident.extend(now, &action.id, lasting)?;
            let event = Event::Effect {
                action_id: action.id.clone(),
                effect: Effect::Deployed,
                evidence: vec![evidence.clone()],
            };
            incident.record(now, &event)?;
            finished.effect = Some(Effect::Deployed);
            say(&mut finished.lines, format!("confirmed: {evidence}"));
            Ok(finished)
        }
        Err(why) => {
            say(&mut finished.lines, format!("{why}; taking it back"));
            let back = Box::pin(taken_back(aws, incident, action, &folded.actions, progress)).await;
            finished.effect = None;
            match back {
                Ok(undone) => {
                    finished.outcome = if undone.outcome == Outcome::Done { Outcome::NotDone } else { Outcome::Partly };
                    finished.lines.extend(undone.lines);
                }
                Err(why) => {
                    finished.outcome = Outcome::Partly;
                    finished.lines.push(format!("IT IS STILL CLOSED: {why}. `portcullis undo {}`", action.id));
                }
            }
            Ok(finished)
        }
    }
}

/// Enough answers in a row that got through, once answers no longer come from the deployment of before.
async fn got_through(aws: &Aws, probe: Option<&Probe>, until: DateTime<Utc>) -> Result<String, String> {
    let probe = probe.ok_or("there is nothing to ask")?;
    let settled = aws.clock().now() + SETTLING;
    let (mut in_a_row, mut last) = (0, "no answer".to_owned());
    while aws.clock().now() < until {
        match aws.probe(probe).await.map(|answer| answer.reading()) {
            Ok(reading) => {
                in_a_row = if matches!(reading, ProbeReading::Admitted { .. }) { in_a_row + 1 } else { 0 };
                last = reading.words();
            }
            Err(error) => {
                in_a_row = 0;
                last = error.to_string();
            }
        }
        if in_a_row >= AGREEING && aws.clock().now() >= settled {
            return Ok(format!("{} gets through from here: {last}", probe.url));
        }
        aws.clock().sleep(BETWEEN).await;
    }
    Err(format!("no probe of {} got through: {last}", probe.url))
}

/// The undo that the confirmed plan contained.
async fn taken_back(
    aws: &Aws,
    incident: &Incident,
    action: &ActionRecord,
    others: &Vec<ActionRecord>,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Finished, String> {
    let planned = undo::plan(aws, action, others, &[], &Terms::default()).await.map_err(|e| e.to_string())?;
    let confirmed = Confirmed::by_way_back(planned, action).map_err(|e| e.to_string())?;
    execute(aws, incident, confirmed, progress).await.map_err(|e| e.to_string())
}
