//! `snapshot --stage`: one stage in depth, beside its row of the board.

mod text;
mod value;

use super::args::Common;
use super::config;
use super::error::{Exit, Failure};
use super::json::Printer;
use super::session::{narrowed, only};
use crate::aws::{Aws, Lane};
use crate::model::stage::{ApiKind, StageId, StageSelector};
use crate::respond::resolve::{self, ResolveError};
use crate::watch;

/// Reads the stage that `selector` names in depth, and the board for its row.
pub(super) async fn snapshot(common: &Common, selector: &StageSelector, printer: Printer) -> Result<Exit, Failure> {
    let settings = config::settings(common)?;
    let aws = Aws::connect(&only(&narrowed(common, selector)?)?).await?;
    let (id, kind) = named(&aws, selector).await?;
    let report = watch::stage_report(&aws, &settings, &id, kind);
    let board = watch::read_board(&aws, &settings);
    let (report, board) = tokio::join!(Box::pin(report), Box::pin(board));
    let row = match &board {
        Ok(board) => board.row(&id).ok_or_else(|| "the stage is not on the board".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    if printer.is_json() {
        printer.object("stage", value::stage(&report, row));
    } else {
        printer.text(&text::stage(&report, row));
    }
    Ok(Exit::Done)
}

/// The stage that is meant, of a REST API or an HTTP API.
async fn named(aws: &Aws, selector: &StageSelector) -> Result<(StageId, ApiKind), Failure> {
    match resolve::stage(aws, selector, Lane::Plan).await {
        Ok(stage) => Ok((stage.id, ApiKind::Rest)),
        Err(ResolveError::HttpApi { api }) => {
            let id = StageId { api_id: api.id, api_name: api.name, stage: selector.stage.clone() };
            // A stage that is not there is an error, and not a report in which nothing is known.
            aws.http_stage(&id.api_id, &id.stage, Lane::Plan).await?;
            Ok((id, ApiKind::Http))
        }
        Err(error) => Err(error.into()),
    }
}
