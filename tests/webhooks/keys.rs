//! Keys: rotation with an overlap, several at a time, both schemes mixed, and what a receiver with either key sees.

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::subscriber::{Delivery, Subscriber};
use crate::support::until;

async fn rotated(gateway: &Gateway, made: &Value, wish: Value) -> Value {
    let path = format!("/api/webhooks/{}/rotate-secret", made["id"].as_str().unwrap());
    gateway.post(&path, &wish).await.expect(200)
}

/// What the log says of the keys of the newest attempt.
async fn signed_with(gateway: &Gateway, made: &Value) -> Value {
    let live = gateway.running.gateway.store().live();
    until("nothing to be owed", || live.counts().due == 0).await;
    let logs = format!("/api/webhooks/{}/logs", made["id"].as_str().unwrap());
    let log = gateway.get(&logs).await.expect(200);
    let delivery = format!("{logs}/{}", log["logs"][0]["id"].as_str().unwrap());
    gateway.get(&delivery).await.expect(200)["attempts"][0]["signedWith"].clone()
}

async fn next(gateway: &Gateway, subscriber: &mut Subscriber) -> Delivery {
    gateway.rent("google").await;
    subscriber.next().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_that_has_not_expired_signs_and_either_verifies() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let made = gateway
        .subscribe(&subscriber.url, &["verification.created"])
        .await;
    let first = made["secret"].as_str().unwrap().to_owned();
    let second = rotated(&gateway, &made, json!({ "scheme": "v1a", "overlapS": 60 })).await;
    assert!(second.get("secret").is_none(), "the private key never leaves");
    let third = rotated(&gateway, &made, json!({})).await;

    let delivery = next(&gateway, &mut subscriber).await;
    for key in [
        first.as_str(),
        second["publicKey"].as_str().unwrap(),
        third["secret"].as_str().unwrap(),
    ] {
        assert_eq!(delivery.verified(key), Ok(()), "{key}");
    }
    let schemes: Vec<&str> = delivery
        .header("webhook-signature")
        .split(' ')
        .map(|one| one.split(',').next().unwrap())
        .collect();
    assert_eq!(schemes, ["v1", "v1a", "v1"], "newest first");
    let keys = third["signingKeys"].as_array().unwrap();
    assert_eq!(keys.len(), 3);
    assert!(
        keys[0]["expiresAt"].is_null()
            && keys[1]["expiresAt"].is_string()
            && keys[2]["expiresAt"].is_string()
    );
    assert!(!third["signingKeys"].to_string().contains("whsec_"), "names only");
    let names: Vec<&Value> = keys.iter().map(|key| &key["id"]).collect();
    assert_eq!(json!(names), signed_with(&gateway, &made).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_overlap_the_old_key_is_dead_at_once() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let made = gateway
        .subscribe(&subscriber.url, &["verification.created"])
        .await;
    let second = rotated(&gateway, &made, json!({ "overlapS": 0 })).await;
    let delivery = next(&gateway, &mut subscriber).await;
    let shown = gateway
        .get(&format!("/api/webhooks/{}", made["id"].as_str().unwrap()))
        .await
        .expect(200);
    let alone = json!([shown["signingKeys"][0]["id"]]);
    assert_eq!(signed_with(&gateway, &made).await, alone);
    assert_eq!(delivery.verified(second["secret"].as_str().unwrap()), Ok(()));
    assert!(delivery.verified(made["secret"].as_str().unwrap()).is_err());
    assert!(
        !delivery.header("webhook-signature").contains(' '),
        "one signature"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overlap_ends_by_itself() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let made = gateway
        .subscribe(&subscriber.url, &["verification.created"])
        .await;
    rotated(&gateway, &made, json!({ "overlapS": 1 })).await;
    let old = made["secret"].as_str().unwrap();
    assert_eq!(next(&gateway, &mut subscriber).await.verified(old), Ok(()));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while next(&gateway, &mut subscriber).await.verified(old).is_ok() {
        assert!(std::time::Instant::now() < deadline, "the old key signs for ever");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_has_limits() {
    let gateway = Gateway::start().await;
    let made = gateway.subscribe("http://127.0.0.1:9/", &["*"]).await;
    let path = format!("/api/webhooks/{}/rotate-secret", made["id"].as_str().unwrap());
    for (wish, says) in [
        (json!({ "overlapS": 604_801 }), "\\\"overlapS\\\" is 0 to 604800"),
        (json!({ "scheme": "v3" }), "\\\"scheme\\\""),
        (json!({ "secret": made["secret"] }), "has already"),
    ] {
        let reply = gateway.post(&path, &wish).await;
        assert!(
            reply.status == 400 && reply.text().contains(says),
            "{wish}: {}",
            reply.text()
        );
    }
    for _ in 0..9 {
        rotated(&gateway, &made, json!({})).await;
    }
    assert_eq!(
        gateway.post(&path, &json!({})).await.status,
        400,
        "ten keys are enough"
    );
}
