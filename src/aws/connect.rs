//! Connecting: from a profile, a region and an endpoint to clients that cannot write without a ticket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_apigateway::config::retry::RetryConfig;
use aws_sdk_apigateway::config::timeout::TimeoutConfig;
use aws_smithy_http_client::{Builder as HttpBuilder, tls};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::ask::{OwnPace, Patience};
use super::credentials::{Renewed, profiles};
use super::endpoint::Endpoint;
use super::error::{AwsError, Problem};
use super::gate::{GuardedHttp, ReadsOnly};
use super::in_process::{InProcess, RangeHandle};
use super::pace::Pace;
use super::world::Heard;
use super::write::Places;
use crate::clock::AccountClock;
use crate::model::identity::{AccountRegion, IN_PROCESS, Identity};
use crate::model::limits::DeployedMethod;
use crate::model::stage::Place;
use crate::model::text::shortened;

/// What to connect to, and how.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// The profile; the SDK's default where `None`.
    pub profile: Option<String>,
    /// The region; the SDK's default where `None`.
    pub region: Option<String>,
    /// Where the calls go.
    pub endpoint: Endpoint,
    /// Wall time that one attempt of a call may take; 4 s where `None`.
    pub attempt_timeout: Option<Duration>,
}

/// Clients for one account and region, how long a plan's calls wait, and the places that a change's writes keep. Cheap
/// to clone.
#[derive(Debug, Clone)]
pub struct Aws(pub(super) Arc<Inner>, pub(super) Option<Arc<Patience>>, pub(super) Option<Arc<Places>>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) gateway: aws_sdk_apigateway::Client,
    pub(super) http_apis: aws_sdk_apigatewayv2::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) metrics: aws_sdk_cloudwatch::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) waf: aws_sdk_wafv2::Client,
    pub(super) pace: Pace,
    pub(super) clock: AccountClock,
    pub(super) region: String,
    pub(super) profile: Option<String>,
    pub(super) endpoint: Option<String>,
    /// Where the calls go, for what is sent past the SDK.
    pub(super) place: Endpoint,
    pub(super) bound: Arc<OnceLock<AccountRegion>>,
    pub(super) heard: Heard,
    pub(super) identity: OnceLock<Identity>,
    /// What deployments hold, by API and id: a snapshot never changes, so that each is read once.
    pub(super) deployed: Mutex<HashMap<(String, String), Vec<DeployedMethod>>>,
}

/// Account and credentials that a range accepts.
const RANGE_KEY: (&str, &str) = ("AKIARANGE00000000000", "range");

impl Aws {
    /// Loads configuration and builds the clients. Reads files and the environment; makes no call to AWS.
    ///
    /// # Errors
    /// When no region is configured anywhere, or a profile was named that there is not.
    // Long: one client after another, each with its own settings.
    pub async fn connect(connection: &Connection) -> Result<Self, AwsError> {
        let clock = match &connection.endpoint {
            Endpoint::Range(handle) => AccountClock::new(handle.now(), handle.rate()),
            _ => AccountClock::system(),
        };
        known(connection)?;
        let plain = plain_http(connection);
        let config = load(connection, &plain).await;
        let Some(region) = config.region().map(ToString::to_string) else {
            let problem = Problem::Unset("no region is set; pass --region or set AWS_REGION".to_owned());
            return Err(AwsError::new("connect", "the account", problem));
        };
        let bound = Arc::new(OnceLock::new());
        let heard = Heard::default();
        let guarded = GuardedHttp::new(plain, clock.clone(), Arc::clone(&bound), heard.clone());
        let endpoint = endpoint_label(connection, &config);
        let config =
            config.into_builder().http_client(guarded).disable_clock_skew_correction(endpoint.is_some()).build();
        let inner = Inner {
            gateway: aws_sdk_apigateway::Client::from_conf(
                aws_sdk_apigateway::config::Builder::from(&config)
                    .interceptor(ReadsOnly)
                    .retry_classifier(OwnPace)
                    .build(),
            ),
            http_apis: aws_sdk_apigatewayv2::Client::from_conf(
                aws_sdk_apigatewayv2::config::Builder::from(&config)
                    .interceptor(ReadsOnly)
                    .retry_classifier(OwnPace)
                    .build(),
            ),
            logs: aws_sdk_cloudwatchlogs::Client::from_conf(
                aws_sdk_cloudwatchlogs::config::Builder::from(&config)
                    .interceptor(ReadsOnly)
                    .retry_classifier(OwnPace)
                    .build(),
            ),
            metrics: aws_sdk_cloudwatch::Client::from_conf(
                aws_sdk_cloudwatch::config::Builder::from(&config)
                    .interceptor(ReadsOnly)
                    .retry_classifier(OwnPace)
                    .build(),
            ),
            sts: aws_sdk_sts::Client::from_conf(
                aws_sdk_sts::config::Builder::from(&config).interceptor(ReadsOnly).retry_classifier(OwnPace).build(),
            ),
            waf: aws_sdk_wafv2::Client::from_conf(
                aws_sdk_wafv2::config::Builder::from(&config).interceptor(ReadsOnly).retry_classifier(OwnPace).build(),
            ),
            pace: Pace::new(clock.clone()),
            clock,
            region,
            profile: connection.profile.clone(),
            endpoint,
            place: connection.endpoint.clone(),
            bound,
            heard,
            identity: OnceLock::new(),
            deployed: Mutex::default(),
        };
        Ok(Self(Arc::new(inner), None, None))
    }

