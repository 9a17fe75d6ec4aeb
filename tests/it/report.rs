//! Exports: a whole story as people and machines get it, and hostile strings that must not get through.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::process::{Command, Stdio};

use portcullis::incident::{CallPhase, Event, Incident, Reading};
use portcullis::journal::read;
use portcullis::model::plan::{ChangedKind, Effect, Outcome};
use portcullis::model::signal::{Severity, SignalKind};
use portcullis::report::{Export, Format, SCHEMA};
use serde_json::Value;

use crate::incident_fixtures::{V4, V6, actor, at, call, identity, opened, outcome, plan, signal, stage, undo_plan};

fn export(incident: &Incident, format: Format) -> String {
    let folded = incident.fold().unwrap();
    let verification = incident.verify().unwrap();
    portcullis::report::write(format, &Export { folded: &folded, verification: &verification, at: at(5 * 3600) })
        .unwrap()
}

/// An attack from its signal to the undo of what was done, and one action that nobody saw the end of.
fn story(incident: &Incident) -> String {
    let record = |seconds: i64, event: &Event| incident.record(at(seconds), event).unwrap();
    for (seconds, value, severity) in [(10, 0.04, Severity::Notice), (70, 0.41, Severity::Attack)] {
        let signal = signal(value, severity);
        record(seconds, &Event::SignalRaised { stage: stage(), signal });
    }
    record(80, &Event::Refused { summary: "Block 203.0.113.0/24 on shop/prod".to_owned(), guards: plan().guards });
    let (id, _) = incident.record_intent(at(100), &plan()).unwrap();
    record(100, &call(&id, V4, CallPhase::Sending, ""));
    record(101, &call(&id, V4, CallPhase::Failed, "WAFOptimisticLockException"));
    record(
        102,
        &Event::Merged { action_id: id.clone(), detail: "1 entry of another writer kept in shop-blocklist".to_owned() },
    );
    for set in [V4, V6] {
        record(103, &call(&id, set, CallPhase::Sending, ""));
        record(104, &call(&id, set, CallPhase::Answered, "200"));
    }
    record(105, &outcome(&id, Outcome::Done));
    record(
        200,
        &Event::Effect {
            action_id: id.clone(),
            effect: Effect::Observed,
            evidence: vec!["blocked 2/s → 980/s".to_owned(), "5XX 41 % → 1 %".to_owned()],
        },
    );
    record(
        260,
        &Event::SignalEnded { stage: stage(), kind: SignalKind::ServerErrorsHigh, since: at(-60), peak: Some(0.44) },
    );
    record(300, &Event::Note { text: "Told the shop team.\nThey will patch the query.".to_owned() });
    let (undo, _) = incident.record_intent(at(400), &undo_plan(&id)).unwrap();
    for set in [V4, V6] {
        record(401, &call(&undo, set, CallPhase::Answered, "200"));
    }
    record(402, &outcome(&undo, Outcome::Done));
    let (lost, _) = incident.record_intent(at(500), &plan()).unwrap();
    record(501, &call(&lost, V4, CallPhase::NoAnswer, "timed out after 5 s"));
    id
}

#[test]
fn the_whole_story_in_markdown() {
    let dir = tempfile::tempdir().unwrap();
    let (_, incident) = opened(dir.path());
    story(&incident);
    let last = incident.verify().unwrap().last_hash.unwrap();
    let text = export(&incident, Format::Markdown);
    assert!(text.contains(&last));
    // The hash covers the console's version, which is none of this test's business.
    insta::assert_snapshot!("report_markdown", text.replace(&last, "HASH"));
}

#[test]
fn the_whole_story_in_json_lines() {
    let dir = tempfile::tempdir().unwrap();
    let (_, incident) = opened(dir.path());
    let id = story(&incident);
    let text = export(&incident, Format::JsonLines);
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(lines.iter().all(|l| l["schema"] == SCHEMA));
    lines.iter().for_each(crate::schemas::held);
    let of = |kind: &str| lines.iter().filter(|l| l["type"] == kind).collect::<Vec<_>>();
    assert_eq!(lines[0]["type"], "incident");
    assert_eq!(lines[0]["account"], identity().at.account);
    assert_eq!(lines[0]["opened_by"]["user"], actor().user);
    assert_eq!(lines[0]["closed_at"], Value::Null);
    let entries = of("entry");
    assert_eq!(entries.len(), read(incident.path()).unwrap().lines.len());
    assert_eq!(entries[0]["seq"], 1);
    assert_eq!(entries[0]["at"], "2026-03-01T03:02:00Z");
    let actions = of("action");
    assert_eq!(actions.len(), 3);
    assert_eq!(actions[0]["action_id"], id);
    assert_eq!(actions[0]["state"], "undone");
    assert_eq!(actions[0]["effect"], "observed");
    assert_eq!(actions[0]["ending"]["outcome"], "done");
    assert_eq!(actions[0]["plan"]["guards"][0]["overridden"], true);
    assert_eq!(actions[0]["calls"].as_array().unwrap().len(), 6);
    assert_eq!(actions[1]["takes_back"], id);
    assert_eq!(actions[1]["state"], Value::Null);
    assert_eq!(actions[2]["ending"], Value::Null);
    assert_eq!(actions[2]["state"], "in-flight");
    assert_eq!(of("signal")[0]["peak"], 0.44);
    let last = lines.last().unwrap();
    assert_eq!(last["type"], "verification");
    assert_eq!(last["intact"], true);
    let journal = read(incident.path()).unwrap().lines;
    assert_eq!(last["last_hash"], journal.last().unwrap().hash);
}

