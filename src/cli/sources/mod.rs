//! `sources STAGE`.

mod text;

use chrono::{DateTime, Utc};

use crate::aws::Lane;
use crate::aws::read::ResourceKind;
use crate::cli::args::{Common, SourcesArgs};
use crate::cli::error::{Exit, Failure};
use crate::cli::json::Printer;
use crate::cli::session::Session;
use crate::cli::shape::sources::{CoverageShape, SourceShape, SourcesDocument, SourcesUnknown};
use crate::model::callers::{CallersKey, KEY_BYTES};
use crate::model::source::{Legitimacy, Source, Sources};
use crate::model::stage::{StageId, StageSelector};
use crate::respond::resolve;
use crate::watch;

/// Rows printed for people; JSON has them all.
const MOST: usize = 50;

/// Who is sending what to a stage, ranked, and what to block.
pub(super) async fn sources(common: &Common, args: SourcesArgs, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::open_for(common, &args.stage).await?;
    let ((stage, began, arn), read) = read(&session, &args.stage).await?;
    if printer.is_json() {
        printer.object("sources", &value(&stage.label(), &read));
    } else {
        printer.text(&(text::blocking(&read) + &text::in_common(&read) + &text::sources(&read, MOST)));
    }
    if let Err(why) = keep(&session, (&stage, began), arn.as_deref(), &read).await {
        printer.aside(&[format!("who called before the attack is not recorded: {why}")]);
    }
    Ok(Exit::Done)
}

/// A stage, when the attack on it began, and its web ACL.
type Of = (StageId, Option<DateTime<Utc>>, Option<String>);

/// Reads who is sending what to the stage that `selector` names.
pub(super) async fn read(session: &Session, selector: &StageSelector) -> Result<(Of, Sources), Failure> {
    let (stage, kind) = resolve::stage_of_any(&session.aws, selector, Lane::Plan).await?;
    let arn = stage.web_acl_arn.as_deref();
    let name = arn.and_then(|arn| arn.rsplit('/').nth(1));
    let behind = async {
        let Some(arn) = arn else { return 1 };
        let behind = session.aws.resources_behind(arn, ResourceKind::API_GATEWAY, Lane::Plan).await;
        // How many stages are behind is worth knowing, not worth failing for.
        behind.map_or(1, |arns| arns.len().max(1))
    };
    let began = async {
        match session.desk.attack_on(&stage.id).await? {
            Some(attack) => Ok::<_, Failure>(Some(attack.began)),
            // Nothing is pinned yet: what the metrics say is provisional.
            None => Ok(watch::attack_began_on(&session.aws, &session.settings, (&stage.id, kind), name)
                .await
                .unwrap_or(None)),
        }
    };
    let (began, stages_behind) = tokio::join!(began, behind);
    let (began, known) = (began?, session.desk.callers_before(&stage.id).await?);
    let blocked = session.desk.blocked(&stage.id).await?;
    let asked = watch::CallersOf {
        stage: &stage.id,
        kind,
        web_acl_arn: arn,
        stages_behind,
        access_log: Ok(stage.access_log.as_ref()),
        meter: &watch::Meter::default(),
        began,
        known: known.as_ref(),
        blocked: blocked.as_ref(),
    };
    let nobody = |error: watch::NobodyKnown| Failure::new(Exit::Error, error.to_string());
    let read = watch::callers(&session.aws, &session.settings, asked).await.map_err(nobody)?;
    let arn = arn.map(str::to_owned);
    Ok(((stage.id, began, arn), read))
}

/// Keeps who called before the attack that is pinned: as `read` counted it, else out of WAF's samples while they are
/// there.
async fn keep(
    session: &Session,
    (stage, began): (&StageId, Option<DateTime<Utc>>),
    web_acl_arn: Option<&str>,
    read: &Sources,
) -> Result<(), String> {
    let desk = &session.desk;
    let kept = desk.keep_callers((stage, began), read, random_key).await.map_err(|error| error.to_string())?;
    let attacks = desk.attacks().await.map_err(|error| error.to_string())?;
    let (Some(began), Some(arn), false) = (attacks.began(stage), web_acl_arn, kept) else { return Ok(()) };
    if !matches!(desk.callers_before(stage).await, Ok(None)) {
        return Ok(());
    }
    let before = watch::callers_before(&session.aws, arn, began, attacks.over(stage)).await;
    let before = before.map_err(|error| error.to_string())?;
    desk.keep_callers((stage, Some(began)), &before, random_key).await.map_err(|error| error.to_string())?;
    Ok(())
}

/// A key that nobody can guess; `None` where the system gives no randomness.
pub(super) fn random_key() -> Option<CallersKey> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).ok()?;
    Some(CallersKey::new(bytes))
}

/// A source. What it sent before is nothing only where that is known.
fn source(source: &Source) -> SourceShape {
    let known = source.legitimacy != Legitimacy::Unknown;
    let source = source.clone();
    SourceShape {
        address: source.address,
        requests: source.requests,
        requests_bounds: source.requests_bounds,
        share: source.share,
        per_second: source.per_second,
        samples: source.samples,
        countries: source.countries,
        requests_by_path: source.requests_by_path,
        rules: source.rules,
        over_limit_of: source.over_limit_of,
        user_agents: source.user_agents,
        actions: source.actions,
        first_seen: source.first_seen,
        last_seen: source.last_seen,
        legitimacy: source.legitimacy,
        before_per_second: known.then_some(source.before_per_second),
        standing: source.standing,
        counted_by: source.counted_by,
        behind_proxy: source.behind_proxy,
        against: source.against,
        follows: source.follows,
    }
}

fn value(stage: &str, read: &Sources) -> SourcesDocument {
    let why =
        read.candidates.classified.legitimate_per_second.is_none().then_some("nobody is known from before the attack");
    SourcesDocument {
        stage: stage.to_owned(),
        sources: read.sources.iter().map(source).collect(),
        rate_rules: read.rate_rules.clone(),
        top: read.top.clone(),
        candidates: read.candidates.clone(),
        followers: read.followers.clone(),
        coverage: CoverageShape {
            web_acl: read.web_acl.clone(),
            stages_behind: read.stages_behind,
            from: read.from,
            to: read.to,
            answered_seconds: read.answered_seconds,
            covered_seconds: read.covered_seconds,
            population_requests: read.population,
            seen_requests: read.seen,
            samples: read.sampled,
            access_log: read.log.clone(),
        },
        unknown: SourcesUnknown { missing: read.missing.clone(), legitimate_share: why.map(str::to_owned) },
    }
}
