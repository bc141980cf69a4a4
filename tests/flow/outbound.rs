//! Out: every attempt of a delivery carries the same id, a time of its own and a signature that holds; a success ends it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::gateway::Gateway;
use crate::support::subscriber::{Delivery, Subscriber};
use crate::support::until;

const TEXT: &str = "Your code is 777123.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_503_is_tried_again_with_the_same_id_and_a_new_signature() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[503]).await;
    let made = gateway
        .subscribe(&subscriber.url, &["verification.code_received"])
        .await;
    let rental = gateway.rent("google").await;
    carrier::post(gateway.address, TELNYX, &draft("m-1", &rental.number, TEXT)).await;

    let (first, second) = (subscriber.next().await, subscriber.next().await);
    assert_eq!((first.answered, second.answered), (503, 204));
    let secret = made["secret"].as_str().unwrap();
    for attempt in [&first, &second] {
        assert_eq!(attempt.verified(secret), Ok(()));
        assert_eq!(attempt.header("content-type"), "application/json");
        assert!(attempt.header("user-agent").starts_with("ringback/"));
    }
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    assert!(
        seconds(&second) > seconds(&first),
        "the second attempt comes a second or more after the first"
    );
    assert_ne!(
        first.header("webhook-signature"),
        second.header("webhook-signature")
    );
    subscriber.hears_nothing_for(Duration::from_millis(2500)).await;

    let log = gateway
        .get(&format!("/api/webhooks/{}/logs", made["id"].as_str().unwrap()))
        .await
        .expect(200);
    let line = &log["logs"][0];
    assert_eq!(
        (&line["status"], &line["attempts"], &line["responseCode"]),
        (&json!("delivered"), &json!(2), &json!(204))
    );
    assert_eq!(log["logs"].as_array().unwrap().len(), 1);
}

fn seconds(delivery: &Delivery) -> u64 {
    delivery.header("webhook-timestamp").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schedule_ends_and_the_log_says_so() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[500, 404, 301]).await;
    let made = gateway
        .subscribe(&subscriber.url, &["verification.created"])
        .await;
    gateway.rent("google").await;
    let attempts = [
        subscriber.next().await,
        subscriber.next().await,
        subscriber.next().await,
    ];
    let ids: BTreeSet<&str> = attempts
        .iter()
        .map(|attempt| attempt.header("webhook-id"))
        .collect();
    assert_eq!(ids.len(), 1);
    subscriber.hears_nothing_for(Duration::from_millis(1500)).await;
    let log = gateway
        .get(&format!("/api/webhooks/{}/logs", made["id"].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(
        (&log["logs"][0]["status"], &log["logs"][0]["attempts"]),
        (&json!("failed"), &json!(3))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_410_ends_the_subscription() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[410]).await;
    gateway.subscribe(&subscriber.url, &["*"]).await;
    gateway.rent("google").await;
    assert_eq!(subscriber.next().await.answered, 410);
    let live = gateway.running.gateway.store().live();
    let account = ringback::core::id::AccountId::parse("acme").unwrap();
    until("the subscription to be disabled", || {
        let id = live.subscriptions(&account)[0].id;
        live.health(id).disabled.is_some()
    })
    .await;
    gateway.rent("google").await;
    subscriber.hears_nothing_for(Duration::from_secs(1)).await;
    assert_eq!(
        gateway.get("/api/webhooks").await.json()["webhooks"][0]["active"],
        false
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_may_bring_its_key_or_take_an_ed25519_one() {
    let gateway = Gateway::start().await;
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let mut first = Subscriber::start(&[]).await;
    let mut second = Subscriber::start(&[]).await;
    let wish = json!({ "url": first.url, "events": ["verification.*"], "secret": own });
    assert_eq!(
        gateway.post("/api/webhooks", &wish).await.expect(201)["secret"],
        own
    );
    let wish = json!({ "url": second.url, "events": ["verification.created"], "scheme": "v1a" });
    let made = gateway.post("/api/webhooks", &wish).await.expect(201);
    assert!(made.get("secret").is_none(), "the private key never leaves");
    gateway.rent("google").await;
    assert_eq!(first.next().await.verified(own), Ok(()));
    let delivery = second.next().await;
    assert!(delivery.header("webhook-signature").starts_with("v1a,"));
    assert_eq!(delivery.verified(made["publicKey"].as_str().unwrap()), Ok(()));
    assert!(delivery.verified(own).is_err(), "the check itself can fail");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_subscription_hears_nothing_more() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[503]).await;
    let made = gateway.subscribe(&subscriber.url, &["*"]).await;
    gateway.rent("google").await;
    assert_eq!(subscriber.next().await.answered, 503);
    let path = format!("/api/webhooks/{}", made["id"].as_str().unwrap());
    let delete = crate::support::client::Call::new("DELETE", &path).key(&gateway.key);
    assert_eq!(delete.send(gateway.address).await.status, 204);
    gateway.rent("google").await;
    subscriber.hears_nothing_for(Duration::from_millis(1500)).await;
    let live = gateway.running.gateway.store().live();
    until("what was owed to be forgotten", || live.counts().due == 0).await;
    assert_eq!(delete.send(gateway.address).await.status, 404);
}
