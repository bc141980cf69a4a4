//! The catalogue: the configuration, its file, and what the operator says on the way; one list for all contracts.

use serde_json::{Value, json};

use crate::support::carrier::TELNYX;
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;

async fn ask(gateway: &Gateway, method: &str, path: &str, body: Option<Value>) -> Reply {
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).unwrap();
    let call = match body {
        Some(body) => Call::with_json(method, path, &body),
        None => Call::new(method, path),
    };
    call.key(token.trim()).send(gateway.running.admin_address).await
}

async fn names(gateway: &Gateway) -> Vec<String> {
    let told = gateway.get("/api/services").await.expect(200);
    assert_eq!(told, gateway.get("/api/verifications/services").await.expect(200));
    let services = told["services"].as_array().unwrap().clone();
    services
        .iter()
        .map(|s| s["serviceName"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_operator_says_counts_for_all_and_is_kept() {
    let gateway = Gateway::start().await;
    assert_eq!(names(&gateway).await, ["google", "short"]);
    let wish = json!({ "description": "Signal", "price": "1.2500", "lifetime_s": 600, "code": { "length_min": 6, "length_max": 6, "sender": "Signal*" } });
    let made = ask(&gateway, "PUT", "/admin/services/signal", Some(wish))
        .await
        .expect(200);
    assert_eq!(
        made,
        json!({ "name": "signal", "description": "Signal", "capability": "Sms", "price": "1.2500", "lifetime_s": 600, "code": { "length_min": 6, "length_max": 6, "sender": "Signal*" } })
    );
    let dearer = json!({ "description": "Google", "price": "2", "lifetime_s": 1200 });
    ask(&gateway, "PUT", "/admin/services/google", Some(dearer))
        .await
        .expect(200);
    ask(&gateway, "DELETE", "/admin/services/short", None)
        .await
        .expect(204);
    for gateway in [gateway.restart(toml::Table::new()).await] {
        assert_eq!(names(&gateway).await, ["google", "signal"]);
        let rented = gateway
            .post("/api/verifications", &json!({ "serviceName": "google" }))
            .await;
        assert_eq!(rented.expect(201)["cost"], "2.0000");
        let gone = gateway
            .post("/api/verifications", &json!({ "serviceName": "short" }))
            .await;
        gone.expect(422);
        ask(&gateway, "DELETE", "/admin/services/short", None)
            .await
            .expect(404);
        let all = ask(&gateway, "GET", "/admin/services", None).await.expect(200);
        assert_eq!(all["services"].as_array().unwrap().len(), 2);
        let voice = json!({ "description": "Call", "price": "1", "lifetime_s": 60, "capability": "Voice" });
        ask(&gateway, "PUT", "/admin/services/call", Some(voice))
            .await
            .expect(200);
        let none = gateway
            .post("/api/verifications", &json!({ "serviceName": "call" }))
            .await;
        none.expect(503);
    }
}

/// The code rules of the catalogue are what the extractor goes by, from the next message on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_code_rules_feed_the_extractor() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let send = async |id: &str, text: &str| {
        let draft = crate::support::carrier::draft(id, &rental.number, text);
        let reply = crate::support::carrier::post(gateway.address, TELNYX, &draft).await;
        assert!(reply.status < 300, "{}", reply.text());
    };
    let rule = |length: u8| json!({ "description": "Google", "price": "1", "lifetime_s": 1200, "code": { "length_min": length, "length_max": length } });
    ask(&gateway, "PUT", "/admin/services/google", Some(rule(8)))
        .await
        .expect(200);
    send("m1", "Your code is 123456").await;
    assert_eq!(
        gateway.get(&rental.path("")).await.expect(200)["status"],
        "active"
    );
    ask(&gateway, "PUT", "/admin/services/google", Some(rule(6)))
        .await
        .expect(200);
    send("m2", "Your code is 654321").await;
    assert_eq!(
        gateway.get(&rental.path("")).await.expect(200)["otpCode"],
        "654321"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told_and_changes_nothing() {
    let gateway = Gateway::start().await;
    let good = json!({ "description": "X", "price": "1", "lifetime_s": 60 });
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (body, says) in [
        (with("price", json!("free")), "`price`"),
        (with("lifetime_s", json!(5)), "10 to 86400"),
        (
            with("code", json!({ "length_min": 9, "length_max": 4 })),
            "length_min",
        ),
        (with("cost", json!("1")), "unknown field"),
        (json!({}), "missing field"),
    ] {
        let refused = ask(&gateway, "PUT", "/admin/services/x", Some(body))
            .await
            .expect(422);
        assert!(
            refused["detail"].as_str().unwrap().contains(says),
            "{says}: {refused}"
        );
    }
    ask(&gateway, "PUT", "/admin/services/a%20b", Some(good.clone()))
        .await
        .expect(422);
    ask(&gateway, "GET", "/admin/services/x", None).await.expect(404);
    ask(&gateway, "POST", "/admin/services", Some(good.clone()))
        .await
        .expect(405);
    let stranger = Call::with_json("PUT", "/admin/services/x", &good).key(&gateway.key);
    stranger.send(gateway.running.admin_address).await.expect(401);
    assert_eq!(names(&gateway).await, ["google", "short"]);
}
