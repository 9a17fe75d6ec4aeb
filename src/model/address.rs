//! Addresses and prefixes as WAF takes them: no `/0`, no host bits, v4 and v6 apart.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A prefix to block, and what the responder wrote where that was wider or bare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The prefix without host bits, as WAF accepts it.
    pub net: IpNet,
    /// What was written, where it had host bits that were masked off: the block is wider than it looked.
    pub masked_from: Option<String>,
}

/// Why an address or prefix was not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Neither an address nor a prefix.
    #[error("“{0}” is not an IP address or prefix; write 203.0.113.7/32 or 2001:db8::/48")]
    Malformed(String),
}

impl std::str::FromStr for Target {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        if let Ok(address) = trimmed.parse::<IpAddr>() {
            return Ok(Self { net: IpNet::from(address.to_canonical()), masked_from: None });
        }
        let written: IpNet = trimmed.parse().map_err(|_| AddressError::Malformed(text.to_owned()))?;
        let net = written.trunc();
        Ok(Self { net, masked_from: (net != written).then(|| trimmed.to_owned()) })
    }
}

impl Target {
    /// `195.178.188.66/29 becomes 195.178.188.64/29`, where host bits were masked.
    #[must_use]
    pub fn widened(&self) -> Option<String> {
        self.masked_from.as_ref().map(|written| format!("{written} becomes {}", self.net))
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

/// An address in the form an IP set may hold it, which may be written differently from how it was sent (v6 expanded).
#[must_use]
pub fn parsed(entry: &str) -> Option<IpNet> {
    entry.trim().parse::<IpNet>().ok().map(|net| net.trunc())
}

/// The network around an address by which callers are told apart at a glance: /24 for IPv4, /48 for IPv6.
#[must_use]
pub fn surroundings(address: std::net::IpAddr) -> IpNet {
    let bits = if address.is_ipv4() { 24 } else { 48 };
    IpNet::new(address, bits).map_or_else(|_| IpNet::from(address), |net| net.trunc())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn host_bits_are_masked_and_said() {
        let target: Target = "195.178.188.66/29".parse().unwrap();
        assert_eq!(target.net.to_string(), "195.178.188.64/29");
        assert_eq!(target.masked_from.as_deref(), Some("195.178.188.66/29"));
    }

    #[test]
    fn a_bare_address_becomes_a_host_prefix() {
        let target: Target = "2001:DB8::1".parse().unwrap();
        assert_eq!(target.net.to_string(), "2001:db8::1/128");
        assert_eq!(target.masked_from, None);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "1.2.3", "1.2.3.4/33", "::/129", "shop", "1.2.3.4/"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_v6_address_is_compared_parsed() {
        assert_eq!(parsed("2001:0db8:0000:0000:0000:0000:0000:0001/128"), parsed("2001:db8::1/128"));
    }
}
