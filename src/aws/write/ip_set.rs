//! `UpdateIPSet`.

use std::sync::Arc;

use aws_sdk_wafv2::types::Scope;

use super::Answer;
use super::send::once;
use crate::aws::Aws;
use crate::aws::pace::Quota;
use crate::journal::Ticket;
use crate::model::waf::IpSet;

impl Aws {
    /// Replaces the entries of an IP set by `addresses`, under the lock token of the read `set`; its description is
    /// sent back, since an update without it clears it (documented).
    ///
    /// Never retried by the SDK: after an answer that never came, the caller reads before doing anything else.
    /// Refused with [`crate::aws::Problem::StaleLock`] when somebody wrote since the read.
    pub async fn update_ip_set(&self, ticket: &Arc<Ticket>, set: &IpSet, addresses: Vec<String>) -> Answer {
        let call = self.0.waf.update_ip_set().name(&set.name).id(&set.id).scope(Scope::Regional);
        let call = call.set_description(set.description.clone().filter(|d| !d.is_empty()));
        let call = call.set_addresses(Some(addresses)).lock_token(&set.lock_token);
        self.send(ticket, Quota::WafWrite("UpdateIPSet"), ("UpdateIPSet", &set.name), once!(aws_sdk_wafv2, call))
            .await
            .plain()
    }
}
