//! The status line, the prompt, and the keys that matter here. The keys come from the keymap, pruned by rank as the
//! screen narrows; what cannot be done now is faint, and says why when it is pressed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, Widget};
use unicode_width::UnicodeWidthStr;

use crate::model::action::Form;
use crate::model::action::typed::usage;
use crate::model::plan::Plan;
use crate::tui::available::available;
use crate::tui::busy;
use crate::tui::command::{Command, Context};
use crate::tui::format::{counted, duration, lifetime};
use crate::tui::keymap::words as words_of;
use crate::tui::lines::choices;
use crate::tui::palette::Palette;
use crate::tui::state::{Prompt, PromptKind, State};

use super::{draw, header};

/// Draws the keys.
pub(crate) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let context = if state.typing.prompt.is_some() { Context::Prompt } else { state.screen().context() };
    let mut entries: Vec<(Command, String)> = Command::ALL
        .iter()
        .copied()
        .filter(|c| !c.label().is_empty())
        .filter(|c| {
            c.contexts().contains(&context) || (context != Context::Prompt && c.contexts().contains(&Context::Global))
        })
        .filter(|c| !(context == Context::Timeline && *c == Command::Timeline))
        .filter(|c| state.fleet.several() || *c != Command::NextAccount)
        .map(|c| (c, state.keys.key(context, c)))
        .collect();
    // What can be done now stays longest.
    entries.sort_by_key(|(command, _)| (available(state, *command).is_err(), command.rank()));
    let wide = |(command, key): &(Command, String)| key.width() + 1 + command.label().width() + 2;
    let mut room = usize::from(area.width) + 2;
    entries.retain(|entry| {
        let fits = wide(entry) <= room;
        room -= if fits { wide(entry) } else { 0 };
        fits
    });
    // The screen's own keys first, the ones that are the same everywhere last.
    entries.sort_by_key(|(command, _)| (command.contexts().contains(&Context::Global), command.rank()));
    let mut x = 0;
    for (command, key) in entries {
        let (first, second) = match available(state, command) {
            Ok(()) => (state.looks.theme.key, state.looks.theme.text),
            Err(_) => (state.looks.theme.faint, state.looks.theme.faint),
        };
        x += draw::left(buffer, draw::after(area, x), &key, first) + 1;
        x += draw::left(buffer, draw::after(area, x), command.label(), second) + 2;
    }
}

/// Draws what just happened, or the prompt; returns where the terminal's cursor belongs.
pub(crate) fn status(state: &State, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let cursor = said(state, area, buffer);
    if let Some(elapsed) = busy::words(state) {
        draw::right(buffer, draw::row(area, 0), &format!("  {elapsed}"), state.looks.theme.faint);
    }
    cursor
}

fn said(state: &State, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let theme = &state.looks.theme;
    if let Some(prompt) = &state.typing.prompt {
        let (words, style) = match &prompt.error {
            Some(error) => (error.clone(), theme.bad),
            None => (words(state, prompt), theme.heading),
        };
        let area = if prompt.kind == PromptKind::Confirm { framed(state, area, buffer) } else { area };
        draw::left(buffer, draw::row(area, 0), &words, style);
        let last = area.height.saturating_sub(1);
        for (row, (line, style)) in (1..last).zip(choices::lines(state, prompt)) {
            draw::left(buffer, draw::row(area, row), &line, style);
        }
        return Some(input(state, prompt, draw::row(area, last), buffer));
    }
    if let Some(words) = under_way(state) {
        draw::left(buffer, area, &words, theme.heading);
    } else if let Some(waiting) = state.fleet.waiting() {
        draw::left(buffer, area, &waiting, theme.warn);
    } else if let Some(status) = &state.status {
        let style = if status.bad { theme.warn } else { theme.text };
        draw::left(buffer, area, &status.text, style);
    } else if state.is_applying() {
        draw::left(buffer, area, "a change is being made …", theme.warn);
    } else if !state.list.filter.is_empty() {
        let words = format!("filter: {}", state.list.filter);
        draw::left(buffer, area, &words, theme.faint);
    }
    None
}

/// What has been pressed of a sequence, and what may follow.
fn under_way(state: &State) -> Option<String> {
    let context = state.screen().context();
    let keys = state.keys.sequence.keys(context);
    if keys.is_empty() {
        return None;
    }
    let follows = state.keys.map.follows(context, keys);
    let each: Vec<String> = follows.iter().map(|(rest, command)| format!("{rest} {}", command.name())).collect();
    Some(format!("{} …  {}  Esc ends it", words_of(keys), each.join(", ")))
}

/// Draws the frame of a confirmation, with what the console may do and whose account it does it to; gives what is
/// inside it.
fn framed(state: &State, area: Rect, buffer: &mut Buffer) -> Rect {
    // A terminal that is too low keeps the two lines.
    if area.height < 4 {
        return area;
    }
    let style = header::banner(state);
    let plan = state.ready_plan();
    let account =
        plan.map_or_else(String::new, |plan| format!("  {}", state.configured.account_words(&plan.identity.at)));
    let title = format!(" {}{account} ", header::mode(state));
    let edge = Style::new().fg(style.bg.unwrap_or_default()).add_modifier(style.add_modifier);
    let block = Block::bordered().border_style(edge).title(Line::styled(title, style));
    let inside = block.inner(area);
    block.render(area, buffer);
    inside
}

