//! A journal line in words: one title, further lines of detail, neutralised, since much of it quotes attackers.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use super::event::{CallPhase, Event, Reading};
use crate::journal::Line;
use crate::model::attack::AttackKind;
use crate::model::condition::{StageState, attackers_total_words};
use crate::model::plan::{Change, Effect, GuardResult, Outcome, Plan, Purpose};
use crate::model::text::neutralised;
use crate::model::timeline::TimelineEntry;

/// The longest single value shown of something that this version does not understand, characters.
const LONGEST_UNKNOWN: usize = 400;

/// `text` on one line, harmless.
pub(super) fn clean(text: &str) -> String {
    neutralised(text).into_owned()
}

/// The line as people read it.
pub(super) fn entry(line: &Line, reading: &Reading) -> TimelineEntry {
    let (title, mut detail) = match reading {
        Reading::Known { event, .. } => describe(event),
        Reading::TornLineSetAside => (torn_title(&line.data), Vec::new()),
        Reading::ChainBroken => (broken_title(&line.data), Vec::new()),
        Reading::UnknownKind | Reading::Unreadable(_) => {
            (format!("“{}” (not understood)", line.kind), fields_of(&line.data))
        }
    };
    if let Reading::Known { unknown, .. } = reading {
        detail.extend(fields(unknown));
    }
    let action_id = match reading {
        Reading::Known { event, .. } => event.action_id().map(clean),
        _ => line.data["action_id"].as_str().map(clean),
    };
    TimelineEntry {
        seq: line.seq,
        at: line.at,
        kind: clean(&line.kind),
        actor: line.actor.clone(),
        action_id,
        title: clean(&title),
        detail: detail.iter().map(|d| clean(d)).collect(),
    }
}

