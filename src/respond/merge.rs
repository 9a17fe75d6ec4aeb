//! Merging our change into an IP set as it stands now. Never loses an entry that is not ours.

use ipnet::IpNet;

use crate::model::address;
use crate::model::plan::Change;
use crate::model::waf::{IP_SET_CAPACITY, IpSet};

/// What becomes of a change when the set is read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Merge {
    /// The entries to write: everything there is, with our change.
    Write(Vec<String>),
    /// The diff is not what was confirmed any more.
    DiffChanged(String),
    /// It does not fit.
    TooMany(usize),
}

/// `change` merged into `set`.
#[must_use]
pub(super) fn merged(change: &Change, set: &IpSet) -> Merge {
    let nets = |entries: &[String]| entries.iter().filter_map(|e| address::parsed(e)).collect::<Vec<IpNet>>();
    let covered = nets(&change.added).into_iter().find(|net| set.covering(net).is_some());
    if let Some(net) = covered {
        return Merge::DiffChanged(format!("{net} is in {} already: somebody else added it", set.name));
    }
    let removed = nets(&change.removed);
    if let Some(net) = removed.iter().find(|net| set.entry_for(net).is_none()) {
        return Merge::DiffChanged(format!("{net} is not in {} any more: somebody else removed it", set.name));
    }
    let ours = |entry: &String| address::parsed(entry).is_some_and(|net| removed.contains(&net));
    let mut entries: Vec<String> = set.addresses.iter().filter(|entry| !ours(entry)).cloned().collect();
    entries.extend(change.added.iter().cloned());
    if entries.len() > IP_SET_CAPACITY { Merge::TooMany(entries.len()) } else { Merge::Write(entries) }
}

/// Whether `set` shows `change` as made.
#[must_use]
pub(super) fn shows(change: &Change, set: &IpSet) -> bool {
    let present = |entry: &String| address::parsed(entry).is_some_and(|net| set.entry_for(&net).is_some());
    change.added.iter().all(present) && !change.removed.iter().any(present)
}

/// Whether `set` shows nothing of `change`.
#[must_use]
pub(super) fn shows_nothing(change: &Change, set: &IpSet) -> bool {
    let present = |entry: &String| address::parsed(entry).is_some_and(|net| set.entry_for(&net).is_some());
    !change.added.iter().any(present) && change.removed.iter().all(present)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::model::change::Edit;
    use crate::model::plan::{ChangedKind, ResourceRef};
    use crate::model::waf::IpVersion;
    use proptest::prelude::*;

    fn set(addresses: Vec<String>) -> IpSet {
        IpSet {
            name: "s".into(),
            id: "1".into(),
            arn: "arn".into(),
            description: None,
            version: IpVersion::V4,
            addresses,
            lock_token: "t".into(),
        }
    }

    fn change(added: &[String], removed: &[String]) -> Change {
        let resource = ResourceRef { kind: ChangedKind::IpSet, name: "s".into(), id: "1".into(), arn: "arn".into() };
        Change {
            resource,
            added: added.to_vec(),
            removed: removed.to_vec(),
            entries_before: 0,
            entries_after: 0,
            edit: Edit::Entries,
        }
    }

    fn host(n: u32) -> String {
        format!("{}/32", std::net::Ipv4Addr::from(0x0a00_0000 + n))
    }

    #[test]
    fn an_entry_that_does_not_parse_is_kept() {
        let odd = "something AWS writes differently".to_owned();
        assert_eq!(merged(&change(&[host(1)], &[]), &set(vec![odd.clone()])), Merge::Write(vec![odd, host(1)]));
    }

    #[test]
    fn a_v6_entry_written_differently_is_recognised() {
        let expanded = "2001:0db8:0000:0000:0000:0000:0000:0001/128".to_owned();
        let removed = change(&[], &["2001:db8::1/128".to_owned()]);
        assert_eq!(merged(&removed, &set(vec![expanded])), Merge::Write(vec![]));
    }

    #[test]
    fn the_ten_thousand_and_first_entry_does_not_fit() {
        let full: Vec<String> = (0..10_000).map(host).collect();
        assert_eq!(merged(&change(&[host(20_000)], &[]), &set(full)), Merge::TooMany(10_001));
    }

    proptest! {
        #[test]
        fn no_foreign_entry_is_ever_lost(
            foreign in proptest::collection::hash_set(0u32..500, 0..60),
            ours in proptest::collection::hash_set(500u32..1_000, 1..20),
        ) {
            let foreign: Vec<String> = foreign.into_iter().map(host).collect();
            let ours: Vec<String> = ours.into_iter().map(host).collect();
            let Merge::Write(done) = merged(&change(&ours, &[]), &set(foreign.clone())) else { panic!() };
            for entry in foreign.iter().chain(&ours) {
                prop_assert!(done.contains(entry));
            }
            let Merge::Write(undone) = merged(&change(&[], &ours), &set(done)) else { panic!() };
            prop_assert_eq!(undone, foreign);
        }
    }
}
