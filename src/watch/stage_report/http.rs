//! A stage of an HTTP API: what is read of it, and what such an API cannot have.

use super::methods::{self, Around, Method};
use super::reasons::{known, map, reason};
use super::{attack_on, dollars, posture};
use crate::aws::read::{GuardedHttpStage, Route};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::attack::Attacks;
use crate::model::board::Known;
use crate::model::figure::Scope;
use crate::model::settings::Settings;
use crate::model::stage::{Api, ApiKind, StageId};
use crate::model::stage_report::{Endpoint, Posture, StageReport};

const KIND: ApiKind = ApiKind::Http;

/// What an HTTP API cannot have (documented: choosing between REST APIs and HTTP APIs), and what follows for whoever
/// responds.
const LACKS: [&str; 6] = [
    "no web ACL: WAF cannot be attached to HTTP APIs, so no address can be blocked here and no request is sampled",
    "no resource policy: it cannot be closed to all but a few addresses",
    "no cache",
    "no usage plans and API keys: no limit on a single client",
    "no canary",
    "no X-Ray tracing",
];

/// The report.
pub(super) async fn report(aws: &Aws, settings: &Settings, id: &StageId, attacks: &Attacks) -> StageReport {
    let (read_at, lane) = (aws.clock().now(), Lane::Plan);
    let (identity, stage, routes, account, apis) = tokio::join!(
        aws.identity(lane),
        aws.guarded_http_stage(&id.api_id, &id.stage, lane),
        aws.http_route_table(&id.api_id, lane),
        aws.account_limit(lane),
        aws.http_apis(lane),
    );
    let stage = known(stage, KIND);
    let around = Around {
        stage: id,
        kind: KIND,
        entries: map(&stage, |stage| stage.stage.settings.clone()),
        has_cache: Known::Yes(false),
        account: known(account, KIND),
        plans: Known::Yes(Vec::new()),
        scope: Scope::Stage,
        settings,
    };
    let routes = known(routes.map(|routes| routes.iter().map(method).collect::<Vec<Method>>()), KIND);
    let targets = if let Known::Yes(routes) = &routes { routes.as_slice() } else { &[] };
    let attack = attack_on(aws, settings, (id, KIND), None, attacks);
    let (series, attack) = tokio::join!(Box::pin(methods::read(aws, &around, targets)), Box::pin(attack));
    let now = aws.clock().now();
    StageReport {
        stage: id.clone(),
        kind: KIND,
        identity: known(identity, KIND),
        read_at,
        attack,
        waf: Known::Yes(None),
        methods: map(&routes, |routes| methods::rows(&around, routes, &series, now)),
        limits: methods::limits(&around, &series, now),
        posture: posture_of(&stage, endpoint(id, apis), methods::detailed_by_default(&around)),
        deployments: Known::No("deployments of HTTP APIs are not read".to_owned()),
        lacks: LACKS.map(str::to_owned).to_vec(),
        metrics_read: series.metrics,
        dollars: dollars(series.metrics, settings),
    }
}

fn method(route: &Route) -> Method {
    Method { name: route.key.clone(), authorization: route.authorization.clone(), api_key_required: false }
}

/// How callers reach it, off the list of HTTP APIs.
fn endpoint(id: &StageId, apis: Result<Vec<Api>, AwsError>) -> Known<Endpoint> {
    let apis = match apis {
        Ok(apis) => apis,
        Err(error) => return Known::No(reason(&error, KIND)),
    };
    match apis.into_iter().find(|api| api.id == id.api_id) {
        Some(api) => Known::Yes(Endpoint {
            types: api.endpoint_types,
            execute_api_disabled: api.endpoint_disabled,
            dual_stack: None,
        }),
        None => Known::No("the API is not in the list of HTTP APIs".to_owned()),
    }
}

fn posture_of(stage: &Known<GuardedHttpStage>, endpoint: Known<Endpoint>, detailed_metrics: Known<bool>) -> Posture {
    let access_log = map(stage, |stage| stage.access_log.as_ref().map(posture::access_log));
    let mut hints = Vec::new();
    if access_log == Known::Yes(None) {
        hints.push("no access log: who sends what is shown nowhere else".to_owned());
    }
    if let Known::Yes(stage) = stage {
        if stage.stage.managed {
            hints.push(
                "API Gateway manages this stage itself (quick create): nobody can change it (documented)".to_owned(),
            );
        }
        if stage.auto_deploy {
            hints.push("every change to the API is deployed to it automatically".to_owned());
        }
    }
    Posture {
        web_acl: Known::Yes(None),
        draft_policy: Known::Yes(None),
        deployed_policy: Known::Yes(None),
        cache: Known::Yes(None),
        canary: Known::Yes(None),
        access_log,
        tracing: Known::Yes(false),
        detailed_metrics,
        endpoint,
        hints,
    }
}
