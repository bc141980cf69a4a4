//! The contract's shapes, statuses and words.

use ringback::core::time::UnixMs;
use serde_json::{Value, json};

use super::codes::{OWN, TEST, TEST_CODE, call, check, gateway, id, other_than, over, post, start, status};
use crate::support::client::Call;
use crate::support::gateway::Gateway;

fn is_seconds(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T'
}

/// Between two times of a start.
fn lives_s(data: &Value) -> u64 {
    let at = |name: &str| UnixMs::parse_rfc3339(data[name].as_str().unwrap()).unwrap();
    at("expires_at").since(at("created_at")) / 1000
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_started_looked_at_and_checked_once() {
    let gateway = gateway().await;
    let started = start(&gateway, TEST).await.expect(200);
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let data = &started["data"];
    assert_eq!(members(&started), ["data"]);
    assert_eq!(
        members(data),
        [
            "verification_id",
            "to",
            "channel",
            "status",
            "created_at",
            "expires_at"
        ]
    );
    assert_eq!(
        (&data["to"], &data["channel"], &data["status"]),
        (&json!(TEST), &json!("sms"), &json!("pending"))
    );
    assert!(
        is_seconds(&data["created_at"]) && is_seconds(&data["expires_at"]),
        "{data}"
    );
    assert_eq!(lives_s(data), 600, "as it ships");
    let id = id(&started);

    let wrong = check(&gateway, &id, "000000").await.expect(400);
    assert_eq!(wrong["error"]["code"], "VERIFICATION_FAILED");
    assert_eq!(members(&wrong["error"]), ["code", "message"]);
    let seen = status(&gateway, &id).await;
    assert_eq!(
        members(&seen),
        [
            "verification_id",
            "to",
            "channel",
            "status",
            "attempts",
            "max_attempts",
            "created_at",
            "expires_at"
        ]
    );
    assert_eq!(
        (&seen["attempts"], &seen["max_attempts"], &seen["status"]),
        (&json!(1), &json!(5), &json!("pending"))
    );

    let right = check(&gateway, &id, TEST_CODE).await.expect(200);
    assert_eq!(
        right,
        json!({ "data": { "verification_id": id, "status": "approved", "to": TEST, "channel": "sms" } })
    );
    let again = check(&gateway, &id, TEST_CODE).await.expect(404);
    assert_eq!(again["error"]["code"], "NOT_FOUND");
    assert_eq!(status(&gateway, &id).await["status"], "approved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_wrong_codes_end_it_and_a_right_one_comes_too_late() {
    let gateway = gateway().await;
    let id = id(&start(&gateway, TEST).await.expect(200));
    for _ in 0..5 {
        check(&gateway, &id, "000000").await.expect(400);
    }
    let late = check(&gateway, &id, TEST_CODE).await;
    assert_eq!(late.expect(429)["error"]["code"], "MAX_ATTEMPTS_EXCEEDED");
    assert!(late.header("retry-after").is_some());
    assert_eq!(status(&gateway, &id).await["status"], "failed");
}

/// A body, and what is wrong with it.
fn wrong() -> Vec<(Value, &'static str, &'static str)> {
    let with = |name: &str, value: Value| {
        let mut body = json!({ "to": TEST, "channel": "sms" });
        body[name] = value;
        body
    };
    let length = "must be an integer from 4 to 8";
    vec![
        (json!({ "channel": "sms" }), "to", "is required"),
        (json!({ "to": TEST }), "channel", "is required"),
        (with("to", json!("4155550123")), "to", "must be E.164 format"),
        (with("channel", json!("email")), "to", "must be an e-mail address"),
        (
            with("channel", json!("pigeon")),
            "channel",
            "must be one of sms, voice, whatsapp, email",
        ),
        (with("code_length", json!(3)), "code_length", length),
        (with("code_length", json!(9)), "code_length", length),
        (with("code_length", json!("6")), "code_length", length),
        (
            with("custom_message", json!("no place")),
            "custom_message",
            "must contain {{code}} and be at most 1000 bytes",
        ),
        (
            with("locale", json!("e n")),
            "locale",
            "must be a language tag, such as en or pt-BR",
        ),
        (
            with("client_ip", json!("here")),
            "client_ip",
            "must be an IP address",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_body_is_told_by_field() {
    let gateway = gateway().await;
    for (body, field, reason) in wrong() {
        let refused = post(&gateway, "/v1/verify/start", &body).await.expect(400);
        let expected = json!({ "error": { "code": "VALIDATION_FAILED", "message": "Request validation failed", "details": [{ "field": field, "reason": reason }] } });
        assert_eq!(refused, expected, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unknown_or_torn_is_told_in_the_contracts_form() {
    let gateway = gateway().await;
    let refused = post(&gateway, "/v1/verify/check", &json!({ "code": "12" }))
        .await
        .expect(400);
    assert_eq!(refused["error"]["details"].as_array().unwrap().len(), 2);
    let unknown = check(&gateway, "ver_00000000000000000000000000000000", "123456")
        .await
        .expect(404);
    assert_eq!(unknown["error"]["code"], "NOT_FOUND");
    check(&gateway, "no-id", "123456").await.expect(404);
    let torn = call(&gateway, "POST", "/v1/verify/start")
        .header("content-type", "application/json")
        .body("{");
    assert_eq!(
        torn.send(gateway.address).await.expect(400)["error"]["code"],
        "VALIDATION_FAILED"
    );
    let deleted = call(&gateway, "DELETE", "/v1/verify/start")
        .send(gateway.address)
        .await;
    assert!(
        deleted.status == 405 && deleted.json()["error"]["code"].is_string(),
        "{}",
        deleted.text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_its_tenant_and_its_scope_are_needed() {
    let gateway = gateway().await;
    let id = id(&start(&gateway, TEST).await.expect(200));
    let path = format!("/v1/verify/{id}");
    let get = |key: &str, tenant: &str| Call::get(&path).key(key).header("x-tenant-id", tenant);
    for (call, status, code) in [
        (
            Call::get(&path).header("x-tenant-id", "acme"),
            401,
            "UNAUTHORIZED",
        ),
        (get("nonsense", "acme"), 401, "UNAUTHORIZED"),
        (get(&gateway.key, "globex"), 403, "FORBIDDEN"),
        (Call::get(&path).key(&gateway.key), 403, "FORBIDDEN"),
        (get(&gateway.other_key, "globex"), 404, "NOT_FOUND"),
    ] {
        assert_eq!(
            call.send(gateway.address).await.expect(status)["error"]["code"],
            code
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_starts_for_a_number_in_an_hour_and_the_wait_is_told() {
    let gateway = gateway().await;
    for _ in 0..5 {
        start(&gateway, OWN).await.expect(200);
    }
    let sixth = start(&gateway, OWN).await;
    assert_eq!(sixth.expect(429)["error"]["code"], "RATE_LIMITED");
    let wait_s: u64 = sixth.header("retry-after").unwrap().parse().unwrap();
    assert!((3000..=3600).contains(&wait_s), "{wait_s}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_may_be_or_nobody_carries_nothing_is_sent() {
    let gateway = gateway().await;
    let abroad = start(&gateway, "+919876543210").await.expect(403);
    assert_eq!(abroad["error"]["code"], "FORBIDDEN");
    let nobody = start(&gateway, "+14155550123").await.expect(502);
    assert_eq!(nobody["error"]["code"], "DELIVERY_FAILED");
    for _ in 0..4 {
        start(&gateway, "+14155550123").await.expect(502);
    }
}

/// What a rented number of our own got.
async fn code_of(gateway: &Gateway, rental: &str) -> String {
    let reply = Call::get(&format!("/api/verifications/{rental}/code?wait=5"))
        .key(&gateway.key)
        .send(gateway.address)
        .await;
    reply.expect(200)["otpCode"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", reply.text()))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_halves_try_each_other() {
    let gateway = gateway().await;
    let rented = Call::post("/api/verifications", &json!({ "serviceName": "google" }))
        .key(&gateway.key)
        .send(gateway.address)
        .await;
    let rented = rented.expect(201);
    let (rental, number) = (rented["id"].as_str().unwrap(), rented["number"].as_str().unwrap());
    let wish =
        json!({ "to": number, "channel": "sms", "app_name": "MyApp", "code_length": 8, "locale": "de" });
    let started = post(&gateway, "/v1/verify/start", &wish).await.expect(200);
    let code = code_of(&gateway, rental).await;
    assert_eq!(code.len(), 8);
    check(&gateway, &id(&started), &other_than(&code))
        .await
        .expect(400);
    check(&gateway, &id(&started), &code).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_code_takes_the_place_of_the_one_before() {
    let gateway = gateway().await;
    let first = id(&start(&gateway, OWN).await.expect(200));
    let second = id(&start(&gateway, OWN).await.expect(200));
    assert_ne!(first, second);
    assert_eq!(
        status(&gateway, &first).await["status"],
        "expired",
        "the contract has no other word for it"
    );
    let over = {
        let mut over = over();
        over["verify"]
            .as_table_mut()
            .unwrap()
            .insert("resend".into(), "same".into());
        over
    };
    let gateway = gateway.restart(over).await;
    let third = id(&start(&gateway, "+12025550101").await.expect(200));
    assert_eq!(
        id(&start(&gateway, "+12025550101").await.expect(200)),
        third,
        "it goes out once more"
    );
    assert_eq!(
        status(&gateway, &second).await["status"],
        "pending",
        "it outlived the restart"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_right_codes_at_once_are_right_once() {
    let gateway = gateway().await;
    let id = id(&start(&gateway, TEST).await.expect(200));
    let checks = (0..100).map(|_| check(&gateway, &id, TEST_CODE));
    let replies = futures_util::future::join_all(checks).await;
    let of = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!(of(200), 1);
    assert_eq!(
        of(200) + of(404) + of(429),
        100,
        "{:?}",
        replies.iter().map(|r| r.status).collect::<Vec<_>>()
    );
    assert!(status(&gateway, &id).await["attempts"].as_u64().unwrap() <= 5);
}

/// The bodies as the contract's page shows them, byte for byte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_own_lines_run() {
    let over = toml::toml! {
        [verify]
        test_numbers = ["+919876543210=123456"]
    };
    let gateway = Gateway::start_with(over).await;
    let line = |path: &str, body: &str| {
        let call = call(&gateway, "POST", path).header("content-type", "application/json");
        let (call, address) = (call.body(body.to_owned()), gateway.address);
        async move { call.send(address).await }
    };
    let body = r#"{"to": "+919876543210", "channel": "sms", "app_name": "MyApp"}"#;
    let started = line("/v1/verify/start", body).await.expect(200);
    let body = r#"{"verification_id": "ver_abc123", "code": "123456"}"#;
    line("/v1/verify/check", body).await.expect(404);
    let body = body.replace("ver_abc123", &id(&started));
    let checked = line("/v1/verify/check", &body).await.expect(200);
    assert_eq!(checked["data"]["status"], "approved");
}
