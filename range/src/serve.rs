//! The range on a socket.
//!
//! Requests are short and the range is one, so a lock is held for each answer; nothing is awaited under it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::clock::RangeClock;
use crate::range::{Range, Reply};

/// Bytes of a request's body at most: a web ACL with every rule it can hold is far smaller.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// After an error of `accept` that concerns the process, such as too many open files.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// Serves the range over HTTP/1.1 with keep-alive until the future is dropped.
///
/// Account time is `clock`'s at the moment a request has been read. A hang keeps its connection open and silent; a
/// reset drops it; a truncated answer promises more than it sends and then ends.
pub async fn serve(
    listener: TcpListener,
    range: Arc<Mutex<Range>>,
    clock: Arc<Mutex<RangeClock>>,
) -> std::io::Result<()> {
    // Connections end with this future: they live in the set and not on their own.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, Arc::clone(&range), Arc::clone(&clock)));
                }
                // The peer was gone before we came; the next one may be there.
                Err(error) if is_peers(&error) => {}
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

fn is_peers(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(stream: TcpStream, peer: SocketAddr, range: Arc<Mutex<Range>>, clock: Arc<Mutex<RangeClock>>) {
    // Answers are small and written at once; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request| {
        let (range, clock) = (Arc::clone(&range), Arc::clone(&clock));
        async move { answer(request, peer, &range, &clock).await }
    });
    // An error here is the peer's or a scripted one; either way the connection is over.
    let _ = hyper::server::conn::http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A scripted end of the connection.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped")]
struct Dropped;

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    range: &Mutex<Range>,
    clock: &Mutex<RangeClock>,
) -> Result<Response<Out>, Dropped> {
    let (parts, body) = request.into_parts();
    let Ok(collected) = Limited::new(body, MAX_BODY).collect().await else {
        let mut refused = Response::new(Out::whole(Bytes::new()));
        *refused.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(refused);
    };
    let request = Request::from_parts(parts, collected.to_bytes());
    let reply = {
        let (now, rate) = {
            let clock = clock.lock().unwrap_or_else(PoisonError::into_inner);
            (clock.now(Instant::now()), clock.rate())
        };
        let mut range = range.lock().unwrap_or_else(PoisonError::into_inner);
        range.set_rate(rate);
        range.handle(request, Some(peer.ip()), now)
    };
    match reply {
        Reply::Response(response) => Ok(response.map(Out::whole)),
        Reply::Hang => std::future::pending().await,
        Reply::Reset => Err(Dropped),
        Reply::Truncated(response) => Ok(truncated(response)),
    }
}

/// Half of the body under the whole one's length.
fn truncated(response: Response<Bytes>) -> Response<Out> {
    let (mut parts, body) = response.into_parts();
    let promised = body.len().max(1);
    if let Ok(length) = HeaderValue::from_str(&promised.to_string()) {
        parts.headers.insert(CONTENT_LENGTH, length);
    }
    let half = body.slice(..body.len() / 2);
    Response::from_parts(
        parts,
        Out::Half { steps: vec![Step::Break, Step::Flush, Step::Send(half)], promised: promised as u64 },
    )
}

/// A body that is sent whole, or one that breaks off.
enum Out {
    Whole(Full<Bytes>),
    /// What is still to be done, last first, and the length promised.
    Half {
        steps: Vec<Step>,
        promised: u64,
    },
}

/// A step of a body that breaks off.
enum Step {
    Send(Bytes),
    /// Lets the connection write what it has gathered: an error would throw it away.
    Flush,
    Break,
}

impl Out {
    fn whole(body: Bytes) -> Self {
        Self::Whole(Full::new(body))
    }
}

impl Body for Out {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        match &mut *self {
            Self::Whole(full) => Pin::new(full).poll_frame(context).map_err(|never: Infallible| match never {}),
            Self::Half { steps, .. } => match steps.pop() {
                Some(Step::Send(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Flush) => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                Some(Step::Break) | None => Poll::Ready(Some(Err(Dropped))),
            },
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(full) => full.size_hint(),
            Self::Half { promised, .. } => SizeHint::with_exact(*promised),
        }
    }
}
