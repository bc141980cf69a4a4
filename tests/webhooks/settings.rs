//! Subscriptions are made, read, changed member by member, and a wrong member changes nothing.

use serde_json::{Value, json};

use crate::support::client::Call;
use crate::support::gateway::Gateway;

const URL: &str = "https://127.0.0.1:9/hook";

/// Every setting there is, off its default.
fn every_setting() -> Value {
    json!({
        "url": URL,
        "events": ["verification.*", "message.received"],
        "filter": {
            "rentals": ["01234567-89ab-7def-8123-456789abcdef"],
            "services": ["google"],
            "numbers": ["+12025550143"],
            "countries": ["US"],
            "tags": { "env": "ci" },
        },
        "payload": "thin",
        "payloadVersion": 1,
        "headers": { "X-Route": "a" },
        "retry": { "exponential": { "initialMs": 1000, "multiplier": 2.0, "delayMaxMs": 60000, "attemptsMax": 5 } },
        "deadlineS": 3600,
        "expireAfterS": { "verification.code_received": 300 },
        "timeoutMs": 2000,
        "rate": { "perSecond": 5.0, "burst": 10 },
        "concurrencyMax": 3,
        "order": "rental",
        "obeyControl": true,
        "trust": { "certificateSha256": "ab".repeat(32) },
    })
}

async fn made(gateway: &Gateway, wish: &Value) -> String {
    let made = gateway.post("/api/webhooks", wish).await.expect(201);
    format!("/api/webhooks/{}", made["id"].as_str().unwrap())
}

