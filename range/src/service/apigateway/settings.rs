//! Method settings of a stage, and how patches change them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::patch::{Op, Patch, unescape};
use super::{bad_request, truth};
use crate::error::AwsError;
use crate::state::MethodSetting;

type Settings = BTreeMap<String, MethodSetting>;

/// The groups that the last but one segment of a setting's path can be.
const GROUPS: [&str; 4] = ["throttling", "caching", "logging", "metrics"];

/// A patch's path, split: the entry's key as written and, where one setting is meant, its name such as
/// `throttling/rateLimit`. `None` where the path means something else.
pub(super) fn split(path: &str) -> Option<(&str, Option<&str>)> {
    let path = path.strip_prefix('/')?;
    let (rest, name) = path.rsplit_once('/')?;
    if let Some((key, group)) = rest.rsplit_once('/')
        && GROUPS.contains(&group)
        && key.contains('/')
    {
        return Some((key, Some(&path[path.len() - group.len() - 1 - name.len()..])));
    }
    let verb = ["*", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];
    verb.contains(&name).then_some((path, None))
}

/// Applies one patch to the settings.
///
/// Recorded against AWS by a third party: patching one field materialises the whole entry, from `*/*` for a method and
/// from the account's defaults otherwise; `remove` takes whole entries only.
pub(super) fn apply(settings: &mut Settings, patch: &Patch<'_>, key: &str, name: Option<&str>) -> Result<(), AwsError> {
    let known = settings.keys().find(|known| same(known, key)).cloned();
    match (patch.op, name) {
        (Op::Remove, None) => {
            let removed = known.and_then(|known| settings.remove(&known));
            removed.map(|_| ()).ok_or_else(|| {
                bad_request(format!(
                    "Cannot remove method setting {key} because there is no method setting for this method "
                ))
            })
        }
        (Op::Add | Op::Replace, Some(name)) => {
            let template = || settings.get("*/*").cloned().unwrap_or_else(MethodSetting::fresh);
            let key = known.clone().unwrap_or_else(|| key.to_owned());
            let mut entry = known.and_then(|known| settings.get(&known).cloned()).unwrap_or_else(template);
            set(&mut entry, name, patch.value).unwrap_or_else(|| Err(invalid_path(patch)))?;
            settings.insert(key, entry);
            Ok(())
        }
        _ => Err(invalid_path(patch)),
    }
}

fn invalid_path(patch: &Patch<'_>) -> AwsError {
    bad_request(format!("Invalid method setting path: {}", patch.path))
}

/// Whether two keys name the same method, written `orders/GET` or `~1orders/GET`.
fn same(one: &str, other: &str) -> bool {
    let canonical = |key: &str| unescape(key).trim_start_matches('/').to_owned();
    canonical(one) == canonical(other)
}

/// Sets one field; `None` for a name that there is not.
fn set(entry: &mut MethodSetting, name: &str, value: &str) -> Option<Result<(), AwsError>> {
    let outcome = match name {
        "throttling/rateLimit" => number(value).map(|rate| entry.throttling_rate_limit = rate),
        "throttling/burstLimit" => whole(value).map(|burst| entry.throttling_burst_limit = burst),
        "metrics/enabled" => truth(value).map(|on| entry.metrics_enabled = on),
        "logging/loglevel" => level(value).map(|level| entry.logging_level = level),
        "logging/dataTrace" => truth(value).map(|on| entry.data_trace_enabled = on),
        "caching/enabled" => truth(value).map(|on| entry.caching_enabled = on),
        "caching/ttlInSeconds" => ttl(value).map(|ttl| entry.cache_ttl_in_seconds = ttl),
        "caching/dataEncrypted" => truth(value).map(|on| entry.cache_data_encrypted = on),
        "caching/requireAuthorizationForCacheControl" => {
            truth(value).map(|on| entry.require_authorization_for_cache_control = on)
        }
        "caching/unauthorizedCacheControlHeaderStrategy" => {
            strategy(value).map(|strategy| entry.unauthorized_cache_control_header_strategy = strategy)
        }
        _ => return None,
    };
    Some(outcome)
}

fn invalid_value(value: &str) -> AwsError {
    bad_request(format!("Invalid value specified: {value}"))
}

/// A rate; -1 is the account's default (inferred), other negative numbers are refused (unverified).
fn number(value: &str) -> Result<f64, AwsError> {
    let rate: f64 = value.parse().map_err(|_| invalid_value(value))?;
    let unset = (rate + 1.0).abs() < f64::EPSILON;
    if rate.is_finite() && (rate >= 0.0 || unset) { Ok(rate) } else { Err(invalid_value(value)) }
}

fn whole(value: &str) -> Result<i64, AwsError> {
    let burst: i64 = value.parse().map_err(|_| invalid_value(value))?;
    if (-1..=i64::from(i32::MAX)).contains(&burst) { Ok(burst) } else { Err(invalid_value(value)) }
}

/// 0 to 3,600 seconds (documented).
fn ttl(value: &str) -> Result<i64, AwsError> {
    whole(value).ok().filter(|ttl| (0..=3_600).contains(ttl)).ok_or_else(|| invalid_value(value))
}

fn level(value: &str) -> Result<String, AwsError> {
    if ["OFF", "ERROR", "INFO"].contains(&value) { Ok(value.to_owned()) } else { Err(invalid_value(value)) }
}

fn strategy(value: &str) -> Result<String, AwsError> {
    let known = ["FAIL_WITH_403", "SUCCEED_WITH_RESPONSE_HEADER", "SUCCEED_WITHOUT_RESPONSE_HEADER"];
    if known.contains(&value) { Ok(value.to_owned()) } else { Err(invalid_value(value)) }
}

/// The settings as answered.
pub(super) fn document(settings: &Settings) -> Value {
    settings
        .iter()
        .map(|(key, setting)| {
            let value = json!({
                "metricsEnabled": setting.metrics_enabled,
                "loggingLevel": setting.logging_level,
                "dataTraceEnabled": setting.data_trace_enabled,
                "throttlingBurstLimit": setting.throttling_burst_limit,
                "throttlingRateLimit": setting.throttling_rate_limit,
                "cachingEnabled": setting.caching_enabled,
                "cacheTtlInSeconds": setting.cache_ttl_in_seconds,
                "cacheDataEncrypted": setting.cache_data_encrypted,
                "requireAuthorizationForCacheControl": setting.require_authorization_for_cache_control,
                "unauthorizedCacheControlHeaderStrategy": setting.unauthorized_cache_control_header_strategy,
            });
            (key.clone(), value)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}
