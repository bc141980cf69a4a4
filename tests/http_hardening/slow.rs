//! Clients that are slow on purpose. Times are short here; the rules are the same.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ringback::http::body;
use ringback::http::limits::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, sleep, timeout};

use crate::rig::{PATIENCE, Rig, get, post, read_answer, read_to_end, status};

/// Time for a loaded machine to notice a deadline.
const SLACK: Duration = Duration::from_millis(1_500);

fn limits() -> Limits {
    Limits {
        header_read_ms: 300,
        idle_ms: 900,
        linger_ms: 100,
        ..Limits::standard()
    }
}

/// Sends a byte each 20 ms until the server closes; how long that took.
async fn dribble(mut socket: TcpStream, bytes: &'static [u8]) -> Duration {
    let start = Instant::now();
    let (mut reader, mut writer) = socket.split();
    let sending = async {
        let mut pace = interval(Duration::from_millis(20));
        for byte in bytes.iter().chain(std::iter::repeat(&b'x')) {
            pace.tick().await;
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    };
    let closed = async {
        let mut all = Vec::new();
        let _ = reader.read_to_end(&mut all).await;
    };
    let ended = async {
        tokio::select! { () = sending => {}, () = closed => {} }
    };
    timeout(PATIENCE, ended).await.expect("the server closes");
    start.elapsed()
}

#[tokio::test]
async fn slow_heads_are_closed_in_time_and_healthy_requests_do_not_notice() {
    let rig = Rig::start(limits()).await;
    let mut attacks = tokio::task::JoinSet::new();
    for n in 0..50 {
        // A head that never ends, and half an HTTP/2 preface, which hyper alone would wait on for ever.
        let bytes: &[u8] = if n % 2 == 0 {
            b"GET /ok HTTP/1.1\r\nHost: a\r\nX: "
        } else {
            b"PRI * HTTP/2.0\r"
        };
        attacks.spawn(dribble(rig.connect().await, bytes));
    }
    let start = Instant::now();
    assert!(rig.is_healthy().await);
    assert!(
        start.elapsed() < Duration::from_millis(250),
        "{:?}",
        start.elapsed()
    );
    for took in attacks.join_all().await {
        assert!(
            took >= Duration::from_millis(250) && took < Duration::from_millis(300) + SLACK,
            "{took:?}"
        );
    }
    rig.until("all are gone", |rig| rig.connections.open() == 0).await;
}

#[tokio::test]
async fn silence_and_half_a_request_are_closed_after_the_time_for_a_head() {
    let rig = Rig::start(limits()).await;
    for bytes in [
        "",
        "GET /o",
        "GET /ok HTTP/1.1\r\nHost: a\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let start = Instant::now();
        rig.ask(bytes).await;
        let took = start.elapsed();
        assert!(
            took >= Duration::from_millis(290) && took < Duration::from_millis(300) + SLACK,
            "{bytes:?} {took:?}"
        );
    }
}

#[tokio::test]
async fn an_idle_connection_is_kept_longer_than_the_time_for_a_head_and_then_closed() {
    let rig = Rig::start(limits()).await;
    let mut socket = rig.connect().await;
    for _ in 0..2 {
        socket.write_all(get("/ok", "").as_bytes()).await.unwrap();
        assert_eq!(status(&read_answer(&mut socket).await), 200);
        sleep(Duration::from_millis(450)).await;
    }
    let start = Instant::now();
    assert_eq!(read_to_end(&mut socket).await, "");
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(350) && took < Duration::from_millis(450) + SLACK,
        "{took:?}"
    );

    // The second head has a time of its own, however long the connection might be idle.
    let rig = Rig::start(Limits {
        idle_ms: 60_000,
        ..limits()
    })
    .await;
    let mut second_head = rig.connect().await;
    second_head.write_all(get("/ok", "").as_bytes()).await.unwrap();
    read_answer(&mut second_head).await;
    let took = dribble(second_head, b"GET /ok").await;
    assert!(
        took >= Duration::from_millis(250) && took < Duration::from_millis(300) + SLACK,
        "{took:?}"
    );
}

#[tokio::test]
async fn a_held_request_outlives_every_deadline_of_the_connection() {
    let rig = Rig::start(Limits {
        header_read_ms: 50,
        idle_ms: 50,
        ..Limits::standard()
    })
    .await;
    let mut socket = rig.connect().await;
    socket
        .write_all(get("/held", "Connection: close\r\n").as_bytes())
        .await
        .unwrap();
    rig.until("it is held", |rig| rig.doings.begun.load(Ordering::SeqCst) == 1)
        .await;
    // This proves an absence: nothing closes it.
    sleep(Duration::from_millis(300)).await;
    rig.doings.release.notify_one();
    assert!(read_to_end(&mut socket).await.ends_with("released"));
}

#[tokio::test]
async fn slow_bodies_are_answered_408_and_close() {
    let body = body::Limits {
        read_ms: 400,
        rate_grace_ms: 100,
        rate_bytes_per_s_min: 1_000,
        ..body::Limits::standard()
    };
    let rig = Rig::start(Limits {
        body,
        linger_ms: 100,
        ..Limits::standard()
    })
    .await;
    for (fields, piece) in [
        ("Transfer-Encoding: chunked\r\n", "1\r\nx\r\n"),
        ("Content-Length: 100000\r\n", "x"),
    ] {
        let mut socket = rig.connect().await;
        socket.write_all(post(fields, "").as_bytes()).await.unwrap();
        let (mut reader, mut writer) = socket.split();
        let trickle = async {
            while writer.write_all(piece.as_bytes()).await.is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let mut answer = Vec::new();
        let start = Instant::now();
        tokio::select! { () = trickle => {}, _ = reader.read_to_end(&mut answer) => {} }
        let took = start.elapsed();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            status(&answer) == 408 && answer.contains("connection: close"),
            "{answer}"
        );
        assert!(
            took >= Duration::from_millis(90) && took < Duration::from_millis(200) + SLACK,
            "{took:?}"
        );
    }
    let answer = rig.ask(post("Content-Length: 9\r\n", "lies")).await;
    assert_eq!(status(&answer), 408, "a length that is never reached\n{answer}");
}

#[tokio::test]
async fn a_streams_reader_who_takes_nothing_is_cut_off_and_one_who_takes_little_is_kept() {
    let limits = Limits {
        stream_stall_ms: 400,
        ..limits()
    };
    let rig = Rig::start(limits).await;
    let request = get("/endless", "");
    let (mut idle, mut slow) = (rig.connect().await, rig.connect().await);
    for socket in [&mut idle, &mut slow] {
        socket.write_all(request.as_bytes()).await.unwrap();
    }
    // What lies in the kernel's buffers is read at once; only then does the pace of the reader count.
    let reading = async {
        let mut some = vec![0; 256 * 1024];
        let mut pace = interval(Duration::from_millis(5));
        loop {
            pace.tick().await;
            assert!(slow.read(&mut some).await.unwrap() > 0, "who reads is kept");
        }
    };
    let cut = rig.until("the idle reader's body to be dropped", |rig| {
        rig.doings.dropped.load(Ordering::SeqCst) == 1
    });
    tokio::select! { () = reading => {}, () = cut => {} }
    assert_eq!(rig.connections.open(), 1);
    assert!(rig.is_healthy().await);
    drop((idle, slow));
}
