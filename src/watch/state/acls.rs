//! The web ACLs before stages: what their series are published under, their minutes, and who else stands behind them.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::rows::{ACL_SERIES, Acl, Entry};
use crate::watch::store::Held;

/// The web ACLs before stages.
#[derive(Default)]
pub(in crate::watch) struct Acls {
    by_arn: HashMap<String, Acl>,
    /// ARNs of the stages that stand behind one, where AWS was asked for them since not all stages are read.
    pub(in crate::watch) behind: HashMap<String, Vec<String>>,
    /// Values of the `WebACL` dimension that series were published under.
    pub(super) dimensions: BTreeSet<String>,
}

impl Acls {
    pub(in crate::watch) fn get(&self, arn: &str) -> Option<&Acl> {
        self.by_arn.get(arn)
    }

    pub(in crate::watch) fn get_mut(&mut self, arn: &str) -> Option<&mut Acl> {
        self.by_arn.get_mut(arn)
    }

    /// Adds one, where it is new.
    pub(super) fn keep(&mut self, arn: &str) {
        if !self.by_arn.contains_key(arn) {
            let mut acl = Acl::new(arn);
            acl.match_dimension(&self.dimensions);
            self.by_arn.insert(arn.to_owned(), acl);
        }
    }

    /// Finds their dimension values: their name, else their metric name.
    pub(super) fn match_dimensions(&mut self) {
        self.by_arn.values_mut().for_each(|acl| acl.match_dimension(&self.dimensions));
    }

    /// Every minute is to be read again.
    pub(super) fn forget_minutes(&mut self) {
        self.by_arn.values_mut().for_each(|acl| acl.held = Held::new(ACL_SERIES));
    }

    /// Keeps those of these rows alone.
    pub(super) fn retain<'a>(&mut self, rows: impl Iterator<Item = &'a Entry>) {
        let arns: HashSet<&str> = rows.filter_map(Entry::acl_arn).collect();
        self.by_arn.retain(|arn, _| arns.contains(arn.as_str()));
    }
}
