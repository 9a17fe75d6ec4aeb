//! One playbook: its steps with what has become of them, and the selected one in full.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::playbook::{Fallback, Given, Playbook, Step, StepState, Task};
use crate::tui::state::State;

use super::draw;
use crate::tui::lines::layout;
use crate::tui::lines::page::Page;

const MARGIN: u16 = 2;
/// Columns of a step's place, its state and what it does.
const PLACE: u16 = 3;
const STATE: u16 = 14;
const DOES: u16 = 13;

/// Draws it.
pub(crate) fn draw(state: &State, body: Rect, buffer: &mut Buffer) {
    let pane = &state.playbooks;
    let Some(playbook) = pane.playbook() else { return };
    let (head, list, detail) = layout::playbooks(body, playbook.steps.len());
    let stage = pane.stage.as_ref().map_or_else(String::new, |stage| state.fleet.label(stage));
    draw::left(buffer, head, &format!("{} for {stage}: {}", playbook.name, playbook.title), state.looks.theme.heading);
    let height = usize::from(list.height);
    let first = pane.step.first_shown(playbook.steps.len(), height);
    let shown = playbook.steps.iter().enumerate().skip(first).take(height);
    for (y, (n, step)) in (0..list.height).zip(shown) {
        let line = draw::row(list, y);
        row(state, n, step, draw::after(line, MARGIN), buffer);
        if n == pane.step.at {
            buffer.set_style(line, state.looks.theme.selected);
            draw::left(buffer, line, "▸", state.looks.theme.key);
        }
    }
    let mut page = Page::new(detail.width);
    page.spans(&[(&"─".repeat(detail.width.into()), state.looks.theme.faint)]);
    if let Some(step) = pane.selected_step() {
        details(state, playbook, step, &mut page);
    }
    draw::lines(buffer, detail, &page.lines, 0);
}

fn row(state: &State, n: usize, step: &Step, area: Rect, buffer: &mut Buffer) {
    let theme = &state.looks.theme;
    let cell = |from: u16, width: u16| {
        let rest = draw::after(area, from);
        Rect { width: width.saturating_sub(1).min(rest.width), ..rest }
    };
    let (words, style) = stands(state, step);
    draw::left(buffer, cell(0, PLACE), &(n + 1).to_string(), theme.faint);
    draw::left(buffer, cell(PLACE, STATE), words, style);
    draw::left(buffer, cell(PLACE + STATE, DOES), step.task.word(), theme.key);
    let optional = if step.optional { "optional: " } else { "" };
    draw::left(buffer, draw::after(area, PLACE + STATE + DOES), &format!("{optional}{}", step.title), theme.text);
}

/// What has become of a step, in words: the first that is left is next.
fn stands(state: &State, step: &Step) -> (&'static str, Style) {
    let (theme, pane) = (&state.looks.theme, &state.playbooks);
    let run = pane.run();
    let next = pane.playbook().and_then(|playbook| playbook.next(run)).is_some_and(|next| next.id == step.id);
    match run.and_then(|run| run.step(&step.id)).map(|known| known.state) {
        None if next => ("NEXT", theme.warn),
        None => ("", theme.faint),
        Some(StepState::Started) => ("under way", theme.warn),
        Some(one @ (StepState::NotDone | StepState::Unclear | StepState::NotObserved)) => (one.words(), theme.bad),
        Some(one @ StepState::Skipped) => (one.words(), theme.faint),
        Some(one @ (StepState::Done | StepState::Read | StepState::Observed)) => (one.words(), theme.good),
    }
}

fn details(state: &State, playbook: &Playbook, step: &Step, page: &mut Page) {
    let theme = &state.looks.theme;
    page.spans(&[(&step.id, theme.heading), ("  ", theme.text), (&step.title, theme.text)]);
    let shown = |given: &Given| match given {
        Given::Literal(value) => value.to_string(),
        Given::Input(name) => input(state, playbook, name),
    };
    match &step.task {
        Task::Note { text } => page.text(0, text, theme.text),
        Task::Undo { step } => page.text(0, &format!("Undoes what step {step} did"), theme.text),
        Task::Action { action, with } => {
            page.text(0, &format!("Plans {action}, to be reviewed and confirmed like any other:"), theme.text);
            for (name, given) in with {
                page.hanging(&format!("  {name}"), theme.faint, 14, &shown(given), theme.text);
            }
        }
        Task::Observe { look, within_seconds } => {
            let what = look.words(shown);
            let minutes = within_seconds.div_ceil(60);
            page.text(0, &format!("Observes {what}, for {minutes} min of account time at the most"), theme.text);
        }
    }
    let Some(known) = state.playbooks.run().and_then(|run| run.step(&step.id)) else { return };
    let by = known.action_id.as_ref().map_or_else(String::new, |id| format!(" by {id}"));
    let at = known.at.format("%H:%M:%SZ");
    page.text(0, &format!("{}{by} at {at}", known.state.words()), theme.heading);
    for line in &known.detail {
        page.text(2, line, theme.text);
    }
}

/// An input's value as it stands, or where it comes from.
fn input(state: &State, playbook: &Playbook, name: &str) -> String {
    if let Some(value) = state.playbooks.value(name) {
        return format!("{value}  ({name})");
    }
    match playbook.input(name).and_then(|input| input.default.as_ref()) {
        Some(Fallback::From(from)) => format!("{}, read when it is planned  ({name})", from.word()),
        _ => format!("has to be given  ({name})"),
    }
}
