//! The access logs of stages: how what flows have come to is written down.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Traffic;
use super::backend::Latency;
use super::crowd::Crowd;
use super::flows::{Class, Flow, KnownKinds};
use super::front::{Front, Lane};
use super::outcome::{Outcome, Slot};
use super::record::{CACHE_HIT, Family, REFUSAL};
use super::request::Request;
use super::stage_log::StageLog;
use crate::logs::format::escape;
use crate::logs::{Kind, LogStore, Own, Pace, Record, Roster};
use crate::policy::Authorization;
use crate::state::{Account, ApiKey, Live};

/// A request whose line is to be written, and how it ended.
pub(super) struct Told<'a> {
    pub(super) front: &'a Front,
    /// Where the line goes.
    pub(super) log: &'a StageLog,
    pub(super) request: &'a Request,
    pub(super) outcome: &'a Outcome,
    pub(super) lane: Option<&'a Lane>,
    /// ARN of the web ACL before it, and whether that let it through.
    pub(super) waf: Option<(&'a str, bool)>,
    /// Id of the API key that it came with.
    pub(super) key: Option<&'a str>,
    /// Who signed it, where the method wants that.
    pub(super) caller: Option<String>,
}

/// The value of a variable that all lines of a kind share.
fn value(name: &str, account: &Account, told: &Told<'_>) -> Option<String> {
    let Told { front, request, outcome, .. } = *told;
    let sent = |value: &str| if account.logs.escape_values { escape(value) } else { value.to_owned() };
    let number = |status: Option<u16>| status.map(|status| status.to_string());
    let route = told.lane.map(|lane| match lane.method.as_str() {
        "$default" => "$default".to_owned(),
        method => format!("{method} {}", lane.path),
    });
    match name {
        "accountId" => Some(account.id.clone()),
        "apiId" => Some(front.id.api.clone()),
        "stage" => Some(front.id.stage.clone()),
        "httpMethod" => Some(request.method.clone()),
        "path" => Some(sent(&request.path)),
        "resourcePath" => told.lane.map(|lane| lane.path.clone()),
        "routeKey" if front.id.family == Family::Http => route,
        "protocol" => Some("HTTP/1.1".to_owned()),
        "domainName" => request.header("Host").map(sent),
        "domainPrefix" => request.header("Host").map(|host| sent(host.split('.').next().unwrap_or(host))),
        "identity.userAgent" => request.header("User-Agent").map(sent),
        "identity.apiKeyId" => told.key.map(str::to_owned),
        "identity.caller" | "identity.user" | "identity.userArn" => told.caller.clone(),
        "status" => Some(outcome.status.to_string()),
        "responseLength" => Some(outcome.length.to_string()),
        "integrationStatus" | "integration.status" | "integration.integrationStatus" => {
            number(outcome.integration_status)
        }
        "error.responseType" => outcome.response_type.map(str::to_owned),
        "error.message" => outcome.message.map(str::to_owned),
        "error.messageString" => outcome.message.map(|words| format!("\"{words}\"")),
        // Not set without a web ACL (documented).
        "waf.status" => told.waf.map(|(_, passed)| if passed { 200 } else { outcome.status }.to_string()),
        "wafResponseCode" | "waf.wafResponseCode" => {
            told.waf.map(|(_, passed)| if passed { "WAF_ALLOW" } else { "WAF_BLOCK" }.to_owned())
        }
        "webaclArn" | "waf.webaclArn" => told.waf.map(|(arn, _)| arn.to_owned()),
        _ => None,
    }
}

/// The kind of line of one request that really came.
pub(super) fn own_kind(account: &mut Account, told: &Told<'_>, roster: Arc<Roster>, own: Own) -> Arc<Kind> {
    let pieces = told.log.format.compile(|name| value(name, account, told));
    let serial = account.logs.next_serial();
    Arc::new(Kind::new(serial, pieces, roster, Arc::clone(&told.log.stream), Some(own)))
}

/// The kind of line of a shape's end; the same as before where nothing in it has changed. No two flows share one: what
/// is drawn of a kind in a second is drawn once.
fn kind(
    account: &mut Account,
    told: &Told<'_>,
    roster: Arc<Roster>,
    known: &mut KnownKinds,
    of: (usize, Slot),
) -> Arc<Kind> {
    let pieces = told.log.format.compile(|name| value(name, account, told));
    known.retain(|(_, kind)| kind.strong_count() > 0);
    let mut mine = known.iter().filter(|(whose, _)| *whose == of).filter_map(|(_, kind)| kind.upgrade());
    if let Some(same) = mine.find(|kind| kind.says(&pieces, &roster)) {
        return same;
    }
    let serial = account.logs.next_serial();
    let made = Arc::new(Kind::new(serial, pieces, roster, Arc::clone(&told.log.stream), None));
    known.push((of, Arc::downgrade(&made)));
    made
}

