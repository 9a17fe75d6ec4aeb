//! `snapshot --stage`: one stage in depth, beside its row of the board.

mod text;
mod value;

use std::sync::Arc;

use super::args::Common;
use super::config;
use super::error::{Exit, Failure};
use super::json::Printer;
use super::session::{believed, narrowed, only};
use super::waiting;
use crate::aws::{Aws, Lane};
use crate::model::stage::StageSelector;
use crate::respond::resolve;
use crate::watch;

/// Reads the stage that `selector` names in depth, and the board for its row.
pub(super) async fn snapshot(common: &Common, selector: &StageSelector, printer: Printer) -> Result<Exit, Failure> {
    let settings = Arc::new(config::settings(common)?);
    let common = &narrowed(common, selector)?;
    let aws = Aws::connect(&only(common)?).await?;
    waiting::told(&aws);
    // A stage that is not there is an error, and not a report in which nothing is known.
    let (stage, kind) = resolve::stage_of_any(&aws, selector, Lane::Plan).await?;
    let id = stage.id;
    let beliefs = believed(common, &aws, &settings, printer).await;
    let report = watch::stage_report(&aws, &settings, (&id, kind), &beliefs.attacks);
    let board = watch::read_board(&aws, &settings, &beliefs);
    let (report, board) = tokio::join!(Box::pin(report), Box::pin(board));
    let row = match &board {
        Ok(board) => board.row(&id).ok_or_else(|| "the stage is not on the board".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    if printer.is_json() {
        printer.object("stage", &value::stage(&report, row.clone()));
    } else {
        printer.text(&text::stage(&report, row.clone()));
    }
    if let Err(why) = row {
        printer.aside(&[format!("this snapshot is incomplete: the row of the board: {why}")]);
        return Ok(Exit::Partly);
    }
    Ok(Exit::Done)
}
