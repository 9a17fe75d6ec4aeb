//! REST APIs: drafts, immutable deployments, stages.
//!
//! A draft is what the control plane edits; a [`Snapshot`] is what a deployment froze, resource policy included; a
//! [`Stage`] points at a snapshot and is the only thing traffic sees, and late. Nothing here evaluates a policy.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value};

use super::{Account, ApiKey, Authorizer, HttpApi, Live, Stage, UsagePlan};

/// API Gateway's part of an account.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// Requests per second for the whole account and region. 10,000 (documented).
    pub throttle_rate_limit: f64,
    /// Burst for the whole account and region. 5,000 (documented).
    pub throttle_burst_limit: i64,
    /// The role that lets API Gateway write access logs.
    pub cloudwatch_role_arn: Option<String>,
    /// Whether an export carries the resource policy. Exports that people have published do (inferred), AWS's own words
    /// leave it open: hence a switch.
    pub export_carries_policy: bool,
    /// APIs by id.
    pub apis: BTreeMap<String, Api>,
    /// HTTP APIs by id.
    pub http_apis: BTreeMap<String, HttpApi>,
    /// Usage plans by id.
    pub usage_plans: BTreeMap<String, Live<UsagePlan>>,
    /// API keys by id.
    pub api_keys: BTreeMap<String, Live<ApiKey>>,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            throttle_rate_limit: 10_000.0,
            throttle_burst_limit: 5_000,
            cloudwatch_role_arn: None,
            export_carries_policy: true,
            apis: BTreeMap::new(),
            http_apis: BTreeMap::new(),
            usage_plans: BTreeMap::new(),
            api_keys: BTreeMap::new(),
        }
    }
}

/// A REST API.
#[derive(Debug, Clone)]
pub struct Api {
    /// Ten lower-case letters and digits.
    pub id: String,
    /// The name; not unique.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// What the next deployment will freeze.
    pub draft: Snapshot,
    /// `REGIONAL`, `EDGE` or `PRIVATE`.
    pub endpoint_types: Vec<String>,
    /// `ipv4` or `dualstack`.
    pub ip_address_type: String,
    /// Saved setting of the `execute-api` endpoint.
    pub disable_execute_api_endpoint: bool,
    /// The setting in force: the saved one takes effect with the next stage update on any stage (documented).
    pub execute_api_endpoint_disabled: bool,
    /// `HEADER` or `AUTHORIZER`.
    pub api_key_source: String,
    /// `AVAILABLE`, `UPDATING`, `PENDING` or `FAILED`.
    pub api_status: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Members of the API that the range keeps and does not understand (`version`, `binaryMediaTypes`, …).
    pub extra: Map<String, Value>,
    /// Stages by name.
    pub stages: BTreeMap<String, Live<Stage>>,
    /// Deployments by id.
    pub deployments: BTreeMap<String, Deployment>,
}

impl Api {
    /// The id of the resource `/`.
    #[must_use]
    pub fn root_resource_id(&self) -> &str {
        self.draft.resources.values().find(|resource| resource.path == "/").map_or("", |root| root.id.as_str())
    }

    /// A stage as the control plane holds it.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&Arc<Stage>> {
        self.stages.get(name).map(Live::saved)
    }

    /// A stage as traffic sees it at `now`.
    #[must_use]
    pub fn stage_live(&self, name: &str, now: DateTime<Utc>) -> Option<&Arc<Stage>> {
        self.stages.get(name).and_then(|stage| stage.at(now))
    }
}

/// The deployable part of an API: resource policy, resources, methods, authorizers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The resource policy as plain JSON with full ARNs; `None` where there is none.
    pub policy: Option<String>,
    /// Resources by id.
    pub resources: BTreeMap<String, Resource>,
    /// Authorizers by id: they act when they are deployed (documented: updates that require redeployment).
    pub authorizers: BTreeMap<String, Authorizer>,
}

/// A resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// The id.
    pub id: String,
    /// `None` for `/`.
    pub parent_id: Option<String>,
    /// The last segment; `None` for `/`.
    pub path_part: Option<String>,
    /// The whole path, such as `/orders/{id}`.
    pub path: String,
    /// Methods by HTTP method or `ANY`.
    pub methods: BTreeMap<String, Method>,
}

