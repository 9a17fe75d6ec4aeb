//! One real HTTP request on the same path that the flows take, counted in the same metrics.
//!
//! Answers are API Gateway's own: bodies and `x-amzn-errortype` as in its default gateway responses.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderValue, Response};

use super::Traffic;
use super::backend::{Backend, Latency, Second};
use super::chance::Chance;
use super::credential::Shown;
use super::gate::Gate;
use super::log::{self, Told};
use super::outcome::{Outcome, Slot};
use super::plan::{Caller, Entrance, principal};
use super::record::{Family, Tally};
use super::request::Request;
use super::throttle::Bucket;
use super::truth::{Counts, Truth};
use super::waf::{Fate, MAX_BODY_LIMIT};
use crate::logs::{Own, Pace, Record, Roster};
use crate::policy::Refusal;
use crate::state::{Account, Ids, Sample};

/// A request on its way into a stage.
struct Coming<'a> {
    /// Index of the front that it comes to.
    front: usize,
    /// Index of the lane that its path is routed to.
    lane: Option<usize>,
    /// Its path below the stage.
    path: &'a str,
    request: Request,
    client: IpAddr,
    now: DateTime<Utc>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy)]
enum End {
    Waf(u16),
    Gate(Gate),
    LetIn(Slot),
}

impl End {
    /// As the truth counts it.
    fn counts(self) -> Counts {
        let mut counts = Counts { requests: 1, ..Counts::default() };
        *match self {
            Self::Waf(_) => &mut counts.waf_blocked,
            Self::Gate(gate) if gate.wants_credentials() => &mut counts.unauthorized,
            Self::Gate(_) => &mut counts.denied,
            Self::LetIn(Slot::Throttled) => &mut counts.throttled,
            Self::LetIn(Slot::CacheHit) => &mut counts.cache_hits,
            Self::LetIn(Slot::Overloaded | Slot::Late) => &mut counts.server_errors,
            Self::LetIn(_) => &mut counts.served,
        } = 1;
        counts
    }

    /// As the access log of a stage of this family tells it.
    fn outcome(self, family: Family) -> Outcome {
        match self {
            Self::Waf(code) => Outcome::waf(code),
            Self::Gate(gate) => Outcome::gate(gate, family == Family::Http),
            Self::LetIn(slot) => Outcome::let_in(slot, false),
        }
    }
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

/// What has become of a request.
struct Done {
    end: End,
    answer: Answer,
    /// What it adds to the metrics.
    tally: Tally,
}

impl Done {
    /// Turned away before the integration. `counted`: the metrics have it all the same.
    fn refused(end: End, answer: Answer, counted: bool) -> Self {
        let mut tally = Tally::default();
        if counted {
            tally.refuse(1, (400..500).contains(&answer.status));
        }
        Self { end, answer, tally }
    }
}

impl Traffic {
    /// One real request to `/restapis/{api}/{stage}/_user_request_/{path}` from `client`; the stage is known to exist.
    /// `account.now` is `now`.
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
        let lane = self.fronts[front].route(request.method().as_str(), path);
        let coming = Coming { front, lane, path, request: read(request, stage, path), client, now };
        let mut done = self.pass(account, &coming);
        let mut chance = Chance::keyed(self.seed, 0x4ea1, self.real);
        done.tally.finish(&mut chance);
        let front = &self.fronts[front];
        let detailed = lane.and_then(|lane| front.lanes[lane].series);
        for series in front.series.iter().chain(&detailed) {
            series.write(&mut account.metrics, now, &done.tally);
        }
        let book = self.truth.open(&front.id.label, Truth::REAL);
        self.truth.add(book, now, &done.end.counts());
        self.truth.took(&front.id.label, now, &done.tally.latency);
        // Not drawn from the account's names, so that a request changes no id that a later write gets.
        let request_id = Ids::new(self.seed ^ chance.bits()).uuid();
        self.log_one(account, &coming, &done, &request_id);
        respond(&request_id, done.answer)
    }

