//! Which country an address is in, by the prefixes that the scenario's populations come from.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

/// The country of an address that no prefix contains, as WAF's logs write it (documented in `logging-fields.html`).
pub(crate) const UNKNOWN: &str = "-";

/// Prefixes with their countries, the narrowest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(Arc<[(IpNet, Arc<str>)]>);

impl Places {
    /// These; where several contain an address, the narrowest is meant.
    pub(crate) fn new(prefixes: impl IntoIterator<Item = (IpNet, Arc<str>)>) -> Self {
        let mut all: Vec<(IpNet, Arc<str>)> = prefixes.into_iter().collect();
        all.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.prefix_len()));
        Self(all.into())
    }

    /// The country of an address.
    pub(crate) fn country(&self, address: IpAddr) -> &str {
        let known = self.0.iter().find(|(prefix, _)| prefix.contains(&address));
        known.map_or(UNKNOWN, |(_, country)| country)
    }
}
