//! `preflight [STAGE…]`: which actions would work on which stage.

use std::fmt::Write;

use super::args::{Common, PreflightArgs};
use super::error::{Exit, Failure};
use super::json::Printer;
use super::session::{Session, narrowed};
use super::shape::figure::time;
use super::shape::ladder::{PreflightDocument, PreflightStage};
use crate::model::preflight::{Check, Found, Preflight};
use crate::model::text::neutralised;
use crate::respond::desk::error::DeskError;
use crate::respond::preflight;

/// Exit 0 where everything asked for works as far as reading tells, 1 where something would not, or is not known.
pub(super) async fn preflight(common: &Common, args: PreflightArgs, printer: Printer) -> Result<Exit, Failure> {
    let mut common = common.clone();
    for stage in &args.stages {
        common = narrowed(&common, stage)?;
    }
    let session = Session::open(&common).await?;
    let read_at = session.now();
    let stages = preflight::stages(&session.aws, &args.stages).await.map_err(DeskError::from)?;
    if stages.is_empty() && !printer.is_json() {
        printer.text("there is no REST API stage in this account and region");
    }
    let mut reports = Vec::new();
    // One after the other: each takes its share of the account's quotas, and is shown as soon as it is known.
    for (api, stage) in stages {
        let report = Box::pin(preflight::preflight(&session.aws, &session.settings, api, stage)).await;
        if !printer.is_json() {
            printer.text(&text(&report, reports.is_empty()));
        }
        reports.push(report);
    }
    let ready = reports.iter().all(Preflight::is_ready);
    if printer.is_json() {
        let stages = reports.iter().map(shape).collect();
        printer.object("preflight", &PreflightDocument { read_at: time(read_at), ready, stages });
    }
    Ok(if ready { Exit::Done } else { Exit::Error })
}

fn shape(report: &Preflight) -> PreflightStage {
    PreflightStage {
        stage: report.stage.label(),
        api_id: report.stage.api_id.clone(),
        ready: report.is_ready(),
        checks: report.checks.clone(),
    }
}

/// A stage's checks. What an account needs to write is listed with the first stage only.
fn text(report: &Preflight, first: bool) -> String {
    let mut out = String::new();
    let open = report.checks.iter().filter(|check| check.found.asks_for_work()).count();
    let said = match open {
        0 => "everything works, as far as reading tells".to_owned(),
        1 => "one thing to resolve".to_owned(),
        n => format!("{n} things to resolve"),
    };
    let _ = writeln!(out, "{}: {said}", neutralised(&report.stage.label()));
    for check in &report.checks {
        let whole = first || check.found != Found::NotProven;
        line(&mut out, check, whole);
    }
    out.push('\n');
    out
}

fn line(out: &mut String, check: &Check, whole: bool) {
    let _ = writeln!(out, "  {:<10} {:<24} {}", check.found.words(), check.check, neutralised(&check.reason));
    for evidence in check.evidence.iter().filter(|_| whole) {
        let _ = writeln!(out, "{:38}{}", "", neutralised(evidence));
    }
    if let Some(next) = &check.next {
        let _ = writeln!(out, "{:38}→ {}", "", neutralised(next));
    }
}
