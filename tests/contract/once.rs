//! `Idempotency-Key`: what is sent again makes nothing more and gets the first answer; at once, over a restart, with another body.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;
use crate::support::until;

fn keyed(gateway: &Gateway, path: &str, key: &str, body: &Value) -> Call {
    Call::post(path, body)
        .key(&gateway.key)
        .header("idempotency-key", key)
}

async fn rent(gateway: &Gateway, key: &str) -> Reply {
    let wish = json!({ "serviceName": "google" });
    keyed(gateway, "/api/verifications", key, &wish)
        .send(gateway.address)
        .await
}

fn replayed(reply: &Reply) -> bool {
    reply.header("idempotency-replayed") == Some("true")
}

async fn count(gateway: &Gateway) -> usize {
    let list = gateway.get("/api/verifications?limit=100").await.expect(200);
    list["verifications"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_again_gets_the_first_answer() {
    let gateway = Gateway::start().await;
    let first = rent(&gateway, "\"k-1\"").await;
    assert_eq!((first.status, replayed(&first)), (201, false));
    for key in ["\"k-1\"", "k-1"] {
        let again = rent(&gateway, key).await;
        assert_eq!((again.status, replayed(&again)), (201, true));
        assert_eq!(again.body, first.body);
        assert_eq!(again.header("content-type"), first.header("content-type"));
        assert_eq!(again.header("cache-control"), Some("no-store"));
    }
    let path = format!(
        "/api/verifications/{}/cancel",
        first.json()["id"].as_str().unwrap()
    );
    gateway.post(&path, &json!({})).await.expect(200);
    let gateway = gateway.restart(toml::Table::new()).await;
    let again = rent(&gateway, "k-1").await;
    assert_eq!(
        (again.status, &again.body),
        (201, &first.body),
        "whatever became of it, and over a restart"
    );
    assert_eq!(count(&gateway).await, 1);

    let other = json!({ "serviceName": "short" });
    let refused = keyed(&gateway, "/api/verifications", "k-1", &other)
        .send(gateway.address)
        .await;
    assert!(
        refused.expect(422)["detail"]
            .as_str()
            .unwrap()
            .contains("another request")
    );
    assert_eq!(rent(&gateway, "k-2").await.status, 201);
    let theirs = Call::post("/api/verifications", &json!({ "serviceName": "google" }))
        .key(&gateway.other_key)
        .header("idempotency-key", "k-1");
    let theirs = theirs.send(gateway.address).await;
    assert_eq!(
        (theirs.status, replayed(&theirs)),
        (201, false),
        "another account's key is another"
    );
    assert_eq!(count(&gateway).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_at_once_make_one() {
    let gateway = Gateway::start().await;
    for round in 0..3 {
        let key = format!("race-{round}");
        let all = (0..100).map(|_| rent(&gateway, &key));
        let replies = futures_util::future::join_all(all).await;
        let made: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 201).collect();
        let under_way = replies.iter().filter(|reply| reply.status == 409).count();
        assert_eq!(made.len() + under_way, 100);
        assert_eq!(made.iter().filter(|reply| !replayed(reply)).count(), 1);
        let bodies: BTreeSet<&[u8]> = made.iter().map(|reply| reply.body.as_slice()).collect();
        assert_eq!(bodies.len(), 1);
        assert_eq!(count(&gateway).await, round + 1);
    }
}

/// The pairs of contract 001 show what is said; this, that it is rented once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_rents_one_with_a_hundred_at_once() {
    let gateway = Gateway::start().await;
    let wish = json!({ "country": "US", "service": "google" });
    let all = (0..100).map(|_| async {
        keyed(&gateway, "/rentNumber", "k", &wish)
            .send(gateway.address)
            .await
    });
    let replies = futures_util::future::join_all(all).await;
    let made: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 200).collect();
    let under_way: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 409).collect();
    assert_eq!(made.len() + under_way.len(), 100);
    assert!(
        under_way
            .iter()
            .all(|reply| reply.json()["error_code"] == "CONFLICT")
    );
    assert_eq!(made.iter().filter(|reply| !replayed(reply)).count(), 1);
    assert!(made.iter().all(|reply| reply.body == made[0].body));
    assert_eq!(count(&gateway).await, 1);
    let waits = json!({ "country": "US", "service": "google", "acquireTimeout": 5 });
    let other = keyed(&gateway, "/rentNumber", "k", &waits)
        .send(gateway.address)
        .await;
    assert_eq!(other.expect(422)["error_code"], "UNPROCESSABLE");
    let bad = keyed(&gateway, "/rentNumber", "a b", &wish)
        .send(gateway.address)
        .await;
    assert_eq!(bad.expect(400)["error_code"], "BAD_REQUEST");
    let elsewhere = rent(&gateway, "k").await;
    assert_eq!(
        (elsewhere.status, replayed(&elsewhere)),
        (201, false),
        "a key is of its route"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_one_is_under_way_the_others_are_told_and_who_hangs_up_may_try_again() {
    let gateway = Gateway::start().await;
    let taken: Vec<_> = futures_util::future::join_all((0..50).map(|_| gateway.rent("google"))).await;
    let waits = json!({ "serviceName": "google", "acquireTimeout": 60 });
    let call = keyed(&gateway, "/api/verifications", "k", &waits);
    let waiting = call.begin(gateway.address).await;
    let count = || gateway.running.gateway.waiting_for_numbers();
    until("one to wait in line", || count() == 1).await;
    assert!(
        call.send(gateway.address).await.expect(409)["detail"]
            .as_str()
            .unwrap()
            .contains("under way")
    );
    let other = keyed(
        &gateway,
        "/api/verifications",
        "k",
        &json!({ "serviceName": "short" }),
    );
    assert_eq!(other.send(gateway.address).await.status, 422);
    drop(waiting);
    until("nobody to wait", || count() == 0).await;
    let none = rent(&gateway, "k").await;
    assert_eq!(none.status, 503, "refused, and so not kept: {}", none.text());
    gateway
        .post(&taken[0].path("/cancel"), &json!({}))
        .await
        .expect(200);
    assert_eq!(
        rent(&gateway, "k").await.status,
        503,
        "it cools down, and the key is still free"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_and_replays_are_made_once_too() {
    let gateway = Gateway::start().await;
    let hook = json!({ "url": "https://example.com/hook", "events": ["*"] });
    let first = keyed(&gateway, "/api/webhooks", "k", &hook)
        .send(gateway.address)
        .await;
    let again = keyed(&gateway, "/api/webhooks", "k", &hook)
        .send(gateway.address)
        .await;
    assert_eq!(
        (first.status, replayed(&first), replayed(&again)),
        (201, false, true)
    );
    assert!(first.json()["secret"].is_string());
    assert_eq!(
        again.body, first.body,
        "with its secret, which whoever lost the answer needs"
    );
    let list = gateway.get("/api/webhooks").await.expect(200);
    assert_eq!(list["webhooks"].as_array().unwrap().len(), 1);
    let wish = json!({ "dryRun": true });
    let first = keyed(&gateway, "/api/replays", "k", &wish)
        .send(gateway.address)
        .await;
    let again = keyed(&gateway, "/api/replays", "k", &wish)
        .send(gateway.address)
        .await;
    assert_eq!(
        (first.status, &again.body),
        (202, &first.body),
        "a key is of its route"
    );
    let list = gateway.get("/api/replays").await.expect(200);
    assert_eq!(list["replays"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_key_or_no_request_is_refused_and_not_kept() {
    let gateway = Gateway::start().await;
    let wish = json!({ "serviceName": "google" });
    for bad in ["", "\"\"", "\"a", "a b", &"x".repeat(256)] {
        let refused = keyed(&gateway, "/api/verifications", bad, &wish)
            .send(gateway.address)
            .await;
        assert!(
            refused.expect(400)["detail"]
                .as_str()
                .unwrap()
                .contains("Idempotency-Key"),
            "{bad:?}"
        );
    }
    let twice = keyed(&gateway, "/api/verifications", "a", &wish).header("idempotency-key", "b");
    assert_eq!(twice.send(gateway.address).await.status, 400);
    for (body, status) in [
        (json!({ "serviceName": "no such" }), 422),
        (json!({ "serviceName": 1 }), 400),
    ] {
        let refused = keyed(&gateway, "/api/verifications", "k", &body)
            .send(gateway.address)
            .await;
        assert_eq!((refused.status, replayed(&refused)), (status, false));
    }
    let made = rent(&gateway, "k").await;
    assert_eq!((made.status, replayed(&made)), (201, false));
    assert_eq!(count(&gateway).await, 1);
}