    /// Account time.
    #[must_use]
    pub fn clock(&self) -> &AccountClock {
        &self.0.clock
    }

    /// The region connected to.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.0.region
    }

    /// The profile connected with, where one was named.
    #[must_use]
    pub fn profile(&self) -> Option<&str> {
        self.0.profile.as_deref()
    }

    /// Profile and region, as stages name them.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { profile: self.0.profile.clone(), region: Some(self.0.region.clone()) }
    }

    /// The overridden endpoint, where one is in force.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }
}

/// Refuses a profile that there is not: nothing else may take its place.
fn known(connection: &Connection) -> Result<(), AwsError> {
    let Some(profile) = connection.profile.as_deref().filter(|_| !matches!(connection.endpoint, Endpoint::Range(_)))
    else {
        return Ok(());
    };
    let all = profiles();
    if all.iter().any(|known| known == profile) {
        return Ok(());
    }
    let has = if all.is_empty() { "none".to_owned() } else { shortened(&all.join(", "), 200) };
    let problem = Problem::Unset(format!(
        "there is no profile “{}” in the AWS configuration and credentials files, which name {has}. Check --profile and AWS_CONFIG_FILE",
        shortened(profile, 60)
    ));
    Err(AwsError::new("connect", "the account", problem))
}

fn plain_http(connection: &Connection) -> SharedHttpClient {
    match &connection.endpoint {
        Endpoint::Range(handle) => SharedHttpClient::new(InProcess(handle.clone())),
        // Loading the system's certificates costs more than the first calls to a plain endpoint.
        Endpoint::Url(url) if url.starts_with("http://") => HttpBuilder::new().build_http(),
        _ => HttpBuilder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build_https(),
    }
}

async fn load(connection: &Connection, plain: &SharedHttpClient) -> SdkConfig {
    let attempt = connection.attempt_timeout.unwrap_or(Duration::from_secs(4));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(attempt.min(Duration::from_secs(3)))
        .operation_attempt_timeout(attempt)
        .operation_timeout(attempt * 3)
        .build();
    // Credential providers get the plain client: what they call (STS, SSO, the instance's own service) changes nothing.
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(plain.clone())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3));
    let region = connection.region.clone().map(Region::new);
    if let Some(profile) = &connection.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &region {
        loader = loader.region(region.clone());
    }
    if !matches!(connection.endpoint, Endpoint::Range(_)) {
        let profile = connection.profile.clone();
        loader = loader.credentials_provider(Renewed { profile, region, http: plain.clone() });
    }
    match &connection.endpoint {
        Endpoint::Configured => {}
        Endpoint::Url(url) => loader = loader.endpoint_url(url),
        Endpoint::Range(handle) => {
            let (account_region, credentials) = range_defaults(handle);
            loader = loader
                .empty_test_environment()
                .region(Region::new(connection.region.clone().unwrap_or(account_region)))
                .credentials_provider(credentials)
                .endpoint_url("http://range.invalid");
        }
    }
    loader.load().await
}

fn range_defaults(handle: &RangeHandle) -> (String, aws_credential_types::Credentials) {
    let region = handle.with(|range| range.account().region.clone());
    (region, aws_credential_types::Credentials::new(RANGE_KEY.0, RANGE_KEY.1, None, None, "range"))
}

/// The endpoint as it is shown wherever the account is, where it is not AWS's own.
fn endpoint_label(connection: &Connection, config: &SdkConfig) -> Option<String> {
    match &connection.endpoint {
        Endpoint::Range(_) => Some(IN_PROCESS.to_owned()),
        Endpoint::Url(url) => Some(url.clone()),
        Endpoint::Configured => config.endpoint_url().map(str::to_owned).or_else(service_override),
    }
}

/// An endpoint overridden for one service only is just as worth showing.
fn service_override() -> Option<String> {
    const SERVICES: [&str; 6] = ["API_GATEWAY", "APIGATEWAYV2", "CLOUDWATCH", "CLOUDWATCH_LOGS", "STS", "WAFV2"];
    let names = SERVICES.iter().map(|service| format!("AWS_ENDPOINT_URL_{service}"));
    let ignored = std::env::var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_ok_and(|v| v.eq_ignore_ascii_case("true"));
    if ignored { None } else { names.filter_map(|name| std::env::var(name).ok()).find(|url| !url.is_empty()) }
}