fn to_the_second(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn of_kind(kind: Option<AttackKind>) -> String {
    kind.map_or_else(String::new, |kind| format!(" ({})", kind.word()))
}

fn describe(event: &Event) -> (String, Vec<String>) {
    match event {
        Event::Opened { title, identity, .. } => {
            let mut detail = vec![format!("{} as {}", identity.label(), identity.arn)];
            if !identity.at.world.is_aws() {
                detail.push(format!("in {}, not in AWS", identity.at.world));
            }
            (format!("Incident opened: {title}"), detail)
        }
        Event::SignalRaised { stage, signal } => (
            format!("{} on {} ({})", signal.kind.id(), stage.label(), signal.severity.word()),
            vec![signal.evidence.clone(), signal.suggests.clone()],
        ),
        Event::SignalEnded { stage, kind, since, .. } => (
            format!("{} on {} ended", kind.id(), stage.label()),
            vec![format!("It had stood since {}", since.to_rfc3339_opts(SecondsFormat::Secs, true))],
        ),
        Event::AttackBegan { stage, began, rests_on, attack, evidence } => (
            format!("Attack on {} began {}{}", stage.label(), to_the_second(*began), of_kind(*attack)),
            std::iter::once(format!("By {}", rests_on.words()))
                .chain(Some(evidence.clone()).filter(|evidence| !evidence.is_empty()))
                .collect(),
        ),
        Event::AttackCorrected { stage, began, attack } => (
            format!("Corrected: the attack on {} began {}{}", stage.label(), to_the_second(*began), of_kind(*attack)),
            Vec::new(),
        ),
        Event::StateChanged { .. } => state_changed(event),
        Event::AttackEnded { stage, ended } => {
            (format!("Attack on {} over since {}", stage.label(), to_the_second(*ended)), Vec::new())
        }
        Event::CallersBefore { stage, began, callers } => (
            format!("Who called {} before {} is kept", stage.label(), to_the_second(*began)),
            vec![format!(
                "{} addresses, as hashes, until {}",
                callers.addresses.len(),
                callers.until.to_rfc3339_opts(SecondsFormat::Secs, true)
            )],
        ),
        Event::Refused { summary, guards } => {
            (format!("Stopped by a guard: {summary}"), guards.iter().map(guard).collect())
        }
        Event::Intent { plan, expires_at, .. } => {
            let mut detail = plan_lines(plan);
            if let Some(end) = expires_at {
                detail.push(format!("Expires {}", end.to_rfc3339_opts(SecondsFormat::Secs, true)));
            }
            (intent_title(plan), detail)
        }
        Event::Extended { action_id, expires_at, .. } => (
            match expires_at {
                Some(end) => {
                    format!("{action_id} now expires {}", end.to_rfc3339_opts(SecondsFormat::Secs, true))
                }
                None => format!("{action_id} no longer expires: it stays until somebody undoes it"),
            },
            Vec::new(),
        ),
        Event::PlaybookRun { playbook, title, stage, inputs, .. } => (
            format!("Playbook {playbook} for {}: {title}", stage.label()),
            inputs.iter().map(|(name, value)| format!("{name} = {value}")).collect(),
        ),
        Event::PlaybookStep { step, title, state, action_id, inputs, detail, .. } => {
            let by = action_id.as_ref().map_or_else(String::new, |id| format!(" by {id}"));
            let mut lines: Vec<String> = inputs.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            lines.extend(detail.iter().cloned());
            (format!("Step {step} {}{by}: {title}", state.words()), lines)
        }
        Event::Note { text } => {
            let mut lines = text.lines().map(str::to_owned);
            (lines.next().unwrap_or_default(), lines.collect())
        }
        Event::Exported { format, path } => (format!("Exported as {format} to {path}"), Vec::new()),
        Event::Closed {} => ("Incident closed".to_owned(), Vec::new()),
        _ => describe_progress(event),
    }
}

/// How a stage stands, what customers and attackers get, and what that rests on.
fn state_changed(event: &Event) -> (String, Vec<String>) {
    let Event::StateChanged {
        stage,
        state,
        before,
        since,
        sureness,
        served_share,
        served_by,
        slow,
        attackers_answered_requests_at_least: requests,
        attackers_answered_since: answered_since,
        evidence,
    } = event
    else {
        return (String::new(), Vec::new());
    };
    let of = |state: StageState| if state == StageState::Unknown { "not known" } else { state.word() };
    let before = before.map_or_else(String::new, |before| format!(", before {}", of(before)));
    let served =
        served_share.map_or_else(|| "?".to_owned(), |share| format!("{}{:.0} %", served_by.mark(), share * 100.0));
    let slow = if *slow == Some(true) { ", slow" } else { "" };
    let since = since.map(|since| format!("Since {}", to_the_second(since)));
    let answered = requests.zip(*answered_since);
    let answered = answered.map(|(requests, since)| {
        format!("Attackers answered: {}", attackers_total_words(requests, &to_the_second(since)))
    });
    let lines = std::iter::once(evidence.clone()).chain(answered).chain(since);
    (
        format!("{} is {}{}{before}; customers served {served}{slow}", stage.label(), of(*state), sureness.mark()),
        lines.filter(|line| !line.is_empty()).collect(),
    )
}

fn describe_progress(event: &Event) -> (String, Vec<String>) {
    match event {
        Event::Call { service, operation, resource, phase, detail, .. } => (
            format!("{service}:{operation} {}", phase_words(*phase)),
            std::iter::once(resource).chain(Some(detail).filter(|d| !d.is_empty())).cloned().collect(),
        ),
        Event::Merged { detail, .. } => {
            ("Somebody else had changed it: read again and merged".to_owned(), vec![detail.clone()])
        }
        Event::Effect { effect, evidence, .. } => (effect_words(*effect).to_owned(), evidence.clone()),
        Event::Proved { proof, .. } => (
            format!(
                "Proven on {}: snapshot {} closes {}",
                proof.proven_on.label(),
                proof.snapshot,
                proof.stage.label()
            ),
            proof.evidence.clone(),
        ),
        Event::Outcome { outcome, lines, .. } => (outcome_words(*outcome).to_owned(), lines.clone()),
        Event::Reconciled { outcome, made, detail, .. } => {
            let mut lines = vec![detail.clone()];
            lines.extend(made.iter().map(|arn| format!("Found changed: {arn}")));
            (format!("Compared with AWS after the fact: {}", outcome_words(*outcome)), lines)
        }
        _ => (String::new(), Vec::new()),
    }
}

fn intent_title(plan: &Plan) -> String {
    match &plan.purpose {
        Purpose::Apply => format!("Confirmed: {}", plan.summary),
        Purpose::Undo { action_id, .. } => format!("Confirmed: undo of {action_id}: {}", plan.summary),
    }
}

fn plan_lines(plan: &Plan) -> Vec<String> {
    let mut out: Vec<String> = plan.changes.iter().map(change).collect();
    out.extend(plan.guards.iter().filter(|g| g.overridden).map(guard));
    let terms = match &plan.purpose {
        Purpose::Apply => plan.action.terms(),
        Purpose::Undo { terms, .. } => terms,
    };
    if let Some(reason) = &terms.reason {
        out.push(format!("Reason: {reason}"));
    }
    out
}

fn change(change: &Change) -> String {
    let mut out = change.headline();
    for (sign, entries) in [("+", &change.added), ("-", &change.removed)] {
        for entry in entries.iter().take(8) {
            let _ = write!(out, " {sign}{entry}");
        }
        if entries.len() > 8 {
            let _ = write!(out, " ({sign}{} more)", entries.len() - 8);
        }
    }
    out
}

fn guard(guard: &GuardResult) -> String {
    let overridden = if guard.overridden { ", overridden" } else { "" };
    format!("{} ({}{overridden}): {}", guard.id, guard.verdict.word(), guard.reason)
}

fn phase_words(phase: CallPhase) -> &'static str {
    match phase {
        CallPhase::Sending => "is being sent",
        CallPhase::Answered => "was answered",
        CallPhase::Failed => "failed",
        CallPhase::NoAnswer => "had no readable answer; it may have taken effect",
    }
}

