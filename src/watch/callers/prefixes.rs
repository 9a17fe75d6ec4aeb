//! Requests by /24 and /48, out of the access log itself: where it has more addresses than an answer has rows, those
//! that are listed do not add up to prefixes.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

use super::Metered;
use super::kinds::requests;
use super::log::Log;
use super::reading::{Addresses, Prefixes, Window};
use crate::aws::AwsError;
use crate::aws::read::MOST_ROWS;
use crate::model::address::{self, surroundings};

/// The first three bytes of an IPv4 address.
const V4: &str = r"/^(?<net24>[0-9]+[.][0-9]+[.][0-9]+)[.]/";

/// The first three groups of an IPv6 address; the third is empty where the zeros that `::` stands for begin with it.
const V6: &str = "/^(?<net48>[0-9a-fA-F]+:[0-9a-fA-F]+:[0-9a-fA-F]*)/";

impl Log {
    /// Asks for the prefixes of a window that has more addresses than are listed.
    pub(super) async fn prefixes(
        &self,
        aws: Metered<'_>,
        window: Window,
        addresses: &Addresses,
    ) -> Result<Prefixes, AwsError> {
        if addresses.are_all_listed() {
            return Ok(Prefixes::of(addresses));
        }
        let address = self.address();
        let query = format!(
            "parse {address} {V4} | parse {address} {V6} | stats count(*) as requests, count_distinct({address}) as \
             addresses by net24, net48 | sort requests desc | limit {MOST_ROWS}"
        );
        let answer = self.ask(aws, &query, window).await?;
        let mut prefixes = Prefixes { whole: answer.rows.len() < MOST_ROWS, ..Prefixes::default() };
        for row in &answer.rows {
            let Some(requests) = requests(row) else { continue };
            prefixes.total += requests;
            let text = |name: &str| row.get(name).map(String::as_str);
            if let Some(prefix) = prefix(text("net24"), text("net48")) {
                let addresses = row.get("addresses").and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
                let sum = prefixes.by.entry(prefix).or_default();
                sum.requests += requests;
                sum.addresses += addresses;
            }
        }
        if !prefixes.whole {
            prefixes.total = prefixes.total.max(addresses.total);
        }
        Ok(prefixes)
    }
}

/// The prefix that a row is of. Where `::` stands before the third group the groups do not say which they are: such
/// addresses are told of by none, and the list says that it rests on less than all requests.
fn prefix(net24: Option<&str>, net48: Option<&str>) -> Option<IpNet> {
    if let Some(net) = net24.filter(|net| !net.is_empty()) {
        return Some(surroundings(address::address(&format!("{net}.0")).ok()?));
    }
    let mut groups = net48?.split(':').map(|group| match group {
        "" => Some(0),
        group => u16::from_str_radix(group, 16).ok(),
    });
    let mut next = || groups.next().flatten();
    let address = Ipv6Addr::new(next()?, next()?, next()?, 0, 0, 0, 0, 0);
    Some(surroundings(IpAddr::V6(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_of_the_prefix_that_its_addresses_are_in() {
        let of = |net24, net48| prefix(net24, net48).map(|net| net.to_string());
        assert_eq!(of(Some("203.0.113"), None).as_deref(), Some("203.0.113.0/24"));
        assert_eq!(of(Some(""), Some("2001:db8:bad")).as_deref(), Some("2001:db8:bad::/48"));
        assert_eq!(of(None, Some("2001:db8:")).as_deref(), Some("2001:db8::/48"));
        assert_eq!(of(None, None), None);
        assert_eq!(of(Some("203.0.999"), None), None, "no address");
        assert_eq!(of(None, Some("")), None);
    }
}
