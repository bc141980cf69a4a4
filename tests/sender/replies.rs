//! What came back: whole, too long, too slow, broken.

use std::io;
use std::time::Duration;

use ringback::core::delivery::Control;
use ringback::dispatch::sender::{Answer, Call, Failure, RetryAfter, Sender};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::sink::{Sink, read_request};
use crate::{HOME, OK, answer, answering, call, client, developing, failure};

async fn once(reply: &'static str) -> Answer {
    let sink = answering(HOME, reply).await;
    answer(client(developing()).send(call(sink.address)).await)
}

#[tokio::test]
async fn sends_the_request_as_it_was_signed_and_hands_the_reply_back() {
    let sink = answering(HOME, OK).await;
    let attempted = client(developing()).send(call(sink.address)).await;
    assert_eq!((attempted.remote, attempted.reused), (Some(sink.address), false));
    assert!(attempted.timing.total_us > 0);
    let answer = answer(attempted);
    assert_eq!(
        (answer.status, &answer.body[..], answer.truncated),
        (200, &b"ok"[..], false)
    );
    let request = sink.requests().remove(0);
    assert!(request.starts_with("POST /hook?k=1 HTTP/1.1\r\n"), "{request}");
    assert!(
        request.contains(&format!("\r\nhost: {}\r\n", sink.address)),
        "{request}"
    );
    assert!(request.contains("\r\nwebhook-id: msg_1\r\n") && request.contains("\r\ncontent-length: 27\r\n"));
    assert!(
        request.ends_with("\r\n\r\n{\"type\":\"message.received\"}"),
        "{request}"
    );
}

