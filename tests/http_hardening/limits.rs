//! Sizes and counts at their limits and one beyond.

use std::time::Duration;

use ringback::http::body;
use ringback::http::limits::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::rig::{PATIENCE, Rig, get, post, read_answer, read_to_end, status};

#[tokio::test]
async fn a_body_over_the_limit_is_answered_413_and_the_client_can_read_it() {
    let rig = Rig::start(Limits::standard()).await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let chunked = post(
        "Transfer-Encoding: chunked\r\n",
        &format!("{}0\r\n\r\n", chunk.repeat(32)),
    );
    let counted = post("Content-Length: 2097152\r\n", &"x".repeat(2 * 1024 * 1024));
    for request in [
        chunked,
        counted,
        post("Content-Length: 1048577\r\n", ""),
        post("Content-Length: 18446744073709551\r\n", ""),
    ] {
        let answer = rig.ask(&request).await;
        assert_eq!(status(&answer), 413, "{answer}");
        assert!(
            answer.contains("connection: close") && answer.contains("\"limit_bytes\":1048576"),
            "{answer}"
        );
    }
    let whole = chunk.repeat(16);
    let answer = rig
        .ask(post(
            "Connection: close\r\nTransfer-Encoding: chunked\r\n",
            &format!("{whole}0\r\n\r\n"),
        ))
        .await;
    assert!(
        answer.ends_with("\r\n\r\n1048576"),
        "the limit itself is fine\n{answer}"
    );
}

#[tokio::test]
async fn what_a_refused_client_still_sends_is_read_so_that_nothing_is_reset() {
    let rig = Rig::start(Limits::standard()).await;
    let mut socket = rig.connect().await;
    socket
        .write_all(post("Content-Length: 2097152\r\n", "").as_bytes())
        .await
        .unwrap();
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    for _ in 0..32 {
        socket
            .write_all(&[b'x'; 0x10000])
            .await
            .expect("the server reads on");
    }
    socket.shutdown().await.unwrap();
    let mut rest = String::new();
    socket
        .read_to_string(&mut rest)
        .await
        .expect("an end, not a reset");
}

#[tokio::test]
async fn an_announced_length_over_the_limit_is_not_asked_for() {
    let rig = Rig::start(Limits::standard()).await;
    let answer = rig
        .ask(post("Expect: 100-continue\r\nContent-Length: 9999999\r\n", ""))
        .await;
    assert!(
        answer.starts_with("HTTP/1.1 413") && !answer.contains("100 Continue"),
        "{answer}"
    );
}

#[tokio::test]
async fn more_than_was_announced_is_no_part_of_the_body() {
    let rig = Rig::start(Limits::standard()).await;
    let answer = rig.ask(post("Content-Length: 3\r\n", "abcGARBAGE\r\n\r\n")).await;
    assert!(answer.contains("\r\n\r\n3HTTP/1.1 400 Bad Request"), "{answer}");
}

#[tokio::test]
async fn encoded_bodies_are_answered_415_and_close() {
    let rig = Rig::start(Limits::standard()).await;
    let answer = rig
        .ask(post(
            "Content-Encoding: gzip\r\nContent-Length: 4\r\n",
            "\x1f\0\0\0",
        ))
        .await;
    assert!(
        status(&answer) == 415 && answer.contains("connection: close"),
        "{answer}"
    );
}

#[tokio::test]
async fn heads_over_a_limit_are_answered_414_and_431() {
    let rig = Rig::start(Limits::standard()).await;
    let many = |count: usize| {
        get(
            "/ok",
            &format!("Connection: close\r\n{}", "X: y\r\n".repeat(count - 2)),
        )
    };
    let url = |bytes: usize| get(&format!("/ok?{}", "x".repeat(bytes - 4)), "Connection: close\r\n");
    for (request, expected) in [
        (many(64), 200),
        (many(65), 431),
        (many(500), 431),
        (url(8_192), 200),
        (url(8_193), 414),
        (url(60_000), 414),
        (url(70_000), 431),
        (
            get(
                "/ok",
                &format!("Connection: close\r\nX: {}\r\n", "x".repeat(65_000)),
            ),
            200,
        ),
        (
            get(
                "/ok",
                &format!("Connection: close\r\nX: {}\r\n", "x".repeat(65_536)),
            ),
            431,
        ),
    ] {
        let answer = rig.ask(&request).await;
        assert_eq!(status(&answer), expected, "{} bytes: {answer}", request.len());
    }
    let rig = Rig::start(Limits {
        headers_max: 200,
        ..Limits::standard()
    })
    .await;
    assert_eq!(
        status(&rig.ask(many(200)).await),
        200,
        "a limit may be raised over hyper's own"
    );
}

