//! `drill` and `live`: the screen and the account, wired together by two channels.
//!
//! The screen is started first and never waits: connecting, reading and writing happen in [`host`], and come back as events.

mod act;
mod host;
mod incident;
mod playbook;
mod surroundings;

use std::io::Write;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::unbounded_channel;

use super::args::{Common, DrillArgs, LiveArgs};
use super::config;
use super::error::{Exit, Failure};
use super::session::{connection, drill_store, store};
use super::text::span;
use crate::aws::{Connection, Endpoint};
use crate::drill::Drill;
use crate::model::timeline::ActionRecord;
use crate::playbook::Library;
use crate::tui::{self, Mode, Options, Theme, keymap};
use host::Host;
use surroundings::Surroundings;

/// `drill [SCENARIO]`: the screen on a range in this process.
pub(super) async fn drill(common: &Common, args: DrillArgs) -> Result<Exit, Failure> {
    let options = |mode| options(mode, args.keymap.as_deref());
    let drill = Drill::load(args.scenario.as_deref())?;
    let speed = args.speed.unwrap_or(drill.speed);
    if !(speed.is_finite() && speed > 0.0) {
        return Err(Failure::usage("--speed must be above zero"));
    }
    let mut options = options(Mode::Drill { scenario: drill.name.clone() })?;
    options.target = format!("drill {}", drill.name);
    let settings = if common.config.is_some() { config::settings(common)? } else { drill.settings.clone() };
    let seed = args.seed;
    let name = drill.name.clone();
    let surroundings = Surroundings {
        settings: Arc::new(settings),
        store: drill_store()?,
        incident: common.incident.clone(),
        title: format!("drill {name}"),
        always_new: common.incident.is_none(),
        may_write: true,
        exports: std::path::PathBuf::new(),
        playbooks: Arc::clone(&options.playbooks),
    };
    // Simulating the hour before the drill opens takes a moment: the screen is there meanwhile.
    let connect = async move {
        let opened = tokio::task::spawn_blocking(move || drill.range(speed, seed));
        let range = opened.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        Ok((Connection { endpoint: Endpoint::Range(range.clone()), ..Connection::default() }, Some((range, speed))))
    };
    run(options, surroundings, connect).await
}

/// `live`: the screen on AWS.
pub(super) async fn live(common: &Common, args: LiveArgs) -> Result<Exit, Failure> {
    let mode = if args.armed { Mode::Armed } else { Mode::ReadOnly };
    let mut options = options(mode, args.keymap.as_deref())?;
    let named = [&common.profile, &common.region, &common.endpoint_url];
    let named: Vec<&str> = named.into_iter().flatten().map(String::as_str).collect();
    options.target = if named.is_empty() { "asking AWS who we are".to_owned() } else { named.join(", ") };
    let surroundings = Surroundings {
        settings: Arc::new(config::settings(common)?),
        store: store()?,
        incident: common.incident.clone(),
        title: String::new(),
        always_new: false,
        may_write: args.armed,
        exports: std::path::PathBuf::new(),
        playbooks: Arc::clone(&options.playbooks),
    };
    let connection = connection(common);
    run(options, surroundings, async move { Ok((connection, None)) }).await
}

fn options(mode: Mode, named: Option<&std::path::Path>) -> Result<Options, Failure> {
    let file = config::keymap(named)?;
    let user = file.as_ref().map(|(path, text)| (path.as_path(), text.as_str()));
    let keymap = keymap::load(user).map_err(|error| Failure::usage(error.to_string()))?;
    let theme = Theme::choose(std::env::var_os("NO_COLOR").as_deref());
    // A broken file must not keep the console from starting at three in the morning: the view of playbooks says what is wrong.
    let library = Library::load(config::playbooks().as_deref());
    let mut options = Options::new(mode, keymap, theme);
    options.playbooks = library.playbooks.into();
    options.playbook_mistakes = library.mistakes.iter().map(ToString::to_string).collect();
    Ok(options)
}

async fn run(mut options: Options, surroundings: Surroundings, connect: impl host::Connect) -> Result<Exit, Failure> {
    let guards = &surroundings.settings.guards;
    options.admitted = guards.break_glass.iter().chain(&guards.never_block).flatten().copied().collect();
    let (event_sender, events) = unbounded_channel();
    let (effect_sender, effects) = unbounded_channel();
    let drill = matches!(options.mode, Mode::Drill { .. });
    let host = tokio::spawn(Host::run(surroundings, connect, event_sender, effects));
    // The screen is a task of its own, so that nothing the host does on this thread can hold it up.
    let screen = tokio::spawn(tui::run(options, events, effect_sender)).await;
    let left = host.await.unwrap_or_default();
    say_what_is_left(&left.in_force, left.at, drill);
    match screen {
        Ok(Ok(_)) => Ok(Exit::Done),
        Ok(Err(error)) => Err(Failure::new(Exit::Error, error.to_string())),
        Err(error) => Err(Failure::new(Exit::Error, format!("the screen failed: {error}"))),
    }
}

/// What stays in force, and what no console will undo now, with a line for a scheduler. A drill's range is gone with it, so
/// there is nothing that a sweep could undo.
fn say_what_is_left(in_force: &[ActionRecord], at: Option<DateTime<Utc>>, drill: bool) {
    if in_force.is_empty() {
        return;
    }
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "Still in force:");
    for action in in_force {
        let expiry = match (action.expires_at, at) {
            (Some(end), Some(now)) => format!("expires in {}", span(end - now)),
            (Some(end), None) => format!("expires at {}", super::text::clock(end)),
            (None, _) => "does not expire".to_owned(),
        };
        let _ = writeln!(out, "  {}  {} on {}, {expiry}", action.id, action.action.name(), action.stage.label());
    }
    if drill {
        let _ = writeln!(out, "All of it in the simulated account, which is gone now.");
    } else if in_force.iter().any(|action| action.expires_at.is_some()) {
        let _ = writeln!(out, "No console undoes them now. For a scheduler, for example cron:");
        let _ = writeln!(out, "  * * * * * portcullis sweep");
    }
}

#[cfg(test)]
mod tests;
