//! Policy and authorization together: whether a call gets through (documented: API Gateway's authorization flow).

use super::Policy;
use super::call::{Call, Holds, Seen};
use super::evaluate::Said;

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
    /// One that the console does not know, or that AWS does not name: who gets in is not known.
    Other,
}

impl Authorization {
    /// By AWS's name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "NONE" => Self::None,
            "AWS_IAM" => Self::Iam,
            "CUSTOM" => Self::Lambda,
            "COGNITO_USER_POOLS" => Self::Cognito,
            _ => Self::Other,
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
            Self::Other => "an authorization that is not known",
        }
    }

    /// What callers may bring, as far as it makes a difference.
    #[must_use]
    pub fn credentials(self) -> &'static [Credential] {
        match self {
            Self::None => &[Credential::Absent],
            Self::Cognito => &[Credential::Absent, Credential::Allows],
            Self::Iam | Self::Lambda | Self::Other => {
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
/// Without authorization and with Cognito an explicit Allow is needed as soon as there is a policy. With IAM (in one
/// account) and with a Lambda authorizer either Allow suffices. An explicit Deny always wins. Who brings nothing that
/// holds is turned away wherever something is asked for.
#[must_use]
pub fn access(
    policy: Option<&Policy>,
    call: &Call<'_>,
    authorization: Authorization,
    credential: Credential,
) -> Access {
    access_of(policy, call, (false, None), authorization, credential)
}

/// [`access()`], of an ordinary caller where nothing is known of one, and with what is known of the call's resource
/// already.
pub(super) fn access_of(
    policy: Option<&Policy>,
    call: &Call<'_>,
    (ordinary, reach): (bool, Option<&[Holds]>),
    authorization: Authorization,
    credential: Credential,
) -> Access {
    // Only methods with IAM see who signed (documented); to all others there is no principal, for certain.
    let signed = matches!(authorization, Authorization::Iam | Authorization::Other);
    let call = Call { principal: call.principal.filter(|_| signed), ..*call };
    let granted = |said: Option<Said>| match (authorization, credential) {
        (Authorization::Other, _) => (said == Some(Said::Deny)).then_some(false),
        (Authorization::None, _)
        | (Authorization::Cognito, Credential::Allows | Credential::Silent | Credential::Denies) => {
            Some(matches!(said, None | Some(Said::Allow)))
        }
        (_, Credential::Absent | Credential::Invalid | Credential::Denies) => Some(false),
        (_, Credential::Allows) => Some(said != Some(Said::Deny)),
        (_, Credential::Silent) => Some(said == Some(Said::Allow)),
    };
    let told = |granted: Option<bool>, doubt: Option<String>| match granted {
        Some(true) => Access::Granted,
        Some(false) => Access::Refused,
        None => Access::Unknown(doubt.unwrap_or_else(|| "its authorization is not known".to_owned())),
    };
    let Some(saying) = policy.map(|policy| policy.says_to(&Seen { call, signed, ordinary, reach })) else {
        return told(granted(None), None);
    };
    let first = granted(saying.possible.first().copied());
    let same = saying.possible.iter().all(|said| granted(Some(*said)) == first);
    told(first.filter(|_| same), saying.doubt)
}
