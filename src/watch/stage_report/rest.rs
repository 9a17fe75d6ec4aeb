//! A stage of a REST API: what is read of it, in which order, and the report of it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::frame::{Before, Frame};
use super::methods::{self, Around, Method};
use super::reasons::{known, map, reason, value};
use super::waf::{self, Opened};
use super::{attack_on, dollars, labels, posture, samples};
use crate::aws::read::{GuardedStage, SampleSet};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::attack::{Attack, Attacks};
use crate::model::board::Known;
use crate::model::figure::Scope;
use crate::model::identity::Identity;
use crate::model::limits::{DeployedMethod, Limit, UsagePlan};
use crate::model::policy::Policy;
use crate::model::settings::Settings;
use crate::model::stage::{Api, ApiKind, Deployment, DraftApi, StageDetail, StageId};
use crate::model::stage_report::{DeploymentRow, Endpoint, Posture, StageReport, WafReport, why};

const KIND: ApiKind = ApiKind::Rest;

/// What the control plane says, each for itself.
struct Read {
    identity: Result<Identity, AwsError>,
    stage: Result<GuardedStage, AwsError>,
    /// All stages of the API: which deployments they point at, and the web ACL where `GetStage` may not be called.
    stages: Result<Vec<StageDetail>, AwsError>,
    apis: Result<Vec<Api>, AwsError>,
    draft: Result<DraftApi, AwsError>,
    export: Result<Value, AwsError>,
    deployments: Result<Vec<Deployment>, AwsError>,
    account: Result<Option<Limit>, AwsError>,
    plans: Result<Vec<UsagePlan>, AwsError>,
}

impl Read {
    async fn of(aws: &Aws, id: &StageId) -> Self {
        let (api, name, lane) = (id.api_id.as_str(), id.stage.as_str(), Lane::Plan);
        let whole = id.api();
        let (identity, stage, stages, apis, draft, export, deployments, account, plans) = tokio::join!(
            aws.identity(lane),
            aws.guarded_stage(api, name, lane),
            aws.stages(&whole, lane),
            aws.rest_apis(lane),
            aws.draft_api(api, lane),
            aws.export(api, name, lane),
            aws.deployments(api, lane),
            aws.account_limit(lane),
            aws.usage_plans(api, name, lane),
        );
        Self { identity, stage, stages, apis, draft, export, deployments, account, plans }
    }

    fn detail(&self, id: &StageId) -> Option<&StageDetail> {
        self.stages.as_ref().ok()?.iter().find(|stage| stage.id.stage == id.stage)
    }

    /// The web ACL's ARN, off whichever answer has it.
    fn web_acl(&self, id: &StageId) -> Known<Option<String>> {
        match (&self.stage, self.detail(id)) {
            (Ok(stage), _) => Known::Yes(stage.settings.web_acl_arn.clone()),
            (Err(_), Some(detail)) => Known::Yes(detail.web_acl_arn.clone()),
            (Err(error), None) => Known::No(reason(error, KIND)),
        }
    }

    /// The deployment that the stage points at, off whichever answer has it.
    fn deployment(&self, id: &StageId) -> Known<String> {
        let found = match (&self.stage, self.detail(id)) {
            (Ok(stage), _) => stage.settings.deployment_id.clone(),
            (Err(_), Some(detail)) => detail.deployment_id.clone(),
            (Err(error), None) => return Known::No(reason(error, KIND)),
        };
        found.map_or_else(|| Known::No("the stage points at no deployment".to_owned()), Known::Yes)
    }

    /// Stages of this API behind the web ACL.
    fn behind(&self, arn: &str) -> usize {
        let stages = self.stages.iter().flatten();
        stages.filter(|stage| stage.web_acl_arn.as_deref() == Some(arn)).count().max(1)
    }

    /// What the stage's own metrics speak of: APIs of one name share them (inferred).
    fn scope(&self, id: &StageId) -> Scope {
        let name = id.metric_api_name();
        let of_name = |api: &&Api| {
            let stage = StageId { api_id: api.id.clone(), api_name: api.name.clone(), stage: String::new() };
            stage.metric_api_name() == name
        };
        match self.apis.iter().flatten().filter(of_name).count() {
            apis if apis > 1 => Scope::ApiName { apis },
            _ => Scope::Stage,
        }
    }
}