/// A method.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// `GET`, …, `ANY`.
    pub http_method: String,
    /// `NONE`, `AWS_IAM`, `CUSTOM` or `COGNITO_USER_POOLS`.
    pub authorization_type: String,
    /// Whether a key is needed.
    pub api_key_required: bool,
    /// The authorizer.
    pub authorizer_id: Option<String>,
    /// Members that the range keeps and does not understand (`operationName`, `requestParameters`, …).
    pub extra: Map<String, Value>,
    /// The integration as API Gateway answers it.
    pub integration: Option<Value>,
}

/// A deployment: a snapshot with a name.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Six lower-case letters and digits.
    pub id: String,
    /// The description.
    pub description: Option<String>,
    /// When.
    pub created: DateTime<Utc>,
    /// What it froze.
    pub snapshot: Arc<Snapshot>,
}

impl Gateway {
    /// Makes every saved stage, plan and key visible at once.
    pub(crate) fn settle(&mut self, now: DateTime<Utc>) {
        self.usage_plans.values_mut().for_each(|plan| plan.settle(now));
        self.api_keys.values_mut().for_each(|key| key.settle(now));
        for api in self.http_apis.values_mut() {
            api.stages.values_mut().for_each(|stage| stage.settle(now));
        }
        for api in self.apis.values_mut() {
            api.execute_api_endpoint_disabled = api.disable_execute_api_endpoint;
            for stage in api.stages.values_mut() {
                stage.settle(now);
            }
        }
    }
}

/// Building and changing; arguments are taken to be valid.
impl Account {
    /// Creates a REST API with its root resource; gives its id.
    pub fn create_api(&mut self, name: &str, id: Option<&str>) -> String {
        let id = id.map_or_else(|| self.ids.short(10), str::to_owned);
        let root = self.ids.short(10);
        let resource =
            Resource { id: root.clone(), parent_id: None, path_part: None, path: "/".into(), methods: BTreeMap::new() };
        let api = Api {
            id: id.clone(),
            name: name.to_owned(),
            description: None,
            created: self.now,
            draft: Snapshot { resources: BTreeMap::from([(root, resource)]), ..Snapshot::default() },
            endpoint_types: vec!["REGIONAL".to_owned()],
            ip_address_type: "ipv4".to_owned(),
            disable_execute_api_endpoint: false,
            execute_api_endpoint_disabled: false,
            api_key_source: "HEADER".to_owned(),
            api_status: "AVAILABLE".to_owned(),
            tags: BTreeMap::new(),
            extra: Map::new(),
            stages: BTreeMap::new(),
            deployments: BTreeMap::new(),
        };
        self.gateway.apis.insert(id.clone(), api);
        id
    }

