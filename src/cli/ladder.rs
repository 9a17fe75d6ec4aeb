//! `plan close` and `apply close` without a way: what every way would do, and which one is recommended.

use std::fmt::Write;
use std::time::Duration;

use super::args::{Common, LadderWanted};
use super::error::{Exit, Failure};
use super::json::Printer;
use super::proposals;
use super::session::Session;
use super::shape::figure::{Reasons, time};
use super::shape::ladder::{LadderDocument, LadderShape, WayShape};
use crate::model::ladder::{Ladder, Rung};
use crate::model::text::neutralised;

/// Wall time that what is proposed may take: whoever wants to close must not wait for what is lighter.
const PATIENCE: Duration = Duration::from_secs(15);

/// `plan close --stage S`: exit 2 where some way can be gone, 3 where guards stop every one.
pub(super) async fn plan(common: &Common, asked: &LadderWanted, printer: Printer) -> Result<Exit, Failure> {
    let found = shown(common, asked, printer).await?;
    Ok(if found.rungs.iter().any(Rung::fits) { Exit::Pending } else { Exit::Stopped })
}

/// `apply close --stage S`: nothing is done before a way is named, on a terminal or off (5).
pub(super) async fn apply(common: &Common, asked: &LadderWanted, printer: Printer) -> Result<Exit, Failure> {
    shown(common, asked, printer).await?;
    printer.aside(&["no way of closing was named, nothing was changed. Name one with --by".to_owned()]);
    Ok(Exit::NotConfirmed)
}

async fn shown(common: &Common, asked: &LadderWanted, printer: Printer) -> Result<Ladder, Failure> {
    let session = Session::open_for(common, &asked.stage).await?;
    let found = session.desk.ladder(&asked.stage, asked.web_acl.as_deref()).await?;
    // What would help and is lighter comes first; that it is not known keeps nobody from closing.
    let proposed =
        tokio::time::timeout(PATIENCE, proposals::of(common, &session, (&asked.stage, &found), printer)).await;
    let proposed = match proposed {
        Ok(read) => read.map_err(|why| why.message),
        Err(_) => Err(format!("it took longer than {} s", PATIENCE.as_secs())),
    };
    if let Err(why) = &proposed {
        printer.aside(&[format!("what is proposed is not known: {why}")]);
    }
    if printer.is_json() {
        let mut unknown = Reasons::default();
        if let Err(why) = &proposed {
            unknown.put("proposals", why.clone());
        }
        let proposals = proposed.ok().map(|(proposed, condition)| proposals::shape(&proposed, &condition));
        let ladder = LadderShape {
            proposals,
            unknown,
            stage: found.stage.label(),
            api_id: found.stage.api_id.clone(),
            read_at: time(found.read_at),
            attack: found.attack,
            situation: found.situation.clone(),
            recommended: found.recommended().map(|rung| rung.way),
            ways: found.rungs.iter().map(way).collect(),
        };
        printer.object("ladder", &LadderDocument { ladder });
    } else {
        if let Ok((proposed, condition)) = proposed {
            printer.text(&(proposals::text(&proposed, &condition) + "\n"));
        }
        printer.text(&text(&found));
    }
    Ok(found)
}

fn way(rung: &Rung) -> WayShape {
    WayShape { rung: rung.clone(), fits: rung.fits() }
}

fn text(found: &Ladder) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "Ways to close {}, from the lightest to the heaviest, read {}",
        neutralised(&found.stage.label()),
        found.read_at.format("%H:%M:%SZ")
    );
    for line in &found.situation {
        let _ = writeln!(out, "  {}", neutralised(line));
    }
    for (n, rung) in found.rungs.iter().enumerate() {
        let word = match (rung.fits(), rung.stopped_by.is_empty()) {
            (true, _) => "can be done",
            (false, false) => "stopped",
            (false, true) => "not recommended",
        };
        let _ = writeln!(out, "\n{}. {}: {}", n + 1, rung.way.word(), word);
        let _ = writeln!(out, "   does     {}", rung.does);
        let _ = writeln!(out, "   to whom  {}", neutralised(rung.whom.as_deref().unwrap_or("not known")));
        let _ = writeln!(out, "   acts in  {}", rung.acts_within);
        let _ = writeln!(out, "   undo     {}", rung.undo);
        if let Some(why) = &rung.unfit {
            let _ = writeln!(out, "   but      {}", neutralised(why));
        }
        for guard in &rung.stopped_by {
            let _ = writeln!(out, "   {:<8} {}  {}", guard.verdict.word(), guard.id, neutralised(&guard.reason));
        }
        if let Some(command) = &rung.command {
            let _ = writeln!(out, "   command  {}", neutralised(command));
        }
    }
    match found.recommended() {
        Some(rung) => {
            let command = rung.command.as_deref().unwrap_or_default();
            let _ = writeln!(
                out,
                "\nRecommended: {}, the lightest that nothing stops:\n  {}",
                rung.way.word(),
                neutralised(command)
            );
        }
        None if !found.attack => {
            let _ = writeln!(
                out,
                "\nRecommended: none, since no attack is known on this stage. Every way turns somebody away."
            );
        }
        None => {
            let _ = writeln!(
                out,
                "\nRecommended: none. Guards stop every way; resolve what stops the lightest that would help."
            );
        }
    }
    out
}
