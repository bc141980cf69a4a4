//! Gateways with suppliers and few numbers of their own, and what their tests look at.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha512;
use toml::Table;

use super::upstream::{KEY, USER, Upstream};
use crate::support::client::{Call, Reply};
use crate::support::gateway::{Gateway, Rental};
use crate::support::until_async;

const WEBHOOK_SECRET: &str = "whsec-planted-by-the-test";

/// The scripted TextVerified as a supplier of this name.
pub fn textverified(name: &str, upstream: &Upstream) -> Table {
    let mut table = toml::toml! {
        kind = "textverified"
        price_max = "2.0000"
        poll_ms = 200
        timeout_ms = 2000
    };
    for (key, value) in [
        ("name", name),
        ("url", &upstream.url),
        ("user", USER),
        ("key", KEY),
    ] {
        table.insert(key.into(), value.into());
    }
    table
}

/// Another gateway as a supplier.
pub fn partner(name: &str, peer: &Gateway) -> Table {
    let mut table = toml::toml! {
        kind = "partner"
        price_max = "2.0000"
        poll_ms = 200
        timeout_ms = 2000
    };
    let url = format!("http://{}", peer.address);
    for (key, value) in [("name", name), ("url", &url), ("key", &peer.key)] {
        table.insert(key.into(), value.into());
    }
    table
}

/// What lays these suppliers over a test's configuration, with as many numbers of our own as are priced here.
pub fn over(suppliers: Vec<Table>, own: &[&str]) -> Table {
    let mut over = toml::toml! {
        [[source]]
        name = "tv"
        carrier = "textverified"
        secrets = ["whsec-planted-by-the-test"]
    };
    let services = [
        "google",
        "telegram",
        "test_success",
        "test_delayed_success",
        "test_pending",
        "test_timeout",
    ];
    let failing = [
        "test_no_numbers",
        "test_insufficient_balance",
        "test_too_many_unfinished_verifications",
        "unknown",
    ];
    let service = |name: &&str| {
        let mut table = toml::toml! {
            price = "0.5000"
            lifetime_s = 600
        };
        table.insert("name".into(), (*name).into());
        table.insert("description".into(), (*name).into());
        toml::Value::from(table)
    };
    let services = services.iter().chain(&failing).map(service).collect();
    over.insert("service".into(), toml::Value::Array(services));
    let suppliers = suppliers.into_iter().map(toml::Value::from).collect();
    over.insert("supplier".into(), toml::Value::Array(suppliers));
    let number = |(at, price): (usize, &&str)| {
        let mut table = toml::toml! { country = "US" };
        table.insert("number".into(), format!("+1202555{at:04}").into());
        table.insert("price".into(), (*price).into());
        toml::Value::from(table)
    };
    over.insert(
        "number".into(),
        toml::Value::Array(own.iter().enumerate().map(number).collect()),
    );
    over
}

pub async fn gateway(suppliers: Vec<Table>, own: &[&str]) -> Gateway {
    Gateway::start_with(over(suppliers, own)).await
}

/// One supplier, and no number of our own.
pub async fn supplied(upstream: &Upstream) -> Gateway {
    gateway(vec![textverified("tv", upstream)], &[]).await
}

pub async fn try_rent(gateway: &Gateway, service: &str) -> Reply {
    gateway
        .post("/api/verifications", &json!({ "serviceName": service }))
        .await
}

/// The rental, and its id at the supplier.
pub async fn rent(gateway: &Gateway, service: &str) -> (Rental, String) {
    let answer = try_rent(gateway, service).await.expect(201);
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    let rental = Rental {
        id: text("id"),
        number: text("number"),
    };
    (rental, text("providerVerificationId"))
}

/// Waits until the rental is so.
pub async fn becomes(gateway: &Gateway, rental: &Rental, status: &str) -> Value {
    until_async(status, async || {
        let shown = gateway.get(&rental.path("")).await.expect(200);
        (shown["status"] == status).then_some(shown)
    })
    .await
}

/// What the admin listener answers its operator.
pub async fn admin(gateway: &Gateway, path: &str) -> Reply {
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).unwrap();
    let call = Call::get(path).key(token.trim());
    call.send(gateway.running.admin_address).await
}

/// The suppliers on the admin listener.
pub async fn suppliers(gateway: &Gateway) -> Vec<Value> {
    let answer = admin(gateway, "/admin/suppliers").await.expect(200);
    answer["suppliers"].as_array().unwrap().clone()
}

/// Waits until nothing is being bought or given back at the first supplier.
pub async fn settled(gateway: &Gateway) {
    until_async("all is settled", async || {
        (suppliers(gateway).await[0]["unsettled"] == 0).then_some(())
    })
    .await;
}

pub fn metric(gateway: &Gateway, line: &str) -> bool {
    gateway.running.gateway.metrics().render(&[]).contains(line)
}

/// The types of the account's events, oldest first.
pub async fn events(gateway: &Gateway) -> Vec<String> {
    let page = gateway.get("/api/events?after=oldest").await.expect(200);
    let events = page["events"].as_array().unwrap().iter();
    events
        .map(|event| event["payload"]["type"].as_str().unwrap().to_owned())
        .collect()
}

/// The webhook that tells of an SMS as the list does.
pub async fn webhook(gateway: &Gateway, reservation: &str, sms: &Value) -> Reply {
    let mut data = sms.clone();
    data.as_object_mut().unwrap().remove("id");
    data["reservationId"] = reservation.into();
    super::schema::hold("SmsWebhookEvent", &data);
    let event = json!({
        "attempt": 1, "occurredAt": sms["createdAt"], "event": "v2.sms.received", "id": "evt_1", "data": data,
    });
    super::schema::hold("WebhookEvent.SmsWebhookEvent", &event);
    let body = event.to_string();
    let mut mac = Hmac::<Sha512>::new_from_slice(WEBHOOK_SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = format!(
        "HMAC-SHA512={}",
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    );
    let call = Call::new("POST", "/inbound/tv").header("content-type", "application/json");
    call.header("x-webhook-signature", &signature)
        .body(body)
        .send(gateway.address)
        .await
}
