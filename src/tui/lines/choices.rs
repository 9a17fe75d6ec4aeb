//! What there is to choose from above a prompt: commands and stages, what would help, ways of closing.

use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::model::action::typed::{help, terms};
use crate::model::action::{Form, Parameter};
use crate::model::board::Known;
use crate::model::export::Format;
use crate::model::ladder::Rung;
use crate::model::proposal::ProposedStep;
use crate::model::stage_report::MethodRow;
use crate::tui::available::{can, can_plan};
use crate::tui::format::rate;
use crate::tui::list::Cursor;
use crate::tui::palette::{Entry, Palette};
use crate::tui::state::{LadderPane, Prompt, PromptKind, State};
use crate::tui::throttle_pane::limit as limit_offered;

/// Lines of the palette, and of the methods.
const PALETTE_LINES: usize = 12;

/// Columns of a method's name.
const MOST_OF_A_NAME: usize = 40;

/// The ways of closing while one is being chosen, a line each, and how each is drawn.
pub(crate) fn lines(state: &State, prompt: &Prompt) -> Vec<(String, Style)> {
    let theme = &state.looks.theme;
    let pane = match (&prompt.kind, &state.typing.ladder) {
        (PromptKind::Palette, _) => return palette(state),
        (PromptKind::Throttle { .. }, _) => return methods(state),
        (PromptKind::Action { name, .. }, _) => return parameters(state, name),
        (PromptKind::Export, _) => return formats(state),
        (PromptKind::Propose { .. }, Some(pane)) => return proposed(state, pane),
        (PromptKind::Close { .. }, Some(pane)) => pane,
        _ => return Vec::new(),
    };
    let ladder = match &pane.answer {
        None => {
            let waiting = state.fleet.waiting().map_or_else(String::new, |what| format!("; {what}"));
            return vec![(format!("reading what each way would do …{waiting}"), theme.faint)];
        }
        Some(Err(why)) => return vec![(format!("what each way would do is not known: {why}"), theme.warn)],
        Some(Ok(ladder)) => ladder,
    };
    let recommended = ladder.recommended().map(|rung| rung.way);
    let line = |rung: &Rung| {
        let mark = if recommended == Some(rung.way) { "→" } else { " " };
        let (said, style) = match (&rung.unfit, rung.stopped_by.first()) {
            (Some(why), _) => (format!("not now: {why}"), theme.faint),
            (None, Some(guard)) => (format!("{}: {} {}", guard.verdict.word(), guard.id, guard.reason), theme.faint),
            (None, None) => (rung.whom.clone().unwrap_or_else(|| rung.does.clone()), theme.text),
        };
        (format!("{mark} {:<13} {said}", rung.way.word()), style)
    };
    let calm = (!ladder.attack).then(|| ("no attack is known here: nothing is recommended".to_owned(), theme.faint));
    proposed(state, pane).into_iter().chain(ladder.rungs.iter().map(line)).chain(calm).collect()
}

/// What an action takes, a line each.
fn parameters(state: &State, name: &str) -> Vec<(String, Style)> {
    let Some(form) = Form::named(name) else { return Vec::new() };
    let line = |parameter: &Parameter| {
        let typed = parameter.typed?;
        let flag = typed.flag.map_or_else(|| typed.value_name.to_owned(), |flag| format!("--{flag}"));
        Some((format!("{flag:<18} {}", help(parameter)), state.looks.theme.text))
    };
    let term =
        |(flag, _, help): &(&str, &str, &str)| (format!("{:<18} {help}", format!("--{flag}")), state.looks.theme.faint);
    let heading = (form.doc.to_owned(), state.looks.theme.heading);
    let own = form.parameters.iter().filter_map(line);
    std::iter::once(heading).chain(own).chain(terms(form).iter().map(term)).collect()
}

/// The formats of an export, a line each.
fn formats(state: &State) -> Vec<(String, Style)> {
    let line = |(at, format): (usize, Format)| {
        (format!("{} {:<12} {}", at + 1, format.name(), format.title()), state.looks.theme.text)
    };
    Format::ALL.into_iter().enumerate().map(line).collect()
}

