//! Finding out what there is: APIs, stages, web ACLs and the names their series are published under.
//!
//! Reads in the order in which a responder needs it: what is active first, details after, each piece handed on as it
//! comes. Calls are in the polling lane, so that at most half of the account's control-plane quota is used.

use std::collections::{BTreeSet, HashSet};
use std::pin::pin;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc::UnboundedSender;

use super::state::{SeriesKey, acl_name, metric_name};
use crate::aws::read::{MetricFilter, ResourceKind};
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::model::access_log::log_group;
use crate::model::identity::Identity;
use crate::model::limits::Limit;
use crate::model::stage::{Api, ApiKind, StageDetail};

/// `GetStages` calls under way at once the first time round.
const AT_ONCE: usize = 8;

/// Wall time for what is worth having and not essential.
const LONGEST_REST: Duration = Duration::from_mins(1);

/// Wall time after which an account that has not said who we are is said to be silent. The call itself may take longer,
/// and is waited for.
const UNHEARD: Duration = Duration::from_secs(5);

/// Of so few APIs all are read where one is asked about: then what they share is known too.
const FEW_APIS: usize = 20;

/// Log groups whose metric filters are asked for.
const MOST_GROUPS: usize = 200;

/// One piece of what was found, or why it was not.
#[derive(Debug)]
pub(super) enum Found {
    Identity(Result<Identity, AwsError>),
    Apis(Result<Vec<Api>, AwsError>),
    HttpApis(Result<Vec<Api>, AwsError>),
    AccountLimit(Result<Option<Limit>, AwsError>),
    /// The metric filters of a log group that access logs go to.
    Filters {
        group: String,
        result: Result<Vec<MetricFilter>, AwsError>,
    },
    /// What had requests within three hours.
    Active(Result<HashSet<SeriesKey>, AwsError>),
    Stages {
        api: Api,
        result: Result<Vec<StageDetail>, AwsError>,
    },
    /// Values of the `WebACL` dimension with a series of all rules.
    AclDimensions(Result<BTreeSet<String>, AwsError>),
    AclMetricName {
        arn: String,
        metric_name: String,
    },
    /// ARNs of the stages that stand behind a web ACL, where not all of them are read.
    StagesBehind {
        arn: String,
        stages: Vec<String>,
    },
    /// Everything was asked for once.
    Done,
}

/// One round of discovery. `spread` is the account time over which the `GetStages` calls are spread out; none the first
/// time, when they go as fast as pacing lets them. Gives whether everything essential came.
pub(super) async fn discover(aws: &Aws, spread: Option<TimeDelta>, found: &UnboundedSender<Found>) -> bool {
    let send = |piece| {
        // Nobody listens any more once the watcher is dropped; then nobody needs the rest either.
        let _ = found.send(piece);
    };
    let identity = identity(aws, &send);
    let dimensions = async {
        let result = acl_dimensions(aws).await;
        let known = result.as_ref().ok().cloned().unwrap_or_default();
        send(Found::AclDimensions(result));
        known
    };
    let account = async { send(Found::AccountLimit(aws.account_limit(Lane::Poll).await)) };
    let stages = stages(aws, spread, &send);
    let (identity, dimensions, (complete, fronts), ()) = tokio::join!(identity, dimensions, stages, account);
    send(Found::Done);
    // Worth having, and nothing to wait for: a service that does not answer must not hold up the next round.
    let rest = async {
        tokio::join!(metric_names(aws, &fronts.arns, &dimensions, &send), filters(aws, &fronts.log_groups, &send));
    };
    if tokio::time::timeout(LONGEST_REST, rest).await.is_err() {
        tracing::debug!("metric names and filters were not all read in time");
    }
    identity && complete
}

