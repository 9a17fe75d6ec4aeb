//! One real HTTP request on the same path that the flows take, counted in the same metrics.
//!
//! Answers are API Gateway's own: bodies and `x-amzn-errortype` as in its default gateway responses.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderValue, Response};

use super::Traffic;
use super::backend::Latency;
use super::backend::Second;
use super::chance::Chance;
use super::credential::Shown;
use super::log::{self, Told};
use super::outcome::{Outcome, Slot};
use super::plan::{Caller, Gate, admit, method_arn, principal};
use super::record::{Answered, Family, Tally};
use super::request::Request;
use super::truth::{Counts, Truth};
use super::waf::Fate;
use crate::logs::{Own, Pace, Record, Roster};
use crate::policy::Refusal;
use crate::state::{Account, Ids, Sample};

/// WAF looks at so many bytes of a body (documented for API Gateway: 16 KB by default).
const BODY_LIMIT: usize = 16 * 1024;

/// How a request ended.
#[derive(Debug, Clone, Copy)]
enum End {
    Waf(u16),
    Gate(Gate),
    LetIn(Slot),
}

/// An answer before it is written.
struct Answer {
    status: u16,
    error_type: Option<&'static str>,
    body: String,
}

impl Answer {
    fn error(status: u16, error_type: &'static str, message: &str) -> Self {
        let body = serde_json::json!({ "message": message }).to_string();
        Self { status, error_type: Some(error_type), body }
    }
}

/// A request that has been answered.
struct One<'a> {
    asked: &'a Request,
    end: End,
    /// WAF let it through.
    passed: bool,
    client: IpAddr,
    now: DateTime<Utc>,
    /// Bytes of the answer's body.
    length: usize,
    tally: &'a Tally,
}

impl Traffic {
    /// One real request to `/restapis/{api}/{stage}/_user_request_/{path}` from `client`; the stage is known to exist. `account.now` is `now`.
    pub(crate) fn data_plane(
        &mut self,
        account: &mut Account,
        request: &http::Request<Bytes>,
        client: IpAddr,
        now: DateTime<Utc>,
    ) -> Response<Bytes> {
        let Some((api, stage, path)) = split(request.uri().path()) else { return Response::new(Bytes::new()) };
        let front = self.front(account, api, stage);
        self.refresh(account, now);
        self.real += 1;
        let asked = read(request, stage, path);
        let fate = self.judge_one(account, front, &asked, client, now);
        let mut counts = Counts { requests: 1, ..Counts::default() };
        let mut tally = Tally::default();
        let mut end = End::Waf(fate.code);
        let answer = if fate.passed {
            self.admit_one(account, front, path, &asked, client, now, &mut counts, &mut tally, &mut end)
        } else {
            counts.waf_blocked = 1;
            if self.counting.waf_blocked {
                tally.refuse(1, (400..500).contains(&fate.code));
            }
            Answer { status: fate.code, ..Answer::error(403, "ForbiddenException", "Forbidden") }
        };
        let mut chance = Chance::keyed(self.seed, 0x4ea1, self.real);
        tally.finish(&mut chance);
        let lane = self.fronts[front].route(&asked.method, path);
        let detailed = lane.and_then(|lane| self.fronts[front].lanes[lane].series);
        for series in self.fronts[front].series.iter().chain(&detailed) {
            series.write(&mut account.metrics, now, &tally);
        }
        let label = self.fronts[front].label.clone();
        let book = self.truth.open(&label, Truth::REAL);
        self.truth.add(book, now, &counts);
        self.truth.took(&label, now, &tally.latency);
        // Not drawn from the account's names, so that a request changes no id that a later write gets.
        let request_id = Ids::new(self.seed ^ chance.bits()).uuid();
        let one =
            One { asked: &asked, end, passed: fate.passed, client, now, length: answer.body.len(), tally: &tally };
        self.log_one(account, front, lane, &one, &request_id);
        respond(&request_id, answer)
    }