    /// Creates the resources of a path as far as they are missing; gives the id of the last. `None` for an unknown API.
    pub fn put_path(&mut self, api: &str, path: &str) -> Option<String> {
        let mut parent = self.gateway.apis.get(api)?.root_resource_id().to_owned();
        let mut so_far = String::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            so_far = format!("{so_far}/{part}");
            let known = self.gateway.apis.get(api)?.draft.resources.values().find(|resource| resource.path == so_far);
            parent = match known {
                Some(resource) => resource.id.clone(),
                None => self.put_resource(api, &parent, part)?,
            };
        }
        Some(parent)
    }

    /// Creates one resource under a parent; gives its id. `None` for an unknown API or parent.
    pub fn put_resource(&mut self, api: &str, parent: &str, part: &str) -> Option<String> {
        let id = self.ids.short(6);
        let resources = &mut self.gateway.apis.get_mut(api)?.draft.resources;
        let path = format!("{}/{part}", resources.get(parent)?.path.trim_end_matches('/'));
        let resource = Resource {
            id: id.clone(),
            parent_id: Some(parent.to_owned()),
            path_part: Some(part.to_owned()),
            path,
            methods: BTreeMap::new(),
        };
        resources.insert(id.clone(), resource);
        Some(id)
    }

    /// Creates or replaces a method of a resource in the draft.
    pub fn put_method(&mut self, api: &str, resource: &str, method: Method) -> Option<()> {
        let resource = self.gateway.apis.get_mut(api)?.draft.resources.get_mut(resource)?;
        resource.methods.insert(method.http_method.clone(), method);
        Some(())
    }

    /// Freezes the draft; gives the deployment's id. Points no stage at it.
    pub fn create_deployment(&mut self, api: &str, description: Option<&str>) -> Option<String> {
        let id = self.ids.short(6);
        let created = self.now;
        let api = self.gateway.apis.get_mut(api)?;
        let deployment = Deployment {
            id: id.clone(),
            description: description.map(str::to_owned),
            created,
            snapshot: Arc::new(api.draft.clone()),
        };
        api.deployments.insert(id.clone(), deployment);
        Some(id)
    }

    /// Creates a stage on a deployment. It is visible to traffic after the stage delay.
    pub fn create_stage(&mut self, api: &str, name: &str, deployment: &str) -> Option<()> {
        let now = self.now;
        let delay = self.propagation.stage(name);
        let api = self.gateway.apis.get_mut(api)?;
        let snapshot = Arc::clone(&api.deployments.get(deployment)?.snapshot);
        let stage = Stage::new(name, deployment, snapshot, now);
        api.stages.insert(name.to_owned(), Live::new(stage, now, delay));
        Some(())
    }

    /// Saves a changed stage: stamps it, lets it reach traffic after the stage delay, and puts a pending
    /// `disableExecuteApiEndpoint` of its API in force.
    pub fn save_stage(&mut self, api: &str, mut stage: Stage) -> Option<()> {
        let (now, delay) = (self.now, self.propagation.stage(&stage.name));
        let api = self.gateway.apis.get_mut(api)?;
        stage.last_updated = now;
        api.execute_api_endpoint_disabled = api.disable_execute_api_endpoint;
        let name = stage.name.clone();
        api.stages.get_mut(&name)?.write(stage, now, delay);
        Some(())
    }

    /// Reads a stage, changes it, saves it.
    pub fn edit_stage(&mut self, api: &str, name: &str, edit: impl FnOnce(&mut Stage)) -> Option<()> {
        let mut stage = Stage::clone(self.gateway.apis.get(api)?.stage(name)?);
        edit(&mut stage);
        self.save_stage(api, stage)
    }

    /// A stage as traffic sees it now, after propagation; of HTTP APIs as well.
    #[must_use]
    pub fn stage_live(&self, api: &str, stage: &str, now: DateTime<Utc>) -> Option<&Arc<Stage>> {
        match self.gateway.http_apis.get(api) {
            Some(api) => api.stages.get(stage)?.at(now).map(|stage| &stage.seen),
            None => self.gateway.apis.get(api)?.stage_live(stage, now),
        }
    }

    /// Starts a flush of a stage's cache: nothing cached before `now` is served again. About 20 s (unverified).
    pub fn flush_cache(&mut self, api: &str, stage: &str) -> Option<()> {
        let now = self.now;
        self.touch_stage(api, stage, |stage| {
            stage.cache.flushed_at = Some(now);
            stage.cache.busy_until = Some(now + Duration::seconds(20));
        })
    }

    /// Forgets what a stage's authorizers have answered.
    pub fn flush_authorizers_cache(&mut self, api: &str, stage: &str) -> Option<()> {
        let now = self.now;
        self.touch_stage(api, stage, |stage| stage.cache.authorizers_flushed_at = Some(now))
    }

    /// Adds tags to a stage.
    pub fn tag_stage(&mut self, api: &str, stage: &str, tags: BTreeMap<String, String>) -> Option<()> {
        self.touch_stage(api, stage, |stage| stage.tags.extend(tags))
    }

    /// Changes a stage without its `lastUpdatedDate` or a pending endpoint switch: what is not a stage update.
    fn touch_stage(&mut self, api: &str, name: &str, edit: impl FnOnce(&mut Stage)) -> Option<()> {
        let (now, delay) = (self.now, self.propagation.stage(name));
        let live = self.gateway.apis.get_mut(api)?.stages.get_mut(name)?;
        let mut stage = Stage::clone(live.saved());
        edit(&mut stage);
        live.write(stage, now, delay);
        Some(())
    }
}
