//! What an account may use at most: requests in a minute, rentals, held polls, subscriptions; told in the form of each contract.

use serde_json::{Value, json};
use toml::Table;

use super::admin::{self, get, make_key};
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;

const QUOTA: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

async fn limit(gateway: &Gateway, limits: Value) -> Value {
    let change = Call::with_json("PATCH", "/admin/accounts/acme", &json!({ "limits": limits }));
    admin::send(gateway, change).await.expect(200)
}

fn number(reply: &Reply, name: &str) -> u64 {
    let text = reply
        .header(name)
        .unwrap_or_else(|| panic!("no {name}: {}", reply.text()));
    text.parse().unwrap()
}

/// The values of `RateLimit`: what is left, and when there is more.
fn told(reply: &Reply) -> (u64, u64) {
    let field = reply.header("ratelimit").unwrap();
    let rest = field.strip_prefix("\"per-account\";r=").unwrap();
    let (left, next) = rest.split_once(";t=").unwrap();
    (left.parse().unwrap(), next.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_limited_by_account_and_each_answer_tells_what_is_left() {
    let gateway = Gateway::start_with(toml::toml! { mcp = { allowed_hosts = ["gw"] } }).await;
    let second = make_key(&gateway, json!({})).await.key;
    assert_eq!(
        gateway.get("/api/events").await.header("ratelimit"),
        None,
        "no limit, no field"
    );
    limit(&gateway, json!({ "requestsPerMinuteMax": 5 })).await;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let agent = || Call::post("/mcp", &ping).header("accept", "application/json, text/event-stream");
    let calls = [
        Call::get("/api/verifications"),
        Call::get("/api/verifications/x"),
        Call::get("/getNumbers"),
        agent(),
        Call::post("/api/verifications", &json!({ "serviceName": 7 })),
    ];
    for (at, call) in calls.into_iter().enumerate() {
        let key = if at % 2 == 0 { &gateway.key } else { &second };
        let reply = call.key(key).send(gateway.address).await;
        assert_ne!(reply.status, 429, "{}", reply.text());
        assert_eq!(
            reply.header("ratelimit-policy"),
            Some("\"per-account\";q=5;w=60"),
            "{at}"
        );
        let (left, next_s) = told(&reply);
        assert!(
            left == 4 - at as u64 && (1..=12).contains(&next_s),
            "{at}: {left} {next_s}"
        );
    }
    for call in [Call::get("/api/verifications"), Call::get("/getSMS"), agent()] {
        let reply = call.key(&second).send(gateway.address).await;
        assert_eq!(reply.status, 429, "{}", reply.text());
        let (left, next_s) = told(&reply);
        assert_eq!(left, 0);
        assert_eq!(number(&reply, "retry-after"), next_s, "not before there is one");
        assert!((1..=12).contains(&next_s));
        assert_form(&reply.json());
    }
    let other = Call::get("/api/verifications").key(&gateway.other_key);
    assert_eq!(
        other.send(gateway.address).await.status,
        200,
        "another account has its own"
    );
    limit(&gateway, json!({ "requestsPerMinuteMax": null })).await;
    assert_eq!(gateway.get("/api/verifications").await.status, 200);
}

/// A refusal has the form of its contract.
fn assert_form(body: &Value) {
    if body["jsonrpc"] == "2.0" {
        assert_eq!(
            (&body["id"], body["error"]["code"].as_i64()),
            (&Value::Null, Some(-32000))
        );
    } else if body["status"] == "error" {
        assert_eq!(body["error_code"], "QUOTA_EXCEEDED");
        assert_eq!(body.as_object().unwrap().len(), 3);
    } else {
        let told = (&body["type"], &body["violated-policies"]);
        assert_eq!(told, (&json!(QUOTA), &json!(["per-account"])));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_rents_no_more_than_it_may_however_many_ask_at_once() {
    let gateway = Gateway::start().await;
    limit(&gateway, json!({ "rentalsMax": 3 })).await;
    let wish = json!({ "serviceName": "google" });
    let asking = (0..12).map(|_| gateway.post("/api/verifications", &wish));
    let replies = futures_util::future::join_all(asking).await;
    let rented: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert_eq!(rented.len(), 3);
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(refused.status, 429, "{}", refused.text());
        let body = refused.json();
        assert_eq!(
            (&body["type"], &body["violated-policies"], &body["limit"]),
            (&json!(QUOTA), &json!(["rentals"]), &json!(3))
        );
        assert!((1..=60).contains(&number(refused, "retry-after")));
    }
    let partner = Call::post("/rentNumber", &json!({ "country": "US" })).key(&gateway.key);
    let refused = partner.send(gateway.address).await;
    assert_eq!(refused.expect(429)["error_code"], "TOO_MANY_RENTALS");
    let id = rented[0].json()["id"].as_str().unwrap().to_owned();
    gateway
        .post(&format!("/api/verifications/{id}/cancel"), &json!({}))
        .await
        .expect(200);
    gateway.rent("google").await;
    let other = Call::post("/api/verifications", &wish).key(&gateway.other_key);
    assert_eq!(other.send(gateway.address).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polls_and_subscriptions_are_limited_over_all_keys_of_an_account() {
    let gateway = Gateway::start().await;
    let second = make_key(&gateway, json!({})).await.key;
    limit(&gateway, json!({ "waitersMax": 2, "subscriptionsMax": 1 })).await;
    let rental = gateway.rent("google").await;
    let poll = |key: &str| Call::get(&rental.path("/code?wait=60")).key(key);
    let first = poll(&gateway.key).begin(gateway.address).await;
    let other = poll(&second).begin(gateway.address).await;
    gateway.holds(2).await;
    let refused = poll(&second).send(gateway.address).await;
    assert!(refused.text().contains("for this account"), "{}", refused.text());
    assert_eq!(refused.expect(429)["violated-policies"], json!(["waiters"]));
    drop((first, other));
    gateway.holds(0).await;
    gateway.subscribe("https://example.com/hook", &["*"]).await;
    let wish = json!({ "url": "https://example.com/two", "events": ["*"] });
    let refused = gateway.post("/api/webhooks", &wish).await;
    assert_eq!(refused.expect(409)["limit"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configurations_accounts_are_there_from_the_start_and_are_changed_later() {
    let over: Table = toml::toml! {
        [[account]]
        id = "initech"
        name = "Initech"
        rentals_max = 7
    };
    let gateway = Gateway::start_with(over.clone()).await;
    let made = get(&gateway, "/admin/accounts/initech").await.expect(200);
    assert_eq!(
        (
            &made["name"],
            &made["limits"]["rentalsMax"],
            &made["limits"]["waitersMax"]
        ),
        (&json!("Initech"), &json!(7), &Value::Null)
    );
    let change = json!({ "limits": { "rentalsMax": 8 }, "name": "I" });
    let change = Call::with_json("PATCH", "/admin/accounts/initech", &change);
    admin::send(&gateway, change).await.expect(200);
    let gateway = gateway.restart(over).await;
    let kept = get(&gateway, "/admin/accounts/initech").await.expect(200);
    assert_eq!(
        (&kept["name"], &kept["limits"]["rentalsMax"]),
        (&json!("I"), &json!(8))
    );
    for limits in [
        json!({ "rentalsMax": 1_000_001 }),
        json!({ "rentalsMax": -1 }),
        json!({ "rents": 1 }),
    ] {
        let change = Call::with_json("PATCH", "/admin/accounts/initech", &json!({ "limits": limits }));
        assert_eq!(admin::send(&gateway, change).await.status, 400, "{limits}");
    }
}