    /// Writes the request's line into the stage's access log.
    fn log_one(&self, account: &mut Account, front: usize, lane: Option<usize>, one: &One<'_>, request_id: &str) {
        let front = &self.fronts[front];
        let Some(log) = &front.log else { return };
        let lane = lane.and_then(|lane| front.lanes.get(lane));
        let outcome = match one.end {
            End::Waf(code) => Outcome::waf(code),
            End::Gate(gate) => Outcome::gate(gate, front.family == Family::Http),
            End::LetIn(slot) => Outcome::let_in(slot, false),
        };
        let value = one.asked.header("x-api-key").filter(|_| lane.is_some_and(|lane| lane.api_key_required));
        let key = value.and_then(|value| log::key_id(account, |key| key.value == value));
        let shield = front.shield.and_then(|shield| self.shields.get(shield));
        let told = Told {
            request: one.asked,
            outcome: &Outcome { length: one.length, ..outcome },
            lane,
            waf: shield.map(|shield| (shield.acl.arn.as_str(), one.passed)),
            key: key.as_deref(),
            caller: log::caller(account, lane, matches!(one.end, End::LetIn(_))),
        };
        let ms = one.tally.latency.first().map_or(1.0, |(ms, _)| *ms);
        let pace = match one.tally.integration.first() {
            Some((ms, _)) => Pace::integrated(*ms),
            None => Pace::own(Latency::fixed(ms)),
        };
        let millis = u16::try_from(one.now.timestamp_subsec_millis().min(999)).unwrap_or(0);
        let own = Own { request_id: request_id.to_owned(), millis };
        let roster = Arc::new(Roster::new(vec![one.client], vec![1.0]));
        let kind = log::kind(account, front, log, &told, roster, Some(own));
        account.logs.write(&log.group, one.now, Record::new(kind, 1), pace);
    }

    fn judge_one(
        &mut self,
        account: &mut Account,
        front: usize,
        asked: &Request,
        client: IpAddr,
        now: DateTime<Utc>,
    ) -> Fate {
        let Some(shield) = self.fronts[front].shield.and_then(|shield| self.shields.get_mut(shield)) else {
            return Fate::unseen();
        };
        // Where an address really is, is not known here; WAF writes `-` for such (unverified).
        let country = "-";
        let bits = shield.acl.bits(client, Some(asked), |leaf| shield.over(leaf, client));
        let fate = shield.acl.judge(asked, country, &bits);
        for leaf in &fate.rates {
            shield.count_rate(*leaf, client, 1.0);
        }
        shield.count(&fate, 1);
        shield.publish(&mut account.metrics, &account.region, now);
        let sampled = asked.sampled();
        for event in &fate.events {
            let Some(verdict) = event.verdict.clone() else { continue };
            let sample = Sample {
                at: now,
                client_ip: client,
                country: country.into(),
                request: sampled.clone(),
                verdict,
                count: 1,
            };
            account.samples.record_sample(&shield.acl.arn, &shield.acl.metrics[event.rule], sample);
        }
        fate
    }

