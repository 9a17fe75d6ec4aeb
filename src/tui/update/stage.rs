//! Actions on the stage on the screen: throttle, flush, close. Each asks in one line what is meant, then for a plan.

use std::sync::Arc;

use crate::model::action::{Action, Closure, FlushCache, Form, Terms};
use crate::model::connection::{ConnectionId, StageAt};
use crate::model::ladder::{Ladder, Rung};
use crate::model::proposal::{Proposals, ProposedStep};
use crate::model::stage::StageId;
use crate::model::stage_report::StageReport;

use crate::tui::effect::{Ask, Effect};
use crate::tui::format::lifetime;
use crate::tui::list::Scroll;
use crate::tui::state::{DepthPane, LadderPane, Next, PromptKind, Screen, State, Subject};

use super::typed::{THROTTLE, selector};
use super::{Effects, prompt, review, screens, throttle};

/// Opens the selected stage and asks for it in depth.
pub(crate) fn open(state: &mut State, effects: &mut Effects) {
    let Some(stage) = state.selected_at() else { return };
    state.list.held = Some(stage.clone());
    if state.depth.stage.as_ref() != Some(&stage) {
        state.depth = DepthPane { stage: Some(stage), ..DepthPane::default() };
    }
    state.depth.scroll = Scroll::default();
    screens::go(state, Screen::Stage);
    reload(state, effects);
}

/// Asks for the open stage in depth again.
pub(crate) fn reload(state: &mut State, effects: &mut Effects) {
    let Some(StageAt { at, stage }) = state.depth.stage.clone() else { return };
    if !std::mem::replace(&mut state.depth.loading, true) {
        effects.push(Effect::To(at, Ask::LoadStage(stage)));
    }
}

/// A stage was read in depth; one that is not open any more is dropped.
pub(crate) fn read(state: &mut State, at: ConnectionId, report: Arc<StageReport>) {
    throttle::arrived(state, at, &report);
    if state.depth.stage.as_ref().is_some_and(|open| open.at == at && open.stage == report.stage) {
        state.depth.report = Some(report);
        state.depth.loading = false;
        state.due.changed = true;
    }
}

/// Asks which addresses to block.
pub(crate) fn block_list(state: &mut State, effects: &mut Effects) {
    let Some(stage) = screens::chosen_to_type(state) else { return };
    prompt::open(state, PromptKind::BlockList { stage }, "", effects);
}

/// Asks what an action of the table is to do.
pub(crate) fn any_action(state: &mut State, form: &'static Form, effects: &mut Effects) {
    let Some(stage) = screens::chosen_to_type(state) else { return };
    prompt::open(state, PromptKind::Action { stage, name: form.name }, "", effects);
}

/// Asks in which way to close.
pub(crate) fn close(state: &mut State, effects: &mut Effects) {
    let Some(stage) = screens::chosen_to_type(state) else { return };
    let offered = Closure::WebAcl.word();
    state.typing.ladder = Some(LadderPane {
        stage: stage.clone(),
        offered: offered.to_owned(),
        answer: None,
        proposals: None,
        entered: false,
        shown: None,
        changed: None,
    });
    effects.push(Effect::To(stage.at, Ask::LoadLadder(stage.stage.clone())));
    prompt::open(state, PromptKind::Close { stage }, offered, effects);
}

/// Asks what would help, and which of it to plan.
pub(crate) fn propose(state: &mut State, effects: &mut Effects) {
    let Some(stage) = screens::chosen_to_type(state) else { return };
    // What the first lines say is there at once, while it is read again.
    let known = state.asked.next_of(&stage).and_then(Next::known).cloned();
    let is_any = known.as_ref().is_some_and(|known| known.as_ref().is_ok_and(|found| !found.proposals.is_empty()));
    state.typing.ladder = Some(LadderPane {
        stage: stage.clone(),
        offered: String::new(),
        answer: None,
        proposals: known,
        entered: false,
        shown: None,
        changed: None,
    });
    effects.push(Effect::To(stage.at, Ask::LoadLadder(stage.stage.clone())));
    prompt::open(state, PromptKind::Propose { stage }, if is_any { "1" } else { "" }, effects);
}

/// The step of that number, and what to plan for it. Where the number meant another step when it was shown, that is
/// said first.
pub(crate) fn typed_proposal(state: &mut State, text: &str) -> Result<(Subject, ProposedStep), String> {
    let found = match state.typing.ladder.as_ref().and_then(|pane| pane.proposals.as_ref()) {
        Some(Ok(found)) => &found.proposals,
        Some(Err(why)) => return Err(format!("what would help is not known: {why}")),
        None => return Err("what would help is still being read".to_owned()),
    };
    let number = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let Some(step) = number.and_then(|number| found.get(number)) else {
        return Err(match found.len() {
            0 => "nothing is proposed; Esc leaves".to_owned(),
            1 => "type 1 to plan it; Esc leaves".to_owned(),
            most => format!("type a number from 1 to {most} to plan that step; Esc leaves"),
        });
    };
    let was = state
        .typing
        .ladder
        .as_ref()
        .and_then(|pane| pane.shown.as_ref())
        .and_then(|shown| shown.proposals.get(number?));
    if let Some(was) = was.filter(|was| !was.is_same(step)) {
        let why = format!("{text} has changed: {}; Enter plans it, Esc leaves", was.become_words(step));
        if let Some(pane) = &mut state.typing.ladder {
            pane.shown = pane.proposals.as_ref().and_then(|known| known.as_ref().ok().cloned());
        }
        return Err(why);
    }
    let undo = |action_id: &String| Subject::Undo { action_id: action_id.clone(), terms: Terms::default() };
    let mut action = step.action.clone();
    // A block stands for as long as one that is planned from the sources.
    if let Some(Action::BlockIp(block)) = action.as_mut() {
        block.terms.expires_after_seconds = lifetime(&state.configured.block_for)?;
    }
    let subject = action.map(Subject::Action).or(step.action_id.as_ref().map(undo));
    let subject = subject.ok_or_else(|| format!("that one is done by a command: {}", step.command))?;
    Ok((subject, step.clone()))
}

