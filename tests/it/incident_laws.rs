//! Laws of incidents: reading in parts is reading whole, and nothing that was on disk is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use portcullis::incident::Folder;
use portcullis::journal::{Entry, Journal, Line, read};
use portcullis::model::plan::Outcome;
use proptest::prelude::*;
use serde_json::json;

use crate::draws::draws;
use crate::incident_fixtures::{actor, at, every_kind, opened, outcome, plan, undo_plan};

/// A journal with anything in it: known events in any order, unknown kinds, foreign data, two actions begun.
fn journal_of(choices: &[(u8, u8)]) -> Vec<Line> {
    let dir = tempfile::tempdir().unwrap();
    let (_, incident) = opened(dir.path());
    let journal = Journal::open(incident.path()).unwrap();
    let (first, _) = incident.record_intent(at(1), &plan()).unwrap();
    incident.record(at(1), &outcome(&first, Outcome::Done)).unwrap();
    let (second, _) = incident.record_intent(at(2), &undo_plan(&first)).unwrap();
    let ids = [first.as_str(), second.as_str(), "nobody"];
    for (step, (which, who)) in choices.iter().enumerate() {
        let time = at(10 + i64::try_from(step).unwrap());
        let id = ids[usize::from(*who) % 3];
        let events = every_kind(id, ids[usize::from(*who / 3) % 3]);
        if let Some(event) = events.get(usize::from(*which) % (events.len() + 3)) {
            incident.record(time, event).unwrap();
        } else {
            let entry = Entry {
                at: time,
                kind: ["intent", "strange", "outcome"][usize::from(*who) % 3].to_owned(),
                actor: actor(),
                data: json!({ "action_id": id, "x": who }),
            };
            journal.append(&entry).unwrap();
        }
    }
    read(incident.path()).unwrap().lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: draws(24), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn folding_a_prefix_and_then_the_rest_is_folding_all(
        choices in prop::collection::vec(any::<(u8, u8)>(), 0..14),
        split in any::<prop::sample::Index>(),
    ) {
        let lines = journal_of(&choices);
        let fold = |folder: &mut Folder, part: &[Line]| part.iter().for_each(|l| folder.push(l));
        let mut all = Folder::new("x");
        fold(&mut all, &lines);
        let cut = split.index(lines.len() + 1);
        let mut parts = Folder::new("x");
        fold(&mut parts, &lines[..cut]);
        let before = parts.folded().clone();
        fold(&mut parts, &lines[cut..]);
        prop_assert_eq!(parts.folded(), all.folded());
        // Nothing that was told is untold.
        prop_assert_eq!(&all.folded().timeline[..cut], &before.timeline[..]);
        prop_assert_eq!(all.folded().timeline.len(), lines.len());
        prop_assert!(before.actions.len() <= all.folded().actions.len());
    }

    #[test]
    fn cut_at_any_byte_no_earlier_line_is_lost(
        choices in prop::collection::vec(any::<(u8, u8)>(), 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (_, incident) = opened(dir.path());
        let (first, _) = incident.record_intent(at(1), &plan()).unwrap();
        for (which, _) in &choices {
            let events = every_kind(&first, &first);
            incident.record(at(5), &events[usize::from(*which) % events.len()]).unwrap();
        }
        let bytes = fs::read(incident.path()).unwrap();
        let whole = incident.fold().unwrap();
        for cut in cuts {
            let cut = cut.index(bytes.len() + 1);
            fs::write(incident.path(), &bytes[..cut]).unwrap();
            let folded = incident.fold().unwrap();
            let ended = bytes[..cut].split(|b| *b == b'\n').count() - 1;
            prop_assert!(folded.timeline.len() >= ended);
            prop_assert_eq!(&whole.timeline[..folded.timeline.len()], &folded.timeline[..]);
        }
    }
}
