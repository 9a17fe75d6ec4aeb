//! Playbooks in words for people. Much of it is written by somebody: everything is neutralised.

use std::fmt::Write as _;

use crate::model::playbook::{Fallback, Given, Input, Origin, Playbook, RunRecord, Step, Task};
use crate::model::signal::SignalKind;
use crate::model::text::neutralised;

/// Every playbook, two lines each.
pub(super) fn list(rows: &[(&Playbook, Vec<SignalKind>)]) -> String {
    let mut out = String::new();
    for (playbook, now) in rows {
        let from = match &playbook.origin {
            Origin::Embedded => String::new(),
            Origin::File { path, replaces: true } => {
                format!("  (your own, in place of the built-in one: {})", path.display())
            }
            Origin::File { path, .. } => format!("  (your own: {})", path.display()),
        };
        let _ = writeln!(out, "{}: {}{}", playbook.name, neutralised(&playbook.title), neutralised(&from));
        let answers: Vec<&str> = playbook.answers.iter().map(|kind| kind.id()).collect();
        let answers =
            if answers.is_empty() { "no signal; somebody has to report it".to_owned() } else { answers.join(", ") };
        let now: Vec<&str> = now.iter().map(|kind| kind.id()).collect();
        let stands = if now.is_empty() { String::new() } else { format!("; STANDS NOW: {}", now.join(", ")) };
        let _ = writeln!(out, "    answers {answers}{stands}");
    }
    out
}

/// One playbook, whole.
pub(super) fn playbook(playbook: &Playbook) -> String {
    let mut out = list(&[(playbook, Vec::new())]);
    if let Some(drill) = &playbook.drill {
        let _ = writeln!(out, "    practise it: portcullis drill {}", neutralised(drill));
    }
    let _ = writeln!(out, "\n{}", neutralised(&playbook.summary));
    if !playbook.inputs.is_empty() {
        let _ = writeln!(out, "\nInputs");
    }
    for input in &playbook.inputs {
        let _ = writeln!(out, "  {}", neutralised(&one_input(input)));
    }
    let _ = writeln!(out, "\nSteps");
    for (n, step) in playbook.steps.iter().enumerate() {
        let optional = if step.optional { ", optional" } else { "" };
        let _ = writeln!(out, "  {}. {}{optional}: {}", n + 1, step.id, neutralised(&step.title));
        for line in does(step).lines() {
            let _ = writeln!(out, "       {}", neutralised(line));
        }
    }
    out
}

fn one_input(input: &Input) -> String {
    let default = match &input.default {
        None => "must be given".to_owned(),
        Some(Fallback::Value(value)) => value.to_string(),
        Some(Fallback::From(from)) => format!("from the situation: {}", from.word()),
    };
    format!("{} ({}): {} [{default}]", input.name, input.kind.word(), input.describe)
}

/// What a step does.
pub(super) fn does(step: &Step) -> String {
    let shown = |given: &Given| match given {
        Given::Literal(value) => value.to_string(),
        Given::Input(name) => format!("<{name}>"),
    };
    match &step.task {
        Task::Note { text } => text.clone(),
        Task::Undo { step } => format!("undo what {step} did"),
        Task::Action { action, with } => {
            let with: Vec<String> = with.iter().map(|(name, given)| format!("{name} = {}", shown(given))).collect();
            format!("{action} {}", with.join(", ")).trim_end().to_owned()
        }
        Task::Observe { look, within_seconds } => {
            let what = look.words(shown);
            format!("observe {what}, within {} min of account time", within_seconds.div_ceil(60))
        }
    }
}

/// How a run stands, a line a step.
pub(super) fn run(playbook: &Playbook, record: &RunRecord) -> String {
    let mut out = format!("run {} of {} for {}\n", record.id, playbook.name, record.stage.label());
    for step in &playbook.steps {
        let state = match record.step(&step.id) {
            Some(known) => {
                let by = known.action_id.as_ref().map_or_else(String::new, |id| format!(" ({id})"));
                format!("{}{by}", known.state.words())
            }
            None => "open".to_owned(),
        };
        let optional = if step.optional { ", optional" } else { "" };
        let _ = writeln!(out, "  {:<14} {}{optional}: {}", state, step.id, neutralised(&step.title));
    }
    out
}
