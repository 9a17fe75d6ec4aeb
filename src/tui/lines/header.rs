//! How many lines the header takes, and what goes wrong in words, which alone makes it grow.

use crate::tui::command::{Command, Context};
use crate::tui::format::{minutes, wrap};
use crate::tui::state::State;

/// The most lines of trouble.
const TROUBLE_LINES: usize = 2;
/// The most lines of several connections' trouble.
const MOST_TROUBLES: usize = 4;

/// Lines of what the console may do and whose account it is.
pub(crate) const WHO_LINES: usize = 1;
/// Lines of how things stand, and from which width on they are one less.
const HOW_LINES: usize = 2;
const WIDE: u16 = 150;

/// Lines the header takes at this width: as many whatever happens, so that the board stays where it is; trouble alone
/// takes more.
pub(crate) fn height(state: &State, width: u16) -> u16 {
    let lines = WHO_LINES + how_lines(width) + trouble(state, width).len();
    u16::try_from(lines).unwrap_or(u16::MAX)
}

/// Lines of how things stand.
pub(crate) fn how_lines(width: u16) -> usize {
    if width >= WIDE { HOW_LINES - 1 } else { HOW_LINES }
}

/// What goes wrong. Of several connections a line each, with its name and the age of what is shown of it.
pub(crate) fn trouble(state: &State, width: u16) -> Vec<String> {
    let mut without = without_stage(state);
    if state.fleet.several() {
        let mut lines = troubles(state);
        lines.append(&mut without);
        return lines;
    }
    let Some(trouble) = state.here().trouble() else {
        return without;
    };
    let mut lines = wrap(&format!("TROUBLE  {trouble}"), width.into());
    if lines.len() > TROUBLE_LINES {
        lines.truncate(TROUBLE_LINES);
        if let Some(last) = lines.last_mut() {
            last.push_str(" …");
        }
    }
    lines
}

/// Settings for stages that are on none of the boards, in one line: they apply to nothing, and nobody would notice.
fn without_stage(state: &State) -> Vec<String> {
    let boards: Vec<_> = state.fleet.iter().map(|(_, watched)| watched.board.as_ref()).collect();
    let Some(Some(first)) = boards.first() else { return Vec::new() };
    let nowhere = |one: &&(&'static str, String)| {
        boards.iter().all(|board| board.as_ref().is_some_and(|board| board.polling.unmatched.contains(one)))
    };
    let mut all = first.polling.unmatched.iter().filter(nowhere);
    let Some((key, named)) = all.next() else { return Vec::new() };
    let more = match all.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let named = crate::model::text::shortened(named, 40);
    vec![format!("SETTINGS {key} names “{named}”, not a stage here{more}: see `portcullis config check --account`")]
}

fn troubles(state: &State) -> Vec<String> {
    let mut lines = Vec::new();
    let mut waiting = Vec::new();
    for (at, watched) in state.fleet.iter() {
        let name = state.fleet.name(at);
        let stale = state.stale_at(at).map(minutes);
        match (watched.trouble(), watched.age()) {
            (Some(trouble), Some(age)) => {
                lines.push(format!("TROUBLE {name}, figures {} old: {trouble}", minutes(age)));
            }
            (Some(trouble), None) => lines.push(format!("TROUBLE {name}, no figures: {trouble}")),
            (None, _) if stale.is_some() => {
                lines.push(format!("STALE {name}: figures {} old", stale.unwrap_or_default()));
            }
            (None, None) => waiting.push(name),
            (None, Some(_)) => {}
        }
    }
    if !waiting.is_empty() {
        lines.push(format!("WAITING for the first figures of {}", waiting.join(", ")));
    }
    if lines.len() > MOST_TROUBLES {
        let more = lines.len() - MOST_TROUBLES + 1;
        lines.truncate(MOST_TROUBLES - 1);
        let key = state.keys.key(Context::Board, Command::Filter);
        lines.push(format!(
            "TROUBLE … and {more} more: each has a row, at the end where it has no figures; {key} finds it"
        ));
    }
    lines
}
