//! What WAF counts of a web ACL.

use super::Verb;

/// WAF's metrics of a web ACL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counter {
    Allowed,
    Blocked,
    Counted,
    Captcha,
    Challenge,
    ValidCaptcha,
    ValidChallenge,
    /// Went through a rule group and matched none of its rules.
    Passed,
}

impl Counter {
    /// Every counter, by its index.
    pub(crate) const ALL: [Self; 8] = [
        Self::Allowed,
        Self::Blocked,
        Self::Counted,
        Self::Captcha,
        Self::Challenge,
        Self::ValidCaptcha,
        Self::ValidChallenge,
        Self::Passed,
    ];

    /// The metric's name (documented).
    pub(crate) const fn metric(self) -> &'static str {
        match self {
            Self::Allowed => "AllowedRequests",
            Self::Blocked => "BlockedRequests",
            Self::Counted => "CountedRequests",
            Self::Captcha => "CaptchaRequests",
            Self::Challenge => "ChallengeRequests",
            Self::ValidCaptcha => "RequestsWithValidCaptchaToken",
            Self::ValidChallenge => "RequestsWithValidChallengeToken",
            Self::Passed => "PassedRequests",
        }
    }

    /// What a rule's action counts as; `ended` says whether it ended the evaluation.
    pub(super) const fn of(verb: Verb, ended: bool) -> Self {
        match (verb, ended) {
            (Verb::Allow, _) => Self::Allowed,
            (Verb::Block, _) => Self::Blocked,
            (Verb::Count, _) => Self::Counted,
            (Verb::Captcha, true) => Self::Captcha,
            (Verb::Challenge, true) => Self::Challenge,
            (Verb::Captcha, false) => Self::ValidCaptcha,
            (Verb::Challenge, false) => Self::ValidChallenge,
        }
    }
}
