//! Networks cut into parts whose addresses policies treat alike, so that one address of each tells of all.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::Policy;
use super::condition::{Cut, cuts};

/// Pieces into which networks are cut at most: more is not worked out, and is unknown.
const MOST_PIECES: usize = 4_096;
/// Shortest prefix of a network whose addresses are looked at one by one, bits.
const ONE_BY_ONE: u8 = 24;

/// Addresses that policies treat alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alike {
    /// All of them.
    pub(super) nets: Vec<IpNet>,
    /// One of them.
    pub(super) example: IpAddr,
}

/// The networks, each part once, by what the policies' conditions on `aws:SourceIp` say of it.
///
/// # Errors
/// One sentence where they are cut into more parts than are worked out.
pub(super) fn alike(nets: &[IpNet], policies: &[&Policy]) -> Result<Vec<Alike>, String> {
    let (mut lists, mut ragged) = (Vec::new(), false);
    for cut in policies.iter().flat_map(|policy| policy.statements()).flat_map(cuts) {
        match cut {
            Cut::List(nets) => lists.push(IpNet::aggregate(&nets)),
            Cut::Ragged => ragged = true,
        }
    }
    let edges: Vec<IpNet> = lists.iter().flatten().copied().collect();
    let mut pieces = Vec::new();
    let mut todo = IpNet::aggregate(&nets.to_vec());
    while let Some(net) = todo.pop() {
        let whole = net.prefix_len() == net.max_prefix_len();
        let by_text = ragged && matches!(net, IpNet::V4(_)) && !whole;
        if by_text && net.prefix_len() < ONE_BY_ONE {
            return Err(format!(
                "the policy compares aws:SourceIp with patterns of text, which is not worked out for all of {net}"
            ));
        }
        if !by_text && !edges.iter().any(|edge| *edge != net && net.contains(edge)) {
            pieces.push(net);
        } else if let Ok(halves) = net.subnets(net.prefix_len() + 1) {
            todo.extend(halves);
        }
        if pieces.len() + todo.len() > MOST_PIECES {
            return Err(format!("the policy's lists of addresses cut it into more than {MOST_PIECES} parts"));
        }
    }
    let mut found: BTreeMap<(bool, Vec<bool>, Option<IpNet>), Vec<IpNet>> = BTreeMap::new();
    for net in pieces {
        let inside = lists.iter().map(|list| list.iter().any(|have| have.contains(&net))).collect();
        // Of patterns each address is a part of its own.
        let own = (ragged && matches!(net, IpNet::V4(_))).then_some(net);
        found.entry((matches!(net, IpNet::V6(_)), inside, own)).or_default().push(net);
    }
    let part = |nets: Vec<IpNet>| {
        let nets = IpNet::aggregate(&nets);
        let example = nets.first()?.addr();
        Some(Alike { nets, example })
    };
    Ok(found.into_values().filter_map(part).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn policy(condition: &str) -> Policy {
        let statement = format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*","Condition":{condition}}}"#
        );
        Policy::parse(&format!(r#"{{"Statement":[{statement}]}}"#)).unwrap()
    }

    fn parts(net: &str, condition: &str) -> Result<Vec<Vec<String>>, String> {
        let words = |part: Alike| part.nets.iter().map(ToString::to_string).collect();
        Ok(alike(&[net.parse().unwrap()], &[&policy(condition)])?.into_iter().map(words).collect())
    }

    #[test]
    fn a_network_is_cut_where_a_list_begins_and_ends() {
        let of = |condition| parts("192.0.2.240/28", condition).unwrap();
        assert_eq!(of(r#"{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}"#), [["192.0.2.240/28"]]);
        assert_eq!(of(r#"{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#), [["192.0.2.240/28"]]);
        let cut = of(r#"{"NotIpAddress":{"aws:sourceip":["192.0.2.248/29","192.0.2.9"]}}"#);
        assert_eq!(cut, [["192.0.2.240/29"], ["192.0.2.248/29"]]);
        let one = of(r#"{"StringEquals":{"aws:SourceIp":["127.0.0.1","192.0.2.241"]}}"#);
        assert_eq!(one.len(), 2);
        assert_eq!(one[1], ["192.0.2.241/32"]);
    }

    #[test]
    fn patterns_of_text_are_networks_or_addresses_one_by_one_or_not_worked_out() {
        assert_eq!(parts("192.0.2.240/28", r#"{"StringLike":{"aws:SourceIp":"192.0.*"}}"#).unwrap().len(), 1);
        assert_eq!(parts("192.0.0.0/8", r#"{"StringLike":{"aws:SourceIp":"192.0.*"}}"#).unwrap().len(), 2);
        assert_eq!(parts("192.0.2.240/28", r#"{"StringLike":{"aws:SourceIp":"192.0.2.2?1"}}"#).unwrap().len(), 16);
        assert!(parts("192.0.0.0/16", r#"{"StringLike":{"aws:SourceIp":"192.0.2.2?1"}}"#).is_err());
        assert_eq!(parts("2001:db8::/32", r#"{"StringLike":{"aws:SourceIp":"192.0.2.2?1"}}"#).unwrap().len(), 1);
    }

    #[test]
    fn the_work_is_bounded() {
        let every_other: Vec<String> = (0..500u32).map(|n| format!("\"2001:db8:{n:x}::1\"")).collect();
        let condition = format!(r#"{{"IpAddress":{{"aws:SourceIp":[{}]}}}}"#, every_other.join(","));
        assert!(parts("2001:db8::/32", &condition).unwrap_err().contains("4096 parts"));
    }
}
