//! The document for the review: who, when, what stood, what was done with which guards and what came of it, and what is
//! not known.

use std::fmt::Write as _;

use super::Export;
use super::escape::{block, code, code_cell, text};
use super::parts::{duration, measured, person, state};
use crate::incident::{CallPhase, CallRecord, Folded, History};
use crate::model::plan::Plan;
use crate::model::signal::Severity;
use crate::model::timeline::{ActionRecord, ActionState};
use crate::model::words;

/// Entries of one change that are listed; the rest is counted. All of them are in the JSON Lines export.
const MOST_ENTRIES: usize = 100;

/// The incident as a Markdown document. All times are UTC.
#[must_use]
pub fn markdown(export: &Export<'_>) -> String {
    let folded = export.folded;
    let mut out = String::new();
    header(&mut out, export);
    numbers(&mut out, export);
    signals(&mut out, folded);
    let _ = writeln!(out, "\n## Actions");
    if folded.actions.is_empty() {
        let _ = writeln!(out, "\nNone.");
    }
    for record in &folded.actions {
        action(&mut out, folded, record);
    }
    timeline(&mut out, folded);
    unknown(&mut out, export);
    chain(&mut out, export);
    out
}

fn header(out: &mut String, export: &Export<'_>) {
    let folded = export.folded;
    let title = folded.opened.as_ref().map_or("(its first line could not be read)", |o| o.title.as_str());
    let _ = writeln!(out, "# Incident: {}\n", text(title));
    let _ = writeln!(out, "| | |\n| --- | --- |");
    row(out, &["Incident", &code_cell(&folded.incident)]);
    if let Some(opened) = &folded.opened {
        let who = &opened.identity;
        row(out, &["Account", &text(&who.at.account)]);
        row(out, &["Region", &text(&who.at.region)]);
        if !who.at.world.is_aws() {
            row(out, &["World", &format!("{} (simulated: not AWS)", text(&who.at.world.to_string()))]);
        }
        if let Some(endpoint) = &who.endpoint {
            let shown = format!("{} (overridden)", code_cell(endpoint));
            row(out, &["Endpoint", &shown]);
        }
        row(out, &["Caller", &code_cell(&who.arn)]);
        row(out, &["From", &words::day_and_second(opened.at)]);
    } else {
        row(out, &["Account, region, from", "unknown"]);
    }
    let until = match (folded.closed, folded.last_at) {
        (Some(at), _) => format!("{} (closed)", words::day_and_second(at)),
        (None, Some(at)) => format!("{} (last entry; not closed)", words::day_and_second(at)),
        (None, None) => "unknown".to_owned(),
    };
    row(out, &["To", &until]);
    for actor in &folded.actors {
        let who = format!("{}, {}", text(&person(actor)), code_cell(&actor.arn));
        row(out, &["Took part", &who]);
    }
    row(out, &["Written", &words::day_and_second(export.at)]);
    let _ = writeln!(
        out,
        "\nAll times are UTC. Text from requests is quoted with control characters made visible and links broken."
    );
}

fn numbers(out: &mut String, export: &Export<'_>) {
    let folded = export.folded;
    let _ = writeln!(out, "\n## In numbers\n\n| what | |\n| --- | --- |");
    if let (Some(opened), Some(last)) = (&folded.opened, folded.closed.or(folded.last_at)) {
        row(out, &["Duration", &duration(last - opened.at)]);
    }
    let attacks = folded.signals.iter().filter(|s| s.severity == Severity::Attack).count();
    let standing = folded.standing().count();
    let all = folded.signals.len();
    row(out, &["Signals", &format!("{all}, of them {attacks} at attack level; {standing} still active")]);
    let of = |state: ActionState| folded.actions.iter().filter(|a| a.state == state).count();
    let lapsed = match of(ActionState::Lapsed) {
        0 => String::new(),
        n => format!(", {n} never known"),
    };
    let actions = format!(
        "{} begun: {} in force, {} undone, {} done for good, {} not done, {} unclear, {} begun and not known to have ended{lapsed}",
        folded.actions.len(),
        of(ActionState::InForce),
        of(ActionState::Undone),
        of(ActionState::Final),
        of(ActionState::NotDone),
        of(ActionState::Unclear),
        of(ActionState::InFlight)
    );
    row(out, &["Actions", &actions]);
    let overdue = folded.expired(export.at).count();
    row(out, &["Past their expiry and not undone", &overdue.to_string()]);
    let last_steps =
        |phase: CallPhase| folded.histories.iter().flat_map(|h| &h.calls).filter(|c| c.phase == phase).count();
    let calls = format!(
        "{} answered, {} failed, {} without an answer",
        last_steps(CallPhase::Answered),
        last_steps(CallPhase::Failed),
        last_steps(CallPhase::NoAnswer)
    );
    row(out, &["Changing calls", &calls]);
    row(out, &["Plans stopped by guards", &folded.refused.to_string()]);
    row(out, &["Notes", &folded.notes.to_string()]);
}

