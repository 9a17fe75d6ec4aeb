//! Requests as callers send them: unsigned, over a connection of their own, to a stage's address or to a service that
//! says from which address we come. Only `GET`, so that nothing here can change anything.

use std::net::IpAddr;
use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

use super::in_process::InProcess;
use super::{Aws, AwsError, Endpoint, Problem};
use crate::model::probe::{Probe, ProbeAnswer};
use crate::model::text::shortened;

/// How much of a body is kept, characters.
const BODY: usize = 2_000;
/// Wall time for a probe, connecting included.
const PATIENCE: Duration = Duration::from_secs(4);

impl Aws {
    /// Where callers reach a stage: AWS's own address of it, or the path that ranges and emulators share.
    #[must_use]
    pub fn invoke_url(&self, api_id: &str, stage: &str, path: &str) -> String {
        let path = path.trim_start_matches('/');
        if let Some(base) = self.overridden() {
            return format!("{base}/restapis/{api_id}/{stage}/_user_request_/{path}");
        }
        let suffix = if self.region().starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://{api_id}.execute-api.{}.{suffix}/{stage}/{path}", self.region())
    }

    /// The URL that takes AWS's place.
    fn overridden(&self) -> Option<String> {
        match &self.0.place {
            Endpoint::Range(_) => Some("http://range.invalid".to_owned()),
            Endpoint::Url(url) => Some(url.trim_end_matches('/').to_owned()),
            Endpoint::Configured => self.0.endpoint.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
        }
    }

    /// Address services to ask where none are configured: AWS's own, which knows IPv4 only; a range answers for itself.
    #[must_use]
    pub fn address_services(&self) -> Vec<String> {
        vec![
            self.overridden()
                .map_or_else(|| "https://checkip.amazonaws.com/".to_owned(), |base| format!("{base}/checkip")),
        ]
    }

    /// Sends a probe over a fresh connection.
    ///
    /// # Errors
    /// Where no answer came: nothing is told then.
    pub async fn probe(&self, probe: &Probe) -> Result<ProbeAnswer, AwsError> {
        let failed = |problem: Problem| AwsError::new("a probe", &probe.shown(), problem);
        let mut request = HttpRequest::get(probe.url.as_str()).map_err(|e| failed(Problem::Unset(e.to_string())))?;
        let usual = [("user-agent", concat!("portcullis/", env!("CARGO_PKG_VERSION"))), ("cache-control", "no-cache")];
        let own = probe.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in usual.into_iter().chain(own) {
            let set = request.headers_mut().try_insert(name.to_owned(), value.to_owned());
            set.map_err(|e| failed(Problem::Unset(format!("header {name}: {e}"))))?;
        }
        let answer = tokio::time::timeout(PATIENCE, self.answer(request)).await;
        let (status, body) = answer
            .map_err(|_| failed(Problem::TimedOut(format!("{} s", PATIENCE.as_secs()))))?
            .map_err(|why| failed(Problem::Unreachable(shortened(&why, 200))))?;
        Ok(ProbeAnswer { status, body: String::from_utf8_lossy(&body).chars().take(BODY).collect() })
    }

    async fn answer(&self, request: HttpRequest) -> Result<(u16, Vec<u8>), String> {
        let connector = self.fresh_connector(request.uri().starts_with("http://"));
        let response = connector.call(request).await.map_err(|error| deepest(&error))?;
        let status = response.status().as_u16();
        let body = std::mem::replace(&mut response.into_body(), SdkBody::taken());
        let bytes = http_body_util::BodyExt::collect(body).await.map_err(|error| error.to_string())?;
        Ok((status, bytes.to_bytes().to_vec()))
    }

    fn fresh_connector(&self, plain: bool) -> SharedHttpConnector {
        if let Endpoint::Range(handle) = &self.0.place {
            return SharedHttpConnector::new(InProcess(handle.clone()));
        }
        let settings = HttpConnectorSettings::builder().connect_timeout(PATIENCE).read_timeout(PATIENCE).build();
        let builder = Connector::builder().connector_settings(settings).sleep_impl(TokioSleep::new());
        SharedHttpConnector::new(if plain {
            builder.build_http()
        } else {
            builder.tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc)).build()
        })
    }

    /// The address from which a service on the Internet sees us: the whole body is the address.
    ///
    /// # Errors
    /// Where the service does not answer, or not with an address.
    pub async fn own_address(&self, service: &str) -> Result<IpAddr, AwsError> {
        let answer = self.probe(&Probe { url: service.to_owned(), headers: Vec::new() }).await?;
        answer.body.trim().parse().map_err(|_| {
            let said = shortened(answer.body.trim(), 60);
            AwsError::new("an address service", service, Problem::Unreadable(format!("HTTP {}: {said}", answer.status)))
        })
    }
}

fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
