//! Finding text in what a screen shows: in a list the cursor goes to it, in a text it is scrolled to.

use ratatui::text::Line;

use crate::tui::lines::{help, layout, review, stage};
use crate::tui::list::Cursor;
use crate::tui::state::{Item, PromptKind, Screen, State};

use super::{Effects, prompt};

/// Opens the prompt, with what was looked for last.
pub(crate) fn open(state: &mut State, effects: &mut Effects) {
    let before = state.typing.found.clone();
    let kind = PromptKind::Find { from: place(state), before: before.clone() };
    prompt::open(state, kind, &before, effects);
}

/// Something was typed: to the first place from where it was begun.
pub(crate) fn typed(state: &mut State) {
    let Some((text, from, _)) = asked(state) else { return };
    let found = search(state, &text, from);
    go(state, found.unwrap_or(from));
    let is_lost = found.is_none() && !text.is_empty();
    if let Some(prompt) = &mut state.typing.prompt {
        prompt.error = is_lost.then(|| format!("“{text}” was not found here"));
    }
}

/// What was typed is kept; the same as last time goes on to the next place.
///
/// # Errors
/// Where it is nowhere.
pub(crate) fn submit(state: &mut State) -> Result<(), String> {
    let Some((text, from, before)) = asked(state) else { return Ok(()) };
    let start = if text == before { from + 1 } else { from };
    let found = search(state, &text, start).or_else(|| search(state, &text, 0));
    match found {
        _ if text.is_empty() => {}
        Some(found) => go(state, found),
        None => return Err(format!("“{text}” was not found here; Esc leaves")),
    }
    state.typing.found = text;
    Ok(())
}

/// Back to where it was begun.
pub(crate) fn cancel(state: &mut State) {
    if let Some((_, from, _)) = asked(state) {
        go(state, from);
    }
}

fn asked(state: &State) -> Option<(String, usize, String)> {
    let prompt = state.typing.prompt.as_ref()?;
    let PromptKind::Find { from, before } = &prompt.kind else { return None };
    Some((prompt.input.value().trim().to_owned(), *from, before.clone()))
}

/// The first line from `start` on that holds the text, whatever its case.
fn search(state: &State, text: &str, start: usize) -> Option<usize> {
    if text.is_empty() {
        return None;
    }
    let wanted = text.to_lowercase();
    let holds = |line: &String| line.to_lowercase().contains(&wanted);
    lines(state).iter().enumerate().skip(start).find(|(_, line)| holds(line)).map(|(at, _)| at)
}

/// The lines of what is shown.
fn lines(state: &State) -> Vec<String> {
    match state.screen() {
        // It has a filter of its own.
        Screen::Board => Vec::new(),
        Screen::Sources => sources(state),
        Screen::Timeline => state.timeline.items.iter().map(|item| item_words(state, *item)).collect(),
        Screen::Playbooks => {
            let all = &state.playbooks.all;
            let named = |index: &usize| all.get(*index).map(|one| format!("{} {}", one.name, one.title));
            state.playbooks.order.iter().map(|index| named(index).unwrap_or_default()).collect()
        }
        Screen::Playbook => state.playbooks.playbook().map_or_else(Vec::new, |playbook| {
            playbook.steps.iter().map(|step| format!("{} {}", step.id, step.title)).collect()
        }),
        Screen::Review => plain(&review::text(state, layout::text_width(state))),
        Screen::Help => plain(&help::text(state, layout::text_width(state))),
        Screen::Stage => plain(&stage::text(state, layout::text_width(state))),
    }
}

fn plain(lines: &[Line<'_>]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

fn sources(state: &State) -> Vec<String> {
    if let Some(list) = state.sources.top() {
        return list.rows.iter().map(|row| row.name.clone()).collect();
    }
    let words = |source: &crate::model::source::Source| {
        let mut words = vec![source.address.to_string()];
        let tallies = [&source.rules, &source.countries, &source.user_agents, &source.requests_by_path];
        words.extend(tallies.into_iter().flatten().map(|(name, _)| name.clone()));
        words.join(" ")
    };
    state.sources.addresses().iter().map(words).collect()
}

fn item_words(state: &State, item: Item) -> String {
    let view = &state.timeline.view;
    match item {
        Item::Action(index) => view.actions.get(index).map_or_else(String::new, |action| {
            format!("{} {} {} {}", action.id, action.action.name(), action.stage.label(), action.action.aim())
        }),
        Item::Entry(index) => view.entries.get(index).map_or_else(String::new, |entry| {
            format!("{} {} {} {}", entry.kind, entry.title, entry.actor.label(), entry.detail.join(" "))
        }),
    }
}

/// The line that is at the cursor, or at the top.
fn place(state: &State) -> usize {
    match state.screen() {
        Screen::Board => state.list.cursor.at,
        Screen::Sources => state.sources.cursor.at,
        Screen::Timeline => state.timeline.cursor.at,
        Screen::Playbooks => state.playbooks.cursor.at,
        Screen::Playbook => state.playbooks.step.at,
        Screen::Review => state.review.as_ref().map_or(0, |review| review.scroll.0),
        Screen::Help => state.screens.help_scroll.0,
        Screen::Stage => state.depth.scroll.0,
    }
}

fn go(state: &mut State, line: usize) {
    let to = |cursor: &mut Cursor| cursor.at = line;
    match state.screen() {
        Screen::Board => {}
        Screen::Sources => to(&mut state.sources.cursor),
        Screen::Timeline => to(&mut state.timeline.cursor),
        Screen::Playbooks => to(&mut state.playbooks.cursor),
        Screen::Playbook => to(&mut state.playbooks.step),
        Screen::Review => {
            if let Some(review) = &mut state.review {
                review.scroll.0 = line;
            }
        }
        Screen::Help => state.screens.help_scroll.0 = line,
        Screen::Stage => state.depth.scroll.0 = line,
    }
    state.due.changed = true;
}
