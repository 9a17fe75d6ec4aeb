//! Whose account, in which region, reached how.

use serde::{Deserialize, Serialize};

/// The account and region that a row, a plan or a journal line belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccountRegion {
    /// The twelve-digit account id.
    pub account: String,
    /// The region, e.g. `eu-west-1`.
    pub region: String,
}

/// The caller as STS names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Account and region.
    pub at: AccountRegion,
    /// The caller's ARN (`GetCallerIdentity`).
    pub arn: String,
    /// The profile asked for, where one was.
    pub profile: Option<String>,
    /// The overridden endpoint, where one is in force; shown wherever the account is.
    pub endpoint: Option<String>,
}

impl Identity {
    /// The partition of the caller's ARN (`aws`, `aws-cn`, `aws-us-gov`).
    #[must_use]
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).filter(|p| !p.is_empty()).unwrap_or("aws")
    }

    /// `111122223333 eu-west-1`, with the endpoint where it is overridden.
    #[must_use]
    pub fn label(&self) -> String {
        let base = format!("{} {}", self.at.account, self.at.region);
        match &self.endpoint {
            Some(endpoint) => format!("{base} via {endpoint}"),
            None => base,
        }
    }
}

/// Who did something: what the journal records with every line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The AWS caller's ARN, or `unknown` before credentials are known.
    pub arn: String,
    /// The operating system's user name.
    pub user: String,
    /// The host name.
    pub host: String,
}