    /// Takes a request as far as it gets: WAF, the gate, the throttles, the cache, the integration.
    fn pass(&mut self, account: &mut Account, coming: &Coming<'_>) -> Done {
        let fate = self.judge_one(account, coming);
        if !fate.passed {
            let answer = Answer { status: fate.code, ..Answer::error(403, "ForbiddenException", "Forbidden") };
            return Done::refused(End::Waf(fate.code), answer, self.counting.waf_blocked);
        }
        let entrance = Entrance { account, front: &self.fronts[coming.front], meters: &self.meters, at: coming.now };
        let key = coming.request.header("x-api-key").map(str::to_owned);
        let credential = Shown::by(&coming.request);
        let caller = Caller { address: coming.client, credential, key, own_host: true };
        let (gate, meters) = entrance.admit(coming.lane, &coming.request, &caller);
        if let Some(answer) = turned_away(gate, &entrance, &coming.request) {
            return Done::refused(End::Gate(gate), answer, true);
        }
        if !self.has_tokens(coming, &meters) {
            let answer = Answer::error(429, "TooManyRequestsException", "Too Many Requests");
            return Done::refused(End::LetIn(Slot::Throttled), answer, self.counting.throttled);
        }
        self.integrate_one(coming)
    }

    fn judge_one(&mut self, account: &mut Account, coming: &Coming<'_>) -> Fate {
        let Some(shield) = self.fronts[coming.front].shield.and_then(|shield| self.shields.get_mut(shield)) else {
            return Fate::unseen();
        };
        let Coming { request, client, now, .. } = coming;
        let country = self.places.country(*client);
        let bits = shield.acl.bits(*client, Some(request), |leaf| shield.over(leaf, *client));
        let fate = shield.acl.judge(request, country, &bits);
        for leaf in &fate.rates {
            shield.count_rate(*leaf, *client, 1.0);
        }
        shield.count(&fate, 1);
        shield.publish(&mut account.metrics, &account.region, *now);
        let sampled = request.sampled();
        for event in &fate.events {
            let Some(verdict) = event.verdict.clone() else { continue };
            let sample = Sample {
                at: *now,
                client_ip: *client,
                country: country.into(),
                request: sampled.clone(),
                verdict,
                count: 1,
            };
            account.samples.record_sample(&shield.acl.arn, &shield.acl.metrics[event.rule], sample);
        }
        fate
    }

    /// Takes a token from each bucket in turn: of the usage plan, of the method, of the account; says whether every one
    /// had one.
    fn has_tokens(&mut self, coming: &Coming<'_>, meters: &[usize]) -> bool {
        let method = coming.lane.and_then(|lane| self.fronts[coming.front].lanes[lane].bucket.as_mut());
        self.meters.one(meters)
            && method.is_none_or(Bucket::one)
            && self.account_bucket.as_mut().is_none_or(Bucket::one)
    }

    /// Cache, then integration.
    fn integrate_one(&self, coming: &Coming<'_>) -> Done {
        let mut chance = Chance::keyed(self.seed, 0x0de1, self.real);
        let mut tally = Tally::default();
        tally.requests = 1;
        let done = |slot, answer, tally| Done { end: End::LetIn(slot), answer, tally };
        let Some(lane) = coming.lane.map(|lane| &self.fronts[coming.front].lanes[lane]) else {
            return done(Slot::Served, Answer { status: 200, error_type: None, body: "{}".to_owned() }, tally);
        };
        let success = success(&lane.method, coming.path);
        if let Some((how, ttl)) = &lane.caching {
            if chance.unit() < lane.cache.hit_share(how, *ttl) {
                tally.hits = 1;
                return done(Slot::CacheHit, success, tally);
            }
            tally.misses = 1;
        }
        let backend = lane.integration.backend.and_then(|backend| self.backends.get(backend));
        let second = backend.map_or(Second::CALM, Backend::last);
        if let Some(backend) = backend {
            if chance.unit() < second.refused {
                tally.failed(backend.refusal_ms(), 1);
                tally.server_errors = 1;
                let answer = Answer::error(500, "InternalServerErrorException", "Internal server error");
                return done(Slot::Overloaded, answer, tally);
            }
            if chance.unit() < lane.integration.late(&second) {
                tally.failed(backend.timeout_ms(), 1);
                tally.server_errors = 1;
                let answer = Answer::error(504, "InternalServerErrorException", "Endpoint request timed out");
                return done(Slot::Late, answer, tally);
            }
        }
        tally.integrated(&lane.integration.answered(&second), 1, &mut chance);
        done(Slot::Served, success, tally)
    }

