//! `proposals STAGE`: what would help now.

use std::fmt::Write;

use super::args::{Common, ProposalsArgs};
use super::error::{Exit, Failure};
use super::json::Printer;
use super::session::{Session, believed};
use super::shape::figure::time;
use super::shape::ladder::{ProposalsDocument, ProposalsShape};
use super::sources;
use crate::model::condition::{Condition, StageState};
use crate::model::ladder::Ladder;
use crate::model::proposal::{Proposals, ProposedStep};
use crate::model::stage::StageSelector;
use crate::model::text::neutralised;
use crate::model::words::portion;
use crate::watch;

/// Exit 2 where something is proposed: nothing was changed, and something is to be done.
pub(super) async fn proposals(common: &Common, args: ProposalsArgs, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::open_for(common, &args.stage).await?;
    let ladder = session.desk.ladder(&args.stage, None).await?;
    let (found, condition) = of(common, &session, (&args.stage, &ladder), printer).await?;
    if printer.is_json() {
        printer.object("proposals", &ProposalsDocument { proposals: shape(&found, &condition) });
    } else {
        printer.text(&text(&found, &condition));
    }
    let is_bad = condition.state == StageState::CustomersOut;
    Ok(if found.proposals.is_empty() && !is_bad { Exit::Done } else { Exit::Pending })
}

/// What would help a stage whose ways of closing are known, and how it stands.
pub(super) async fn of(
    common: &Common,
    session: &Session,
    (selector, ladder): (&StageSelector, &Ladder),
    printer: Printer,
) -> Result<(Proposals, Condition), Failure> {
    let stage = &ladder.stage;
    let beliefs = believed(common, &session.aws, &session.settings, printer).await;
    let board = watch::read_board_of_api(&session.aws, &session.settings, &beliefs, &stage.api_id);
    let (board, read) = tokio::join!(Box::pin(board), Box::pin(sources::read(session, selector)));
    let board = board?;
    let row = board
        .row(stage)
        .ok_or_else(|| Failure::new(Exit::Error, format!("the state of {} is not known; try again", stage.label())))?;
    let read = read.map_err(|failure| failure.message);
    let from = read.as_ref().map(|(_, sources)| sources).map_err(Clone::clone);
    let found = Box::pin(session.desk.proposals(selector, &row.condition, from, ladder)).await?;
    Ok((found, row.condition.clone()))
}

/// As JSON has it.
pub(super) fn shape(found: &Proposals, condition: &Condition) -> ProposalsShape {
    ProposalsShape {
        stage: found.stage.label(),
        api_id: found.stage.api_id.clone(),
        read_at: time(found.read_at),
        condition: super::observe::condition(condition),
        cause: found.cause.clone(),
        proposals: found.proposals.clone(),
        none: found.none.clone(),
        unknown: found.unknown.clone(),
    }
}

/// For people.
pub(super) fn text(found: &Proposals, condition: &Condition) -> String {
    let mut out = String::new();
    let since = condition.since.map(super::text::clock);
    let stands = condition.words(since.as_deref());
    let _ = writeln!(out, "{} {}", neutralised(&found.stage.label()), neutralised(&stands));
    if let Some(cause) = &found.cause {
        let _ = writeln!(out, "{}", neutralised(cause));
    }
    for (n, step) in found.proposals.iter().enumerate() {
        let _ = writeln!(out, "\n{}. {}", n + 1, neutralised(&step.what));
        if let Some(stops) = step.stops {
            let costs = step.costs_at_most.map_or_else(
                || "how many customers it turns away is not known".to_owned(),
                |most| format!("turns away at most {} of the earlier customers, by samples and logs", portion(most)),
            );
            let of = if step.of_rest { "what gets past the blocks in force" } else { "what came with the attack" };
            let _ = writeln!(out, "   stops    {} of {of}; {costs}", portion(stops));
        }
        let _ = writeln!(out, "   served   {} now, {}", condition.served_word(), after(step));
        let _ = writeln!(out, "   because  {}", neutralised(&step.because));
        let _ = writeln!(out, "   key      {}", step.key);
        let _ = writeln!(out, "   command  {}", neutralised(&step.command));
    }
    if let Some(none) = &found.none {
        let _ = writeln!(out, "\nnothing is proposed: {none}");
    }
    for line in &found.unknown {
        let _ = writeln!(out, "? {}", neutralised(line));
    }
    out
}

fn after(step: &ProposedStep) -> String {
    match step.served_after_at_most {
        Some(share) => format!("at most {} then", portion(share)),
        None => "what is served then is not known".to_owned(),
    }
}
