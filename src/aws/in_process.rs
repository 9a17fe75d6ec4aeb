//! The range as an HTTP client: a drill's SDK calls end here instead of on a socket.
//!
//! The seam is the wire: what goes in is the signed request that AWS would have got, what comes out is the answer's
//! bytes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use portcullis_range::{Range, RangeClock, Reply};

/// A range with its clock, shared by everybody who looks at it. Cheap to clone.
#[derive(Clone)]
pub struct RangeHandle {
    range: Arc<Mutex<Range>>,
    clock: Arc<Mutex<RangeClock>>,
    rewrite: Arc<Mutex<Option<Rewrite>>>,
}

/// What becomes of an answer on its way.
type Rewrite = Box<dyn FnMut(http::Response<Bytes>) -> http::Response<Bytes> + Send>;

impl RangeHandle {
    /// `range`, whose account time runs at `rate` account seconds per wall second from now on.
    #[must_use]
    pub fn new(mut range: Range, rate: f64) -> Self {
        range.set_rate(rate);
        let clock = RangeClock::new(range.start(), wall(), rate);
        let rewrite = Arc::new(Mutex::new(None));
        Self { range: Arc::new(Mutex::new(range)), clock: Arc::new(Mutex::new(clock)), rewrite }
    }

    /// Lets `rewrite` change every answer before the SDK sees it: for tests of what a damaged one does.
    pub fn rewrite_answers(
        &self,
        rewrite: impl FnMut(http::Response<Bytes>) -> http::Response<Bytes> + Send + 'static,
    ) {
        *self.rewrite.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(rewrite));
    }

    /// Changes how fast account time runs; it never jumps.
    pub fn set_rate(&self, rate: f64) {
        self.with_clock(|clock| clock.set_rate(wall(), rate));
        self.with(|range| range.set_rate(rate));
    }

    /// Account seconds per wall second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.with_clock(|clock| clock.rate())
    }

    /// Account time now, UTC.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.with_clock(|clock| clock.now(wall()))
    }

    /// Does something to the range: for tests and for reading its truth.
    pub fn with<T>(&self, f: impl FnOnce(&mut Range) -> T) -> T {
        f(&mut self.range.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The range itself, to be served on a port.
    #[must_use]
    pub fn parts(&self) -> (Arc<Mutex<Range>>, Arc<Mutex<RangeClock>>) {
        (Arc::clone(&self.range), Arc::clone(&self.clock))
    }

    fn with_clock<T>(&self, f: impl FnOnce(&mut RangeClock) -> T) -> T {
        f(&mut self.clock.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn handle(&self, request: http::Request<Bytes>) -> Reply {
        let now = self.now();
        let reply = self.with(|range| range.handle(request, None, now));
        match (reply, self.rewrite.lock().unwrap_or_else(PoisonError::into_inner).as_mut()) {
            (Reply::Response(answer), Some(rewrite)) => Reply::Response(rewrite(answer)),
            (reply, _) => reply,
        }
    }
}

/// tokio's clock, so that paused time stops the range as well.
fn wall() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}

impl fmt::Debug for RangeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RangeHandle")
    }
}

/// An HTTP client whose every request ends in a range.
#[derive(Debug, Clone)]
pub struct InProcess(pub RangeHandle);

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let handle = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?
                .map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            // A thread of its own: advancing the world must not hold up the screen.
            let reply = tokio::task::spawn_blocking(move || handle.handle(request))
                .await
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            answer(reply).await
        })
    }
}

async fn answer(reply: Reply) -> Result<HttpResponse, ConnectorError> {
    match reply {
        Reply::Response(response) | Reply::Truncated(response) => {
            HttpResponse::try_from(response.map(SdkBody::from)).map_err(|error| ConnectorError::user(error.into()))
        }
        Reply::Hang => std::future::pending().await,
        Reply::Reset => Err(ConnectorError::io("connection reset by the range".into())),
    }
}
