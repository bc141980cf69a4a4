//! The messages of a verification: in their order by cursor, filtered, held for the next one, and none lost or doubled.

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::{Call, Reply};
use crate::support::gateway::{Gateway, Rental};
use crate::support::within;

async fn bring(gateway: &Gateway, rental: &Rental, id: &str, (from, text): (&str, &str)) {
    let mut message = draft(id, &rental.number, text);
    message.from = from.into();
    let reply = carrier::post(gateway.address, TELNYX, &message).await;
    assert_eq!(reply.status, 204, "{}", reply.text());
}

async fn page(gateway: &Gateway, rental: &Rental, query: &str) -> Value {
    gateway
        .get(&rental.path(&format!("/messages{query}")))
        .await
        .expect(200)
}

fn texts(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().unwrap().iter();
    messages
        .map(|message| message["smsContent"].as_str().unwrap())
        .collect()
}

const BROUGHT: [(&str, &str); 4] = [
    ("Google", "Welcome to Google!"),
    ("Google", "G-482913 is your Google verification code."),
    ("+14155550100", "Are you COMING?"),
    ("Google", "Your code is 551122."),
];

async fn rented() -> (Gateway, Rental) {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    (gateway, rental)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_come_in_their_order_and_are_filtered() {
    let (gateway, rental) = rented().await;
    let none = page(&gateway, &rental, "").await;
    assert_eq!(none, json!({ "messages": [], "nextCursor": "0", "more": false }));
    for (at, message) in BROUGHT.iter().enumerate() {
        bring(&gateway, &rental, &format!("m-{at}"), *message).await;
    }
    let all = page(&gateway, &rental, "").await;
    assert_eq!(texts(&all), BROUGHT.map(|(_, text)| text));
    assert_eq!((&all["nextCursor"], &all["more"]), (&json!("4"), &json!(false)));
    let coded = &all["messages"][1];
    assert_eq!(
        (&coded["otpCode"], &coded["from"]),
        (&json!("482913"), &json!("Google"))
    );
    assert!(
        coded["confidence"]
            .as_f64()
            .is_some_and(|confidence| confidence > 0.5)
    );
    let plain: Vec<&String> = all["messages"][0].as_object().unwrap().keys().collect();
    assert_eq!(
        plain,
        ["id", "from", "smsContent", "receivedAt"],
        "what is not there is left out"
    );

    let mut cursor = "0".to_owned();
    for (at, (_, text)) in BROUGHT.iter().enumerate() {
        let one = page(&gateway, &rental, &format!("?limit=1&cursor={cursor}")).await;
        assert_eq!((texts(&one), &one["more"]), (vec![*text], &json!(at < 3)));
        cursor = one["nextCursor"].as_str().unwrap().to_owned();
    }
    let third = coded_at(&all, 2);
    for (query, expected) in [
        ("?contains=google", &[0, 1][..]),
        ("?contains=coming%3F", &[2]),
        ("?from=google", &[0, 1, 3]),
        ("?from=%2B14155550100", &[2]),
        ("?from=+14155550100", &[2]),
        ("?min_confidence=0.5", &[1, 3]),
        ("?min_confidence=0", &[0, 1, 2, 3]),
        ("?min_confidence=0.5&contains=g-", &[1]),
        ("?contains=nothing%20of%20it", &[]),
        ("?cursor=2&from=Google", &[3]),
        (&format!("?after={third}"), &[3]),
    ] {
        let found = page(&gateway, &rental, query).await;
        let expected: Vec<&str> = expected.iter().map(|at| BROUGHT[*at].1).collect();
        assert_eq!(
            (texts(&found), &found["nextCursor"]),
            (expected, &json!("4")),
            "{query}"
        );
    }
}

/// When that message came.
fn coded_at(page: &Value, at: usize) -> String {
    page["messages"][at]["receivedAt"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_no_sense_is_refused() {
    let (gateway, rental) = rented().await;
    for (query, told) in [
        ("?cursor=x", "nextCursor"),
        ("?cursor=-1", "nextCursor"),
        ("?cursor=1", "nextCursor"),
        ("?after=yesterday", "is a time"),
        ("?min_confidence=2", "from 0 to 1"),
        ("?min_confidence=NaN", "from 0 to 1"),
        ("?limit=0", "limit"),
        ("?wait=61", "wait"),
        (&format!("?contains={}", "x".repeat(257)), "256 bytes"),
        (&format!("?from={}", "x".repeat(65)), "64 bytes"),
    ] {
        let refused = gateway.get(&rental.path(&format!("/messages{query}"))).await;
        let detail = refused.expect(400)["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(told), "{query}: {detail}");
    }
    let foreign = Call::get(&rental.path("/messages")).key(&gateway.other_key);
    assert_eq!(foreign.send(gateway.address).await.status, 404);
}

fn held(gateway: &Gateway, rental: &Rental, query: &str) -> JoinHandle<Reply> {
    let call = Call::get(&rental.path(&format!("/messages{query}"))).key(&gateway.key);
    let call = call.header("prefer", "wait=30");
    let address = gateway.address;
    tokio::spawn(async move { call.send(address).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_is_held_for_the_one_that_is_looked_for() {
    let (gateway, rental) = rented().await;
    let waiting = held(&gateway, &rental, "?contains=code");
    gateway.holds(1).await;
    bring(&gateway, &rental, "m-0", BROUGHT[0]).await;
    bring(&gateway, &rental, "m-2", BROUGHT[2]).await;
    gateway.holds(1).await;
    assert!(!waiting.is_finished(), "neither is looked for");
    bring(&gateway, &rental, "m-3", BROUGHT[3]).await;
    let reply = within("a held list", waiting).await.unwrap();
    assert_eq!(reply.header("preference-applied"), Some("wait=30"));
    let page = reply.expect(200);
    assert_eq!(
        (texts(&page), &page["nextCursor"]),
        (vec![BROUGHT[3].1], &json!("3"))
    );

    let none = gateway
        .get(&rental.path("/messages?contains=zzz&wait=1"))
        .await
        .expect(200);
    assert_eq!(
        (texts(&none), &none["nextCursor"]),
        (Vec::new(), &json!("3")),
        "looked at, and passed over"
    );
    let waiting = held(&gateway, &rental, "?cursor=3");
    gateway.holds(1).await;
    let gateway = within("a stop and a start", gateway.restart(toml::Table::new())).await;
    let drained = within("a drained list", waiting).await.unwrap().expect(200);
    assert_eq!(drained["nextCursor"], "3");
    let other = gateway.rent("google").await;
    let waiting = held(&gateway, &other, "");
    gateway.holds(1).await;
    gateway.post(&other.path("/cancel"), &json!({})).await.expect(200);
    let over = within("a cancelled one's list", waiting)
        .await
        .unwrap()
        .expect(200);
    assert_eq!(over["messages"], json!([]));
}

/// Readers with filters and without, beside a writer: each message is read once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_comes_twice() {
    const COUNT: usize = 40;
    let (gateway, rental) = rented().await;
    let read = |query: &'static str, until: usize| {
        let (address, key, path) = (gateway.address, gateway.key.clone(), rental.path("/messages"));
        tokio::spawn(async move {
            let (mut cursor, mut heard) = ("0".to_owned(), Vec::new());
            while heard.len() < until {
                let call = Call::get(&format!("{path}?wait=20&limit=3&cursor={cursor}{query}")).key(&key);
                let page = call.send(address).await.expect(200);
                heard.extend(texts(&page).iter().map(|text| (*text).to_owned()));
                cursor = page["nextCursor"].as_str().unwrap().to_owned();
            }
            heard
        })
    };
    let (all, some) = (read("", COUNT), read("&contains=even", COUNT / 2));
    let text = |at: usize| {
        format!(
            "Hello number {}, {}",
            "x".repeat(at),
            if at.is_multiple_of(2) { "even" } else { "odd" }
        )
    };
    for at in 0..COUNT {
        bring(&gateway, &rental, &format!("m-{at}"), ("Google", &text(at))).await;
    }
    let expected: Vec<String> = (0..COUNT).map(text).collect();
    assert_eq!(within("a reader of all", all).await.unwrap(), expected);
    let even: Vec<String> = (0..COUNT).step_by(2).map(text).collect();
    assert_eq!(within("a reader of some", some).await.unwrap(), even);
    gateway.holds(0).await;
}
