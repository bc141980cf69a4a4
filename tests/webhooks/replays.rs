//! Replays over real sockets: what they select, how fast they go, that they wait, end, are cancelled, and go on after a restart.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ringback::clock::Clock;
use serde_json::{Value, json};

use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::subscriber::{Delivery, Subscriber};
use crate::support::until;

const RECEIVED: &str = "message.received";
const LATE: &str = "message.late";
const FINISHED: &str = "replay.finished";

async fn subscribed(gateway: &Gateway, subscriber: &Subscriber, over: Value) -> String {
    let retry = json!({ "scheduleS": [0] });
    let mut wish = json!({ "url": subscriber.url, "events": [RECEIVED], "retry": retry });
    for (name, value) in over.as_object().unwrap() {
        wish[name] = value.clone();
    }
    let made = gateway.post("/api/webhooks", &wish).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

/// Makes events happen; their ids.
async fn happen(gateway: &Gateway, kind: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let made = gateway.post("/api/events/test", &json!({ "type": kind })).await;
        assert!(made.status < 300, "{}", made.text());
        ids.push(made.json()["id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn heard(subscriber: &mut Subscriber, count: usize) -> Vec<Delivery> {
    let mut heard = Vec::new();
    for _ in 0..count {
        heard.push(subscriber.next().await);
    }
    heard
}

fn ids(heard: &[Delivery]) -> Vec<String> {
    heard
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect()
}

async fn nothing_is_owed(gateway: &Gateway) {
    let live = gateway.running.gateway.store().live();
    until("nothing to be owed", || live.counts().due == 0).await;
}

async fn replay(gateway: &Gateway, wish: Value) -> String {
    let made = gateway.post("/api/replays", &wish).await.expect(202);
    assert_eq!(made["status"], "running");
    format!("/api/replays/{}", made["id"].as_str().unwrap())
}

async fn ended(gateway: &Gateway, path: &str) -> Value {
    let deadline = Instant::now() + crate::support::PATIENCE;
    loop {
        let shown = gateway.get(path).await.expect(200);
        if shown["status"] != "running" {
            return shown;
        }
        assert!(Instant::now() < deadline, "it never ends: {shown}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_in_an_outage_is_sent_again_in_order_and_its_end_is_told() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[204, 500, 500, 500, 204]).await;
    let mut watcher = Subscriber::start(&[]).await;
    subscribed(&gateway, &watcher, json!({ "events": ["replay.*"] })).await;
    let id = subscribed(&gateway, &subscriber, json!({ "concurrencyMax": 1 })).await;
    let events = happen(&gateway, RECEIVED, 5).await;
    heard(&mut subscriber, 5).await;
    nothing_is_owed(&gateway).await;
    let wish = json!({ "subscription": id, "status": ["exhausted"], "types": ["message.*"] });
    let mut dry = wish.clone();
    dry["dryRun"] = json!(true);
    let counted = ended(&gateway, &replay(&gateway, dry).await).await;
    assert_eq!(
        (&counted["deliveries"], &counted["events"]),
        (&json!(3), &json!(8)),
        "five messages, and three times that one was given up"
    );
    assert_eq!(counted["sample"].as_array().unwrap().len(), 3);
    subscriber.hears_nothing_for(Duration::from_millis(200)).await;
    let done = ended(&gateway, &replay(&gateway, wish).await).await;
    assert_eq!(
        (&done["status"], &done["deliveries"]),
        (&json!("finished"), &json!(3))
    );
    assert_eq!(done["progress"], 1.0);
    assert_eq!(ids(&heard(&mut subscriber, 3).await), events[1..4]);
    let told = watcher.next_of(FINISHED).await.json();
    assert_eq!(told["data"]["id"], done["id"]);
    assert_eq!(
        (&told["data"]["deliveries"], &told["data"]["events"]),
        (&json!(3), &json!(8))
    );
    nothing_is_owed(&gateway).await;
    watcher.hears_nothing_for(Duration::from_millis(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_a_status_and_a_type_select_what_is_sent_again() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[204, 500, 204]).await;
    let id = subscribed(&gateway, &subscriber, json!({ "events": ["message.*"] })).await;
    let (mut events, mut between) = (Vec::new(), Vec::new());
    for kind in [RECEIVED, RECEIVED, LATE] {
        events.extend(happen(&gateway, kind, 1).await);
        heard(&mut subscriber, 1).await;
        nothing_is_owed(&gateway).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        between.push(Clock::System.now().to_string());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let logs = gateway.get(&format!("/api/webhooks/{id}/logs")).await.expect(200);
    let event_of = |delivery: &Value| {
        let mut lines = logs["logs"].as_array().unwrap().iter();
        let line = lines.find(|line| line["id"] == delivery["id"]).unwrap();
        let at = events.iter().position(|event| line["eventId"] == event.as_str());
        at.unwrap()
    };
    for (wish, expected) in [
        (json!({}), vec![0, 1, 2]),
        (json!({ "since": between[0] }), vec![1, 2]),
        (json!({ "until": between[1] }), vec![0, 1]),
        (json!({ "since": between[0], "until": between[1] }), vec![1]),
        (json!({ "status": ["exhausted"] }), vec![1]),
        (json!({ "status": ["delivered"], "since": between[0] }), vec![2]),
        (json!({ "types": [LATE] }), vec![2]),
        (json!({ "types": [LATE], "until": between[1] }), vec![]),
    ] {
        let mut dry = wish.clone();
        dry["dryRun"] = json!(true);
        let counted = ended(&gateway, &replay(&gateway, dry).await).await;
        let sample = counted["sample"].as_array().unwrap().iter();
        assert_eq!(sample.map(event_of).collect::<Vec<_>>(), expected, "{wish}");
    }
    let wish = json!({ "since": between[0], "until": between[1] });
    ended(&gateway, &replay(&gateway, wish).await).await;
    assert_eq!(ids(&heard(&mut subscriber, 1).await), events[1..2]);
    nothing_is_owed(&gateway).await;
    subscriber.hears_nothing_for(Duration::from_millis(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_is_what_was_never_delivered_and_is_wanted() {
    let gateway = Gateway::start().await;
    let mut early = Subscriber::start(&[204, 500]).await;
    subscribed(&gateway, &early, json!({})).await;
    let events = happen(&gateway, RECEIVED, 2).await;
    heard(&mut early, 2).await;
    happen(&gateway, LATE, 1).await;
    nothing_is_owed(&gateway).await;
    // One that came later wants what it could not hear, and no other type; one with a filter wants none of it.
    let mut late = Subscriber::start(&[]).await;
    let mut narrow = Subscriber::start(&[]).await;
    let id = subscribed(&gateway, &late, json!({})).await;
    subscribed(&gateway, &narrow, json!({ "filter": { "countries": ["DE"] } })).await;
    let done = ended(&gateway, &replay(&gateway, json!({ "missingOnly": true })).await).await;
    assert_eq!(done["deliveries"], 3);
    // Several go out at a time, so that these two may come in either order.
    let both = |ids: Vec<String>| ids.into_iter().collect::<BTreeSet<_>>();
    assert_eq!(both(ids(&heard(&mut late, 2).await)), both(events.clone()));
    assert_eq!(ids(&heard(&mut early, 1).await), events[1..]);
    nothing_is_owed(&gateway).await;
    let again = ended(&gateway, &replay(&gateway, json!({ "missingOnly": true })).await).await;
    assert_eq!(again["deliveries"], 0, "now nothing is missing");
    let pause = format!("/api/webhooks/{id}/pause");
    gateway.post(&pause, &json!({})).await.expect(200);
    happen(&gateway, RECEIVED, 1).await;
    let dry = json!({ "missingOnly": true, "dryRun": true });
    let held = ended(&gateway, &replay(&gateway, dry).await).await;
    assert_eq!(
        held["deliveries"], 0,
        "what waits for its first attempt goes out by itself"
    );
    narrow.hears_nothing_for(Duration::from_millis(100)).await;
}

/// That a delivery to it was given up is not told to the subscription itself when it happens, and no replay tells it afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_a_subscription_is_never_missing_to_it() {
    let gateway = Gateway::start().await;
    let mut all = Subscriber::start(&[500]).await;
    let retry = json!({ "events": ["*"], "retry": { "scheduleS": [0] } });
    subscribed(&gateway, &all, retry).await;
    let events = happen(&gateway, RECEIVED, 1).await;
    heard(&mut all, 1).await;
    nothing_is_owed(&gateway).await;
    let feed = gateway.get("/api/events").await.expect(200);
    assert_eq!(
        feed["events"].as_array().unwrap().len(),
        2,
        "the message, and that it was given up"
    );
    let done = ended(&gateway, &replay(&gateway, json!({ "missingOnly": true })).await).await;
    assert_eq!(done["deliveries"], 1, "{done}");
    assert_eq!(all.next_of(RECEIVED).await.header("webhook-id"), events[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_its_pace_and_can_be_cancelled() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    subscribed(&gateway, &subscriber, json!({})).await;
    happen(&gateway, RECEIVED, 12).await;
    heard(&mut subscriber, 12).await;
    nothing_is_owed(&gateway).await;
    let started = Instant::now();
    let path = replay(&gateway, json!({ "ratePerS": 5 })).await;
    heard(&mut subscriber, 6).await;
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(1100), "{took:?}");
    let cancelled = gateway
        .post(&format!("{path}/cancel"), &json!({}))
        .await
        .expect(200);
    assert_eq!(cancelled["status"], "cancelled");
    let asked = cancelled["deliveries"].as_u64().unwrap() as usize;
    assert!((6..12).contains(&asked), "{asked}");
    heard(&mut subscriber, asked - 6).await;
    subscriber.hears_nothing_for(Duration::from_millis(700)).await;
    let twice = gateway
        .post(&format!("{path}/cancel"), &json!({}))
        .await
        .expect(200);
    assert_eq!(twice, cancelled);
    let feed = gateway.get("/api/events?types=replay.finished").await.expect(200);
    assert_eq!(feed["events"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_the_middle_skips_nothing_and_asks_for_nothing_twice() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    subscribed(&gateway, &subscriber, json!({})).await;
    let events = happen(&gateway, RECEIVED, 20).await;
    heard(&mut subscriber, 20).await;
    nothing_is_owed(&gateway).await;
    let path = replay(&gateway, json!({ "ratePerS": 10 })).await;
    let mut all = heard(&mut subscriber, 7).await;
    let gateway = gateway.restart(toml::Table::new()).await;
    all.extend(heard(&mut subscriber, 13).await);
    assert_eq!(ended(&gateway, &path).await["deliveries"], 20);
    nothing_is_owed(&gateway).await;
    subscriber.hears_nothing_for(Duration::from_millis(300)).await;
    let (mut heard, mut expected) = (ids(&all), events);
    heard.sort();
    expected.sort();
    assert_eq!(heard, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_waits_where_the_subscriber_does_not_keep_up() {
    let over = toml::toml! { outbound = { replay_per_s = 10000 } };
    let gateway = Gateway::start_with(over).await;
    let mut subscriber = Subscriber::start(&[]).await;
    let id = subscribed(&gateway, &subscriber, json!({})).await;
    happen(&gateway, RECEIVED, 300).await;
    heard(&mut subscriber, 300).await;
    nothing_is_owed(&gateway).await;
    let pause = format!("/api/webhooks/{id}/pause");
    gateway.post(&pause, &json!({})).await.expect(200);
    let path = replay(&gateway, json!({ "ratePerS": 50 })).await;
    let live = gateway.running.gateway.store().live();
    until("it to have asked for as many as may wait", || {
        live.counts().due >= 100
    })
    .await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let waiting = live.counts().due;
    assert!(
        waiting <= 150,
        "{waiting} wait for a subscriber that hears nothing"
    );
    let shown = gateway.get(&path).await.expect(200);
    assert_eq!(
        (&shown["status"], &shown["waitingFor"]),
        (&json!("running"), &json!([id]))
    );
    gateway
        .post(&pause.replace("pause", "resume"), &json!({}))
        .await
        .expect(200);
    heard(&mut subscriber, waiting + 1).await;
    gateway
        .post(&format!("{path}/cancel"), &json!({}))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_and_wishes_that_cannot_be_met() {
    let over = toml::toml! { outbound = { replays_max = 1, replay_per_s = 1, replay_deliveries_max = 2 } };
    let gateway = Gateway::start_with(over).await;
    let refused = async |wish: Value, status: u16, says: &str| {
        let reply = gateway.post("/api/replays", &wish).await;
        assert_eq!(reply.status, status, "{wish}: {}", reply.text());
        assert!(reply.text().contains(says), "{wish}: {}", reply.text());
    };
    refused(json!({}), 422, "no subscription").await;
    let mut subscriber = Subscriber::start(&[]).await;
    let id = subscribed(&gateway, &subscriber, json!({})).await;
    refused(json!({ "since": "yesterday" }), 400, "a time like").await;
    refused(json!({ "since": "2999-01-01T00:00:00Z" }), 422, "not after now").await;
    refused(json!({ "status": ["good"] }), 400, "delivered, pending").await;
    refused(json!({ "types": ["*.*"] }), 400, "an event pattern").await;
    refused(json!({ "subscription": "whk_1" }), 404, "not-found").await;
    refused(json!({ "ratePerS": 2 }), 422, "is 1 to 1").await;
    refused(json!({ "dryrun": true }), 400, "unknown field").await;
    happen(&gateway, RECEIVED, 5).await;
    heard(&mut subscriber, 5).await;
    nothing_is_owed(&gateway).await;
    let path = replay(&gateway, json!({ "subscription": id })).await;
    refused(json!({}), 409, "1 replays running").await;
    let other = Call::get(&path)
        .key(&gateway.other_key)
        .send(gateway.address)
        .await;
    assert_eq!(other.status, 404);
    let done = ended(&gateway, &path).await;
    assert_eq!(
        (&done["status"], &done["deliveries"]),
        (&json!("limited"), &json!(2))
    );
    let all = gateway.get("/api/replays").await.expect(200);
    assert_eq!(all["replays"], json!([done]));
    let gone = gateway
        .get("/api/replays/rpl_0123456789abcdef0123456789abcdef")
        .await;
    assert_eq!(gone.status, 404);
}
