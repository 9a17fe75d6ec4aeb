//! `drill` and `live`: the screen and the account, wired together by two channels.
//!
//! The screen is started first and never waits: connecting, reading and writing happen in [`host`], and come back as
//! events.

mod act;
mod acting;
mod host;
mod incident;
mod only_writer;
mod playbook;
mod states;
mod surroundings;
mod sweep;

use std::sync::Arc;

use tokio::sync::mpsc::unbounded_channel;

use super::args::{Common, DrillArgs, LiveArgs};
use super::config;
use super::error::{Exit, Failure};
use super::keymap;
use super::looks;
use super::out;
use super::session::{connections, drill_store, only, store};
use super::text::span;
use crate::aws::{Connection, Endpoint};
use crate::drill::Drill;
use crate::playbook::Library;
use crate::respond::desk::books::Whose;
use crate::tui::{self, Keymap, Mode, Options, Target, Theme};
use host::{Host, Left};
use surroundings::Surroundings;

/// `drill [SCENARIO]`: the screen on a range in this process.
pub(super) async fn drill(common: &Common, args: DrillArgs) -> Result<Exit, Failure> {
    let drill = Drill::load(args.scenario.as_deref())?;
    let speed = args.speed.unwrap_or(drill.speed);
    if !(speed.is_finite() && speed > 0.0) {
        return Err(Failure::usage("--speed must be above zero"));
    }
    let own = looks::settings_of_drill(args.theme.is_some() && args.keymap.is_some(), common)?;
    let theme = looks::theme(args.theme.as_deref(), common, &own)?;
    let keymap = keymap::in_force(args.keymap.as_deref(), common, &own)?;
    let mut options = options(Mode::Drill { scenario: drill.name.clone() }, keymap, theme);
    only(common)?;
    options.targets = vec![Target::only(format!("drill {}", drill.name))];
    let settings = if common.config.is_some() { config::settings(common)? } else { drill.settings.clone() };
    let seed = args.seed;
    let name = drill.name.clone();
    let surroundings = Surroundings {
        settings: Arc::new(settings),
        store: drill_store()?,
        whose: common.incident.clone().map_or_else(|| Whose::Own(format!("drill {name}")), Whose::Named),
        may_write: true,
        exports: std::path::PathBuf::new(),
        playbooks: Arc::clone(&options.playbooks),
    };
    on_a_screen(
        "drill",
        "without one, `portcullis range serve` serves the same account, and `portcullis snapshot --watch` prints its board line by line",
    )?;
    // Simulating the hour before the drill opens takes a moment: the screen is there meanwhile.
    let connect = async move {
        let id = drill.range_id(seed);
        let opened = tokio::task::spawn_blocking(move || drill.range(speed, seed));
        let range = opened.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        range.with(|range| range.set_id(&id));
        Ok((Connection { endpoint: Endpoint::Range(range.clone()), ..Connection::default() }, Some((range, speed))))
    };
    run(options, surroundings, vec![connect]).await
}

/// `live`: the screen on AWS, on every account and region that the flags name.
pub(super) async fn live(common: &Common, args: LiveArgs) -> Result<Exit, Failure> {
    let mode = if args.armed { Mode::Armed } else { Mode::ReadOnly };
    let settings = config::settings(common)?;
    let theme = looks::theme(args.theme.as_deref(), common, &settings)?;
    let keymap = keymap::in_force(args.keymap.as_deref(), common, &settings)?;
    let mut options = options(mode, keymap, theme);
    let connections = connections(common);
    if connections.len() > 1 && common.incident.is_some() {
        return Err(Failure::usage(
            "--incident names the incident of one account and region: give one --profile and --region",
        ));
    }
    options.targets = connections.iter().map(|connection| target(common, connection)).collect();
    let surroundings = Surroundings {
        settings: Arc::new(settings),
        store: store()?,
        whose: common.incident.clone().map_or(Whose::Newest, Whose::Named),
        may_write: args.armed,
        exports: std::path::PathBuf::new(),
        playbooks: Arc::clone(&options.playbooks),
    };
    on_a_screen("live", "without one, `portcullis snapshot --watch` prints the board after every poll, line by line")?;
    let connects = connections.into_iter().map(|connection| async move { Ok((connection, None)) });
    run(options, surroundings, connects.collect()).await
}

/// Refuses where there is no screen to draw on, before anything is written to whatever is there instead.
fn on_a_screen(command: &str, instead: &str) -> Result<(), Failure> {
    match out::no_screen() {
        Some(why) => Err(Failure::new(Exit::Error, format!("{command} needs a terminal, and {why}; {instead}"))),
        None => Ok(()),
    }
}

