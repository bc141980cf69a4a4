//! A gateway with providers, and the operator's way to try them.

use ringback::core::id::AccountId;
use ringback::core::phone::PhoneNumber;
use ringback::core::sending::{Channel, Order, Recipient, Sent};
use ringback::gateway::Handover;
use serde_json::{Value, json};
use toml::Table;

use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;
use crate::support::provider::Act;

pub const TO: &str = "+12025550187";
pub const TEXT: &str = "Your code is 123456.";

pub fn twilio(name: &str, url: &str) -> Table {
    let mut table = toml::toml! {
        kind = "twilio"
        account_sid = "AC00000000000000000000000000000001"
        auth_token = "tok"
        from = "+12025550143"
        timeout_ms = 400
        allow_http = true
    };
    table.insert("name".into(), name.into());
    table.insert("base_url".into(), url.into());
    table
}

/// A gateway with these providers.
pub async fn start(providers: Vec<Table>) -> Gateway {
    start_with(providers, Table::new()).await
}

/// The same with more of the configuration.
pub async fn start_with(providers: Vec<Table>, more: Table) -> Gateway {
    let mut over = toml::toml! {
        sending = { faults_max = 3, rest_s = 1 }
    };
    over.extend(more);
    let providers = providers.into_iter().map(toml::Value::Table).collect();
    over.insert("provider".into(), toml::Value::Array(providers));
    Gateway::start_with(over).await
}

pub fn taken(id: &str) -> Act {
    let body = json!({ "sid": id, "status": "queued", "num_segments": "1", "error_code": null });
    Act::Answer(201, "", body.to_string())
}

pub fn refused(status: u16, code: u32) -> Act {
    let body = json!({ "code": code, "message": "no", "status": status });
    Act::Answer(status, "", body.to_string())
}

pub fn order() -> Order {
    Order {
        key: "k1".into(),
        to: Recipient::Phone(PhoneNumber::parse(TO).unwrap()),
        text: TEXT.into(),
        code: Some("123456".into()),
        language: "en".into(),
        subject: String::new(),
        extension: None,
    }
}

pub async fn send(gateway: &Gateway) -> Handover {
    let account = AccountId::parse("acme").unwrap();
    gateway
        .running
        .gateway
        .send((Channel::Sms, None), Some(account.into()), order())
        .await
        .unwrap()
}

pub async fn send_through(gateway: &Gateway, provider: &str) -> Sent {
    let sent = gateway
        .running
        .gateway
        .send_through(provider, None, order())
        .await;
    sent.unwrap().sent
}

/// A call to the admin listener.
pub async fn admin(gateway: &Gateway, call: Call) -> Reply {
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).unwrap();
    call.header("authorization", &format!("Bearer {}", token.trim()))
        .send(gateway.running.admin_address)
        .await
}

pub async fn try_out(gateway: &Gateway, provider: &str, account: &str) -> Value {
    let wish = json!({ "to": TO, "text": TEXT, "account": account });
    let call = Call::post(&format!("/admin/providers/{provider}/tests"), &wish);
    admin(gateway, call).await.expect(200)
}
