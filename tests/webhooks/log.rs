//! The delivery log: each attempt with its parts and reply, found by filter, read page by page, and never at an unbounded cost.

use ringback::core::attempt::{Attempt, Timing, Trigger};
use ringback::core::delivery::{Due, Next, Outcome};
use ringback::core::health::Rules;
use ringback::core::id::{EventId, Seq, SubscriptionId};
use ringback::core::time::UnixMs;
use ringback::store::Commit;
use serde_json::{Value, json};

use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;
use crate::support::until;

/// The path of a subscription that is called once for each event.
async fn subscribed(gateway: &Gateway, url: &str, retry: Value) -> String {
    let wish = json!({ "url": url, "events": ["verification.*"], "retry": { "scheduleS": retry } });
    let made = gateway.post("/api/webhooks", &wish).await.expect(201);
    format!("/api/webhooks/{}", made["id"].as_str().unwrap())
}

async fn nothing_owed(gateway: &Gateway) {
    let live = gateway.running.gateway.store().live();
    until("nothing to be owed", || live.counts().due == 0).await;
}

/// The ids of a page's deliveries, and its cursor.
fn ids(page: &Value) -> (Vec<String>, Option<String>) {
    let logs = page["logs"].as_array().unwrap().iter();
    let ids = logs.map(|line| line["id"].as_str().unwrap().to_owned());
    (ids.collect(), page["nextCursor"].as_str().map(str::to_owned))
}

/// The path of a delivery that was made at the second attempt, and its line in the log.
async fn delivered(gateway: &Gateway, path: &str, subscriber: &mut Subscriber) -> (String, Value) {
    subscriber.answer_next(&[503]);
    gateway.rent("google").await;
    let event = subscriber.next().await.header("webhook-id").to_owned();
    nothing_owed(gateway).await;
    let line = gateway.get(&format!("{path}/logs")).await.expect(200)["logs"][0].clone();
    assert_eq!((&line["eventId"], &line["attempts"]), (&json!(event), &json!(2)));
    (format!("{path}/logs/{}", line["id"].as_str().unwrap()), line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_tells_each_attempt_and_an_attempt_its_reply() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let path = subscribed(&gateway, &subscriber.url, json!([0, 0])).await;
    let (delivery, line) = delivered(&gateway, &path, &mut subscriber).await;
    let key = gateway.get(&path).await.expect(200)["signingKeys"][0]["id"].clone();
    let shown = gateway.get(&delivery).await.expect(200);
    assert_eq!(shown["delivery"], line);
    let [second, first] = &shown["attempts"].as_array().unwrap()[..] else {
        panic!("{shown}")
    };
    for (attempt, number, class, status) in [(first, 1, "5xx", "retrying"), (second, 2, "2xx", "delivered")] {
        let words = (
            &attempt["number"],
            &attempt["class"],
            &attempt["status"],
            &attempt["trigger"],
        );
        assert_eq!(
            words,
            (&json!(number), &json!(class), &json!(status), &json!("automatic"))
        );
        assert!(key.is_string() && attempt["startedAt"].is_string());
        assert_eq!(attempt["signedWith"], json!([key]));
        let timing = attempt["timingUs"].as_object().unwrap();
        assert_eq!(timing.contains_key("connect"), number == 1, "{timing:?}");
        assert!(
            timing.contains_key("firstByte") && !timing.contains_key("dns") && !timing.contains_key("tls")
        );
    }
    assert!(first["advice"].as_str().unwrap().contains("does not reach it") && second["advice"] == "");
    let whole = gateway.get(&format!("{delivery}/attempts/1")).await.expect(200);
    let response = json!({ "headers": whole["response"]["headers"], "truncated": false, "body": "so be it" });
    assert_eq!(whole["response"], response);
    assert_eq!(whole["response"]["headers"]["content-length"], "8");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_attempts_of_a_delivery_are_paged_and_only_its_owners() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let path = subscribed(&gateway, &subscriber.url, json!([0, 0])).await;
    let (delivery, _) = delivered(&gateway, &path, &mut subscriber).await;
    let shown = gateway.get(&delivery).await.expect(200);
    let (second, first) = (&shown["attempts"][0], &shown["attempts"][1]);
    let one = gateway.get(&format!("{delivery}?limit=1")).await.expect(200);
    assert_eq!(
        (&one["attempts"], &one["nextCursor"]),
        (&json!([second]), &json!("2"))
    );
    let rest = gateway
        .get(&format!("{delivery}?limit=1&cursor=2"))
        .await
        .expect(200);
    assert_eq!(
        (&rest["attempts"], rest.get("nextCursor")),
        (&json!([first]), None)
    );
    for none in [
        format!("{delivery}/attempts/3"),
        format!("{delivery}/attempts/0"),
        format!("{path}/logs/dlv_1"),
    ] {
        assert_eq!(gateway.get(&none).await.status, 404, "{none}");
    }
    for path in [
        format!("{path}/logs"),
        delivery.clone(),
        format!("{delivery}/attempts/1"),
    ] {
        let foreign = Call::get(&path)
            .key(&gateway.other_key)
            .send(gateway.address)
            .await;
        assert_eq!(foreign.status, 404, "{path}");
    }
    let other = subscribed(&gateway, &subscriber.url, json!([0])).await;
    let elsewhere = delivery.replace(&path, &other);
    assert_eq!(gateway.get(&elsewhere).await.status, 404, "another's delivery");
}

/// The path of a subscription that heard five events, one attempt each, and their ids.
async fn five(gateway: &Gateway, subscriber: &mut Subscriber) -> (String, Vec<String>) {
    let path = subscribed(gateway, &subscriber.url, json!([0])).await;
    let mut events = Vec::new();
    for _ in 0..5 {
        gateway.rent("google").await;
        events.push(subscriber.next().await.header("webhook-id").to_owned());
        nothing_owed(gateway).await;
    }
    (path, events)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_are_found_by_what_became_of_them() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[204, 500, 204, 404]).await;
    let (path, events) = five(&gateway, &mut subscriber).await;
    let all = gateway.get(&format!("{path}/logs")).await.expect(200);
    assert!(all.get("nextCursor").is_none(), "nothing is left: {all}");
    let (all_ids, _) = ids(&all);
    let time = |at: usize| all["logs"][at]["createdAt"].as_str().unwrap().to_owned();
    let found = async |query: &str| {
        let page = gateway.get(&format!("{path}/logs?{query}")).await.expect(200);
        let at = |id: &String| all_ids.iter().position(|known| known == id).unwrap();
        ids(&page).0.iter().map(at).collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("status=failed".to_owned(), vec![1, 3]),
        ("status=delivered".to_owned(), vec![0, 2, 4]),
        ("class=4xx".to_owned(), vec![1]),
        ("class=5xx&status=failed".to_owned(), vec![3]),
        ("types=verification.created".to_owned(), vec![0, 1, 2, 3, 4]),
        ("types=message.*".to_owned(), vec![]),
        (format!("event={}", events[1]), vec![3]),
        (format!("since={}", time(2)), vec![0, 1, 2]),
        (format!("until={}", time(2)), vec![2, 3, 4]),
        (format!("since={}&until={}", time(3), time(1)), vec![1, 2, 3]),
        ("since=2100-01-01T00:00:00Z".to_owned(), vec![]),
        ("until=2001-01-01T00:00:00Z".to_owned(), vec![]),
    ] {
        assert_eq!(found(&query).await, expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_follow_one_another_and_a_wrong_filter_is_told() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[204, 500, 204, 404]).await;
    let (path, _) = five(&gateway, &mut subscriber).await;
    let (all_ids, _) = ids(&gateway.get(&format!("{path}/logs")).await.expect(200));
    for filter in ["", "status=delivered&"] {
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = gateway
                .get(&format!("{path}/logs?{filter}limit=2{cursor}"))
                .await
                .expect(200);
            let (ids, next) = ids(&page);
            paged.extend(ids);
            let Some(next) = next else { break };
            cursor = format!("&cursor={next}");
        }
        let expected: Vec<&String> = all_ids.iter().step_by(1 + filter.len().min(1)).collect();
        assert_eq!(paged.iter().collect::<Vec<_>>(), expected, "{filter}");
    }
    for (query, says) in [
        ("status=lost", "is one of delivered"),
        ("event=1", "evt_"),
        ("since=yesterday", "2026-11-21T19:00:00Z"),
        ("cursor=dlv_00000000000000000000000000000000", "nextCursor"),
        ("limit=101", "1 to 100"),
    ] {
        let reply = gateway.get(&format!("{path}/logs?{query}")).await;
        assert!(
            reply.status == 400 && reply.text().contains(says),
            "{query}: {}",
            reply.text()
        );
    }
}

