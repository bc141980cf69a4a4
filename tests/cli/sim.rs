//! `sim sms`: plays each carrier towards a dev gateway, named or remembered.

use serde_json::json;

use super::dev::address;
use super::process::{Ended, Home};
use crate::support::client::Call;

const TEXT: &str = "Your code is 660123.";

async fn rent(facts: &serde_json::Value) -> (String, String) {
    let call = Call::post("/api/verifications", &json!({ "serviceName": "google" }))
        .key(facts["api_key"].as_str().unwrap());
    let made = call
        .send(address(facts["base_url"].as_str().unwrap()))
        .await
        .expect(201);
    (
        made["id"].as_str().unwrap().to_owned(),
        made["number"].as_str().unwrap().to_owned(),
    )
}

async fn code(facts: &serde_json::Value, id: &str) -> serde_json::Value {
    let call =
        Call::get(&format!("/api/verifications/{id}/code?wait=0")).key(facts["api_key"].as_str().unwrap());
    call.send(address(facts["base_url"].as_str().unwrap()))
        .await
        .expect(200)["otpCode"]
        .clone()
}

async fn sms(home: &Home, to: &str, more: &[&str]) -> Ended {
    home.run(
        &[
            &["sim", "sms", "--to", to, "--from", "Google", "--text", TEXT],
            more,
        ]
        .concat(),
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_and_a_remembered_gateway_are_reached_as_every_carrier() {
    let home = Home::new();
    let (running, facts) = home.dev(&[]).await;
    for carrier in ["loopback", "telnyx", "twilio", "standard_webhooks"] {
        let (id, number) = rent(&facts).await;
        let sent = sms(&home, &number, &["--carrier", carrier]).await;
        assert_eq!(sent.code, Some(0), "{carrier}: {}", sent.err);
        assert!(sent.out.starts_with("accepted: message "), "{}", sent.out);
        assert_eq!(code(&facts, &id).await, "660123", "{carrier}");
    }
    let (id, number) = rent(&facts).await;
    let (base, key) = (
        facts["base_url"].as_str().unwrap(),
        facts["api_key"].as_str().unwrap(),
    );
    let stranger = Home::new();
    let forgotten = sms(&stranger, &number, &[]).await;
    assert_eq!(forgotten.code, Some(2));
    assert!(
        forgotten.err.contains("no dev gateway was started here") && forgotten.err.contains("--gateway"),
        "{}",
        forgotten.err
    );
    let sent = sms(
        &stranger,
        &number,
        &["--gateway", base, "--api-key", key, "--id", "same"],
    )
    .await;
    assert_eq!(sent.code, Some(0), "{}", sent.err);
    assert_eq!(code(&facts, &id).await, "660123");
    let again = sms(
        &stranger,
        &number,
        &["--gateway", base, "--api-key", key, "--id", "same"],
    )
    .await;
    assert_eq!(
        again.code,
        Some(0),
        "a repetition is accepted as the first one was"
    );
    running.terminate().await;
    running.end().await;
    let gone = sms(&home, &number, &[]).await;
    assert_eq!(
        gone.code,
        Some(6),
        "remembered, and not there any more: {}",
        gone.err
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_remembered_gateway_is_where_the_user_keeps_state() {
    let home = Home::new();
    let state = home.path().join("state").display().to_string();
    let environment = [("XDG_STATE_HOME", state.as_str())];
    let mut running = home.start(&["dev", "--json", "--listen", "127.0.0.1:0"], &environment);
    let facts: serde_json::Value = serde_json::from_str(&running.line().await).unwrap();
    let file = home.path().join("state/ringback/dev.json");
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(kept, facts);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "it holds a key");
    let (id, number) = rent(&facts).await;
    let arguments = ["sim", "sms", "--to", &number, "--from", "Google", "--text", TEXT];
    let sent = home.run_with(&arguments, "", &environment).await;
    assert_eq!(sent.code, Some(0), "{}", sent.err);
    assert_eq!(code(&facts, &id).await, "660123");
    running.terminate().await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_played_is_told_with_its_exit_code() {
    let home = Home::new();
    let (running, facts) = home.dev(&[]).await;
    let base = facts["base_url"].as_str().unwrap();
    let unknown = sms(&home, "+12025550100", &["--carrier", "pigeon"]).await;
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.err.contains("--carrier is one of loopback, "),
        "{}",
        unknown.err
    );
    let wrong_key = sms(
        &home,
        "+12025550100",
        &["--gateway", base, "--api-key", "nobodys"],
    )
    .await;
    assert_eq!(wrong_key.code, Some(5), "{}", wrong_key.err);
    assert!(
        wrong_key.err.contains("401") && !wrong_key.err.contains("nobodys"),
        "{}",
        wrong_key.err
    );
    let nowhere = sms(
        &home,
        "+12025550100",
        &["--gateway", "http://127.0.0.1:1", "--api-key", "k"],
    )
    .await;
    assert_eq!(nowhere.code, Some(6), "{}", nowhere.err);
    assert_eq!(
        sms(
            &home,
            "+12025550100",
            &["--gateway", "nonsense", "--api-key", "k"]
        )
        .await
        .code,
        Some(2)
    );
    running.terminate().await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_signs_for_the_carriers_of_serve() {
    let home = Home::new();
    let (serving, fields) = home.serve(&[]).await;
    let (base, data) = (
        format!("http://{}", fields["address"].as_str().unwrap()),
        home.path().join("data").display().to_string(),
    );
    let admin = format!("http://{}", fields["admin"].as_str().unwrap());
    let made = home
        .run(&[
            "keys",
            "create",
            "--account",
            "a",
            "--admin-url",
            &admin,
            "--data",
            &data,
        ])
        .await;
    let no_dev = sms(
        &home,
        "+12025550100",
        &["--gateway", &base, "--api-key", made.out.trim()],
    )
    .await;
    assert_eq!(no_dev.code, Some(5), "{}", no_dev.err);
    assert!(no_dev.err.contains("not `ringback dev`"), "{}", no_dev.err);
    serving.terminate().await;
    serving.end().await;
}
