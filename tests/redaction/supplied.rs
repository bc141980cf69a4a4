//! Renting from suppliers, with something planted in every place that holds a secret, and with them failing in every way.

use serde_json::json;
use toml::{Table, Value};

use super::planted::Planted;
use crate::supply::upstream::{KEY, Trouble, USER, Upstream};
use crate::support::gateway::Gateway;
use crate::support::until;

fn configuration(upstream: &Upstream, peer: &Gateway) -> Table {
    let supplier = |kind: &str, (url, user, key): (&str, &str, &str)| {
        let mut table = toml::toml! {
            price_max = "2.0000"
            poll_ms = 200
            timeout_ms = 1000
        };
        let fields = [
            ("name", kind),
            ("kind", kind),
            ("url", url),
            ("user", user),
            ("key", key),
        ];
        fields
            .into_iter()
            .for_each(|(field, value)| drop(table.insert(field.into(), value.into())));
        Value::from(table)
    };
    let peer_url = format!("http://{}", peer.address);
    let suppliers = vec![
        supplier("textverified", (&upstream.url, USER, KEY)),
        supplier("partner", (&peer_url, "", &peer.key)),
    ];
    Table::from_iter([
        ("supplier".to_owned(), Value::Array(suppliers)),
        ("number".to_owned(), Value::Array(Vec::new())),
    ])
}

/// Rents, hears, cancels, and is refused.
pub async fn travel(planted: &mut Planted) {
    let (upstream, peer) = (Upstream::start().await, Gateway::start().await);
    upstream.books().cost = 0.4;
    planted.plant("key at TextVerified", KEY);
    planted.plant("user at TextVerified", USER);
    planted.plant("token of TextVerified", "planted-bearer-1");
    planted.plant("key at the partner", &peer.key);
    let gateway = Gateway::start_with(configuration(&upstream, &peer)).await;
    let rental = gateway.rent("google").await;
    planted.plant_number("number of TextVerified", &rental.number);
    planted.plant("text from TextVerified", "wombat lemonade");
    planted.plant("code from TextVerified", "94817263");
    upstream.deliver(
        "lr_01",
        "wombat lemonade: your code is 94817263",
        Some("94817263"),
    );
    gateway.get(&rental.path("/code?wait=30")).await.expect(200);
    upstream.trouble("POST /verifications", Trouble::TokenGone);
    upstream.trouble("POST /verifications", Trouble::Silence);
    // A look at the rental before may take some of these.
    (0..3).for_each(|_| upstream.trouble("GET /verifications", Trouble::Status(500, None)));
    let rental = gateway.rent("google").await;
    planted.plant_number("number of the partner", &rental.number);
    gateway
        .post(&rental.path("/cancel"), &json!({}))
        .await
        .expect(200);
    upstream.trouble("POST /auth", Trouble::Status(401, None));
    until("what was lost is given back", || {
        upstream.books().sold[1].state == "verificationCanceled"
    })
    .await;
    gateway.running.stop().await;
}
