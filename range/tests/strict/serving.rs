//! The range on a socket.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portcullis_range::{Fault, RATE_HEADER, Range, RangeClock, When, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{ACCOUNT, REGION};

const GET: &[u8] = b"GET /account HTTP/1.1\r\nhost: x\r\n\r\n";

struct Server {
    range: Arc<Mutex<Range>>,
    clock: Arc<Mutex<RangeClock>>,
    address: std::net::SocketAddr,
}

async fn server() -> Server {
    let range = Range::empty(ACCOUNT, REGION, chrono::DateTime::UNIX_EPOCH);
    let clock = Arc::new(Mutex::new(RangeClock::new(range.start(), Instant::now(), 20.0)));
    let range = Arc::new(Mutex::new(range));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, Arc::clone(&range), Arc::clone(&clock)));
    Server { range, clock, address }
}

/// Reads one whole answer: head, and as much body as its length says.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        let mut byte = [0];
        if stream.read_exact(&mut byte).await.is_err() {
            break;
        }
        text.push(byte[0]);
        if text.ends_with(b"\r\n\r\n") {
            let head = String::from_utf8(text.clone()).unwrap().to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            stream.read_exact(&mut body).await.unwrap();
            text.extend(body);
            break;
        }
    }
    String::from_utf8(text).unwrap()
}

/// A connection serves several requests, each with account time and the clock's rate.
#[tokio::test]
async fn connections_are_kept_alive() {
    let server = server().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for rate in [20.0, 1.0] {
        server.clock.lock().unwrap().set_rate(Instant::now(), rate);
        stream.write_all(GET).await.unwrap();
        let text = answer(&mut stream).await;
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        assert!(text.contains(&format!("{RATE_HEADER}: {rate}\r\n")), "{text}");
        assert_eq!(text.to_lowercase().matches("\r\ndate: ").count(), 1, "one date, and it is account time");
        assert!(text.contains("1970 00:00:"), "{text}");
    }
}

#[tokio::test]
async fn a_reset_drops_the_connection_and_a_cut_answer_is_short() {
    let server = server().await;
    server.range.lock().unwrap().faults().add("*", "*", When::Nth(1), Fault::Reset);
    server.range.lock().unwrap().faults().add("*", "*", When::Nth(2), Fault::Truncate);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(GET).await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(GET).await.unwrap();
    let _ = stream.read_to_end(&mut rest).await;
    let text = String::from_utf8(rest).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let promised: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    assert!(body.len() < promised, "{} of {promised}", body.len());
}

/// A hang keeps its connection open and silent, and holds up nobody else.
#[tokio::test]
async fn a_hang_holds_up_nobody_else() {
    let server = server().await;
    server.range.lock().unwrap().faults().add("*", "*", When::Nth(1), Fault::Hang);
    let mut hung = TcpStream::connect(server.address).await.unwrap();
    hung.write_all(GET).await.unwrap();
    // The fault is the first call's; the other may come only after it was taken.
    while server.range.lock().unwrap().calls().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut other = TcpStream::connect(server.address).await.unwrap();
    other.write_all(GET).await.unwrap();
    assert!(answer(&mut other).await.starts_with("HTTP/1.1 200"));
    let mut byte = [0];
    let silent = tokio::time::timeout(Duration::ZERO, hung.read(&mut byte)).await;
    assert!(silent.is_err(), "the hung connection was answered or closed");
}
