//! Whose account, in which world and region, reached how.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The world an account is in. A range has accounts of its own, whatever number it gives them; and an endpoint is only
/// a way into a world: several lead to AWS, and behind one port stands one range after another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "String", into = "String")]
pub enum World {
    /// AWS, and whatever does not say that it is a range.
    #[default]
    Aws,
    /// The range of this id, which it sends with every answer.
    Range(String),
}

impl World {
    /// Whether it is AWS.
    #[must_use]
    pub fn is_aws(&self) -> bool {
        *self == Self::Aws
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aws => f.write_str("AWS"),
            Self::Range(id) => write!(f, "range {id}"),
        }
    }
}

/// What a world is called in files: `aws`, or `range:` and the range's id.
impl From<World> for String {
    fn from(world: World) -> Self {
        match world {
            World::Aws => "aws".to_owned(),
            World::Range(id) => format!("range:{id}"),
        }
    }
}

impl From<String> for World {
    fn from(text: String) -> Self {
        match text.strip_prefix("range:") {
            Some(id) => Self::Range(id.to_owned()),
            None if text == "aws" => Self::Aws,
            // A later version's, which this one must not take for AWS.
            None => Self::Range(text),
        }
    }
}

/// The account and region that a row, a plan or a journal line belongs to, and the world they are in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountRegion {
    /// The twelve-digit account id.
    pub account: String,
    /// The region, e.g. `eu-west-1`.
    pub region: String,
    /// The world; AWS where nothing is said of it.
    #[serde(default, skip_serializing_if = "World::is_aws")]
    pub world: World,
}

impl AccountRegion {
    /// An account and region of AWS.
    #[must_use]
    pub fn of_aws(account: impl Into<String>, region: impl Into<String>) -> Self {
        Self { account: account.into(), region: region.into(), world: World::Aws }
    }

    /// `111122223333 eu-west-1 of AWS`: where the world is what matters.
    #[must_use]
    pub fn in_full(&self) -> String {
        format!("{} {} of {}", self.account, self.region, self.world)
    }
}

/// What is shown for an endpoint where the range is in this process.
pub const IN_PROCESS: &str = "the range";

/// The caller as STS names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "Written")]
pub struct Identity {
    /// Account and region, and their world.
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

/// An identity as it was written, perhaps by a version that knew no worlds.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Written {
    at: WrittenAt,
    arn: String,
    #[serde(default)]
    profile: Option<String>,
    #[serde(default)]
    endpoint: Option<String>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct WrittenAt {
    account: String,
    region: String,
    world: Option<World>,
}

impl From<Written> for Identity {
    fn from(written: Written) -> Self {
        let Written { at: WrittenAt { account, region, world }, arn, profile, endpoint } = written;
        // A drill's was marked by its endpoint alone. Of a range behind a port nothing was said that an emulator or a
        // private endpoint would not have in common with it, so that what was written then stays AWS's.
        let drill = endpoint.as_deref() == Some(IN_PROCESS);
        let world = world.unwrap_or_else(|| if drill { World::Range("unnamed".to_owned()) } else { World::Aws });
        Self { at: AccountRegion { account, region, world }, arn, profile, endpoint }
    }
}

/// Who did something: what the journal records with every line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Actor {
    /// The AWS caller's ARN, or `unknown` before credentials are known.
    pub arn: String,
    /// The operating system's user name.
    pub user: String,
    /// The host name.
    pub host: String,
}

impl Actor {
    /// `alice@laptop`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn read(at: &Value, endpoint: Option<&str>) -> World {
        let written = json!({ "at": at, "arn": "arn:aws:iam::1:user/a", "profile": null, "endpoint": endpoint });
        serde_json::from_value::<Identity>(written).unwrap().at.world
    }

    #[test]
    fn what_was_written_before_there_were_worlds_is_of_aws_unless_it_is_a_drills() {
        let before = json!({ "account": "1", "region": "r" });
        assert_eq!(read(&before, None), World::Aws);
        assert_eq!(read(&before, Some("http://127.0.0.1:4701")), World::Aws);
        assert!(matches!(read(&before, Some(IN_PROCESS)), World::Range(_)));
    }

    #[test]
    fn a_world_is_read_as_it_was_written_and_none_is_taken_for_aws() {
        for world in [World::Aws, World::Range("4f1c".into()), World::Range(String::new())] {
            let at = AccountRegion { world: world.clone(), ..AccountRegion::of_aws("1", "r") };
            assert_eq!(read(&serde_json::to_value(&at).unwrap(), None), world);
        }
        assert_eq!(read(&json!({ "account": "1", "region": "r", "world": "aws" }), None), World::Aws);
        assert!(matches!(read(&json!({ "account": "1", "region": "r", "world": "moon" }), None), World::Range(_)));
        let plain = serde_json::to_value(AccountRegion::of_aws("1", "r")).unwrap();
        assert_eq!(plain, json!({ "account": "1", "region": "r" }), "AWS's is written as it always was");
    }
}