impl Crowd {
    /// The addresses of a class as lines are drawn from them; the same as before where nothing has changed.
    fn roster(&mut self, class: usize, logs: &mut LogStore) -> Arc<Roster> {
        let Class { members, sums, roster, .. } = &mut self.plan.classes[class];
        if let Some(roster) = roster {
            return Arc::clone(roster);
        }
        let addresses = members.iter().map(|member| self.addresses[*member].ip).collect();
        let made = Roster::new(addresses, sums.clone());
        self.rosters.retain(|known| Arc::strong_count(known) > 1);
        let known = self.rosters.iter().find(|known| ***known == made).map(Arc::clone);
        let made = known.unwrap_or_else(|| {
            let made = Arc::new(made);
            logs.keep_roster(&made);
            self.rosters.push(Arc::clone(&made));
            made
        });
        *roster = Some(Arc::clone(&made));
        made
    }
}

impl Traffic {
    /// Writes what the second that begins at `at` has brought into the stages' access logs.
    pub(super) fn write_logs(&mut self, account: &mut Account, at: DateTime<Utc>) {
        for work in 0..self.work.len() {
            let (crowd, flow) = self.work[work].place();
            if self.fronts[self.crowds[crowd].front].log.is_none() {
                continue;
            }
            for slot in Slot::ALL {
                let front = &self.fronts[self.crowds[crowd].front];
                let told = &mut self.crowds[crowd].plan.flows[flow];
                let count = std::mem::take(&mut told.ended[slot as usize]);
                let lane = told.lane.and_then(|lane| front.lanes.get(lane));
                let pace = lane.map_or_else(|| Pace::own(Latency::new(REFUSAL)), |lane| pace(lane, slot));
                let Ok(count @ 1..) = u32::try_from(count) else { continue };
                let Some(kind) = self.kind_of(account, (crowd, flow), slot) else { continue };
                let Some(log) = &self.fronts[self.crowds[crowd].front].log else { continue };
                account.logs.write(&log.group, at, Record::new(kind, count), pace);
            }
        }
        account.logs.meter(&mut account.metrics, at);
    }

    /// The kind of line of a flow's end, made on first sight.
    fn kind_of(&mut self, account: &mut Account, (crowd, flow): (usize, usize), slot: Slot) -> Option<Arc<Kind>> {
        let classes = self.crowds[crowd].plan.classes.len();
        if let Some(known) = &self.crowds[crowd].plan.flows[flow].kinds[slot as usize] {
            return Some(Arc::clone(known));
        }
        let roster = self.crowds[crowd].roster(flow % classes, &mut account.logs);
        let crowd = &mut self.crowds[crowd];
        let front = &self.fronts[crowd.front];
        let log = front.log.as_ref()?;
        let shape = &crowd.shapes[flow / classes];
        let Flow { fate, gate, lane, kinds, .. } = &mut crowd.plan.flows[flow];
        let lane = lane.and_then(|lane| front.lanes.get(lane));
        let outcome = Outcome::of(slot, fate, *gate, front.id.family == Family::Http, is_login(&shape.request.path));
        let shield = front.shield.and_then(|shield| self.shields.get(shield));
        let key = crowd.spec.api_key.as_ref().filter(|_| lane.is_some_and(|lane| lane.wants.api_key));
        let key = key.and_then(|name| key_id(account, |key| key.name == *name.get_ref()));
        let told = Told {
            front,
            log,
            request: &shape.request,
            outcome: &outcome,
            lane,
            waf: shield.map(|shield| (shield.acl.arn.as_str(), fate.passed)),
            key: key.as_deref(),
            caller: caller(account, lane, slot.integrated()),
        };
        let made = kind(account, &told, roster, &mut crowd.kinds, (flow / classes, slot));
        kinds[slot as usize] = Some(Arc::clone(&made));
        Some(made)
    }
}

/// Whether a password is what this path asks for.
fn is_login(path: &str) -> bool {
    ["login", "signin", "auth", "token", "session"].iter().any(|word| path.contains(word))
}

/// Id of the first API key that fits.
pub(super) fn key_id(account: &Account, fits: impl Fn(&ApiKey) -> bool) -> Option<String> {
    let keys = account.gateway.api_keys.values().map(Live::saved);
    keys.filter(|key| fits(key)).map(|key| key.id.clone()).next()
}

/// Who called, where a method wants a signature and had one.
pub(super) fn caller(account: &Account, lane: Option<&Lane>, got_in: bool) -> Option<String> {
    lane.filter(|lane| got_in && lane.wants.authorization == Authorization::Iam)
        .map(|_| super::plan::principal(account))
}

/// How long requests with this end took.
fn pace(lane: &Lane, slot: Slot) -> Pace {
    match slot {
        Slot::Refused | Slot::Throttled => Pace::own(Latency::new(REFUSAL)),
        Slot::CacheHit => Pace::own(Latency::new(CACHE_HIT)),
        Slot::Overloaded => Pace::integrated(lane.second.refusal_ms),
        Slot::Late => Pace::integrated(lane.integration.timeout_ms),
        Slot::Served | Slot::ClientError | Slot::Revoked | Slot::ServerError => Pace {
            latency: lane.integration.latency,
            slower: lane.second.slower,
            wait_ms: lane.second.wait_ms,
            cap_ms: lane.integration.timeout_ms,
            cold: lane.second.cold,
            integrated: true,
        },
    }
}
