//! HTTP APIs: routes and stages.
//!
//! What traffic sees of a stage is written in the terms of REST APIs ([`HttpStage::seen`]), so that both take the same
//! way. HTTP APIs have no web ACL, resource policy, cache or API keys (documented), and deployments of theirs are not
//! simulated: a stage with automatic deployment has the routes there are, any other those that there were when it was
//! made.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{Account, Live, Method, MethodSetting, Resource, Snapshot, Stage};

/// An HTTP API.
#[derive(Debug, Clone)]
pub struct HttpApi {
    /// Ten lower-case letters and digits.
    pub id: String,
    /// The name; not unique.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// Routes by id.
    pub routes: BTreeMap<String, HttpRoute>,
    /// Integrations by id, as sent.
    pub integrations: BTreeMap<String, Value>,
    /// Stages by name.
    pub stages: BTreeMap<String, Live<HttpStage>>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRoute {
    /// Seven lower-case letters and digits.
    pub id: String,
    /// `GET /pets`, `ANY /pets/{id}` or `$default`.
    pub key: String,
    /// `NONE`, `AWS_IAM`, `CUSTOM` or `JWT`.
    pub authorization_type: String,
    /// `integrations/ID`.
    pub target: Option<String>,
}

/// Settings of a route, or of all routes without their own. `None`: the account's limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RouteSettings {
    /// Detailed metrics.
    pub detailed_metrics: bool,
    /// Burst.
    pub burst: Option<i64>,
    /// Requests per second.
    pub rate: Option<f64>,
}

/// A stage of an HTTP API.
#[derive(Debug, Clone)]
pub struct HttpStage {
    /// The name, also `$default`.
    pub name: String,
    /// Whether changes of the API reach it by themselves.
    pub auto_deploy: bool,
    /// The description.
    pub description: Option<String>,
    /// Settings of routes without their own.
    pub default_settings: RouteSettings,
    /// Settings by route key.
    pub route_settings: BTreeMap<String, RouteSettings>,
    /// Stage variables.
    pub variables: BTreeMap<String, String>,
    /// `accessLogSettings` as sent.
    pub access_log: Option<Value>,
    /// Whether API Gateway owns it; then nobody else changes it.
    pub managed: bool,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// When it was last changed.
    pub last_updated: DateTime<Utc>,
    /// The same as traffic sees it.
    pub seen: Arc<Stage>,
}

/// Method and path of a route key; the catch-all is both.
fn split(key: &str) -> (&str, &str) {
    key.split_once(' ').unwrap_or((key, key))
}

/// Routes as resources and methods.
fn snapshot<'a>(routes: impl Iterator<Item = &'a HttpRoute>) -> Snapshot {
    let mut resources: BTreeMap<String, Resource> = BTreeMap::new();
    for route in routes {
        let (verb, path) = split(&route.key);
        let resource = resources.entry(path.to_owned()).or_insert_with(|| Resource {
            id: path.to_owned(),
            parent_id: None,
            path_part: None,
            path: path.to_owned(),
            methods: BTreeMap::new(),
        });
        // A token is judged alike, whoever issued it.
        let authorization =
            if route.authorization_type == "JWT" { "COGNITO_USER_POOLS" } else { route.authorization_type.as_str() };
        let method = Method {
            http_method: verb.to_owned(),
            authorization_type: authorization.to_owned(),
            api_key_required: false,
            authorizer_id: None,
            extra: Map::new(),
            integration: None,
        };
        resource.methods.insert(verb.to_owned(), method);
    }
    Snapshot { resources, ..Snapshot::default() }
}

impl RouteSettings {
    fn seen(self) -> MethodSetting {
        MethodSetting {
            metrics_enabled: self.detailed_metrics,
            throttling_burst_limit: self.burst.unwrap_or(-1),
            throttling_rate_limit: self.rate.unwrap_or(-1.0),
            ..MethodSetting::fresh()
        }
    }
}