/// What there is to know of the stages of one API, for questions about one stage: without a look at those of others
/// where there are many. Whether others were left out.
pub(super) async fn discover_api(aws: &Aws, api_id: &str, found: &UnboundedSender<Found>) -> bool {
    let send = |piece| {
        let _ = found.send(piece);
    };
    let dimensions = async {
        let result = acl_dimensions(aws).await;
        let known = result.as_ref().ok().cloned().unwrap_or_default();
        send(Found::AclDimensions(result));
        known
    };
    // Every API, since two of one name share their figures.
    let apis = async { tokio::join!(aws.rest_apis(Lane::Poll), aws.http_apis(Lane::Poll)) };
    let account = async { send(Found::AccountLimit(aws.account_limit(Lane::Poll).await)) };
    let (_, dimensions, (rest, http), ()) = tokio::join!(identity(aws, &send), dimensions, apis, account);
    let all: Vec<Api> = rest.iter().flatten().chain(http.iter().flatten()).cloned().collect();
    let is_part = all.len() > FEW_APIS;
    let wanted: Vec<Api> = all.into_iter().filter(|api| !is_part || api.id == api_id).collect();
    send(Found::Apis(rest));
    send(Found::HttpApis(http));
    let mut fronts = Fronts::default();
    let read = stream::iter(wanted).map(|api| async move {
        let result = aws.stages(&api, Lane::Poll).await;
        (api, result)
    });
    let read: Vec<_> = read.buffer_unordered(AT_ONCE).collect().await;
    let keys = |(api, result): &(Api, Result<Vec<StageDetail>, AwsError>)| {
        result.iter().flatten().map(|detail| SeriesKey::of(&detail.id, api.kind())).collect::<Vec<_>>()
    };
    send(Found::Active(Ok(read.iter().flat_map(keys).collect())));
    for (api, result) in read {
        fronts.note(&result);
        send(Found::Stages { api, result });
    }
    for arn in fronts.arns.iter().filter(|_| is_part) {
        if let Ok(behind) = aws.resources_behind(arn, ResourceKind::API_GATEWAY, Lane::Poll).await {
            send(Found::StagesBehind { arn: arn.clone(), stages: behind });
        }
    }
    tokio::join!(metric_names(aws, &fronts.arns, &dimensions, &send), filters(aws, &fronts.log_groups, &send));
    send(Found::Done);
    is_part
}

/// Whose account it is; what is silent for long is said to be before the call has ended. Gives whether it came.
async fn identity(aws: &Aws, send: &impl Fn(Found)) -> bool {
    let mut asked = pin!(aws.identity(Lane::Poll));
    let result = if let Ok(result) = tokio::time::timeout(UNHEARD, asked.as_mut()).await {
        result
    } else {
        let so_far = format!("{} s so far; it is still asked", UNHEARD.as_secs());
        let silent = AwsError::new("GetCallerIdentity", &aws.identity_subject(), Problem::TimedOut(so_far));
        send(Found::Identity(Err(silent)));
        asked.await
    };
    let ok = result.is_ok();
    send(Found::Identity(result));
    ok
}

/// APIs and active stages side by side, then the stages of each API. Gives whether all of that came, and the web ACLs
/// seen.
async fn stages(aws: &Aws, spread: Option<TimeDelta>, send: &impl Fn(Found)) -> (bool, Fronts) {
    let apis = async {
        let result = aws.rest_apis(Lane::Poll).await;
        let apis = result.as_ref().ok().cloned();
        send(Found::Apis(result));
        apis
    };
    let active = async {
        let result = active_stages(aws).await;
        let active = result.as_ref().ok().cloned();
        send(Found::Active(result));
        active
    };
    let http = async {
        let result = aws.http_apis(Lane::Poll).await;
        let apis = result.as_ref().ok().cloned();
        send(Found::HttpApis(result));
        apis.unwrap_or_default()
    };
    let (apis, active, http) = tokio::join!(apis, active, http);
    let mut complete = apis.is_some() && active.is_some();
    let active: HashSet<String> = active.into_iter().flatten().map(|key| key.api).collect();
    let mut apis = apis.unwrap_or_default();
    apis.extend(http);
    apis.sort_by_cached_key(|api| (!active.contains(&metric_name(api)), api.name.clone()));
    let pause = spread.map(|all| all / i32::try_from(apis.len().max(1)).unwrap_or(i32::MAX));
    let at_once = if pause.is_some() { 1 } else { AT_ONCE };
    let mut answers = stream::iter(apis.into_iter().enumerate())
        .map(|(place, api)| async move {
            if let Some(pause) = pause.filter(|_| place > 0) {
                aws.clock().sleep(pause).await;
            }
            let result = aws.stages(&api, Lane::Poll).await;
            (api, result)
        })
        .buffer_unordered(at_once);
    let mut fronts = Fronts::default();
    while let Some((api, result)) = answers.next().await {
        complete &= result.is_ok();
        fronts.note(&result);
        send(Found::Stages { api, result });
    }
    (complete, fronts)
}