// Long: one arm for each prompt.
fn words(state: &State, prompt: &Prompt) -> String {
    match &prompt.kind {
        PromptKind::Filter { .. } => {
            format!("Show stages that match ({} shown, the best first)", state.list.order.len())
        }
        PromptKind::Find { .. } => "Find in what is shown (the same again: the next match)".to_owned(),
        PromptKind::Palette => {
            let found = state.typing.palette.as_ref().map_or(0, Palette::len);
            format!("A command, an action or a stage, by a few letters ({found} found)")
        }
        PromptKind::BlockList { stage } => {
            let life = &state.configured.block_for;
            format!(
                "Block on {}: PREFIX… [for TIME]; paste as many as you like (else for {life})",
                state.fleet.label(stage)
            )
        }
        PromptKind::Duration { targets } => {
            let until = match lifetime(prompt.input.value()) {
                Ok(Some(seconds)) => format!("for {}", duration(seconds)),
                Ok(None) => "until somebody undoes it".into(),
                Err(_) => "for …".into(),
            };
            format!("Plan to block {} {until}; how long? (empty: until undone)", counted(targets.len(), "source"))
        }
        PromptKind::Extend { action_id } => {
            format!("{action_id} stays in force from now on for how long? (empty: until undone)")
        }
        PromptKind::Input { .. } => playbook_input(state, prompt),
        PromptKind::Action { stage, name } => {
            let usage = Form::named(name).map_or_else(String::new, usage);
            format!("{name} on {}: {usage}", state.fleet.label(stage))
        }
        PromptKind::Export => "Export the timeline in which format? Its name or number".into(),
        PromptKind::Throttle { stage } => {
            format!(
                "Throttle on {}: METHOD PATH RATE/s BURST [FOR], * for every method; ↑ ↓ or a number chooses",
                state.fleet.label(stage)
            )
        }
        PromptKind::Close { stage } => {
            format!(
                "Close {} in which way, and for how long? Lightest first: WAY [FOR] [when-quiet] [because WHY]",
                state.fleet.label(stage)
            )
        }
        PromptKind::Propose { stage } => {
            format!("What would help {}, the best first; the number of the one to plan:", state.fleet.label(stage))
        }
        PromptKind::KillSwitch { stage } => {
            format!(
                "Close {} by its resource policy to all but: PREFIX… [on STAGE to prove it there] [for TIME]",
                state.fleet.label(stage)
            )
        }
        PromptKind::Confirm => {
            let phrase = state.ready_plan().map_or_else(String::new, Plan::short_phrase);
            format!("To carry the plan out, type:  {phrase}")
        }
        PromptKind::Reason { guards } => format!("Why override {}?", guards.join(", ")),
        PromptKind::Note { .. } => "A note for the timeline".into(),
    }
}

/// What the input that is being typed is for.
fn playbook_input(state: &State, prompt: &Prompt) -> String {
    let name = prompt.input.value().split('=').next().unwrap_or_default().trim();
    match state.playbooks.playbook().and_then(|playbook| playbook.input(name)) {
        Some(input) => format!("{} ({}), for example {}", input.describe, input.kind.word(), input.kind.example()),
        None => "An input of the playbook: NAME=VALUE".into(),
    }
}

fn input(state: &State, prompt: &Prompt, area: Rect, buffer: &mut Buffer) -> Position {
    // What is confirmed stands before what confirms it.
    let stage = state.ready_plan().filter(|_| prompt.kind == PromptKind::Confirm).map(|plan| plan.stage.label());
    let lead = stage.map_or_else(|| "> ".to_owned(), |stage| format!("{} > ", ending(&stage, area.width / 2)));
    let lead = draw::left(buffer, area, &lead, state.looks.theme.key);
    let area = draw::after(area, lead);
    let room = usize::from(area.width.saturating_sub(1));
    let scroll = prompt.input.visual_scroll(room);
    let shown: String = skip_columns(prompt.input.value(), scroll);
    draw::left(buffer, area, &shown, state.looks.theme.input);
    let column = prompt.input.visual_cursor().saturating_sub(scroll);
    let column = u16::try_from(column).unwrap_or(0).min(area.width.saturating_sub(1));
    Position::new(area.x + column, area.y)
}

/// A name as it ends, where it is too long: the end says which stage it is.
fn ending(name: &str, columns: u16) -> String {
    let (long, most) = (name.chars().count(), usize::from(columns).max(8));
    if long <= most {
        name.to_owned()
    } else {
        format!("…{}", name.chars().skip(long - most + 1).collect::<String>())
    }
}

fn skip_columns(text: &str, columns: usize) -> String {
    let mut skipped = 0;
    text.chars()
        .skip_while(|c| {
            let skip = skipped < columns;
            skipped += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
            skip
        })
        .collect()
}
