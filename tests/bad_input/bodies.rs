//! Bodies that never end, are too large, break off or come in a form that nobody asked for.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::refusal::{Holdings, assert_refused, refusal};
use crate::support::client::{Call, Reply, exchange, exchange_cut, read};
use crate::support::gateway::Gateway;
use crate::support::within;

const CREATE: &str = "/api/verifications";

/// A head for `POST path` with the key and this framing.
fn head(gateway: &Gateway, path: &str, framing: &str) -> String {
    let key = &gateway.key;
    format!(
        "POST {path} HTTP/1.1\r\nhost: gw\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n{framing}\r\n\r\n"
    )
}

async fn small() -> Gateway {
    Gateway::start_with(toml::toml! {
        server = { body_bytes_max = 4096, carrier_body_bytes_max = 2048, body_read_ms = 700, header_read_ms = 700 }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_is_refused_announced_or_counted() {
    let gateway = small().await;
    let held = Holdings::of(&gateway);
    for (path, limit) in [(CREATE, "4096"), ("/inbound/telnyx", "2048")] {
        let announced = head(&gateway, path, "content-length: 1000000000000");
        let whole = [
            head(&gateway, path, "content-length: 5000").into_bytes(),
            vec![b' '; 5000],
        ]
        .concat();
        let chunks = format!("400\r\n{}\r\n", " ".repeat(1024)).repeat(8);
        let chunked = head(&gateway, path, "transfer-encoding: chunked") + &chunks;
        for (what, bytes) in [
            ("announced", announced.into_bytes()),
            ("whole", whole),
            ("chunked", chunked.into_bytes()),
        ] {
            let reply = exchange(gateway.address, &bytes).await.expect("an answer");
            assert_refused(
                &format!("{path} {what}"),
                &reply,
                refusal(413, "payload-too-large", "Send at most"),
            );
            assert_eq!(reply.json()["limit_bytes"].to_string(), limit);
            assert_eq!(reply.header("connection"), Some("close"));
            held.assert_untouched(&gateway, what).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_for_ever_are_cut_by_the_time_limit() {
    let gateway = small().await;
    let held = Holdings::of(&gateway);
    for path in [CREATE, "/inbound/telnyx"] {
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        let head = head(&gateway, path, "transfer-encoding: chunked");
        socket.write_all(head.as_bytes()).await.unwrap();
        let (mut reading, mut writing) = socket.into_split();
        let trickle = tokio::spawn(async move {
            // Ends when the gateway hangs up.
            while writing.write_all(b"1\r\n \r\n").await.is_ok() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        });
        let reply = read_half(&mut reading).await;
        assert_refused(path, &reply, refusal(408, "request-timeout", "too slowly"));
        within("the end of the trickle", trickle).await.unwrap();
        held.assert_untouched(&gateway, path).await;
    }
}

async fn read_half(reading: &mut tokio::net::tcp::OwnedReadHalf) -> Reply {
    use tokio::io::AsyncReadExt;
    let mut bytes = Vec::new();
    within("an answer", reading.read_to_end(&mut bytes))
        .await
        .expect("an answer");
    crate::support::client::parse(&bytes).expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_off_stores_nothing() {
    let gateway = small().await;
    let held = Holdings::of(&gateway);
    let body = r#"{"serviceName":"google"}"#;
    let cut = [
        (
            "in the body",
            format!("{}{}", head(&gateway, CREATE, "content-length: 24"), &body[..10]),
        ),
        (
            "in a chunk",
            format!(
                "{}18\r\n{}",
                head(&gateway, CREATE, "transfer-encoding: chunked"),
                &body[..10]
            ),
        ),
        (
            "before the last chunk",
            format!(
                "{}18\r\n{body}\r\n",
                head(&gateway, CREATE, "transfer-encoding: chunked")
            ),
        ),
        (
            "in the head",
            "POST /api/verifications HTTP/1.1\r\nhost: g".to_owned(),
        ),
        (
            "in a carrier's body",
            format!("{}{{", head(&gateway, "/inbound/telnyx", "content-length: 100")),
        ),
    ];
    for (what, bytes) in &cut {
        if let Some(reply) = exchange_cut(gateway.address, bytes.as_bytes()).await {
            assert!(matches!(reply.status, 400 | 408), "{what}: {}", reply.text());
        }
        held.assert_untouched(&gateway, what).await;
    }
    // The same bytes from a client that does not hang up, but sends no more.
    for (what, bytes) in &cut[..3] {
        let reply = exchange(gateway.address, bytes.as_bytes())
            .await
            .expect("an answer");
        assert_refused(what, &reply, refusal(408, "request-timeout", "too slowly"));
        held.assert_untouched(&gateway, what).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_lengths_or_broken_chunks_are_no_request() {
    let gateway = small().await;
    let held = Holdings::of(&gateway);
    let body = r#"{"serviceName":"google"}"#;
    for framing in [
        "content-length: 24\r\ncontent-length: 24",
        "content-length: 24\r\ncontent-length: 2",
        "content-length: 24\r\ntransfer-encoding: chunked",
        "content-length: -1",
        "content-length: 0x18",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked, chunked",
    ] {
        let bytes = head(&gateway, CREATE, framing) + body;
        let reply = exchange_cut(gateway.address, bytes.as_bytes())
            .await
            .expect("an answer");
        assert_eq!(reply.status, 400, "{framing}: {}", reply.text());
        held.assert_untouched(&gateway, framing).await;
    }
    let chunks = head(&gateway, CREATE, "transfer-encoding: chunked") + "zz\r\n" + body;
    let reply = exchange_cut(gateway.address, chunks.as_bytes())
        .await
        .expect("an answer");
    assert_eq!(reply.status, 400);
    held.assert_untouched(&gateway, "broken chunks").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_another_kind_is_refused() {
    let gateway = small().await;
    let held = Holdings::of(&gateway);
    let body = r#"{"serviceName":"google"}"#;
    let post = || Call::new("POST", CREATE).key(&gateway.key).body(body);
    for (what, call) in [
        ("no type", post()),
        ("text", post().header("content-type", "text/plain")),
        (
            "form",
            post().header("content-type", "application/x-www-form-urlencoded"),
        ),
        ("nearly JSON", post().header("content-type", "application/jsonx")),
    ] {
        let reply = call.send(gateway.address).await;
        assert_refused(
            what,
            &reply,
            refusal(415, "unsupported-media-type", "Content-Type: application/json"),
        );
        held.assert_untouched(&gateway, what).await;
    }
    for encoding in ["gzip", "deflate", "br", "identity, gzip"] {
        let json = post()
            .header("content-type", "application/json")
            .header("content-encoding", encoding);
        let reply = json.send(gateway.address).await;
        assert_refused(
            encoding,
            &reply,
            refusal(415, "unsupported-media-type", "Content-Encoding"),
        );
        let inbound = Call::new("POST", "/inbound/telnyx")
            .header("content-encoding", encoding)
            .body("x");
        assert_refused(
            encoding,
            &inbound.send(gateway.address).await,
            refusal(415, "unsupported-media-type", "Content-Encoding"),
        );
        held.assert_untouched(&gateway, encoding).await;
    }
    let fine = post().header("content-type", "application/json; charset=utf-8");
    assert_eq!(fine.send(gateway.address).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_never_ends_is_closed() {
    let gateway = small().await;
    let held = Holdings::of(&gateway);
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    socket
        .write_all(b"GET /api/verifications HTTP/1.1\r\nhost: gw\r\nx-a: ")
        .await
        .unwrap();
    let reply = read(&mut socket).await;
    assert!(
        reply.is_none_or(|reply| reply.status == 408),
        "closed, with a 408 or without a word"
    );
    held.assert_untouched(&gateway, "a slow head").await;
}
