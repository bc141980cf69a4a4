//! HTTP/2 by prior knowledge, and its own limits.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use ringback::http::limits::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::rig::{PATIENCE, Rig};

pub type Client = SendRequest<Full<Bytes>>;

/// A client, and its connection's end.
pub async fn client(rig: &Rig) -> (Client, JoinHandle<hyper::Result<()>>) {
    let io = TokioIo::new(rig.connect().await);
    let (client, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .handshake(io)
        .await
        .unwrap();
    (client, tokio::spawn(connection))
}

pub fn request(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(format!("http://a{path}"))
        .body(Full::new(body.into()))
        .unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn requests_by_prior_knowledge_are_served_with_the_same_limits() {
    let rig = Rig::start(Limits::standard()).await;
    let (mut client, _connection) = client(&rig).await;
    let fine = client.send_request(request("/length", "hello")).await.unwrap();
    assert_eq!((fine.version(), fine.status().as_u16()), (Version::HTTP_2, 200));
    assert_eq!(fine.headers()["x-content-type-options"], "nosniff");
    assert_eq!(text(fine).await, "5");

    let long_url = client
        .send_request(request(&format!("/{}", "x".repeat(8_192)), ""))
        .await
        .unwrap();
    assert_eq!(long_url.status(), 414);
    let mut many = request("/ok", "");
    for n in 0..65 {
        many.headers_mut().insert(
            http::HeaderName::try_from(format!("x-{n}")).unwrap(),
            http::HeaderValue::from_static("y"),
        );
    }
    assert_eq!(client.send_request(many).await.unwrap().status(), 431);
    let large = client
        .send_request(request("/length", vec![b'x'; 2 * 1024 * 1024]))
        .await
        .unwrap();
    assert_eq!(large.status(), 413);
    assert!(large.headers().get("connection").is_none(), "forbidden on HTTP/2");
    let mut encoded = request("/length", "x");
    encoded
        .headers_mut()
        .insert("content-encoding", http::HeaderValue::from_static("gzip"));
    assert_eq!(client.send_request(encoded).await.unwrap().status(), 415);
    let again = client.send_request(request("/ok", "")).await.unwrap();
    assert_eq!(
        text(again).await,
        "ok",
        "one refused stream does not end the others"
    );
}

#[tokio::test]
async fn a_header_list_over_the_limit_never_reaches_a_handler() {
    let rig = Rig::start(Limits::standard()).await;
    let (mut client, _connection) = client(&rig).await;
    let mut large = request("/ok", "");
    large
        .headers_mut()
        .insert("x", http::HeaderValue::try_from("y".repeat(20_000)).unwrap());
    // The client is told the limit too; either side may refuse.
    let refused = client
        .send_request(large)
        .await
        .map(|response| response.status().as_u16());
    assert!(
        refused.is_err() || refused.as_ref().is_ok_and(|status| *status == 431),
        "{refused:?}"
    );
    assert_eq!(rig.doings.begun.load(Ordering::SeqCst), 0);
    assert!(rig.is_healthy().await);
}

#[tokio::test]
async fn requests_over_the_stream_limit_wait_their_turn() {
    let rig = Rig::start(Limits {
        h2_streams_max: 5,
        ..Limits::standard()
    })
    .await;
    let (mut client, _connection) = client(&rig).await;
    // The settings of the server have arrived with the first answer.
    client.send_request(request("/ok", "")).await.unwrap();
    let held: Vec<_> = (0..9)
        .map(|_| tokio::spawn(client.send_request(request("/held", ""))))
        .collect();
    let begun = |count: usize| move |rig: &Rig| rig.doings.begun.load(Ordering::SeqCst) == 1 + count;
    rig.until("five are in work", begun(5)).await;
    // This proves an absence: the sixth does not begin.
    sleep(Duration::from_millis(100)).await;
    assert!(begun(5)(&rig));
    for count in 6..=9 {
        rig.doings.release.notify_one();
        rig.until("the next begins", begun(count)).await;
    }
    for _ in 0..5 {
        rig.doings.release.notify_one();
    }
    for response in held {
        assert_eq!(
            timeout(PATIENCE, response)
                .await
                .unwrap()
                .unwrap()
                .unwrap()
                .status(),
            200
        );
    }
}

/// Opens and resets streams as fast as it can (CVE-2023-44487); how many before the server had enough.
#[tokio::test]
async fn rapid_resets_end_the_connection_and_only_that() {
    let rig = Rig::start(Limits::standard()).await;
    let mut socket = rig.connect().await;
    socket
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    let mut flood = Vec::new();
    for stream in (1..20_000u32).step_by(2) {
        // HEADERS (end of headers and stream): POST, http, /, authority a. Then RST_STREAM (cancel).
        flood.extend_from_slice(&[0, 0, 6, 1, 5]);
        flood.extend_from_slice(&stream.to_be_bytes());
        flood.extend_from_slice(&[0x83, 0x86, 0x84, 0x41, 1, b'a']);
        flood.extend_from_slice(&[0, 0, 4, 3, 0]);
        flood.extend_from_slice(&stream.to_be_bytes());
        flood.extend_from_slice(&[0, 0, 0, 8]);
    }
    let (mut reader, mut writer) = socket.split();
    let _ = writer.write_all(&flood).await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, reader.read_to_end(&mut answer))
        .await
        .expect("the server closes");
    let begun = rig.doings.begun.load(Ordering::SeqCst);
    assert!(begun < 1_000, "{begun} of 10000 requests were begun");
    assert!(rig.is_healthy().await);
}

#[tokio::test]
async fn an_idle_connection_is_told_and_closed_and_a_held_request_is_not() {
    let rig = Rig::start(Limits {
        header_read_ms: 100,
        idle_ms: 300,
        h2_ping_every_ms: 100,
        ..Limits::standard()
    })
    .await;
    let (mut client, connection) = client(&rig).await;
    let held = tokio::spawn(client.send_request(request("/held", "")));
    rig.until("it is held", |rig| rig.doings.begun.load(Ordering::SeqCst) == 1)
        .await;
    // This proves an absence: pings go both ways and nothing closes it.
    sleep(Duration::from_millis(600)).await;
    rig.doings.release.notify_one();
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    let start = Instant::now();
    timeout(PATIENCE, connection)
        .await
        .expect("closed")
        .unwrap()
        .expect("with a goodbye, not a reset");
    assert!(
        start.elapsed() >= Duration::from_millis(250),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_closed() {
    let rig = Rig::start(Limits {
        h2_ping_every_ms: 100,
        h2_ping_wait_ms: 100,
        ..Limits::standard()
    })
    .await;
    let mut socket = rig.connect().await;
    // GET /never held, so that only the ping can find out.
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    bytes.extend_from_slice(&[0, 0, 13, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x41, 1, b'a', 0x44, 6]);
    bytes.extend_from_slice(b"/never");
    socket.write_all(&bytes).await.unwrap();
    rig.until("it is in work", |rig| {
        rig.doings.begun.load(Ordering::SeqCst) == 1
    })
    .await;
    rig.until("it is cut", |rig| rig.connections.open() == 0).await;
    rig.until("it is dropped", |rig| {
        rig.doings.dropped.load(Ordering::SeqCst) == 1
    })
    .await;
}
