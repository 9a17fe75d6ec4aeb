//! Typed values: what inputs and parameters hold, and what the console knows by itself.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use crate::model::action::{Closure, life};
use crate::model::address::{self, Target};
use crate::model::duration;
use crate::model::method::MethodName;
use crate::model::stage::StageSelector;
use crate::model::text::shortened;

/// What an input, or a parameter of an action, holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A stage.
    Stage,
    /// Addresses and prefixes.
    Prefixes,
    /// A method of the stage's API, or all of them.
    Method,
    /// Requests a second.
    Rate,
    /// Requests at once.
    Burst,
    /// A time span.
    Duration,
    /// A way of closing.
    Closure,
    /// A web ACL.
    WebAcl,
    /// IP sets.
    IpSets,
    /// Addresses, and no prefixes.
    Addresses,
    /// Yes or no.
    Flag,
    /// Words for the journal.
    Reason,
}

impl Kind {
    /// Every kind that a playbook can name, in the order of the documentation. Addresses are given on the command line
    /// alone.
    pub const ALL: [Self; 11] = [
        Self::Stage,
        Self::Prefixes,
        Self::Method,
        Self::Rate,
        Self::Burst,
        Self::Duration,
        Self::Closure,
        Self::WebAcl,
        Self::IpSets,
        Self::Flag,
        Self::Reason,
    ];

    /// The kind as a file names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Prefixes => "prefixes",
            Self::Method => "method",
            Self::Rate => "rate",
            Self::Burst => "burst",
            Self::Duration => "duration",
            Self::Closure => "closure",
            Self::WebAcl => "web-acl",
            Self::IpSets => "ip-sets",
            Self::Addresses => "addresses",
            Self::Flag => "flag",
            Self::Reason => "reason",
        }
    }

    /// What a value of it is, in one line.
    #[must_use]
    pub fn doc(self) -> &'static str {
        match self {
            Self::Stage => "a stage, `[region:]api/stage`; a name alone is a stage of the same API",
            Self::Prefixes => "addresses and prefixes, a list of texts",
            Self::Method => "a method and its path, or `*` for every method",
            Self::Rate => "requests a second, a whole number",
            Self::Burst => "requests that may come at once, a whole number",
            Self::Duration => "a time span from a minute to a year",
            Self::Closure => "a way of closing: `web-acl` or `throttle-zero`",
            Self::WebAcl => "a web ACL, by name or ARN",
            Self::IpSets => "IP sets, a list of names or ARNs",
            Self::Addresses => "single addresses, a list of texts",
            Self::Flag => "`true` or `false`",
            Self::Reason => "words for the journal",
        }
    }

    /// A value of it as a file writes it.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::Stage => "\"shop/prod\"",
            Self::Prefixes => "[\"203.0.113.7/32\", \"2001:db8:bad::/48\"]",
            Self::Method => "\"POST /login\"",
            Self::Rate => "50",
            Self::Burst => "100",
            Self::Duration => "\"4h\"",
            Self::Closure => "\"web-acl\"",
            Self::WebAcl => "\"shop-closed\"",
            Self::IpSets => "[\"shop-blocklist\"]",
            Self::Addresses => "[\"203.0.113.7\"]",
            Self::Flag => "true",
            Self::Reason => "\"SQL injection\"",
        }
    }

    /// A value out of text, as `--input NAME=VALUE` and the screen give it; lists are parted by blanks or commas.
    ///
    /// # Errors
    /// In one line what is wrong, with an example.
    pub fn parse(self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        let wrong = || format!("“{}” is no {}; write for example {}", shortened(text, 60), self.word(), self.example());
        let listed = || text.split([' ', ',', '\t', '\n']).filter(|part| !part.is_empty());
        if text.is_empty() {
            return Err(format!("nothing is written; write for example {}", self.example()));
        }
        Ok(match self {
            Self::Stage => Value::Stage(StageSelector::of_same_api(text).map_err(|e| e.to_string())?),
            Self::Prefixes => Value::Prefixes(
                listed()
                    .map(|part| part.parse::<Target>().map_err(|error| error.to_string()))
                    .collect::<Result<_, _>>()?,
            ),
            Self::Method if text == "*" => Value::Method(None),
            Self::Method => Value::Method(Some(text.parse().map_err(|_| wrong())?)),
            Self::Rate => Value::Rate(text.parse().map_err(|_| wrong())?),
            Self::Burst => Value::Burst(text.parse().map_err(|_| wrong())?),
            Self::Duration => Value::Duration(life(text).map_err(|why| format!("{}: {why}", wrong()))?),
            Self::Closure => Value::Closure(Closure::ALL.into_iter().find(|way| way.word() == text).ok_or_else(wrong)?),
            Self::WebAcl => Value::WebAcl(text.to_owned()),
            Self::IpSets => Value::IpSets(listed().map(str::to_owned).collect()),
            Self::Addresses => Value::Addresses(
                listed()
                    .map(|part| address::address(part).map_err(|error| error.to_string()))
                    .collect::<Result<_, _>>()?,
            ),
            Self::Flag => Value::Flag(text.parse().map_err(|_| wrong())?),
            Self::Reason => Value::Reason(text.to_owned()),
        })
    }
}

