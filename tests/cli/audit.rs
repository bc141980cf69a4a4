//! `ringback audit export` and `verify` against a running `serve`, and on a file that somebody changed.

use serde_json::{Value, json};

use super::operate::Gateway;
use crate::support::client::Call;

const CONFIG: &str = "[verify]\ntest_numbers = [\"+15005550006=482913\"]\n";

/// A code is asked for, given back wrong, and given back right.
async fn one_code(gateway: &Gateway) {
    let made = gateway.run(&["keys", "create", "--account", "acme"]).await;
    let key = made.out.trim().to_owned();
    let post = async |path: &str, body: Value| {
        let call = Call::post(path, &body).key(&key).header("x-tenant-id", "acme");
        call.send(gateway.address).await
    };
    let begun = post(
        "/v1/verify/start",
        json!({ "to": "+15005550006", "channel": "sms" }),
    );
    let begun = begun.await.expect(200);
    let id = &begun["data"]["verification_id"];
    for (code, status) in [("000000", 400), ("482913", 200)] {
        let guess = json!({ "verification_id": id, "code": code });
        post("/v1/verify/check", guess).await.expect(status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_written_out_and_whatever_was_done_to_it_is_seen() {
    let gateway = Gateway::start_with(CONFIG).await;
    one_code(&gateway).await;
    let whole = gateway.run(&["audit", "verify"]).await;
    assert_eq!(
        (whole.code, whole.out.as_str()),
        (Some(0), "3 lines, and each holds the one before it\n"),
        "{}",
        whole.err
    );
    let exported = gateway.run(&["audit", "export"]).await;
    assert_eq!(exported.code, Some(0), "{}", exported.err);
    let lines: Vec<&str> = exported.out.lines().collect();
    let read: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<(&Value, &Value)> = read
        .iter()
        .map(|line| (&line["action"], &line["verdict"]))
        .collect();
    let expected =
        [("start", "test"), ("check", "wrong"), ("check", "approved")].map(|(a, b)| (json!(a), json!(b)));
    assert_eq!(told, expected.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>());
    for secret in ["482913", "5005550006", "verification code"] {
        assert!(!exported.out.contains(secret), "{secret}");
    }

    let judged = async |text: String| {
        let file = gateway.home.write("audit.ndjson", &text);
        let ended = gateway.home.run(&["audit", "verify", "--file", &file]).await;
        (ended.code, ended.out + &ended.err)
    };
    let (code, said) = judged(exported.out.clone()).await;
    assert!(code == Some(0) && said.contains("3 lines"), "{said}");
    for (text, words) in [
        (
            exported.out.replacen("\"wrong\"", "\"right\"", 1),
            "line 2 was changed",
        ),
        (
            format!("{}\n{}\n", lines[0], lines[2]),
            "something was taken out or put in",
        ),
        (format!("{}\nnonsense\n", lines[0]), "is no line of an audit log"),
    ] {
        let (code, said) = judged(text).await;
        assert!(code == Some(1) && said.contains(words), "{code:?}: {said}");
    }
    gateway.stop().await;
}
