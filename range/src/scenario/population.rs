//! `[[world.populations]]`: who sends requests.

use ipnet::IpNet;
use serde::Deserialize;
use std::net::IpAddr;

use super::conduct::{DailySpec, GivesUpSpec, PatienceSpec, PulseSpec, RetrySpec};
use super::values::{Route, Span, StageRef};

/// What a population is, for the range's own truth; the account never sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Real callers.
    Legitimate,
    /// Attackers.
    Botnet,
}

/// What a request carries that managed rules know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signature {
    /// SQL injection.
    Sqli,
    /// Cross-site scripting.
    Xss,
    /// Local file inclusion, `../../etc/passwd`.
    Lfi,
    /// Log4j's JNDI look-up.
    Log4j,
    /// A body over 8 KiB.
    LargeBody,
}

/// Where in the request the signature sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureIn {
    /// The body.
    Body,
    /// The query string.
    Query,
    /// The path.
    Path,
}

/// Addresses of a population.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    /// Addresses are drawn from this prefix.
    pub prefix: toml::Spanned<IpNet>,
    /// How many distinct addresses are drawn, beside those named in `addresses`.
    #[serde(default)]
    pub count: usize,
    /// Addresses named one by one; they must lie inside `prefix`.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// Two-letter country that WAF sees.
    #[serde(default = "default_country")]
    pub country: String,
}

fn default_country() -> String {
    "US".to_owned()
}

/// One kind of request that a population sends.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestMix {
    /// Method and resource: `POST /login`.
    pub route: toml::Spanned<Route>,
    /// Weight among the population's requests.
    #[serde(default = "one")]
    pub share: f64,
    /// Paths as sent, below the stage; `{id}` in them is replaced by a number. The resource's own path when absent.
    #[serde(default)]
    pub uris: Vec<String>,
    /// Query strings as sent, without `?`.
    #[serde(default)]
    pub queries: Vec<String>,
    /// User agents of these requests; the population's when absent.
    #[serde(default)]
    pub user_agents: Vec<String>,
    /// What the requests carry; the population's when absent.
    #[serde(default)]
    pub signature: Option<Signature>,
    /// Where they carry it; by method when absent (`GET`: query, else body).
    #[serde(default, rename = "in")]
    pub signature_in: Option<SignatureIn>,
}

const fn one() -> f64 {
    1.0
}

/// What an attacker's address does once it is refused (WAF, resource policy).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenBlocked {
    /// Goes on as before.
    Persist,
    /// Goes on from a new address in the same prefix.
    Move,
    /// Falls silent.
    GiveUp,
}

/// A habit of a share of a population's addresses; addresses with no habit persist.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Habit {
    /// What they do.
    pub when_blocked: WhenBlocked,
    /// How long they are refused before they do it.
    #[serde(default)]
    pub after: Span,
    /// Share of the addresses, 0 to 1.
    pub share: toml::Spanned<f64>,
    /// How long after giving up they come back; absent: never.
    #[serde(default)]
    pub returns: Option<toml::Spanned<Span>>,
}

/// How a population's credentials fare with IAM, a Lambda authorizer or Cognito.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialSpec {
    /// There are none.
    None,
    /// Valid; the identity's or the authorizer's policy allows the call.
    Allow,
    /// Valid; that policy says nothing of the call.
    Silent,
    /// Valid; that policy denies the call.
    Deny,
    /// Not valid.
    Invalid,
}

/// Who sends requests to one stage.
// Flat as the table in a file is: serde's `flatten` would lose where a value stands, and let unknown keys through.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Population {
    /// Name in the range's truth, and key of this population's randomness.
    pub name: toml::Spanned<String>,
    /// Real callers or attackers.
    pub kind: Kind,
    /// Where the requests go.
    pub stage: toml::Spanned<StageRef>,
    /// Requests per second, all addresses together; with `daily` those of the peak.
    pub rate: f64,
    /// How the rate follows the time of day; absent: every hour is like every other.
    #[serde(default)]
    pub daily: Option<DailySpec>,
    /// Slow wobble of the rate, as a share of it (standard deviation).
    #[serde(default)]
    pub noise: f64,
    /// When it begins, after the drill opens; absent: has always been there.
    #[serde(default)]
    pub start: Option<Span>,
    /// How long it takes from nothing to the full rate.
    #[serde(default)]
    pub ramp: Span,
    /// When it ends, after the drill opens; absent: never.
    #[serde(default)]
    pub stop: Option<Span>,
    /// Where the requests come from.
    pub sources: Vec<Sources>,
    /// What is sent.
    pub requests: Vec<RequestMix>,
    /// `User-Agent` values.
    #[serde(default)]
    pub user_agents: Vec<String>,
    /// `Host` header; the stage's own host when absent.
    #[serde(default)]
    pub host: Option<String>,
    /// What the requests carry unless a request says otherwise.
    #[serde(default)]
    pub signature: Option<Signature>,
    /// Whether the requests carry credentials that IAM and authorizers accept.
    #[serde(default)]
    pub authenticated: bool,
    /// How its credentials fare, where `authenticated` is too coarse.
    #[serde(default)]
    pub credential: Option<CredentialSpec>,
    /// When its privileges end, after the drill opens: from then on the backend refuses it with 4XX, and a cache serves
    /// it what it still holds of before.
    #[serde(default)]
    pub revoked: Option<Span>,
    /// The API key that its requests carry, by name.
    #[serde(default)]
    pub api_key: Option<toml::Spanned<String>>,
    /// Share of the requests that the application itself answers with 4XX (wrong password, bad request, not found).
    #[serde(default)]
    pub client_errors: f64,
    /// Share of the requests that the application answers with 5XX although it is not overloaded.
    #[serde(default)]
    pub server_errors: f64,
    /// Work of one request relative to an ordinary one on the same method (a bad query costs the database more).
    #[serde(default = "one")]
    pub cost: f64,
    /// How requests that fail are tried again; absent: they are not.
    #[serde(default)]
    pub retry: Option<RetrySpec>,
    /// How clients go away once nothing works, and come back; absent: they stay.
    #[serde(default)]
    pub patience: Option<PatienceSpec>,
    /// In which pulses it sends; absent: all the time.
    #[serde(default)]
    pub pulse: Option<PulseSpec>,
    /// When it gives up altogether; absent: never.
    #[serde(default)]
    pub gives_up: Option<GivesUpSpec>,
    /// What its addresses do when refused.
    #[serde(default)]
    pub habits: Vec<Habit>,
}
