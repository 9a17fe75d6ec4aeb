//! Headers and cookies: names with values, of which WAF receives so many and so much.

use std::borrow::Cow;

use serde_json::Value;

use super::super::super::request::Request;
use super::super::flaw::Flaw;
use super::super::statement::strings;
use super::{Oversize, Seen, single};

/// At most so many headers, and so many cookies, reach WAF (documented).
const MOST: usize = 200;
/// At most so many bytes of either (documented: "8 KB (8192 bytes)"). AWS does not say what counts: here the names and
/// values of headers, and the text of the `Cookie` headers (inferred).
const MOST_BYTES: usize = 8_192;

/// Which of them.
#[derive(Debug, Clone)]
enum Only {
    All,
    Included(Vec<String>),
    Excluded(Vec<String>),
}

/// `Headers` or `Cookies` of a `FieldToMatch`; documented in `API_Headers.html` and `API_Cookies.html`.
#[derive(Debug, Clone)]
pub(crate) struct Map {
    only: Only,
    keys: bool,
    values: bool,
    oversize: Oversize,
}

type Pair<'r> = (&'r [u8], &'r [u8]);

impl Map {
    /// All names and values, as far as there are any.
    pub(crate) const fn everything() -> Self {
        Self { only: Only::All, keys: true, values: true, oversize: Oversize::Continue }
    }

    /// Reads the member; `field` is AWS's name of its match pattern in errors.
    pub(super) fn read(json: &Value, included: &str, excluded: &str, field: &'static str) -> Result<Self, Flaw> {
        let one = "Exactly one of All, Included… and Excluded…";
        let (kind, names) = single(&json["MatchPattern"]).ok_or_else(|| Flaw::missing(field, one))?;
        let only = match (kind, strings(names)) {
            ("All", _) => Only::All,
            (kind, names) if kind == included && !names.is_empty() => Only::Included(names),
            (kind, names) if kind == excluded && !names.is_empty() => Only::Excluded(names),
            (kind, _) => return Err(Flaw::missing(field, kind)),
        };
        let (keys, values) = match json["MatchScope"].as_str() {
            Some("ALL") => (true, true),
            Some("KEY") => (true, false),
            Some("VALUE") => (false, true),
            other => return Err(Flaw::missing("MAP_MATCH_SCOPE", other.unwrap_or("MatchScope"))),
        };
        Ok(Self { only, keys, values, oversize: Oversize::read(json, true)? })
    }

    /// All headers, cookies included (documented); names are compared without regard to case (documented).
    pub(super) fn headers<'r>(&self, request: &'r Request) -> Seen<'r> {
        let (received, more) = received_headers(request);
        self.pick(received, more, <[u8]>::eq_ignore_ascii_case)
    }

    /// All cookies; "the string match for a key is case sensitive and must be exact" (documented).
    pub(super) fn cookies<'r>(&self, request: &'r Request) -> Seen<'r> {
        let (received, more) = received_cookies(request);
        self.pick(received, more, |known, name| known == name)
    }

    fn pick<'r>(&self, received: Vec<Pair<'r>>, more: bool, same: impl Fn(&[u8], &[u8]) -> bool) -> Seen<'r> {
        if let Oversize::Settled(verdict) = self.oversize
            && more
        {
            return Seen::Settled(verdict);
        }
        let named = |names: &[String], key: &[u8]| names.iter().any(|name| same(key, name.as_bytes()));
        let mut texts = Vec::new();
        for (key, value) in received {
            let wanted = match &self.only {
                Only::All => true,
                Only::Included(names) => named(names, key),
                Only::Excluded(names) => !named(names, key),
            };
            if wanted {
                texts.extend(self.keys.then_some(Cow::Borrowed(key)));
                texts.extend(self.values.then_some(Cow::Borrowed(value)));
            }
        }
        Seen::Texts(texts)
    }
}

/// The headers that reach WAF "up to the first limit reached" (documented), and whether there are more. One that the
/// limit cuts in two is received up to it (inferred).
fn received_headers(request: &Request) -> (Vec<Pair<'_>>, bool) {
    let mut left = MOST_BYTES;
    let mut received = Vec::new();
    for (name, value) in &request.headers {
        if received.len() == MOST || left == 0 {
            return (received, true);
        }
        let (name, value) = (name.as_bytes(), value.as_bytes());
        let key = &name[..name.len().min(left)];
        let rest = &value[..value.len().min(left - key.len())];
        received.push((key, rest));
        if key.len() + rest.len() < name.len() + value.len() {
            return (received, true);
        }
        left -= key.len() + rest.len();
    }
    (received, false)
}

/// The same for cookies.
fn received_cookies(request: &Request) -> (Vec<Pair<'_>>, bool) {
    let mut left = MOST_BYTES;
    let mut received = Vec::new();
    for (_, value) in request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cookie")) {
        let whole = value.as_bytes();
        let text = &whole[..whole.len().min(left)];
        for cookie in text.split(|byte| *byte == b';').map(<[u8]>::trim_ascii).filter(|cookie| !cookie.is_empty()) {
            if received.len() == MOST {
                return (received, true);
            }
            // A cookie without `=` is a name (inferred).
            let at = memchr::memchr(b'=', cookie).unwrap_or(cookie.len());
            received.push((&cookie[..at], cookie.get(at + 1..).unwrap_or_default()));
        }
        if text.len() < whole.len() {
            return (received, true);
        }
        left -= text.len();
    }
    (received, false)
}

/// `HeaderOrder`: the names of the headers in their order, "using colons and no added spaces, for example
/// `host:user-agent:accept:authorization:referer`" (documented in `API_HeaderOrder.html`). They are in small letters,
/// as in AWS's example (inferred: what reaches the range by HTTP has lost its capitals).
pub(super) fn header_order(request: &Request, oversize: Oversize) -> Seen<'_> {
    let (received, more) = received_headers(request);
    match oversize {
        Oversize::Settled(verdict) if more => Seen::Settled(verdict),
        _ if received.is_empty() => Seen::Texts(Vec::new()),
        _ => {
            let names: Vec<Vec<u8>> = received.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
            Seen::Texts(vec![Cow::Owned(names.join(&b':'))])
        }
    }
}
