//! Credentials that are looked for anew: what a colleague's sign-in writes into a file is picked up without a restart.
//!
//! The SDK's own chain reads the profile's files once and keeps what it read for as long as the process lives (read off aws-config
//! 1.13). A console that is left open through the night outlives every session token that was in them.

use std::time::{Duration, SystemTime};

use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// How long keys out of a profile's file are kept: a sign-in may replace them at any moment, and to read a file costs nothing.
const KEPT: Duration = Duration::from_secs(20);

/// The SDK's default chain, made anew each time it is asked.
#[derive(Debug, Clone)]
pub(super) struct Renewed {
    pub(super) profile: Option<String>,
    pub(super) region: Option<Region>,
    pub(super) http: SharedHttpClient,
}

impl Renewed {
    async fn look(&self) -> Result {
        let config = ProviderConfig::default().with_region(self.region.clone()).with_http_client(self.http.clone());
        let mut chain = DefaultCredentialsChain::builder().configure(config);
        if let Some(profile) = &self.profile {
            chain = chain.profile_name(profile);
        }
        if let Some(region) = &self.region {
            chain = chain.region(region.clone());
        }
        chain.build().await.provide_credentials().await.map(short_lived)
    }
}

impl ProvideCredentials for Renewed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.look())
    }
}

/// The same, to be looked for again soon where they stand in a file. Of a process or a service that does not say for how long they are
/// good the SDK asks every quarter of an hour, and so does this: it may ask a person in turn.
fn short_lived(mut found: Credentials) -> Credentials {
    let came_by = found.get_property::<Vec<AwsCredentialFeature>>();
    let out_of_a_file = came_by.is_some_and(|by| matches!(by.as_slice(), [AwsCredentialFeature::CredentialsProfile]));
    if out_of_a_file && found.expiry().is_none() {
        *found.expiry_mut() = Some(SystemTime::now() + KEPT);
    }
    found
}
