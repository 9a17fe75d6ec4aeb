//! Stages: how a responder names one, and which one it is.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::limits::Limit;
use super::text::neutralised;

/// A stage as a person writes it: `[profile/][region:]api/stage`, split at the last `/`; the API by name or id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StageSelector {
    /// The profile, where one is named.
    pub profile: Option<String>,
    /// The region, where one is named.
    pub region: Option<String>,
    /// The API's name or id.
    pub api: String,
    /// The stage's name.
    pub stage: String,
}

/// Why a stage could not be read from what was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectorError {
    /// No `/`, or nothing before or after it.
    #[error("“{0}” does not name a stage; write api/stage, for example shop/prod")]
    NotAStage(String),
}

impl FromStr for StageSelector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || SelectorError::NotAStage(text.to_owned());
        let (rest, stage) = text.rsplit_once('/').ok_or_else(bad)?;
        let (profile, rest) = match rest.split_once('/') {
            Some((profile, rest)) if !profile.is_empty() && !rest.is_empty() => (Some(profile.to_owned()), rest),
            _ => (None, rest),
        };
        let (region, api) = match rest.split_once(':') {
            Some((region, api)) if looks_like_region(region) && !api.is_empty() => (Some(region.to_owned()), api),
            _ => (None, rest),
        };
        if api.is_empty() || stage.is_empty() {
            return Err(bad());
        }
        Ok(Self { profile, region, api: api.to_owned(), stage: stage.to_owned() })
    }
}

impl StageSelector {
    /// A stage, or the name of one alone: that is one of the API that is spoken of, and its own API stays empty until
    /// [`Self::beside`].
    ///
    /// # Errors
    /// Where it is neither.
    pub fn of_same_api(text: &str) -> Result<Self, SelectorError> {
        let alone = text.trim();
        if alone.contains('/') || alone.is_empty() || alone.contains(char::is_whitespace) {
            return text.parse();
        }
        Ok(Self { profile: None, region: None, api: String::new(), stage: alone.to_owned() })
    }

    /// The same with the API of `other`, where it names none.
    #[must_use]
    pub fn beside(self, other: &Self) -> Self {
        if self.api.is_empty() { Self { stage: self.stage, ..other.clone() } } else { self }
    }

    /// Every way in which the same text can be read, the likeliest first: API names may hold `/` and `:`, so that what
    /// looks like a profile or a region may be part of one.
    #[must_use]
    pub fn readings(&self) -> Vec<Self> {
        let written = self.to_string();
        let Some((rest, stage)) = written.rsplit_once('/') else { return vec![self.clone()] };
        let mut found = vec![self.clone()];
        let mut put = |profile: Option<&str>, region: Option<&str>, api: &str| {
            let [profile, region] = [profile, region].map(|part| part.map(str::to_owned));
            let reading = Self { profile, region, api: api.to_owned(), stage: stage.to_owned() };
            if !api.is_empty() && !found.contains(&reading) {
                found.push(reading);
            }
        };
        let behind_profile = rest.split_once('/').filter(|(profile, _)| !profile.is_empty());
        let behind_profile = behind_profile.map(|(profile, rest)| (Some(profile), rest));
        for (profile, rest) in behind_profile.into_iter().chain([(None, rest)]) {
            if let Some((region, api)) = rest.split_once(':').filter(|(region, _)| looks_like_region(region)) {
                put(profile, Some(region), api);
            }
            put(profile, None, rest);
        }
        found
    }

    /// What the API may be called, where it is looked for in `place`: one name, and more only where the text can be
    /// read in several ways. Empty where it can be in another place only.
    #[must_use]
    pub fn apis_in(&self, place: &Place) -> Vec<String> {
        let here = self.readings().into_iter().filter(|reading| place.fits(reading));
        here.map(|reading| reading.api).collect()
    }
}

/// A connection, as far as it tells stages apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The profile connected with, where one was named.
    pub profile: Option<String>,
    /// The region; `None` where it is not known yet.
    pub region: Option<String>,
}

impl Place {
    /// Whether a stage that is written like this can be here.
    #[must_use]
    pub fn fits(&self, selector: &StageSelector) -> bool {
        let region = selector.region.is_none() || self.region.is_none() || selector.region == self.region;
        region && (selector.profile.is_none() || selector.profile == self.profile)
    }

