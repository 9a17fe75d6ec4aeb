//! IP sets that are asked about an address in a header.

use std::net::IpAddr;

use serde_json::Value;

use super::super::request::Request;
use crate::addresses::IpMatcher;

/// An `IPSetForwardedIPConfig`.
#[derive(Debug)]
pub(crate) struct Forwarded {
    header: String,
    position: String,
    fallback: bool,
}

impl Forwarded {
    /// Reads the member; `None` where there is none.
    pub(super) fn read(config: &Value) -> Option<Self> {
        config["HeaderName"].as_str().map(|header| Self {
            header: header.to_owned(),
            position: config["Position"].as_str().unwrap_or("FIRST").to_owned(),
            fallback: config["FallbackBehavior"] == "MATCH",
        })
    }

    /// A missing header means that the rule is not applied; one without a valid address falls back (documented).
    pub(super) fn matches(&self, matcher: &IpMatcher, request: Option<&Request>) -> bool {
        let Some(value) = request.and_then(|request| request.header(&self.header)) else { return false };
        let parsed: Vec<Option<IpAddr>> = value.split(',').map(|part| part.trim().parse().ok()).collect();
        let asked: &[Option<IpAddr>] = match self.position.as_str() {
            "LAST" => &parsed[parsed.len().saturating_sub(1)..],
            "ANY" => &parsed[parsed.len().saturating_sub(10)..],
            _ => &parsed[..parsed.len().min(1)],
        };
        asked.iter().any(|address| address.map_or(self.fallback, |address| matcher.contains(address)))
    }
}
