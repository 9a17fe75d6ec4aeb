//! What was configured. Nothing on the screen changes it.

use chrono::TimeDelta;
use ipnet::IpNet;

use crate::model::identity::AccountRegion;
use crate::model::settings::Accounts;

/// What was configured.
#[derive(Debug)]
pub(crate) struct Configured {
    /// Account time after which figures count as stale.
    pub(crate) stale_after: TimeDelta,
    /// The expiry offered for a block, as it would be typed.
    pub(crate) block_for: String,
    /// Who is offered to be let in when a stage is closed.
    pub(crate) admitted: Vec<IpNet>,
    /// What accounts are called, and which of them are not production.
    accounts: Accounts,
}

impl Configured {
    pub(crate) fn new(stale_after: TimeDelta, block_for: String, admitted: Vec<IpNet>, accounts: Accounts) -> Self {
        Self { stale_after, block_for, admitted, accounts }
    }

    /// Whose account, with what the team calls it: `shop-prod 111122223333 eu-west-1`.
    pub(crate) fn account_words(&self, at: &AccountRegion) -> String {
        let name = self.accounts.get(&at.account).map_or("", |account| account.name.as_str());
        format!("{name} {} {}", at.account, at.region).trim_start().to_owned()
    }

    /// Whether customers depend on an account: so unless it is said that they do not.
    pub(crate) fn is_production(&self, at: &AccountRegion) -> bool {
        self.accounts.get(&at.account).is_none_or(|account| account.production)
    }
}
