//! What events are made of, in words. Knows no events and no lines: those say what is put together.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};

use super::call_phase::CallPhase;
use crate::model::attack::AttackKind;
use crate::model::condition::{ServedBy, StageState, Sureness, attackers_total_words};
use crate::model::plan::{Change, GuardResult, Plan, Purpose};
use crate::model::stage::StageId;
use crate::model::text::neutralised;

/// `text` on one line, harmless.
pub(super) fn clean(text: &str) -> String {
    neutralised(text).into_owned()
}

pub(super) fn to_the_second(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(super) fn of_kind(kind: Option<AttackKind>) -> String {
    kind.map_or_else(String::new, |kind| format!(" ({})", kind.word()))
}

/// How a stage stands, as a line writes it.
pub(super) struct StateWritten<'a> {
    pub(super) stage: &'a StageId,
    pub(super) state: StageState,
    pub(super) before: Option<StageState>,
    pub(super) since: Option<DateTime<Utc>>,
    pub(super) sureness: Sureness,
    /// The share of customers served, a fraction, where it is known, and what it is worth.
    pub(super) served: (Option<f64>, ServedBy),
    pub(super) slow: bool,
    /// Requests of attackers that were answered, at least, and since when.
    pub(super) answered: Option<(u64, DateTime<Utc>)>,
    pub(super) evidence: &'a str,
}

/// How a stage stands, what customers and attackers get, and what that rests on.
pub(super) fn state_changed(written: &StateWritten<'_>) -> (String, Vec<String>) {
    let of = |state: StageState| if state == StageState::Unknown { "not known" } else { state.word() };
    let before = written.before.map_or_else(String::new, |before| format!(", before {}", of(before)));
    let (share, served_by) = written.served;
    let served = served_by.share_word(share);
    let slow = if written.slow { ", slow" } else { "" };
    let since = written.since.map(|since| format!("Since {}", to_the_second(since)));
    let answered = written.answered.map(|(requests, since)| {
        format!("Attackers answered: {}", attackers_total_words(requests, &to_the_second(since)))
    });
    let lines = std::iter::once(written.evidence.to_owned()).chain(answered).chain(since);
    let (stage, state, sureness) = (written.stage.label(), of(written.state), written.sureness.mark());
    (
        format!("{stage} is {state}{sureness}{before}; customers served {served}{slow}"),
        lines.filter(|line| !line.is_empty()).collect(),
    )
}

pub(super) fn intent_title(plan: &Plan) -> String {
    match &plan.purpose {
        Purpose::Apply => format!("Confirmed: {}", plan.summary),
        Purpose::Undo { action_id, .. } => format!("Confirmed: undo of {action_id}: {}", plan.summary),
    }
}

pub(super) fn plan_lines(plan: &Plan) -> Vec<String> {
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

pub(super) fn guard(guard: &GuardResult) -> String {
    let overridden = if guard.overridden { ", overridden" } else { "" };
    format!("{} ({}{overridden}): {}", guard.id, guard.verdict.word(), guard.reason)
}

pub(super) fn phase_words(phase: CallPhase) -> &'static str {
    match phase {
        CallPhase::Sending => "is being sent",
        CallPhase::Answered => "was answered",
        CallPhase::Failed => "failed",
        CallPhase::NoAnswer => "had no readable answer; it may have taken effect",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_says_what_customers_and_attackers_get_as_far_as_it_is_known() {
        let told = |slow, requests: Option<u64>| {
            state_changed(&StateWritten {
                stage: &StageId { api_id: "a1".into(), api_name: "shop".into(), stage: "prod".into() },
                state: StageState::Contained,
                before: Some(StageState::Attack),
                since: None,
                sureness: Sureness::Provisional,
                served: (Some(0.98), ServedBy::AtMost),
                slow,
                answered: requests.map(|requests| (requests, DateTime::UNIX_EPOCH)),
                evidence: "the flood is turned away",
            })
        };
        let (title, detail) = told(true, Some(22_800));
        assert_eq!(title, "shop/prod is CONTAINED~, before ATTACK; customers served ≤98 %, slow");
        let answered = "Attackers answered: at least 22,800 requests since 1970-01-01T00:00:00Z";
        assert_eq!(detail, ["the flood is turned away", answered]);
        let (title, detail) = told(false, None);
        assert!(title.ends_with("served ≤98 %"), "{title}");
        assert_eq!(detail, ["the flood is turned away"]);
    }
}
