//! Incidents: what follows from a journal, whatever is in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::Write;
use std::process::Command;

use portcullis::incident::{CallPhase, Event, Incident, IncidentError, IncidentStore, Reading};
use portcullis::journal::{Entry, Journal, JournalError, read};
use portcullis::model::action::{Action, Close, Closure, Terms};
use portcullis::model::plan::{Effect, Outcome, Plan};
use portcullis::model::signal::{Severity, SignalKind};
use portcullis::model::timeline::ActionState;
use serde_json::json;

use crate::incident_fixtures::{
    V4, V6, actor, at, call, every_kind, identity, opened, outcome, plan, signal, stage, undo_plan,
};

fn state_of(incident: &Incident, id: &str) -> ActionState {
    incident.fold().unwrap().action(id).unwrap().state
}

/// An action carried out in both sets.
fn done(incident: &Incident, seconds: i64) -> String {
    let (id, _) = incident.record_intent(at(seconds), &plan()).unwrap();
    for set in [V4, V6] {
        incident.record(at(seconds + 1), &call(&id, set, CallPhase::Sending, "")).unwrap();
        incident.record(at(seconds + 2), &call(&id, set, CallPhase::Answered, "200")).unwrap();
    }
    incident.record(at(seconds + 3), &outcome(&id, Outcome::Done)).unwrap();
    id
}

#[test]
fn the_newest_open_incident_of_the_account_and_region_is_used_or_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let (store, first) = opened(dir.path());
    assert_eq!(first.id(), "2026-03-01-0302-shop-prod-under-attack");
    let (_, same) = opened(dir.path());
    assert_eq!(same.id(), first.id());

    let mut elsewhere = identity();
    elsewhere.at.region = "us-east-1".to_owned();
    let other = store.open_or_create(&elsewhere, "店", at(5), &actor()).unwrap();
    assert_ne!(other.id(), first.id());
    assert!(other.id().starts_with("2026-03-01-0302-"), "{}", other.id());
    assert_eq!(other.id().len(), "2026-03-01-0302-7f3a".len());

    first.record(at(60), &Event::Closed {}).unwrap();
    assert!(store.newest_open(&identity().at, &actor()).unwrap().is_none());
    let (_, next) = opened(dir.path());
    assert_eq!(next.id(), "2026-03-01-0302-shop-prod-under-attack-2");
    let listed = store.list().unwrap();
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().all(|l| l.damage.is_none()), "{listed:?}");
    assert_eq!(listed.iter().filter(|l| l.is_open()).count(), 2);
}

