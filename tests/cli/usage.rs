//! `usage export` against a running gateway: lines and lists, and a cursor that goes on where the last export ended.

use serde_json::{Value, json};

use super::operate::Gateway;
use crate::support::client::Call;

const CONFIG: &str = r#"
[[source]]
name = "main"
carrier = "kannel"
path_tokens = ["0123456789abcdef0123456789abcdef"]
[[number]]
number = "+12025550143"
country = "US"
[[number]]
number = "+12025550144"
country = "US"
"#;

async fn complete(gateway: &Gateway, key: &str) -> String {
    let rent = Call::post("/api/verifications", &json!({ "serviceName": "google" })).key(key);
    let rental = rent.send(gateway.address).await.expect(201);
    let to = rental["number"].as_str().unwrap().replace('+', "%2B");
    let path = format!(
        "/inbound/main/0123456789abcdef0123456789abcdef?id=m{to}&from=Google&to={to}&text=G-482913+is+your+code"
    );
    let reply = Call::get(&path).send(gateway.address).await;
    assert!(reply.status < 300, "{}", reply.text());
    rental["id"].as_str().unwrap().to_owned()
}

fn of(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|e| e["data"]["verificationId"].as_str().unwrap())
        .collect()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_used_is_exported_once() {
    let gateway = Gateway::start_with(CONFIG).await;
    let made = gateway.run(&["keys", "create", "--account", "acme"]).await;
    let key = made.out.trim();
    let first = complete(&gateway, key).await;
    let file = gateway.home.path().join("cursor").display().to_string();
    let with_file = ["usage", "export", "--since", "1h", "--cursor-file", &file];
    let exported = gateway.run(&with_file).await;
    assert_eq!(exported.code, Some(0), "{}", exported.err);
    let events = lines(&exported.out);
    assert_eq!(of(&events), [first.as_str()]);
    assert_eq!(
        (&events[0]["type"], &events[0]["subject"]),
        (&json!("verification.create"), &json!("acme"))
    );
    assert_eq!(gateway.run(&with_file).await.out, "", "it was exported before");
    let second = complete(&gateway, key).await;
    assert_eq!(of(&lines(&gateway.run(&with_file).await.out)), [second.as_str()]);

    let list = gateway
        .run(&["usage", "export", "--format", "cloudevents-batch"])
        .await;
    let list: Vec<Value> = serde_json::from_str(&list.out).unwrap();
    assert_eq!(of(&list), [first.as_str(), second.as_str()]);
    let none = gateway
        .run(&[
            "usage",
            "export",
            "--account",
            "globex",
            "--format",
            "cloudevents-batch",
        ])
        .await;
    assert_eq!(none.out, "[]\n");
    for (arguments, code) in [
        (["usage", "export", "--since", "yesterday"], 2),
        (["usage", "export", "--account", "a b"], 2),
        (["usage", "export", "--format", "csv"], 2),
    ] {
        assert_eq!(gateway.run(&arguments).await.code, Some(code), "{arguments:?}");
    }
    gateway.stop().await;
}
