//! Held polls: who is answered, when, and that nobody who left or was refused is counted on.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::pages::kinds;
use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;
use crate::support::stream::Stream;
use crate::support::within;

fn poll(gateway: &Gateway, key: &str, query: &str) -> JoinHandle<Reply> {
    let call = Call::get(&format!("/api/events?after=latest&wait=60{query}")).key(key);
    let address = gateway.address;
    tokio::spawn(async move { call.send(address).await })
}

async fn answered(poll: JoinHandle<Reply>) -> Value {
    within("a held poll", poll).await.unwrap().expect(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_of_the_account_is_answered_and_nobody_else() {
    let gateway = Gateway::start().await;
    let all: Vec<_> = (0..20).map(|_| poll(&gateway, &gateway.key, "")).collect();
    let codes = poll(&gateway, &gateway.key, "&types=verification.code_received");
    let theirs = poll(&gateway, &gateway.other_key, "");
    gateway.holds(22).await;
    let rental = gateway.rent("google").await;
    for poll in all {
        assert_eq!(kinds(&answered(poll).await), ["verification.created"]);
    }
    gateway.holds(2).await;
    assert!(!codes.is_finished(), "what it does not want does not answer it");
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &rental.number, "Your code is 221100."),
    )
    .await;
    assert_eq!(kinds(&answered(codes).await), ["verification.code_received"]);
    gateway.holds(1).await;
    assert!(!theirs.is_finished(), "the other account still waits");
    theirs.abort();
    gateway.holds(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_ends_empty_when_its_time_is_up_and_when_the_process_drains() {
    let gateway = Gateway::start().await;
    let started = std::time::Instant::now();
    let short = gateway.get("/api/events?wait=1&after=latest").await.expect(200);
    assert_eq!(short["events"], json!([]));
    assert!(started.elapsed() >= Duration::from_secs(1));
    let held = poll(&gateway, &gateway.key, "");
    gateway.holds(1).await;
    let gateway = within("a stop and a start", gateway.restart(toml::Table::new())).await;
    let drained = answered(held).await;
    assert_eq!(drained["events"], json!([]));
    gateway.rent("google").await;
    let next = gateway
        .get(&format!(
            "/api/events?after={}",
            drained["nextCursor"].as_str().unwrap()
        ))
        .await;
    assert_eq!(
        kinds(&next.expect(200)),
        ["verification.created"],
        "it reads on after the restart"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polls_and_streams_share_the_places_of_the_held() {
    let over = toml::toml! { poll = { waiters_max = 3, waiters_per_key_max = 2 } };
    let gateway = Gateway::start_with(over).await;
    let stream = |key: &str| Call::get("/api/events/stream").key(key);
    let first = Stream::open(&stream(&gateway.key), gateway.address).await;
    let second = poll(&gateway, &gateway.key, "");
    gateway.holds(2).await;
    for path in ["/api/events/stream", "/api/events?wait=5"] {
        let refused = gateway.get(path).await;
        assert!(
            refused.expect(429)["detail"]
                .as_str()
                .unwrap()
                .contains("for this key")
        );
        assert_eq!(refused.header("retry-after"), Some("1"));
    }
    gateway.get("/api/events").await.expect(200);
    let third = Stream::open(&stream(&gateway.other_key), gateway.address).await;
    let refused = stream(&gateway.other_key).send(gateway.address).await;
    assert!(refused.expect(503)["detail"].as_str().unwrap().contains("in all"));
    drop((first, third));
    gateway.holds(1).await;
    second.abort();
    gateway.holds(0).await;
}
