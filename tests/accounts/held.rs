//! What is held when its key goes: polls, streams and calls of agents end then, and nobody else's do.

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::admin::{self, Made, make_key, revoke};
use crate::support::client::{Call, Reply};
use crate::support::gateway::{Gateway, Rental};
use crate::support::stream::Stream;
use crate::support::within;

fn hold(gateway: &Gateway, call: Call) -> JoinHandle<Reply> {
    let address = gateway.address;
    tokio::spawn(async move { call.send(address).await })
}

/// A gateway that agents may call by the name that the client uses.
async fn gateway() -> Gateway {
    Gateway::start_with(toml::toml! { mcp = { allowed_hosts = ["gw"] } poll = { default_s = 60 } }).await
}

/// A rental that this key made: an agent is told of no other.
async fn rent(gateway: &Gateway, key: &str) -> Rental {
    let wish = Call::post("/api/verifications", &json!({ "serviceName": "google" }));
    let rented = wish.key(key).send(gateway.address).await.expect(201);
    let text = |name: &str| rented[name].as_str().unwrap().to_owned();
    Rental {
        id: text("id"),
        number: text("number"),
    }
}

/// One of everything that can be held, with its name.
fn everything(gateway: &Gateway, rental: &Rental, key: &str) -> Vec<(&'static str, JoinHandle<Reply>)> {
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "verify_get_code", "arguments": { "verificationId": rental.id } } });
    let agent = Call::post("/mcp", &call).header("accept", "application/json, text/event-stream");
    let calls = [
        ("code", Call::get(&rental.path("/code?wait=60"))),
        ("events", Call::get("/api/events?after=latest&wait=60")),
        (
            "getSMS",
            Call::get(&format!("/getSMS?rental_id=rent_{}&wait=60", rental.id)),
        ),
        ("mcp", agent),
    ];
    calls
        .into_iter()
        .map(|(name, call)| (name, hold(gateway, call.key(key))))
        .collect()
}

async fn stream(gateway: &Gateway, key: &str) -> Stream {
    let mut stream = Stream::open(&Call::get("/api/events/stream").key(key), gateway.address).await;
    let first = stream.next().await.expect("the stream goes on");
    assert!(first.retry.is_some());
    stream
}

/// The last word of a stream.
async fn last_comment(mut stream: Stream) -> String {
    let mut last = String::new();
    while let Some(block) = stream.next().await {
        last = block.comment.unwrap_or_default();
    }
    assert!(stream.has_ended(), "ended as HTTP wants it");
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_ends_all_that_it_holds_and_nothing_else() {
    let gateway = gateway().await;
    let rental = gateway.rent("google").await;
    let key = make_key(&gateway, json!({})).await;
    let theirs = everything(&gateway, &rent(&gateway, &key.key).await, &key.key);
    let streamed = stream(&gateway, &key.key).await;
    let ours = everything(&gateway, &rental, &gateway.key);
    gateway.holds(9).await;

    revoke(&gateway, &key).await;
    for (name, held) in theirs {
        let reply = within(name, held).await.unwrap();
        assert_eq!(reply.status, 401, "{name}: {}", reply.text());
        match name {
            "getSMS" => assert_eq!(reply.json()["error_code"], "BAD_KEY"),
            "mcp" => assert_eq!(
                reply.header("www-authenticate"),
                Some("Bearer error=\"invalid_token\"")
            ),
            _ => assert_eq!(reply.json()["type"], "urn:ringback:problem:unauthorized"),
        }
    }
    assert_eq!(last_comment(streamed).await, "this key is not valid any more");
    gateway.holds(4).await;
    assert!(ours.iter().all(|(_, held)| !held.is_finished()));
    gateway
        .post(&rental.path("/cancel"), &json!({}))
        .await
        .expect(200);
    for (name, held) in ours {
        assert_eq!(within(name, held).await.unwrap().status, 200, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_as_unknown_as_one_that_never_was() {
    let gateway = gateway().await;
    let Made { key, id } = make_key(&gateway, json!({})).await;
    assert_eq!(admin::status(&gateway, &key).await, 200);
    revoke(
        &gateway,
        &Made {
            key: key.clone(),
            id: id.clone(),
        },
    )
    .await;
    let never = crate::support::gateway::new_key();
    let answers = [&key, &never].map(|key| Call::get("/api/verifications").key(key));
    let [revoked, unknown] = [
        answers[0].send(gateway.address).await,
        answers[1].send(gateway.address).await,
    ];
    assert_eq!((revoked.status, revoked.body), (401, unknown.body));
    assert_eq!(admin::listed(&gateway, &id).await, None);
    let again = admin::delete(&gateway, &format!("/admin/keys/{id}")).await;
    assert_eq!(again.status, 404, "{}", again.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disabling_an_account_ends_what_its_keys_hold_and_enabling_lets_them_in_again() {
    let gateway = gateway().await;
    let rental = gateway.rent("google").await;
    let held = everything(&gateway, &rental, &gateway.key);
    let streamed = stream(&gateway, &gateway.key).await;
    let others = hold(
        &gateway,
        Call::get("/api/events?after=latest&wait=60").key(&gateway.other_key),
    );
    gateway.holds(6).await;
    let disabled = admin::post(&gateway, "/admin/accounts/acme/disable", &Value::Null).await;
    assert_eq!(disabled.expect(200)["state"], "disabled");
    for (name, held) in held {
        let reply = within(name, held).await.unwrap();
        assert_eq!(reply.status, 403, "{name}: {}", reply.text());
    }
    assert_eq!(last_comment(streamed).await, "this key is not valid any more");
    assert!(!others.is_finished());
    others.abort();
    let refused = gateway.get("/api/verifications").await;
    assert_eq!(refused.expect(403)["type"], "urn:ringback:problem:forbidden");
    let enabled = admin::post(&gateway, "/admin/accounts/acme/enable", &Value::Null).await;
    assert_eq!(enabled.expect(200)["state"], "active");
    assert_eq!(
        gateway.get(&rental.path("")).await.expect(200)["status"],
        "active"
    );
}
