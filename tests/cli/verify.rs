//! `ringback inbound verify`: every vector through the built program, whole files and single requests, and what it says of the usual mistakes.

use serde_json::{Value, json};

use super::process::{Ended, Home};

fn vectors(carrier: &str) -> Vec<Value> {
    let path = format!(
        "{}/fixtures/carrier/{carrier}/vectors.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn vector(carrier: &str, name: &str) -> Value {
    let found = vectors(carrier).into_iter().find(|vector| vector["name"] == name);
    found.unwrap_or_else(|| panic!("{carrier} has no {name}"))
}

fn carriers() -> Vec<String> {
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/carrier")).unwrap();
    let folders = folders.map(|folder| folder.unwrap());
    let with_vectors = folders.filter(|folder| folder.path().join("vectors.json").exists());
    with_vectors
        .map(|folder| folder.file_name().into_string().unwrap())
        .collect()
}

async fn verify(home: &Home, request: &Value, more: &[&str]) -> Ended {
    let arguments = [&["inbound", "verify", "--request", "-"], more].concat();
    home.run_with(&arguments, &request.to_string(), &[]).await
}

fn judged(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("no JSON: {} {}", ended.out, ended.err))
}

/// What the vector leaves open is taken from what was printed.
fn expected_events(vector: &Value, printed: &Value) -> Value {
    if vector["kind"] == "json_event" {
        return printed.clone();
    }
    let mut events = vector["normalized"].as_array().cloned().unwrap_or_default();
    for event in &mut events {
        if event.get("carrier_message_id").is_some_and(Value::is_null) {
            event["carrier_message_id"] = event["dedupe_key"].clone();
        }
    }
    events.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_file_of_vectors_gets_its_verdicts() {
    let (home, mut count) = (Home::new(), 0);
    for carrier in carriers() {
        let path = format!(
            "{}/fixtures/carrier/{carrier}/vectors.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let ended = home.run(&["inbound", "verify", "--request", &path]).await;
        assert_eq!(ended.code, Some(0), "{carrier}: {}", ended.err);
        let printed = judged(&ended);
        for (vector, printed) in vectors(&carrier).iter().zip(printed.as_array().unwrap()) {
            let name = format!("{carrier}/{}", vector["name"]);
            assert_eq!(printed["name"], vector["name"]);
            assert_eq!(printed["verdict"], vector["expect"], "{name}");
            assert_eq!(printed["reason"], vector["reject_reason"], "{name}");
            if vector["expect"] == "accept" {
                assert_eq!(
                    printed["events"],
                    expected_events(vector, &printed["events"]),
                    "{name}"
                );
                assert!(printed["respond"]["status"].is_u64(), "{name}");
            } else {
                assert_eq!(
                    (&printed["events"], &printed["respond"]),
                    (&json!([]), &Value::Null),
                    "{name}"
                );
                assert!(
                    printed["hint"].as_str().is_some_and(|hint| hint.len() > 30),
                    "{name}"
                );
            }
            count += 1;
        }
    }
    assert_eq!(count, 325);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_is_one_line_and_one_exit_code() {
    let home = Home::new();
    for carrier in carriers() {
        for expect in ["accept", "reject"] {
            let all = vectors(&carrier);
            let vector = all.iter().find(|vector| vector["expect"] == expect).unwrap();
            let ended = verify(&home, vector, &[]).await;
            assert_eq!(
                ended.code,
                Some(i32::from(expect == "reject")),
                "{carrier}: {}",
                ended.err
            );
            assert_eq!(judged(&ended)["verdict"], *expect);
            assert_eq!(ended.out.lines().count(), 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_fails_when_a_verdict_is_another() {
    let home = Home::new();
    let (good, mut bad) = (
        vector("telnyx", "inbound_sms_gsm7"),
        vector("telnyx", "reject_body_tampered"),
    );
    let ended = verify(&home, &json!([good, bad]), &[]).await;
    assert_eq!(
        (ended.code, judged(&ended).as_array().unwrap().len()),
        (Some(0), 2)
    );
    // Without an expectation, acceptance is expected.
    bad.as_object_mut().unwrap().remove("expect");
    let ended = verify(&home, &json!([good, bad]), &[]).await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .err
            .contains("1 of 2 verdicts are not the expected ones: reject_body_tampered"),
        "{}",
        ended.err
    );
}

/// The file with the keys taken out: only the flags or the configuration know them.
fn without_key(mut vector: Value) -> Value {
    let members = vector.as_object_mut().unwrap();
    for member in ["key", "scheme", "carrier", "expect"] {
        members.remove(member);
    }
    vector
}

/// Twilio's first vector without its key, its token, and its account as `--key` has it.
fn twilio() -> (Value, String, String) {
    let vector = vector("twilio", "inbound_sms");
    let token = vector["key"]["auth_token"].as_str().unwrap().to_owned();
    let account = format!("account_sid={}", vector["key"]["account_sid"].as_str().unwrap());
    (without_key(vector), token, account)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_source_comes_from_flags() {
    let home = Home::new();
    let (request, token, account) = twilio();
    let nobody = verify(&home, &request, &[]).await;
    assert!(
        nobody.code == Some(2) && nobody.err.contains("--source NAME"),
        "{}",
        nobody.err
    );
    let secret = home.write("token", &token);
    let key = format!("auth_tokens=file:{secret}");
    let old = "auth_tokens=an-older-token".to_owned();
    let flags = [
        "--carrier",
        "twilio",
        "--key",
        &old,
        "--key",
        &key,
        "--key",
        &account,
    ];
    let ended = verify(&home, &request, &flags).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    assert_eq!(judged(&ended)["key_index"], 1, "the second key of the rotation");
    let typo = verify(&home, &request, &["--carrier", "twilio", "--key", "auth_token=a"]).await;
    assert!(
        typo.code == Some(2) && typo.err.contains("auth_token"),
        "{}",
        typo.err
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_source_comes_from_the_configuration_and_its_url_too() {
    let home = Home::new();
    let (request, token, account) = twilio();
    let url = request["url"].as_str().unwrap();
    let source = |url: &str| {
        format!(
            "[[source]]\nname = \"main\"\ncarrier = \"twilio\"\nauth_tokens = [\"{token}\"]\n{}\npublic_url = \"{url}\"\n",
            account.replace('=', " = \"") + "\""
        )
    };
    let config = home.write("right.toml", &source(url));
    let ended = verify(&home, &request, &["--source", "main", "--config", &config]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    let unknown = verify(&home, &request, &["--source", "mian", "--config", &config]).await;
    assert!(
        unknown.code == Some(3) && unknown.err.contains("there are: main"),
        "{}",
        unknown.err
    );

    let config = home.write("wrong.toml", &source("https://other.example.com/inbound/main"));
    let (reason, hint) = hint(&home, &request, &["--source", "main", "--config", &config]).await;
    assert_eq!(reason, "bad_signature");
    let says = format!("holds for {url}, not for https://other.example.com/inbound/main");
    assert!(hint.contains(&says), "{hint}");
}

/// Refused by everything that the request does not bring itself.
async fn hint(home: &Home, request: &Value, more: &[&str]) -> (String, String) {
    let ended = verify(home, request, more).await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    let judged = judged(&ended);
    let text = |name: &str| judged[name].as_str().unwrap().to_owned();
    (text("reason"), text("hint"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_written_again_is_recognised() {
    let home = Home::new();
    let mut request = vector("telnyx", "inbound_sms_gsm7");
    let signed = request["body"].as_str().unwrap().to_owned();
    let document: Value = serde_json::from_str(&signed).unwrap();
    for (rewritten, says) in [
        (
            serde_json::to_string_pretty(&document).unwrap(),
            "with its JSON written without white space",
        ),
        (format!("{signed}\n"), "without the white space at its end"),
    ] {
        assert_ne!(rewritten, signed);
        request["body"] = rewritten.into();
        let (reason, hint) = hint(&home, &request, &[]).await;
        assert_eq!(reason, "bad_signature");
        assert!(hint.contains(says), "{hint}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_differ_are_told_apart_from_a_wrong_key() {
    let home = Home::new();
    let request = vector("telnyx", "inbound_sms_gsm7");
    let now = request["now"].as_u64().unwrap();
    for (at, says) in [
        (now + 7200, "1 h 55 min or more before the time"),
        (now - 3600, "55 min or more after the time"),
        (now + 90 * 86_400, "none within two days fits"),
    ] {
        let (reason, hint) = hint(&home, &request, &["--at", &at.to_string()]).await;
        assert_eq!(reason, "stale_timestamp");
        assert!(hint.contains(says), "{at}: {hint}");
    }
    let key = "public_keys=MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let refused = verify(&home, &request, &["--carrier", "telnyx", "--key", key]).await;
    assert!(
        refused.code == Some(2) && refused.err.contains("`public_keys` is wrong"),
        "{}",
        refused.err
    );
    let other = vector("telnyx", "reject_wrong_key");
    let (reason, hint) = hint(&home, &other, &[]).await;
    assert_eq!(reason, "bad_signature");
    assert!(hint.contains("most likely the key is another one"), "{hint}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_request_is_told_what_it_lacks() {
    let home = Home::new();
    for (request, says) in [
        (
            json!({ "url": "https://gw.example.com/" }),
            "missing field `method`",
        ),
        (
            json!({ "method": "POST", "url": "https://gw.example.com/", "body": "", "body_base64": "" }),
            "not both",
        ),
        (
            json!({ "method": "POST", "url": "https://gw.example.com/", "body_base64": "?" }),
            "body_base64",
        ),
        (
            json!({ "method": "POST", "url": "https://gw.example.com/", "headers": { "a b": "c" } }),
            "no header field",
        ),
        (
            json!({ "method": "POST", "url": "https://gw.example.com/", "carrier": "telnix" }),
            "unknown carrier \"telnix\"",
        ),
        (
            json!({ "method": "POST", "url": "https://gw.example.com/", "carrier": "telnyx", "scheme": "x" }),
            "unknown `scheme`",
        ),
    ] {
        let ended = verify(&home, &request, &[]).await;
        assert!(
            ended.code == Some(2) && ended.err.contains(says),
            "{says}: {}",
            ended.err
        );
        assert!(ended.err.contains("request 1: "), "{}", ended.err);
    }
    let missing = home
        .run(&["inbound", "verify", "--request", "/nowhere.json"])
        .await;
    assert!(
        missing.code == Some(2) && missing.err.contains("/nowhere.json"),
        "{}",
        missing.err
    );
}