/// The ways of closing have arrived: shown while the choice is open. What was offered makes way for what is
/// recommended, unless somebody has begun to type.
pub(crate) fn ladder_arrived(state: &mut State, stage: &StageAt, result: Result<Box<Ladder>, String>) {
    let Some(pane) = state.typing.ladder.as_mut().filter(|pane| pane.stage == *stage) else { return };
    let Some(prompt) = &mut state.typing.prompt else { return };
    if !matches!(&prompt.kind, PromptKind::Close { stage: asked } if asked == stage) {
        return;
    }
    let recommended = result.as_ref().ok().and_then(|ladder| typed(ladder.recommended()?));
    if let Some(text) = recommended.filter(|_| prompt.input.value() == pane.offered) {
        prompt.input = text.into();
    }
    pane.answer = Some(result);
    state.due.changed = true;
}

/// What the first step that has become another one was and is now.
fn changed(shown: &Proposals, now: &Proposals) -> Option<String> {
    let other = |at: usize, was: &ProposedStep| now.proposals.get(at).is_none_or(|is| !was.is_same(is));
    let (at, was) = shown.proposals.iter().enumerate().find(|(at, was)| other(*at, was))?;
    let became = now.proposals.get(at).map_or_else(|| format!("{} → nothing", was.what), |is| was.become_words(is));
    Some(format!("changed since it was proposed: {became}"))
}

/// Whether Enter came before what would help was there: it is kept until it is.
pub(crate) fn entered_early(state: &mut State) -> bool {
    let Some(pane) = state.typing.ladder.as_mut().filter(|pane| pane.proposals.is_none()) else { return false };
    pane.entered = true;
    if let Some(prompt) = &mut state.typing.prompt {
        prompt.error = Some("planned as soon as it is known; Esc leaves".to_owned());
    }
    true
}

/// What would help and is lighter has arrived: shown above the ways of closing while they are. Says whether Enter came
/// before it, so that it is to be planned at once.
#[must_use]
pub(crate) fn proposals_arrived(state: &mut State, stage: &StageAt, result: Result<Box<Proposals>, String>) -> bool {
    let Some(pane) = state.typing.ladder.as_mut().filter(|pane| pane.stage == *stage) else { return false };
    let is_any = result.as_ref().is_ok_and(|found| !found.proposals.is_empty());
    let shown = pane.shown.clone().or_else(|| pane.proposals.as_ref()?.as_ref().ok().cloned());
    pane.changed = shown.as_ref().and_then(|shown| changed(shown, result.as_ref().ok()?));
    pane.shown = shown.or_else(|| result.as_ref().ok().cloned());
    pane.proposals = Some(result);
    state.due.changed = true;
    let Some(prompt) = &mut state.typing.prompt else { return false };
    if !matches!(&prompt.kind, PromptKind::Propose { stage: asked } if asked == stage) {
        return false;
    }
    // What was said while it was still being read is so no more; the best stands there already, unless somebody has
    // begun to type.
    prompt.error = None;
    if is_any && prompt.input.value().is_empty() {
        prompt.input = "1".into();
    }
    std::mem::take(&mut pane.entered)
}

/// A way as it is typed at the prompt.
fn typed(rung: &Rung) -> Option<String> {
    match rung.action.as_ref()? {
        Action::Throttle(throttle) => {
            let method = throttle.method.as_ref()?;
            Some(format!("{THROTTLE} {method} {} {}", throttle.rate, throttle.burst))
        }
        // It has a key and a prompt of its own.
        Action::KillSwitch(_) => Some(String::new()),
        _ => Some(rung.way.word().to_owned()),
    }
}

/// Asks whom a closing policy is to let in: whom it was just proven to let in, else the configuration's own, proven on
/// another stage.
pub(crate) fn kill_switch(state: &mut State, effects: &mut Effects) {
    let Some(stage) = screens::chosen_to_type(state) else { return };
    let text = match &state.typing.proven {
        Some((of, allow)) if *of == stage => allow.clone(),
        _ if state.configured.admitted.is_empty() => String::new(),
        _ => {
            let same_api = |id: &&StageId| id.api_id == stage.stage.api_id && id.stage != stage.stage.stage;
            let stages = state.fleet.get(stage.at).stages().iter();
            let other = stages.map(|row| &row.id).find(same_api).map(|id| id.stage.clone());
            let allow = state.configured.admitted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            other.map_or_else(|| allow.clone(), |other| format!("{allow} on {other}")).trim_start().to_owned()
        }
    };
    prompt::open(state, PromptKind::KillSwitch { stage }, &text, effects);
}

/// Plans to flush a cache.
pub(crate) fn flush(state: &mut State, authorizers: bool, effects: &mut Effects) {
    let Some(stage) = screens::chosen(state) else { return };
    let action = FlushCache { stage: selector(&stage.stage), authorizers, terms: Terms::default() };
    review::ask(state, stage.at, Subject::Action(Action::FlushCache(action)), effects);
}