async fn patched(gateway: &Gateway, path: &str, change: &Value) -> crate::support::client::Reply {
    let call = Call::with_json("PATCH", path, change).key(&gateway.key);
    call.send(gateway.address).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_setting_is_kept_shown_and_survives_a_restart() {
    let gateway = Gateway::start().await;
    let path = made(&gateway, &every_setting()).await;
    let gateway = gateway.restart(toml::Table::new()).await;
    let shown = gateway.get(&path).await.expect(200);
    for (name, value) in every_setting().as_object().unwrap() {
        let expected = match name.as_str() {
            "headers" => json!({ "x-route": "***" }),
            _ => value.clone(),
        };
        assert_eq!(shown[name], expected, "{name}");
    }
    assert_eq!(
        (&shown["active"], &shown["status"]),
        (&json!(true), &json!("active"))
    );
    assert!(shown.get("secret").is_none(), "a secret is shown once");
    let listed = gateway.get("/api/webhooks").await.expect(200);
    for name in ["id", "url", "events", "active", "createdAt"] {
        assert_eq!(listed["webhooks"][0][name], shown[name], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_touches_what_it_names_and_null_goes_back_to_the_default() {
    let gateway = Gateway::start().await;
    let path = made(&gateway, &every_setting()).await;
    let before = gateway.get(&path).await.expect(200);
    let change = json!({ "timeoutMs": 3000, "retry": null, "headers": { "x-route": null, "X-Other": "b" }, "filter": null });
    let after = patched(&gateway, &path, &change).await.expect(200);
    let expected = [
        ("timeoutMs", json!(3000)),
        ("retry", Value::Null),
        ("headers", json!({ "x-other": "***" })),
        (
            "filter",
            json!({ "rentals": [], "services": [], "numbers": [], "countries": [], "tags": {} }),
        ),
    ];
    for (name, value) in before.as_object().unwrap() {
        let changed = expected.iter().find(|(changed, _)| changed == name);
        assert_eq!(&after[name], changed.map_or(value, |(_, value)| value), "{name}");
    }
    assert_eq!(gateway.get(&path).await.expect(200), after);
}

/// Changes that are refused, with the status and words of the answer.
fn wrong_members() -> [(Value, u16, &'static str); 20] {
    [
        (json!({ "events": [] }), 400, "\"events\" lists"),
        (json!({ "url": "https://10.0.0.1/" }), 422, "outbound.allow_cidrs"),
        (
            json!({ "filter": { "rentals": ["x"] } }),
            400,
            "\"rentals\" are ids",
        ),
        (
            json!({ "filter": { "countries": ["us"] } }),
            400,
            "two capital letters",
        ),
        (
            json!({ "filter": { "tags": { "a b": "c" } } }),
            400,
            "tags are at most",
        ),
        (
            json!({ "filter": { "colour": [] } }),
            400,
            "unknown field `colour`",
        ),
        (json!({ "payload": "thick" }), 400, "unknown variant"),
        (json!({ "payloadVersion": 2 }), 400, "\"payloadVersion\" is 1"),
        (
            json!({ "headers": { "Webhook-Id": "x" } }),
            400,
            "webhook-id is set by",
        ),
        (
            json!({ "headers": { "x-a": "s3cret\r\nx" } }),
            400,
            "the value of header x-a",
        ),
        (json!({ "retry": { "scheduleS": [] } }), 400, "1 to 50 entries"),
        (
            json!({ "retry": { "scheduleS": [86_400, 86_400, 86_400, 86_400] } }),
            400,
            "longer than the 4 days",
        ),
        (
            json!({ "retry": { "scheduleS": [u64::MAX] } }),
            400,
            "1 to 50 entries",
        ),
        (json!({ "deadlineS": 0 }), 400, "\"deadlineS\""),
        (json!({ "expireAfterS": { "a*": 5 } }), 400, "an event pattern is"),
        (json!({ "timeoutMs": 5 }), 400, "\"timeoutMs\" is 100 to 60000"),
        (
            json!({ "rate": { "perSecond": 0.0, "burst": 1 } }),
            400,
            "\"rate\" is",
        ),
        (json!({ "concurrencyMax": 0 }), 400, "\"concurrencyMax\""),
        (json!({ "timeoutms": 500 }), 400, "\"timeoutms\" is no setting"),
        (json!({ "secret": "whsec_x" }), 400, "rotate-secret"),
    ]
}

fn wrong_trusts() -> [(Value, u16, &'static str); 3] {
    [
        (json!({ "trust": { "ca": "x" } }), 400, "\"trust.ca\" is PEM"),
        (
            json!({ "trust": { "ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" } }),
            422,
            "no PEM of certificates that can be used",
        ),
        (
            json!({ "url": "http://127.0.0.1:9/", "trust": { "certificateSha256": "ab".repeat(32) } }),
            422,
            "of use with https alone",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_member_is_named_and_changes_nothing() {
    let gateway = Gateway::start().await;
    let path = made(&gateway, &json!({ "url": URL, "events": ["*"] })).await;
    let before = gateway.get(&path).await.expect(200);
    for (change, status, says) in wrong_members().into_iter().chain(wrong_trusts()) {
        let reply = patched(&gateway, &path, &change).await;
        assert_eq!(reply.status, status, "{change}: {}", reply.text());
        assert!(
            reply.text().contains(&says.replace('"', "\\\"")),
            "{change}: {}",
            reply.text()
        );
        assert!(
            !reply.text().contains("s3cret"),
            "a header's value is not repeated"
        );
        assert_eq!(gateway.get(&path).await.expect(200), before, "{change}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_subscription_is_as_unknown_as_none() {
    let gateway = Gateway::start().await;
    let path = made(&gateway, &json!({ "url": URL, "events": ["*"] })).await;
    let none = format!("/api/webhooks/whk_{}", "0".repeat(32));
    let ask = async |method: &str, path: &str, tail: &str| {
        let call = Call::with_json(method, &format!("{path}{tail}"), &json!({}));
        let reply = call.key(&gateway.other_key).send(gateway.address).await;
        (reply.status, reply.text())
    };
    for (method, tail) in [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("POST", "/rotate-secret"),
    ] {
        let foreign = ask(method, &path, tail).await;
        assert_eq!(foreign.0, 404, "{method} {tail}: {}", foreign.1);
        assert_eq!(foreign, ask(method, &none, tail).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_at_the_same_time_are_all_made() {
    let gateway = Gateway::start().await;
    let path = made(&gateway, &json!({ "url": URL, "events": ["*"] })).await;
    let changes = (0..8).map(|n| {
        let (address, path, key) = (gateway.address, path.clone(), gateway.key.clone());
        let change = json!({ "headers": { format!("x-{n}"): "v" } });
        tokio::spawn(async move {
            Call::with_json("PATCH", &path, &change)
                .key(&key)
                .send(address)
                .await
        })
    });
    for change in changes.collect::<Vec<_>>() {
        change.await.unwrap().expect(200);
    }
    let headers = gateway.get(&path).await.expect(200)["headers"].clone();
    assert_eq!(headers.as_object().unwrap().len(), 8, "{headers}");
}
