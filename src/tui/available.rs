//! Whether a command can do anything now, and if not, why: one place for the key handler, the footer and the help.

use crate::model::action::Form;
use crate::model::board::StageRow;
use crate::model::plan::{GuardResult, Plan};
use crate::model::playbook::StepState;
use crate::model::stage::ApiKind;
use crate::model::timeline::ActionState;

use super::command::Command;
use super::load::Load;
use super::palette::is_here;
use super::state::{Phase, Screen, State, stands};

/// `Err` says in one line why the command does nothing now.
// Long: one arm for each command, with the reason why it is not there.
pub(crate) fn available(state: &State, command: Command) -> Result<(), String> {
    match command {
        Command::Copy if state.screen() == Screen::Review => match state.review.as_ref().map(|review| &review.phase) {
            Some(Phase::Planning | Phase::Failed(_)) | None => Err("there is no plan yet".into()),
            Some(_) => Ok(()),
        },
        Command::Open | Command::Sources | Command::Playbooks | Command::Pin | Command::Copy => stage_chosen(state),
        Command::OpenPlaybook if state.playbooks.all.is_empty() => Err("there is no playbook".into()),
        Command::DoStep if state.playbooks.selected_step().is_some_and(|step| step.task.is_change()) => {
            can_do(state).and_then(|()| nothing_under_way(state))
        }
        Command::DoStep => can_do(state),
        Command::SkipStep => can_skip(state),
        Command::SetInput => can_set(state),
        Command::BlockList if is_http(state) => Err(NO_WAF_HERE.into()),
        Command::Propose
        | Command::BlockList
        | Command::Throttle
        | Command::FlushCache
        | Command::FlushAuthorizers
        | Command::Close
        | Command::KillSwitch => stage_chosen(state).and_then(|()| nothing_under_way(state)),
        Command::Mark => sources_listed(state).and_then(|()| markable(state)),
        Command::MarkSuspects | Command::MarkAll => sources_listed(state).and_then(|()| addresses_shown(state)),
        Command::NextList | Command::PreviousList => sources_listed(state),
        Command::NextSet if state.sources.sets().is_empty() => sources_listed(state).and_then(|()| Err(no_set(state))),
        Command::Unmark if state.sources.marked().is_empty() && state.sources.set.is_none() => {
            Err("nothing is marked".into())
        }
        Command::Reload if state.screen() == Screen::Stage && state.depth.loading => {
            Err("the stage is being read already".into())
        }
        Command::Reload if state.screen() == Screen::Stage => Ok(()),
        Command::Reload => match state.sources.load {
            Load::Loading => Err("the sources are being read already".into()),
            _ => Ok(()),
        },
        Command::Block if no_waf(state) => Err(NO_WAF_HERE.into()),
        Command::Block if state.sources.chosen().is_none() && state.sources.marked().is_empty() => {
            sources_listed(state).and_then(|()| markable(state)).and_then(|()| nothing_under_way(state))
        }
        Command::Block => sources_listed(state).and_then(|()| nothing_under_way(state)),
        Command::Confirm => confirm(state),
        Command::Override => overridable(state).map(|_| ()),
        Command::Replan => match state.review.as_ref().map(|r| &r.phase) {
            // What was not carried out, because the account is another one by now, is planned anew.
            Some(Phase::Ready(_) | Phase::Failed(_) | Phase::Done { result: Err(_), .. }) => Ok(()),
            Some(Phase::Planning) => Err("the plan is being made already".into()),
            _ => Err("this plan was carried out; plan the next one from the sources".into()),
        },
        Command::AllGuards | Command::WholeDiff => match state.review.as_ref().map(|review| &review.phase) {
            Some(Phase::Ready(_)) => Ok(()),
            _ => Err("there is no plan to read".into()),
        },
        Command::NextAccount if !state.fleet.several() => Err("only one account and region is watched".into()),
        Command::Undo => undo(state),
        Command::Extend => extend(state),
        Command::ExportMarkdown | Command::ExportJsonLines | Command::ExportAs
            if state.timeline.view.entries.is_empty() =>
        {
            Err("the timeline is empty: nothing to export".into())
        }
        _ => Ok(()),
    }
}

