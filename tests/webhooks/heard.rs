//! What a subscription hears: filtered by what an event is about, full or thin, with its own headers.

use serde_json::{Value, json};

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;

async fn subscribed(gateway: &Gateway, subscriber: &Subscriber, over: Value) -> Value {
    let mut wish = json!({ "url": subscriber.url, "events": ["verification.created"] });
    for (name, value) in over.as_object().unwrap() {
        wish[name] = value.clone();
    }
    gateway.post("/api/webhooks", &wish).await.expect(201)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_by_service_number_country_and_tags() {
    let gateway = Gateway::start().await;
    let tagged = json!({ "serviceName": "google", "tags": { "env": "ci", "team": "a" } });
    let rented = gateway.post("/api/verifications", &tagged).await.expect(201);
    let number = rented["number"].as_str().unwrap();
    let filters = [
        (json!({ "services": ["google"] }), true),
        (json!({ "services": ["short"] }), false),
        (json!({ "countries": ["US", "DE"] }), true),
        (json!({ "countries": ["DE"] }), false),
        (json!({ "numbers": [number] }), true),
        (json!({ "numbers": ["+12025559999"] }), false),
        (json!({ "rentals": [rented["id"]] }), true),
        (
            json!({ "rentals": ["01234567-89ab-7def-8123-456789abcdef"] }),
            false,
        ),
        (json!({ "tags": { "env": "ci" } }), true),
        (json!({ "tags": { "env": "prod" } }), false),
        (json!({ "tags": { "env": "ci" }, "services": ["short"] }), false),
    ];
    let mut subscribers = Vec::new();
    for (filter, hears) in filters {
        let subscriber = Subscriber::start(&[]).await;
        let over = json!({ "filter": filter, "events": ["verification.cancelled"] });
        subscribed(&gateway, &subscriber, over).await;
        subscribers.push((subscriber, filter, hears));
    }
    let path = format!("/api/verifications/{}/cancel", rented["id"].as_str().unwrap());
    gateway.post(&path, &json!({})).await.expect(200);
    // Who hears is decided with the event, in one commit: once those have heard who shall, the others never will.
    for (subscriber, filter, _) in subscribers.iter_mut().filter(|(.., hears)| *hears) {
        assert_eq!(
            subscriber.next().await.kind(),
            "verification.cancelled",
            "{filter}"
        );
    }
    for (mut subscriber, ..) in subscribers.into_iter().filter(|(.., hears)| !hears) {
        subscriber
            .hears_nothing_for(std::time::Duration::from_millis(100))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_tags_rent_nothing() {
    let gateway = Gateway::start().await;
    let wish = json!({ "serviceName": "google", "tags": { "a b": "c" } });
    let reply = gateway.post("/api/verifications", &wish).await;
    assert!(
        reply.status == 400 && reply.text().contains("tags are at most"),
        "{}",
        reply.text()
    );
    assert_eq!(
        gateway.get("/api/verifications").await.expect(200)["verifications"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thin_payload_is_signed_as_sent_and_holds_no_code() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let over = json!({ "payload": "thin", "events": ["verification.code_received"] });
    let made = subscribed(&gateway, &subscriber, over).await;
    let rental = gateway.rent("google").await;
    let text = "Your code is 777123.";
    carrier::post(gateway.address, TELNYX, &draft("m-1", &rental.number, text)).await;
    let delivery = subscriber.next().await;
    assert_eq!(delivery.verified(made["secret"].as_str().unwrap()), Ok(()));
    let body = delivery.json();
    assert_eq!(body["data"]["id"], rental.id.as_str());
    let members: Vec<&String> = body["data"].as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "messageId"]);
    assert!(!String::from_utf8_lossy(&delivery.body).contains("777123"));
    assert_eq!(delivery.header("ringback-payload-version"), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn static_headers_are_sent_with_every_attempt() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[503]).await;
    let over = json!({ "headers": { "Authorization": "Bearer abc", "X-Route": "b" } });
    subscribed(&gateway, &subscriber, over).await;
    gateway.rent("google").await;
    for _ in 0..2 {
        let delivery = subscriber.next().await;
        assert_eq!(delivery.header("authorization"), "Bearer abc");
        assert_eq!(delivery.header("x-route"), "b");
        assert_eq!(delivery.header("content-type"), "application/json");
    }
}