    /// Writes the request's line into the stage's access log.
    fn log_one(&self, account: &mut Account, coming: &Coming<'_>, done: &Done, request_id: &str) {
        let front = &self.fronts[coming.front];
        let Some(log) = &front.log else { return };
        let lane = coming.lane.and_then(|lane| front.lanes.get(lane));
        let value = coming.request.header("x-api-key").filter(|_| lane.is_some_and(|lane| lane.wants.api_key));
        let key = value.and_then(|value| log::key_id(account, |key| key.value == value));
        let shield = front.shield.and_then(|shield| self.shields.get(shield));
        let passed = !matches!(done.end, End::Waf(_));
        let told = Told {
            front,
            log,
            request: &coming.request,
            outcome: &Outcome { length: done.answer.body.len(), ..done.end.outcome(front.id.family) },
            lane,
            waf: shield.map(|shield| (shield.acl.arn.as_str(), passed)),
            key: key.as_deref(),
            caller: log::caller(account, lane, matches!(done.end, End::LetIn(_))),
        };
        let ms = done.tally.latency.first().map_or(1.0, |(ms, _)| *ms);
        let pace = match done.tally.integration.first() {
            Some((ms, _)) => Pace::integrated(*ms),
            None => Pace::own(Latency::fixed(ms)),
        };
        let millis = u16::try_from(coming.now.timestamp_subsec_millis().min(999)).unwrap_or(0);
        let own = Own { request_id: request_id.to_owned(), millis };
        let roster = Arc::new(Roster::new(vec![coming.client], vec![1.0]));
        let kind = log::own_kind(account, &told, roster, own);
        account.logs.write(&log.group, coming.now, Record::new(kind, 1), pace);
    }
}

/// The answer of a gate, unless it is open. HTTP APIs have words of their own, and fewer (documented for 404; the
/// others seen in users' reports).
fn turned_away(gate: Gate, entrance: &Entrance<'_>, request: &Request) -> Option<Answer> {
    let answer = match gate {
        Gate::Open => return None,
        Gate::Refused(refusal) => refused(refusal, &entrance.method_arn(request), entrance.account),
        Gate::NoKey | Gate::Disabled => Answer::error(403, "ForbiddenException", "Forbidden"),
        Gate::NoMethod => unsigned(),
    };
    Some(match gate {
        _ if entrance.front.id.family == Family::Rest => answer,
        Gate::NoMethod => Answer { status: 404, error_type: None, body: r#"{"message":"Not Found"}"#.to_owned() },
        _ if answer.status == 401 => Answer { error_type: None, ..answer },
        _ => Answer { status: 403, error_type: None, body: r#"{"message":"Forbidden"}"#.to_owned() },
    })
}

fn success(method: &str, path: &str) -> Answer {
    let body = serde_json::json!({ "ok": true, "method": method, "path": format!("/{path}") }).to_string();
    Answer { status: 200, error_type: None, body }
}

/// No such method, or no signature where one is wanted: API Gateway does not tell them apart (documented).
fn unsigned() -> Answer {
    Answer::error(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
}

/// A refusal by policy or authorization. Policies' words have a capital M in `Message`, and the account number masked
/// but for its last four digits (seen in users' reports; unverified). That IAM callers are named in them, and the
/// authorizer's words, are unverified as well.
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
        body: body[..body.len().min(MAX_BODY_LIMIT)].to_vec(),
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
