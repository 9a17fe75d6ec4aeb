//! What guards a stage, in a few words each, and what to see to.

use serde_json::Value;

use super::reasons::{known, map, reason, value};
use crate::aws::AwsError;
use crate::aws::read::GuardedStage;
use crate::model::access_log::lacking;
use crate::model::board::Known;
use crate::model::policy::Policy;
use crate::model::stage::{AccessLog, ApiKind, Deployment, DraftApi, StageDetail};
use crate::model::stage_report::{
    AccessLogPosture, AclPosture, Cache, CanaryShare, DeploymentRow, PolicyPosture, Posture, RuleMode, WafReport,
};
use crate::model::waf::RuleAction;

/// A web ACL in a few words.
pub(super) fn of_waf(waf: &WafReport) -> AclPosture {
    let count = |is: &dyn Fn(&RuleMode) -> bool| waf.rules.iter().filter(|rule| is(&rule.mode)).count();
    AclPosture {
        name: waf.name.clone(),
        default_action: waf.default_action,
        enforcing: count(&RuleMode::enforces),
        counting: count(&RuleMode::only_counts),
        allowing: count(&|mode| *mode == RuleMode::Acts(RuleAction::Allow)),
        managed_by_firewall_manager: waf.managed_by_firewall_manager,
    }
}

/// The draft's policy.
pub(super) fn draft(api: &Result<DraftApi, AwsError>) -> Known<Option<Policy>> {
    match api {
        Err(error) => Known::No(reason(error, ApiKind::Rest)),
        Ok(api) => match Policy::of_answer(&api.policy) {
            Ok(policy) => Known::Yes(policy),
            Err(error) => Known::No(format!("the draft's policy cannot be read: {error}")),
        },
    }
}

/// The policy that the stage has deployed, as far as its export tells.
pub(super) fn deployed(export: &Result<Value, AwsError>, draft: &Known<Option<Policy>>) -> Known<Option<Policy>> {
    let draft_has_one = !matches!(draft, Known::Yes(None));
    match export {
        Err(error) => Known::No(reason(error, ApiKind::Rest)),
        Ok(export) => match Policy::deployed(export, draft_has_one) {
            Ok(policy) => Known::Yes(policy),
            Err(why) => Known::No(why),
        },
    }
}

/// A policy in a few words.
pub(super) fn of_policy(policy: &Policy) -> PolicyPosture {
    let effect = |effect: &str| policy.statements().iter().filter(|one| one["Effect"] == effect).count();
    PolicyPosture {
        allows: effect("Allow"),
        denies: effect("Deny"),
        closed_by_us: policy.is_closed(),
        characters: policy.characters(),
    }
}

/// The cache, where one is asked for or there.
pub(super) fn cache(stage: &GuardedStage) -> Option<Cache> {
    let status = stage.settings.cache_cluster_status.clone();
    let none =
        !stage.settings.cache_cluster_enabled && status.as_deref().is_none_or(|status| status == "NOT_AVAILABLE");
    (!none).then(|| Cache { status, size_gb: stage.cache_size_gb.clone() })
}

/// The canary.
pub(super) fn canary(stage: &GuardedStage) -> Option<CanaryShare> {
    let canary = stage.canary.clone();
    canary.map(|(percent, deployment_id)| CanaryShare { percent, deployment_id })
}

/// An access log, and what its format leaves out.
pub(super) fn access_log(log: &AccessLog) -> AccessLogPosture {
    AccessLogPosture { destination: log.destination.clone(), lacks: lacking(&log.format) }
}

/// Deployments, newest first, with the stages that point at them.
pub(super) fn deployments(
    read: Result<Vec<Deployment>, AwsError>,
    stages: &Result<Vec<StageDetail>, AwsError>,
    canary: Option<&str>,
) -> Known<Vec<DeploymentRow>> {
    let mut read = match read {
        Ok(read) => read,
        Err(error) => return Known::No(reason(&error, ApiKind::Rest)),
    };
    read.sort_by_key(|one| std::cmp::Reverse(one.created));
    let of_stages = known(stages.as_ref().map_err(Clone::clone), ApiKind::Rest);
    let row = |one: Deployment| DeploymentRow {
        stages: map(&of_stages, |stages| {
            let here = stages.iter().filter(|stage| stage.deployment_id.as_deref() == Some(one.id.as_str()));
            here.map(|stage| stage.id.stage.clone()).collect()
        }),
        canary: canary == Some(one.id.as_str()),
        id: one.id,
        created: one.created,
        description: one.description,
    };
    Known::Yes(read.into_iter().map(row).collect())
}

/// What to know or to see to, of a stage of a REST API.
pub(super) fn hints(posture: &Posture, policies: (&Known<Option<Policy>>, &Known<Option<Policy>>)) -> Vec<String> {
    let mut hints = Vec::new();
    let mut say = |words: &str| hints.push(words.to_owned());
    match &posture.web_acl {
        Known::Yes(None) => {
            say("no web ACL: nothing inspects its requests, and there are no samples of who sends them");
        }
        Known::Yes(Some(acl)) if acl.enforcing == 0 && acl.default_action == RuleAction::Allow => {
            say("its web ACL has no rule that turns anything away");
        }
        _ => {}
    }
    if let (Known::Yes(draft), Known::Yes(deployed)) = policies
        && !Policy::same(draft.as_ref(), deployed.as_ref())
    {
        say("the draft's resource policy differs from the deployed one: the next deployment ships it");
    }
    if let Known::Yes(Some(canary)) = &posture.canary {
        let percent = canary.percent.map_or("a part".to_owned(), |percent| format!("{percent} %"));
        say(&format!("a canary takes {percent} of the traffic: a plain deployment is refused (reported)"));
    }
    match &posture.access_log {
        Known::Yes(None) => say("no access log: who is throttled or refused, and by what, is shown nowhere else"),
        Known::Yes(Some(log)) if !log.lacks.is_empty() => say("the access log's format leaves out what a review needs"),
        _ => {}
    }
    if let Some(endpoint) = value(&posture.endpoint) {
        if endpoint.types.iter().any(|kind| kind == "PRIVATE") {
            say("a private API: it answers through VPC endpoints only");
        } else if endpoint.execute_api_disabled {
            say(
                "the execute-api endpoint is set to be disabled: in force from the next update of any stage on (documented)",
            );
        } else {
            say(
                "the execute-api endpoint is open: mutual TLS of a custom domain, where there is one, does not guard it (custom domains are \
                 not read)",
            );
        }
    }
    hints
}