#[tokio::test]
async fn reports_what_the_receiver_asks_for() {
    let busy = once("HTTP/1.1 503 Busy\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(
        (busy.status, busy.retry_after),
        (503, Some(RetryAfter::Seconds(120)))
    );
    let dated =
        once("HTTP/1.1 429 Slow\r\nretry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 0\r\n\r\n")
            .await;
    assert_eq!(dated.retry_after, Some(RetryAfter::At(784_111_777)));
    assert_eq!(dated.retry_after.unwrap().delay_s(784_111_700), 77);
    let gone = once("HTTP/1.1 410 Gone\r\nwebhook-delivery: disable\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!((gone.status, gone.control), (410, Some(Control::Disable)));
}

#[tokio::test]
async fn does_not_follow_a_redirect_but_says_where_it_led() {
    let elsewhere = answering(HOME, OK).await;
    let reply = format!(
        "HTTP/1.1 302 Found\r\nlocation: http://{}/latest/meta-data\r\ncontent-length: 0\r\n\r\n",
        elsewhere.address
    );
    let redirect = once(reply.leak()).await;
    assert_eq!(redirect.status, 302);
    assert_eq!(
        redirect.location.unwrap(),
        format!("http://{}/latest/meta-data", elsewhere.address)
    );
    assert_eq!(elsewhere.accepted(), 0);
}

#[tokio::test]
async fn a_relative_redirect_is_told_as_the_url_to_use() {
    let sink = answering(
        HOME,
        "HTTP/1.1 308 Moved\r\nlocation: ../new?x=1\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let redirect = answer(client(developing()).send(call(sink.address)).await);
    assert_eq!(
        redirect.location.unwrap(),
        format!("http://{}/new?x=1", sink.address)
    );
}

#[tokio::test]
async fn headers_are_kept_without_secrets_and_not_without_end() {
    let reply = "HTTP/1.1 200 OK\r\nserver: it\r\nset-cookie: id=s3cret\r\nx-api-key: s3cret\r\n\
        x-csrf-token: s3cret\r\nx-trace: 1\r\nx-trace: 2\r\ncontent-length: 0\r\n\r\n";
    let kept = once(reply).await.headers;
    let kept: Vec<_> = kept
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let expected = [
        ("server", "it"),
        ("x-trace", "1"),
        ("x-trace", "2"),
        ("content-length", "0"),
    ];
    assert_eq!(kept, expected);
    let long: String = (0..50)
        .map(|n| format!("x-{n}: {}\r\n", "y".repeat(200)))
        .collect();
    let kept = once(format!("HTTP/1.1 200 OK\r\n{long}content-length: 0\r\n\r\n").leak())
        .await
        .headers;
    let bytes: usize = kept.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!((3800..=4096).contains(&bytes), "{bytes} bytes");
}

#[tokio::test]
async fn each_part_is_timed_and_a_kept_connection_has_no_connecting() {
    let sink = Sink::start(HOME, |_, mut stream| async move {
        while read_request(&mut stream).await.is_some() {
            tokio::time::sleep(Duration::from_millis(30)).await;
            stream.write_all(OK.as_bytes()).await.ok();
        }
    })
    .await;
    let client = client(developing());
    for is_first in [true, false] {
        let attempted = client.send(call(sink.address)).await;
        let timing = attempted.timing;
        assert_eq!(
            (timing.dns_us, timing.tls_us),
            (None, None),
            "an address, and no TLS"
        );
        assert_eq!(
            (timing.connect_us.is_some(), attempted.reused),
            (is_first, !is_first)
        );
        let first_byte_us = timing.first_byte_us.unwrap();
        let known_us = timing.connect_us.unwrap_or(0) + first_byte_us;
        assert!(
            first_byte_us >= 30_000 && known_us <= timing.total_us,
            "{timing:?}"
        );
    }
}

#[tokio::test]
async fn a_part_that_was_cut_off_is_timed_and_those_after_it_are_absent() {
    let sink = Sink::start(HOME, |_, mut stream| async move {
        read_request(&mut stream).await;
        read_request(&mut stream).await;
    })
    .await;
    let short = Call {
        timeout_ms: 100,
        ..call(sink.address)
    };
    let timing = client(developing()).send(short).await.timing;
    assert!(timing.first_byte_us.unwrap() > 80_000, "{timing:?}");
    let refused = client(developing())
        .send(call(([127, 0, 0, 8], 9).into()))
        .await
        .timing;
    assert!(
        refused.connect_us.is_some() && refused.first_byte_us.is_none(),
        "{refused:?}"
    );
}

#[tokio::test]
async fn reads_an_endless_body_to_the_cap_and_hangs_up() {
    let sink = Sink::start(HOME, |_, mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 500 Oops\r\n\r\n").await.ok();
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    let client = client(developing());
    let first = answer(client.send(call(sink.address)).await);
    assert_eq!(
        (first.status, first.body.len(), first.truncated),
        (500, 16 * 1024, true)
    );
    sink.finished(1).await;
    assert!(!client.send(call(sink.address)).await.reused);
}

#[tokio::test]
async fn a_body_of_exactly_the_cap_is_whole() {
    let reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 16384\r\n\r\n{}",
        "x".repeat(16 * 1024)
    );
    let whole = once(reply.leak()).await;
    assert_eq!((whole.body.len(), whole.truncated), (16 * 1024, false));
}

#[tokio::test]
async fn a_dripping_body_meets_the_total_deadline() {
    let sink = Sink::start(HOME, |_, mut stream| async move {
        read_request(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n")
            .await
            .ok();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let attempted = client(developing())
        .send(Call {
            timeout_ms: 300,
            ..call(sink.address)
        })
        .await;
    assert!(
        (300_000..2_000_000).contains(&attempted.timing.total_us),
        "{}",
        attempted.timing.total_us
    );
    assert_eq!(attempted.remote, Some(sink.address));
    assert_eq!(failure(attempted), Failure::BodyTooSlow { status: 200 });
    sink.finished(1).await;
}

#[tokio::test]
async fn a_silent_server_meets_the_total_deadline_and_is_hung_up_on() {
    let sink = Sink::start(HOME, |_, mut stream| async move {
        read_request(&mut stream).await;
        read_request(&mut stream).await;
    })
    .await;
    let attempted = client(developing())
        .send(Call {
            timeout_ms: 200,
            ..call(sink.address)
        })
        .await;
    assert_eq!(failure(attempted), Failure::Timeout);
    sink.finished(1).await;
}

#[tokio::test]
async fn tells_a_broken_reply_from_an_unsound_one() {
    let close_after = |reply: &'static str| async move {
        let sink = Sink::start(HOME, move |_, mut stream| async move {
            read_request(&mut stream).await;
            stream.write_all(reply.as_bytes()).await.ok();
        })
        .await;
        failure(client(developing()).send(call(sink.address)).await)
    };
    assert_eq!(close_after("").await, Failure::Reset);
    assert_eq!(close_after("HTTP/1.1 200 OK\r\ncontent-le").await, Failure::Reset);
    assert_eq!(
        close_after("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await,
        Failure::Reset
    );
    assert_eq!(
        close_after("SSH-2.0-OpenSSH_9.7\r\n\r\n").await.name(),
        "protocol"
    );
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(65));
    assert_eq!(close_after(many.leak()).await.name(), "protocol");
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(200_000));
    assert_eq!(close_after(long.leak()).await.name(), "protocol");
}

#[tokio::test]
async fn a_reset_is_named_a_reset() {
    let sink = Sink::start(HOME, |_, mut stream: TcpStream| async move {
        // Closing with unread bytes makes the kernel answer with RST instead of FIN.
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            .await
            .ok();
        stream.readable().await.ok();
    })
    .await;
    assert_eq!(
        failure(client(developing()).send(call(sink.address)).await),
        Failure::Reset
    );
}

#[tokio::test]
async fn a_closed_port_is_a_refused_connection() {
    // Nobody listens on this loopback address.
    let attempted = client(developing()).send(call(([127, 0, 0, 8], 9).into())).await;
    assert_eq!(attempted.remote, None);
    assert_eq!(
        failure(attempted),
        Failure::Connect(io::ErrorKind::ConnectionRefused)
    );
}
