//! The reply header `webhook-delivery`: where it is agreed, a receiver switches its subscription off or gives one delivery up.

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;
use crate::support::{until, until_async};

async fn subscribed(gateway: &Gateway, subscriber: &Subscriber, obeys: bool) -> String {
    let wish = json!({ "url": subscriber.url, "events": ["verification.created"], "obeyControl": obeys });
    let made = gateway.post("/api/webhooks", &wish).await.expect(201);
    format!("/api/webhooks/{}", made["id"].as_str().unwrap())
}

/// The newest line of the log, once it tells of this status.
async fn logged(gateway: &Gateway, path: &str, status: &str) -> Value {
    let path = format!("{path}/logs");
    until_async(status, async || {
        let log = gateway.get(&path).await.expect(200);
        let line = &log["logs"].get(0)?;
        (line["status"] == status).then(|| (*line).clone())
    })
    .await
}

/// The subscription, once it stands so.
async fn stands(gateway: &Gateway, path: &str, status: &str) -> Value {
    until_async(status, async || {
        let shown = gateway.get(path).await.expect(200);
        (shown["status"] == status).then_some(shown)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disable_switches_off_and_what_is_owed_is_held() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let path = subscribed(&gateway, &subscriber, true).await;
    subscriber.control_next(200, "disable");
    gateway.rent("google").await;
    let first = subscriber.next().await;
    let line = logged(&gateway, &path, "disabled").await;
    assert_eq!(line["responseCode"], 200);
    let shown = stands(&gateway, &path, "disabled").await;
    assert_eq!(
        (&shown["health"]["disabledBecause"], &shown["health"]["probeAt"]),
        (&json!("asked"), &Value::Null),
        "it asked to hear nothing, so nothing probes it"
    );
    gateway.rent("google").await;
    subscriber
        .hears_nothing_for(std::time::Duration::from_millis(300))
        .await;
    gateway
        .post(&format!("{path}/resume"), &json!({}))
        .await
        .expect(200);
    assert_eq!(
        subscriber.next().await.header("webhook-id"),
        first.header("webhook-id")
    );
    assert_ne!(
        subscriber.next().await.header("webhook-id"),
        first.header("webhook-id")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abort_message_gives_up_one_delivery_and_no_other() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let path = subscribed(&gateway, &subscriber, true).await;
    subscriber.control_next(422, "abort-message");
    gateway.rent("google").await;
    let given_up = subscriber.next().await;
    let line = logged(&gateway, &path, "aborted").await;
    assert_eq!(
        (&line["attempts"], &line["responseCode"]),
        (&json!(1), &json!(422))
    );
    let live = gateway.running.gateway.store().live();
    until("nothing to be owed", || live.counts().due == 0).await;
    subscriber.control_next(200, "abort-message");
    gateway.rent("google").await;
    assert_ne!(
        subscriber.next().await.header("webhook-id"),
        given_up.header("webhook-id")
    );
    logged(&gateway, &path, "delivered").await;
    stands(&gateway, &path, "active").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_agreement_or_with_another_word_nothing_is_obeyed() {
    let gateway = Gateway::start().await;
    for (obeys, word) in [
        (false, "disable"),
        (false, "abort-message"),
        (true, "Disable"),
        (true, "stop"),
    ] {
        let mut subscriber = Subscriber::start(&[]).await;
        let path = subscribed(&gateway, &subscriber, obeys).await;
        subscriber.control_next(503, word);
        gateway.rent("google").await;
        let first = subscriber.next().await;
        let again = subscriber.next().await;
        assert_eq!(
            first.header("webhook-id"),
            again.header("webhook-id"),
            "{word}: a failure like others"
        );
        logged(&gateway, &path, "delivered").await;
        stands(&gateway, &path, "active").await;
    }
}
