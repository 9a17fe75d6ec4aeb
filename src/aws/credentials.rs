//! Credentials that are looked for anew: what a colleague's sign-in writes into a file is picked up without a restart.
//!
//! The SDK's own chain reads the profile's files once and keeps what it read for as long as the process lives (read off
//! aws-config 1.13). A console that is left open through the night outlives every session token that was in them.
//!
//! A profile that was named is the only place that is looked into: it wins over keys in the environment, or it fails,
//! as with the AWS CLI's `--profile` (botocore leaves the environment out where the profile was set explicitly).
//! `AWS_PROFILE` is not that: keys in the environment come before it, there and in the SDK.

use std::time::{Duration, SystemTime};

use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// How long keys out of a profile's file are kept: a sign-in may replace them at any moment, and to read a file costs
/// nothing.
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
        if let Some(profile) = &self.profile {
            let named = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile).build();
            return named.provide_credentials().await.map(short_lived);
        }
        let mut chain = DefaultCredentialsChain::builder().configure(config);
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

/// The same, to be looked for again soon where they stand in a file. Of a process or a service that does not say for
/// how long they are good the SDK asks every quarter of an hour, and so does this: it may ask a person in turn.
fn short_lived(mut found: Credentials) -> Credentials {
    let came_by = found.get_property::<Vec<AwsCredentialFeature>>();
    let out_of_a_file = came_by.is_some_and(|by| matches!(by.as_slice(), [AwsCredentialFeature::CredentialsProfile]));
    if out_of_a_file && found.expiry().is_none() {
        *found.expiry_mut() = Some(SystemTime::now() + KEPT);
    }
    found
}

/// The names of the profiles in the SDK's own files, sorted; empty where there are none, or they cannot be read.
///
/// Only to say what there is, and to tell a profile from the first part of an API's name: what is in a profile is for
/// the SDK to read.
#[must_use]
pub fn profiles() -> Vec<String> {
    let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
    let file = |variable: &str, name: &str| {
        let named = std::env::var_os(variable).filter(|path| !path.is_empty()).map(std::path::PathBuf::from);
        named.or_else(|| Some(home.as_ref()?.join(".aws").join(name)))
    };
    let text = |path: Option<std::path::PathBuf>| path.and_then(|path| std::fs::read_to_string(path).ok());
    let config = text(file("AWS_CONFIG_FILE", "config")).unwrap_or_default();
    let credentials = text(file("AWS_SHARED_CREDENTIALS_FILE", "credentials")).unwrap_or_default();
    let mut found: Vec<String> = sections(&config, true).chain(sections(&credentials, false)).collect();
    found.sort();
    found.dedup();
    found
}

/// The profiles of one file: `[profile NAME]` and `[default]` of the configuration, `[NAME]` of the credentials.
fn sections(text: &str, prefixed: bool) -> impl Iterator<Item = String> {
    text.lines().filter_map(move |line| {
        let name = line.trim().strip_prefix('[')?.split(']').next()?.trim();
        let name = match name.strip_prefix("profile").filter(|rest| rest.starts_with(char::is_whitespace)) {
            Some(name) => name.trim(),
            None if !prefixed || name == "default" => name,
            None => return None,
        };
        Some(name.trim_matches(['"', '\'']).to_owned()).filter(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_named_as_each_file_names_them() {
        let config = "[default]\nregion = eu-central-1\n[profile ops]\n [ profile \"night shift\" ] # on call\n[sso-session s]\n";
        assert_eq!(sections(config, true).collect::<Vec<_>>(), ["default", "ops", "night shift"]);
        assert_eq!(sections("[default]\n[ops]\n[]\n", false).collect::<Vec<_>>(), ["default", "ops"]);
    }
}
