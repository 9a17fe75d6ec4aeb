//! How an action turns requests away, and where that shows. Plain data.

use serde::{Deserialize, Serialize};

/// How a measure turns requests away, and so in which figures it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turning {
    /// WAF answers some callers with 403: counted among what the web ACL blocked.
    Blocks,
    /// API Gateway answers what is over a limit with 429: among 4XX, and by itself in an access log only.
    Throttles,
    /// All but a few are turned away, by WAF, by 429 or by a resource policy's 403: all among 4XX.
    Closes,
}

impl Turning {
    /// What it does, as a word behind a count: `2 blocks`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Blocks => "block",
            Self::Throttles => "throttle",
            Self::Closes => "closure",
        }
    }
}

/// In which figures a measure shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shows {
    /// Among what the web ACL blocked, and its 403s among 4XX.
    Blocked,
    /// As 429 among 4XX, and as throttled in an access log.
    Throttled,
    /// As 403 among 4XX, and nowhere else.
    Refused,
}

/// How an action in force turns requests away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnsAway {
    /// How.
    pub turning: Turning,
    /// Where that shows.
    pub shows: Shows,
    /// What it lets through of each method that it throttles, requests a second; of a closure by throttle nothing.
    pub lets_through: Option<u32>,
}