/// What a connection is called: by what tells it from the others, as a stage of it is written.
fn target(common: &Common, connection: &Connection) -> Target {
    let (profile, region) = (connection.profile.as_deref(), connection.region.as_deref());
    let words: Vec<&str> = [profile, region, common.endpoint_url.as_deref()].into_iter().flatten().collect();
    let words = if words.is_empty() { "asking AWS who we are".to_owned() } else { words.join(", ") };
    let profile = profile.filter(|_| common.profile.len() > 1);
    let region = region.filter(|_| common.region.len() > 1);
    let (name, prefix) = match (profile, region) {
        (Some(profile), Some(region)) => (format!("{profile}/{region}"), format!("{profile}/{region}:")),
        (Some(profile), None) => (profile.to_owned(), format!("{profile}/")),
        (None, Some(region)) => (region.to_owned(), format!("{region}:")),
        (None, None) => return Target::only(words),
    };
    Target { name, words, prefix }
}

fn options(mode: Mode, keymap: Keymap, (theme, asks): (Theme, bool)) -> Options {
    // A broken file must not keep the console from starting at three in the morning: the view of playbooks says what is
    // wrong.
    let library = Library::load(config::playbooks().as_deref());
    let mut options = Options::new(mode, keymap, theme);
    options.asks_background = asks;
    options.characters = looks::characters();
    options.kitty_keyboard = looks::kitty_keyboard();
    options.playbooks = library.playbooks.into();
    options.playbook_mistakes = library.mistakes.iter().map(ToString::to_string).collect();
    options
}

async fn run<C: host::Connect>(
    mut options: Options,
    surroundings: Surroundings,
    connects: Vec<C>,
) -> Result<Exit, Failure> {
    let guards = &surroundings.settings.guards;
    options.accounts.clone_from(&surroundings.settings.accounts);
    options.admitted = guards.break_glass.iter().chain(&guards.never_block).flatten().copied().collect();
    let (event_sender, events) = unbounded_channel();
    let (effect_sender, effects) = unbounded_channel();
    let drill = matches!(options.mode, Mode::Drill { .. });
    let targets = options.targets.clone();
    let named = targets.iter().map(|target| target.name.clone()).zip(connects).collect();
    let host = tokio::spawn(Host::run(surroundings, named, event_sender, effects));
    // The screen is a task of its own, so that nothing the host does on this thread can hold it up.
    let screen = tokio::spawn(tui::run(options, events, effect_sender)).await;
    let left = host.await.unwrap_or_default();
    for (target, left) in targets.iter().zip(&left) {
        say_what_is_left(target, left, drill);
    }
    match screen {
        Ok(Ok(_)) => Ok(Exit::Done),
        Ok(Err(error)) => Err(Failure::new(Exit::Error, error.to_string())),
        Err(error) => Err(Failure::new(Exit::Error, format!("the screen failed: {error}"))),
    }
}

/// What stays in force, and what no console will undo now, with a line for a scheduler. A drill's range is gone with
/// it, so there is nothing that a sweep could undo.
fn say_what_is_left(target: &Target, left: &Left, drill: bool) {
    let Left { in_force, at, twin } = left;
    // What is in force in one account and region is said once.
    if in_force.is_empty() || *twin {
        return;
    }
    let whose = if target.name.is_empty() { String::new() } else { format!(" in {}", target.name) };
    out::line(&format!("Still in force{whose}:"));
    for action in in_force {
        let expiry = match (action.expires_at, *at) {
            (Some(end), Some(now)) => format!("expires in {}", span(end - now)),
            (Some(end), None) => format!("expires at {}", super::text::clock(end)),
            (None, _) => "does not expire".to_owned(),
        };
        out::line(&format!("  {}  {} on {}, {expiry}", action.id, action.action.name(), action.stage.label()));
    }
    if drill {
        out::line("All of it in the simulated account, which is gone now.");
    } else if in_force.iter().any(|action| action.expires_at.is_some()) {
        out::line("No console undoes them now. For a scheduler, for example cron:");
        out::line(&format!("  * * * * * portcullis sweep{}", flags(target)));
    }
}

/// The flags that lead to one of several connections.
fn flags(target: &Target) -> String {
    match (target.name.split_once('/'), target.prefix.ends_with(':')) {
        _ if target.name.is_empty() => String::new(),
        (Some((profile, region)), true) => format!(" --profile {profile} --region {region}"),
        (_, true) => format!(" --region {}", target.name),
        _ => format!(" --profile {}", target.name),
    }
}

#[cfg(test)]
mod tests;
