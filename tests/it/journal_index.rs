//! What stands in an incident, by its index: the same as by all of its journal, and nothing at all once anybody has
//! touched that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use portcullis::incident::{Event, Folded, Incident, IncidentStore, MayClaim};
use portcullis::journal::{BROKEN_KIND, read, verify};
use portcullis::model::plan::Outcome;
use portcullis::model::timeline::ActionState;
use proptest::prelude::*;

use crate::draws::draws;
use crate::incident_fixtures::{actor, at, every_kind, identity, opened, outcome, plan, undo_plan};

fn index_of(incident: &Incident) -> PathBuf {
    incident.path().with_extension("index")
}

/// Makes the journal longer than what is read without a new index.
fn lengthen(incident: &Incident, seconds: i64) {
    for part in 0..3 {
        incident.record(at(seconds), &Event::Note { text: format!("{part}{}", "x".repeat(60_000)) }).unwrap();
    }
}

/// The incidents moved to another place: as another process finds them, which has read nothing of them yet.
fn elsewhere(to: &Path, store: &IncidentStore, incident: &Incident) -> (IncidentStore, Incident) {
    fs::rename(store.root(), to).unwrap();
    let store = IncidentStore::new(to);
    let incident = store.by_id(incident.id(), &actor()).unwrap();
    (store, incident)
}

/// What decisions rest on.
#[derive(Debug, PartialEq)]
struct Stands {
    opened: bool,
    closed: bool,
    states: BTreeMap<String, Option<ActionState>>,
    live: Vec<portcullis::model::timeline::ActionRecord>,
    in_flight: Vec<portcullis::incident::InFlight>,
    signals: Vec<portcullis::incident::SignalRecord>,
    rest: (usize, usize, usize, usize, u64),
}

fn stands(folded: &Folded, ids: &[String]) -> Stands {
    let is_live = |state| matches!(state, ActionState::InForce | ActionState::Unclear | ActionState::InFlight);
    Stands {
        opened: folded.opened.is_some(),
        closed: folded.closed.is_some(),
        states: ids.iter().map(|id| (id.clone(), folded.state_of(id))).collect(),
        live: folded.actions.iter().filter(|a| is_live(a.state)).cloned().collect(),
        in_flight: folded.in_flight(),
        signals: folded.standing().cloned().collect(),
        rest: (folded.proofs.len(), folded.runs.len(), folded.notes, folded.refused, folded.last_seq),
    }
}

/// What stands by the whole journal, read as though nothing stood beside it.
fn by_everything(incident: &Incident, ids: &[String]) -> Stands {
    stands(&incident.fold().unwrap(), ids)
}

#[test]
fn a_long_journal_has_an_index_that_is_used_and_tells_what_the_journal_tells() {
    let dir = tempfile::tempdir().unwrap();
    let (store, incident) = opened(dir.path());
    let (over, _) = incident.record_intent(at(1), &plan()).unwrap();
    incident.record(at(2), &outcome(&over, Outcome::NotDone)).unwrap();
    let (live, _) = incident.record_intent(at(3), &plan()).unwrap();
    incident.record(at(4), &outcome(&live, Outcome::Done)).unwrap();
    lengthen(&incident, 5);
    let ids = [over.clone(), live.clone()];
    let known = stands(&incident.known().unwrap(), &ids);
    assert_eq!(known, by_everything(&incident, &ids));
    let index = fs::read_to_string(index_of(&incident)).unwrap();
    assert!(index.len() < 20_000, "{} bytes: the story is left out", index.len());
    // It is used: what it says of the past is believed, while nobody touches the journal.
    let told = index.replace("shop/prod under attack", "shop/prod by the index");
    fs::write(index_of(&incident), &told).unwrap();
    incident.record(at(6), &Event::Note { text: "appended".to_owned() }).unwrap();
    assert_eq!(incident.known().unwrap().opened.unwrap().title, "shop/prod under attack", "what was read here is kept");
    let (store, incident) = elsewhere(&dir.path().join("elsewhere"), &store, &incident);
    assert_eq!(incident.known().unwrap().opened.unwrap().title, "shop/prod by the index");
    assert_eq!(incident.known().unwrap().last_seq, incident.fold().unwrap().last_seq);
    // What belongs to an action that it left out makes it read everything again.
    incident.record(at(7), &outcome(&over, Outcome::Partly)).unwrap();
    let known = incident.known().unwrap();
    assert_eq!(known.opened.as_ref().unwrap().title, "shop/prod under attack");
    assert_eq!((known.state_of(&over), known.state_of("nobody")), (Some(ActionState::Unclear), None));
    let survey = store.survey(&identity().at).unwrap();
    assert_eq!(survey.actions.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(), [over.as_str(), live.as_str()]);
    assert!(survey.damaged.is_empty());
}

