//! The stream of server-sent events: its form, how it is resumed, its heartbeat, and how it ends.

use serde_json::json;

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::stream::Stream;
use crate::support::within;

fn stream(gateway: &Gateway, query: &str) -> Call {
    Call::get(&format!("/api/events/stream{query}")).key(&gateway.key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_as_they_happen_and_the_last_id_resumes() {
    let gateway = Gateway::start().await;
    gateway.rent("google").await;
    let mut live = Stream::open(&stream(&gateway, ""), gateway.address).await;
    assert_eq!(live.head.header("content-type"), Some("text/event-stream"));
    assert_eq!(live.head.header("cache-control"), Some("no-store"));
    assert_eq!(live.head.header("x-accel-buffering"), Some("no"));
    assert_eq!(live.next().await.unwrap().retry.as_deref(), Some("1000"));
    let rental = gateway.rent("google").await;
    let created = live.event().await;
    assert_eq!(
        created.event.as_deref(),
        Some("verification.created"),
        "what was before is not streamed"
    );
    let data = created.data.unwrap();
    assert_eq!(data["payload"]["data"]["id"], rental.id);
    assert_eq!(created.id.as_deref(), data["cursor"].as_str());
    drop(live);
    gateway.holds(0).await;

    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &rental.number, "Your code is 221100."),
    )
    .await;
    let resumed = stream(&gateway, "?after=oldest").header("last-event-id", created.id.as_deref().unwrap());
    let mut resumed = Stream::open(&resumed, gateway.address).await;
    let coded = resumed.event().await;
    assert_eq!(
        coded.data.unwrap()["payload"]["data"]["otpCode"],
        "221100",
        "the header counts before the query"
    );
    let from_the_start = stream(&gateway, "?after=oldest&types=verification.code_received");
    let mut from_the_start = Stream::open(&from_the_start, gateway.address).await;
    assert_eq!(
        from_the_start.event().await.event.as_deref(),
        Some("verification.code_received")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_stream_beats_and_moves_its_id_on() {
    let gateway = Gateway::start_with(toml::toml! { poll = { heartbeat_ms = 100 } }).await;
    let mut only_codes = Stream::open(
        &stream(&gateway, "?types=verification.code_received"),
        gateway.address,
    )
    .await;
    let first = loop {
        let block = only_codes.next().await.unwrap();
        if block.comment.as_deref() == Some("heartbeat") {
            break block;
        }
    };
    gateway.rent("google").await;
    let passed = loop {
        let block = only_codes.next().await.unwrap();
        assert_eq!(
            (block.comment.as_deref(), &block.data),
            (Some("heartbeat"), &None)
        );
        if block.id != first.id {
            break block.id.unwrap();
        }
    };
    let after = gateway
        .get(&format!("/api/events?after={passed}"))
        .await
        .expect(200);
    assert_eq!(
        after["events"],
        json!([]),
        "the unwanted event is behind the new id"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_streams_as_http_wants_it_and_they_resume_after_the_start() {
    let gateway = Gateway::start().await;
    let mut open = Stream::open(&stream(&gateway, ""), gateway.address).await;
    gateway.rent("google").await;
    let last = open.event().await.id.unwrap();
    let gateway = within("a stop and a start", gateway.restart(toml::Table::new())).await;
    loop {
        let block = open.next().await.expect("a last comment");
        if block.comment.is_some_and(|comment| comment.contains("stopping")) {
            break;
        }
    }
    assert_eq!(open.next().await, None);
    assert!(open.has_ended(), "the last chunk came: nothing broke off");
    gateway.rent("google").await;
    let mut resumed = Stream::open(
        &stream(&gateway, "").header("last-event-id", &last),
        gateway.address,
    )
    .await;
    assert_eq!(
        resumed.event().await.event.as_deref(),
        Some("verification.created")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_outlives_the_idle_time_of_a_connection() {
    let over =
        toml::toml! { server = { idle_ms = 300, stream_stall_ms = 1000 } poll = { heartbeat_ms = 100 } };
    let gateway = Gateway::start_with(over).await;
    let mut open = Stream::open(&stream(&gateway, ""), gateway.address).await;
    for _ in 0..10 {
        assert!(open.next().await.is_some(), "it is not idle while it streams");
    }
    gateway.rent("google").await;
    assert_eq!(open.event().await.event.as_deref(), Some("verification.created"));
}
