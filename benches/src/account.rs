//! A range with many stages. Their minutes are written down and not simulated, so that an account of a thousand opens
//! at once.

use std::fmt::Write as _;

use chrono::{DateTime, Duration, Utc};
use portcullis_range::state::{Account, SeriesKey};
use portcullis_range::{Range, ScenarioError};

/// Stages that share a web ACL.
pub const STAGES_PER_ACL: usize = 10;

/// The name of the `n`th API; its one stage is `prod`.
#[must_use]
pub fn api_name(n: usize) -> String {
    format!("service-{n:04}")
}

fn acl_name(n: usize) -> String {
    format!("front-{n:03}")
}

/// An account of `stages` APIs with a stage each, every [`STAGES_PER_ACL`] of them behind a web ACL, with `minutes` of
/// metrics.
pub fn crowd(stages: usize, minutes: i64) -> Result<Range, ScenarioError> {
    let mut text = String::from(
        "schema = \"portcullis.scenario/1\"\nname = \"crowd\"\ntitle = \"Many stages\"\nseed = 7\n\
         [world]\naccount = \"111122223333\"\nregion = \"eu-central-1\"\nstart = 2026-03-03T03:00:00Z\n\
         [[world.backends]]\nname = \"backend\"\ncapacity = 1000\n",
    );
    for n in 0..stages.div_ceil(STAGES_PER_ACL) {
        let name = acl_name(n);
        let _ = writeln!(
            text,
            "[[world.web_acls]]\nname = \"{name}\"\nmetric_name = \"{name}\"\ndefault_action = \"allow\"\nrules = []"
        );
    }
    for n in 0..stages {
        let (name, acl) = (api_name(n), acl_name(n / STAGES_PER_ACL));
        let _ = writeln!(
            text,
            "[[world.apis]]\nname = \"{name}\"\nbackend = \"backend\"\n\
             methods = [{{ method = \"GET\", path = \"/items\" }}]\n\
             [[world.apis.stages]]\nname = \"prod\"\nweb_acl = \"{acl}\""
        );
    }
    let mut range = Range::from_scenario(&text, None)?;
    let start = range.start();
    fill(range.account_mut(), stages, start - Duration::minutes(minutes), start);
    Ok(range)
}

/// Writes the metrics of every minute from `from` up to and not including `to`.
pub fn fill(account: &mut Account, stages: usize, from: DateTime<Utc>, to: DateTime<Utc>) {
    let region = account.region.clone();
    let minutes = (to - from).num_minutes();
    let put = |account: &mut Account, key: SeriesKey, values: &dyn Fn(u64) -> (f64, u64)| {
        let id = account.metrics.series(key);
        for minute in 0..minutes {
            let at = from + Duration::minutes(minute);
            let (value, count) = values(at.timestamp().unsigned_abs() / 60);
            account.metrics.record(id, at, value, count);
        }
    };
    for n in 0..stages {
        let requests = |minute: u64| 60 + (n as u64 * 7 + minute * 13) % 40;
        let name = api_name(n);
        let dimensions = [("ApiName", name.as_str()), ("Stage", "prod")];
        let mut stage = |metric: &str, values: &dyn Fn(u64) -> (f64, u64)| {
            put(account, SeriesKey::new("AWS/ApiGateway", metric, &dimensions), values);
        };
        stage("Count", &|minute| (1.0, requests(minute)));
        stage("4XXError", &|minute| (0.02, requests(minute)));
        stage("5XXError", &|minute| (0.0, requests(minute)));
        stage("Latency", &|minute| (40.0 + (minute % 9) as f64, requests(minute)));
    }
    for n in 0..stages.div_ceil(STAGES_PER_ACL) {
        let name = acl_name(n);
        for (metric, value) in [("AllowedRequests", 700.0), ("BlockedRequests", 3.0), ("CountedRequests", 5.0)] {
            for rule in ["ALL", "Default_Action"] {
                let dimensions = [("WebACL", name.as_str()), ("Rule", rule), ("Region", region.as_str())];
                put(account, SeriesKey::new("AWS/WAFV2", metric, &dimensions), &|minute| {
                    (value + (minute % 5) as f64, 1)
                });
            }
        }
    }
}