#[test]
fn an_index_that_does_not_fit_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, mut incident) = opened(dir.path());
    lengthen(&incident, 1);
    incident.known().unwrap();
    let good = fs::read_to_string(index_of(&incident)).unwrap();
    let lies = good.replace("shop/prod under attack", "lies");
    let hash = verify(incident.path()).unwrap().last_hash.unwrap();
    let unfit = [
        lies.replacen("\"format\":", "\"format\":9", 1),
        lies.replace(&hash, &"0".repeat(64)),
        lies.replace(incident.id(), "another"),
        lies.replacen("\"offset\":", "\"offset\":9", 1),
        lies[..lies.len() / 2].to_owned(),
        String::new(),
    ];
    for (n, unfit) in unfit.into_iter().enumerate() {
        fs::write(index_of(&incident), &unfit).unwrap();
        (store, incident) = elsewhere(&dir.path().join(format!("{n}")), &store, &incident);
        let title = incident.known().unwrap().opened.unwrap().title;
        assert_eq!(title, "shop/prod under attack", "{}", &unfit[..unfit.len().min(120)]);
    }
    fs::remove_file(index_of(&incident)).unwrap();
    fs::create_dir(index_of(&incident)).unwrap();
    let (_, incident) = elsewhere(&dir.path().join("last"), &store, &incident);
    assert_eq!(incident.known().unwrap().opened.unwrap().title, "shop/prod under attack");
}

