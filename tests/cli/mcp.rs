//! `ringback mcp`: an agent's lines in, the gateway's answers out, with the gateway's rules and no others.

use serde_json::{Value, json};

use super::process::{Ended, Home};

fn lines(messages: &[Value]) -> String {
    messages.iter().map(|message| format!("{message}\n")).collect()
}

/// The answer with this id.
fn answer(ended: &Ended, id: Value) -> Value {
    let mut answers = ended
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    answers
        .find(|answer| answer["id"] == id)
        .unwrap_or_else(|| panic!("no answer to {id}: {ended:?}"))
}

fn request(id: Value, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// A modern call of a tool.
fn call(id: u32, name: &str, arguments: Value) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    request(
        json!(id),
        "tools/call",
        json!({ "name": name, "arguments": arguments, "_meta": meta }),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_both_eras_are_answered_by_the_gateway() {
    let home = Home::new();
    let (_gateway, facts) = home.dev(&[]).await;
    let environment = [
        ("RINGBACK_URL", facts["base_url"].as_str().unwrap()),
        ("RINGBACK_KEY", facts["api_key"].as_str().unwrap()),
    ];
    let input = lines(&[
        request(
            json!(0),
            "initialize",
            json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } }),
        ),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        request(json!("one"), "tools/list", json!({})),
        call(2, "verify_get_number", json!({ "serviceName": "google" })),
        call(3, "größe", json!({})),
        request(json!(4), "prompts/list", json!({})),
    ]) + "\n{\n";
    let ended = home.run_with(&["mcp"], &input, &environment).await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    let version = &answer(&ended, json!(0))["result"]["protocolVersion"];
    assert_eq!(version, "2025-11-25");
    let tools = &answer(&ended, json!("one"))["result"]["tools"];
    assert_eq!(tools.as_array().unwrap().len(), 4);
    let rented = &answer(&ended, json!(2))["result"];
    assert_eq!(
        (&rented["structuredContent"]["status"], &rented["resultType"]),
        (&json!("active"), &json!("complete"))
    );
    assert_eq!(answer(&ended, json!(3))["error"]["code"], -32602);
    assert_eq!(answer(&ended, json!(4))["error"]["code"], -32601);
    assert_eq!(answer(&ended, Value::Null)["error"]["code"], -32700);
    assert_eq!(
        ended.out.lines().count(),
        6,
        "a notification is answered with nothing"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_call_is_hung_up_and_not_answered() {
    let home = Home::new();
    let (_gateway, facts) = home.dev(&[]).await;
    let (url, key) = (
        facts["base_url"].as_str().unwrap(),
        facts["api_key"].as_str().unwrap(),
    );
    let run = async |messages: &[Value]| {
        home.run_with(&["mcp", "--url", url, "--key", key], &lines(messages), &[])
            .await
    };
    let rented = answer(
        &run(&[call(1, "verify_get_number", json!({ "serviceName": "google" }))]).await,
        json!(1),
    );
    let id = &rented["result"]["structuredContent"]["id"];
    let cancel =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 2 } });
    let before = std::time::Instant::now();
    let ended = run(&[
        call(2, "verify_get_code", json!({ "verificationId": id })),
        cancel,
    ])
    .await;
    assert_eq!((ended.code, &*ended.out), (Some(0), ""));
    assert!(
        before.elapsed().as_secs() < 14,
        "it did not wait for the fifteen seconds of the call"
    );
}

/// The ways to ask for all that rmcp logs: by level, crate, module and span.
const ALL: &str = "trace,rmcp=trace,rmcp::service=trace,[serve_inner]=trace";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_filter_of_the_log_shows_what_an_agent_is_told() {
    let home = Home::new();
    let arguments = ["dev", "--json", "--listen", "127.0.0.1:0"];
    let gateway = home.start(&arguments, &[("RINGBACK__LOG__FILTER", ALL)]);
    let log = gateway.log_beside(async |line| {
        let facts: Value = serde_json::from_str(&line).expect("one line of JSON");
        let fact = |name: &str| facts[name].as_str().unwrap().to_owned();
        let reach = ["--url", &fact("base_url"), "--key", &fact("api_key")];
        let tool = async |name: &str, arguments: Value| {
            let input = lines(&[call(1, name, arguments)]);
            let ended = home.run_with(&[&["mcp"], &reach[..]].concat(), &input, &[]).await;
            answer(&ended, json!(1))["result"]["structuredContent"].clone()
        };
        let rented = tool("verify_get_number", json!({ "serviceName": "google" })).await;
        let sms = [
            "sim",
            "sms",
            "--from",
            "22000",
            "--text",
            "G-482913 is your code.",
            "--to",
        ];
        let more = [
            rented["number"].as_str().unwrap(),
            "--gateway",
            reach[1],
            "--api-key",
            reach[3],
        ];
        assert_eq!(home.run(&[&sms[..], &more].concat()).await.code, Some(0));
        let told = tool("verify_get_code", json!({ "verificationId": rented["id"] })).await;
        assert_eq!(told["otpCode"], "482913");
    });
    let log = log.await;
    assert!(log.contains("TRACE"), "it is as talkative as it can be");
    for secret in ["482913", "is your code", "rb_test_", "rb_live_"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

#[tokio::test]
async fn what_cannot_work_is_said_in_the_agents_own_language() {
    let home = Home::new();
    let ended = home.run(&["mcp"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("RINGBACK_KEY"), "{}", ended.err);

    let ping = lines(&[json!({ "jsonrpc": "2.0", "id": 9, "method": "ping" })]);
    let ended = home
        .run_with(&["mcp", "--url", "http://127.0.0.1:9", "--key", "x"], &ping, &[])
        .await;
    let error = &answer(&ended, json!(9))["error"];
    assert_eq!(error["code"], -32603);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:9: "),
        "{error}"
    );

    let (_gateway, facts) = home.dev(&[]).await;
    let url = facts["base_url"].as_str().unwrap();
    let ended = home
        .run_with(&["mcp", "--url", url, "--key", "wrong"], &ping, &[])
        .await;
    let error = &answer(&ended, json!(9))["error"];
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("Send a valid API key"),
        "{error}"
    );
}