/// A typed value. As text it is what [`Kind::parse`] reads back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A stage.
    Stage(StageSelector),
    /// Addresses and prefixes.
    Prefixes(Vec<Target>),
    /// A method; `None` for every method.
    Method(Option<MethodName>),
    /// Requests a second.
    Rate(u32),
    /// Requests at once.
    Burst(u32),
    /// Seconds.
    Duration(u64),
    /// A way of closing.
    Closure(Closure),
    /// A web ACL, by name or ARN.
    WebAcl(String),
    /// IP sets, by name or ARN.
    IpSets(Vec<String>),
    /// Addresses.
    Addresses(Vec<IpAddr>),
    /// Yes or no.
    Flag(bool),
    /// Words for the journal.
    Reason(String),
}

impl Value {
    /// What kind of value it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Stage(_) => Kind::Stage,
            Self::Prefixes(_) => Kind::Prefixes,
            Self::Method(_) => Kind::Method,
            Self::Rate(_) => Kind::Rate,
            Self::Burst(_) => Kind::Burst,
            Self::Duration(_) => Kind::Duration,
            Self::Closure(_) => Kind::Closure,
            Self::WebAcl(_) => Kind::WebAcl,
            Self::IpSets(_) => Kind::IpSets,
            Self::Addresses(_) => Kind::Addresses,
            Self::Flag(_) => Kind::Flag,
            Self::Reason(_) => Kind::Reason,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage(stage) => write!(f, "{stage}"),
            Self::Prefixes(targets) => {
                let written =
                    targets.iter().map(|target| target.masked_from.clone().unwrap_or_else(|| target.net.to_string()));
                write!(f, "{}", written.collect::<Vec<_>>().join(" "))
            }
            Self::Method(None) => write!(f, "*"),
            Self::Method(Some(method)) => write!(f, "{method}"),
            Self::Rate(number) | Self::Burst(number) => write!(f, "{number}"),
            Self::Duration(seconds) => write!(f, "{}", duration::words(*seconds)),
            Self::Closure(way) => write!(f, "{}", way.word()),
            Self::WebAcl(text) | Self::Reason(text) => write!(f, "{text}"),
            Self::IpSets(names) => write!(f, "{}", names.join(" ")),
            Self::Addresses(addresses) => {
                write!(f, "{}", addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            }
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// Something that the console knows by itself when a step is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Situation {
    /// The stage that the playbook runs for.
    Stage,
    /// The sources that rules speak against.
    Suspects,
    /// Whom the team has named.
    Admitted,
}

impl Situation {
    /// All of it, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Stage, Self::Suspects, Self::Admitted];

    /// Its name after `from =`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Suspects => "suspects",
            Self::Admitted => "admitted",
        }
    }

    /// What it is, in one line.
    #[must_use]
    pub fn doc(self) -> &'static str {
        match self {
            Self::Stage => "the stage that the playbook runs for",
            Self::Suspects => {
                "the sources of the stage that rules match and that were not there before the attack, without possible proxies; read from WAF's samples when the step is planned"
            }
            Self::Admitted => {
                "the ranges that the team has named: `guards.break-glass` and `guards.never-block` in the configuration. Anybody it has forgotten is not among them"
            }
        }
    }

    /// What kind of value it gives.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Stage => Kind::Stage,
            Self::Suspects | Self::Admitted => Kind::Prefixes,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_example_is_a_value_and_reads_back() {
        for kind in Kind::ALL {
            let text = kind.example().replace(['"', '[', ']'], "");
            let value = kind.parse(&text).unwrap();
            assert_eq!(value.kind(), kind);
            assert_eq!(kind.parse(&value.to_string()).unwrap(), value, "{kind:?}");
        }
        let masked = Kind::Prefixes.parse("203.0.113.9/24").unwrap();
        assert_eq!(Kind::Prefixes.parse(&masked.to_string()).unwrap(), masked);
        assert_eq!(Kind::Method.parse("*").unwrap(), Value::Method(None));
    }

    #[test]
    fn what_is_no_value_is_told_with_an_example() {
        for (kind, text) in [
            (Kind::Stage, "shop/"),
            (Kind::Prefixes, "203.0.113.7 nobody"),
            (Kind::Method, "login"),
            (Kind::Rate, "-1"),
            (Kind::Duration, "10s"),
            (Kind::Duration, "3y"),
            (Kind::Closure, "door"),
            (Kind::Flag, "perhaps"),
            (Kind::Reason, "  "),
        ] {
            let error = kind.parse(text).unwrap_err();
            assert!(error.contains("write"), "{kind:?}: {error}");
        }
    }
}