const HOSTILE: [&str; 9] = [
    "\x1b]0;owned\x07\x1b[2J",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[click](https://evil.example/) ![x](http://evil.example/x.png)",
    "| a | b |\n| --- | --- |\n# heading",
    "``` ` ```` </code> \\` \\| trailing\\",
    "\u{202e}gnp.exe \u{200b}\u{9b}31m",
    "www.evil.example mailto:a@evil.example",
    "=cmd|' /C calc'!A0",
    "\r\n\r\n- [ ] todo\n***\n&lt;b&gt;",
];

/// An incident in which an attacker, or a forger of journals, wrote every string there is.
fn hostile(incident: &Incident, bad: &str) {
    let record = |event: &Event| incident.record(at(1), event).unwrap();
    let mut evil = signal(0.5, Severity::Attack);
    bad.clone_into(&mut evil.evidence);
    bad.clone_into(&mut evil.suggests);
    let mut place = stage();
    bad.clone_into(&mut place.api_name);
    record(&Event::SignalRaised { stage: place, signal: evil });
    let mut wicked = plan();
    bad.clone_into(&mut wicked.summary);
    bad.clone_into(&mut wicked.undo);
    bad.clone_into(&mut wicked.digest);
    bad.clone_into(&mut wicked.stage.api_name);
    wicked.notes = vec![bad.to_owned()];
    wicked.action.terms_mut().reason = Some(bad.to_owned());
    for change in &mut wicked.changes {
        change.added = vec![bad.to_owned()];
        change.removed = vec![bad.to_owned()];
        bad.clone_into(&mut change.resource.name);
        bad.clone_into(&mut change.resource.arn);
        change.resource.kind = ChangedKind::Other(bad.to_owned());
    }
    for guard in &mut wicked.guards {
        bad.clone_into(&mut guard.id);
        bad.clone_into(&mut guard.reason);
        guard.evidence = vec![bad.to_owned()];
    }
    let (id, _) = incident.record_intent(at(2), &wicked).unwrap();
    record(&call(&id, bad, CallPhase::NoAnswer, bad));
    record(&Event::Merged { action_id: id.clone(), detail: bad.to_owned() });
    record(&Event::Effect { action_id: id.clone(), effect: Effect::Saved, evidence: vec![bad.to_owned()] });
    record(&Event::Outcome { action_id: id, outcome: Outcome::Partly, lines: vec![bad.to_owned()], unchanged: vec![] });
    record(&Event::Refused { summary: bad.to_owned(), guards: wicked.guards });
    record(&Event::Note { text: bad.to_owned() });
    record(&Event::Exported { format: bad.to_owned(), path: bad.to_owned() });
    record(&Event::Merged { action_id: bad.to_owned(), detail: bad.to_owned() });
}

/// The cells of a table row: bars that are not escaped divide it.
fn cells(row: &str) -> usize {
    let (mut bars, mut escaped) = (0usize, false);
    for c in row.chars() {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '|' if !escaped => bars += 1,
            _ => {}
        }
        escaped = false;
    }
    bars
}

/// `line` without its code spans, in which nothing is markup.
fn without_code(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let run = |from: usize| chars[from..].iter().take_while(|c| **c == '`').count();
    let (mut out, mut i) = (String::new(), 0);
    while i < chars.len() {
        if chars[i] == '\\' {
            out.extend(&chars[i..(i + 2).min(chars.len())]);
            i += 2;
            continue;
        }
        let open = run(i);
        if open == 0 {
            out.push(chars[i]);
            i += 1;
            continue;
        }
        let mut close = i + open;
        while close < chars.len() && run(close) != open {
            close += run(close).max(1);
        }
        assert!(close < chars.len(), "a code span does not end: {line}");
        i = close + open;
    }
    out
}

