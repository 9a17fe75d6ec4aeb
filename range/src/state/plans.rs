//! Usage plans and API keys: limits per client. Nothing here counts a request.
//!
//! Quotas of plans are kept and answered; traffic does not enforce them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Account, Live};

/// A rate and a burst.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Throttle {
    /// Requests per second.
    pub rate: f64,
    /// Bucket size in requests.
    pub burst: i64,
}

/// A stage that a plan is for.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanStage {
    /// API id.
    pub api: String,
    /// Stage name.
    pub stage: String,
    /// Limits per client and method, by `/path/METHOD`.
    pub throttle: BTreeMap<String, Throttle>,
}

/// A usage plan.
#[derive(Debug, Clone, PartialEq)]
pub struct UsagePlan {
    /// Six lower-case letters and digits.
    pub id: String,
    /// The name.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The stages that it is for.
    pub stages: Vec<PlanStage>,
    /// The limit of each client over all methods.
    pub throttle: Option<Throttle>,
    /// `quota` as sent.
    pub quota: Option<Value>,
    /// Ids of the keys that it is for.
    pub keys: Vec<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// An API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Ten lower-case letters and digits.
    pub id: String,
    /// What clients send in `x-api-key`.
    pub value: String,
    /// The name.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// A key that is not enabled lets nobody in.
    pub enabled: bool,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// When it was last changed.
    pub last_updated: DateTime<Utc>,
}

/// Building and changing; arguments are taken to be valid.
impl Account {
    /// Creates a usage plan without stages and keys; gives its id.
    pub fn create_usage_plan(&mut self, name: &str, throttle: Option<Throttle>) -> String {
        let id = self.ids.short(6);
        let plan = UsagePlan {
            id: id.clone(),
            name: name.to_owned(),
            description: None,
            stages: Vec::new(),
            throttle,
            quota: None,
            keys: Vec::new(),
            tags: BTreeMap::new(),
        };
        let live = Live::new(plan, self.now, self.propagation.stage(&id));
        self.gateway.usage_plans.insert(id.clone(), live);
        id
    }

    /// Reads a usage plan, changes it, saves it. It reaches traffic after the stage delay.
    pub fn edit_usage_plan(&mut self, id: &str, edit: impl FnOnce(&mut UsagePlan)) -> Option<()> {
        let (now, delay) = (self.now, self.propagation.stage(id));
        let live = self.gateway.usage_plans.get_mut(id)?;
        let mut plan = UsagePlan::clone(live.saved());
        edit(&mut plan);
        live.write(plan, now, delay);
        Some(())
    }

    /// Creates an API key; gives its id. A value is made up where none is given.
    pub fn create_api_key(&mut self, name: &str, value: Option<&str>, enabled: bool) -> String {
        let id = self.ids.short(10);
        let value = value.map_or_else(|| self.ids.short(40), str::to_owned);
        let (created, last_updated) = (self.now, self.now);
        let name = name.to_owned();
        let key = ApiKey { id: id.clone(), value, name, description: None, enabled, created, last_updated };
        let live = Live::new(key, self.now, self.propagation.stage(&id));
        self.gateway.api_keys.insert(id.clone(), live);
        id
    }

    /// Reads an API key, changes it, stamps and saves it.
    pub fn edit_api_key(&mut self, id: &str, edit: impl FnOnce(&mut ApiKey)) -> Option<()> {
        let (now, delay) = (self.now, self.propagation.stage(id));
        let live = self.gateway.api_keys.get_mut(id)?;
        let mut key = ApiKey::clone(live.saved());
        edit(&mut key);
        key.last_updated = now;
        live.write(key, now, delay);
        Some(())
    }
}
