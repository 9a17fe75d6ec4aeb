//! What callers identify themselves with.
//!
//! Nothing is verified: the range has no keys and no tokens. A population says how its credentials fare; a real request
//! says it in the header that the method looks at.

use super::front::Lane;
use super::request::Request;
use crate::policy::{Authorization, Credential};
use crate::scenario::{CredentialSpec, Population};

/// What a caller shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// The same to every method.
    Same(Credential),
    /// The headers of a real request.
    Headers(Vec<(String, String)>),
}

impl Shown {
    /// What a population shows: `credential`, or by `authenticated` something that is let in or nothing.
    pub(super) fn of(population: &Population) -> Self {
        Self::Same(match (population.credential, population.authenticated) {
            (Some(CredentialSpec::None), _) | (None, false) => Credential::Absent,
            (Some(CredentialSpec::Allow), _) | (None, true) => Credential::Allows,
            (Some(CredentialSpec::Silent), _) => Credential::Silent,
            (Some(CredentialSpec::Deny), _) => Credential::Denies,
            (Some(CredentialSpec::Invalid), _) => Credential::Invalid,
        })
    }

    /// What a real request shows.
    pub(super) fn by(request: &Request) -> Self {
        Self::Headers(request.headers.clone())
    }

    /// What it is worth to a method.
    pub(super) fn to(&self, lane: &Lane) -> Credential {
        let headers = match self {
            Self::Same(credential) => return *credential,
            Self::Headers(headers) => headers,
        };
        let wants = &lane.wants;
        let wanted = if wants.authorization == Authorization::Iam { "Authorization" } else { &wants.token_header };
        let header = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        header.map_or(Credential::Absent, |(_, value)| read(value, wants.authorization))
    }
}

/// A signature is taken to be that of somebody whose identity policy allows the call. A token is one of four words,
/// with or without `Bearer` before it; any other is not valid.
fn read(value: &str, authorization: Authorization) -> Credential {
    if value.starts_with("AWS4-") {
        return if authorization == Authorization::Iam { Credential::Allows } else { Credential::Invalid };
    }
    match value.strip_prefix("Bearer ").unwrap_or(value).trim() {
        "" => Credential::Absent,
        "allow" => Credential::Allows,
        "silent" => Credential::Silent,
        "deny" => Credential::Denies,
        _ => Credential::Invalid,
    }
}