#[test]
fn consoles_that_start_together_share_one_incident() {
    let dir = tempfile::tempdir().unwrap();
    let ids: Vec<String> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..6).map(|_| scope.spawn(|| opened(dir.path()).1.id().to_owned())).collect();
        starts.into_iter().map(|s| s.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn of_sweepers_that_close_again_in_the_same_moment_one_does() {
    let dir = tempfile::tempdir().unwrap();
    let (_, first) = opened(dir.path());
    let closed = done(&first, 0);
    let stage = "shop/prod".parse().unwrap();
    let (by, again) = (Closure::ThrottleZero, Some(closed));
    let close = Close { stage, by, web_acl: None, again, terms: Terms::default() };
    let plan = Plan { action: Action::Close(close), ..plan() };
    let asked: Vec<bool> = std::thread::scope(|scope| {
        let sweeps: Vec<_> =
            (0..6).map(|_| scope.spawn(|| opened(dir.path()).1.record_intent(at(9), &plan).is_ok())).collect();
        sweeps.into_iter().map(|sweep| sweep.join().unwrap()).collect()
    });
    assert_eq!(asked.iter().filter(|may| **may).count(), 1, "{asked:?}");
    let told = first.record_intent(at(10), &plan).unwrap_err();
    assert!(matches!(told, IncidentError::Journal(JournalError::MovedOn { .. })), "{told:?}");
}

#[test]
fn an_unknown_id_is_answered_with_those_that_come_close() {
    let dir = tempfile::tempdir().unwrap();
    let (store, incident) = opened(dir.path());
    let near = |id: &str| match store.by_id(id, &actor()) {
        Err(IncidentError::Unknown { near, .. }) => near,
        other => panic!("{id}: {other:?}"),
    };
    for id in ["2026-03-01-0302-shop-prod-under-atack", "0302", "nothing like it", "../incidents", ""] {
        assert_eq!(near(id), [incident.id()], "{id}");
    }
    assert_eq!(store.by_id(incident.id(), &actor()).unwrap().title(), "shop/prod under attack");
    let none = IncidentStore::new(dir.path().join("nowhere"));
    let error = none.by_id("x", &actor()).unwrap_err().to_string();
    assert!(error.ends_with("there are no incidents yet"), "{error}");
}

#[test]
fn damaged_incidents_are_listed_as_such_and_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (store, incident) = opened(dir.path());
    let id = done(&incident, 10);
    let root = store.root();
    fs::create_dir(root.join("2026-03-01-0900-empty")).unwrap();
    fs::create_dir(root.join("2026-03-01-0901-nothing")).unwrap();
    fs::write(root.join("2026-03-01-0901-nothing/journal.jsonl"), "").unwrap();
    fs::create_dir(root.join("2026-03-01-0902-noise")).unwrap();
    fs::write(root.join("2026-03-01-0902-noise/journal.jsonl"), "noise\n").unwrap();
    fs::OpenOptions::new().append(true).open(incident.path()).unwrap().write_all(b"scribble\n").unwrap();

    let listed = store.list().unwrap();
    assert_eq!(listed.len(), 4);
    assert_eq!(listed.iter().filter(|l| l.never_begun).count(), 2, "{listed:?}");
    assert_eq!(listed.iter().filter(|l| l.damage.is_some()).count(), 2, "{listed:?}");
    assert!(matches!(store.by_id("2026-03-01-0902-noise", &actor()), Err(IncidentError::Damaged { .. })));
    // What was done in a damaged incident is still known, and that it may not be all is said.
    let survey = store.survey(&identity().at).unwrap();
    assert_eq!(survey.actions[0].id, id);
    assert_eq!(survey.damaged.len(), 2);
    // Noise in which nothing was carried out holds nothing; a line where actions were may have been one.
    let unreadable: Vec<String> = survey.unreadable().into_iter().map(|one| one.incident).collect();
    assert_eq!(unreadable, [incident.id()]);
    // A change can still be recorded: in a new one.
    let (_, fresh) = opened(dir.path());
    assert_ne!(fresh.id(), incident.id());
    done(&fresh, 20);
}

