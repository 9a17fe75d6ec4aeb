//! The playbooks: those first that answer what stands on the stage, and what the selected one is for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::playbook::{Origin, Playbook};
use crate::model::signal::SignalKind;
use crate::tui::state::State;

use super::draw;
use crate::tui::lines::layout;
use crate::tui::lines::page::Page;

const MARGIN: u16 = 2;
/// Columns of a playbook's name.
const NAME: u16 = 26;

/// Draws it.
pub(crate) fn draw(state: &State, body: Rect, buffer: &mut Buffer) {
    let pane = &state.playbooks;
    let (head, list, detail) = layout::playbooks(body, pane.order.len());
    let standing = state.standing();
    let stage = pane.stage.as_ref().map_or_else(|| "no stage".to_owned(), |stage| state.fleet.label(stage));
    let ids: Vec<&str> = standing.iter().map(|kind| kind.id()).collect();
    let stands = if ids.is_empty() { "no active signal".to_owned() } else { format!("{} active", ids.join(", ")) };
    draw::left(buffer, head, &format!("PLAYBOOKS for {stage}: {stands}"), state.looks.theme.heading);
    let height = usize::from(list.height);
    let first = pane.cursor.first_shown(pane.order.len(), height);
    let shown = pane.order.iter().enumerate().skip(first).take(height);
    for (y, (n, index)) in (0..list.height).zip(shown) {
        let Some(playbook) = pane.all.get(*index) else { continue };
        let line = draw::row(list, y);
        row(state, playbook, &standing, draw::after(line, MARGIN), buffer);
        if n == pane.cursor.at {
            buffer.set_style(line, state.looks.theme.selected);
            draw::left(buffer, line, "▸", state.looks.theme.key);
        }
    }
    let page = details(state, detail.width);
    draw::lines(buffer, detail, &page.lines, 0);
}

fn row(state: &State, playbook: &Playbook, standing: &[SignalKind], area: Rect, buffer: &mut Buffer) {
    let theme = &state.looks.theme;
    let name = Rect { width: NAME.min(area.width), ..area };
    draw::left(buffer, name, &playbook.name, theme.text);
    let rest = draw::after(area, NAME);
    let answers = playbook.answers_any(standing.iter().copied());
    let taken = if answers { draw::left(buffer, rest, "ANSWERS  ", theme.bad) } else { 0 };
    draw::left(buffer, draw::after(rest, taken), &playbook.title, theme.text);
}

fn details(state: &State, width: u16) -> Page {
    let (theme, pane) = (&state.looks.theme, &state.playbooks);
    let mut page = Page::new(width);
    page.spans(&[(&"─".repeat(width.into()), theme.faint)]);
    if let Some(playbook) = pane.order.get(pane.cursor.at).and_then(|index| pane.all.get(*index)) {
        page.text(0, &playbook.summary, theme.text);
        let answers: Vec<&str> = playbook.answers.iter().map(|kind| kind.id()).collect();
        let answers = if answers.is_empty() { "no signal".to_owned() } else { answers.join(", ") };
        let steps = playbook.steps.len();
        page.text(0, &format!("{steps} steps. It answers {answers}"), theme.faint);
        if let Some(run) = pane.stage.as_ref().and_then(|stage| playbook.open_run(&pane.runs, &stage.stage)) {
            let over = playbook.steps.iter().filter(|step| run.is_over(step)).count();
            page.text(0, &format!("Run {} is under way: {over} of {steps} steps are done", run.id), theme.warn);
        }
        if let Origin::File { path, replaces } = &playbook.origin {
            let place = if *replaces { ", in place of the built-in one" } else { "" };
            page.text(0, &format!("Your own{place}: {}", path.display()), theme.faint);
        }
    }
    for mistake in &pane.mistakes {
        page.text(0, &format!("Not used: {mistake}"), theme.warn);
    }
    page
}
