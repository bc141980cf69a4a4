//! Operational events: who watches its account's subscriptions hears when one is switched off, comes back, or was given a delivery up.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;
use crate::support::until;

async fn subscribed(gateway: &Gateway, subscriber: &Subscriber, events: Value, over: Value) -> String {
    let mut wish = json!({ "url": subscriber.url, "events": events });
    for (name, value) in over.as_object().unwrap() {
        wish[name] = value.clone();
    }
    let made = gateway.post("/api/webhooks", &wish).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

const OPERATIONAL: [&str; 2] = ["subscription.*", "delivery.*"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_410_and_the_return_are_told_to_the_others_and_stand_in_the_feed() {
    let gateway = Gateway::start().await;
    let (mut gone, mut watcher) = (Subscriber::start(&[410]).await, Subscriber::start(&[503]).await);
    let id = subscribed(&gateway, &gone, json!(["*"]), json!({})).await;
    subscribed(&gateway, &watcher, json!(OPERATIONAL), json!({})).await;
    gateway.rent("google").await;
    gone.next().await;
    for answered in [503, 204] {
        let told = watcher.next().await;
        assert_eq!(
            (told.kind().as_str(), told.answered),
            ("subscription.disabled", answered)
        );
        assert_eq!(
            told.json()["data"],
            json!({
                "id": id, "reason": "gone", "failures": 1, "failingSince": told.json()["data"]["failingSince"],
            })
        );
    }
    gateway
        .post(&format!("/api/webhooks/{id}/resume"), &json!({}))
        .await
        .expect(200);
    let back = watcher.next().await.json();
    assert_eq!(
        (&back["type"], &back["data"]["id"]),
        (&json!("subscription.recovered"), &json!(id))
    );
    assert_eq!(gone.next().await.kind(), "verification.created", "what was held");
    gone.hears_nothing_for(Duration::from_millis(300)).await;
    let feed = gateway.get("/api/events?types=subscription.*").await.expect(200);
    let kinds: Vec<&Value> = feed["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["payload"]["type"])
        .collect();
    assert_eq!(kinds, ["subscription.disabled", "subscription.recovered"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_is_given_up_is_told_once_although_its_watcher_fails_too() {
    let gateway = Gateway::start().await;
    let (mut lost, mut watcher) = (Subscriber::start(&[500]).await, Subscriber::start(&[500]).await);
    let once = json!({ "retry": { "scheduleS": [0] } });
    let id = subscribed(&gateway, &lost, json!(["*"]), once.clone()).await;
    subscribed(&gateway, &watcher, json!(OPERATIONAL), once).await;
    gateway.rent("google").await;
    let event = lost.next().await;
    let told = watcher.next().await;
    let data = &told.json()["data"];
    assert_eq!(told.kind(), "delivery.exhausted");
    assert_eq!(
        (
            &data["subscriptionId"],
            &data["eventId"],
            &data["eventType"],
            &data["attempts"],
            &data["class"],
            &data["responseCode"]
        ),
        (
            &json!(id),
            &json!(event.header("webhook-id")),
            &json!("verification.created"),
            &json!(1),
            &json!("5xx"),
            &json!(500)
        )
    );
    let delivery = format!("/api/webhooks/{id}/logs/{}", data["id"].as_str().unwrap());
    let logged = gateway.get(&delivery).await.expect(200);
    assert_eq!(
        (&logged["delivery"]["id"], &logged["delivery"]["status"]),
        (&data["id"], &json!("failed"))
    );
    let live = gateway.running.gateway.store().live();
    until("nothing to be owed", || live.counts().due == 0).await;
    watcher.hears_nothing_for(Duration::from_millis(300)).await;
    lost.hears_nothing_for(Duration::from_millis(1)).await;
    let feed = gateway.get("/api/events?types=delivery.*").await.expect(200);
    assert_eq!(feed["events"].as_array().unwrap().len(), 1, "{feed}");
}
