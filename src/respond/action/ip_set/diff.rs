//! Which entries a set lacks, and what merging them gives.

use ipnet::IpNet;

use super::resource;
use crate::model::address::Target;
use crate::model::change::Edit;
use crate::model::plan::Change;
use crate::model::waf::{IpSet, IpVersion};

/// The targets that belong in a set of `version` and that no entry covers, each once.
#[must_use]
fn missing(targets: &[IpNet], set: &IpSet) -> Vec<IpNet> {
    let mut out: Vec<IpNet> = Vec::new();
    for net in targets.iter().filter(|net| IpVersion::of(net) == set.version) {
        let covered = set.covering(net).is_some() || out.iter().any(|have| have.contains(net));
        if !covered {
            out.retain(|have| !net.contains(have));
            out.push(*net);
        }
    }
    out
}

/// The change that has the targets of a set's version in it.
#[must_use]
pub(in crate::respond::action) fn change(targets: &[Target], set: &IpSet) -> Change {
    let nets: Vec<IpNet> = targets.iter().map(|t| t.net).collect();
    let added: Vec<String> = missing(&nets, set).iter().map(ToString::to_string).collect();
    Change {
        resource: resource(set),
        entries_before: set.addresses.len(),
        entries_after: set.addresses.len() + added.len(),
        added,
        removed: Vec::new(),
        edit: Edit::Entries,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn set(addresses: &[&str]) -> IpSet {
        IpSet {
            name: "s".into(),
            id: "1".into(),
            arn: "arn".into(),
            description: None,
            version: IpVersion::V4,
            addresses: addresses.iter().map(|s| (*s).to_owned()).collect(),
            lock_token: "t".into(),
        }
    }

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|t| t.parse().unwrap()).collect()
    }

    #[test]
    fn covered_duplicate_and_foreign_family_targets_are_not_added() {
        let set = set(&["203.0.113.0/24"]);
        let targets = nets(&["203.0.113.7/32", "198.51.100.1/32", "198.51.100.1/32", "2001:db8::/48"]);
        assert_eq!(missing(&targets, &set), nets(&["198.51.100.1/32"]));
    }

    #[test]
    fn a_wider_target_takes_the_place_of_a_narrower_one() {
        let targets = nets(&["198.51.100.1/32", "198.51.100.0/24", "198.51.100.2/32"]);
        assert_eq!(missing(&targets, &set(&[])), nets(&["198.51.100.0/24"]));
    }

    proptest! {
        #[test]
        fn every_target_is_covered_afterwards(
            have in proptest::collection::vec((any::<u32>(), 8u8..=32), 0..20),
            want in proptest::collection::vec((any::<u32>(), 8u8..=32), 0..20),
        ) {
            let net = |(address, prefix): &(u32, u8)| {
                IpNet::new(std::net::Ipv4Addr::from(*address).into(), *prefix).unwrap().trunc()
            };
            let mut set = set(&[]);
            set.addresses = have.iter().map(|n| net(n).to_string()).collect();
            let targets: Vec<IpNet> = want.iter().map(net).collect();
            let added = missing(&targets, &set);
            set.addresses.extend(added.iter().map(ToString::to_string));
            for target in &targets {
                prop_assert!(set.covering(target).is_some());
            }
        }
    }
}
