//! The timeline: what is in force on top, then what happened, newest first.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::plan::Effect;
use crate::model::timeline::{ActionRecord, ActionState, TimelineEntry};
use crate::model::words::counted;
use crate::tui::format::{duration, time};
use crate::tui::lines::actions::{aim, remaining};
use crate::tui::lines::layout;
use crate::tui::lines::page::Page;
use crate::tui::state::{Item, State};

use super::draw;

const MARGIN: u16 = 2;

/// Draws it.
pub(crate) fn draw(state: &State, body: Rect, buffer: &mut Buffer) {
    let (head, list, detail) = layout::timeline(body, state.timeline.items.len());
    title(state, head, buffer);
    let pane = &state.timeline;
    if pane.items.is_empty() {
        let text = "Nothing has happened yet: the first note, signal or action begins an incident.";
        draw::left(buffer, draw::after(draw::row(list, 0), MARGIN), text, state.looks.theme.text);
        return;
    }
    let height = usize::from(list.height);
    let first = pane.cursor.first_shown(pane.items.len(), height);
    let shown = pane.items.iter().enumerate().skip(first).take(height);
    for (y, (n, item)) in (0..list.height).zip(shown) {
        let line = draw::row(list, y);
        let text = draw::after(line, MARGIN);
        match item {
            Item::Action(index) => {
                if let Some(action) = pane.view.actions.get(*index) {
                    action_line(state, action, text, buffer);
                }
            }
            Item::Entry(index) => {
                if let Some(entry) = pane.view.entries.get(*index) {
                    entry_line(state, entry, text, buffer);
                }
            }
        }
        if n == pane.cursor.at {
            buffer.set_style(line, state.looks.theme.selected);
            draw::left(buffer, line, "▸", state.looks.theme.key);
        }
    }
    selected(state, detail, buffer);
}

fn title(state: &State, area: Rect, buffer: &mut Buffer) {
    let view = &state.timeline.view;
    let whose = match state.fleet.name(state.timeline.at) {
        "" => String::new(),
        name => format!(" of {name}"),
    };
    let of = |wanted: ActionState| view.actions.iter().filter(|a| a.state == wanted).count();
    let mut text = match &view.incident {
        Some(incident) => format!("TIMELINE{whose} {incident}: {} in force", of(ActionState::InForce)),
        None => format!("TIMELINE{whose}: no incident is open"),
    };
    for (number, words) in [(of(ActionState::InFlight), "in flight"), (of(ActionState::Unclear), "unclear")] {
        if number > 0 {
            let _ = write!(text, ", {number} {words}");
        }
    }
    let _ = write!(text, ", {}", counted(view.entries.len(), "entry"));
    draw::left(buffer, area, &text, state.looks.theme.heading);
}

fn action_line(state: &State, action: &ActionRecord, area: Rect, buffer: &mut Buffer) {
    let theme = &state.looks.theme;
    let (word, style) = state_words(state, action);
    let left = format!("{word}  {}  {}", what(action), effect_words(action.effect));
    let (right, right_style) = remaining(theme, state.fleet.get(state.timeline.at).now, action);
    let room = u16::try_from(right.chars().count()).unwrap_or(0) + 1;
    let cut = Rect { width: area.width.saturating_sub(room), ..area };
    draw::left(buffer, cut, left.trim_end(), style);
    draw::right(buffer, area, &right, if style == theme.bad { style } else { right_style });
}

fn entry_line(state: &State, entry: &TimelineEntry, area: Rect, buffer: &mut Buffer) {
    let theme = &state.looks.theme;
    let style = match entry.kind.as_str() {
        "note" => theme.good,
        "signal" => theme.warn,
        _ => theme.text,
    };
    let cell = |from: u16, width: u16| {
        let rest = draw::after(area, from);
        Rect { width: width.min(rest.width), ..rest }
    };
    draw::left(buffer, cell(0, 9), &time(entry.at), theme.faint);
    draw::left(buffer, cell(10, 13), &entry.kind, style);
    draw::left(buffer, cell(24, 8), &entry.actor.user, theme.faint);
    draw::left(buffer, draw::after(area, 33), &entry.title, theme.text);
}

fn selected(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = &state.looks.theme;
    let pane = &state.timeline;
    let mut page = Page::new(area.width);
    page.spans(&[(&"─".repeat(area.width.into()), theme.faint)]);
    match pane.items.get(pane.cursor.at) {
        Some(Item::Action(index)) => {
            if let Some(action) = pane.view.actions.get(*index) {
                action_detail(state, action, &mut page);
            }
        }
        Some(Item::Entry(index)) => {
            if let Some(entry) = pane.view.entries.get(*index) {
                let id = entry.action_id.as_deref().map_or_else(String::new, |id| format!("  {id}"));
                page.spans(&[(
                    &format!(
                        "{}  {}  {} ({}@{}){id}",
                        entry.at.format("%Y-%m-%d %H:%M:%SZ"),
                        entry.kind,
                        entry.actor.arn,
                        entry.actor.user,
                        entry.actor.host
                    ),
                    theme.faint,
                )]);
                page.text(0, &entry.title, theme.text);
                for line in &entry.detail {
                    page.text(2, line, theme.faint);
                }
            }
        }
        None => {}
    }
    draw::lines(buffer, area, &page.lines, 0);
}

fn action_detail(state: &State, action: &ActionRecord, page: &mut Page) {
    let theme = &state.looks.theme;
    let (word, style) = state_words(state, action);
    page.spans(&[
        (&format!("{}  ", action.id), theme.heading),
        (word, style),
        (&format!("  {}", effect_words(action.effect)), theme.text),
    ]);
    let life = action
        .action
        .terms()
        .expires_after_seconds
        .map_or_else(|| "until undone".to_owned(), |seconds| format!("for {}", duration(seconds)));
    page.text(
        0,
        &format!(
            "begun {} by {} ({}@{}), {life}",
            time(action.begun_at),
            action.actor.arn,
            action.actor.user,
            action.actor.host
        ),
        theme.faint,
    );
    page.text(0, &action.action.aim(), theme.text);
    if action.state == ActionState::InFlight {
        page.text(
            0,
            "The intent is on disk and its outcome is not: it may have been done in part. Undo reads what is there first.",
            theme.bad,
        );
    }
}

fn what(action: &ActionRecord) -> String {
    format!("{} {} {}: {}", action.id, action.action.name(), action.stage.label(), aim(action))
}

fn state_words(state: &State, action: &ActionRecord) -> (&'static str, Style) {
    let theme = &state.looks.theme;
    match action.state {
        ActionState::InFlight => ("IN FLIGHT", theme.bad),
        ActionState::InForce => ("IN FORCE", theme.warn),
        ActionState::Unclear => ("UNCLEAR", theme.bad),
        ActionState::NotDone => ("not done", theme.text),
        ActionState::Undone => ("undone", theme.text),
        ActionState::Final => ("done", theme.text),
        ActionState::Lapsed => ("not known", theme.text),
    }
}

fn effect_words(effect: Option<Effect>) -> &'static str {
    match effect {
        Some(Effect::Saved) => "saved",
        Some(Effect::Deployed) => "deployed",
        Some(Effect::Observed) => "observed",
        None => "",
    }
}
