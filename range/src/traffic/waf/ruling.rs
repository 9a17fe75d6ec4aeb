//! What a rule made of one kind of request, as samples tell it.

use std::sync::Arc;

use super::group::Hit;
use super::{Action, Verb};
use crate::state::SampledVerdict;

/// What a rule, or the default action, made of a request.
pub(super) struct Ruling {
    /// What was done.
    pub(super) action: Action,
    /// Whether that ended the evaluation.
    pub(super) ended: bool,
    /// The rule inside the group, as samples name it.
    inner: Option<String>,
    /// What that would have done, where the web ACL says otherwise.
    overridden: Option<Verb>,
}

impl Ruling {
    /// Of a rule that is no group, or of the default action.
    pub(super) fn of(action: Action, ended: bool) -> Self {
        Self { action, ended, inner: None, overridden: None }
    }

    /// Of a rule inside a group.
    pub(super) fn inside(hit: Hit, ended: bool) -> Self {
        Self { action: hit.action, ended, inner: Some(hit.name), overridden: hit.overrides }
    }

    /// The sample's verdict on a request with these labels.
    pub(super) fn verdict(self, labels: &[String]) -> Arc<SampledVerdict> {
        let Action { verb, code } = self.action;
        Arc::new(SampledVerdict {
            action: verb.upper().to_owned(),
            rule_within_group: self.inner,
            labels: labels.to_vec(),
            // Only where WAF itself answered (documented: custom responses; for a plain Block unverified).
            response_code: (self.ended && verb != Verb::Allow).then_some(code),
            overridden_action: self.overridden.map(|verb| verb.upper().to_owned()),
        })
    }
}
