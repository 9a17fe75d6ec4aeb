//! What an observation step waits for. Waits in account time, and says what it saw or what it saw last.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use super::values::{Context, Inputs, ValueError};
use crate::aws::Aws;
use crate::incident::{Incident, IncidentError};
use crate::model::board::{Board, Metric, StageRow};
use crate::model::condition::StageState;
use crate::model::figure::Figure;
use crate::model::plan::Effect;
use crate::model::playbook::{Look, RunRecord, Step, StepState, Task, Value};
use crate::model::series::floor_minute;
use crate::model::signal::SignalKind;
use crate::respond::desk::Desk;
use crate::respond::desk::error::DeskError;

/// Boards as they come.
pub type Boards = watch::Receiver<Arc<Board>>;

/// How an observation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `Observed`, `NotObserved`, or `Skipped` where there is nothing to look at.
    pub state: StepState,
    /// What shows it, a line each.
    pub detail: Vec<String>,
}

impl Seen {
    fn skipped(why: String) -> Self {
        Self { state: StepState::Skipped, detail: vec![why] }
    }

    fn of(observed: bool, detail: Vec<String>) -> Self {
        Self { state: if observed { StepState::Observed } else { StepState::NotObserved }, detail }
    }
}

/// Why nothing could be observed.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// An input of the step has no value.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// The journal.
    #[error(transparent)]
    Incident(#[from] IncidentError),
    /// The effect could not be watched for.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

/// Waits for what `step` looks for, for as long as it says.
///
/// # Errors
/// Where an input has no value, or the journal cannot be read or written.
// Wide: the step and its run, and all that watching needs beside them.
pub async fn observe(
    context: Context<'_>,
    step: &Step,
    run: &RunRecord,
    (aws, desk): (&Aws, &Desk),
    boards: &mut Boards,
    incident: &Incident,
) -> Result<Seen, ObserveError> {
    let Task::Observe { look, within_seconds } = &step.task else {
        return Ok(Seen::skipped("this step observes nothing".to_owned()));
    };
    let within = TimeDelta::seconds(i64::try_from(*within_seconds).unwrap_or(i64::MAX / 1_000));
    let wanted = match look {
        Look::Effect { of } => return effect(of, run, (aws, desk), incident, within).await,
        Look::SignalsCleared { signals, for_seconds } => {
            Wanted::Cleared { signals, minutes: i64::try_from(for_seconds.div_ceil(60)).unwrap_or(1).max(1) }
        }
        Look::RequestsBelow { rate, for_seconds } => match context.value(rate, &Inputs::new())? {
            Value::Rate(rate) => Wanted::Below { rate, minutes: i64::try_from(for_seconds.div_ceil(60)).unwrap_or(1) },
            other => return Ok(Seen::skipped(format!("“{other}” is no rate"))),
        },
        Look::State { states } => Wanted::State { states },
    };
    Ok(figures(&wanted, context, aws, boards, within).await)
}

/// The effect of an earlier step's change.
async fn effect(
    of: &str,
    run: &RunRecord,
    (aws, desk): (&Aws, &Desk),
    incident: &Incident,
    within: TimeDelta,
) -> Result<Seen, ObserveError> {
    let folded = incident.fold()?;
    let Some(history) = run.action_of(of).and_then(|id| folded.history(id)) else {
        return Ok(Seen::skipped(format!("step {of} changed nothing, so it has no effect to observe")));
    };
    if let Some((_, seen)) = history.effects.iter().rfind(|(effect, _)| *effect == Effect::Observed) {
        return Ok(Seen::of(true, seen.text.lines().map(str::to_owned).collect()));
    }
    let done_at = history.ending.as_ref().map_or(history.begun_at, |ending| ending.at);
    let patience = aws.clock().now() - done_at + within;
    let seen = desk.observe((incident, &history.action_id), &history.plan, done_at, patience).await?;
    Ok(Seen::of(seen.observed, seen.evidence))
}

enum Wanted<'a> {
    Cleared { signals: &'a [SignalKind], minutes: i64 },
    Below { rate: u32, minutes: i64 },
    State { states: &'a [StageState] },
}

/// Boards, until one shows it.
async fn figures(wanted: &Wanted<'_>, context: Context<'_>, aws: &Aws, boards: &mut Boards, within: TimeDelta) -> Seen {
    let clock = aws.clock();
    let begun = clock.now();
    let until = begun + within;
    let mut last = "nothing has been read yet".to_owned();
    loop {
        let board = boards.borrow_and_update().clone();
        match board.row(context.stage).map(|row| shows(wanted, row, begun)) {
            Some(Ok(line)) => return Seen::of(true, vec![line]),
            Some(Err(line)) => last = line,
            None if board.polling.read_at.is_some() => {
                last = format!("{} is not on the board", context.stage.label());
            }
            None => {}
        }
        let left = until - clock.now();
        if left <= TimeDelta::zero() {
            let waited = within.num_seconds();
            return Seen::of(false, vec![format!("not observed within {waited} s of account time: {last}")]);
        }
        tokio::select! {
            changed = boards.changed() => if changed.is_err() {
                return Seen::of(false, vec!["the account is no longer watched".to_owned()]);
            },
            () = clock.sleep(left) => {}
        }
    }
}

/// Whether a row shows it, in a line. Only a whole minute that began after the step did counts: what is not known has
/// not cleared.
fn shows(wanted: &Wanted<'_>, row: &StageRow, begun: DateTime<Utc>) -> Result<String, String> {
    let Figure::Known(requests) = &row.figures.requests_per_second else {
        return Err("how many requests the stage gets is not known".to_owned());
    };
    // A reading's time is the end of its minute.
    let minute = floor_minute(requests.at - TimeDelta::minutes(1));
    let at = minute.format("%H:%MZ");
    if minute < begun {
        return Err(format!("the last whole minute read, {at}, began before the step"));
    }
    match wanted {
        Wanted::Cleared { signals, minutes } => {
            let standing = row.signals.iter().filter(|signal| signals.contains(&signal.kind));
            let standing: Vec<String> =
                standing.map(|signal| format!("{} is active: {}", signal.kind.id(), signal.evidence)).collect();
            let names: Vec<&str> = signals.iter().map(|kind| kind.id()).collect();
            if !standing.is_empty() {
                return Err(standing.join("; "));
            }
            if let Some(open) = row.not_judged.iter().find(|open| signals.contains(&open.kind)) {
                return Err(format!("whether {} is active could not be judged lately", open.kind.id()));
            }
            // Whole minutes; what stood after the step began starts the span anew.
            let whole = floor_minute(begun);
            let first = if whole == begun { whole } else { whole + TimeDelta::minutes(1) };
            let ended =
                row.ended.iter().filter(|signal| signals.contains(&signal.kind)).filter_map(|signal| signal.ended);
            let since = ended.fold(first, DateTime::max);
            let quiet = (minute + TimeDelta::minutes(1) - since).num_minutes();
            if quiet < *minutes {
                return Err(format!(
                    "none of {} is active in the minute of {at}, for {quiet} min of {minutes} so far",
                    names.join(", ")
                ));
            }
            Ok(match minutes {
                1 => format!("none of {} is active in the minute of {at}", names.join(", ")),
                _ => format!("none of {} has been active for {minutes} min up to {at}", names.join(", ")),
            })
        }
        Wanted::State { states } => {
            let line = format!("{} in the minute of {at}: {}", row.condition.word(), row.condition.evidence);
            if states.contains(&row.condition.state) { Ok(line) } else { Err(line) }
        }
        Wanted::Below { rate, minutes } => {
            let series = &row.history[Metric::Requests.index()];
            let of_minute = |back: i64| series.at(minute - TimeDelta::minutes(back)).map(|count| count / 60.0);
            let busiest = (0..*minutes).map(of_minute).try_fold(0.0_f64, |most, rate| Some(most.max(rate?)));
            let Some(busiest) = busiest else {
                return Err(format!("not every one of the {minutes} minutes up to {at} has been read"));
            };
            let line = format!("{busiest:.1} requests/s at the most in the {minutes} min up to {at}");
            if busiest < f64::from(*rate) { Ok(line) } else { Err(format!("{line}, not below {rate}")) }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::figure::{Origin, Reading, Scope};
    use crate::model::signal::{NotJudged, Severity, Signal};
    use crate::model::stage::StageId;

    fn at(minute: i64) -> DateTime<Utc> {
        "2026-03-03T03:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
    }

    /// A row whose last minute begins at `minute`; a signal stood until `ended`.
    fn row(minute: i64, ended: Option<i64>) -> StageRow {
        let id = StageId { api_id: "a1".into(), api_name: "shop".into(), stage: "prod".into() };
        let mut row = StageRow::new(id, crate::model::stage::ApiKind::Rest);
        let (origin, scope) = (Origin::CloudWatch, Scope::Stage);
        let reading = Reading { value: 9.0, at: at(minute + 1), origin, scope, provisional: false };
        row.figures.requests_per_second = Figure::Known(reading);
        row.ended = ended
            .map(|ended| Signal {
                kind: SignalKind::ServerErrorsHigh,
                severity: Severity::Attack,
                since: at(0),
                ended: Some(at(ended)),
                not_judged_since: None,
                value: 0.3,
                peak: None,
                threshold: 0.1,
                ours: false,
                evidence: String::new(),
                suggests: String::new(),
            })
            .into_iter()
            .collect();
        row
    }

    #[test]
    fn it_is_quiet_for_as_many_whole_minutes_as_the_step_says() {
        let wanted = Wanted::Cleared { signals: &[SignalKind::ServerErrorsHigh], minutes: 10 };
        let begun = at(20) + TimeDelta::seconds(30);
        assert!(shows(&wanted, &row(29, None), begun).is_err(), "nine whole minutes since the step began");
        assert_eq!(
            shows(&wanted, &row(30, None), begun).unwrap(),
            "none of server-errors-high has been active for 10 min up to 03:30Z"
        );
        assert!(shows(&wanted, &row(30, Some(22)), begun).is_err(), "it stood once more in between");
        assert!(shows(&wanted, &row(31, Some(22)), begun).is_ok());
        let mut unjudged = row(40, None);
        unjudged.not_judged = vec![NotJudged { kind: SignalKind::ServerErrorsHigh, since: None }];
        assert!(shows(&wanted, &unjudged, begun).is_err(), "what is not known has not cleared");
    }
}