/// The report.
pub(super) async fn report(aws: &Aws, settings: &Settings, id: &StageId, attacks: &Attacks) -> StageReport {
    let read_at = aws.clock().now();
    let read = Box::pin(Read::of(aws, id)).await;
    let around = around(&read, id, settings);
    let methods = async {
        let deployed = deployed_methods(aws, id, &read.deployment(id)).await;
        let series = methods::read(aws, &around, value(&deployed).map_or(&[][..], Vec::as_slice)).await;
        (deployed, series)
    };
    let opened = open(aws, settings, read.web_acl(id), attacks.began(id));
    let (opened, (deployed, series)) = tokio::join!(Box::pin(opened), Box::pin(methods));
    let InDepth { attack, waf, metrics, unread, passed } =
        Box::pin(in_depth(aws, settings, (id, attacks), opened, &read)).await;
    let now = aws.clock().now();
    let metrics_read = series.metrics + metrics;
    let mut posture = posture_of(&read, &waf, methods::detailed_by_default(&around));
    posture.hints.extend(unread);
    StageReport {
        stage: id.clone(),
        kind: KIND,
        read_at,
        attack,
        posture,
        waf,
        limits: methods::limits(&around, &series, now),
        methods: map(&deployed, |deployed| {
            let mut rows = methods::rows(&around, deployed, &series, now);
            methods::sampled(&mut rows, id, passed.as_ref().map_err(String::as_str));
            rows
        }),
        deployments: deployments(&read),
        identity: known(read.identity, KIND),
        lacks: Vec::new(),
        metrics_read,
        dollars: dollars(metrics_read, settings),
    }
}

fn around<'a>(read: &Read, id: &'a StageId, settings: &'a Settings) -> Around<'a> {
    let stage = known(read.stage.as_ref().map_err(Clone::clone), KIND);
    Around {
        stage: id,
        kind: KIND,
        entries: map(&stage, |stage| stage.settings.methods.clone()),
        has_cache: map(&stage, |stage| posture::cache(stage).is_some()),
        account: known(read.account.clone(), KIND),
        plans: known(read.plans.clone(), KIND),
        scope: read.scope(id),
        settings,
    }
}

/// The methods that the stage's deployment serves.
async fn deployed_methods(aws: &Aws, id: &StageId, deployment: &Known<String>) -> Known<Vec<Method>> {
    let deployment = match deployment {
        Known::Yes(deployment) => deployment,
        other => return map(other, |_| Vec::new()),
    };
    let method = |one: DeployedMethod| Method {
        name: one.name.to_string(),
        authorization: one.authorization,
        api_key_required: one.api_key_required,
    };
    let read = aws.deployed_methods(&id.api_id, deployment, Lane::Plan).await;
    known(read.map(|all| all.into_iter().map(method).collect()), KIND)
}

/// The web ACL with its totals; `None` where there is none.
async fn open(
    aws: &Aws,
    settings: &Settings,
    arn: Known<Option<String>>,
    began: Option<DateTime<Utc>>,
) -> Known<Option<Opened>> {
    match arn {
        Known::Yes(Some(arn)) => known(waf::open(aws, settings, &arn, began).await.map(Some), KIND),
        Known::Yes(None) => Known::Yes(None),
        Known::NotYet => Known::NotYet,
        Known::No(why) => Known::No(why),
    }
}

/// What the web ACL tells, and which attack stands.
struct InDepth {
    attack: Known<Option<Attack>>,
    waf: Known<Option<WafReport>>,
    /// How many metrics that took.
    metrics: usize,
    /// What could not be read of rule groups, a line each.
    unread: Vec<String>,
    /// What the default action let through, as samples have it, with what that speaks of.
    passed: Result<(SampleSet, Scope), String>,
}

