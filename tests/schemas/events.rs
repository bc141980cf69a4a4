//! Each event type has one schema, and what is really sent, in every shape that it has, holds to it.

use std::collections::BTreeSet;

use ringback::core::event::Kind;
use ringback::core::id::AccountId;
use ringback::core::outbound::Accepted;
use ringback::core::phone::Address;
use serde_json::{Value, json};

use super::codes;
use crate::support::carrier::{self, STANDARD, TELNYX, TWILIO, draft};
use crate::support::client::Call;
use crate::support::gateway::{Gateway, SHORT};
use crate::support::schema::{schemas, validator, wrong};
use crate::support::subscriber::{Delivery, Subscriber};
use crate::support::until_async;

#[test]
fn every_event_type_has_its_schema_and_no_schema_is_left_over() {
    let schemas = schemas();
    let kinds: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(schemas.keys().map(String::as_str).collect::<BTreeSet<_>>(), kinds);
    for (kind, schema) in &schemas {
        validator(schema);
        let examples = schema["examples"].as_array().unwrap();
        assert!(
            !examples.is_empty(),
            "{kind}: test events are made from its example"
        );
        for example in examples {
            assert_eq!(wrong(example), Vec::<String>::new(), "{kind}");
        }
        assert_eq!(schema["$id"], format!("urn:ringback:schema:event:{kind}"));
        assert_eq!(schema["properties"]["type"]["const"], kind.as_str());
        assert_eq!(schema["additionalProperties"], false);
        let all = schema["properties"].as_object().unwrap().iter();
        let data = schema["properties"]["data"]["properties"]
            .as_object()
            .unwrap()
            .iter();
        for (name, property) in all.chain(data) {
            assert!(
                property["description"]
                    .as_str()
                    .is_some_and(|text| text.ends_with('.')),
                "{kind}: {name} has no sentence"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_holds_to_its_schema() {
    let over = toml::toml! {
        [inbound]
        operator_account = "acme"
        [verify]
        loopback = true
        bcrypt_cost = 4
        ttl_s = 10
        test_numbers = ["+15005550006=123456"]
        spend_hour_max = "0.0600"
        prefix_matured_min = 1
        prefix_block_below_pct = 100
        wrong_alarm_min = 2
    };
    let gateway = Gateway::start_with(over).await;
    let mut subscriber = Subscriber::start(&[]).await;
    gateway.subscribe(&subscriber.url, &["*"]).await;
    let expected = live_every_shape(&gateway).await;
    let mut events = Vec::new();
    for _ in 0..expected {
        events.push(subscriber.next().await);
    }
    let mut shapes = BTreeSet::new();
    for event in events.iter().map(Delivery::json) {
        assert_eq!(wrong(&event), Vec::<String>::new(), "{event}");
        let data = &event["data"];
        let shape = (
            event["type"].to_string(),
            data["status"].to_string(),
            data.get("late").is_some(),
            data.get("link").is_some(),
        );
        shapes.insert(shape);
    }
    let seen: BTreeSet<&str> = shapes.iter().map(|shape| shape.0.trim_matches('"')).collect();
    assert_eq!(
        seen,
        Kind::ALL.iter().map(|kind| kind.as_str()).collect(),
        "every event type was sent"
    );
    assert!(
        shapes.iter().any(|shape| shape.2) && shapes.iter().any(|shape| shape.3),
        "late ones and links too: {shapes:?}"
    );
}

/// Lets everything happen that makes an event; answers how many there are.
async fn live_every_shape(gateway: &Gateway) -> usize {
    let (short, cancelled, coded) = (
        gateway.rent(SHORT).await,
        gateway.rent("google").await,
        gateway.rent("google").await,
    );
    let texts = [
        (TELNYX, &coded, "Hello, this is only a greeting."),
        (TWILIO, &coded, "G-482913 is your Google verification code."),
        (
            STANDARD,
            &coded,
            "Ihr Best\u{e4}tigungscode lautet 771203. \u{1f600}",
        ),
        (
            STANDARD,
            &coded,
            "Confirm your e-mail: https://example.com/verify?token=a1b2c3d4e5f6a7b8c9",
        ),
        (
            TELNYX,
            &coded,
            "Your code is 551200 or open https://example.com/verify?token=a1b2c3d4e5f6a7b8c9",
        ),
    ];
    for (at, (source, rental, text)) in texts.iter().enumerate() {
        let reply = carrier::post(
            gateway.address,
            source,
            &draft(&format!("m-{at}"), &rental.number, text),
        )
        .await;
        assert!(reply.status < 300, "{text}");
    }
    gateway
        .post(&cancelled.path("/cancel"), &json!({}))
        .await
        .expect(200);
    for (at, text) in ["Your code is 100200.", "Too late for a greeting."]
        .iter()
        .enumerate()
    {
        carrier::post(
            gateway.address,
            TELNYX,
            &draft(&format!("late-{at}"), &cancelled.number, text),
        )
        .await;
    }
    let stray = draft("stray", "+19995550143", "Your code is 100200.");
    carrier::post(gateway.address, TELNYX, &stray).await;
    send_three(gateway).await;
    let of_codes = codes::live_every_shape(gateway).await;
    lose_one(gateway).await;
    let poll = gateway.get(&short.path("/code?wait=60")).await;
    assert_eq!(poll.json()["status"], "expired");
    let of_nothing = json!({ "types": ["no.such_type"] });
    gateway.post("/api/replays", &of_nothing).await.expect(202);
    3 + texts.len() + 1 + 1 + 2 + 1 + 1 + 3 + of_codes + 1 + 2 + 3
}

/// Two more rentals are told to everybody; one subscription gives a delivery up, is switched off by the next, and is resumed.
async fn lose_one(gateway: &Gateway) {
    let mut lost = Subscriber::start(&[500, 410]).await;
    let wish = json!({ "url": lost.url, "events": ["verification.created"], "retry": { "scheduleS": [0] } });
    let made = gateway.post("/api/webhooks", &wish).await.expect(201);
    let path = format!("/api/webhooks/{}", made["id"].as_str().unwrap());
    for status in ["failing", "disabled"] {
        gateway.rent("google").await;
        lost.next().await;
        until_async(status, async || {
            let shown = gateway.get(&path).await.expect(200);
            (shown["status"] == status).then_some(())
        })
        .await;
    }
    gateway
        .post(&format!("{path}/resume"), &json!({}))
        .await
        .expect(200);
    lost.next().await;
}

/// Nothing is sent yet, so the sending's side is played: three messages, and what their carrier reports.
async fn send_three(gateway: &Gateway) {
    let statuses = [("o-1", "sent"), ("o-2", "delivered"), ("o-3", "failed")];
    for (id, status) in statuses {
        let accepted = Accepted {
            source: TWILIO.into(),
            carrier_message_id: id.into(),
            account: AccountId::parse("acme").unwrap(),
            to: Address::new("+12025550187"),
            code: None,
        };
        gateway.running.gateway.accepted(&accepted).await.unwrap();
        let reply = carrier::twilio_status(id, status).send(gateway.address).await;
        assert_eq!(reply.status, 200);
    }
}

#[test]
fn an_altered_event_fails() {
    let good = json!({
        "type": "verification.code_received",
        "timestamp": "2026-11-21T19:00:00.000Z",
        "data": {
            "id": "01a2005a-4620-77c8-8016-6b3962f71f4c", "serviceName": "google", "number": "+12025550143",
            "status": "completed", "cost": "0.5000", "createdAt": "2026-11-21T18:59:00.000Z",
            "messageId": "msg_0123456789abcdef0123456789abcdef", "from": "Google", "smsContent": "G-482913",
            "receivedAt": "2026-11-21T19:00:00.000Z", "otpCode": "482913", "confidence": 0.97
        }
    });
    assert_eq!(wrong(&good), Vec::<String>::new());
    let altered = |pointer: &str, value: Value| {
        let mut event = good.clone();
        *event.pointer_mut(pointer).unwrap() = value;
        event
    };
    let mut bad: Vec<Value> = [
        ("/type", json!("verification.created")),
        ("/type", json!("verification.unknown")),
        ("/timestamp", json!("2026-11-21T19:00:00Z")),
        ("/timestamp", json!("2026-13-41T19:00:00.000Z")),
        ("/timestamp", json!(1_793_534_400)),
        ("/data/id", json!("1")),
        ("/data/number", json!("2025550143")),
        ("/data/status", json!("active")),
        ("/data/cost", json!(0.5)),
        ("/data/cost", json!("0.5")),
        ("/data/otpCode", json!(482_913)),
        ("/data/otpCode", json!("")),
        ("/data/confidence", json!(1.5)),
        ("/data/messageId", json!("m-1")),
        ("/data", json!([])),
    ]
    .map(|(pointer, value)| altered(pointer, value))
    .into();
    let mut more = good.clone();
    more["extra"] = json!(1);
    bad.push(more);
    let mut undescribed = good.clone();
    undescribed["data"]["otp_code"] = json!("482913");
    bad.push(undescribed);
    for name in good["data"].as_object().unwrap().keys() {
        let mut less = good.clone();
        less["data"].as_object_mut().unwrap().remove(name);
        bad.push(less);
    }
    let mut thin = good.clone();
    thin["data"] = json!({ "id": good["data"]["id"], "messageId": good["data"]["messageId"] });
    assert_eq!(wrong(&thin), Vec::<String>::new(), "ids alone are the thin form");
    thin["data"]["messageId"] = json!("m-1");
    bad.push(thin);
    for event in bad {
        assert!(!wrong(&event).is_empty(), "not seen: {event}");
    }
}

#[tokio::test]
#[should_panic(expected = "sent against its schema")]
async fn a_subscriber_that_is_sent_anything_else_fails_its_test() {
    let subscriber = Subscriber::start(&[]).await;
    let address = subscriber
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/hook")
        .parse()
        .unwrap();
    let undescribed =
        json!({ "type": "verification.created", "timestamp": "2026-11-21T19:00:00.000Z", "data": {} });
    assert_eq!(Call::post("/hook", &undescribed).send(address).await.status, 204);
}
