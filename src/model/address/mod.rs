//! Addresses and prefixes as WAF takes them: no `/0`, no host bits, v4 and v6 apart, each in one form.

mod carried;
mod read;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize};

pub use carried::{Carried, carried, note};
pub use read::{AddressError, address, exact, one_form};

/// A prefix to block, and what the responder wrote where that was wider or bare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Target {
    /// The prefix without host bits, as WAF accepts it.
    #[serde(deserialize_with = "read_back")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub net: IpNet,
    /// What was written, where it had host bits that were masked off: the block is wider than it looked.
    pub masked_from: Option<String>,
}

/// A prefix out of a file: in the one form, whoever wrote the file.
fn read_back<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpNet, D::Error> {
    let text = String::deserialize(deserializer)?;
    exact(&text).map_err(serde::de::Error::custom)
}

impl std::str::FromStr for Target {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = read::read(text)?;
        Ok(Self { net: read.net, masked_from: read.masked.then(|| text.trim().to_owned()) })
    }
}

impl Target {
    /// `195.178.188.66/29 becomes 195.178.188.64/29`, where host bits were masked.
    #[must_use]
    pub fn widened(&self) -> Option<String> {
        self.masked_from.as_ref().map(|written| format!("{written} becomes {}", self.net))
    }

    /// What there is to say of how it was read: host bits that were masked, IPv4 that it carries.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        self.widened().into_iter().chain(note(&self.net)).collect()
    }
}

/// Whether two prefixes share an address: one contains the other, either way round.
#[must_use]
pub fn overlaps(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// How many addresses a prefix holds; a v6 prefix shorter than /64 saturates.
#[must_use]
pub fn size(net: &IpNet) -> u128 {
    let host_bits = u32::from(net.max_prefix_len() - net.prefix_len());
    1u128.checked_shl(host_bits).unwrap_or(u128::MAX)
}

/// A prefix in the form in which others wrote it (an IP set, a rate rule's keys, a policy): host bits masked, v6
/// expanded or not.
#[must_use]
pub fn parsed(entry: &str) -> Option<IpNet> {
    read::read(entry).ok().map(|read| read.net)
}

/// The prefixes of a text, parted by blanks or commas, as command line and playbooks take them.
pub fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace()).filter(|part| !part.is_empty())
}

/// The network around an address by which callers are told apart at a glance: /24 for IPv4, /48 for IPv6.
#[must_use]
pub fn surroundings(address: std::net::IpAddr) -> IpNet {
    let address = address.to_canonical();
    let bits = if address.is_ipv4() { 24 } else { 48 };
    IpNet::new(address, bits).map_or_else(|_| IpNet::from(address), |net| net.trunc())
}

#[cfg(test)]
mod tests;
