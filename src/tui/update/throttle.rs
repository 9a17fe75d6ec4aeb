//! Throttling: which method, and to what. The methods are offered with what each gets now.

use std::sync::Arc;

use crate::model::connection::ConnectionId;
use crate::model::stage_report::StageReport;
use crate::tui::effect::{Ask, Effect};
use crate::tui::state::{PromptKind, State};
use crate::tui::throttle_pane::ThrottlePane;

use super::{Effects, prompt, screens};

/// Asks which method to throttle, and to what.
pub(crate) fn open(state: &mut State, effects: &mut Effects) {
    let Some(stage) = screens::chosen_to_type(state) else { return };
    let is_its = |report: &&Arc<StageReport>| report.stage == stage.stage && state.depth.stage.as_ref() == Some(&stage);
    let report = state.depth.report.as_ref().filter(is_its).cloned();
    if report.is_none() {
        effects.push(Effect::To(stage.at, Ask::LoadStage(stage.stage.clone())));
    }
    state.typing.throttle = Some(ThrottlePane { stage: stage.clone(), report, chosen: None, offered: String::new() });
    prompt::open(state, PromptKind::Throttle { stage: stage.clone() }, "", effects);
    offer_attacked(state);
}

/// A stage was read in depth: its methods are what is waited for.
pub(crate) fn arrived(state: &mut State, at: ConnectionId, report: &Arc<StageReport>) {
    let Some(pane) = &mut state.typing.throttle else { return };
    if pane.stage.at == at && pane.stage.stage == report.stage {
        let chosen = pane.chosen.and_then(|at| Some(pane.methods()?.ok()?.get(at)?.name.clone()));
        pane.report = Some(Arc::clone(report));
        state.due.changed = true;
        let Some(name) = chosen else { return offer_attacked(state) };
        // Whoever has chosen keeps what was chosen, wherever it stands now.
        let methods = pane.methods().and_then(Result::ok).unwrap_or_default();
        pane.chosen = methods.iter().position(|method| method.name == name);
    }
}

/// The method that is proposed to be throttled is offered at once.
fn offer_attacked(state: &mut State) {
    let Some(pane) = &state.typing.throttle else { return };
    let methods = pane.methods().and_then(Result::ok).unwrap_or_default();
    let found = state.asked.proposals(&pane.stage);
    let steps = || found.into_iter().flat_map(|found| &found.proposals).filter_map(|step| step.action.as_ref());
    let attacked = methods.iter().position(|method| {
        steps().any(|action| matches!(action, crate::model::action::Action::Throttle(one) if one.method.as_ref().is_some_and(|name| name.to_string() == method.name)))
    });
    if let Some(at) = attacked {
        offer(state, at);
    }
}

/// To another method.
pub(crate) fn moved(state: &mut State, delta: isize) {
    let Some(pane) = &state.typing.throttle else { return };
    let Some(last) = pane.len().checked_sub(1) else { return };
    let at = match pane.chosen {
        Some(at) => at.saturating_add_signed(delta).min(last),
        None if delta < 0 => last,
        None => 0,
    };
    offer(state, at);
}

/// Whether the text is the number of a method, which is offered then.
pub(crate) fn numbered(state: &mut State, text: &str) -> bool {
    let number = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let len = state.typing.throttle.as_ref().map_or(0, ThrottlePane::len);
    let Some(at) = number.filter(|at| *at < len) else { return false };
    if let Some(prompt) = &mut state.typing.prompt {
        prompt.input = tui_input::Input::default();
    }
    offer(state, at);
    true
}

/// Puts a method into the prompt, unless somebody has typed something else.
fn offer(state: &mut State, at: usize) {
    let Some(pane) = &state.typing.throttle else { return };
    let is_calm = state.is_calm(&pane.stage);
    let Some(text) = pane.typed(at, state.asked.proposals(&pane.stage), is_calm) else { return };
    let (Some(pane), Some(prompt)) = (&mut state.typing.throttle, &mut state.typing.prompt) else { return };
    let typed = prompt.input.value();
    if typed.is_empty() || typed == pane.offered {
        prompt.input = text.clone().into();
        prompt.error = None;
        pane.offered = text;
    }
    pane.chosen = Some(at);
    state.due.changed = true;
}
