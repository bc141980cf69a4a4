//! Requests that two parsers could read in two ways, and bytes that are no requests.
//!
//! What hyper 1.12 does alone: it refuses differing lengths, bad chunk sizes and obs-fold; it takes bare LF, equal
//! lengths, and both framing fields at once. Those are refused by our own layer.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use ringback::http::limits::Limits;
use tokio::io::AsyncWriteExt;

use crate::rig::{Rig, get, post, read_answer, read_to_end, status};

/// Appended to each; if it is answered, the server read the bytes before it as a whole request.
const SMUGGLED: &str = "GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn ambiguous_heads_are_answered_400_and_nothing_after_them_is_served() {
    let rig = Rig::start(Limits::standard()).await;
    for head in [
        post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"),
        post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"),
        post("Content-Length: 3, 3\r\n", "abc"),
        post("Content-Length: +3\r\n", "abc"),
        post("Content-Length: 0x3\r\n", "abc"),
        post("Content-Length: \r\n", ""),
        post("Content-Length : 3\r\n", "abc"),
        post("Content-Length: 99999999999999999999\r\n", "abc"),
        post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"),
        post(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
        ),
        post(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "0\r\n\r\n",
        ),
        post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
        post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
        post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        "POST /length HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        get("/ok", "X: a\r\n b\r\n"),
        get("/ok", "X: a\r\n\tb\r\n"),
        get("/ok", " X: a\r\n"),
        get("/ok", "X: a\nY: b\r\n"),
        get("/ok", "X: a\rY: b\r\n"),
        get("/ok", "X: a\0\r\n"),
        get("/ok", "Host: b\r\n"),
        get("/ok", "X y: b\r\n"),
        "GET /ok HTTP/1.1\nHost: a\n\n".to_owned(),
        "GET /ok HTTP/1.1\r\nHost: a\r\n\n".to_owned(),
        "GET /ok HTTP/1.1\r\n\r\n".to_owned(),
        "GET  /ok HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /ok HTTP/1.2\r\nHost: a\r\n\r\n".to_owned(),
        "GET /ok\r\n\r\n".to_owned(),
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n".to_owned(),
        "\n\nGET /ok HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
    ] {
        let answer = rig.ask(format!("{head}{SMUGGLED}")).await;
        let refused = status(&answer) == 400 || answer.starts_with("HTTP/1.0 400");
        assert!(
            refused && answer.matches(" 400 Bad Request").count() == 1,
            "{head:?}\n{answer}"
        );
        assert!(!answer.contains(" 200 OK"), "{head:?}\n{answer}");
    }
    assert!(rig.is_healthy().await);
}

#[tokio::test]
async fn malformed_chunks_are_answered_400_and_close() {
    let rig = Rig::start(Limits::standard()).await;
    for body in [
        "x\r\n",
        "-1\r\na\r\n",
        "+1\r\na\r\n",
        "0x1\r\na\r\n",
        "1\na\r\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "1\r\na\n0\r\n\r\n",
        "1;x\na\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
        "10000000000000001\r\na\r\n",
        "\r\n",
        "1 1\r\na\r\n0\r\n\r\n",
        "0\r\nA: b\n\r\n",
        "0\r\n\n",
    ] {
        let answer = rig
            .ask(format!(
                "{}{SMUGGLED}",
                post("Transfer-Encoding: chunked\r\n", body)
            ))
            .await;
        assert_eq!(
            (status(&answer), answer.matches("HTTP/1.1 ").count()),
            (400, 1),
            "{body:?}\n{answer}"
        );
        assert!(answer.contains("connection: close"), "{body:?}\n{answer}");
    }
    assert!(rig.is_healthy().await);
}

#[tokio::test]
async fn ordinary_requests_share_a_connection() {
    let rig = Rig::start(Limits::standard()).await;
    let mut socket = rig.connect().await;
    for (request, body) in [
        (get("/ok", ""), "ok"),
        (post("Content-Length: 5\r\n", "\n\n\n\n\n"), "5"),
        (
            post(
                "Transfer-Encoding: chunked\r\n",
                "3;a=b\r\n\n\n\n\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
            ),
            "13",
        ),
        (format!("\r\n{}", get("/ok", "")), "ok"),
        (post("", ""), "0"),
    ] {
        // In two pieces, so that every head is parsed at least twice.
        let (first, second) = request.split_at(request.len() / 2);
        socket.write_all(first.as_bytes()).await.unwrap();
        socket.write_all(second.as_bytes()).await.unwrap();
        let answer = read_answer(&mut socket).await;
        assert!(
            status(&answer) == 200 && answer.ends_with(&format!("\r\n\r\n{body}")),
            "{request:?}\n{answer}"
        );
        assert!(
            answer.contains("cache-control: no-store") && answer.contains("x-content-type-options: nosniff")
        );
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "GET /ok HTTP/1.1\r\n",
        "POST /length HTTP/1.1\r\n",
        "Host: a\r\n",
        "\r\n",
        "\n",
        "\r",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
        "X: y\r\n",
        "Expect: 100-continue\r\n",
        " ",
        "\0",
        "Upgrade: h2c\r\n",
        "PRI * HTTP/2.0\r\n\r\n",
        "SM\r\n\r\n",
        "\0\0\0\x04\0\0\0\0\0",
        "\0\0\x04\x01\x05\0\0\0\x01",
    ]);
    prop_oneof![
        3 => prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..300),
        1 => prop::collection::vec(any::<u8>(), 0..300)
            .prop_map(|frames| [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frames].concat()),
    ]
}

static PANICS: AtomicUsize = AtomicUsize::new(0);

#[test]
fn whatever_bytes_come_nothing_panics_and_the_server_goes_on() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        report(panic);
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let rig = runtime.block_on(Rig::start(Limits {
        header_read_ms: 1_000,
        idle_ms: 1_000,
        linger_ms: 100,
        ..Limits::standard()
    }));
    proptest!(ProptestConfig::with_cases(200), |(bytes in bytes(), cut in any::<prop::sample::Index>())| {
        runtime.block_on(async {
            let mut socket = rig.connect().await;
            let (first, second) = bytes.split_at(cut.index(bytes.len() + 1));
            let _ = socket.write_all(first).await;
            let _ = socket.write_all(second).await;
            let _ = socket.shutdown().await;
            read_to_end(&mut socket).await;
            assert!(rig.is_healthy().await);
        });
        prop_assert_eq!(PANICS.load(Ordering::SeqCst), 0);
    });
}
