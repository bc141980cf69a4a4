//! How a subscription is delivered to: held while paused or disabled, in order where it wants that, worthless after its time.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;
use crate::support::until;

async fn subscribed(gateway: &Gateway, subscriber: &Subscriber, over: Value) -> String {
    let mut wish = json!({ "url": subscriber.url, "events": ["*"] });
    for (name, value) in over.as_object().unwrap() {
        wish[name] = value.clone();
    }
    let made = gateway.post("/api/webhooks", &wish).await.expect(201);
    format!("/api/webhooks/{}", made["id"].as_str().unwrap())
}

async fn last_status(gateway: &Gateway, path: &str) -> String {
    let log = gateway.get(&format!("{path}/logs")).await.expect(200);
    log["logs"][0]["status"].as_str().unwrap_or_default().to_owned()
}

async fn stands(gateway: &Gateway, path: &str, status: &str) {
    let deadline = std::time::Instant::now() + crate::support::PATIENCE;
    while gateway.get(path).await.expect(200)["status"] != status {
        assert!(
            std::time::Instant::now() < deadline,
            "it never stands as {status}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_in_a_pause_is_held_over_a_restart_and_heard_after() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let path = subscribed(&gateway, &subscriber, json!({})).await;
    gateway
        .post(&format!("{path}/pause"), &json!({}))
        .await
        .expect(200);
    for _ in 0..3 {
        gateway.rent("google").await;
    }
    let gateway = gateway.restart(toml::Table::new()).await;
    stands(&gateway, &path, "paused").await;
    subscriber.hears_nothing_for(Duration::from_millis(1200)).await;
    gateway
        .post(&format!("{path}/resume"), &json!({}))
        .await
        .expect(200);
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(subscriber.next().await.json()["timestamp"].to_string());
    }
    assert!(heard.is_sorted(), "the oldest first: {heard:?}");
    stands(&gateway, &path, "active").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_410_holds_what_is_owed_until_it_is_resumed() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[410]).await;
    let path = subscribed(&gateway, &subscriber, json!({})).await;
    gateway.rent("google").await;
    let gone = subscriber.next().await;
    stands(&gateway, &path, "disabled").await;
    gateway.rent("google").await;
    subscriber.hears_nothing_for(Duration::from_secs(1)).await;
    let shown = gateway.get(&path).await.expect(200);
    assert_eq!(shown["health"]["disabledBecause"], "gone");
    gateway
        .post(&format!("{path}/resume"), &json!({}))
        .await
        .expect(200);
    let again = subscriber.next().await;
    assert_eq!(
        again.header("webhook-id"),
        gone.header("webhook-id"),
        "nothing was lost"
    );
    assert_ne!(
        subscriber.next().await.header("webhook-id"),
        gone.header("webhook-id")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rentals_events_come_in_order_although_the_first_fails() {
    let gateway = Gateway::start().await;
    let mut ordered = Subscriber::start(&[503]).await;
    let mut other = Subscriber::start(&[503]).await;
    subscribed(&gateway, &ordered, json!({ "order": "rental" })).await;
    subscribed(&gateway, &other, json!({})).await;
    let rental = gateway.rent("google").await;
    let text = "Your code is 777123.";
    carrier::post(gateway.address, TELNYX, &draft("m-1", &rental.number, text)).await;
    let kinds = async |subscriber: &mut Subscriber| {
        let mut kinds = Vec::new();
        for _ in 0..4 {
            let delivery = subscriber.next().await;
            let kind = delivery.kind().replace("verification.", "");
            kinds.push(format!("{kind} {}", delivery.answered));
        }
        kinds
    };
    let [first, retried, code, completed] =
        ["created 503", "created 204", "code_received 204", "completed 204"];
    assert_eq!(kinds(&mut ordered).await, [first, retried, code, completed]);
    let mut overtaken = kinds(&mut other).await;
    // The two of one commit are sent at once.
    overtaken[1..3].sort();
    assert_eq!(overtaken, [first, code, completed, retried]);
    let live = gateway.running.gateway.store().live();
    until("nothing to be owed", || live.counts().due == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_not_sent_when_it_is_worthless() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[503]).await;
    let over = json!({ "retry": { "scheduleS": [0, 60] }, "expireAfterS": { "verification.*": 30 } });
    let path = subscribed(&gateway, &subscriber, over).await;
    gateway.rent("google").await;
    subscriber.next().await;
    let live = gateway.running.gateway.store().live();
    until("nothing to be owed", || live.counts().due == 0).await;
    assert_eq!(last_status(&gateway, &path).await, "expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_expired_while_it_was_held_is_marked_and_never_sent() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let path = subscribed(&gateway, &subscriber, json!({ "deadlineS": 1 })).await;
    gateway
        .post(&format!("{path}/pause"), &json!({}))
        .await
        .expect(200);
    gateway.rent("google").await;
    subscriber.hears_nothing_for(Duration::from_millis(1100)).await;
    gateway
        .post(&format!("{path}/resume"), &json!({}))
        .await
        .expect(200);
    let live = gateway.running.gateway.store().live();
    until("nothing to be owed", || live.counts().due == 0).await;
    assert_eq!(last_status(&gateway, &path).await, "expired");
    subscriber.hears_nothing_for(Duration::from_millis(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_spreads_deliveries() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let over = json!({ "rate": { "perSecond": 4.0, "burst": 1 }, "events": ["verification.created"] });
    subscribed(&gateway, &subscriber, over).await;
    let started = std::time::Instant::now();
    for _ in 0..5 {
        gateway.rent("google").await;
    }
    for _ in 0..5 {
        subscriber.next().await;
    }
    assert!(
        started.elapsed() >= Duration::from_millis(950),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_ends_by_the_timeout_of_its_subscription() {
    let gateway = Gateway::start().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", silent.local_addr().unwrap());
    let retry = json!({ "scheduleS": [0] });
    let wish = json!({ "url": url, "events": ["verification.*"], "timeoutMs": 200, "retry": retry });
    let made = gateway.post("/api/webhooks", &wish).await.expect(201);
    gateway.rent("google").await;
    let live = gateway.running.gateway.store().live();
    until("nothing to be owed", || live.counts().due == 0).await;
    let logs = format!("/api/webhooks/{}/logs", made["id"].as_str().unwrap());
    let log = gateway.get(&logs).await.expect(200);
    let delivery = format!("{logs}/{}", log["logs"][0]["id"].as_str().unwrap());
    let attempt = gateway.get(&delivery).await.expect(200)["attempts"][0].clone();
    assert_eq!(attempt["class"], "timeout");
    let took_us = attempt["timingUs"]["total"].as_u64().unwrap();
    assert!(
        (200_000..5_000_000).contains(&took_us),
        "{took_us}; the gateway's own is 15 s"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_forgets_what_waits_in_line_too() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[503]).await;
    let path = subscribed(&gateway, &subscriber, json!({ "order": "rental" })).await;
    let rental = gateway.rent("google").await;
    subscriber.next().await;
    let cancel = format!("/api/verifications/{}/cancel", rental.id);
    gateway.post(&cancel, &json!({})).await.expect(200);
    let live = gateway.running.gateway.store().live();
    assert_eq!(
        live.counts().due,
        2,
        "one is due again later, one waits behind it"
    );
    let delete = Call::new("DELETE", &path).key(&gateway.key);
    assert_eq!(delete.send(gateway.address).await.status, 204);
    until("what was owed to be forgotten", || live.counts().due == 0).await;
}
