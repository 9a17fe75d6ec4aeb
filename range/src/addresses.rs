//! Sets of networks, matched fast.

use std::collections::HashSet;
use std::net::IpAddr;

use ipnet::IpNet;

/// Networks by prefix length, so that ten thousand entries cost as many look-ups as there are lengths.
#[derive(Debug, Clone, Default)]
pub(crate) struct IpMatcher {
    v4: Vec<(u8, HashSet<u32>)>,
    v6: Vec<(u8, HashSet<u128>)>,
}

impl IpMatcher {
    /// A set of networks; host bits are ignored.
    pub(crate) fn new<'a>(networks: impl IntoIterator<Item = &'a IpNet>) -> Self {
        let mut matcher = Self::default();
        for network in networks {
            match network {
                IpNet::V4(net) => slot(&mut matcher.v4, net.prefix_len()).insert(net.network().to_bits()),
                IpNet::V6(net) => slot(&mut matcher.v6, net.prefix_len()).insert(net.network().to_bits()),
            };
        }
        matcher
    }

    /// Whether any network contains the address.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => {
                let bits = address.to_bits();
                self.v4.iter().any(|(len, nets)| nets.contains(&(bits & mask4(*len))))
            }
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                self.v6.iter().any(|(len, nets)| nets.contains(&(bits & mask6(*len))))
            }
        }
    }
}

fn slot<T>(sets: &mut Vec<(u8, HashSet<T>)>, len: u8) -> &mut HashSet<T> {
    let at = sets.iter().position(|(known, _)| *known == len).unwrap_or_else(|| {
        sets.push((len, HashSet::new()));
        sets.len() - 1
    });
    &mut sets[at].1
}

/// The bits of a prefix of so many.
pub(crate) fn mask4(len: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0)
}

/// The same for IPv6.
pub(crate) fn mask6(len: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn networks_of_both_families_match_what_they_contain() {
        let nets: Vec<IpNet> = ["203.0.113.64/26", "198.51.100.7/32", "2001:db8:bad::/48"]
            .iter()
            .map(|net| net.parse().unwrap())
            .collect();
        let matcher = IpMatcher::new(&nets);
        for (address, expected) in [
            ("203.0.113.64", true),
            ("203.0.113.127", true),
            ("203.0.113.128", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("2001:db8:bad:1::1", true),
            ("2001:db8:bae::1", false),
        ] {
            assert_eq!(matcher.contains(address.parse().unwrap()), expected, "{address}");
        }
        let everything = IpMatcher::new(&["0.0.0.0/0".parse().unwrap()]);
        assert!(everything.contains("8.8.8.8".parse().unwrap()) && !everything.contains("::1".parse().unwrap()));
    }
}