    /// Whether `text` names this stage of this place.
    #[must_use]
    pub fn means(&self, text: &str, stage: &StageId) -> bool {
        // Most names are of other stages: that is told without taking them apart.
        let stages = text.rsplit_once('/').is_some_and(|(_, named)| named == stage.stage);
        stages
            && text.parse::<StageSelector>().is_ok_and(|selector| {
                selector.apis_in(self).iter().any(|api| is_called(&stage.api_id, &stage.api_name, api))
            })
    }
}

/// Whether an API of this id and name is meant by what was written: its id, its name, or its name as it is printed,
/// where that makes control characters visible, and without blanks around it, which files do not keep.
#[must_use]
pub fn is_called(id: &str, name: &str, written: &str) -> bool {
    let shown = neutralised(name);
    written == id
        || written == name
        || written == shown
        || written.trim() == name.trim()
        || written.trim() == shown.trim()
}

fn looks_like_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() >= 3
        && parts.iter().all(|p| !p.is_empty() && p.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
        && parts.last().is_some_and(|p| p.chars().all(|c| c.is_ascii_digit()))
}

impl fmt::Display for StageSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(profile) = &self.profile {
            write!(f, "{profile}/")?;
        }
        if let Some(region) = &self.region {
            write!(f, "{region}:")?;
        }
        if self.api.is_empty() { write!(f, "{}", self.stage) } else { write!(f, "{}/{}", self.api, self.stage) }
    }
}

/// The two kinds of API that the console watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum ApiKind {
    /// A REST API.
    #[default]
    Rest,
    /// An HTTP API: no web ACL, resource policy, cache, API keys or canary (documented).
    Http,
}

impl ApiKind {
    /// `REST API`, `HTTP API`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Rest => "REST API",
            Self::Http => "HTTP API",
        }
    }
}

/// One stage that exists, of a REST API or an HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StageId {
    /// The API's id.
    pub api_id: String,
    /// The API's name; not unique.
    pub api_name: String,
    /// The stage's name.
    pub stage: String,
}

impl StageId {
    /// `shop/prod`: what a person reads and types.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}/{}", self.api_name, self.stage)
    }

    /// What tells it from every other stage of its account and region, whatever its API is called meanwhile: the API's
    /// id, and its own name.
    #[must_use]
    pub fn ids(&self) -> (&str, &str) {
        (&self.api_id, &self.stage)
    }

    /// Whether it is the same stage, by its ids: an API may be given another name meanwhile.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.ids() == other.ids()
    }

    /// The ARN by which WAF knows the stage; it carries no account id (WAFv2 `AssociateWebACL`, documented).
    #[must_use]
    pub fn arn(&self, partition: &str, region: &str) -> String {
        format!("arn:{partition}:apigateway:{region}::/restapis/{}/stages/{}", self.api_id, self.stage)
    }

    /// The ARN of a stage of an HTTP API, by which IAM knows it (documented).
    #[must_use]
    pub fn http_arn(&self, partition: &str, region: &str) -> String {
        format!("arn:{partition}:apigateway:{region}::/apis/{}/stages/{}", self.api_id, self.stage)
    }

    /// The `ApiName` dimension's value: the name with non-ASCII characters stripped, the id if nothing is left
    /// (documented).
    #[must_use]
    pub fn metric_api_name(&self) -> String {
        let ascii: String = self.api_name.chars().filter(char::is_ascii).collect();
        if ascii.trim().is_empty() { self.api_id.clone() } else { ascii }
    }

    /// The API it belongs to, as far as its name tells: enough to ask for its stages.
    #[must_use]
    pub fn api(&self) -> Api {
        Api {
            id: self.api_id.clone(),
            name: self.api_name.clone(),
            endpoint_types: Vec::new(),
            endpoint_disabled: false,
        }
    }

    /// Whether `selector` names this stage, by API name or id, wherever it is.
    #[must_use]
    pub fn is_named_by(&self, selector: &StageSelector) -> bool {
        let called = |reading: &StageSelector| is_called(&self.api_id, &self.api_name, &reading.api);
        self.stage == selector.stage && selector.readings().iter().any(called)
    }
}

/// A REST API as discovery finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// The id.
    pub id: String,
    /// The name; not unique.
    pub name: String,
    /// Endpoint types: `EDGE`, `REGIONAL`, `PRIVATE`.
    pub endpoint_types: Vec<String>,
    /// Whether its `execute-api` endpoint is set to be disabled; in force from the next update of any stage on
    /// (documented).
    pub endpoint_disabled: bool,
}

impl Api {
    /// Of which kind it is.
    #[must_use]
    pub fn kind(&self) -> ApiKind {
        if self.endpoint_types.iter().any(|kind| kind == "HTTP") { ApiKind::Http } else { ApiKind::Rest }
    }
}

