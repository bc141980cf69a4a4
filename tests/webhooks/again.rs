//! One delivery once more: whatever became of it, beside the automatic one, with the same id and all attempts of the policy.

use std::time::{Duration, Instant};

use ringback::core::id::{DeliveryId, Seq};
use serde_json::{Value, json};

use crate::support::client::Reply;
use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;
use crate::support::until;

const CREATED: &str = "verification.created";

async fn subscribed(gateway: &Gateway, subscriber: &Subscriber, over: Value) -> String {
    let mut wish = json!({ "url": subscriber.url, "events": [CREATED] });
    for (name, value) in over.as_object().unwrap() {
        wish[name] = value.clone();
    }
    let made = gateway.post("/api/webhooks", &wish).await.expect(201);
    format!("/api/webhooks/{}", made["id"].as_str().unwrap())
}

async fn nothing_is_owed(gateway: &Gateway) {
    let live = gateway.running.gateway.store().live();
    until("nothing to be owed", || live.counts().due == 0).await;
}

/// The newest delivery of the log, and how it stands.
async fn last(gateway: &Gateway, path: &str) -> (String, String) {
    let log = gateway.get(&format!("{path}/logs")).await.expect(200);
    let text = |name: &str| log["logs"][0][name].as_str().unwrap_or_default().to_owned();
    (text("id"), text("status"))
}