#[test]
fn hostile_strings_stay_text_in_markdown() {
    for bad in HOSTILE {
        let dir = tempfile::tempdir().unwrap();
        let (_, incident) = opened(dir.path());
        hostile(&incident, bad);
        let text = export(&incident, Format::Markdown);
        assert!(
            !text.chars().any(|c| c != '\n' && c.is_control() || ('\u{200b}'..='\u{202e}').contains(&c)),
            "{bad:?}"
        );
        let mut columns = 0;
        let mut fence: Option<String> = None;
        for line in text.lines() {
            if let Some(open) = &fence {
                if line.trim_end() == *open {
                    fence = None;
                } else {
                    assert!(line.starts_with(['+', '-']), "{bad:?} left a block: {line}");
                }
                continue;
            }
            if let Some(open) = line.strip_suffix("diff").filter(|l| l.starts_with("```")) {
                fence = Some(open.to_owned());
                continue;
            }
            if line.starts_with('|') {
                columns = if columns == 0 { cells(line) } else { columns };
                assert_eq!(cells(line), columns, "{bad:?} made a cell: {line}");
            } else {
                columns = 0;
            }
            let words = without_code(line).replace("<br>", "");
            assert!(!words.contains('<') && !words.contains("://"), "{bad:?}: {words}");
            assert!(!words.to_lowercase().contains("www."), "{bad:?}: {words}");
            assert!(!words.contains('@') || words.contains("\\[@\\]"), "{bad:?}: {words}");
            let unescaped = words.replace("\\[", "").replace("\\]", "");
            assert!(!unescaped.contains(['[', ']']), "{bad:?}: {words}");
            assert!(!line.starts_with("# heading") && !line.starts_with("***"), "{bad:?}");
        }
        assert_eq!(fence, None, "{bad:?}");
    }
}

#[test]
fn hostile_strings_come_through_json_lines_whole_and_harmless() {
    for bad in HOSTILE {
        let dir = tempfile::tempdir().unwrap();
        let (_, incident) = opened(dir.path());
        hostile(&incident, bad);
        let text = export(&incident, Format::JsonLines);
        assert!(text.bytes().all(|b| b == b'\n' || (0x20..0x7f).contains(&b)));
        let action =
            text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()).find(|l| l["type"] == "action").unwrap();
        assert_eq!(action["plan"]["summary"], bad);
        // The timeline is for people, so it holds the neutralised text.
        let lines = read(incident.path()).unwrap().lines;
        assert!(lines.iter().all(|l| matches!(Reading::of(l), Reading::Known { .. })));
        let folded = incident.fold().unwrap();
        let shown = |s: &str| !s.chars().any(|c| c.is_control() || c == '\u{202e}');
        assert!(folded.timeline.iter().all(|e| {
            shown(&e.title) && e.detail.iter().all(|d| shown(d)) && e.action_id.iter().all(|id| shown(id))
        }));
    }
}

#[test]
fn a_broken_chain_and_a_torn_line_are_said_in_the_report() {
    let dir = tempfile::tempdir().unwrap();
    let (_, incident) = opened(dir.path());
    story(&incident);
    let text = fs::read_to_string(incident.path()).unwrap();
    let forged = text.replacen("Told the shop team", "Told everybody", 1);
    fs::write(incident.path(), format!("{forged}{{\"seq\":")).unwrap();
    let report = export(&incident, Format::Markdown);
    assert!(report.contains("**The hash chain is broken at line 16**"), "{report}");
    assert!(!report.contains("The hash chain is whole"));

    fs::write(incident.path(), format!("{text}{{\"seq\":")).unwrap();
    let report = export(&incident, Format::Markdown);
    assert!(report.contains("The hash chain is whole"), "{report}");
    assert!(report.contains("What the last 7 bytes of the journal would have said"));
}

/// The script in `docs/timeline.md` that checks a chain with public tools.
fn documented_check() -> String {
    let doc = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/timeline.md")).unwrap();
    let (_, rest) = doc.split_once("```sh\n#!/bin/sh\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_documented_check_with_public_tools_agrees() {
    let has =
        |tool: &str| Command::new(tool).arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    if !has("sha256sum") || !has("jq") {
        eprintln!("skipped: sha256sum or jq is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (_, incident) = opened(dir.path());
    story(&incident);
    let check = || {
        let out = Command::new("sh").args(["-c", &documented_check(), "sh"]).arg(incident.path()).output().unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        (out.status.success(), said)
    };
    let last = incident.verify().unwrap().last_hash.unwrap();
    let (good, said) = check();
    assert!(good, "{said}");
    assert!(said.contains(&last), "{said}");
    let text = fs::read_to_string(incident.path()).unwrap();
    fs::write(incident.path(), text.replacen("Told the shop team", "Told nobody", 1)).unwrap();
    let (good, said) = check();
    assert!(!good && said.contains("line 16"), "{said}");
    let without: Vec<&str> = text.lines().enumerate().filter(|(n, _)| *n != 4).map(|(_, l)| l).collect();
    fs::write(incident.path(), without.join("\n") + "\n").unwrap();
    let (good, said) = check();
    assert!(!good && said.contains("line 5"), "{said}");
}