fn attempt(subscription: SubscriptionId, event: Seq, kind: &str) -> Attempt {
    Attempt {
        due: Due {
            subscription,
            due_at: event.written_at(),
            event,
            attempts: 0,
            spent: 0,
            line: None,
            asked_at: None,
        },
        trigger: Trigger::Automatic,
        event: EventId([7; 16]),
        kind: kind.into(),
        started_at: event.written_at(),
        timing: Timing::default(),
        outcome: Outcome::Failed("dns".into()),
        next: Next::Exhausted,
        class: "dns".into(),
        advice: String::new(),
        response: None,
        signed_with: Vec::new(),
        expires_at: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_looks_at_no_more_than_its_bound() {
    let gateway = Gateway::start().await;
    let path = subscribed(&gateway, "http://127.0.0.1:9/", json!([0])).await;
    let id: SubscriptionId = path.rsplit('/').next().unwrap().parse().unwrap();
    let (store, now) = (gateway.running.gateway.store(), gateway.running.gateway.now());
    let tickets: Vec<_> = (0..1200)
        .map(|n: u64| {
            let event = Seq(Seq::first_at(UnixMs(now.0)).0 + n);
            let kind = if n == 0 {
                "message.late"
            } else {
                "message.received"
            };
            store.commit(
                Commit::Record(Box::new(attempt(id, event, kind)), Rules::default()),
                now.into(),
            )
        })
        .collect();
    for ticket in tickets {
        ticket.await.unwrap();
    }
    let (mut pages, mut found, mut cursor) = (0, Vec::new(), String::new());
    loop {
        let page = gateway
            .get(&format!("{path}/logs?types=message.late{cursor}"))
            .await
            .expect(200);
        let (ids, next) = ids(&page);
        (pages, found) = (pages + 1, [found, ids].concat());
        let Some(next) = next else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((pages, found.len()), (3, 1), "500, 500 and the rest");
}