/// What would help, the best first; above the ways of closing where they are shown.
fn proposed(state: &State, pane: &LadderPane) -> Vec<(String, Style)> {
    let theme = &state.looks.theme;
    let found = match &pane.proposals {
        None => return vec![("reading what would help …".to_owned(), theme.faint)],
        Some(Err(why)) => return vec![(format!("what would help is not known: {why}"), theme.warn)],
        Some(Ok(found)) => found,
    };
    let none = found.none.as_ref().map(|why| (format!("nothing is proposed: {why}"), theme.faint));
    let line = |(n, step): (usize, &ProposedStep)| (format!("{} {}", n + 1, step.short()), theme.heading);
    let changed = pane.changed.as_ref().map(|changed| (changed.clone(), theme.warn));
    changed.into_iter().chain(found.proposals.iter().enumerate().map(line)).chain(none).collect()
}

/// The methods that can be throttled: what each gets now, its limit, and the one that is offered.
fn methods(state: &State) -> Vec<(String, Style)> {
    let theme = &state.looks.theme;
    let Some(pane) = &state.typing.throttle else { return Vec::new() };
    let methods = match pane.methods() {
        None => return vec![("reading the methods and what each gets …".to_owned(), theme.faint)],
        Some(Err(why)) => return vec![(format!("what each method gets is not known: {why}"), theme.warn)],
        Some(Ok(methods)) => methods,
    };
    let proposals = state.asked.proposals(&pane.stage);
    let is_calm = state.is_calm(&pane.stage);
    let widest = methods.iter().map(|method| method.name.width()).max().unwrap_or(0).min(MOST_OF_A_NAME);
    let height = PALETTE_LINES.min(usize::from(state.looks.size.1 / 2).saturating_sub(2));
    let cursor = Cursor { at: pane.chosen.unwrap_or(0), top: 0 };
    let first = cursor.first_shown(methods.len(), height);
    let line = |(at, method): (usize, &MethodRow)| {
        let mark = if pane.chosen == Some(at) { "▸" } else { " " };
        let now = method.requests_per_second.value().map_or_else(|| "?".to_owned(), rate);
        let limit = match &method.limit {
            Known::Yes(limit) => limit
                .rate
                .map_or_else(|| "no limit known".to_owned(), |most| format!("limit {}/s ({})", rate(most), limit.from)),
            _ => "limit ?".to_owned(),
        };
        let offered =
            limit_offered(method, proposals, is_calm).map_or_else(String::new, |(most, _)| format!(" → {most}/s"));
        let name = crate::model::text::shortened(&method.name, MOST_OF_A_NAME);
        (format!("{mark} {:>2} {name:<widest$}  {now}/s now, {limit}{offered}", at + 1), theme.text)
    };
    methods.iter().enumerate().skip(first).take(height).map(line).collect()
}

/// What the palette has found, around its cursor: the key, the name, and what it does or why not.
fn palette(state: &State) -> Vec<(String, Style)> {
    let Some(palette) = &state.typing.palette else { return Vec::new() };
    // A prompt and the board's first lines stay in sight.
    let height = PALETTE_LINES.min(usize::from(state.looks.size.1 / 2).saturating_sub(2));
    let first = palette.cursor.first_shown(palette.len(), height);
    let shown = (first..palette.len()).take(height);
    shown.filter_map(|at| Some(palette_line(state, palette, at, palette.line(at)?))).collect()
}

fn palette_line(state: &State, palette: &Palette, at: usize, entry: &Entry) -> (String, Style) {
    let theme = &state.looks.theme;
    let mark = if at == palette.cursor.at { "▸" } else { " " };
    match entry {
        Entry::Command(command) => {
            let key = state.keys.key(palette.context(), *command);
            let (said, style) = match can(state, *command) {
                Ok(()) => (command.doc().to_owned(), theme.text),
                Err(why) => (why, theme.faint),
            };
            (format!("{mark} {key:<10} {:<18} {said}", command.name()), style)
        }
        Entry::Action(form) => {
            let (said, style) = match can_plan(state, form) {
                Ok(()) => (form.doc.to_owned(), theme.text),
                Err(why) => (why, theme.faint),
            };
            (format!("{mark} {:<10} {:<18} {said}", "apply", form.name), style)
        }
        Entry::Stage { label, .. } => (format!("{mark} {:<10} {label}", "go to"), theme.text),
    }
}
