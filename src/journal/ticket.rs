//! Tickets: what may be called, once the intent to call it is on disk.

/// One call that a ticket permits: exactly this operation on exactly this resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The service as IAM names it, e.g. `wafv2`.
    pub service: String,
    /// The operation, e.g. `UpdateIPSet`.
    pub operation: String,
    /// The resource's ARN.
    pub resource: String,
}

/// The proof that an intent was written and flushed to disk. Only [`super::Journal`] makes one; it can be neither
/// copied nor stored, so what it permits ends with the process that confirmed it.
#[derive(Debug)]
pub struct Ticket {
    action_id: String,
    account: String,
    region: String,
    grants: Vec<Grant>,
}

impl Ticket {
    /// Made by the journal, after the flush, and by nobody else.
    pub(super) fn issue(action_id: String, account: String, region: String, grants: Vec<Grant>) -> Self {
        Self { action_id, account, region, grants }
    }

    /// The action it was issued for, as the journal names it.
    #[must_use]
    pub fn action_id(&self) -> &str {
        &self.action_id
    }

    /// The twelve-digit account it is good in.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The region it is good in.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Whether it permits `operation` of `service` on `resource` (an ARN). All three must be equal; there are no
    /// wildcards.
    #[must_use]
    pub fn permits(&self, service: &str, operation: &str, resource: &str) -> bool {
        self.grants
            .iter()
            .any(|grant| grant.service == service && grant.operation == operation && grant.resource == resource)
    }

    /// Whether it permits `operation` on anything at all: the most that can be told before a request has been built.
    #[must_use]
    pub fn names_operation(&self, operation: &str) -> bool {
        self.grants.iter().any(|grant| grant.operation == operation)
    }

    /// Whether it permits `operation` on the resource that a request names by `id`, by ARN or by path: WAFv2 puts a
    /// resource's id last in its ARN, and API Gateway its whole path after `::` (documented). An empty id names
    /// nothing.
    #[must_use]
    pub fn names_resource(&self, operation: &str, id: &str) -> bool {
        let path = |arn: &str| id.starts_with('/') && arn.split_once("::").is_some_and(|(_, path)| path == id);
        let is = |arn: &str| arn == id || arn.rsplit('/').next() == Some(id) || path(arn);
        !id.is_empty() && self.grants.iter().any(|grant| grant.operation == operation && is(&grant.resource))
    }
}
