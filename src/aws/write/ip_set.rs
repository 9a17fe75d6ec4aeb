//! `UpdateIPSet`.

use std::sync::Arc;

use aws_sdk_wafv2::config::retry::RetryConfig;
use aws_sdk_wafv2::types::Scope;

use super::Answer;
use crate::aws::gate::WithTicket;
use crate::aws::pace::Quota;
use crate::aws::{Aws, Lane};
use crate::journal::Ticket;
use crate::model::waf::IpSet;

impl Aws {
    /// Replaces the entries of an IP set by `addresses`, under the lock token of the read `set`; its description is sent back,
    /// since an update without it clears it (documented).
    ///
    /// Never retried by the SDK: after an answer that never came, the caller reads before doing anything else.
    /// Refused with [`crate::aws::Problem::StaleLock`] when somebody wrote since the read.
    pub async fn update_ip_set(&self, ticket: &Arc<Ticket>, set: &IpSet, addresses: Vec<String>) -> Answer {
        if let Err(error) = self.admitted(ticket, "UpdateIPSet", &set.name).await {
            return Answer::Refused(error);
        }
        self.0.pace.turn(Quota::WafWrite("UpdateIPSet"), Lane::Write).await;
        let call = self.0.waf.update_ip_set().name(&set.name).id(&set.id).scope(Scope::Regional);
        let call = call.set_description(set.description.clone().filter(|d| !d.is_empty()));
        let call = call.set_addresses(Some(addresses)).lock_token(&set.lock_token).customize();
        let once = aws_sdk_wafv2::config::Config::builder().retry_config(RetryConfig::disabled());
        let answer = call.config_override(once).interceptor(WithTicket(Arc::clone(ticket))).send().await;
        Answer::of("UpdateIPSet", &set.name, answer, |_| ())
    }
}
