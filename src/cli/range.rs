//! `range serve`.

use std::hash::BuildHasher as _;

use super::args::{Common, RangeCommand};
use super::error::{Exit, Failure};
use super::json::Printer;
use super::out;
use crate::drill::Drill;
use crate::incident::default_root;

/// Serves the simulated account until it is stopped.
pub(super) async fn range(common: &Common, command: RangeCommand, printer: Printer) -> Result<Exit, Failure> {
    let RangeCommand::Serve(args) = command;
    if !args.listen.ip().is_loopback() {
        return Err(Failure::usage(format!(
            "{} is not a loopback address; the range is for this machine only",
            args.listen
        )));
    }
    if !(args.speed.is_finite() && args.speed > 0.0) {
        return Err(Failure::usage("--speed must be above zero"));
    }
    let drill = Drill::load(args.scenario.as_deref())?;
    let listener = tokio::net::TcpListener::bind(args.listen).await.map_err(|error| {
        Failure::new(
            Exit::Error,
            format!("{} cannot be listened on: {error}. Choose another with --listen", args.listen),
        )
    })?;
    let address = listener.local_addr()?;
    let handle = drill.range(args.speed, args.seed)?;
    let id = new_id(address);
    handle.with(|range| {
        range.set_trust_forwarded_for(args.trust_forwarded_for);
        range.set_id(&id);
    });
    let (range, clock) = handle.parts();
    let region = handle.with(|range| range.account().region.clone());
    announce(common, &drill, region, address)?;
    if out::is_lost() {
        // Nobody can find out where it listens.
        return Ok(Exit::Done);
    }
    printer.aside(&[format!(
        "{}: serving on http://{address} as range {id}, account time ×{}. Stop with Ctrl-C",
        drill.name, args.speed
    )]);
    tokio::select! {
        served = portcullis_range::serve(listener, range, clock) => served?,
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(Exit::Done)
}

/// What no other range is called: a range forgets when it ends, so that what was done in one that served the same
/// scenario behind the same port does not hold in this one.
fn new_id(address: std::net::SocketAddr) -> String {
    // Keyed by the system's own chance, anew in every process.
    format!("{:016x}", std::hash::RandomState::new().hash_one(address))
}

/// What another terminal needs, to be evaluated by its shell.
fn announce(common: &Common, drill: &Drill, region: String, address: std::net::SocketAddr) -> Result<(), Failure> {
    let mut lines = vec![
        ("AWS_ENDPOINT_URL", format!("http://{address}")),
        ("AWS_ACCESS_KEY_ID", "AKIARANGE00000000000".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "range".to_owned()),
        ("AWS_REGION", region.clone()),
        ("AWS_DEFAULT_REGION", region),
    ];
    // The guards need the team's ranges; a drill brings its own, unless the caller has configured some.
    if common.config.is_none() {
        lines.push(("PORTCULLIS_CONFIG", settings_file(drill)?.display().to_string()));
    }
    // At once, so that a reader of the first line has them all written.
    let lines: Vec<String> = lines.iter().map(|(name, value)| format!("export {name}={value}")).collect();
    out::line(&lines.join("\n"));
    Ok(())
}

fn settings_file(drill: &Drill) -> Result<std::path::PathBuf, Failure> {
    let root = default_root()?;
    let dir = root.parent().unwrap_or(&root).join("drills");
    crate::journal::folder(&dir)?;
    let path = dir.join(format!("{}.config.toml", drill.name));
    let text = toml::to_string(&drill.settings).map_err(|error| Failure::new(Exit::Error, error.to_string()))?;
    let text = format!("# The team's settings during the drill {}; written by `range serve`.\n{text}", drill.name);
    crate::journal::replace(&path, text.as_bytes())?;
    Ok(path)
}
