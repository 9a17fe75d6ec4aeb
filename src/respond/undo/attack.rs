//! What an undo lets back in while the attack on the stage stands.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;

use crate::aws::read::{MetricQuery, Statistic};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::action::Turning;
use crate::model::address;
use crate::model::attack::Attack;
use crate::model::plan::{Change, GuardResult, WatchFor};
use crate::model::series::floor_minute;
use crate::model::timeline::ActionRecord;
use crate::model::waf::RuleAction;
use crate::respond::guard;

/// Minutes that are looked back.
const MINUTES: i64 = 2;

/// Says what comes back by taking `action` back, where it turns traffic away. That it cannot be told stops nothing: an
/// undo that waits for a reading would keep customers out.
pub(super) async fn coming_back(
    aws: &Aws,
    action: &ActionRecord,
    changes: &[Change],
    watch: &[WatchFor],
    attack: &Attack,
) -> Option<GuardResult> {
    let (what, read) = match action.action.turns_away()?.turning {
        Turning::Blocks => {
            ("the entries to be removed are blocking", acted_on(aws, changes, watch, RuleAction::Block).await)
        }
        Turning::Throttles | Turning::Closes => {
            ("with this measure in force the stage is sent", sent(aws, action).await)
        }
    };
    let stands = format!("the attack on {} is still active, {}", action.stage.label(), attack.words());
    Some(match read {
        Ok(Some(rate)) if rate > 0.0 => {
            guard::UNDO_ATTACK.warn(format!("{stands}: {what} {rate:.0} requests/s, which would come back"))
        }
        Ok(Some(_)) => guard::UNDO_ATTACK.pass(format!("{stands}, but {what} nothing in the last {MINUTES} min")),
        Ok(None) => {
            guard::UNDO_ATTACK.warn(format!("{stands}, and what would come back is not known: nothing samples it"))
        }
        Err(error) => guard::UNDO_ATTACK.warn(format!("{stands}, and what would come back is not known: {error}")),
    })
}

/// Says who is kept out again by the undo of what lets in, where it can be told.
pub(super) async fn shut_out(aws: &Aws, changes: &[Change], watch: &[WatchFor]) -> GuardResult {
    let guard = &guard::UNDO_SHUTS_OUT;
    match acted_on(aws, changes, watch, RuleAction::Allow).await {
        Ok(Some(rate)) if rate > 0.0 => guard.warn(format!(
            "the addresses removed send {rate:.0} requests/s, which are let in now and would be turned away"
        )),
        Ok(Some(_)) => guard.pass(format!("nothing of theirs was sampled as let in during the last {MINUTES} min")),
        Ok(None) => guard.warn(
            "the addresses removed are kept out wherever the closed web ACL is attached; who calls now is not sampled",
        ),
        Err(error) => guard.warn(format!("the addresses removed are kept out; who calls now is not known: {error}")),
    }
}

fn window(aws: &Aws) -> (DateTime<Utc>, DateTime<Utc>) {
    let to = floor_minute(aws.clock().now());
    (to - TimeDelta::minutes(MINUTES), to)
}

/// Requests a second that the rules act on out of the entries that go out, by WAF's samples.
async fn acted_on(
    aws: &Aws,
    changes: &[Change],
    watch: &[WatchFor],
    action: RuleAction,
) -> Result<Option<f64>, AwsError> {
    let (from, to) = window(aws);
    let mut rate = None;
    for one in watch {
        let of_set = changes.iter().filter(|change| change.resource.arn == one.resource);
        let out: Vec<IpNet> = of_set.flat_map(|change| &change.removed).filter_map(|e| address::parsed(e)).collect();
        let set = aws.sampled_requests(&one.web_acl_arn, &one.rule, from, to, Lane::Plan).await?;
        let goes_out = |client: &IpAddr| out.iter().any(|net| net.contains(client));
        let hits = set.samples.iter().filter(|s| s.action == Some(action) && goes_out(&s.client)).count();
        let seconds = (set.to - set.from).num_seconds().max(1) as f64;
        let part = hits as f64 / set.samples.len().max(1) as f64;
        *rate.get_or_insert(0.0) += set.population as f64 * part / seconds;
    }
    Ok(rate)
}

/// Requests a second that the stage is sent, by its own metric.
async fn sent(aws: &Aws, action: &ActionRecord) -> Result<Option<f64>, AwsError> {
    let (from, to) = window(aws);
    let stage = &action.stage;
    let query = MetricQuery {
        namespace: "AWS/ApiGateway".into(),
        name: "Count".into(),
        dimensions: vec![("ApiName", stage.metric_api_name()), ("Stage", stage.stage.clone())],
        statistic: Statistic::Sum,
    };
    let (read, _) = aws.metric_data(&[query], from, to, Lane::Plan).await?;
    let points: Vec<f64> = read.iter().flat_map(|series| &series.points).map(|(_, count)| *count).collect();
    Ok((!points.is_empty()).then(|| points.iter().sum::<f64>() / (60.0 * points.len() as f64)))
}
