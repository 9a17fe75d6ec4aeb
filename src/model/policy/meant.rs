//! Whom the addresses of a condition mean: what is documented for certain, the rest perhaps.
//!
//! They are read by the one reader of addresses. What that takes and IAM's guide does not speak of means somebody
//! perhaps: a v4 network written as v6, host bits (IAM wants “standard CIDR format”), and a v6 address without a prefix
//! length, which is taken for a `/32` (documented without saying of which version). All others it does not mean,
//! however it is taken.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::address::{self, AddressError};
use crate::model::text::shortened;

/// The length that IAM gives an address without one (documented).
const WITHOUT_LENGTH: u8 = 32;

/// Whom a list of addresses means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Meant {
    /// These, whatever is not documented.
    pub(super) surely: Vec<IpNet>,
    /// At most these.
    pub(super) at_most: Vec<IpNet>,
    /// Why the two differ, of the first value for which they do.
    doubt: Option<String>,
}

impl Meant {
    /// Whom the values of a condition mean; `None` where one of them is no address.
    pub(super) fn by(values: &[String]) -> Option<Self> {
        let mut meant = Self::default();
        for value in values {
            meant.add(value)?;
        }
        Some(meant)
    }

    fn add(&mut self, value: &str) -> Option<()> {
        // What IAM makes of blanks is not documented.
        if value.trim() != value {
            return None;
        }
        let (net, whole) = match address::exact(value) {
            Ok(net) => (net, true),
            Err(AddressError::HostBits { masked, .. }) => (masked, false),
            Err(_) => return None,
        };
        let bare_v6 = matches!(net, IpNet::V6(_)) && !value.contains('/');
        let mapped = matches!(net, IpNet::V4(_)) && value.contains(':');
        if whole && !mapped {
            self.surely.push(net);
        }
        self.at_most.push(if bare_v6 { IpNet::new(net.addr(), WITHOUT_LENGTH).ok()?.trunc() } else { net });
        let why = match (whole, mapped, bare_v6) {
            (false, ..) => Some("has host bits"),
            (_, true, _) => Some("is IPv4 written as IPv6"),
            (.., true) => Some("is IPv6 without a prefix length"),
            _ => None,
        };
        let doubt = why.map(|why| format!("{} {why}, and whom that means is not documented", shortened(value, 60)));
        self.doubt = self.doubt.take().or(doubt);
        Some(())
    }

    /// Why it is not documented of some whether they are meant.
    pub(super) fn doubt(&self) -> Option<&str> {
        self.doubt.as_deref()
    }

    /// Whether an address is meant; `None` where that is not documented.
    pub(super) fn has(&self, address: IpAddr) -> Option<bool> {
        let among = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&address));
        match (among(&self.surely), among(&self.at_most)) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn has(value: &str, address: &str) -> Option<bool> {
        Meant::by(&[value.to_owned()]).unwrap().has(address.parse().unwrap())
    }

    #[test]
    fn what_is_documented_is_certain() {
        assert_eq!(has("192.0.2.0/24", "192.0.2.7"), Some(true));
        assert_eq!(has("192.0.2.0/24", "192.0.3.7"), Some(false));
        assert_eq!(has("192.0.2.7", "192.0.2.7"), Some(true));
        assert_eq!(has("2001:DB8:0::/48", "2001:db8::9"), Some(true));
        assert_eq!(has("2002:c000:0200::/40", "192.0.2.7"), Some(false), "6to4 is IPv6");
    }

    #[test]
    fn what_is_not_documented_is_certain_of_those_only_whom_no_reading_means() {
        assert_eq!(has("192.0.2.9/24", "192.0.2.7"), None);
        assert_eq!(has("192.0.2.9/24", "192.0.2.9"), None);
        assert_eq!(has("192.0.2.9/24", "192.0.3.7"), Some(false));
        assert_eq!(has("::ffff:192.0.2.0/120", "192.0.2.7"), None);
        assert_eq!(has("::ffff:192.0.2.0/120", "192.0.3.7"), Some(false));
        assert_eq!(has("2001:db8::9", "2001:db8::9"), Some(true));
        assert_eq!(has("2001:db8::9", "2001:db8:7::1"), None);
        assert_eq!(has("2001:db8::9", "2001:db9::1"), Some(false));
        let meant = Meant::by(&["192.0.2.9/24".to_owned()]).unwrap();
        assert_eq!(meant.doubt(), Some("192.0.2.9/24 has host bits, and whom that means is not documented"));
    }

    #[test]
    fn what_could_be_read_in_two_ways_or_is_no_address_is_not_understood() {
        for value in
            ["192.0.2.0/024", "192.0.02.1", "192.0.2.0/33", " 192.0.2.1", "fe80::1%eth0", "::ffff:0:0/90", "all"]
        {
            assert_eq!(Meant::by(&["198.51.100.1".to_owned(), value.to_owned()]), None, "{value}");
        }
    }
}
