//! What a plan has to find out: what is deployed, how to ask a stage, from where we come, which proof counts.

use futures_util::future::join_all;
use serde_json::{Map, Value};

use super::{Own, State, networks};
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::model::action::KillSwitch;
use crate::model::limits::DeployedMethod;
use crate::model::policy::{EXTENSION, Policy};
use crate::model::probe::{Probe, ProbeReading};
use crate::model::proof::Proof;
use crate::model::settings::Settings;
use crate::model::stage::{DraftApi, StageId};
use std::net::IpAddr;

/// The names of the API's other stages.
pub(super) async fn siblings(aws: &Aws, stage: &StageId) -> Result<Vec<String>, AwsError> {
    let stages = aws.stages(&stage.api(), Lane::Plan).await?;
    Ok(stages.into_iter().map(|one| one.id.stage).filter(|name| *name != stage.stage).collect())
}

/// How to ask a stage: as configured, else a deployed `GET` that wants nothing.
pub(super) fn probe(
    aws: &Aws,
    settings: &Settings,
    stage: &StageId,
    api: &DraftApi,
    methods: Result<&Vec<DeployedMethod>, &AwsError>,
) -> Result<Probe, String> {
    let place = aws.place();
    if let Some(own) = settings.probes.stages.iter().find(|one| place.means(&one.stage, stage)) {
        return Ok(Probe { url: own.url.clone(), headers: own.headers.clone().into_iter().collect() });
    }
    if api.endpoint_disabled {
        return Err(format!(
            "the execute-api endpoint of {} is disabled. Set the URL that clients use in probes.stages of the configuration",
            stage.api_name
        ));
    }
    let methods = methods.map_err(ToString::to_string)?;
    let plain = |m: &&DeployedMethod| {
        // ANY answers GET.
        matches!(m.name.verb.as_str(), "GET" | "ANY")
            && !m.name.path.contains('{')
            && m.authorization == "NONE"
            && !m.api_key_required
    };
    let rank = |m: &&DeployedMethod| {
        let meant = ["health", "ping", "status"].iter().any(|word| m.name.path.contains(word));
        (!meant, m.name.path.len(), m.name.path.clone(), m.name.verb == "ANY")
    };
    let chosen = methods.iter().filter(plain).min_by_key(rank).ok_or_else(|| {
        format!(
            "{} has no deployed GET (or ANY) without parameters, authorization and key to probe. Set a URL and headers in probes.stages of the configuration",
            stage.label()
        )
    })?;
    Ok(Probe { url: aws.invoke_url(&stage.api_id, &stage.stage, &chosen.name.path), headers: Vec::new() })
}

/// How often a stage is asked whose backend fails.
const ASKED: usize = 6;

/// What a stage answers now. Under attack a backend fails for some requests and not for others: one that gets through
/// shows that the stage lets us in, and one that fails shows nothing.
pub(super) async fn answer(aws: &Aws, probe: Option<&Probe>) -> Option<Result<ProbeReading, AwsError>> {
    let probe = probe?;
    let mut read = aws.probe(probe).await.map(|answer| answer.reading());
    for _ in 1..ASKED {
        if !matches!(read, Ok(ProbeReading::Unclear(_))) {
            break;
        }
        read = aws.probe(probe).await.map(|answer| answer.reading());
    }
    Some(read)
}

/// From where we come: as the responder says, else as address services see us. Over IPv6 only an API that takes it can
/// be reached.
pub(super) async fn own_addresses(aws: &Aws, settings: &Settings, stated: &[IpAddr], dual_stack: bool) -> Own {
    let mut own = Own::default();
    if !stated.is_empty() {
        own.known = stated.iter().map(|address| (*address, "as you say".to_owned())).collect();
        return own;
    }
    let services = match settings.probes.address_services.as_slice() {
        [] => aws.address_services(),
        named => named.to_vec(),
    };
    let asked = join_all(services.iter().map(|service| aws.own_address(service))).await;
    for (service, answer) in services.iter().zip(asked) {
        match answer {
            Ok(address) if address.is_ipv6() && !dual_stack => {}
            Ok(address) => own.known.push((address, format!("as {service} sees it"))),
            Err(error) => own.missing.push(error.to_string()),
        }
    }
    if dual_stack && !own.known.iter().any(|(address, _)| address.is_ipv6()) {
        own.missing.push("the API accepts IPv6, and your own IPv6 address is not known; pass --own-address".to_owned());
    }
    own
}

