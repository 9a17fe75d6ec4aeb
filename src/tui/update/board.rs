//! The board's order, filter and cursor, over the stages of every connection.

use std::cmp::{Ordering, Reverse};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use unicode_width::UnicodeWidthStr;

use crate::model::board::{Known, StageRow};
use crate::model::connection::{ConnectionId, StageAt};
use crate::model::figure::Figure;

use crate::tui::command::{Command, Context};
use crate::tui::fleet::{Fleet, Watched};
use crate::tui::search::{Hay, Needle};
use crate::tui::state::{RowAt, Sort, State, worst};

/// A row that is shown, and what it is sorted by before anything else.
struct Shown<'a> {
    row: RowAt,
    stage: &'a StageRow,
    pinned: bool,
    score: u32,
}

/// Filters and sorts anew, and keeps the cursor on the stage it was on. Where that one has gone, nothing is selected:
/// the cursor does not come to stand on another stage by itself.
pub(crate) fn arrange(state: &mut State) {
    let needle = Needle::new(&state.list.filter);
    let (sort, reversed, several) = (state.list.sort, state.list.reversed, state.fleet.several());
    let mut shown = shown(&state.fleet, &needle, &state.list.pinned);
    shown.sort_by(|a, b| {
        let by = compare(sort, a.stage, b.stage);
        let by = if reversed { by.reverse() } else { by };
        let first = (Reverse(a.pinned), Reverse(a.score)).cmp(&(Reverse(b.pinned), Reverse(b.score)));
        first.then(by).then_with(|| by_name(several, a, b))
    });
    let held = state.list.held.as_ref();
    let found = held.and_then(|held| shown.iter().position(|s| s.row.at == held.at && s.stage.id == held.stage));
    let unread = unread(&state.fleet, &needle);
    let held_unread = state.list.held_unread.filter(|_| held.is_none());
    let found = found.or_else(|| Some(shown.len() + unread.iter().position(|row| Some(row.at) == held_unread)?));
    let twins = twins(&shown);
    // A pinned one has a mark before its name, and one whose name another has its API's id behind it.
    let id = |s: &Shown<'_>| if twins.contains(&s.row) { s.stage.id.api_id.width() + 1 } else { 0 };
    let widest = shown.iter().map(|s| s.stage.id.label().width() + usize::from(s.pinned) + id(s)).max();
    let order: Vec<RowAt> = shown.iter().map(|s| s.row).chain(unread).collect();
    // Before the first board nothing is known to have gone.
    state.list.gone = held.is_some_and(|held| found.is_none() && state.fleet.get(held.at).board.is_some());
    state.list.cursor.at = found.unwrap_or(if held.is_some() { state.list.cursor.at } else { 0 });
    state.list.label_width = u16::try_from(widest.unwrap_or(0)).unwrap_or(u16::MAX);
    state.list.order = order;
    state.list.twins = twins;
}

/// Rows of one connection that have the same name.
fn twins(shown: &[Shown<'_>]) -> HashSet<RowAt> {
    let mut first: HashMap<(ConnectionId, &str, &str), RowAt> = HashMap::new();
    let mut twins = HashSet::new();
    for one in shown {
        let name = (one.row.at, one.stage.id.api_name.as_str(), one.stage.id.stage.as_str());
        match first.entry(name) {
            Entry::Vacant(vacant) => {
                vacant.insert(one.row);
            }
            Entry::Occupied(known) => twins.extend([*known.get(), one.row]),
        }
    }
    twins
}

fn shown<'a>(fleet: &'a Fleet, needle: &Needle, pinned: &[StageAt]) -> Vec<Shown<'a>> {
    let rows = fleet.iter().flat_map(|(at, watched)| {
        watched.stages().iter().enumerate().map(move |(index, stage)| (RowAt { at, index }, watched, stage))
    });
    rows.filter_map(|(row, watched, stage)| {
        let score = if needle.is_empty() { 0 } else { score(needle, watched, stage)? };
        let pinned = pinned.iter().any(|pin| pin.at == row.at && pin.stage == stage.id);
        Some(Shown { row, stage, pinned, score })
    })
    .collect()
}

/// The connections that could not be read and have no stages: each has a row, and is found like any other. They come
/// last: what is known to be attacked is never pushed off the screen by what is not known.
fn unread(fleet: &Fleet, needle: &Needle) -> Vec<RowAt> {
    if !fleet.several() {
        return Vec::new();
    }
    let unread = fleet.iter().filter_map(|(at, watched)| Some((at, watched, watched.unread()?)));
    let matches = |watched: &Watched, trouble: &str| {
        let names = [Hay::Name(&watched.target.name), Hay::Name(&watched.target.words), Hay::Word(trouble)];
        needle.is_empty() || needle.score(&names.into_iter()).is_some()
    };
    unread.filter(|(_, watched, trouble)| matches(watched, trouble)).map(|(at, ..)| RowAt::unread(at)).collect()
}