fn signals(out: &mut String, folded: &Folded) {
    let _ = writeln!(out, "\n## Signals\n");
    if folded.signals.is_empty() {
        let _ = writeln!(out, "None.");
        return;
    }
    let _ = writeln!(
        out,
        "| signal | stage | severity | start | peak recorded | threshold | end | evidence |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    );
    for signal in &folded.signals {
        row(
            out,
            &[
                signal.kind.id(),
                &text(&signal.stage.label()),
                signal.severity.word(),
                &words::day_and_second(signal.since),
                &measured(signal.kind, signal.peak),
                &measured(signal.kind, signal.threshold),
                &signal.ended_at.map_or_else(|| "not recorded: still active".to_owned(), words::day_and_second),
                &text(&signal.evidence),
            ],
        );
    }
}

fn action(out: &mut String, folded: &Folded, record: &ActionRecord) {
    let _ = writeln!(
        out,
        "\n### {} {} on {}: {}\n",
        code(&record.id),
        record.action.name(),
        text(&record.stage.label()),
        state(record.state)
    );
    let Some(history) = folded.history(&record.id) else {
        return;
    };
    let plan = &history.plan;
    item(out, "Plan", &text(&plan.summary));
    confirmation(out, history);
    if let Some(reason) = &plan.action.terms().reason {
        item(out, "Reason given", &text(reason));
    }
    let expiry =
        history.expires_at.map_or_else(|| "none: stays until somebody undoes it".to_owned(), words::day_and_second);
    item(out, "Expires", &expiry);
    ending(out, history);
    for (effect, remark) in &history.effects {
        let evidence = text(&remark.text.replace('\n', "; "));
        let line = format!("{} at {}. {evidence}", effect.title(), words::day_and_second(remark.at));
        item(out, "Effect", &line);
    }
    for merge in &history.merges {
        let line = format!("{}: {}", words::day_and_second(merge.at), text(&merge.text));
        item(out, "Merged with somebody else's change", &line);
    }
    item(out, "How it is undone", &text(&plan.undo));
    for note in &plan.notes {
        item(out, "Note of the plan", &text(note));
    }
    diff(out, plan);
    guards(out, plan);
    calls(out, &history.calls);
    let mut undos = folded.undos_of(&record.id).peekable();
    if undos.peek().is_none() {
        let _ = writeln!(out, "\nNo undo of it is recorded.");
    }
    for undo in undos {
        let _ = writeln!(out, "\n#### Undo {}\n", code(&undo.action_id));
        confirmation(out, undo);
        ending(out, undo);
        diff(out, &undo.plan);
        guards(out, &undo.plan);
        calls(out, &undo.calls);
    }
}

fn confirmation(out: &mut String, history: &History) {
    let line = format!(
        "{} by {} ({}), on state read {}, plan {}",
        words::day_and_second(history.begun_at),
        text(&person(&history.actor)),
        code(&history.actor.arn),
        words::day_and_second(history.plan.read_at),
        code(&history.plan.digest)
    );
    item(out, "Confirmed", &line);
}

fn ending(out: &mut String, history: &History) {
    let Some(end) = &history.ending else {
        item(out, "Outcome", "unknown: the journal has the intent and no end; it may have been done, in part or whole");
        return;
    };
    let how = if end.reconciled { " (found out later, by comparing with AWS)" } else { "" };
    let line = format!("{} at {}{how}", words::sentence(end.outcome.words()), words::day_and_second(end.at));
    item(out, "Outcome", &line);
    for line in &end.lines {
        let _ = writeln!(out, "  - Reported: {}", text(line));
    }
}

fn diff(out: &mut String, plan: &Plan) {
    for change in plan.changes.iter().filter(|c| !c.is_empty()) {
        let size = if change.edit.is_entries() {
            let before = words::counted(change.entries_before, "entry");
            format!(", {before} before, {} after", change.entries_after)
        } else {
            String::new()
        };
        let _ = writeln!(
            out,
            "\nPlanned change of {} {} ({}){size}:\n",
            text(change.resource.kind.word()),
            code(&change.resource.name),
            code(&change.resource.arn)
        );
        let mut lines = Vec::new();
        for (sign, entries) in [('-', &change.removed), ('+', &change.added)] {
            lines.extend(entries.iter().take(MOST_ENTRIES).map(|e| format!("{sign}{e}")));
            if entries.len() > MOST_ENTRIES {
                let more = entries.len() - MOST_ENTRIES;
                lines.push(format!("{sign} … and {more} more, all in the JSON Lines export"));
            }
        }
        out.push_str(&block("diff", &lines));
    }
}

fn guards(out: &mut String, plan: &Plan) {
    if plan.guards.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n| guard | verdict | overridden | reason | evidence |\n| --- | --- | --- | --- | --- |");
    for guard in &plan.guards {
        let evidence: Vec<String> = guard.evidence.iter().map(|line| text(line)).collect();
        row(
            out,
            &[
                &code_cell(&guard.id),
                guard.verdict.word(),
                if guard.overridden { "**yes**" } else { "no" },
                &text(&guard.reason),
                &evidence.join("<br>"),
            ],
        );
    }
}

fn calls(out: &mut String, calls: &[CallRecord]) {
    if calls.is_empty() {
        let _ = writeln!(out, "\nNo changing call is recorded.");
        return;
    }
    let _ = writeln!(out, "\n| UTC | call | resource | | detail |\n| --- | --- | --- | --- | --- |");
    for call in calls {
        row(
            out,
            &[
                &words::day_and_second(call.at),
                &code_cell(&format!("{}:{}", call.service, call.operation)),
                &code_cell(&call.resource),
                call.phase.word(),
                &text(&call.detail),
            ],
        );
    }
}

fn timeline(out: &mut String, folded: &Folded) {
    let _ = writeln!(out, "\n## Timeline\n\n| # | UTC | who | kind | what |\n| --- | --- | --- | --- | --- |");
    for entry in &folded.timeline {
        let mut what = vec![text(&entry.title)];
        what.extend(entry.detail.iter().map(|line| text(line)));
        let id = entry.action_id.as_ref().map_or_else(String::new, |id| format!("{} ", code_cell(id)));
        row(
            out,
            &[
                &entry.seq.to_string(),
                &words::day_and_second(entry.at),
                &text(&person(&entry.actor)),
                &text(&entry.kind),
                &format!("{id}{}", what.join("<br>")),
            ],
        );
    }
}

fn unknown(out: &mut String, export: &Export<'_>) {
    let folded = export.folded;
    let _ = writeln!(out, "\n## What is not known\n");
    let mut lines = Vec::new();
    for history in folded.histories.iter().filter(|h| h.is_in_flight()) {
        lines.push(format!("How {} ended: its intent is recorded and no end is.", code(&history.action_id)));
    }
    for history in &folded.histories {
        for call in history.last_steps() {
            let open = matches!(call.phase, CallPhase::NoAnswer | CallPhase::Sending);
            if open && !history.made.contains(&call.resource) {
                lines.push(format!(
                    "Whether {} on {} (action {}) took effect: no answer is recorded.",
                    code(&format!("{}:{}", call.service, call.operation)),
                    code(&call.resource),
                    code(&history.action_id)
                ));
            }
        }
    }
    for record in folded.actions.iter().filter(|a| a.state == ActionState::Unclear) {
        lines.push(format!("How much of {} is in force.", code(&record.id)));
    }
    if !folded.signals.is_empty() {
        lines.push(
            "How bad signals were between the moments at which they were recorded: peaks are the worst values recorded."
                .to_owned(),
        );
    }
    for line in &folded.not_understood {
        lines.push(format!(
            "What line {} ({}) means: {}.",
            line.seq,
            if line.kind.is_empty() { "unreadable".to_owned() } else { code(&line.kind) },
            text(&line.why)
        ));
    }
    if let Some(torn) = &export.verification.torn {
        lines.push(format!(
            "What the last {} of the journal would have said: a write was cut short.",
            words::counted(usize::try_from(torn.bytes).unwrap_or(usize::MAX), "byte")
        ));
    }
    if lines.is_empty() {
        lines.push("Nothing that the journal leaves open.".to_owned());
    }
    for line in lines {
        let _ = writeln!(out, "- {line}");
    }
}

fn chain(out: &mut String, export: &Export<'_>) {
    let found = export.verification;
    let _ = writeln!(out, "\n## The record\n");
    match &found.fault {
        None => {
            let _ = writeln!(
                out,
                "The hash chain is whole: {} checked, each as it was written and in its place.",
                words::counted(usize::try_from(found.lines).unwrap_or(usize::MAX), "line")
            );
        }
        Some(fault) => {
            let _ = writeln!(
                out,
                "**The hash chain is broken at line {}**: {}. The {} before it are as they were written; nothing from line {} on is vouched for.",
                fault.number,
                text(&fault.wrong.to_string()),
                words::counted(usize::try_from(found.lines).unwrap_or(usize::MAX), "line"),
                fault.number
            );
        }
    }
    if let Some(hash) = &found.last_hash {
        let _ = writeln!(
            out,
            "\nThe hash of line {} is {}. A chain that was cut short still looks whole: compare this hash with the journal to see that nothing was removed from its end.",
            found.lines,
            code(hash)
        );
    }
    for path in &found.set_aside {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let _ = writeln!(out, "\nAn unfinished line was set aside in {}.", code(&name));
    }
}

/// A table row of cells that are Markdown already.
fn row(out: &mut String, cells: &[&str]) {
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

/// A list item of Markdown, with its label.
fn item(out: &mut String, label: &str, markdown: &str) {
    let _ = writeln!(out, "- {label}: {markdown}");
}