/// What is before and behind stages, by what they say of it.
#[derive(Debug, Default)]
struct Fronts {
    arns: BTreeSet<String>,
    log_groups: BTreeSet<String>,
}

impl Fronts {
    fn note(&mut self, stages: &Result<Vec<StageDetail>, AwsError>) {
        let details = || stages.iter().flatten();
        self.arns.extend(details().filter_map(|detail| detail.web_acl_arn.clone()));
        let logs = details().filter_map(|detail| log_group(&detail.access_log.as_ref()?.destination));
        self.log_groups.extend(logs.map(str::to_owned));
    }
}

/// The metric filters of the log groups that access logs go to; no more are asked once one fails: the next round asks
/// again.
async fn filters(aws: &Aws, groups: &BTreeSet<String>, send: &impl Fn(Found)) {
    for group in groups.iter().take(MOST_GROUPS) {
        let result = aws.metric_filters(group, Lane::Poll).await;
        let missing = matches!(&result, Err(AwsError { problem: Problem::NotFound(_), .. }));
        let failed = result.is_err() && !missing;
        send(Found::Filters { group: group.clone(), result });
        if failed {
            return;
        }
    }
}

/// The metric names of web ACLs whose series are not published under their names. One that cannot be read is left
/// alone: it is asked for under its name.
async fn metric_names(aws: &Aws, arns: &BTreeSet<String>, known: &BTreeSet<String>, send: &impl Fn(Found)) {
    for arn in arns {
        let Some(name) = acl_name(arn) else {
            continue;
        };
        if known.contains(name) {
            continue;
        }
        match aws.web_acl(arn, Lane::Poll).await {
            Ok(acl) => send(Found::AclMetricName { arn: arn.clone(), metric_name: acl.metric_name }),
            Err(error) => {
                tracing::debug!(%error, "the web ACL's metric name is not known");
                if matches!(error.problem, Problem::TimedOut(_) | Problem::Unreachable(_)) {
                    return;
                }
            }
        }
    }
}

/// What had requests within three hours (`ListMetrics`, `RecentlyActive`). New metrics may be missing for a quarter of
/// an hour (documented).
async fn active_stages(aws: &Aws) -> Result<HashSet<SeriesKey>, AwsError> {
    let of = async |kind, name| {
        let with = [(name, ""), ("Stage", "")];
        let found = aws.metric_dimensions("AWS/ApiGateway", "Count", &with, Lane::Poll).await?;
        // Detailed metrics have Method and Resource, or Route, as well.
        let own = found.into_iter().filter(|dimensions| dimensions.len() == 2);
        let keys = own.filter_map(|dimensions| {
            Some(SeriesKey { kind, api: value(&dimensions, name)?, stage: value(&dimensions, "Stage")? })
        });
        Ok::<_, AwsError>(keys.collect::<HashSet<SeriesKey>>())
    };
    let (rest, http) = tokio::try_join!(of(ApiKind::Rest, "ApiName"), of(ApiKind::Http, "ApiId"))?;
    Ok(rest.into_iter().chain(http).collect())
}

async fn acl_dimensions(aws: &Aws) -> Result<BTreeSet<String>, AwsError> {
    let with = [("WebACL", ""), ("Rule", "ALL")];
    let list = |name| aws.metric_dimensions("AWS/WAFV2", name, &with, Lane::Poll);
    let (allowed, blocked) = tokio::try_join!(list("AllowedRequests"), list("BlockedRequests"))?;
    let region = aws.region();
    let ours = |dimensions: &Vec<(String, String)>| {
        dimensions.len() == 3 && value(dimensions, "Region").as_deref() == Some(region)
    };
    let all = allowed.into_iter().chain(blocked).filter(ours);
    Ok(all.filter_map(|dimensions| value(&dimensions, "WebACL")).collect())
}

fn value(dimensions: &[(String, String)], name: &str) -> Option<String> {
    let found = dimensions.iter().find(|(n, _)| n == name);
    found.map(|(_, value)| value.clone())
}
