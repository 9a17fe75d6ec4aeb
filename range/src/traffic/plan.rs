//! Working out, once per change, what becomes of every kind of request from every class of addresses.

use std::collections::HashMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};

use super::Traffic;
use super::crowd::{Class, Crowd, Flow, Plan};
use super::front::Front;
use super::policy::{Call, Gate, gate};
use super::request::Request;
use super::shield::Shield;
use super::waf::Fate;
use crate::state::Account;

impl Traffic {
    /// Makes the plan of a crowd anew where its front has changed.
    pub(super) fn replan(&mut self, account: &Account, crowd: usize, at: DateTime<Utc>) {
        let crowd = &mut self.crowds[crowd];
        let front = &self.fronts[crowd.front];
        if crowd.plan.version != front.version {
            let shield = front.shield.and_then(|shield| self.shields.get(shield));
            crowd.plan = plan(account, crowd, front, shield, at);
        }
    }
}

fn plan(account: &Account, crowd: &Crowd, front: &Front, shield: Option<&Shield>, at: DateTime<Utc>) -> Plan {
    let classes = classes(crowd, front, shield);
    let mut flows = Vec::with_capacity(classes.len() * crowd.shapes.len());
    for shape in &crowd.shapes {
        let lane = front.lane(&shape.route.method, &shape.route.path);
        for class in &classes {
            let address = &crowd.addresses[class.members[0]];
            let fate = shield
                .map_or_else(Fate::unseen, |shield| shield.acl.judge(&shape.request, &address.country, &class.bits));
            let caller = Caller {
                address: address.ip,
                authenticated: crowd.spec.authenticated,
                own_host: crowd.spec.host.is_none(),
            };
            let gate = admit(account, front, lane, &shape.request, &caller, at);
            flows.push(Flow { fate, gate, lane, rated: 0.0 });
        }
    }
    Plan { version: front.version, classes, flows }
}

/// Groups the addresses that still send anything by what web ACL and policy see in them.
fn classes(crowd: &Crowd, front: &Front, shield: Option<&Shield>) -> Vec<Class> {
    let geo = shield.is_some_and(|shield| shield.acl.uses_geo);
    let mut known: HashMap<(Vec<bool>, Vec<bool>, &str), usize> = HashMap::new();
    let mut classes: Vec<Class> = Vec::new();
    for (at, address) in crowd.addresses.iter().enumerate().filter(|(_, address)| address.weight > 0.0) {
        let bits = shield.map(|shield| shield.bits(address.ip)).unwrap_or_default();
        let policy: Vec<bool> = front.policy.iter().flat_map(|policy| policy.address_bits(address.ip)).collect();
        let country: &str = if geo { &address.country } else { "" };
        let class = *known.entry((bits.clone(), policy, country)).or_insert_with(|| {
            classes.push(Class { members: Vec::new(), sums: Vec::new(), bits });
            classes.len() - 1
        });
        let sum = classes[class].weight() + address.weight;
        classes[class].members.push(at);
        classes[class].sums.push(sum);
    }
    classes
}

/// Who calls.
pub(super) struct Caller {
    pub(super) address: IpAddr,
    pub(super) authenticated: bool,
    /// Comes by the `execute-api` host rather than by a custom domain.
    pub(super) own_host: bool,
}

/// Endpoint, method, resource policy, authorization and API key, in the order in which API Gateway refuses (the order of the first
/// two and the last is inferred).
pub(super) fn admit(
    account: &Account,
    front: &Front,
    lane: Option<usize>,
    request: &Request,
    caller: &Caller,
    at: DateTime<Utc>,
) -> Gate {
    if front.endpoint_disabled && caller.own_host {
        return Gate::Disabled;
    }
    let Some(lane) = lane.and_then(|lane| front.lanes.get(lane)) else { return Gate::NoMethod };
    let arn = method_arn(account, front, request);
    let call = Call { arn: &arn, address: caller.address, request, now: at };
    match gate(front.policy.as_ref(), &call, &lane.authorization, caller.authenticated) {
        Gate::Open if lane.api_key_required && !caller.authenticated => Gate::Unauthorized(403),
        verdict => verdict,
    }
}

/// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/path` of a request.
pub(super) fn method_arn(account: &Account, front: &Front, request: &Request) -> String {
    let path = request.path.strip_prefix('/').and_then(|path| path.split_once('/')).map_or("", |(_, path)| path);
    format!(
        "arn:aws:execute-api:{}:{}:{}/{}/{}/{path}",
        account.region, account.id, front.api, front.stage, request.method
    )
}
