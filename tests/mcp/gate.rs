//! What is decided before the body is understood: names, origins, methods, keys, media types, sizes. And what is no JSON-RPC at all.

use serde_json::{Value, json};
use toml::Table;

use super::agent::{self, error, legacy, post};
use crate::support::client::{Call, exchange};
use crate::support::gateway::Gateway;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_servers_own_names_are_answered() {
    let gateway = Gateway::start_with(toml::toml! {
        mcp = { allowed_hosts = ["Extra.example"] }
        server = { public_url = "https://gw.example.com" }
    })
    .await;
    let ask = async |host: &str, origin: Option<&str>| {
        let mut call = legacy(&gateway, &json!(1), "ping", &json!({}));
        if let Some(origin) = origin {
            call = call.header("origin", origin);
        }
        let bytes = String::from_utf8(call.bytes())
            .unwrap()
            .replace("host: gw", &format!("host: {host}"));
        exchange(gateway.address, bytes.as_bytes()).await.unwrap()
    };
    for host in [
        "localhost",
        "localhost:9",
        "127.0.0.1:8080",
        "[::1]:8080",
        "GW.example.com",
        "extra.example:1",
    ] {
        ask(host, None).await.expect(200);
    }
    for host in [
        "evil.example",
        "gw.example.com.evil.example",
        "localhost.evil.example",
        "192.0.2.1",
        "",
        "a@localhost:1@evil",
    ] {
        assert_eq!(error(&ask(host, None).await), (403, -32000), "{host}");
    }
    for origin in ["http://localhost:3000", "https://gw.example.com"] {
        ask("localhost", Some(origin)).await.expect(200);
    }
    for origin in [
        "http://evil.example",
        "null",
        "file:///etc",
        "https://gw.example.com.evil.example",
        "x",
    ] {
        assert_eq!(
            error(&ask("localhost", Some(origin)).await),
            (403, -32000),
            "{origin}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_asked_for_before_anything_is_read() {
    let gateway = agent::gateway(Table::new()).await;
    for call in [
        Call::new("POST", "/mcp").body("{ this is no JSON"),
        Call::new("POST", "/mcp").key("rb_live_wrong").body("[]"),
        Call::new("POST", &format!("/mcp?api_key={}", gateway.key)).body("{}"),
    ] {
        let reply = call.send(gateway.address).await;
        assert_eq!(error(&reply), (401, -32000));
        assert_eq!(
            reply.header("www-authenticate"),
            Some("Bearer error=\"invalid_token\"")
        );
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_post_and_only_json() {
    let gateway = agent::gateway(Table::new()).await;
    for method in ["GET", "DELETE", "PUT"] {
        let reply = Call::new(method, "/mcp")
            .key(&gateway.key)
            .send(gateway.address)
            .await;
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.header("allow"), Some("POST"));
    }
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let with = async |accept: &[&str], content_type: &str| {
        let call = Call::new("POST", "/mcp")
            .key(&gateway.key)
            .header("content-type", content_type);
        let call = accept
            .iter()
            .fold(call, |call, accept| call.header("accept", accept));
        call.body(ping).send(gateway.address).await.status
    };
    let json = "application/json; charset=utf-8";
    for (accept, status) in [
        (&["application/json, text/event-stream"][..], 200),
        (&["application/json", "text/event-stream"], 200),
        (&["*/*"], 200),
        (&["Application/*;q=0.5, text/*"], 200),
        (&[], 200),
        (&["application/json"], 406),
        (&["text/event-stream"], 406),
        (&["application/json;q=0, text/event-stream"], 406),
        (&["text/html"], 406),
    ] {
        assert_eq!(with(accept, json).await, status, "{accept:?}");
    }
    assert_eq!(with(&["*/*"], "text/plain").await, 415);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_is_told_so() {
    let gateway = agent::gateway(Table::new()).await;
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{}1{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    for (body, code, id) in [
        ("", -32700, Value::Null),
        ("{", -32700, Value::Null),
        ("\u{feff}{}", -32700, Value::Null),
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
            -32600,
            Value::Null,
        ),
        ("[]", -32600, Value::Null),
        ("1", -32600, Value::Null),
        (r#"{"id":1,"method":"ping"}"#, -32600, json!(1)),
        (
            r#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#,
            -32600,
            json!("a"),
        ),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600, json!(1)),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, -32600, json!(1)),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            -32600,
            Value::Null,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            -32600,
            Value::Null,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":2}"#, -32600, json!(1)),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
            -32602,
            json!(1),
        ),
        (&deep, -32000, Value::Null),
    ] {
        let reply = post(&gateway, body).send(gateway.address).await;
        assert_eq!(error(&reply), (400, code), "{body}");
        assert_eq!(reply.json()["id"], id, "{body}");
    }
    let large = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "x".repeat(2 << 20));
    assert_eq!(
        error(&post(&gateway, &large).send(gateway.address).await),
        (413, -32000)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mcp_can_be_off() {
    let gateway = agent::gateway(toml::toml! { mcp = { enabled = false } }).await;
    let reply = legacy(&gateway, &json!(1), "ping", &json!({}))
        .send(gateway.address)
        .await;
    assert_eq!(reply.status, 404);
}
