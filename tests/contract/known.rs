//! Entity tags of a verification and of the list: what is known is 304, and who waits is held until it changes.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::{Call, Reply};
use crate::support::gateway::{Gateway, SHORT};
use crate::support::within;

fn call(gateway: &Gateway, path: &str, known: &str) -> Call {
    Call::get(path).key(&gateway.key).header("if-none-match", known)
}

fn held(gateway: &Gateway, path: &str, known: &str) -> JoinHandle<Reply> {
    let call = call(gateway, path, known).header("prefer", "wait=30");
    let address = gateway.address;
    tokio::spawn(async move { call.send(address).await })
}

async fn answered(held: JoinHandle<Reply>) -> Reply {
    within("a held answer", held).await.unwrap()
}

fn tag(reply: &Reply) -> String {
    reply.header("etag").expect("a tag").to_owned()
}

fn assert_unchanged(reply: &Reply, known: &str) {
    assert_eq!((reply.status, reply.body.as_slice()), (304, &b""[..]));
    assert_eq!(reply.header("etag"), Some(known));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_is_not_told_again_and_every_change_is_another_tag() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let path = rental.path("");
    let mut tags = Vec::new();
    for (id, text) in [
        ("m-1", "Welcome aboard!"),
        ("m-2", "Your code is 221100."),
        ("m-3", "Your code is 331100."),
    ] {
        tags.push(tag(&gateway.get(&path).await));
        carrier::post(gateway.address, TELNYX, &draft(id, &rental.number, text)).await;
    }
    let last = gateway.get(&path).await;
    tags.push(tag(&last));
    assert_eq!(last.json()["otpCode"], "331100");
    for (at, known) in tags.iter().enumerate() {
        assert!(
            known.starts_with('"') && known.ends_with('"'),
            "a strong tag: {known}"
        );
        let reply = call(&gateway, &path, known).send(gateway.address).await;
        if at + 1 == tags.len() {
            assert_unchanged(&reply, known);
        } else {
            assert_eq!(reply.expect(200), last.json(), "{at}");
        }
    }
    let several = format!("\"other\", W/{}", tags[3]);
    assert_unchanged(
        &call(&gateway, &path, &several).send(gateway.address).await,
        &tags[3],
    );
    assert_unchanged(&call(&gateway, &path, "*").send(gateway.address).await, &tags[3]);
    let gateway = gateway.restart(toml::Table::new()).await;
    assert_unchanged(
        &call(&gateway, &path, &tags[3]).send(gateway.address).await,
        &tags[3],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_knows_it_is_held_until_it_changes() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let (path, known) = (rental.path(""), tag(&gateway.get(&rental.path("")).await));
    let waiting = held(&gateway, &path, &known);
    gateway.holds(1).await;
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &rental.number, "Your code is 221100."),
    )
    .await;
    let reply = answered(waiting).await;
    assert_eq!(reply.expect(200)["otpCode"], "221100");
    assert_eq!(reply.header("preference-applied"), Some("wait=30"));
    assert_eq!(
        answered(held(&gateway, &path, &known)).await.status,
        200,
        "old knowledge is answered at once"
    );
    assert_eq!(answered(held(&gateway, &path, "\"x\"")).await.status, 200);

    let started = std::time::Instant::now();
    let now = tag(&reply);
    let reply = call(&gateway, &format!("{path}?wait=1"), &now)
        .send(gateway.address)
        .await;
    assert_unchanged(&reply, &now);
    assert_eq!(reply.header("preference-applied"), None, "the query was the wish");
    assert!(started.elapsed() >= Duration::from_secs(1));
    let knows_nothing = Call::get(&path).key(&gateway.key).header("prefer", "wait=30");
    let reply = within(
        "who knows nothing waits for nothing",
        knows_nothing.send(gateway.address),
    )
    .await;
    assert_eq!((reply.status, reply.header("preference-applied")), (200, None));
    gateway.holds(0).await;

    let waiting = held(&gateway, &path, &now);
    gateway.holds(1).await;
    let gateway = within("a stop and a start", gateway.restart(toml::Table::new())).await;
    assert_unchanged(&answered(waiting).await, &now);
    assert_eq!(gateway.get("/api/verifications?wait=61").await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_held_until_anything_in_it_changes() {
    let gateway = Gateway::start().await;
    let list = "/api/verifications?limit=2";
    let empty = tag(&gateway.get(list).await);
    let waiting = held(&gateway, list, &empty);
    gateway.holds(1).await;
    Call::post("/api/verifications", &json!({ "serviceName": "google" }))
        .key(&gateway.other_key)
        .send(gateway.address)
        .await
        .expect(201);
    let rental = gateway.rent(SHORT).await;
    let one = answered(waiting).await;
    let ids = |reply: &Reply| -> Vec<Value> {
        let list = reply.json()["verifications"].as_array().unwrap().clone();
        list.iter().map(|shown| shown["id"].clone()).collect()
    };
    assert_eq!(
        (one.status, ids(&one)),
        (200, vec![json!(rental.id)]),
        "its own alone"
    );
    let waiting = held(&gateway, list, &tag(&one));
    gateway.holds(1).await;
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &rental.number, "Your code is 221100."),
    )
    .await;
    let coded = answered(waiting).await;
    assert_eq!(coded.json()["verifications"][0]["otpCode"], "221100");
    assert_unchanged(
        &call(&gateway, list, &tag(&coded)).send(gateway.address).await,
        &tag(&coded),
    );
    let second = gateway.rent("google").await;
    gateway
        .post(&second.path("/cancel"), &json!({}))
        .await
        .expect(200);
    let known = tag(&gateway.get(list).await);
    let unchanged = call(&gateway, &format!("{list}&wait=1"), &known)
        .send(gateway.address)
        .await;
    assert_unchanged(&unchanged, &known);
    gateway.holds(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_lists_and_looks_share_the_places_of_the_held() {
    let gateway = Gateway::start_with(toml::toml! { poll = { waiters_per_key_max = 1 } }).await;
    let rental = gateway.rent("google").await;
    let (path, list) = (rental.path(""), "/api/verifications");
    let known = tag(&gateway.get(&path).await);
    let waiting = held(&gateway, &path, &known);
    gateway.holds(1).await;
    assert_eq!(answered(held(&gateway, &path, &known)).await.status, 429);
    let listed = tag(&gateway.get(list).await);
    assert_eq!(answered(held(&gateway, list, &listed)).await.status, 429);
    assert_unchanged(
        &call(&gateway, list, &listed).send(gateway.address).await,
        &listed,
    );
    waiting.abort();
    gateway.holds(0).await;
}
