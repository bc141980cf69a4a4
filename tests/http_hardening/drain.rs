//! Stopping: what is in work finishes, what is idle goes, what never ends is cut.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ringback::http::limits::Limits;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::h2;
use crate::rig::{Rig, get, read_answer, read_to_end, status};

async fn begun(rig: &Rig, count: usize) {
    rig.until("it is in work", |rig| {
        rig.doings.begun.load(Ordering::SeqCst) == count
    })
    .await;
}

#[tokio::test]
async fn a_request_in_work_finishes_and_idle_connections_close() {
    let mut rig = Rig::start(Limits::standard()).await;
    let mut idle = rig.connect().await;
    idle.write_all(get("/ok", "").as_bytes()).await.unwrap();
    read_answer(&mut idle).await;
    let mut silent = rig.connect().await;
    let mut held = rig.connect().await;
    held.write_all(get("/held", "").as_bytes()).await.unwrap();
    begun(&rig, 2).await;
    let (mut client, connection) = h2::client(&rig).await;
    let held_h2 = tokio::spawn(client.send_request(h2::request("/held", "")));
    begun(&rig, 3).await;

    let start = Instant::now();
    rig.stop();
    assert_eq!(read_to_end(&mut idle).await, "");
    assert_eq!(read_to_end(&mut silent).await, "");
    assert!(TcpStream::connect(rig.addr).await.is_err(), "nobody new comes in");
    rig.doings.release.notify_waiters();
    let answer = read_to_end(&mut held).await;
    assert!(
        status(&answer) == 200 && answer.contains("connection: close"),
        "{answer}"
    );
    assert_eq!(held_h2.await.unwrap().unwrap().status(), 200);
    connection.await.unwrap().expect("a goodbye, not a reset");
    assert_eq!(rig.stopped().await, 0);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "well before the drain of 10 s is over: {:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn what_never_ends_is_cut_when_the_drain_is_over() {
    let mut rig = Rig::start(Limits {
        drain_ms: 300,
        ..Limits::standard()
    })
    .await;
    let doings = rig.doings.clone();
    let mut never = rig.connect().await;
    never.write_all(get("/never", "").as_bytes()).await.unwrap();
    let (mut client, _connection) = h2::client(&rig).await;
    let never_h2 = tokio::spawn(client.send_request(h2::request("/never", "")));
    let mut half = rig.connect().await;
    half.write_all(b"GET /o").await.unwrap();
    begun(&rig, 2).await;

    let start = Instant::now();
    rig.stop();
    assert_eq!(rig.stopped().await, 2, "half a head is no request");
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(290) && took < Duration::from_millis(1_800),
        "{took:?}"
    );
    assert_eq!(read_to_end(&mut never).await, "");
    assert!(never_h2.await.unwrap().is_err());
    let gone = tokio::time::timeout(Duration::from_secs(5), async {
        while doings.dropped.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    });
    gone.await.expect("both handlers are dropped");
}
