//! A call, as policies see it, and what holds of it: yes, no, or that it cannot be told. Knows no policy.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

/// A call, as policies see it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/path`.
    pub arn: &'a str,
    /// The caller's address.
    pub source_ip: IpAddr,
    /// The `User-Agent` header.
    pub user_agent: Option<&'a str>,
    /// The `Referer` header.
    pub referer: Option<&'a str>,
    /// The ARN of the IAM principal who signed; methods with other authorization do not see one (documented: condition
    /// keys).
    pub principal: Option<&'a str>,
    /// Whether user agent, referer and principal are what they are said to be; else any caller may be meant, and
    /// whatever rests on them is not known.
    pub exact: bool,
    /// When (account time, UTC).
    pub at: DateTime<Utc>,
}

/// A call, with what its method lets a policy see of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) call: Call<'a>,
    /// Whether the method sees who signed at all; where it does not, there is no principal for certain.
    pub(super) signed: bool,
    /// Whether an ordinary caller is meant where nothing is known of one: with a user agent that nobody names and
    /// without a referer.
    pub(super) ordinary: bool,
    /// What `Policy::reach` said of the call's resource, where it was asked already.
    pub(super) reach: Option<&'a [Holds]>,
}

/// Whether something holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    Yes,
    No,
    Unknown(String),
}

impl From<bool> for Holds {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl Holds {
    /// Both: what certainly fails outweighs what is not known.
    pub(super) fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::No => Self::No,
            Self::Yes => other(),
            Self::Unknown(why) => match other() {
                Self::No => Self::No,
                _ => Self::Unknown(why),
            },
        }
    }
}
