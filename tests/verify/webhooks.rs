//! Contract 003's webhooks: Telnyx's envelope, signed as Telnyx signs, to the profile's URL and, where that does not take it, to the other.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};

use super::codes::{carried, taken};
use super::profiles::{ask, fault, path_of, profile};
use super::triggers::trigger;
use crate::support::carrier::twilio_status;
use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::provider::{Act, Provider};
use crate::support::subscriber::{Delivery, Subscriber};

const TO: &str = "+14155550123";

struct House {
    gateway: Gateway,
    provider: Provider,
    primary: Subscriber,
    failover: Subscriber,
    profile: Value,
}

/// A profile whose webhooks go to `primary`, which answers so at first, and to `failover`.
async fn house(statuses: &[u16]) -> House {
    let provider = Provider::start([]).await;
    let gateway = Gateway::start_with(carried(&provider.url, "repeated_s = 0")).await;
    let (primary, failover) = (Subscriber::start(statuses).await, Subscriber::start(&[]).await);
    let wish = json!({ "name": "x", "webhook_url": primary.url, "webhook_failover_url": failover.url });
    let profile = profile(&gateway, wish).await;
    House {
        gateway,
        provider,
        primary,
        failover,
        profile,
    }
}

impl House {
    async fn begin(&self, act: Act, more: Value) -> Value {
        self.provider.then(act);
        let begun = trigger(&self.gateway, "sms", (TO, &self.profile), more).await;
        begun.expect(200)["data"].clone()
    }

    async fn key(&self) -> VerifyingKey {
        let told = Call::get("/v2/public_key").key(&self.gateway.key);
        let told = told.send(self.gateway.address).await.expect(200);
        let bytes = BASE64_STANDARD
            .decode(told["data"]["public"].as_str().unwrap())
            .unwrap();
        VerifyingKey::from_bytes(&bytes.try_into().unwrap()).unwrap()
    }

    /// What was sent, whose signature holds for the account's key and for no changed body.
    async fn believed(&self, delivery: &Delivery) -> Value {
        let signed = |body: &[u8]| [delivery.header("telnyx-timestamp").as_bytes(), b"|", body].concat();
        let signature = BASE64_STANDARD
            .decode(delivery.header("telnyx-signature-ed25519"))
            .unwrap();
        let signature = Signature::from_slice(&signature).unwrap();
        let key = self.key().await;
        key.verify_strict(&signed(&delivery.body), &signature).unwrap();
        assert!(key.verify_strict(&signed(b"{}"), &signature).is_err());
        delivery.json()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_becomes_of_a_code_is_sent_as_telnyx_sends_it() {
    let mut house = house(&[]).await;
    let begun = house.begin(taken("SM1"), json!({ "custom_code": "43612" })).await;
    let delivery = house.primary.next().await;
    let sent = house.believed(&delivery).await;
    let expected = json!({
        "data": {
            "event_type": "verify.sent", "id": sent["data"]["id"], "occurred_at": sent["data"]["occurred_at"],
            "payload": {
                "created_at": begun["created_at"], "custom_code": "43612", "delivery_status": "sent", "extension": null,
                "failed_attempts": 0, "id": begun["id"], "mccmnc": null, "phone_number": TO, "profile_id": house.profile["id"],
                "record_type": "verification", "status": "pending", "timeout_secs": 300, "type": "sms",
                "updated_at": sent["data"]["payload"]["updated_at"],
            },
            "record_type": "event",
        },
        "meta": { "attempt": 1, "delivered_to": house.primary.url },
    });
    assert_eq!(sent, expected);
    let members: Vec<&String> = sent["data"]["payload"].as_object().unwrap().keys().collect();
    assert_eq!(members.len(), 14);
    twilio_status("SM1", "delivered")
        .send(house.gateway.address)
        .await;
    let delivery = house.primary.next().await;
    let delivered = house.believed(&delivery).await;
    assert_eq!(
        (
            &delivered["data"]["event_type"],
            &delivered["data"]["payload"]["delivery_status"]
        ),
        (&json!("verify.delivered"), &json!("delivered"))
    );
    house
        .begin(
            Act::Answer(400, "", r#"{"code":21211,"message":"no"}"#.into()),
            json!({}),
        )
        .await;
    let delivery = house.primary.next().await;
    let failed = house.believed(&delivery).await;
    assert_eq!(
        (
            &failed["data"]["event_type"],
            &failed["data"]["payload"]["delivery_status"],
            &failed["data"]["payload"]["status"]
        ),
        (&json!("verify.failed"), &json!("sending_failed"), &json!("error"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_one_does_not_take_the_other_gets_and_another_profile_hears_nothing() {
    let mut house = house(&[500]).await;
    let other = Subscriber::start(&[]).await;
    profile(&house.gateway, json!({ "name": "y", "webhook_url": other.url })).await;
    house.begin(taken("SM1"), json!({})).await;
    let first = house.primary.next().await;
    assert_eq!(first.answered, 500);
    let delivery = house.failover.next().await;
    let second = house.believed(&delivery).await;
    let meta = json!({ "attempt": 2, "delivered_to": house.failover.url });
    assert_eq!(
        (&second["meta"], &second["data"]["id"]),
        (&meta, &first.json()["data"]["id"])
    );
    let mut other = other;
    let heard = tokio::time::timeout(Duration::from_millis(200), other.next()).await;
    assert!(heard.is_err(), "of one profile alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_its_profiles() {
    let mut house = house(&[]).await;
    let (gateway, path) = (&house.gateway, path_of(&house.profile));
    let id = house.profile["id"].as_str().unwrap().replace('-', "");
    let own = format!("/api/webhooks/whk_{id}");
    gateway.get(&own).await.expect(200);
    for call in [
        Call::new("DELETE", &own),
        Call::new("PATCH", &own)
            .header("content-type", "application/json")
            .body(r#"{"url":"http://127.0.0.1:9/x"}"#.to_owned()),
    ] {
        let refused = call.key(&gateway.key).send(gateway.address).await.expect(400);
        assert!(
            refused["detail"].as_str().unwrap().contains("webhook_url"),
            "{refused}"
        );
    }
    for field in ["webhook_url", "webhook_failover_url"] {
        let bad = ask(
            gateway,
            "PATCH",
            &path,
            Some(&json!({ field: "http://10.0.0.1/x" })),
        )
        .await;
        assert_eq!(
            (bad.status, fault(&bad)),
            (400, ("10003".into(), format!("/{field}")))
        );
    }
    let moved = Subscriber::start(&[]).await;
    let key = house.key().await;
    ask(
        gateway,
        "PATCH",
        &path,
        Some(&json!({ "webhook_url": moved.url })),
    )
    .await
    .expect(200);
    assert_eq!(house.key().await, key, "of one account one key");
    house.begin(taken("SM1"), json!({})).await;
    let mut moved = moved;
    let delivery = moved.next().await;
    house.believed(&delivery).await;
    ask(gateway, "PATCH", &path, Some(&json!({ "webhook_url": null })))
        .await
        .expect(200);
    assert_eq!(gateway.get(&own).await.status, 404);
    house.begin(taken("SM2"), json!({})).await;
    let heard = tokio::time::timeout(Duration::from_millis(200), house.primary.next()).await;
    assert!(heard.is_err());
}
