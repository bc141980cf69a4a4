//! `ringback inbound ls|show|replay` on a running gateway, and what they show handed to `inbound verify`.

use serde_json::Value;

use super::operate::Gateway;
use crate::support::carrier::{self, TELNYX, draft};
use crate::support::until_async;

const TEXT: &str = "saffron heron: your code is 20481632";

const WRONG: &str = "public_keys = [\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"]";

fn source(keys: &str) -> String {
    let url = carrier::public_url(TELNYX);
    format!("[[source]]\nname = \"telnyx\"\ncarrier = \"telnyx\"\n{keys}\npublic_url = \"{url}\"\n")
}

/// A gateway whose operator entered the wrong key, and what `ls` says of the request that it refused.
async fn refusing() -> (Gateway, String) {
    let gateway = Gateway::start_with(&source(WRONG)).await;
    let refused = carrier::post(gateway.address, TELNYX, &draft("m-1", "+12025550143", TEXT)).await;
    assert_eq!(refused.status, 401);
    let listed = until_async("the request in the log", async || {
        let listed = gateway.run(&["inbound", "ls", "--verdict", "reject"]).await;
        (!listed.out.is_empty()).then_some(listed.out)
    });
    let listed = listed.await;
    (gateway, listed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_is_found_shown_and_judged() {
    let (gateway, listed) = refusing().await;
    assert!(
        listed.contains("  telnyx  reject  bad_signature  POST "),
        "{listed}"
    );
    let id = listed.split_whitespace().next().unwrap();
    let none = gateway.run(&["inbound", "ls", "--verdict", "accept"]).await;
    assert_eq!((none.code, none.out.as_str()), (Some(0), ""));

    let shown = gateway.run(&["inbound", "show", id]).await;
    let seen: Value = serde_json::from_str(&shown.out).unwrap();
    assert!(
        !shown.out.contains("saffron") && seen["body"].is_null(),
        "{}",
        shown.out
    );
    assert!(seen["headers"]["telnyx-signature-ed25519"].is_string());
    let shown = gateway.run(&["inbound", "show", id, "--content"]).await;
    assert!(shown.out.contains(TEXT), "{}", shown.out);

    let file = gateway.home.write("request.json", &shown.out);
    let verify = async |name: &str, keys: &str| {
        let config = gateway.home.write(name, &source(keys));
        let of_source = ["--source", "telnyx", "--config", &config];
        let arguments = [&["inbound", "verify", "--request", &file], &of_source[..]].concat();
        gateway.home.run(&arguments).await
    };
    let judged = verify("wrong.toml", WRONG).await;
    assert_eq!(judged.code, Some(1), "{}", judged.err);
    assert!(
        judged.out.contains("most likely the key is another one"),
        "{}",
        judged.out
    );
    let right = carrier::sources().as_array().unwrap()[0]["public_keys"].to_string();
    let judged = verify("right.toml", &format!("public_keys = {right}")).await;
    assert_eq!(judged.code, Some(0), "{}{}", judged.out, judged.err);
    assert!(judged.out.contains(TEXT), "{}", judged.out);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_says_what_it_came_to() {
    let (gateway, listed) = refusing().await;
    let id = listed.split_whitespace().next().unwrap();
    let refused = gateway.run(&["inbound", "replay", id]).await;
    assert!(
        refused.code == Some(5) && refused.err.contains("--trust"),
        "{}",
        refused.err
    );
    for known in ["0", "1"] {
        let replayed = gateway.run(&["inbound", "replay", id, "--trust"]).await;
        let says = format!("replayed, because you trust it: 1 messages, {known} of them there already\n");
        assert_eq!(replayed.out, says, "{}", replayed.err);
    }
    let unknown = gateway
        .run(&["inbound", "show", &format!("req_{}", "0".repeat(32))])
        .await;
    assert!(
        unknown.code == Some(3) && unknown.err.contains("inbound ls"),
        "{}",
        unknown.err
    );
    gateway.stop().await;
}
