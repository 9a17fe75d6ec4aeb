//! Addresses drawn from prefixes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::chance::Chance;
use crate::addresses::{mask4, mask6};

/// An address inside `prefix`, not the network's own.
pub(crate) fn draw(prefix: &IpNet, chance: &mut Chance) -> IpAddr {
    match prefix {
        IpNet::V4(net) => {
            let random = u32::try_from(chance.bits() >> 32).unwrap_or(0);
            let host = (random & !mask4(net.prefix_len())).max(u32::from(net.prefix_len() < 32));
            IpAddr::V4(Ipv4Addr::from_bits(net.network().to_bits() | host))
        }
        IpNet::V6(net) => {
            let random = u128::from(chance.bits()) << 64 | u128::from(chance.bits());
            let host = (random & !mask6(net.prefix_len())).max(u128::from(net.prefix_len() < 128));
            IpAddr::V6(Ipv6Addr::from_bits(net.network().to_bits() | host))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn drawn_addresses_lie_inside_their_prefix() {
        let mut chance = Chance::keyed(1, 1, 1);
        for prefix in ["203.0.113.0/26", "198.51.100.7/32", "2001:db8::/48", "::1/128"] {
            let net: IpNet = prefix.parse().unwrap();
            for _ in 0..100 {
                assert!(net.contains(&draw(&net, &mut chance)));
            }
        }
    }
}
