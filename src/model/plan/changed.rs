//! What a plan changes: a resource, the lines of its diff, and what is done to it.
//!
//! Knows neither calls nor why it is changed.

use serde::{Deserialize, Serialize};

use crate::model::change::{Assignment, Edit};
use crate::model::words::counted;

/// What kind of resource a plan changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ChangedKind {
    /// An IP set of AWS WAF.
    IpSet,
    /// A web ACL of AWS WAF.
    WebAcl,
    /// A stage of a REST API.
    Stage,
    /// The settings of one route, or of all, of an HTTP API's stage.
    RouteSettings,
    /// The resource policy of a REST API's draft.
    #[serde(rename = "draft policy of")]
    DraftPolicy,
    /// What a journal of another version calls it.
    #[serde(untagged)]
    Other(String),
}

impl ChangedKind {
    /// The kind in words, before a name: as journals and plans have it.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::IpSet => "ip-set",
            Self::WebAcl => "web-acl",
            Self::Stage => "stage",
            Self::RouteSettings => "route-settings",
            Self::DraftPolicy => "draft policy of",
            Self::Other(word) => word,
        }
    }
}

/// A resource that a plan changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResourceRef {
    /// What kind of resource it is.
    pub kind: ChangedKind,
    /// Name.
    pub name: String,
    /// Id.
    pub id: String,
    /// ARN.
    pub arn: String,
}

/// The change to one resource: lines added and removed (for an IP set its entries), and how many entries there were and
/// would be (0 where a resource has none).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Change {
    /// What is changed.
    pub resource: ResourceRef,
    /// Entries added, as they will be written.
    pub added: Vec<String>,
    /// Entries removed, as they stood.
    pub removed: Vec<String>,
    /// Entries before.
    pub entries_before: usize,
    /// Entries after.
    pub entries_after: usize,
    /// What it does, where that is more than merging entries.
    #[serde(default, rename = "doing", skip_serializing_if = "Edit::is_entries")]
    pub edit: Edit,
}

impl Change {
    /// Values of `resource` set, with the lines that say so.
    #[must_use]
    pub fn of_values(resource: ResourceRef, assignment: Assignment) -> Self {
        let (removed, added) = assignment.diff();
        let edit = Edit::Assign(assignment);
        Self { resource, added, removed, entries_before: 0, entries_after: 0, edit }
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// What is changed, in a few words: `ip-set shop-blocklist: 3 entries → 4`, `stage shop/prod`.
    #[must_use]
    pub fn headline(&self) -> String {
        let what = format!("{} {}", self.resource.kind.word(), self.resource.name);
        if !self.edit.is_entries() {
            return what;
        }
        format!("{what}: {} → {}", counted(self.entries_before, "entry"), self.entries_after)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_kind_is_stored_as_its_word_and_another_version_s_is_kept() {
        use ChangedKind::{DraftPolicy, IpSet, Other, RouteSettings, Stage, WebAcl};
        for kind in [IpSet, WebAcl, Stage, RouteSettings, DraftPolicy, Other("usage-plan".to_owned())] {
            let stored = serde_json::to_string(&kind).unwrap();
            assert_eq!(stored, format!("{:?}", kind.word()));
            assert_eq!(serde_json::from_str::<ChangedKind>(&stored).unwrap(), kind);
        }
    }
}