/// Whether a command can be done on the screen that is shown, as the palette offers it.
///
/// # Errors
/// The reason, in one line.
pub(crate) fn can(state: &State, command: Command) -> Result<(), String> {
    let context = state.screen().context();
    if !is_here(command, context) {
        let place = command.contexts().first().map_or("another screen", |context| context.doc());
        return Err(format!("not available here; it belongs to {place}"));
    }
    available(state, command)
}

/// Whether an action of the table can be planned for the stage that is chosen here, with nothing under way.
///
/// # Errors
/// The reason, in one line.
pub(crate) fn can_plan(state: &State, form: &Form) -> Result<(), String> {
    // Every action but those of WAF is offered on the same screens.
    can(state, Command::Throttle)?;
    if row(state).is_some_and(|row| !form.apis.contains(&row.kind)) {
        return Err("HTTP APIs have no web ACL, no cache and no resource policy: it does not work here".to_owned());
    }
    Ok(())
}

const NO_WAF_HERE: &str = "WAF cannot be attached to HTTP APIs: nobody can be blocked here";

/// The stage on the screen.
fn row(state: &State) -> Option<&StageRow> {
    if state.screen() == Screen::Stage { state.open_row() } else { state.selected() }
}

/// Whether it is an HTTP API's.
fn is_http(state: &State) -> bool {
    row(state).is_some_and(|row| row.kind == ApiKind::Http)
}

fn stage_chosen(state: &State) -> Result<(), String> {
    let chosen = match state.screen() {
        Screen::Stage => state.depth.stage.is_some(),
        _ => state.selected().is_some(),
    };
    if chosen {
        return Ok(());
    }
    if let (true, Some(held)) = (state.list.gone, &state.list.held) {
        return Err(format!("{} is no longer on the board; move to another stage first", state.fleet.label(held)));
    }
    let known = state.fleet.iter().any(|(_, watched)| !watched.stages().is_empty());
    Err(if known { "no stage matches the filter".into() } else { "no stage is known yet".into() })
}

fn sources_listed(state: &State) -> Result<(), String> {
    match &state.sources.load {
        Load::Loaded(sources) if sources.sources.is_empty() => Err("the samples name no source".into()),
        Load::Loaded(_) => Ok(()),
        Load::Failed(_) => Err("the sources could not be read; read them again first".into()),
        Load::Loading | Load::Idle => Err("the sources are still being read".into()),
    }
}

fn no_waf(state: &State) -> bool {
    let row = state.sources.stage.as_ref().and_then(|stage| state.fleet.row(stage));
    row.is_some_and(|row| row.kind == ApiKind::Http)
}

fn markable(state: &State) -> Result<(), String> {
    match state.sources.top() {
        Some(list) if !state.sources.can_mark() => {
            Err(format!("{} cannot be blocked here; mark addresses or prefixes", list.of.title()))
        }
        _ => Ok(()),
    }
}

fn addresses_shown(state: &State) -> Result<(), String> {
    let Some(list) = state.sources.top() else { return Ok(()) };
    Err(format!("these are {}; go back to the addresses first", list.of.title()))
}

fn no_set(state: &State) -> String {
    let reason = match &state.sources.load {
        Load::Loaded(sources) => sources.candidates.reason.clone(),
        _ => None,
    };
    reason.unwrap_or_else(|| "no set of prefixes is proposed".into())
}

fn nothing_under_way(state: &State) -> Result<(), String> {
    if state.is_applying() { Err("a change is being made; wait for its outcome".into()) } else { Ok(()) }
}

fn confirm(state: &State) -> Result<(), String> {
    match state.review.as_ref().map(|r| &r.phase) {
        None | Some(Phase::Planning) => Err("the plan is still being made".into()),
        Some(Phase::Failed(_)) => Err("there is no plan to confirm; plan again".into()),
        Some(Phase::Applying { .. }) => Err("the plan is being carried out".into()),
        Some(Phase::Done { .. }) => Err("this plan has already been applied".into()),
        Some(Phase::Ready(plan)) => confirmable(state, plan),
    }
}

