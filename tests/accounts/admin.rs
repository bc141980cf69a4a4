//! The operator's side: calls to the admin listener with its token.

use serde_json::{Value, json};

use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;

fn token(gateway: &Gateway) -> String {
    std::fs::read_to_string(gateway.data().join("admin.token")).expect("a running gateway has one")
}

pub async fn send(gateway: &Gateway, call: Call) -> Reply {
    call.key(token(gateway).trim())
        .send(gateway.running.admin_address)
        .await
}

pub async fn get(gateway: &Gateway, path: &str) -> Reply {
    send(gateway, Call::get(path)).await
}

pub async fn post(gateway: &Gateway, path: &str, body: &Value) -> Reply {
    send(gateway, Call::post(path, body)).await
}

pub async fn delete(gateway: &Gateway, path: &str) -> Reply {
    send(gateway, Call::new("DELETE", path)).await
}

/// A key and its id.
pub struct Made {
    pub key: String,
    pub id: String,
}

impl Made {
    pub fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().expect("a text").to_owned();
        Self {
            key: text("key"),
            id: text("id"),
        }
    }
}

/// Makes a key of `acme`, with these settings besides.
pub async fn make_key(gateway: &Gateway, settings: Value) -> Made {
    let mut wish = json!({ "account": "acme" });
    for (name, value) in settings.as_object().expect("settings") {
        wish[name] = value.clone();
    }
    Made::of(&post(gateway, "/admin/keys", &wish).await.expect(201))
}

pub async fn revoke(gateway: &Gateway, key: &Made) {
    let reply = delete(gateway, &format!("/admin/keys/{}", key.id)).await;
    assert_eq!(reply.status, 204, "{}", reply.text());
}

/// What the list tells of a key.
pub async fn listed(gateway: &Gateway, id: &str) -> Option<Value> {
    let answer = get(gateway, "/admin/keys?account=acme").await.expect(200);
    let keys = answer["keys"].as_array().expect("a list");
    keys.iter().find(|key| key["id"] == id).cloned()
}

/// What a request with this key is answered.
pub async fn status(gateway: &Gateway, key: &str) -> u16 {
    let reply = Call::get("/api/verifications")
        .key(key)
        .send(gateway.address)
        .await;
    reply.status
}