/// An effect in words.
pub(crate) fn effect_words(effect: Effect) -> &'static str {
    match effect {
        Effect::Saved => "Saved: AWS reads it back",
        Effect::Deployed => "Deployed: every part that must carry it does",
        Effect::Observed => "Observed: what had to move has moved",
    }
}

/// An outcome in words.
pub(crate) fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "Done and read back",
        Outcome::NothingToChange => "There was nothing to change",
        Outcome::NotDone => "Not done; no change remains in place",
        Outcome::NotVerified => "Accepted by AWS, but reading it back did not show it",
        Outcome::Partly => "Done in part",
        Outcome::NotKnown => "Not known whether it was done",
    }
}

fn torn_title(data: &Value) -> String {
    let bytes = data["bytes"].as_u64();
    let file = data["file"].as_str().unwrap_or("a file beside the journal");
    match bytes {
        Some(bytes) => format!("An unfinished line of {bytes} bytes was set aside in {file}"),
        None => format!("An unfinished line was set aside in {file}"),
    }
}

fn broken_title(data: &Value) -> String {
    let line = data["line"].as_u64().map_or_else(|| "a line".to_owned(), |line| format!("line {line}"));
    let wrong = data["wrong"].as_str().unwrap_or("it is not as it was written");
    format!("This journal was found changed at {line}: {wrong}")
}

fn fields_of(data: &Value) -> Vec<String> {
    match data {
        Value::Object(map) => fields(map),
        Value::Null => Vec::new(),
        other => vec![shown(other)],
    }
}

/// Fields that this version does not know, one a line.
fn fields(map: &Map<String, Value>) -> Vec<String> {
    map.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect()
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= LONGEST_UNKNOWN {
        return text;
    }
    let mut cut: String = text.chars().take(LONGEST_UNKNOWN).collect();
    cut.push_str("… (whole in the journal)");
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::condition::{ServedBy, Sureness};
    use crate::model::stage::StageId;

    #[test]
    fn a_state_says_what_customers_and_attackers_get_as_far_as_it_is_known() {
        let told = |slow, requests: Option<u64>| {
            describe(&Event::StateChanged {
                stage: StageId { api_id: "a1".into(), api_name: "shop".into(), stage: "prod".into() },
                state: StageState::Contained,
                before: Some(StageState::Attack),
                since: None,
                sureness: Sureness::Provisional,
                served_share: Some(0.98),
                served_by: ServedBy::AtMost,
                slow,
                attackers_answered_requests_at_least: requests,
                attackers_answered_since: requests.map(|_| DateTime::UNIX_EPOCH),
                evidence: "the flood is turned away".to_owned(),
            })
        };
        let (title, detail) = told(Some(true), Some(22_800));
        assert_eq!(title, "shop/prod is CONTAINED~, before ATTACK; customers served ≤98 %, slow");
        let answered = "Attackers answered: at least 22,800 requests since 1970-01-01T00:00:00Z";
        assert_eq!(detail, ["the flood is turned away", answered]);
        let (title, detail) = told(None, None);
        assert!(title.ends_with("served ≤98 %"), "{title}");
        assert_eq!(detail, ["the flood is turned away"]);
    }
}
