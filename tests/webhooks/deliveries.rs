//! The deliveries of a subscription as they are shown: before, between and after their attempts, by filter and by page.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;
use crate::support::until;

const CREATED: &str = "verification.created";

async fn subscribed(gateway: &Gateway, subscriber: &Subscriber) -> String {
    let wish = json!({ "url": subscriber.url, "events": [CREATED], "retry": { "scheduleS": [0, 600] } });
    let made = gateway.post("/api/webhooks", &wish).await.expect(201);
    format!("/api/webhooks/{}/deliveries", made["id"].as_str().unwrap())
}

async fn list(gateway: &Gateway, path: &str, query: &str) -> Value {
    gateway.get(&format!("{path}?{query}")).await.expect(200)
}

/// The statuses of a page, newest first.
async fn statuses(gateway: &Gateway, path: &str, query: &str) -> Vec<String> {
    let page = list(gateway, path, query).await;
    let all = page["deliveries"].as_array().unwrap().iter();
    all.map(|one| one["status"].as_str().unwrap().to_owned())
        .collect()
}

/// One event is delivered, one waits for its retry, one is held by a pause and was never attempted.
async fn three(gateway: &Gateway) -> (Subscriber, String) {
    let mut subscriber = Subscriber::start(&[204, 500]).await;
    let path = subscribed(gateway, &subscriber).await;
    for _ in 0..2 {
        gateway.rent("google").await;
        subscriber.next().await;
    }
    let deadline = Instant::now() + crate::support::PATIENCE;
    let recorded = async || {
        let page = list(gateway, &path, "").await;
        let attempts = [0, 1].map(|n| page["deliveries"][n]["attempts"].as_u64());
        attempts == [Some(1), Some(1)]
    };
    while !recorded().await {
        assert!(Instant::now() < deadline, "two attempts are never recorded");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let pause = path.replace("deliveries", "pause");
    gateway.post(&pause, &json!({})).await.expect(200);
    gateway.rent("google").await;
    (subscriber, path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_shown_as_it_stands_also_before_its_first_attempt() {
    let gateway = Gateway::start().await;
    let (_subscriber, path) = three(&gateway).await;
    assert_eq!(statuses(&gateway, &path, "").await, ["held", "held", "delivered"]);
    let page = list(&gateway, &path, "").await;
    let told = |n: usize, name: &str| page["deliveries"][n][name].clone();
    assert_eq!(
        (told(0, "attempts"), told(0, "responseCode")),
        (json!(0), Value::Null)
    );
    assert_eq!(
        told(0, "owed"),
        json!([{ "trigger": "automatic", "dueAt": null }])
    );
    assert_eq!(
        (told(1, "attempts"), told(1, "responseCode")),
        (json!(1), json!(500))
    );
    assert!(told(1, "owed")[0]["dueAt"].is_string());
    assert_eq!(told(2, "owed"), json!([]));
    let resume = path.replace("deliveries", "resume");
    let ids: Vec<String> = (0..3)
        .map(|n| told(n, "id").as_str().unwrap().to_owned())
        .collect();
    let waiting = gateway.get(&format!("{path}/{}", ids[0])).await.expect(200);
    assert_eq!(waiting["attemptLog"], json!([]));
    gateway
        .post(&format!("{path}/{}/retry", ids[2]), &json!({}))
        .await
        .expect(202);
    let asked = gateway.get(&format!("{path}/{}", ids[2])).await.expect(200);
    assert_eq!(
        (&asked["status"], &asked["owed"][0]["trigger"]),
        (&json!("delivered"), &json!("manual"))
    );
    gateway.post(&resume, &json!({})).await.expect(200);
    let live = gateway.running.gateway.store().live();
    until("all but the retry to be delivered", || live.counts().due == 1).await;
    assert_eq!(
        statuses(&gateway, &path, "").await,
        ["delivered", "pending", "delivered"]
    );
    let shown = gateway.get(&format!("{path}/{}", ids[2])).await.expect(200);
    let log = shown["attemptLog"].as_array().unwrap().iter();
    let log: Vec<_> = log
        .map(|a| (a["number"].as_u64().unwrap(), a["trigger"].as_str().unwrap()))
        .collect();
    assert_eq!(log, [(2, "manual"), (1, "automatic")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_and_pages() {
    let gateway = Gateway::start().await;
    let (_subscriber, path) = three(&gateway).await;
    assert_eq!(statuses(&gateway, &path, "status=delivered").await, ["delivered"]);
    assert_eq!(statuses(&gateway, &path, "status=held,exhausted").await.len(), 2);
    assert!(statuses(&gateway, &path, "types=message.*").await.is_empty());
    let all = list(&gateway, &path, "").await;
    let middle = &all["deliveries"][1];
    let event = format!("event={}", middle["eventId"].as_str().unwrap());
    assert_eq!(list(&gateway, &path, &event).await["deliveries"], json!([middle]));
    let since = format!("since={}", middle["createdAt"].as_str().unwrap());
    assert_eq!(
        list(&gateway, &path, &since).await["deliveries"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let until = format!("until={}", middle["createdAt"].as_str().unwrap());
    assert_eq!(
        list(&gateway, &path, &until).await["deliveries"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let (mut paged, mut query) = (Vec::new(), "limit=1".to_owned());
    loop {
        let page = list(&gateway, &path, &query).await;
        paged.extend(page["deliveries"].as_array().unwrap().clone());
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        query = format!("limit=1&cursor={next}");
    }
    assert_eq!(json!(paged), all["deliveries"]);
    for bad in [
        "status=good",
        "status=",
        "since=now",
        "event=1",
        "cursor=1",
        "limit=0",
    ] {
        assert_eq!(gateway.get(&format!("{path}?{bad}")).await.status, 400, "{bad}");
    }
}