/// The proof that the plan may rest on: of this stage and this very policy, fresh, its snapshot still there, nothing
/// deployed since.
pub(super) async fn proof(aws: &Aws, state: &State, action: &KillSwitch, proofs: &[Proof]) -> Result<Proof, String> {
    let id = &state.at.stage.id;
    let of_stage: Vec<&Proof> = proofs.iter().filter(|proof| proof.stage == *id).collect();
    let Some(latest) = of_stage.last() else {
        return Err(format!(
            "it has not been proven. Add --prove-on STAGE with another stage of {} first",
            id.api_name
        ));
    };
    let closed = state.closed(&networks(action));
    let same = |proof: &&&Proof| Policy::parse(&proof.policy).is_ok_and(|p| Policy::same(Some(&p), Some(&closed)));
    let Some(proof) = of_stage.iter().rev().find(same) else {
        return Err(format!("the proof of {} is for another policy: prove this one", latest.at.format("%H:%M:%SZ")));
    };
    let now = aws.clock().now();
    if !proof.is_fresh(now) {
        let minutes = (now - proof.at).num_minutes();
        return Err(format!("the proof is {minutes} minutes old, and is valid for 30: prove it again"));
    }
    if proof.base != state.deployment() {
        return Err(format!("{} has been deployed since the proof: prove it again", id.label()));
    }
    match aws.deployment(&id.api_id, &proof.snapshot, Lane::Plan).await {
        Ok(_) => Ok((*proof).clone()),
        Err(AwsError { problem: Problem::NotFound(_), .. }) => {
            Err(format!("the proven snapshot {} has been deleted: prove it again", proof.snapshot))
        }
        Err(error) => Err(format!("whether the proven snapshot still exists is not known: {error}")),
    }
}

/// What two exports differ in beyond the policy, and what names a stage or a moment: a line each.
#[must_use]
pub(in crate::respond) fn difference(a: &Value, b: &Value) -> Vec<String> {
    let (a, b) = (bare(a), bare(b));
    let paths = |export: &Value| export.get("paths").and_then(Value::as_object).cloned().unwrap_or_default();
    let (ours, theirs) = (methods(&paths(&a)), methods(&paths(&b)));
    let mut lines = Vec::new();
    for (name, operation) in &ours {
        match theirs.get(name) {
            None => lines.push(format!("{name} is in the draft but not deployed")),
            Some(other) if other != operation => {
                lines.push(format!("{name} differs between the draft and the deployment"));
            }
            Some(_) => {}
        }
    }
    lines.extend(
        theirs
            .keys()
            .filter(|name| !ours.contains_key(*name))
            .map(|name| format!("{name} is deployed but not in the draft")),
    );
    let rest = |export: &Value| {
        let mut export = export.clone();
        export.as_object_mut().map(|members| members.remove("paths"));
        export
    };
    if lines.is_empty() && rest(&a) != rest(&b) {
        let (one, other) = (rest(&a), rest(&b));
        let names = one.as_object().into_iter().chain(other.as_object()).flatten().map(|(name, _)| name);
        let mut differing: Vec<&String> = names.filter(|name| one.get(*name) != other.get(*name)).collect();
        differing.sort();
        differing.dedup();
        lines
            .extend(differing.into_iter().map(|name| format!("`{name}` differs between the draft and the deployment")));
    }
    lines
}

/// `GET /pets` and what is deployed of it.
fn methods(paths: &Map<String, Value>) -> std::collections::BTreeMap<String, Value> {
    let mut all = std::collections::BTreeMap::new();
    for (path, verbs) in paths {
        for (verb, operation) in verbs.as_object().into_iter().flatten() {
            all.insert(format!("{} {path}", verb.to_uppercase()), operation.clone());
        }
    }
    all
}

/// An export without what differs between stages and deployments anyway, and without the policy.
fn bare(export: &Value) -> Value {
    let mut export = export.clone();
    if let Some(members) = export.as_object_mut() {
        for name in ["servers", "host", "basePath", EXTENSION] {
            members.remove(name);
        }
    }
    if let Some(info) = export.get_mut("info").and_then(Value::as_object_mut) {
        info.remove("version");
    }
    export
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn exports_of_two_stages_differ_in_the_policy_only() {
        let export = |stage: &str, version: &str| {
            json!({
                "info": {"title": "shop", "version": version}, "servers": [{"url": stage}],
                "paths": {"/a": {"get": {"x": 1}}}, EXTENSION: {"Statement": stage},
            })
        };
        let (dev, prod) = (export("dev", "1"), export("prod", "2"));
        assert!(difference(&dev, &prod).is_empty());
        let mut ahead = dev.clone();
        ahead["paths"]["/new"] = json!({"post": {}});
        ahead["paths"]["/a"]["get"] = json!({"x": 2});
        assert_eq!(
            difference(&ahead, &prod),
            ["GET /a differs between the draft and the deployment", "POST /new is in the draft but not deployed"]
        );
        assert_eq!(difference(&prod, &ahead).len(), 2);
        let mut authorizer = dev;
        authorizer["components"] = json!({});
        assert_eq!(difference(&authorizer, &prod), ["`components` differs between the draft and the deployment"]);
    }
}
