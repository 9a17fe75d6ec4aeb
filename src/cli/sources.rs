//! `sources STAGE`.

use serde_json::json;

use super::args::{Common, SourcesArgs};
use super::error::{Exit, Failure};
use super::json::Printer;
use super::session::Session;
use super::text;
use crate::aws::Lane;
use crate::aws::read::ResourceKind;
use crate::respond::resolve;
use crate::watch;

/// Rows printed for people; JSON has them all.
const MOST: usize = 50;

/// Who is sending what to a stage, ranked.
pub(super) async fn sources(common: &Common, args: SourcesArgs, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::open_for(common, &args.stage).await?;
    let stage = resolve::stage(&session.aws, &args.stage, Lane::Plan).await?;
    let Some(arn) = &stage.web_acl_arn else {
        return Err(Failure::new(
            Exit::Error,
            format!("{} has no web ACL, so WAF has no samples of its requests", stage.id.label()),
        ));
    };
    let name = arn.rsplit('/').nth(1);
    let (began, behind) = tokio::join!(
        watch::attack_began(&session.aws, &session.settings, &stage.id, name),
        session.aws.resources_behind(arn, ResourceKind::API_GATEWAY, Lane::Plan),
    );
    // How many stages are behind is worth knowing, not worth failing for.
    let stages = behind.map_or(1, |arns| arns.len().max(1));
    let read = watch::sources(&session.aws, arn, stages, began.unwrap_or(None)).await?;
    if printer.is_json() {
        printer.object(
            "sources",
            json!({ "stage": stage.id.label(), "sources": read.sources, "coverage": {
            "web_acl": read.web_acl, "stages_behind": read.stages_behind, "from": read.from, "to": read.to,
            "population_requests": read.population, "seen_requests": read.seen, "samples": read.sampled,
        }, "unknown": { "missing": read.missing } }),
        );
    } else {
        printer.text(&text::sources(&read, MOST));
    }
    Ok(Exit::Done)
}
