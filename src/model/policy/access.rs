//! Policy and authorization together: whether a call gets through (documented: API Gateway's authorization flow).

use super::Policy;
use super::evaluate::{Call, Said};

/// How a method wants its callers authorized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Authorization {
    /// Not at all.
    None,
    /// `AWS_IAM`.
    Iam,
    /// `CUSTOM`: a Lambda authorizer.
    Lambda,
    /// `COGNITO_USER_POOLS`.
    Cognito,
}

impl Authorization {
    /// By AWS's name; a name that is not known counts as a Lambda authorizer, to which nobody is let in by an Allow of ours.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "NONE" | "" => Self::None,
            "AWS_IAM" => Self::Iam,
            "COGNITO_USER_POOLS" => Self::Cognito,
            _ => Self::Lambda,
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "no authorization",
            Self::Iam => "IAM",
            Self::Lambda => "Lambda authorizer",
            Self::Cognito => "Cognito",
        }
    }

    /// What callers may bring, as far as it makes a difference.
    #[must_use]
    pub fn credentials(self) -> &'static [Credential] {
        match self {
            Self::None => &[Credential::Absent],
            Self::Cognito => &[Credential::Absent, Credential::Allows],
            Self::Iam | Self::Lambda => {
                &[Credential::Absent, Credential::Allows, Credential::Silent, Credential::Denies]
            }
        }
    }
}

/// What a caller brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// No signature, no token.
    Absent,
    /// A signature or token that does not hold.
    Invalid,
    /// Valid, and its own policy or the authorizer's allows the call.
    Allows,
    /// Valid, and its own policy or the authorizer's says nothing of the call.
    Silent,
    /// Valid, and its own policy or the authorizer's denies the call.
    Denies,
}

impl Credential {
    /// In words that follow “a caller”.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Absent => "without credentials",
            Self::Invalid => "with credentials that do not hold",
            Self::Allows => "whose credentials allow it",
            Self::Silent => "whose credentials say nothing of it",
            Self::Denies => "whose credentials deny it",
        }
    }
}

/// Whether a call gets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// It does.
    Granted,
    /// It does not.
    Refused,
    /// It rests on what is not known; the reason.
    Unknown(String),
}

/// Whether a call gets through, under `policy` as deployed or under none.
///
/// Without authorization and with Cognito an explicit Allow is needed as soon as there is a policy. With IAM (in one account) and
/// with a Lambda authorizer either Allow suffices. An explicit Deny always wins. Who brings nothing that holds is turned away
/// wherever something is asked for.
#[must_use]
pub fn access(
    policy: Option<&Policy>,
    call: &Call<'_>,
    authorization: Authorization,
    credential: Credential,
) -> Access {
    let call = &Call { principal: call.principal.filter(|_| authorization == Authorization::Iam), ..*call };
    let granted = |said: Option<Said>| match (authorization, credential) {
        (Authorization::None, _)
        | (Authorization::Cognito, Credential::Allows | Credential::Silent | Credential::Denies) => {
            matches!(said, None | Some(Said::Allow))
        }
        (_, Credential::Absent | Credential::Invalid | Credential::Denies) => false,
        (_, Credential::Allows) => said != Some(Said::Deny),
        (_, Credential::Silent) => said == Some(Said::Allow),
    };
    let sure = |granted: bool| if granted { Access::Granted } else { Access::Refused };
    let Some(saying) = policy.map(|policy| policy.says(call)) else { return sure(granted(None)) };
    let first = granted(saying.possible.first().copied());
    if saying.possible.iter().all(|said| granted(Some(*said)) == first) {
        return sure(first);
    }
    Access::Unknown(saying.doubt.unwrap_or_default())
}
