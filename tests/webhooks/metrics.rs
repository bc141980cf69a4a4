//! What operators see of deliveries: lag, time from event to delivery, outcomes, what is held, the oldest that is due; and that the
//! gateway is not ready while deliveries are stuck.

use std::sync::Arc;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;
use crate::support::{until, until_async};

async fn page(gateway: &Gateway) -> String {
    let reply = Call::get("/metrics").send(gateway.running.admin_address).await;
    assert_eq!(reply.status, 200);
    reply.text()
}

/// The value of the one line that begins with this name and these labels.
fn value(page: &str, name: &str) -> f64 {
    let lines = page
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let values: Vec<f64> = lines.map(|value| value.parse().unwrap()).collect();
    assert_eq!(values.len(), 1, "{name}\n{page}");
    values[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_and_deliveries_are_counted_and_timed() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[503]).await;
    let wish = json!({ "url": subscriber.url, "events": ["*"], "retry": { "scheduleS": [0, 1] } });
    let made = gateway.post("/api/webhooks", &wish).await.expect(201);
    gateway.rent("google").await;
    for _ in 0..2 {
        subscriber.next().await;
    }
    let live = gateway.running.gateway.store().live();
    until("nothing to be owed", || live.counts().due == 0).await;
    let page = page(&gateway).await;
    for (name, expected) in [
        ("ringback_delivery_attempts_total{class=\"5xx\"}", 1.0),
        ("ringback_delivery_attempts_total{class=\"2xx\"}", 1.0),
        ("ringback_delivery_outcomes_total{outcome=\"retrying\"}", 1.0),
        ("ringback_delivery_outcomes_total{outcome=\"delivered\"}", 1.0),
        ("ringback_delivery_lag_seconds_count", 2.0),
        ("ringback_delivery_end_to_end_seconds_count", 1.0),
        ("ringback_delivery_end_to_end_seconds_bucket{le=\"0.5\"}", 0.0),
        ("ringback_delivery_end_to_end_seconds_bucket{le=\"+Inf\"}", 1.0),
        ("ringback_delivery_due", 0.0),
        ("ringback_delivery_held", 0.0),
        ("ringback_delivery_oldest_due_age_seconds", 0.0),
    ] {
        assert_eq!(value(&page, name), expected, "{name}");
    }
    let (lag_s, whole_s) = (
        value(&page, "ringback_delivery_lag_seconds_sum"),
        value(&page, "ringback_delivery_end_to_end_seconds_sum"),
    );
    assert!(
        whole_s >= 1.0 && lag_s < whole_s,
        "a retry waits for its second, which is no lag: {lag_s} {whole_s}"
    );
    // A manual delivery says nothing of how long events take.
    let logs = gateway
        .get(&format!("/api/webhooks/{}/logs", made["id"].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(logs["logs"][0]["status"], "delivered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_is_not_overdue_and_of_many_queues_the_longest_are_shown() {
    let gateway = Gateway::start().await;
    let mut ids = Vec::new();
    for _ in 0..25 {
        let made = gateway
            .subscribe("http://127.0.0.1:9/", &["verification.*"])
            .await;
        let id = made["id"].as_str().unwrap().to_owned();
        let path = format!("/api/webhooks/{id}/pause");
        gateway.post(&path, &json!({})).await.expect(200);
        ids.push(id);
    }
    let longest = gateway.subscribe("http://127.0.0.1:9/", &["*"]).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    gateway
        .post(&format!("/api/webhooks/{longest}/pause"), &json!({}))
        .await
        .expect(200);
    gateway.rent("google").await;
    let sample = json!({ "type": "message.received" });
    gateway.post("/api/events/test", &sample).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let page = page(&gateway).await;
    assert_eq!(value(&page, "ringback_delivery_held"), 27.0);
    assert_eq!(
        value(&page, "ringback_delivery_oldest_due_age_seconds"),
        0.0,
        "it is nobody's fault"
    );
    let due = "ringback_subscription_delivery_due{subscription=";
    assert_eq!(page.matches(due).count(), 20);
    assert_eq!(value(&page, &format!("{due}\"{longest}\"}}")), 2.0);
    let age = format!("ringback_subscription_delivery_oldest_due_age_seconds{{subscription=\"{longest}\"}}");
    assert!(value(&page, &age) > 1.0, "of the one subscription it is told");
    assert!(!page.contains("127.0.0.1"), "no URL");
}

/// A receiver that answers nobody until it is told to; where it listens.
async fn hanging(release: Arc<Notify>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut released = false;
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 4096];
            let _ = stream.read(&mut bytes).await;
            if !std::mem::replace(&mut released, true) {
                release.notified().await;
            }
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.ok();
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_is_not_ready_while_deliveries_are_stuck() {
    let over = toml::toml! {
        [outbound]
        stuck_s = 1
        concurrency_max = 1
    };
    let gateway = Gateway::start_with(over).await;
    let release = Arc::new(Notify::new());
    let url = hanging(release.clone()).await;
    let mut other = Subscriber::start(&[]).await;
    let wish = json!({ "url": url, "events": ["verification.created"], "timeoutMs": 60000 });
    gateway.post("/api/webhooks", &wish).await.expect(201);
    let ready = async |is_ready: bool| {
        until_async(&format!("ready: {is_ready}"), async || {
            let reply = Call::get("/readyz").send(gateway.running.admin_address).await;
            assert_eq!(reply.status == 200, reply.json()["ready"] == true);
            (reply.json()["ready"] == is_ready).then(|| reply.json())
        })
        .await
    };
    ready(true).await;
    gateway.rent("google").await;
    let holds = || {
        gateway
            .running
            .gateway
            .metrics()
            .render(&[])
            .contains("ringback_delivery_lag_seconds_count 1")
    };
    until("the only place to be taken", holds).await;
    gateway.subscribe(&other.url, &["verification.created"]).await;
    gateway.rent("google").await;
    let stuck = ready(false).await;
    assert!(
        stuck["deliveries"].as_str().unwrap().starts_with("stuck") && stuck["store"] == "ok",
        "{stuck}"
    );
    assert!(value(&page(&gateway).await, "ringback_delivery_oldest_due_age_seconds") > 0.0);
    release.notify_one();
    other.next().await;
    assert_eq!(ready(true).await["deliveries"], "ok");
}
