//! Nothing is missed and nothing comes twice, however commits and readers interleave, over disconnects and a restart.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::client::Call;
use crate::support::gateway::{Gateway, Rental};
use crate::support::stream::Stream;
use crate::support::within;

const EVENTS: usize = 160;

/// Rents and cancels, four at a time: two events each.
async fn produce(gateway: &Gateway) {
    let one = |_| async {
        for _ in 0..EVENTS / 8 {
            let rental: Rental = gateway.rent("google").await;
            gateway
                .post(&rental.path("/cancel"), &json!({}))
                .await
                .expect(200);
        }
    };
    futures_util::future::join_all((0..4).map(one)).await;
}

fn id(event: &Value) -> String {
    event["id"].as_str().unwrap().to_owned()
}

/// Polls with small pages until it has them all; every poll is a new connection.
async fn poller(address: SocketAddr, key: String) -> Vec<String> {
    let (mut after, mut heard) = ("oldest".to_owned(), Vec::new());
    while heard.len() < EVENTS {
        let call = Call::get(&format!("/api/events?limit=3&wait=20&after={after}")).key(&key);
        let page = call.send(address).await.expect(200);
        heard.extend(page["events"].as_array().unwrap().iter().map(id));
        after = page["nextCursor"].as_str().unwrap().to_owned();
    }
    heard
}

/// Streams, and hangs up after every seventh event to come back with its last id.
async fn streamer(address: SocketAddr, key: String) -> Vec<String> {
    let (mut last, mut heard) = (None::<String>, Vec::new());
    while heard.len() < EVENTS {
        let call = Call::get("/api/events/stream?after=oldest").key(&key);
        let call = last
            .iter()
            .fold(call, |call, id| call.header("last-event-id", id));
        let mut stream = Stream::open(&call, address).await;
        for _ in 0..7.min(EVENTS - heard.len()) {
            let block = stream.event().await;
            heard.push(id(&block.data.unwrap()));
            last = block.id;
        }
    }
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_beside_writers_hear_every_event_once_and_in_one_order() {
    let gateway = Gateway::start().await;
    let numbers: Vec<Value> = (0..200)
        .map(|n| json!({ "number": format!("+1305555{n:04}"), "country": "US" }))
        .collect();
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).unwrap();
    let add = Call::post("/admin/numbers", &json!(numbers)).key(token.trim());
    add.send(gateway.running.admin_address).await.expect(200);
    let readers = [
        tokio::spawn(poller(gateway.address, gateway.key.clone())),
        tokio::spawn(streamer(gateway.address, gateway.key.clone())),
        tokio::spawn(poller(gateway.address, gateway.key.clone())),
    ];
    produce(&gateway).await;
    let mut orders = BTreeSet::new();
    for reader in readers {
        let heard = within("a reader", reader).await.unwrap();
        assert_eq!(
            heard.iter().collect::<BTreeSet<_>>().len(),
            EVENTS,
            "each one once"
        );
        orders.insert(heard);
    }
    assert_eq!(orders.len(), 1, "all in the same order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_between_the_reading_and_the_waiting_wakes() {
    const RENTS: usize = 20;
    let gateway = Gateway::start().await;
    let (address, key) = (gateway.address, gateway.key.clone());
    let reader = tokio::spawn(async move {
        let (mut after, mut heard) = ("oldest".to_owned(), 0);
        while heard < RENTS {
            let page = Call::get(&format!("/api/events?wait=60&after={after}"))
                .key(&key)
                .send(address)
                .await
                .expect(200);
            let events = page["events"].as_array().unwrap().len();
            assert!(
                events > 0,
                "a held poll ended without an event: it slept through one"
            );
            heard += events;
            after = page["nextCursor"].as_str().unwrap().to_owned();
        }
        heard
    });
    for _ in 0..RENTS {
        gateway.rent("google").await;
    }
    // One that slept through the last event is held for a minute, which is longer than it is waited for.
    assert_eq!(within("the reader", reader).await.unwrap(), RENTS);
}