#[test]
fn an_intent_yields_the_ticket_for_its_plan_and_an_id_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (_, incident) = opened(dir.path());
    let mut ids = Vec::new();
    for _ in 0..20 {
        let (id, ticket) = incident.record_intent(at(30), &plan()).unwrap();
        assert_eq!(ticket.action_id(), id);
        assert!(ticket.permits("wafv2", "UpdateIPSet", V4));
        assert!(ticket.permits("wafv2", "UpdateIPSet", V6));
        assert!(!ticket.permits("wafv2", "UpdateWebACL", V4));
        assert_eq!((ticket.account(), ticket.region()), ("111122223333", "eu-west-1"));
        assert!(id.len() == 6 && id.chars().all(|c| c.is_ascii_hexdigit()));
        ids.push(id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
    let folded = incident.fold().unwrap();
    assert_eq!(folded.in_flight().len(), 20);
    assert_eq!(folded.histories[0].plan, plan());
    assert_eq!(folded.actions[0].expires_at, Some(at(30 + 4 * 3600)));
}

#[test]
fn an_action_is_in_flight_then_in_force_then_expired_then_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let (store, incident) = opened(dir.path());
    let (id, _ticket) = incident.record_intent(at(30), &plan()).unwrap();
    assert_eq!(state_of(&incident, &id), ActionState::InFlight);
    incident.record(at(31), &call(&id, V4, CallPhase::Answered, "200")).unwrap();
    incident.record(at(32), &call(&id, V6, CallPhase::Failed, "stale lock")).unwrap();
    assert_eq!(incident.fold().unwrap().actions[0].made, [V4]);
    incident.record(at(33), &call(&id, V6, CallPhase::Answered, "200")).unwrap();
    incident.record(at(34), &outcome(&id, Outcome::Done)).unwrap();
    for effect in [Effect::Observed, Effect::Saved] {
        let event = Event::Effect { action_id: id.clone(), effect, evidence: vec!["blocked up".to_owned()] };
        incident.record(at(40), &event).unwrap();
    }
    let folded = incident.fold().unwrap();
    let action = folded.action(&id).unwrap();
    assert_eq!(
        (action.state, action.effect, action.outcome),
        (ActionState::InForce, Some(Effect::Observed), Some(Outcome::Done))
    );
    assert_eq!(action.made, [V4, V6]);
    let end = 30 + 4 * 3600;
    assert_eq!(folded.actions_in_force(at(29)).count(), 0);
    assert_eq!(folded.actions_in_force(at(end + 1)).count(), 1);
    assert_eq!(folded.expired(at(end - 1)).count(), 0);
    assert_eq!(folded.expired(at(end)).count(), 1);

    // A closed incident does not hide what is in force.
    incident.record(at(50), &Event::Closed {}).unwrap();
    assert_eq!(store.actions(&identity().at).unwrap().len(), 1);

    let (undo, ticket) = incident.record_intent(at(end), &undo_plan(&id)).unwrap();
    assert_ne!(undo, id);
    assert!(ticket.permits("wafv2", "UpdateIPSet", V4));
    let folded = incident.fold().unwrap();
    assert_eq!(folded.in_flight()[0].history.takes_back, Some(id.clone()));
    assert_eq!(folded.actions.len(), 1, "an undo is no action of its own");
    assert_eq!(folded.action(&id).unwrap().state, ActionState::InForce);
    incident.record(at(end + 2), &outcome(&undo, Outcome::Done)).unwrap();
    let folded = incident.fold().unwrap();
    assert_eq!(folded.action(&id).unwrap().state, ActionState::Undone);
    assert_eq!(folded.expired(at(end + 9)).count(), 0);
    assert_eq!(folded.not_understood, []);
    assert_eq!(store.actions(&identity().at).unwrap(), []);
}

#[test]
fn where_an_action_stands_after_each_end_of_it_and_of_its_undo() {
    use ActionState::{InForce, NotDone, Unclear, Undone};
    let dir = tempfile::tempdir().unwrap();
    let (_, incident) = opened(dir.path());
    for (end, answered, state) in [
        (Outcome::Done, true, InForce),
        (Outcome::NothingToChange, false, NotDone),
        (Outcome::NotDone, false, NotDone),
        (Outcome::NotDone, true, Unclear),
        (Outcome::NotVerified, true, Unclear),
        (Outcome::Partly, true, Unclear),
        (Outcome::NotKnown, false, Unclear),
    ] {
        let (id, _) = incident.record_intent(at(1), &plan()).unwrap();
        if answered {
            incident.record(at(2), &call(&id, V4, CallPhase::Answered, "")).unwrap();
        }
        incident.record(at(3), &outcome(&id, end)).unwrap();
        assert_eq!(state_of(&incident, &id), state, "{end:?} {answered}");
    }
    for (end, answered, state) in [
        (Outcome::Done, true, Undone),
        (Outcome::NothingToChange, false, Undone),
        (Outcome::NotDone, false, InForce),
        (Outcome::NotDone, true, Unclear),
        (Outcome::Partly, true, Unclear),
        (Outcome::NotKnown, false, Unclear),
    ] {
        let id = done(&incident, 10);
        let (undo, _) = incident.record_intent(at(20), &undo_plan(&id)).unwrap();
        if answered {
            incident.record(at(21), &call(&undo, V4, CallPhase::Answered, "")).unwrap();
        }
        incident.record(at(22), &outcome(&undo, end)).unwrap();
        assert_eq!(state_of(&incident, &id), state, "undo {end:?} {answered}");
    }
}

