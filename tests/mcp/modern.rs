//! The stateless era: discovery, the header fields that must agree with the body, and the status of each error.

use serde_json::{Value, json};
use toml::Table;

use super::agent::{self, MODERN, body, error, legacy, modern, post};
use crate::support::client::Call;
use crate::support::gateway::Gateway;

const META: &str = "io.modelcontextprotocol/protocolVersion";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn discovery_tells_what_is_spoken() {
    let gateway = agent::gateway(Table::new()).await;
    let reply = modern(&gateway, "server/discover", json!({}))
        .send(gateway.address)
        .await
        .expect(200);
    let result = &reply["result"];
    assert_eq!(reply["id"], "m-1");
    assert_eq!(result["resultType"], "complete");
    assert_eq!(
        result["supportedVersions"],
        json!([MODERN, "2025-11-25", "2025-06-18", "2025-03-26"])
    );
    assert_eq!(result["capabilities"], json!({ "tools": {} }));
    assert_eq!(
        (&result["ttlMs"], &result["cacheScope"]),
        (&json!(3_600_000), &json!("public"))
    );
    let server = json!({ "name": "ringback", "version": env!("CARGO_PKG_VERSION") });
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"], server);

    let list = modern(&gateway, "tools/list", json!({}))
        .send(gateway.address)
        .await
        .expect(200);
    assert_eq!(
        (&list["result"]["ttlMs"], &list["result"]["resultType"]),
        (&json!(3_600_000), &json!("complete"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn methods_of_the_other_era_and_unknown_ones_are_not_found() {
    let gateway = agent::gateway(Table::new()).await;
    for method in [
        "initialize",
        "ping",
        "prompts/list",
        "resources/read",
        "subscriptions/listen",
        "x",
    ] {
        let reply = modern(&gateway, method, json!({})).send(gateway.address).await;
        assert_eq!(error(&reply), (404, -32601), "{method}");
    }
    // Whole, as a client of the other era would send it.
    let params = json!({ "protocolVersion": MODERN, "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } });
    let reply = modern(&gateway, "initialize", params).send(gateway.address).await;
    assert_eq!(error(&reply), (404, -32601));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_that_do_not_fit_are_told_with_400() {
    let gateway = agent::gateway(Table::new()).await;
    for (method, params) in [
        ("tools/call", json!({ "name": "rm_rf", "arguments": {} })),
        ("tools/call", json!({ "name": "verify_cancel", "arguments": [] })),
        ("tools/call", json!({})),
        ("tools/list", json!({ "cursor": "x" })),
    ] {
        let reply = modern(&gateway, method, params).send(gateway.address).await;
        assert_eq!(error(&reply), (400, -32602), "{method}");
        assert_eq!(reply.json()["id"], "m-1");
    }
}

/// A request whose fields are these, and whose body is of this version and name.
fn odd(gateway: &Gateway, fields: &[(&str, &str)], body: &Value) -> Call {
    let call = post(gateway, &body.to_string());
    fields
        .iter()
        .fold(call, |call, (name, value)| call.header(name, value))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_fields_must_agree_with_the_body() {
    let gateway = agent::gateway(Table::new()).await;
    let call = body(
        "tools/call",
        json!({ "name": "verify_list_services", "arguments": {} }),
    );
    let version = ("MCP-Protocol-Version", MODERN);
    let method = ("Mcp-Method", "tools/call");
    let name = ("Mcp-Name", "verify_list_services");
    for fine in [
        &[version, method, name][..],
        &[
            version,
            ("mcp-method", "  tools/call\t"),
            ("mcp-name", "\t verify_list_services  "),
        ],
        &[
            version,
            method,
            ("mcp-name", "=?base64?dmVyaWZ5X2xpc3Rfc2VydmljZXM=?="),
        ],
    ] {
        odd(&gateway, fine, &call).send(gateway.address).await.expect(200);
    }
    for wrong in [
        &[method, name][..],
        &[version, name],
        &[version, method],
        &[version, ("mcp-method", "tools/list"), name],
        &[version, ("mcp-method", "Tools/Call"), name],
        &[version, method, ("mcp-name", "verify_cancel")],
        &[version, method, ("mcp-name", "=?base64?!?=")],
        &[version, method, ("mcp-name", "=?base64?dmVyaWZ5?=")],
        &[version, method, name, name],
        &[version, version, method, name],
        &[("mcp-protocol-version", "2025-11-25"), method, name],
    ] {
        let reply = odd(&gateway, wrong, &call).send(gateway.address).await;
        assert_eq!(error(&reply), (400, -32020), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_and_capabilities_are_stated_in_the_body() {
    let gateway = agent::gateway(Table::new()).await;
    let fields = |version| [("mcp-protocol-version", version), ("mcp-method", "tools/list")];
    let whole = body("tools/list", json!({}));
    let without = |name: &str| {
        let mut body = whole.clone();
        body["params"]["_meta"].as_object_mut().unwrap().remove(name);
        body
    };
    for name in [META, "io.modelcontextprotocol/clientCapabilities"] {
        let reply = odd(&gateway, &fields(MODERN), &without(name))
            .send(gateway.address)
            .await;
        assert_eq!(error(&reply), (400, -32602), "{name}");
    }
    let bare = json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/list" });
    let reply = odd(&gateway, &fields(MODERN), &bare).send(gateway.address).await;
    assert_eq!(
        (error(&reply), reply.json()["id"].clone()),
        ((400, -32602), json!(5))
    );

    let mut old = whole.clone();
    old["params"]["_meta"][META] = json!("1900-01-01");
    let reply = odd(&gateway, &fields("1900-01-01"), &old)
        .send(gateway.address)
        .await;
    assert_eq!(error(&reply), (400, -32022));
    let supported = json!([MODERN, "2025-11-25", "2025-06-18", "2025-03-26"]);
    assert_eq!(
        reply.json()["error"]["data"],
        json!({ "supported": supported, "requested": "1900-01-01" })
    );

    // A method of this era alone: without `_meta` it is told what it lacks.
    let bare = legacy(&gateway, &json!(6), "server/discover", &json!({}));
    let reply = bare.send(gateway.address).await;
    assert_eq!(
        (error(&reply), reply.json()["id"].clone()),
        ((400, -32602), json!(6))
    );
}
