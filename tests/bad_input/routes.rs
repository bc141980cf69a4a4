//! Routes, methods and heads: what is unknown is 404, what exists answers 405 with its methods, what is too long is refused.

use super::refusal::{Holdings, assert_refused, refusal};
use crate::support::client::{Call, exchange};
use crate::support::gateway::Gateway;

const ROUTES: [(&str, &[&str]); 33] = [
    ("/api/verifications", &["GET", "POST"]),
    ("/api/verifications/services", &["GET"]),
    ("/api/services", &["GET"]),
    ("/api/verifications/{id}", &["GET"]),
    ("/api/verifications/{id}/code", &["GET"]),
    ("/api/verifications/{id}/messages", &["GET"]),
    ("/api/verifications/{id}/events/stream", &["GET"]),
    ("/api/verifications/{id}/cancel", &["POST"]),
    ("/api/verifications/{id}/report", &["POST"]),
    ("/api/webhooks", &["GET", "POST"]),
    ("/api/webhooks/{id}", &["GET", "PATCH", "DELETE"]),
    ("/api/webhooks/{id}/pause", &["POST"]),
    ("/api/webhooks/{id}/resume", &["POST"]),
    ("/api/webhooks/{id}/rotate-secret", &["POST"]),
    ("/api/webhooks/{id}/logs", &["GET"]),
    ("/api/webhooks/{id}/logs/{id}", &["GET"]),
    ("/api/webhooks/{id}/logs/{id}/attempts/1", &["GET"]),
    ("/api/webhooks/{id}/deliveries", &["GET"]),
    ("/api/webhooks/{id}/deliveries/{id}", &["GET"]),
    ("/api/webhooks/{id}/deliveries/{id}/retry", &["POST"]),
    ("/api/replays", &["GET", "POST"]),
    ("/api/replays/{id}", &["GET"]),
    ("/api/replays/{id}/cancel", &["POST"]),
    ("/api/events", &["GET"]),
    ("/api/events/stream", &["GET"]),
    ("/api/events/test", &["POST"]),
    ("/api/webhooks/{id}/test", &["POST"]),
    ("/.well-known/webhook-keys/{id}", &["GET"]),
    ("/api/messages", &["POST"]),
    ("/api/extract", &["POST"]),
    ("/api/verify/figures", &["GET"]),
    ("/api/verify/preview", &["POST"]),
    ("/api/verify/unblock", &["POST"]),
];
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_method_is_told_the_right_ones() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let held = Holdings::of(&gateway);
    for (route, allowed) in ROUTES {
        let path = route.replace("{id}", &rental.id);
        for method in METHODS.iter().filter(|method| !allowed.contains(method)) {
            let reply = Call::new(method, &path)
                .key(&gateway.key)
                .send(gateway.address)
                .await;
            let what = format!("{method} {route}");
            assert_refused(&what, &reply, refusal(405, "method-not-allowed", "Use one of"));
            let told: Vec<&str> = reply.header("allow").unwrap().split(", ").collect();
            assert_eq!(told, allowed, "{what}");
        }
    }
    held.assert_untouched(&gateway, "wrong methods").await;
    for (path, allowed) in [
        ("/admin/keys", "GET, POST"),
        ("/admin/keys/x", "DELETE"),
        ("/admin/keys/x/rotate", "POST"),
        ("/admin/accounts", "GET, POST"),
        ("/admin/accounts/x", "GET, PATCH, DELETE"),
        ("/admin/accounts/x/disable", "POST"),
        ("/admin/numbers", "GET, POST"),
        ("/admin/numbers/x", "GET"),
        ("/admin/numbers/x/retire", "POST"),
    ] {
        let admin = Call::new("PUT", path).send(gateway.running.admin_address).await;
        assert_refused(path, &admin, refusal(405, "method-not-allowed", "Use one of"));
        assert_eq!(admin.header("allow"), Some(allowed), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_route_is_404_with_and_without_a_key() {
    let gateway = Gateway::start().await;
    let held = Holdings::of(&gateway);
    let paths = [
        "/",
        "/api",
        "/api/",
        "/api/verification",
        "/api/verifications/",
        "/api/verifications/x/y/z",
        "//api/verifications",
        "/api/../api/webhooks",
        "/api/verifications/x/code/",
        "/API/verifications",
        "/inbound",
        "/inbound/telnyx/x/y",
        "/api/dev/sms/x",
        "/metrics",
        "/admin/keys",
        "/%61pi/verifications",
        "/api%2fwebhooks",
        "/\u{7f}",
    ];
    for path in paths {
        for call in [Call::get(path), Call::get(path).key(&gateway.key)] {
            let Some(reply) = exchange(gateway.address, &call.bytes()).await else {
                panic!("{path}: no answer")
            };
            // Without a key, what looks like an id is not looked up; what is no path at all is malformed.
            let expected = match reply.status {
                400 => path == "/\u{7f}",
                401 => path == "/api/verifications/" && !call.has("authorization"),
                status => status == 404,
            };
            assert!(expected, "{path}: {}", reply.text());
        }
    }
    assert_refused(
        "/",
        &gateway.get("/").await,
        refusal(404, "not-found", "no such route"),
    );
    let admin = Call::get("/api/verifications")
        .send(gateway.running.admin_address)
        .await;
    assert_refused(
        "admin",
        &admin,
        refusal(404, "not-found", "The admin listener has"),
    );
    held.assert_untouched(&gateway, "unknown routes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_routes_of_dev_are_not_there_without_dev() {
    let gateway = Gateway::start().await;
    for call in [
        Call::get("/api/dev/sources"),
        Call::post(
            "/api/dev/sms",
            &serde_json::json!({ "to": "1", "from": "2", "text": "3" }),
        ),
    ] {
        let reply = call.key(&gateway.key).send(gateway.address).await;
        assert_refused("dev", &reply, refusal(404, "not-found", "no such route"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_have_limits() {
    let gateway = Gateway::start().await;
    let held = Holdings::of(&gateway);
    let long = Call::get(&format!("/api/verifications?cursor={}", "x".repeat(9000))).key(&gateway.key);
    let reply = long.send(gateway.address).await;
    assert_refused("URL", &reply, refusal(414, "uri-too-long", "8192 bytes"));
    let many = (0..80).fold(Call::get("/api/verifications").key(&gateway.key), |call, at| {
        call.header(&format!("x-{at}"), "y")
    });
    let reply = many.send(gateway.address).await;
    assert_eq!(reply.status, 431, "{}", reply.text());
    let wide = Call::get("/api/verifications")
        .key(&gateway.key)
        .header("x-wide", &"y".repeat(100_000));
    assert_eq!(wide.send(gateway.address).await.status, 431);
    for head in [
        "GET /api/webhooks HTTP/1.1\r\n\r\n",
        "GET /api/webhooks HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        let reply = exchange(gateway.address, head.as_bytes())
            .await
            .expect("an answer");
        assert_eq!(reply.status, 400, "{head:?}");
    }
    held.assert_untouched(&gateway, "heads").await;
}