#[test]
fn what_was_in_flight_when_a_process_died_is_reconciled() {
    let dir = tempfile::tempdir().unwrap();
    let (store, incident) = opened(dir.path());
    let (id, _) = incident.record_intent(at(1), &plan()).unwrap();
    incident.record(at(2), &call(&id, V4, CallPhase::Sending, "")).unwrap();
    let pending = store.survey(&identity().at).unwrap().in_flight;
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].incident, incident.id());
    assert_eq!(pending[0].history.last_steps()[0].phase, CallPhase::Sending);
    incident
        .record(
            at(60),
            &Event::Reconciled {
                action_id: id.clone(),
                made: vec![V4.to_owned()],
                outcome: Outcome::Partly,
                detail: "the v4 set holds the entry, the v6 set does not".to_owned(),
            },
        )
        .unwrap();
    let folded = incident.fold().unwrap();
    assert_eq!(folded.in_flight(), []);
    let action = folded.action(&id).unwrap();
    assert_eq!((action.state, action.made.as_slice()), (ActionState::Unclear, &[V4.to_owned()][..]));
    assert!(folded.history(&id).unwrap().ending.as_ref().unwrap().reconciled);
}

#[test]
fn an_undo_belongs_to_the_incident_of_its_action() {
    let dir = tempfile::tempdir().unwrap();
    let (store, incident) = opened(dir.path());
    let id = done(&incident, 1);
    let other = store.create(&identity(), "another", at(5), &actor()).unwrap();
    let before = fs::read(other.path()).unwrap();
    let error = other.record_intent(at(6), &undo_plan(&id)).unwrap_err();
    assert!(matches!(error, IncidentError::ForeignUndo { .. }), "{error}");
    assert_eq!(fs::read(other.path()).unwrap(), before);
}

#[test]
fn no_intent_on_disk_no_ticket() {
    let dir = tempfile::tempdir().unwrap();
    let (_, incident) = opened(dir.path());
    fs::remove_file(incident.path()).unwrap();
    let error = incident.record_intent(at(1), &plan()).unwrap_err();
    assert!(matches!(error, IncidentError::Journal(JournalError::Missing { .. })));
}

#[test]
fn signals_are_kept_from_their_start_over_their_worst_to_their_end() {
    let dir = tempfile::tempdir().unwrap();
    let (_, incident) = opened(dir.path());
    for (value, severity) in [(0.2, Severity::Notice), (0.7, Severity::Attack), (0.3, Severity::Attack)] {
        let event = Event::SignalRaised { stage: stage(), signal: signal(value, severity) };
        incident.record(at(1), &event).unwrap();
    }
    let folded = incident.fold().unwrap();
    assert_eq!(folded.standing().count(), 1);
    assert!((folded.signals[0].peak - 0.7).abs() < 1e-9);
    assert_eq!(folded.signals[0].severity, Severity::Attack);
    let end =
        Event::SignalEnded { stage: stage(), kind: SignalKind::ServerErrorsHigh, since: at(-60), peak: Some(0.9) };
    incident.record(at(300), &end).unwrap();
    incident.record(at(301), &end).unwrap();
    let folded = incident.fold().unwrap();
    assert_eq!(folded.standing().count(), 0);
    assert_eq!(folded.signals[0].ended_at, Some(at(300)));
    assert!((folded.signals[0].peak - 0.9).abs() < 1e-9);
    assert_eq!(folded.not_understood.len(), 1, "it ended twice");
}

