//! Who is sending what: reading, marking, and asking how long to block.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::model::connection::StageAt;
use ipnet::IpNet;

use crate::model::source::{Legitimacy, Sources};

use crate::tui::command::{Command, Context};
use crate::tui::effect::{Ask, Effect};
use crate::tui::format::counted;
use crate::tui::load::Load;
use crate::tui::sources_pane::net;
use crate::tui::state::{PromptKind, Screen, SourcesPane, State};

use super::{Effects, prompt, screens};

/// The most commands that are kept until there is something to do them to.
const MOST_KEPT: usize = 8;

/// Opens the sources of the stage on the screen and asks for them; a reading that is there already stays while it is
/// renewed.
pub(crate) fn open(state: &mut State, effects: &mut Effects) {
    let Some(stage) = screens::chosen(state) else { return };
    if state.screen() == Screen::Board {
        state.list.held = Some(stage.clone());
    }
    if state.sources.stage.as_ref() != Some(&stage) {
        state.sources = SourcesPane::of(stage);
    }
    screens::go(state, Screen::Sources);
    reload(state, effects);
}

/// Asks for the sources again.
pub(crate) fn reload(state: &mut State, effects: &mut Effects) {
    let Some(stage) = state.sources.stage.clone() else {
        return;
    };
    if matches!(state.sources.load, Load::Loading) || state.sources.reloading {
        return;
    }
    if matches!(state.sources.load, Load::Loaded(_)) {
        state.sources.reloading = true;
    } else {
        state.sources.load = Load::Loading;
    }
    effects.push(Effect::To(stage.at, Ask::LoadSources(stage.stage)));
}

/// The sources are there. Marks and the cursor stay with their addresses; marks of addresses that are gone go with
/// them. Gives the commands that were kept until then.
#[must_use]
pub(crate) fn loaded(state: &mut State, stage: &StageAt, result: Result<Arc<Sources>, String>) -> Vec<Command> {
    let pane = &mut state.sources;
    if pane.stage.as_ref() != Some(stage) {
        return Vec::new();
    }
    pane.reloading = false;
    let kept = std::mem::take(&mut pane.kept);
    state.due.changed = true;
    match result {
        Ok(sources) => pane.take(sources),
        Err(reason) if matches!(pane.load, Load::Loaded(_)) => {
            state.complain(format!("not read again: {reason}"));
        }
        Err(reason) => pane.load = Load::Failed(reason),
    }
    kept
}

/// Keeps a command of this screen that was given before there is anything to do it to; any other one takes back those
/// that were kept.
pub(crate) fn keeps(state: &mut State, command: Command) -> bool {
    let waits = state.screen() == Screen::Sources && matches!(state.sources.load, Load::Loading);
    if !waits || command == Command::Reload || !command.contexts().contains(&Context::Sources) {
        state.sources.kept.clear();
        return false;
    }
    if state.sources.kept.len() < MOST_KEPT {
        state.sources.kept.push(command);
    }
    let names: Vec<&str> = state.sources.kept.iter().map(|command| command.name()).collect();
    state.say(format!("once the sources are there: {}", names.join(", ")));
    true
}

/// Marks the source under the cursor, or takes its mark away, and goes on to the next.
pub(crate) fn mark(state: &mut State) {
    let pane = &mut state.sources;
    let Some(net) = pane.under() else { return };
    pane.toggle(net);
    let len = pane.len();
    pane.cursor.move_by(1, len);
}

/// Marks what rules speak against and what was not seen before the attack. Not having been seen alone is no reason:
/// most customers are in no sample. Possible proxies are left out, since others stand behind them.
pub(crate) fn mark_suspects(state: &mut State) {
    let list = state.sources.addresses();
    let new = || list.iter().filter(|s| s.legitimacy != Legitimacy::SeenBefore);
    let suspects = || list.iter().filter(|s| s.is_suspect());
    let marked: Vec<IpNet> = suspects().filter(|s| !s.behind_proxy).map(net).collect();
    let proxies = suspects().filter(|s| s.behind_proxy).count();
    let unsuspected = new().filter(|s| s.against.is_empty()).count();
    let mut words =
        format!("marked {} that rules match and that were not there before", counted(marked.len(), "source"));
    if proxies > 0 {
        let _ = write!(words, "; {proxies} left out as possible proxies");
    }
    if unsuspected > 0 {
        let _ = write!(words, "; {unsuspected} new, but matched by no rule: may be customers");
    }
    state.sources.mark(marked);
    state.say(words);
}

/// Chooses the next candidate set, and none after the last.
pub(crate) fn next_set(state: &mut State) {
    let pane = &mut state.sources;
    let next = pane.set.map_or(0, |set| set + 1);
    pane.set = (next < pane.sets().len()).then_some(next);
    let words = pane.chosen().map_or_else(|| "no set chosen".to_owned(), |set| format!("to block: {}", set.words()));
    state.say(words);
}

/// Marks everything that is listed.
pub(crate) fn mark_all(state: &mut State) {
    let all: Vec<IpNet> = state.sources.addresses().iter().map(net).collect();
    let known = state.sources.addresses().iter().filter(|s| s.legitimacy == Legitimacy::SeenBefore).count();
    let marked = counted(all.len(), "source");
    state.sources.mark(all);
    state.complain(format!("{marked} marked, {known} of them seen before the attack"));
}

/// Asks how long to block what is marked, or else what is under the cursor.
pub(crate) fn block(state: &mut State, effects: &mut Effects) {
    let pane = &state.sources;
    // In the order of the ranking, which is the order of the plan.
    let mut targets: Vec<IpNet> = match pane.chosen() {
        Some(set) => set.prefixes.iter().map(|prefix| prefix.prefix).collect(),
        None => pane.targets(),
    };
    if targets.is_empty() {
        targets.extend(pane.under());
    }
    if targets.is_empty() {
        return;
    }
    let offered = state.configured.block_for.clone();
    prompt::open(state, PromptKind::Duration { targets }, &offered, effects);
}