/// Waits until the newest delivery stands so; its id.
async fn stands(gateway: &Gateway, path: &str, status: &str) -> String {
    let deadline = Instant::now() + crate::support::PATIENCE;
    loop {
        let (id, is) = last(gateway, path).await;
        if is == status {
            return id;
        }
        assert!(Instant::now() < deadline, "it stands as {is}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn retry(gateway: &Gateway, path: &str, delivery: &str) -> Reply {
    let path = format!("{path}/deliveries/{delivery}/retry");
    gateway.post(&path, &json!({})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_delivered_is_sent_again_under_the_same_id() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let path = subscribed(&gateway, &subscriber, json!({})).await;
    gateway.rent("google").await;
    let first = subscriber.next().await;
    nothing_is_owed(&gateway).await;
    let (id, status) = last(&gateway, &path).await;
    assert_eq!(status, "delivered");
    let told = retry(&gateway, &path, &id).await.expect(202);
    let expected = json!({
        "id": id,
        "eventId": first.header("webhook-id"),
        "eventType": CREATED,
        "trigger": "manual",
        "status": "pending",
    });
    assert_eq!(told, expected);
    let again = subscriber.next().await;
    assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(again.body, first.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_exhausted_gets_all_attempts_again() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[500; 5]).await;
    let path = subscribed(
        &gateway,
        &subscriber,
        json!({ "retry": { "scheduleS": [0, 0, 0] } }),
    )
    .await;
    gateway.rent("google").await;
    for _ in 0..3 {
        subscriber.next().await;
    }
    nothing_is_owed(&gateway).await;
    let (id, status) = last(&gateway, &path).await;
    assert_eq!(status, "failed");
    retry(&gateway, &path, &id).await.expect(202);
    let mut answered = Vec::new();
    for _ in 0..3 {
        answered.push(subscriber.next().await.answered);
    }
    assert_eq!(answered, [500, 500, 204]);
    nothing_is_owed(&gateway).await;
    assert_eq!(last(&gateway, &path).await.1, "delivered");
}

/// While the automatic delivery waits for its retry, a manual one is made and delivered; the retry comes all the same, as its own attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_automatic_one_goes_on_beside_it() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[500, 204, 503]).await;
    let path = subscribed(
        &gateway,
        &subscriber,
        json!({ "retry": { "scheduleS": [0, 5, 1] } }),
    )
    .await;
    gateway.rent("google").await;
    let first = subscriber.next().await;
    let id = stands(&gateway, &path, "retrying").await;
    retry(&gateway, &path, &id).await.expect(202);
    let mut answered = vec![first.answered];
    for _ in 0..3 {
        let next = subscriber.next().await;
        assert_eq!(next.header("webhook-id"), first.header("webhook-id"));
        answered.push(next.answered);
    }
    // The first, the manual one, then the automatic one's second and third.
    assert_eq!(answered, [500, 204, 503, 204]);
    nothing_is_owed(&gateway).await;
    subscriber.hears_nothing_for(Duration::from_millis(300)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_expired_is_sent_once_more_and_has_its_time_again() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[500, 500]).await;
    let over = json!({ "retry": { "scheduleS": [0, 60] }, "expireAfterS": { CREATED: 2 } });
    let path = subscribed(&gateway, &subscriber, over).await;
    gateway.rent("google").await;
    subscriber.next().await;
    nothing_is_owed(&gateway).await;
    let (id, status) = last(&gateway, &path).await;
    assert_eq!(status, "expired");
    // Its time is over by now.
    tokio::time::sleep(Duration::from_millis(2100)).await;
    for (answered, status) in [(500, "expired"), (204, "delivered")] {
        retry(&gateway, &path, &id).await.expect(202);
        assert_eq!(subscriber.next().await.answered, answered);
        nothing_is_owed(&gateway).await;
        assert_eq!(last(&gateway, &path).await.1, status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_one_is_asked_for_and_waits_for_the_resume() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let path = subscribed(&gateway, &subscriber, json!({})).await;
    gateway.rent("google").await;
    let first = subscriber.next().await;
    nothing_is_owed(&gateway).await;
    gateway
        .post(&format!("{path}/pause"), &json!({}))
        .await
        .expect(200);
    let id = last(&gateway, &path).await.0;
    for _ in 0..2 {
        assert_eq!(retry(&gateway, &path, &id).await.expect(202)["status"], "held");
    }
    let gateway = gateway.restart(toml::Table::new()).await;
    subscriber.hears_nothing_for(Duration::from_millis(300)).await;
    gateway
        .post(&format!("{path}/resume"), &json!({}))
        .await
        .expect(200);
    assert_eq!(
        subscriber.next().await.header("webhook-id"),
        first.header("webhook-id")
    );
    nothing_is_owed(&gateway).await;
    subscriber.hears_nothing_for(Duration::from_millis(300)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_sent_again_is_refused_with_what_to_do() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[204, 410]).await;
    let path = subscribed(&gateway, &subscriber, json!({})).await;
    gateway.rent("google").await;
    subscriber.next().await;
    nothing_is_owed(&gateway).await;
    let id = last(&gateway, &path).await.0;
    let refused = async |path: &str, id: &str, status: u16, says: &str| {
        let reply = retry(&gateway, path, id).await;
        assert_eq!(reply.status, status, "{}", reply.text());
        assert!(reply.text().contains(says), "{}", reply.text());
    };
    // Another subscription's, an event that never was, one of long ago, no id at all.
    let other = subscribed(&gateway, &subscriber, json!({ "events": ["message.late"] })).await;
    refused(&other, &id, 404, "not-found").await;
    let of = |seq| {
        let subscription = path.rsplit('/').next().unwrap().parse().unwrap();
        DeliveryId::new(seq, subscription).to_string()
    };
    let never = of(Seq(u64::MAX >> 1));
    refused(&path, &never, 404, "not-found").await;
    let long_ago = of(Seq(1 << 40));
    refused(&path, &long_ago, 410, "past its retention").await;
    refused(&path, "dlv_1", 404, "not-found").await;
    gateway.rent("google").await;
    subscriber.next().await;
    until("the 410 to disable it", || {
        gateway
            .running
            .gateway
            .store()
            .live()
            .owed(gateway.running.gateway.now())
            .len()
            == 1
    })
    .await;
    refused(&path, &id, 409, "resume it first").await;
    let delete = crate::support::client::Call::new("DELETE", &path).key(&gateway.key);
    assert_eq!(delete.send(gateway.address).await.status, 204);
    refused(&path, &id, 404, "not-found").await;
    subscriber.hears_nothing_for(Duration::from_millis(200)).await;
}
