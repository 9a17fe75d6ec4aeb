//! A terminal too small for the screens: what must be known all the same, and how to leave.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::command::{Command, Context};
use crate::tui::state::{SMALLEST, State, worst};

use super::{draw, header};

/// Draws mode, worst signal, the size that is needed and the key that quits, in this order, as far as they fit.
pub(crate) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = &state.theme;
    let quit = if state.prompt.is_some() {
        state.keymap.key(Context::Prompt, Command::Leave)
    } else {
        state.keymap.key(Context::Global, Command::Quit)
    };
    let mut lines: Vec<(String, Style)> = vec![(format!(" {} ", state.mode.words()), header::banner(state))];
    lines.push(signal(state));
    lines.push((format!("too small: {}×{}, needs {}×{}", area.width, area.height, SMALLEST.0, SMALLEST.1), theme.warn));
    lines.push((format!("{quit} quits"), theme.text));
    if state.prompt.is_some() {
        lines.push(("what was typed is kept".into(), theme.faint));
    }
    for (y, (text, style)) in (0..area.height).zip(lines) {
        draw::left(buffer, draw::row(area, y), &text, style);
    }
}

fn signal(state: &State) -> (String, Style) {
    let theme = &state.theme;
    let stages = state.board.iter().flat_map(|b| &b.stages);
    let row = stages.filter(|row| worst(row).is_some()).max_by_key(|row| worst(row));
    let stale = state.stale().map_or("", |_| "STALE ");
    match row.and_then(|row| Some((row, row.signals.first()?))) {
        Some((row, signal)) => {
            (format!("{stale}{} {} {}", signal.severity.word(), row.id.label(), signal.kind.id()), theme.bad)
        }
        None if state.board.as_ref().is_none_or(|b| b.stages.is_empty()) => match trouble(state) {
            Some(trouble) => (format!("TROUBLE {trouble}"), theme.bad),
            None => ("no figures yet".into(), theme.faint),
        },
        None => (format!("{stale}no signal stands"), theme.text),
    }
}

fn trouble(state: &State) -> Option<&str> {
    state.board.as_ref().and_then(|board| board.polling.trouble.as_deref())
}