#[test]
fn what_a_newer_version_wrote_is_shown_and_never_fatal() {
    let dir = tempfile::tempdir().unwrap();
    let (_, incident) = opened(dir.path());
    let journal = Journal::open(incident.path()).unwrap();
    let write = |kind: &str, data: serde_json::Value| {
        let entry = Entry { at: at(1), kind: kind.to_owned(), actor: actor(), data };
        journal.append(&entry).unwrap();
    };
    write("weather", json!({ "sky": "\x1b[2Jclear", "action_id": "abc123" }));
    write("note", json!({ "text": "hello", "mood": { "is": "good" } }));
    write("intent", json!({ "action_id": "abc123", "plan": { "action": { "action": "teleport" } } }));
    write("outcome", json!({ "action_id": "nobody", "outcome": "done" }));
    write("note", json!("not an object"));
    let folded = incident.fold().unwrap();
    let entry = |n: usize| &folded.timeline[n];
    assert_eq!(entry(1).title, "“weather” (not understood)");
    assert_eq!(entry(1).detail[0], "sky: \\x1b[2Jclear");
    assert_eq!(entry(1).action_id.as_deref(), Some("abc123"));
    assert_eq!(entry(2).title, "hello");
    assert_eq!(entry(2).detail, ["mood: {\"is\":\"good\"}"]);
    let seqs: Vec<u64> = folded.not_understood.iter().map(|n| n.seq).collect();
    assert_eq!(seqs, [2, 4, 5, 6]);
    assert_eq!(folded.timeline.len(), 6);
}

#[test]
fn every_event_comes_back_from_the_journal_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let (_, incident) = opened(dir.path());
    let id = done(&incident, 10);
    let (undo, _) = incident.record_intent(at(20), &undo_plan(&id)).unwrap();
    for event in every_kind(&id, &undo) {
        incident.record(at(30), &event).unwrap();
        let last = read(incident.path()).unwrap().lines.pop().unwrap();
        match Reading::of(&last) {
            Reading::Known { event: back, unknown } => {
                assert_eq!((*back, unknown.len()), (event.clone(), 0));
            }
            other => panic!("{event:?} gave {other:?}"),
        }
        let folded = incident.fold().unwrap();
        assert!(!folded.timeline.last().unwrap().title.is_empty(), "{event:?}");
    }
}

#[test]
fn what_another_process_writes_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let (store, incident) = opened(dir.path());
    let mut live = incident.follow();
    assert!(live.poll().unwrap());
    assert!(!live.poll().unwrap());
    let other = store.by_id(incident.id(), &actor()).unwrap();
    let id = done(&other, 5);
    assert!(live.poll().unwrap());
    assert_eq!(live.folded(), &incident.fold().unwrap());
    assert_eq!(live.folded().action(&id).unwrap().state, ActionState::InForce);
}

#[test]
fn the_default_place_follows_xdg_state_home() {
    let place = |state: Option<&str>, home: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "incident::child_default_root", "--ignored", "--nocapture"])
            .env("HOME", home)
            .env_remove("XDG_STATE_HOME");
        if let Some(state) = state {
            command.env("XDG_STATE_HOME", state);
        }
        let out = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let line = out.lines().find_map(|l| l.strip_prefix("root ")).unwrap();
        line.to_owned()
    };
    assert_eq!(place(Some("/var/s"), "/home/a"), "/var/s/portcullis/incidents");
    assert_eq!(place(None, "/home/a"), "/home/a/.local/state/portcullis/incidents");
    assert_eq!(place(Some("relative"), "/home/a"), "/home/a/.local/state/portcullis/incidents");
}

#[test]
#[ignore = "the other process of the test above; only prints"]
fn child_default_root() {
    let root = portcullis::incident::default_root().unwrap();
    println!("\nroot {}", root.display());
}