async fn in_depth(
    aws: &Aws,
    settings: &Settings,
    (id, attacks): (&StageId, &Attacks),
    opened: Known<Option<Opened>>,
    read: &Read,
) -> InDepth {
    let there = value(&opened).and_then(Option::as_ref);
    let dimension = there.and_then(|opened| opened.dimension.as_deref());
    let attack = attack_on(aws, settings, (id, KIND), dimension, attacks);
    let rules = async {
        match there {
            Some(opened) => Some(waf::rules(aws, settings, opened).await),
            None => None,
        }
    };
    let labels = async {
        match there.filter(|opened| opened.dimension.is_some()) {
            Some(opened) => labels::read(aws, settings, opened).await,
            None => (Known::Yes(Vec::new()), 0),
        }
    };
    let (attack, rules, (labels, label_metrics)) = tokio::join!(Box::pin(attack), rules, Box::pin(labels));
    let (opened, rules) = match (opened, rules) {
        (Known::Yes(Some(opened)), Some(rules)) => (opened, rules),
        (other, _) => {
            let why = why(&other).unwrap_or("no web ACL, so its requests are not sampled").to_owned();
            return InDepth { attack, waf: map(&other, |_| None), metrics: 0, unread: Vec::new(), passed: Err(why) };
        }
    };
    let (now, stages_known) = (aws.clock().now(), read.behind(&opened.acl.arn));
    let scope = Scope::WebAcl { name: opened.acl.name.clone(), stages: waf::stages_behind(&opened, stages_known) };
    let frame = Frame { now, polling: &settings.polling, scope: scope.clone() };
    let mut rows = waf::rows(&opened, &rules, &frame);
    let (samples, passed) = samples::read(aws, &opened, &mut rows).await;
    let began = value(&attack).and_then(Option::as_ref).map(|attack| attack.began);
    let before = Before::new(began, attacks.over(id), now);
    let labels = labels::rows(&labels, &frame, before);
    let report = waf::report(&opened, &rules, rows, (samples, labels), &frame, before);
    InDepth {
        attack,
        waf: Known::Yes(Some(report)),
        metrics: rules.metrics + label_metrics,
        unread: opened.unread(),
        passed: passed.map(|passed| (passed, scope)),
    }
}

fn posture_of(read: &Read, waf: &Known<Option<WafReport>>, detailed_metrics: Known<bool>) -> Posture {
    let stage = known(read.stage.as_ref().map_err(Clone::clone), KIND);
    let draft = posture::draft(&read.draft);
    let deployed = posture::deployed(&read.export, &draft);
    let of_policy = |policy: &Known<Option<Policy>>| map(policy, |policy| policy.as_ref().map(posture::of_policy));
    let mut found = Posture {
        web_acl: map(waf, |waf| waf.as_ref().map(posture::of_waf)),
        draft_policy: of_policy(&draft),
        deployed_policy: of_policy(&deployed),
        cache: map(&stage, |stage| posture::cache(stage)),
        canary: map(&stage, |stage| posture::canary(stage)),
        access_log: map(&stage, |stage| stage.settings.access_log.as_ref().map(posture::access_log)),
        tracing: map(&stage, |stage| stage.tracing),
        detailed_metrics,
        endpoint: known(read.draft.as_ref().map_err(Clone::clone).map(endpoint), KIND),
        hints: Vec::new(),
    };
    found.hints = posture::hints(&found, (&draft, &deployed));
    if let Err(error) = &read.apis {
        let why = reason(error, KIND);
        found
            .hints
            .push(format!("whether another API has the same name, and so shares its metrics, is not known: {why}"));
    }
    found
}

fn endpoint(api: &DraftApi) -> Endpoint {
    Endpoint {
        types: api.endpoint_types.clone(),
        execute_api_disabled: api.endpoint_disabled,
        dual_stack: Some(api.dual_stack),
    }
}

fn deployments(read: &Read) -> Known<Vec<DeploymentRow>> {
    let canary = read.stage.as_ref().ok().and_then(posture::canary).and_then(|canary| canary.deployment_id);
    posture::deployments(read.deployments.clone(), &read.stages, canary.as_deref())
}
