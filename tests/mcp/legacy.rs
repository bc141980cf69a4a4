//! The era of `initialize`: versions, ids, and errors that travel with 200.

use serde_json::{Value, json};
use toml::Table;

use super::agent::{self, error, legacy, post};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn initialize_answers_the_version_that_was_asked_for_or_the_newest() {
    let gateway = agent::gateway(Table::new()).await;
    for (asked, answered) in [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2025-11-25"),
        ("1900-01-01", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
    ] {
        let params = json!({ "protocolVersion": asked, "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } });
        let reply = legacy(&gateway, &json!(0), "initialize", &params)
            .send(gateway.address)
            .await;
        let result = &reply.expect(200)["result"];
        assert_eq!(result["protocolVersion"], answered, "{asked}");
        assert_eq!(
            result["capabilities"],
            json!({ "tools": {} }),
            "no more is promised than is there"
        );
        assert_eq!(
            result["serverInfo"],
            json!({ "name": "ringback", "version": env!("CARGO_PKG_VERSION") })
        );
        assert!(
            result["instructions"]
                .as_str()
                .unwrap()
                .contains("verify_list_services")
        );
        assert_eq!(
            result.as_object().unwrap().len(),
            4,
            "nothing of the other era: {result}"
        );
        assert_eq!(reply.header("mcp-session-id"), None);
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_need_no_session_and_their_ids_come_back_as_they_were() {
    let gateway = agent::gateway(Table::new()).await;
    for id in [
        json!(0),
        json!(-7),
        json!("0"),
        json!(""),
        json!(9_007_199_254_740_993_u64),
    ] {
        let reply = legacy(&gateway, &id, "ping", &json!({}))
            .send(gateway.address)
            .await;
        assert_eq!(
            reply.expect(200),
            json!({ "jsonrpc": "2.0", "id": id, "result": {} })
        );
    }
    for version in ["2025-11-25", "2025-06-18", "2025-03-26"] {
        let call =
            legacy(&gateway, &json!(1), "tools/list", &json!({})).header("mcp-protocol-version", version);
        let result = call.send(gateway.address).await.expect(200)["result"].clone();
        assert_eq!(result["tools"].as_array().unwrap().len(), 4);
        assert_eq!(
            result.as_object().unwrap().len(),
            1,
            "nothing of the other era: {result}"
        );
    }
    let call = legacy(&gateway, &json!(1), "ping", &json!({})).header("mcp-protocol-version", "2024-11-05");
    assert_eq!(error(&call.send(gateway.address).await), (400, -32022));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_a_well_formed_request_travel_with_200() {
    let gateway = agent::gateway(Table::new()).await;
    for (method, params, code) in [
        ("prompts/list", json!({}), -32601),
        ("resources/list", json!({}), -32601),
        ("completion/complete", json!({}), -32601),
        ("subscriptions/listen", json!({ "notifications": {} }), -32601),
        ("x", json!({}), -32601),
        ("initialize", json!({ "protocolVersion": "2025-11-25" }), -32602),
        ("tools/call", json!({ "name": "rm_rf", "arguments": {} }), -32602),
        ("tools/call", json!({ "arguments": {} }), -32602),
        (
            "tools/call",
            json!({ "name": "verify_cancel", "arguments": [] }),
            -32602,
        ),
        ("tools/list", json!({ "cursor": "x" }), -32602),
    ] {
        let reply = legacy(&gateway, &json!(1), method, &params)
            .send(gateway.address)
            .await;
        assert_eq!(error(&reply), (200, code), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_is_answered_with_nothing() {
    let gateway = agent::gateway(Table::new()).await;
    for method in ["notifications/initialized", "notifications/cancelled", "anything"] {
        let body = json!({ "jsonrpc": "2.0", "method": method });
        let reply = post(&gateway, &body.to_string()).send(gateway.address).await;
        assert_eq!((reply.status, reply.json()), (202, Value::Null));
    }
}
