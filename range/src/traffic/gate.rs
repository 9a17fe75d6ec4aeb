//! What becomes of a call before the throttles.

use crate::policy::Refusal;

/// What becomes of a call that WAF let through, before throttles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Goes on.
    Open,
    /// 403 or 401 by the resource policy or the method's authorization.
    Refused(Refusal),
    /// 403: the method wants an API key of a usage plan for this stage.
    NoKey,
    /// 403: there is no such method.
    NoMethod,
    /// 403: the `execute-api` endpoint is disabled.
    Disabled,
}

impl Gate {
    /// Whether what is missing is something to identify oneself with.
    pub(crate) fn wants_credentials(self) -> bool {
        matches!(self, Self::NoKey | Self::Refused(Refusal::Unsigned | Refusal::BadSignature | Refusal::Unauthorized))
    }
}