impl HttpStage {
    /// Itself as traffic sees it, with these routes.
    fn look(&self, snapshot: Arc<Snapshot>) -> Stage {
        let mut method_settings = BTreeMap::from([("*/*".to_owned(), self.default_settings.seen())]);
        for (key, settings) in &self.route_settings {
            let (verb, path) = split(key);
            method_settings.insert(format!("{}/{verb}", path.trim_start_matches('/')), settings.seen());
        }
        let access_log = self.access_log.as_ref().and_then(Value::as_object).into_iter().flatten();
        Stage {
            method_settings,
            access_log: access_log
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
            variables: self.variables.clone(),
            last_updated: self.last_updated,
            ..Stage::new(&self.name, "", snapshot, self.created)
        }
    }
}

/// Building and changing; arguments are taken to be valid.
impl Account {
    /// Creates an HTTP API; gives its id.
    pub fn create_http_api(&mut self, name: &str, id: Option<&str>) -> String {
        let id = id.map_or_else(|| self.ids.short(10), str::to_owned);
        let api = HttpApi {
            id: id.clone(),
            name: name.to_owned(),
            description: None,
            created: self.now,
            routes: BTreeMap::new(),
            integrations: BTreeMap::new(),
            stages: BTreeMap::new(),
        };
        self.gateway.http_apis.insert(id.clone(), api);
        id
    }

    /// Creates a route; gives its id. Stages with automatic deployment have it after the stage delay.
    pub fn create_route(
        &mut self,
        api: &str,
        key: &str,
        authorization_type: &str,
        target: Option<&str>,
    ) -> Option<String> {
        let id = self.ids.short(7);
        let known = self.gateway.http_apis.get_mut(api)?;
        let route = HttpRoute {
            id: id.clone(),
            key: key.to_owned(),
            authorization_type: authorization_type.to_owned(),
            target: target.map(str::to_owned),
        };
        known.routes.insert(id.clone(), route);
        let stages = known.stages.values().map(Live::saved).filter(|stage| stage.auto_deploy);
        let stages: Vec<String> = stages.map(|stage| stage.name.clone()).collect();
        for stage in stages {
            self.edit_http_stage(api, &stage, |_| ())?;
        }
        Some(id)
    }

    /// Creates a stage with the routes there are.
    pub fn create_http_stage(&mut self, api: &str, name: &str, auto_deploy: bool) -> Option<()> {
        let (now, delay) = (self.now, self.propagation.stage(name));
        let known = self.gateway.http_apis.get_mut(api)?;
        let snapshot = Arc::new(snapshot(known.routes.values()));
        let empty = Stage::new(name, "", Arc::clone(&snapshot), now);
        let stage = HttpStage {
            name: name.to_owned(),
            auto_deploy,
            description: None,
            default_settings: RouteSettings::default(),
            route_settings: BTreeMap::new(),
            variables: BTreeMap::new(),
            access_log: None,
            managed: false,
            created: now,
            last_updated: now,
            seen: Arc::new(empty),
        };
        known.stages.insert(name.to_owned(), Live::new(stage, now, delay));
        Some(())
    }

    /// Reads a stage of an HTTP API, changes it, stamps and saves it.
    pub fn edit_http_stage(&mut self, api: &str, name: &str, edit: impl FnOnce(&mut HttpStage)) -> Option<()> {
        let (now, delay) = (self.now, self.propagation.stage(name));
        let known = self.gateway.http_apis.get_mut(api)?;
        let live = known.stages.get_mut(name)?;
        let mut stage = HttpStage::clone(live.saved());
        edit(&mut stage);
        stage.last_updated = now;
        let routes = if stage.auto_deploy {
            Arc::new(snapshot(known.routes.values()))
        } else {
            Arc::clone(&stage.seen.snapshot)
        };
        stage.seen = Arc::new(stage.look(routes));
        live.write(stage, now, delay);
        Some(())
    }
}
