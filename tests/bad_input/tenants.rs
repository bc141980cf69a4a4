//! What belongs to another account is as unknown as what does not exist: byte for byte, on every route that takes an id.

use serde_json::json;

use super::refusal::{Holdings, assert_refused, refusal};
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;

/// Method, path and which kind of id it takes.
const RENTAL_ROUTES: [(&str, &str); 6] = [
    ("GET", "/api/verifications/{id}"),
    ("GET", "/api/verifications/{id}/code"),
    ("GET", "/api/verifications/{id}/code?wait=60"),
    ("GET", "/api/verifications/{id}/code?wait=0"),
    ("POST", "/api/verifications/{id}/cancel"),
    ("POST", "/api/verifications/{id}/report"),
];
const SUBSCRIPTION_ROUTES: [(&str, &str); 3] = [
    ("DELETE", "/api/webhooks/{id}"),
    ("GET", "/api/webhooks/{id}/logs"),
    ("GET", "/api/webhooks/{id}/logs?limit=1"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_id_answers_byte_for_byte_like_an_unknown_one() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let cancelled = gateway.rent("google").await;
    gateway
        .post(&cancelled.path("/cancel"), &json!({}))
        .await
        .expect(200);
    let subscription = gateway.subscribe("https://example.com/hook", &["*"]).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let held = Holdings::of(&gateway);

    let unknown = "01981234-5678-7abc-8def-0123456789ab";
    for (method, route) in RENTAL_ROUTES {
        let ids = [
            rental.id.as_str(),
            &cancelled.id,
            "not-an-id",
            "%00",
            &subscription,
            &rental.id.to_uppercase(),
        ];
        assert_alike(&gateway, (method, route), unknown, &ids).await;
    }
    let unknown = format!(
        "{}{}",
        &subscription[..subscription.len() - 4],
        if subscription.ends_with("0000") {
            "1111"
        } else {
            "0000"
        }
    );
    for (method, route) in SUBSCRIPTION_ROUTES {
        let ids = [subscription.as_str(), "whk_", "x", &rental.id];
        assert_alike(&gateway, (method, route), &unknown, &ids).await;
    }
    held.assert_untouched(&gateway, "foreign ids").await;
    gateway.holds(0).await;
    assert_eq!(
        gateway.get(&rental.path("")).await.expect(200)["status"],
        "active",
        "its own account still has it"
    );
    assert_eq!(
        gateway.get("/api/webhooks").await.json()["webhooks"][0]["id"],
        subscription.as_str()
    );
}

async fn assert_alike(gateway: &Gateway, (method, route): (&str, &str), unknown: &str, ids: &[&str]) {
    let stranger = |id: &str| Call::new(method, &route.replace("{id}", id)).key(&gateway.other_key);
    let expected = without_date(stranger(unknown).send(gateway.address).await);
    assert_refused(
        route,
        &expected,
        refusal(404, "not-found", "nothing of this id in this account"),
    );
    for id in ids {
        let reply = without_date(stranger(id).send(gateway.address).await);
        assert_eq!(reply, expected, "{method} {route} with {id}");
    }
}

fn without_date(reply: Reply) -> Reply {
    let headers = reply.headers.into_iter().filter(|(name, _)| name != "date");
    Reply {
        headers: headers.collect(),
        ..reply
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_hold_nothing_foreign() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    gateway.subscribe("https://example.com/hook", &["*"]).await;
    let stranger = |path: &str| Call::get(path).key(&gateway.other_key);
    let list = stranger("/api/verifications").send(gateway.address).await;
    assert_eq!(list.expect(200), json!({ "verifications": [] }));
    let list = stranger(&format!("/api/verifications?cursor={}", rental.id))
        .send(gateway.address)
        .await;
    assert_eq!(
        list.expect(200),
        json!({ "verifications": [] }),
        "a foreign cursor opens nothing"
    );
    assert_eq!(
        stranger("/api/webhooks").send(gateway.address).await.expect(200),
        json!({ "webhooks": [] })
    );
}
