//! Working out, once per change, what becomes of every kind of request from every class of addresses.

use std::collections::HashMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};

use super::Traffic;
use super::credential::Shown;
use super::crowd::Crowd;
use super::flows::{Class, Flow, Plan};
use super::front::Front;
use super::gate::Gate;
use super::meters::Meters;
use super::request::Request;
use super::shield::Shield;
use super::waf::Fate;
use crate::policy::{self, Access, Call};
use crate::state::Account;

impl Traffic {
    /// Makes the plan of a crowd anew where its front has changed.
    pub(super) fn replan(&mut self, account: &Account, crowd: usize, at: DateTime<Utc>) {
        let crowd = &mut self.crowds[crowd];
        let front = &self.fronts[crowd.front];
        if crowd.plan.version != front.version {
            let shield = front.shield.and_then(|shield| self.shields.get(shield));
            crowd.plan = Entrance { account, front, meters: &self.meters, at }.plan(crowd, shield);
        }
    }
}

/// Who calls.
pub(super) struct Caller {
    pub(super) address: IpAddr,
    pub(super) credential: Shown,
    /// The value of the API key that it sends.
    pub(super) key: Option<String>,
    /// Comes by the `execute-api` host rather than by a custom domain.
    pub(super) own_host: bool,
}

/// The way into a stage between WAF and the throttles: everything that a request meets there.
pub(super) struct Entrance<'a> {
    pub(super) account: &'a Account,
    pub(super) front: &'a Front,
    pub(super) meters: &'a Meters,
    pub(super) at: DateTime<Utc>,
}

impl Entrance<'_> {
    /// What becomes of everything that a crowd sends.
    fn plan(&self, crowd: &Crowd, shield: Option<&Shield>) -> Plan {
        let key = crowd.spec.api_key.as_ref().and_then(|name| self.meters.key_named(name.get_ref()));
        let classes = classes(crowd, self.front, shield);
        let mut flows = Vec::with_capacity(classes.len() * crowd.shapes.len());
        for shape in &crowd.shapes {
            let lane = self.front.lane(&shape.route.method, &shape.route.path);
            for class in &classes {
                let address = &crowd.addresses[class.members[0]];
                let fate = shield.map_or_else(Fate::unseen, |shield| {
                    shield.acl.judge(&shape.request, &address.country, &class.bits)
                });
                let caller = Caller {
                    address: address.ip,
                    credential: Shown::of(&crowd.spec),
                    key: key.map(str::to_owned),
                    own_host: crowd.spec.host.is_none(),
                };
                let (gate, meters) = self.admit(lane, &shape.request, &caller);
                flows.push(Flow::new(fate, gate, lane, meters));
            }
        }
        Plan { version: self.front.version, classes, flows }
    }

    /// Endpoint, method, resource policy, authorization and API key, in the order in which API Gateway refuses (the
    /// order of the first two and the last is inferred); with the buckets of the key's usage plan.
    pub(super) fn admit(&self, lane: Option<usize>, request: &Request, caller: &Caller) -> (Gate, Vec<usize>) {
        let front = self.front;
        if front.endpoint_disabled() && caller.own_host {
            return (Gate::Disabled, Vec::new());
        }
        let Some(lane) = lane.and_then(|lane| front.lanes.get(lane)) else { return (Gate::NoMethod, Vec::new()) };
        let arn = self.method_arn(request);
        let principal = principal(self.account);
        let call = Call {
            arn: &arn,
            source_ip: caller.address,
            user_agent: request.header("User-Agent"),
            referer: request.header("Referer"),
            principal: Some(&principal),
            at: self.at,
        };
        let credential = caller.credential.to(lane);
        match policy::decide(front.policy.as_ref(), &call, lane.wants.authorization, credential) {
            Access::Refused(refusal) => (Gate::Refused(refusal), Vec::new()),
            Access::Granted if lane.wants.api_key => match self.meters.of(caller.key.as_deref(), front, lane) {
                Some(meters) => (Gate::Open, meters),
                None => (Gate::NoKey, Vec::new()),
            },
            Access::Granted => (Gate::Open, Vec::new()),
        }
    }

    /// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/path` of a request.
    pub(super) fn method_arn(&self, request: &Request) -> String {
        let path = request.path.strip_prefix('/').and_then(|path| path.split_once('/')).map_or("", |(_, path)| path);
        let (account, front) = (self.account, self.front);
        format!(
            "arn:aws:execute-api:{}:{}:{}/{}/{}/{path}",
            account.region, account.id, front.id.api, front.id.stage, request.method
        )
    }
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
            classes.push(Class { members: Vec::new(), sums: Vec::new(), bits, roster: None });
            classes.len() - 1
        });
        let sum = classes[class].weight() + address.weight;
        classes[class].members.push(at);
        classes[class].sums.push(sum);
    }
    classes
}

/// The IAM principal that every caller who signs is.
pub(super) fn principal(account: &Account) -> String {
    format!("arn:aws:iam::{}:user/caller", account.id)
}
