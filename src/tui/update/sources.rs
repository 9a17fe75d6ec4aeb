//! Who is sending what: reading, marking, and asking how long to block.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use crate::model::connection::StageAt;
use ipnet::IpNet;

use crate::model::source::{Legitimacy, Sources};

use crate::tui::effect::{Ask, Effect};
use crate::tui::format::count;
use crate::tui::list::Cursor;
use crate::tui::state::{Load, PromptKind, Screen, SourcesPane, State};

use super::{Effects, keys, prompt, stage};

/// Opens the sources of the stage on the screen and asks for them; a reading that is there already stays while it is renewed.
pub(crate) fn open(state: &mut State, effects: &mut Effects) {
    let Some(stage) = stage::chosen(state) else { return };
    if state.screen() == Screen::Board {
        state.list.held = Some(stage.clone());
    }
    if state.sources.stage.as_ref() != Some(&stage) {
        state.sources = SourcesPane { stage: Some(stage), ..SourcesPane::default() };
    }
    keys::go(state, Screen::Sources);
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

/// The sources are there. Marks and the cursor stay with their addresses; marks of addresses that are gone go with them.
pub(crate) fn loaded(state: &mut State, stage: &StageAt, result: Result<Arc<Sources>, String>) {
    let pane = &mut state.sources;
    if pane.stage.as_ref() != Some(stage) {
        return;
    }
    pane.reloading = false;
    state.changed = true;
    match result {
        Ok(sources) => {
            let under = pane.list().get(pane.cursor.at).map(|s| s.address);
            // Sets are found anew: the one chosen may be another now.
            pane.set = None;
            pane.marked.retain(|marked| sources.sources.iter().any(|s| s.address == *marked));
            let at = under.and_then(|a| sources.sources.iter().position(|s| s.address == a));
            pane.cursor = Cursor { at: at.unwrap_or(0), top: pane.cursor.top };
            pane.load = Load::Loaded(sources);
        }
        Err(reason) if matches!(pane.load, Load::Loaded(_)) => {
            state.complain(format!("not read again: {reason}"));
        }
        Err(reason) => pane.load = Load::Failed(reason),
    }
}

/// Marks the source under the cursor, or takes its mark away, and goes on to the next.
pub(crate) fn mark(state: &mut State) {
    let pane = &mut state.sources;
    let Some(address) = pane.list().get(pane.cursor.at).map(|s| s.address) else {
        return;
    };
    pane.set = None;
    if !pane.marked.remove(&address) {
        pane.marked.insert(address);
    }
    let len = pane.list().len();
    pane.cursor.move_by(1, len);
}

/// Marks what rules speak against and what was not seen before the attack. Not having been seen alone is no reason: most
/// customers are in no sample. Possible proxies are left out, since others stand behind them.
pub(crate) fn mark_suspects(state: &mut State) {
    let list = state.sources.list();
    let new = || list.iter().filter(|s| s.legitimacy != Legitimacy::SeenBefore);
    let suspects = || list.iter().filter(|s| s.is_suspect());
    let marked: Vec<IpAddr> = suspects().filter(|s| !s.behind_proxy).map(|s| s.address).collect();
    let proxies = suspects().filter(|s| s.behind_proxy).count();
    let unsuspected = new().filter(|s| s.against.is_empty()).count();
    let mut words = format!("marked {} that rules match and that were not there before", count(marked.len(), "source"));
    if proxies > 0 {
        let _ = write!(words, "; {proxies} left out as possible proxies");
    }
    if unsuspected > 0 {
        let _ = write!(words, "; {unsuspected} new, but matched by no rule: may be customers");
    }
    state.sources.set = None;
    state.sources.marked.extend(marked);
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
    let all: Vec<IpAddr> = state.sources.list().iter().map(|s| s.address).collect();
    let known = state.sources.list().iter().filter(|s| s.legitimacy == Legitimacy::SeenBefore).count();
    state.sources.set = None;
    state.sources.marked.extend(&all);
    state.complain(format!("{} marked, {known} of them seen before the attack", count(all.len(), "source")));
}

/// Asks how long to block what is marked, or else what is under the cursor.
pub(crate) fn block(state: &mut State, effects: &mut Effects) {
    let pane = &state.sources;
    let net = |address: IpAddr| IpNet::from(address.to_canonical());
    // In the order of the ranking, which is the order of the plan.
    let mut targets: Vec<IpNet> = match pane.chosen() {
        Some(set) => set.prefixes.iter().map(|prefix| prefix.prefix).collect(),
        None => pane.list().iter().map(|s| s.address).filter(|a| pane.marked.contains(a)).map(net).collect(),
    };
    if targets.is_empty() {
        targets.extend(pane.list().get(pane.cursor.at).map(|s| net(s.address)));
    }
    if targets.is_empty() {
        return;
    }
    let offered = state.block_for.clone();
    prompt::open(state, PromptKind::Duration { targets }, &offered, effects);
}
