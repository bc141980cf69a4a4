//! A gateway whose codes come in as SMS to its own numbers, so that a test can give them back.

use serde_json::{Value, json};
use toml::Table;

use crate::support::carrier::TWILIO;
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;
use crate::support::openapi;
use crate::support::provider::Act;

/// A number of the gateway's own, which is rented before a code is sent to it.
pub const OWN: &str = "+12025550100";
/// A number that gets nothing, and its code.
pub const TEST: &str = "+15005550006";
pub const TEST_CODE: &str = "123456";

/// Cheap hashes, codes to our own numbers, and a test number.
pub fn over() -> Table {
    toml::toml! {
        [verify]
        loopback = true
        bcrypt_cost = 4
        test_numbers = ["+15005550006=123456", "+15005550007=654321"]
    }
}

/// As `over`, with a scripted Twilio that carries what goes to others, and these lines in `[verify]`.
pub fn carried(url: &str, verify: &str) -> Table {
    let mut over = over();
    let more: Table = toml::from_str(verify).unwrap();
    over["verify"].as_table_mut().unwrap().extend(more);
    let provider = toml::toml! {
        name = "main"
        kind = "twilio"
        account_sid = "AC00000000000000000000000000000001"
        auth_token = "tok"
        from = "+12025550143"
        timeout_ms = 400
        allow_http = true
    };
    let named = [("base_url", url), ("source", TWILIO)];
    let named = named.map(|(key, value)| (key.to_owned(), value.into()));
    let provider = provider.into_iter().chain(named).collect();
    over.insert("provider".into(), vec![toml::Value::Table(provider)].into());
    over
}

/// Twilio takes a message under this id.
pub fn taken(id: &str) -> Act {
    let body = json!({ "sid": id, "status": "queued", "num_segments": "1", "error_code": null });
    Act::Answer(201, "", body.to_string())
}

pub async fn gateway() -> Gateway {
    Gateway::start_with(over()).await
}

pub fn call(gateway: &Gateway, method: &str, path: &str) -> Call {
    Call::new(method, path)
        .key(&gateway.key)
        .header("x-tenant-id", "acme")
}

pub async fn post(gateway: &Gateway, path: &str, body: &Value) -> Reply {
    let call = call(gateway, "POST", path).header("content-type", "application/json");
    call.body(body.to_string()).send(gateway.address).await
}

pub async fn start(gateway: &Gateway, to: &str) -> Reply {
    post(
        gateway,
        "/v1/verify/start",
        &json!({ "to": to, "channel": "sms" }),
    )
    .await
}

pub async fn check(gateway: &Gateway, id: &str, code: &str) -> Reply {
    post(
        gateway,
        "/v1/verify/check",
        &json!({ "verification_id": id, "code": code }),
    )
    .await
}

pub async fn status(gateway: &Gateway, id: &str) -> Value {
    let path = format!("/v1/verify/{id}");
    let reply = call(gateway, "GET", &path).send(gateway.address).await;
    assert_eq!(openapi::wrong("GET", &path, &reply), Vec::<String>::new());
    reply.expect(200)["data"].clone()
}

pub fn id(started: &Value) -> String {
    started["data"]["verification_id"].as_str().unwrap().to_owned()
}

/// Another code than this one.
pub fn other_than(code: &str) -> String {
    let last = if code.ends_with('1') { '2' } else { '1' };
    format!("{}{last}", &code[..code.len() - 1])
}
