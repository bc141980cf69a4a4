//! An agent's client: the requests of both eras, right in every field unless a test changes one.

use serde_json::{Value, json};
use toml::Table;

use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;

pub const MODERN: &str = "2026-07-28";

/// A gateway that may be called by the name that the tests' client uses.
pub async fn gateway(mut over: Table) -> Gateway {
    let mcp = over.entry("mcp").or_insert_with(|| Table::new().into());
    let mcp = mcp.as_table_mut().expect("a section");
    mcp.insert("allowed_hosts".into(), vec!["gw"].into());
    Gateway::start_with(over).await
}

pub fn post(gateway: &Gateway, body: &str) -> Call {
    Call::new("POST", "/mcp")
        .key(&gateway.key)
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .body(body)
}

/// A legacy request.
pub fn legacy(gateway: &Gateway, id: &Value, method: &str, params: &Value) -> Call {
    let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    post(gateway, &body.to_string())
}

/// A modern request's body.
pub fn body(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({ "jsonrpc": "2.0", "id": "m-1", "method": method, "params": params })
}

/// A modern request with the header fields that belong to its body.
pub fn modern(gateway: &Gateway, method: &str, params: Value) -> Call {
    let body = body(method, params);
    let call = post(gateway, &body.to_string())
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", method);
    match body["params"]["name"].as_str() {
        Some(name) => call.header("mcp-name", name),
        None => call,
    }
}

/// A modern call of a tool.
pub fn tool(gateway: &Gateway, name: &str, arguments: &Value) -> Call {
    modern(
        gateway,
        "tools/call",
        json!({ "name": name, "arguments": arguments }),
    )
}

/// The error of an answer: its status and its code.
pub fn error(reply: &Reply) -> (u16, i64) {
    (
        reply.status,
        reply.json()["error"]["code"].as_i64().unwrap_or_default(),
    )
}
