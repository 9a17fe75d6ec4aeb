//! Everything that a plan to block rests on, read just now and side by side.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;

use crate::aws::{Aws, Lane};
use crate::model::action::BlockIp;
use crate::model::callers::KnownCallers;
use crate::model::identity::Identity;
use crate::model::settings::Settings;
use crate::model::stage::StageDetail;
use crate::model::waf::{IpSet, WebAcl};
use crate::respond::action::ip_set::{self, Behind, ByArn, Rarer, behind};
use crate::respond::planned::PlanError;
use crate::respond::resolve;
use crate::respond::samples::{Samples, began, samples};
use crate::respond::wiring::{self, Reference, RuleGroups};

/// What was read.
#[derive(Debug, Clone)]
pub struct State {
    /// Whose account.
    pub identity: Identity,
    /// Account time of the reading.
    pub read_at: DateTime<Utc>,
    /// The stage.
    pub stage: StageDetail,
    /// Its web ACL, where it has one.
    pub web_acl: Option<WebAcl>,
    /// Every reference to an IP set, in the order of evaluation.
    pub references: Vec<Reference>,
    /// The IP sets referred to, by ARN: read, or why not.
    pub ip_sets: ByArn<IpSet>,
    /// What stands behind the web ACL, by kind.
    pub behind: Behind,
    /// Tags of the IP sets, by ARN.
    pub tags: ByArn<Vec<(String, String)>>,
    /// Samples of the last minutes.
    pub recent: Samples,
    /// Samples of before the attack.
    pub earlier: Samples,
    /// When the attack began, where that is known.
    pub attack_began: Option<DateTime<Utc>>,
    /// Who called before the attack, as the incident keeps it.
    pub known: Option<KnownCallers>,
}

/// Reads the state for a plan to block. `attack_began` as the caller knows it; where it does not, the metrics are
/// asked.
pub async fn read(
    aws: &Aws,
    settings: &Settings,
    action: &BlockIp,
    attack_began: Option<DateTime<Utc>>,
) -> Result<State, PlanError> {
    let (identity, stage) = tokio::join!(aws.identity(Lane::Plan), resolve::stage(aws, &action.stage, Lane::Plan));
    let (identity, stage) = (identity?, stage?);
    let read_at = aws.clock().now();
    let mut state = State {
        identity,
        read_at,
        web_acl: None,
        references: Vec::new(),
        ip_sets: BTreeMap::new(),
        behind: Vec::new(),
        tags: BTreeMap::new(),
        recent: Samples::default(),
        earlier: Samples::default(),
        attack_began,
        known: None,
        stage,
    };
    let Some(arn) = state.stage.web_acl_arn.clone() else { return Ok(state) };
    let rest = async {
        let began = began(aws, settings, &state.stage.id, Some(&arn), attack_began);
        let (web_acl, began) = tokio::join!(aws.web_acl(&arn, Lane::Plan), began);
        let web_acl = web_acl?;
        let samples = samples(aws, &web_acl, read_at, began);
        let wired = async {
            let references = references(aws, &web_acl).await;
            let sets = ip_set::read(aws, references.iter().map(|one| one.ip_set.clone())).await;
            (references, sets)
        };
        let ((references, sets), samples) = tokio::join!(wired, samples);
        Ok::<_, PlanError>((web_acl, references, samples, sets, began))
    };
    let rarer = Rarer::default();
    let core = async { tokio::join!(behind(aws, &arn), rest) };
    // One call a second is all that AWS grants: the rarer kinds are asked for beside the rest, and not waited for.
    let (behind, rest) = tokio::select! {
        // Whoever is asked first takes the turn: the rarer kinds must not make the others wait a second for theirs.
        biased;
        core = core => core,
        never = rarer.ask(aws, &arn) => match never {},
    };
    let behind = behind.into_iter().chain(rarer.answers()).collect();
    let (web_acl, references, (recent, earlier), (ip_sets, tags), began) = rest?;
    state.attack_began = began;
    state.behind = behind;
    (state.recent, state.earlier) = (recent, earlier);
    (state.references, state.ip_sets, state.tags) = (references, ip_sets, tags);
    state.web_acl = Some(web_acl);
    Ok(state)
}

async fn references(aws: &Aws, web_acl: &WebAcl) -> Vec<Reference> {
    let arns = wiring::groups_of(web_acl);
    let read = join_all(arns.iter().map(|arn| aws.rule_group(arn, Lane::Plan))).await;
    let groups: RuleGroups = arns.into_iter().zip(read.into_iter().map(|r| r.map_err(|e| e.to_string()))).collect();
    wiring::references(web_acl, &groups)
}