/// Whether `plan` may be confirmed on this console at all, whatever is typed.
pub(crate) fn confirmable(state: &State, plan: &Plan) -> Result<(), String> {
    let halting: Vec<&str> = plan.halting().map(|g| g.id.as_str()).collect();
    if !state.mode.may_apply() {
        Err("READ-ONLY: this console cannot apply a plan; start it with --armed".into())
    } else if let Some(other) = state.review.as_ref().and_then(|review| state.fleet.get(review.at).same_as) {
        Err(format!("{} is the same account and region: plan it there, it alone changes it", state.fleet.name(other)))
    } else if !halting.is_empty() {
        Err(format!("halted by {}", halting.join(", ")))
    } else if plan.is_empty() {
        Err("there is nothing to change".into())
    } else if state.too_small() {
        Err("the terminal is too small to review a plan; make it larger".into())
    } else {
        Ok(())
    }
}

/// The guards an override would lift, or why there are none.
pub(crate) fn overridable(state: &State) -> Result<Vec<&GuardResult>, String> {
    let Some(plan) = state.ready_plan() else {
        return Err("there is no plan to override a guard of".into());
    };
    let halting: Vec<&GuardResult> = plan.halting().collect();
    if halting.is_empty() {
        return Err("no guard halts this plan".into());
    }
    if let Some(firm) = halting.iter().find(|g| !g.can_be_overridden) {
        return Err(format!("{} cannot be overridden", firm.id));
    }
    Ok(halting)
}

fn extend(state: &State) -> Result<(), String> {
    if !state.mode.may_apply() {
        return Err("READ-ONLY: this console changes no expiry; start it with --armed".into());
    }
    match state.selected_action() {
        None => Err("choose an action, or an entry that belongs to one".into()),
        Some(action) if matches!(action.state, ActionState::InForce | ActionState::Unclear) => Ok(()),
        Some(action) => Err(format!("{} is {}, so it does not expire", action.id, action.state.word())),
    }
}

fn undo(state: &State) -> Result<(), String> {
    nothing_under_way(state)?;
    let Some(action) = state.selected_action() else {
        return Err("choose an action, or an entry that belongs to one".into());
    };
    match action.state {
        ActionState::Undone => Err(format!("{} has already been undone", action.id)),
        ActionState::Final | ActionState::Lapsed => Err(format!("{} cannot be undone", action.id)),
        ActionState::NotDone => Err(format!("{} changed nothing", action.id)),
        other if stands(other) => Ok(()),
        _ => Ok(()),
    }
}

/// Whether the selected step can be done now, and if not, why.
fn can_do(state: &State) -> Result<(), String> {
    let pane = &state.playbooks;
    let step = pane.selected_step().ok_or("no playbook is open")?;
    let run = pane.run();
    if let Some(state) = run.filter(|run| run.is_over(step)).and_then(|run| run.step(&step.id)).map(|known| known.state)
        && state != StepState::NotObserved
    {
        return Err(format!("step {} is {} already", step.id, state.words()));
    }
    let Some(about) = step.task.about() else { return Ok(()) };
    match run.and_then(|run| run.step(about)) {
        Some(known) if known.action_id.is_some() => Ok(()),
        Some(known) if matches!(known.state, StepState::Done | StepState::Skipped) => {
            Err(format!("step {about} changed nothing, so there is nothing to do; skip this one"))
        }
        _ => Err(format!("it is about step {about}, which has not been done")),
    }
}

/// Whether the selected step may be left out, and if not, why.
fn can_skip(state: &State) -> Result<(), String> {
    let pane = &state.playbooks;
    let step = pane.selected_step().ok_or("no playbook is open")?;
    let run = pane.run();
    if let Some(state) = run.filter(|run| run.is_over(step)).and_then(|run| run.step(&step.id)).map(|known| known.state)
    {
        return Err(format!("step {} is {} already", step.id, state.words()));
    }
    let about = step.task.about().and_then(|about| run?.step(about));
    let nothing = about
        .is_some_and(|known| known.action_id.is_none() && matches!(known.state, StepState::Done | StepState::Skipped));
    if step.optional || nothing { Ok(()) } else { Err(format!("step {} is not optional", step.id)) }
}

/// Whether there is an input to set.
fn can_set(state: &State) -> Result<(), String> {
    match state.playbooks.playbook() {
        Some(playbook) if playbook.inputs.is_empty() => Err("this playbook has no inputs".into()),
        Some(_) => Ok(()),
        None => Err("no playbook is open".into()),
    }
}