/// Whether the server has closed this connection.
async fn is_closed(socket: &mut TcpStream) -> bool {
    let mut byte = [0];
    matches!(
        timeout(Duration::from_millis(300), socket.read(&mut byte)).await,
        Ok(Ok(0) | Err(_))
    )
}

#[tokio::test]
async fn a_connection_over_the_limit_is_closed_at_once_and_a_freed_place_is_given_again() {
    for limits in [
        Limits {
            connections_per_ip_max: 3,
            ..Limits::standard()
        },
        Limits {
            connections_max: 3,
            ..Limits::standard()
        },
    ] {
        let rig = Rig::start(limits).await;
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(rig.connect().await);
        }
        rig.until("three are open", |rig| rig.connections.open() == 3)
            .await;
        assert!(is_closed(&mut rig.connect().await).await, "the fourth");
        assert_eq!(rig.connections.refused(), 1);
        open[0].write_all(get("/ok", "").as_bytes()).await.unwrap();
        assert_eq!(
            status(&read_answer(&mut open[0]).await),
            200,
            "the others do not notice"
        );
        open.pop();
        rig.until("one has gone", |rig| rig.connections.open() == 2).await;
        assert!(rig.is_healthy().await);
    }
}

#[tokio::test]
async fn a_hang_up_drops_the_request_in_work() {
    let rig = Rig::start(Limits::standard()).await;
    let mut socket = rig.connect().await;
    socket.write_all(get("/never", "").as_bytes()).await.unwrap();
    let count = |what: &std::sync::atomic::AtomicUsize| what.load(std::sync::atomic::Ordering::SeqCst);
    rig.until("it is in work", |rig| count(&rig.doings.begun) == 1)
        .await;
    drop(socket);
    rig.until("it is dropped", |rig| {
        count(&rig.doings.dropped) == 1 && rig.connections.open() == 0
    })
    .await;
}

#[tokio::test]
async fn the_peer_is_the_socket() {
    let rig = Rig::start(Limits::standard()).await;
    let mut socket = rig.connect().await;
    let local = socket.local_addr().unwrap();
    socket
        .write_all(get("/peer", "X-Forwarded-For: 192.0.2.1\r\nConnection: close\r\n").as_bytes())
        .await
        .unwrap();
    assert!(
        read_to_end(&mut socket)
            .await
            .ends_with(&format!("\r\n\r\n{local} false"))
    );
}

/// The part of the next test that runs in a process of its own with few descriptors: it serves until its input ends.
#[test]
#[ignore = "started by the test below"]
fn a_server_with_few_descriptors() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let rig = Rig::start(Limits {
            accept_pause_ms: 20,
            body: body::Limits::standard(),
            ..Limits::standard()
        })
        .await;
        println!("listening on {}", rig.addr);
        let ended = tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin()));
        let _ = ended.await;
    });
}

#[tokio::test]
async fn out_of_descriptors_the_server_waits_and_then_goes_on() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio::process::Command;

    let mut child = Command::new("sh")
        .args([
            "-c",
            "ulimit -n 24; exec \"$0\" limits::a_server_with_few_descriptors --exact --ignored --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let addr = timeout(PATIENCE, async {
        loop {
            let line = lines.next_line().await.unwrap().expect("the server starts");
            if let Some((_, addr)) = line.split_once("listening on ") {
                return addr.to_owned();
            }
        }
    });
    let addr = addr.await.unwrap();
    let ask = || async {
        let mut socket = TcpStream::connect(&addr).await.unwrap();
        socket
            .write_all(get("/ok", "Connection: close\r\n").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        let ended = timeout(Duration::from_millis(500), socket.read_to_string(&mut answer))
            .await
            .is_ok();
        (ended, status(&answer))
    };
    assert_eq!(ask().await, (true, 200));
    let mut held = Vec::new();
    for _ in 0..30 {
        held.push(TcpStream::connect(&addr).await.unwrap());
    }
    assert_eq!(
        ask().await,
        (false, 0),
        "no descriptor is left, so nobody answers"
    );
    drop(held);
    let again = timeout(PATIENCE, async { while ask().await != (true, 200) {} });
    again.await.expect("it goes on when descriptors are free");
    drop(child.stdin.take());
    timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
}
