//! A terminal too small for the screens: what must be known all the same, and how to leave.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::connection::StageAt;
use crate::tui::command::{Command, Context};
use crate::tui::state::{SMALLEST, State, worst};

use super::{draw, header};

/// Draws mode, worst signal, the size that is needed and the key that quits, in this order, as far as they fit.
pub(crate) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = &state.looks.theme;
    let quit = if state.typing.prompt.is_some() {
        state.keys.key(Context::Prompt, Command::Leave)
    } else {
        state.keys.key(Context::Global, Command::Quit)
    };
    let mut lines: Vec<(String, Style)> = vec![(format!(" {} ", header::mode(state)), header::banner(state))];
    lines.push(signal(state));
    lines.push((format!("too small: {}×{}, needs {}×{}", area.width, area.height, SMALLEST.0, SMALLEST.1), theme.warn));
    lines.push((format!("{quit} quits"), theme.text));
    if state.typing.prompt.is_some() {
        lines.push(("what was typed is kept".into(), theme.faint));
    }
    for (y, (text, style)) in (0..area.height).zip(lines) {
        draw::left(buffer, draw::row(area, y), &text, style);
    }
}

fn signal(state: &State) -> (String, Style) {
    let theme = &state.looks.theme;
    let stages = state.fleet.iter().flat_map(|(at, watched)| watched.stages().iter().map(move |row| (at, row)));
    let row = stages.filter(|(_, row)| worst(row).is_some()).max_by_key(|(_, row)| worst(row));
    let stale = |at| state.stale_at(at).map_or("", |_| "STALE ");
    match row.and_then(|(at, row)| Some((at, row, row.signals.first()?))) {
        Some((at, row, signal)) => {
            let label = state.fleet.label(&StageAt { at, stage: row.id.clone() });
            (format!("{}{} {label} {}", stale(at), signal.severity.word(), signal.kind.id()), theme.bad)
        }
        None if state.fleet.iter().all(|(_, watched)| watched.stages().is_empty()) => {
            match state.fleet.iter().find_map(|(_, watched)| watched.trouble()) {
                Some(trouble) => (format!("TROUBLE {trouble}"), theme.bad),
                None => ("no figures yet".into(), theme.faint),
            }
        }
        None => (format!("{}nothing unusual", stale(state.focus())), theme.text),
    }
}