/// Rewrites the journal line by line.
fn tamper(path: &Path, change: impl FnOnce(&mut Vec<String>)) {
    let text = fs::read_to_string(path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

#[test]
fn a_chain_broken_in_the_middle_is_said_before_anything_is_appended_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let (store, incident) = opened(dir.path());
    for text in ["one", "two", "three"] {
        incident.record(at(1), &Event::Note { text: text.to_owned() }).unwrap();
    }
    // As long as before.
    tamper(incident.path(), |lines| lines[2] = lines[2].replace("two", "TWO"));
    let listed = &store.list().unwrap()[0];
    assert!(listed.damage.as_ref().unwrap().starts_with("line 3: its bytes give"), "{listed:?}");
    assert!(!listed.is_open(), "nothing new goes into it by itself");
    assert_eq!(listed.may_claim, MayClaim::Nothing, "every line can be read");
    for text in ["four", "five"] {
        incident.record(at(2), &Event::Note { text: text.to_owned() }).unwrap();
    }
    let lines = read(incident.path()).unwrap().lines;
    let kinds: Vec<&str> = lines.iter().map(|line| line.kind.as_str()).collect();
    assert_eq!(kinds, ["opened", "note", "note", "note", BROKEN_KIND, "note", "note"]);
    assert_eq!(lines[4].data["line"], 3);
    let story = incident.fold().unwrap();
    assert!(story.timeline[4].title.starts_with("This journal was found changed at line 3"), "{:?}", story.timeline[4]);
    assert!(story.not_understood.is_empty());
    assert_eq!(verify(incident.path()).unwrap().fault.unwrap().number, 3);
}

#[test]
fn lines_taken_off_the_end_are_noticed_while_the_stamp_remembers_them() {
    let dir = tempfile::tempdir().unwrap();
    let (store, incident) = opened(dir.path());
    for text in ["one", "two", "three"] {
        incident.record(at(1), &Event::Note { text: text.to_owned() }).unwrap();
    }
    let whole = fs::read_to_string(incident.path()).unwrap();
    tamper(incident.path(), |lines| lines.truncate(2));
    let damage = store.list().unwrap()[0].damage.clone().unwrap();
    assert!(damage.contains("4 lines were here, and 2 of them are"), "{damage}");
    incident.record(at(2), &Event::Note { text: "after".to_owned() }).unwrap();
    let kinds: Vec<String> = read(incident.path()).unwrap().lines.into_iter().map(|line| line.kind).collect();
    assert_eq!(kinds, ["opened", "note", BROKEN_KIND, "note"]);
    // Emptied, it is no incident that was never begun.
    fs::write(incident.path(), &whole).unwrap();
    store.list().unwrap();
    fs::write(incident.path(), "").unwrap();
    let listed = store.list().unwrap().remove(0);
    assert!(!listed.never_begun && listed.damage.is_some(), "{listed:?}");
    assert_eq!(listed.owner, Some(identity().at), "whose it is stands beside it");
}

#[test]
fn what_is_beside_a_journal_is_no_part_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (_, incident) = opened(dir.path());
    incident.record(at(1), &Event::Note { text: "one".to_owned() }).unwrap();
    let before = fs::read(incident.path()).unwrap();
    for beside in ["stamp", "index"] {
        fs::write(incident.path().with_extension(beside), "noise").unwrap();
    }
    assert_eq!(incident.known().unwrap().notes, 1);
    assert_eq!(fs::read(incident.path()).unwrap(), before);
    incident.record(at(2), &Event::Note { text: "two".to_owned() }).unwrap();
    assert!(verify(incident.path()).unwrap().is_intact());
    assert_eq!(incident.known().unwrap().notes, 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: draws(24), failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happened before the index and after it.
    #[test]
    fn by_the_index_stands_what_stands_by_everything(
        steps in prop::collection::vec((0u8..20, 0u8..9), 1..24),
        cut in any::<prop::sample::Index>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (_, incident) = opened(dir.path());
        let mut ids = vec!["nobody".to_owned()];
        let cut = cut.index(steps.len());
        for (number, (which, who)) in steps.iter().enumerate() {
            let time = at(10 + i64::try_from(number).unwrap());
            let pick = |n: u8| ids[usize::from(n) % ids.len()].clone();
            let (id, other) = (pick(*who), pick(who / 3));
            if *which < 6 {
                // As the console writes them, and as a journal may have them all the same.
                let planned = if *which < 3 || id == "nobody" { plan() } else { undo_plan(&id) };
                if let Ok((begun, _)) = incident.record_intent(time, &planned) {
                    ids.push(begun);
                }
            } else if let Some(event) = every_kind(&id, &other).get(usize::from(*which - 6)) {
                incident.record(time, event).unwrap();
            } else {
                let end = [Outcome::Done, Outcome::NotDone][usize::from(*who) % 2];
                incident.record(time, &outcome(&id, end)).unwrap();
            }
            if number == cut {
                lengthen(&incident, 9);
                incident.known().unwrap();
                prop_assert!(index_of(&incident).exists());
            }
        }
        prop_assert_eq!(stands(&incident.known().unwrap(), &ids), by_everything(&incident, &ids));
    }
}

/// A journal with every kind of line, as bytes; and the ids in it.
fn every_line() -> &'static (Vec<u8>, Vec<String>) {
    static LINES: OnceLock<(Vec<u8>, Vec<String>)> = OnceLock::new();
    LINES.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let (_, incident) = opened(dir.path());
        let (first, _) = incident.record_intent(at(1), &plan()).unwrap();
        incident.record(at(2), &outcome(&first, Outcome::Done)).unwrap();
        let (second, _) = incident.record_intent(at(3), &undo_plan(&first)).unwrap();
        for event in every_kind(&first, &second) {
            incident.record(at(4), &event).unwrap();
        }
        (fs::read(incident.path()).unwrap(), vec![first, second])
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: draws(200), failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes changed, cut, put in and repeated: what stands is told as the whole story tells it, damage is said, and an
    /// append leaves every byte where it is.
    #[test]
    fn a_journal_with_anything_in_it_is_read_and_appended_to(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..5, any::<u8>()), 1..5),
    ) {
        let (whole, ids) = every_line();
        let mut bytes = whole.clone();
        for (place, how, byte) in changes {
            let at = place.index(bytes.len().max(1));
            match how {
                0 if !bytes.is_empty() => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => bytes.insert(at.min(bytes.len()), byte),
                3 => bytes.insert(at.min(bytes.len()), b'\n'),
                _ => {
                    let part = bytes[at.min(bytes.len())..].to_vec();
                    bytes.extend(part);
                }
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let (store, incident) = opened(dir.path());
        fs::remove_file(incident.path().with_extension("stamp")).unwrap();
        fs::write(incident.path(), &bytes).unwrap();
        let known = stands(&incident.known().unwrap(), ids);
        prop_assert_eq!(&known, &by_everything(&incident, ids));
        let listed = store.list().unwrap().remove(0);
        let fault = verify(incident.path()).unwrap().fault;
        prop_assert!(fault.is_none() || listed.damage.is_some(), "{:?}", listed);
        let appended = incident.record(at(9), &Event::Note { text: "after".to_owned() });
        let now = fs::read(incident.path()).unwrap();
        if let Ok(receipt) = appended {
            let kept = receipt.set_aside.map_or(Ok(Vec::new()), fs::read).unwrap();
            let before = &bytes[..bytes.len() - kept.len()];
            prop_assert!(now.starts_with(before) && bytes.ends_with(&kept));
            prop_assert_eq!(now.windows(BROKEN_KIND.len()).any(|w| w == BROKEN_KIND.as_bytes()), fault.is_some());
        } else {
            prop_assert_eq!(now, bytes);
        }
    }
}
