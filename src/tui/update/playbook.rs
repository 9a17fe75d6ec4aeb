//! Playbooks on the screen: which there are, which answers what stands, and one of them step by step.
//!
//! What a step has come to is read from the incident's runs alone, so that the screen and the command line agree.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::action::Terms;
use crate::model::attack::AttackKind;
use crate::model::connection::{ConnectionId, StageAt};
use crate::model::playbook::{Playbook, RunRecord, Step, StepState, Task, Value};

use crate::tui::effect::{Ask, Effect, StepOf};
use crate::tui::list::Cursor;
use crate::tui::playbooks::PlaybooksPane;
use crate::tui::state::{PromptKind, Screen, State, Subject};

use super::{Effects, prompt, review, screens};

/// The kind of the attack on that stage: as somebody has said, else as the figures tell it.
pub(crate) fn kind(state: &State) -> Option<AttackKind> {
    let stage = state.playbooks.stage.as_ref()?;
    let said = state.fleet.get(stage.at).timeline.attacks.on(&stage.stage).and_then(|attack| attack.kind);
    said.or(state.fleet.row(stage)?.kind_of_attack())
}

/// Sorts anew, and keeps the cursor on the playbook it was on.
pub(crate) fn arrange(state: &mut State) {
    let (standing, kind) = (state.standing(), kind(state));
    let pane = &mut state.playbooks;
    let under = pane.order.get(pane.cursor.at).copied();
    let mut order: Vec<usize> = (0..pane.all.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(pane.all[*index].fits(kind, &standing)));
    if let Some(at) = under.and_then(|under| order.iter().position(|index| *index == under)) {
        pane.cursor.at = at;
    }
    pane.order = order;
}

/// Shows the playbooks for the stage on the screen.
pub(crate) fn open_list(state: &mut State) {
    state.playbooks.stage = screens::chosen(state);
    // A stage of that name in another account may have runs of its own.
    let at = state.playbooks.stage.as_ref().map(|stage| stage.at).unwrap_or_default();
    state.playbooks.runs = Arc::clone(&state.fleet.get(at).runs);
    state.playbooks.order.clear();
    state.playbooks.cursor = Cursor::default();
    arrange(state);
    screens::go(state, Screen::Playbooks);
}

/// Opens the playbook under the cursor, where its run has got to.
pub(crate) fn open(state: &mut State) {
    let pane = &mut state.playbooks;
    let Some(index) = pane.order.get(pane.cursor.at).copied() else { return };
    let playbook = &pane.all[index];
    let is_over = |run: &&RunRecord| playbook.next(Some(run)).is_none();
    pane.over = pane.runs.iter().filter(is_over).map(|run| run.id.clone()).collect();
    pane.open = Some(index);
    let run = pane.run();
    let at = playbook.next(run).and_then(|next| playbook.steps.iter().position(|step| step.id == next.id));
    pane.given = run.map(|run| given(playbook, run)).unwrap_or_default();
    pane.step = Cursor { at: at.unwrap_or_default(), top: 0 };
    screens::go(state, Screen::Playbook);
}

/// The inputs that a run was given.
fn given(playbook: &Playbook, run: &RunRecord) -> BTreeMap<String, Value> {
    let typed = run.inputs.iter().filter_map(|(name, text)| {
        let value = playbook.input(name)?.kind.parse(text).ok()?;
        Some((name.clone(), value))
    });
    typed.collect()
}

/// The runs, anew. A step that was under the cursor and is over now passes the cursor on.
pub(crate) fn arrived(state: &mut State, at: ConnectionId, runs: Arc<[RunRecord]>) {
    state.fleet.get_mut(at).runs = Arc::clone(&runs);
    state.due.changed = true;
    if state.playbooks.stage.as_ref().is_some_and(|stage| stage.at != at) {
        return;
    }
    let pane = &mut state.playbooks;
    let over = |pane: &PlaybooksPane| pane.selected_step().zip(pane.run()).is_some_and(|(step, run)| run.is_over(step));
    let before = over(pane);
    pane.runs = runs;
    if !before && over(pane) {
        let next = pane.playbook().and_then(|playbook| {
            let next = playbook.next(pane.run())?;
            playbook.steps.iter().position(|step| step.id == next.id)
        });
        pane.step.at = next.unwrap_or(pane.step.at);
    }
}

fn chosen(state: &State) -> Option<(ConnectionId, StepOf, Step)> {
    let pane = &state.playbooks;
    let step = pane.selected_step()?.clone();
    let StageAt { at, stage } = pane.stage.clone()?;
    let of =
        StepOf { playbook: pane.playbook()?.name.clone(), stage, step: step.id.clone(), inputs: pane.given.clone() };
    Some((at, of, step))
}

/// Does the selected step; asks first for an input that has to be given.
pub(crate) fn do_step(state: &mut State, effects: &mut Effects) {
    let Some((at, of, step)) = chosen(state) else { return };
    let missing = state.playbooks.playbook().and_then(|playbook| playbook.missing(&step, &of.inputs).next());
    if let Some(name) = missing.map(|input| input.name.clone()) {
        prompt::open(state, PromptKind::Input { then_do: true }, &format!("{name}="), effects);
        return;
    }
    match step.task {
        Task::Note { .. } => effects.push(Effect::To(at, Ask::EndStep { step: of, state: StepState::Read })),
        Task::Observe { .. } => {
            state.say(format!("observing {} …", step.id));
            effects.push(Effect::To(at, Ask::ObserveStep(of)));
        }
        Task::Action { .. } | Task::Undo { .. } => {
            review::ask(state, at, Subject::Step { step: of, terms: Terms::default() }, effects);
        }
    }
}

/// Leaves the selected step out.
pub(crate) fn skip(state: &mut State, effects: &mut Effects) {
    if let Some((at, step, _)) = chosen(state) {
        effects.push(Effect::To(at, Ask::EndStep { step, state: StepState::Skipped }));
    }
}

/// Asks for another value, the selected step's first input offered.
pub(crate) fn set_input(state: &mut State, effects: &mut Effects) {
    let pane = &state.playbooks;
    let Some(playbook) = pane.playbook() else { return };
    let own = pane.selected_step().and_then(|step| step.task.inputs().next());
    let Some(name) = own.or_else(|| playbook.inputs.first().map(|input| input.name.as_str())) else { return };
    let offered = format!("{name}={}", pane.value(name).unwrap_or_default());
    prompt::open(state, PromptKind::Input { then_do: false }, &offered, effects);
}

/// What was typed: `NAME=VALUE`.
pub(crate) fn typed(state: &mut State, text: &str) -> Result<(), String> {
    let pane = &mut state.playbooks;
    let playbook = pane.open.and_then(|open| pane.all.get(open)).ok_or("no playbook is open")?;
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let input = playbook.input(name.trim()).ok_or_else(|| {
        let names: Vec<&str> = playbook.inputs.iter().map(|input| input.name.as_str()).collect();
        format!("there is no input “{}”; there is {}", name.trim(), names.join(", "))
    })?;
    let value = input.kind.parse(value)?;
    pane.given.insert(input.name.clone(), value);
    Ok(())
}