    #[allow(clippy::too_many_arguments)] // the request's whole situation
    fn admit_one(
        &mut self,
        account: &Account,
        index: usize,
        path: &str,
        asked: &Request,
        client: IpAddr,
        now: DateTime<Utc>,
        counts: &mut Counts,
        tally: &mut Tally,
        end: &mut End,
    ) -> Answer {
        let front = &self.fronts[index];
        let lane = front.route(&asked.method, path);
        let key = asked.header("x-api-key").map(str::to_owned);
        let caller = Caller { address: client, credential: Shown::by(asked), key, own_host: true };
        let (gate, meters) = admit(account, front, &self.meters, lane, asked, &caller, now);
        *end = End::Gate(gate);
        let refusal = match gate {
            Gate::Open => None,
            Gate::Refused(refusal) => Some(refused(refusal, &method_arn(account, front, asked), account)),
            Gate::NoKey | Gate::Disabled => Some(Answer::error(403, "ForbiddenException", "Forbidden")),
            Gate::NoMethod => Some(unsigned()),
        };
        // HTTP APIs have words of their own, and fewer (documented for 404; the others seen in users' reports).
        let refusal = refusal.map(|refusal| match gate {
            _ if self.fronts[index].family == Family::Rest => refusal,
            Gate::NoMethod => Answer { status: 404, error_type: None, body: r#"{"message":"Not Found"}"#.to_owned() },
            _ if refusal.status == 401 => Answer { error_type: None, ..refusal },
            _ => Answer { status: 403, error_type: None, body: r#"{"message":"Forbidden"}"#.to_owned() },
        });
        if let Some(refusal) = refusal {
            *if gate.wants_credentials() { &mut counts.unauthorized } else { &mut counts.denied } += 1;
            tally.refuse(1, true);
            return refusal;
        }
        let open = self.meters.one(&meters)
            && lane.is_none_or(|lane| {
                self.fronts[index].lanes[lane].bucket.as_mut().is_none_or(super::throttle::Bucket::one)
            });
        if !(open && self.account_bucket.as_mut().is_none_or(super::throttle::Bucket::one)) {
            *end = End::LetIn(Slot::Throttled);
            counts.throttled = 1;
            if self.counting.throttled {
                tally.refuse(1, true);
            }
            return Answer::error(429, "TooManyRequestsException", "Too Many Requests");
        }
        let answer = self.integrate_one(index, lane, path, counts, tally);
        *end = End::LetIn(match answer.status {
            _ if counts.cache_hits > 0 => Slot::CacheHit,
            500 => Slot::Overloaded,
            504 => Slot::Late,
            _ => Slot::Served,
        });
        answer
    }

    fn integrate_one(
        &mut self,
        index: usize,
        lane: Option<usize>,
        path: &str,
        counts: &mut Counts,
        tally: &mut Tally,
    ) -> Answer {
        let mut chance = Chance::keyed(self.seed, 0x0de1, self.real);
        tally.requests = 1;
        let Some(lane) = lane.map(|lane| &self.fronts[index].lanes[lane]) else {
            return Answer { status: 200, error_type: None, body: "{}".to_owned() };
        };
        if let Some((how, ttl)) = &lane.caching {
            if chance.unit() < lane.cache.hit_share(how, *ttl) {
                tally.hits = 1;
                counts.cache_hits = 1;
                return success(lane.method.as_str(), path);
            }
            tally.misses = 1;
        }
        let backend = lane.backend.and_then(|backend| self.backends.get(backend));
        let second = backend.map_or(Second::CALM, super::backend::Backend::last);
        if let Some(backend) = backend {
            if chance.unit() < second.refused {
                tally.failed(backend.refusal_ms(), 1);
                (tally.server_errors, counts.server_errors) = (1, 1);
                let body = r#"{"message":"Internal server error"}"#.to_owned();
                return Answer { status: 500, error_type: Some("InternalServerErrorException"), body };
            }
            if chance.unit() < lane.late(&second) {
                tally.failed(backend.timeout_ms(), 1);
                (tally.server_errors, counts.server_errors) = (1, 1);
                return Answer::error(504, "InternalServerErrorException", "Endpoint request timed out");
            }
        }
        let (slower, wait_ms, timeout_ms) = (second.slower, second.wait_ms, lane.timeout_ms);
        tally.integrated(&Answered { latency: &lane.latency, slower, wait_ms, timeout_ms }, 1, &mut chance);
        counts.served = 1;
        success(lane.method.as_str(), path)
    }
}

fn success(method: &str, path: &str) -> Answer {
    let body = serde_json::json!({ "ok": true, "method": method, "path": format!("/{path}") }).to_string();
    Answer { status: 200, error_type: None, body }
}

/// No such method, or no signature where one is wanted: API Gateway does not tell them apart (documented).
fn unsigned() -> Answer {
    Answer::error(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
}

/// A refusal by policy or authorization. Policies' words have a capital M in `Message`, and the account number masked but for its last four
/// digits (seen in users' reports; unverified). That IAM callers are named in them, and the authorizer's words, are unverified as well.
fn refused(refusal: Refusal, arn: &str, account: &Account) -> Answer {
    let (user, explicit) = match refusal {
        Refusal::Unsigned => return unsigned(),
        Refusal::BadSignature => {
            let words = "The request signature we calculated does not match the signature you provided.";
            return Answer::error(403, "InvalidSignatureException", words);
        }
        Refusal::Unauthorized => return Answer::error(401, "UnauthorizedException", "Unauthorized"),
        Refusal::Policy { explicit } => (Some("anonymous".to_owned()), explicit),
        Refusal::Identity { explicit } => (Some(principal(account)), explicit),
        Refusal::Authorizer { explicit } => (None, explicit),
    };
    let masked = format!("********{}", account.id.get(8..).unwrap_or(""));
    let arn = arn.replacen(&account.id, &masked, 1);
    let words = match user {
        Some(user) => format!("User: {user} is not authorized to perform: execute-api:Invoke on resource: {arn}"),
        None => "User is not authorized to access this resource".to_owned(),
    };
    let tail = if explicit { " with an explicit deny" } else { "" };
    let body = serde_json::json!({ "Message": format!("{words}{tail}") }).to_string();
    Answer { status: 403, error_type: Some("AccessDeniedException"), body }
}

/// API id, stage and the path after `_user_request_`, without its leading `/`.
fn split(path: &str) -> Option<(&str, &str, &str)> {
    let mut parts = path.strip_prefix("/restapis/")?.splitn(4, '/');
    let (api, stage) = (parts.next()?, parts.next()?);
    (parts.next()? == "_user_request_").then(|| (api, stage, parts.next().unwrap_or("")))
}

fn read(request: &http::Request<Bytes>, stage: &str, path: &str) -> Request {
    let body = request.body();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Request {
        method: request.method().as_str().to_owned(),
        path: format!("/{stage}/{path}"),
        query: request.uri().query().unwrap_or("").to_owned(),
        headers: request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: String::from_utf8_lossy(&body[..body.len().min(BODY_LIMIT)]).into_owned(),
        body_len: body.len(),
        token: false,
    }
}

fn respond(request_id: &str, answer: Answer) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(answer.body));
    *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or(http::StatusCode::FORBIDDEN);
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    if let Some(error_type) = answer.error_type {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(error_type));
    }
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
