//! The stream of one verification: from its beginning, its own events alone, resumed by the last id, and ended with it.

use serde_json::json;

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::Call;
use crate::support::gateway::{Gateway, Rental};
use crate::support::stream::Stream;

fn stream(gateway: &Gateway, rental: &Rental) -> Call {
    Call::get(&rental.path("/events/stream")).key(&gateway.key)
}

async fn kind(stream: &mut Stream) -> String {
    stream.event().await.event.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_verification_is_followed_from_its_beginning_to_its_end() {
    let gateway = Gateway::start().await;
    let before = gateway.rent("google").await;
    let rental = gateway.rent("google").await;
    let mut live = Stream::open(&stream(&gateway, &rental), gateway.address).await;
    assert_eq!(live.head.header("content-type"), Some("text/event-stream"));
    let created = live.event().await;
    assert_eq!(created.event.as_deref(), Some("verification.created"));
    assert_eq!(created.data.unwrap()["payload"]["data"]["id"], rental.id);
    gateway
        .post(&before.path("/cancel"), &json!({}))
        .await
        .expect(200);
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &rental.number, "Welcome aboard!"),
    )
    .await;
    let message = live.event().await;
    assert_eq!(
        message.event.as_deref(),
        Some("message.received"),
        "and nothing of the other one"
    );
    gateway
        .post(&rental.path("/cancel"), &json!({}))
        .await
        .expect(200);
    let last = live.event().await;
    assert_eq!(last.event.as_deref(), Some("verification.cancelled"));
    let over = live.next().await.expect("a last comment");
    assert!(over.comment.is_some_and(|comment| comment.contains("is over")));
    assert_eq!((live.next().await, live.has_ended()), (None, true));
    gateway.holds(0).await;

    let after =
        |id: &Option<String>| stream(&gateway, &rental).header("last-event-id", id.as_deref().unwrap());
    assert_eq!(
        after(&last.id).send(gateway.address).await.status,
        204,
        "who has read all is told to stay away"
    );
    let mut rest = Stream::open(&after(&message.id), gateway.address).await;
    assert_eq!(kind(&mut rest).await, "verification.cancelled");
    let gateway = gateway.restart(toml::Table::new()).await;
    let mut whole = Stream::open(&stream(&gateway, &rental), gateway.address).await;
    for expected in [
        "verification.created",
        "message.received",
        "verification.cancelled",
    ] {
        assert_eq!(kind(&mut whole).await, expected, "over a restart");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_has_a_held_place_types_and_an_owner() {
    let over = toml::toml! { poll = { waiters_per_key_max = 1, heartbeat_ms = 100 } };
    let gateway = Gateway::start_with(over).await;
    let rental = gateway.rent("google").await;
    let codes = Call::get(&rental.path("/events/stream?types=verification.code_received")).key(&gateway.key);
    let mut codes = Stream::open(&codes, gateway.address).await;
    assert_eq!(stream(&gateway, &rental).send(gateway.address).await.status, 429);
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &rental.number, "Your code is 221100."),
    )
    .await;
    assert_eq!(
        codes.event().await.data.unwrap()["payload"]["data"]["otpCode"],
        "221100"
    );
    loop {
        if codes.next().await.expect("it goes on").comment.as_deref() == Some("heartbeat") {
            break;
        }
    }
    drop(codes);
    gateway.holds(0).await;
    let foreign = Call::get(&rental.path("/events/stream")).key(&gateway.other_key);
    assert_eq!(foreign.send(gateway.address).await.status, 404);
}