/// What `GetStages` says of a stage, as far as the board needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct StageDetail {
    /// Which stage.
    pub id: StageId,
    /// The associated web ACL's ARN, where there is one.
    pub web_acl_arn: Option<String>,
    /// The deployment it points at.
    pub deployment_id: Option<String>,
    /// `AVAILABLE`, `NOT_AVAILABLE`, … as API Gateway says it.
    pub cache_cluster_status: Option<String>,
    /// Whether canary settings are present.
    pub canary: bool,
    /// Whether the API's `execute-api` endpoint is set to be disabled.
    pub endpoint_disabled: bool,
    /// Whether X-Ray tracing is on.
    pub tracing: bool,
    /// Where its requests are logged, and what of each; `None` where they are not.
    pub access_log: Option<AccessLog>,
    /// The limit of each of its methods that has no other, as AWS wrote it; `None` where it has none of its own.
    pub limit: Option<Limit>,
    /// The lowest limit that one of its methods has of its own.
    pub lowest_of_a_method: Option<Limit>,
}

/// What `GetRestApi` says of an API whose policy may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftApi {
    /// The draft's resource policy as AWS answers it; empty where there is none.
    pub policy: String,
    /// Endpoint types: `EDGE`, `REGIONAL`, `PRIVATE`.
    pub endpoint_types: Vec<String>,
    /// Whether its endpoint is private: reached through VPC endpoints only.
    pub private: bool,
    /// Whether its `execute-api` endpoint is set to be disabled.
    pub endpoint_disabled: bool,
    /// Whether callers may come over IPv6 as well.
    pub dual_stack: bool,
    /// `AVAILABLE`, `UPDATING`, `PENDING`, `FAILED`, where AWS says it.
    pub status: Option<String>,
}

/// A deployment: a snapshot of a draft that stages point at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// Its description; empty where there is none.
    pub description: String,
    /// When it was made, UTC, where AWS says it.
    pub created: Option<DateTime<Utc>>,
}

/// What `GetStage` says of a stage that an action may change.
#[derive(Debug, Clone, PartialEq)]
pub struct StageSettings {
    /// Method settings by `*/*` or `POST /login`, each as AWS wrote it: what is absent is absent.
    pub methods: serde_json::Map<String, serde_json::Value>,
    /// The associated web ACL's ARN, where there is one.
    pub web_acl_arn: Option<String>,
    /// The deployment it points at.
    pub deployment_id: Option<String>,
    /// Whether a cache cluster is asked for.
    pub cache_cluster_enabled: bool,
    /// `AVAILABLE`, `NOT_AVAILABLE`, `FLUSH_IN_PROGRESS`, … as API Gateway says it.
    pub cache_cluster_status: Option<String>,
    /// Whether canary settings are present.
    pub canary: bool,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// Where its requests are logged, and what of each; `None` where they are not.
    pub access_log: Option<AccessLog>,
}

/// A stage of an HTTP API, as far as a throttle changes it.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpStage {
    /// Settings by route key as AWS wrote them, and those of routes without their own under `*/*`: what is absent is
    /// absent.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Whether API Gateway manages it: then nobody else changes it (documented).
    pub managed: bool,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// An access log of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLog {
    /// The destination's ARN.
    pub destination: String,
    /// A line's format, with `$context` variables.
    pub format: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_selector_is_split_at_the_last_slash() {
        let s: StageSelector = "ops/eu-west-1:shop/prod".parse().unwrap();
        assert_eq!((s.profile.as_deref(), s.region.as_deref()), (Some("ops"), Some("eu-west-1")));
        assert_eq!((s.api.as_str(), s.stage.as_str()), ("shop", "prod"));
        assert_eq!(s.to_string(), "ops/eu-west-1:shop/prod");
    }

    #[test]
    fn a_colon_in_an_api_name_is_not_a_region() {
        let s: StageSelector = "orders:v2/prod".parse().unwrap();
        assert_eq!((s.region, s.api.as_str()), (None, "orders:v2"));
    }

    #[test]
    fn what_is_no_stage_is_refused() {
        for text in ["shop", "/prod", "shop/", "", "/"] {
            assert!(text.parse::<StageSelector>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_metric_name_is_the_ascii_part_or_the_id() {
        let mut id = StageId { api_id: "a1".into(), api_name: "käse".into(), stage: "prod".into() };
        assert_eq!(id.metric_api_name(), "kse");
        id.api_name = "店".into();
        assert_eq!(id.metric_api_name(), "a1");
    }
}