/// How well a row matches: by its name, whose it is, its web ACL, its API's id, what stands on it.
fn score(needle: &Needle, watched: &Watched, row: &StageRow) -> Option<u32> {
    let label = row.id.label();
    let account = watched.board.as_ref().and_then(|board| board.identity.as_ref()).map(|id| &id.at);
    let acl = match &row.web_acl {
        Known::Yes(Some(name)) => Some(name.as_str()),
        _ => None,
    };
    let names = [Some(label.as_str()), Some(watched.target.name.as_str()), acl];
    let words =
        [Some(row.id.api_id.as_str()), account.map(|at| at.account.as_str()), account.map(|at| at.region.as_str())];
    let names = names.into_iter().flatten().map(Hay::Name);
    let signals = row.signals.iter().flat_map(|s| [Hay::Word(s.kind.id()), Hay::Word(s.severity.word())]);
    needle.score(&names.chain(words.into_iter().flatten().map(Hay::Word)).chain(signals))
}

/// A board's own order is by name and never changes: rows of one rank do not dance.
fn by_name(several: bool, a: &Shown<'_>, b: &Shown<'_>) -> Ordering {
    if !several {
        return a.row.index.cmp(&b.row.index);
    }
    let key = |s: &Shown<'_>| (s.row.at, s.row.index);
    let name = |s: &'_ Shown<'_>| (s.stage.id.api_name.clone(), s.stage.id.stage.clone());
    name(a).cmp(&name(b)).then_with(|| key(a).cmp(&key(b)))
}

fn compare(sort: Sort, a: &StageRow, b: &StageRow) -> Ordering {
    match sort {
        Sort::Worst => worst(b).cmp(&worst(a)).then(b.signals.len().min(1).cmp(&a.signals.len().min(1))),
        Sort::Requests => largest(&a.figures.requests_per_second, &b.figures.requests_per_second),
        Sort::ClientErrors => largest(&a.figures.client_error_share, &b.figures.client_error_share),
        Sort::ServerErrors => largest(&a.figures.server_error_share, &b.figures.server_error_share),
        Sort::Throttled => largest(&a.figures.throttled_per_second, &b.figures.throttled_per_second),
        Sort::Latency => largest(&a.figures.latency_p99_ms, &b.figures.latency_p99_ms),
        Sort::Blocked => largest(&a.figures.waf_blocked_per_second, &b.figures.waf_blocked_per_second),
        Sort::Name => Ordering::Equal,
    }
}

/// The larger first; what is not known last.
fn largest(a: &Figure, b: &Figure) -> Ordering {
    match (a.value(), b.value()) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// Moves the cursor and holds on to the stage it comes to.
pub(crate) fn moved(state: &mut State, delta: isize) {
    state.list.gone = false;
    state.list.cursor.move_by(delta, state.list.order.len());
    state.list.held = state.selected_at();
    state.list.held_unread = state.selected_unread();
}

/// Moves the cursor to the first row of a connection; says where it has none.
pub(crate) fn to_connection(state: &mut State, at: ConnectionId) {
    let Some(first) = state.list.order.iter().position(|row| row.at == at) else {
        let name = state.fleet.name(at).to_owned();
        state.list.held = None;
        state.list.cursor.at = 0;
        state.complain(format!("{name} has no row here"));
        return;
    };
    state.list.cursor.at = first;
    moved(state, 0);
}

/// Keeps the selected stage on top, or lets it go again.
pub(crate) fn pin(state: &mut State) {
    let Some(stage) = state.selected_at() else { return };
    let label = state.fleet.label(&stage);
    state.list.held = Some(stage.clone());
    if let Some(pinned) = state.list.pinned.iter().position(|pin| *pin == stage) {
        state.list.pinned.remove(pinned);
        state.say(format!("{label} is no longer pinned"));
    } else {
        state.list.pinned.push(stage);
        state.say(format!("{label} stays on top until this console is left"));
    }
    arrange(state);
}

/// Clears the filter; says when there is nothing to go back from. What is selected stays selected.
pub(crate) fn back(state: &mut State) {
    if state.list.filter.is_empty() {
        let key = |context, command| state.keys.key(context, command);
        let (quit, follow) = (key(Context::Global, Command::Quit), key(Context::Board, Command::Follow));
        state.say(format!("this is the board; {quit} quits, {follow} follows the worst stage"));
        return;
    }
    state.list.held = state.selected_at();
    state.list.held_unread = state.selected_unread();
    state.list.filter.clear();
    state.say("showing every stage");
    arrange(state);
}

/// Lets the cursor follow the first row, which is the worst unless it is sorted otherwise.
pub(crate) fn follow(state: &mut State) {
    (state.list.held, state.list.held_unread) = (None, None);
    state.list.cursor.at = 0;
    state.say("the cursor follows the first row");
    arrange(state);
}
