//! `dev` and `demo`: one JSON line for programs, three curls for people, nothing left behind.

use std::path::Path;

use serde_json::json;
use tokio::process::Command;

use super::process::Home;
use crate::support::client::Call;
use crate::support::within;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_json_line_has_exactly_what_a_program_needs() {
    let home = Home::new();
    let (running, facts) = home.dev(&["--account", "acc_mine"]).await;
    let names: Vec<&str> = facts.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "base_url",
            "api_key",
            "account",
            "webhook_secret",
            "telnyx_public_key",
            "admin_url",
            "data"
        ]
    );
    assert_eq!(facts["account"], "acc_mine");
    assert!(facts["api_key"].as_str().unwrap().starts_with("rb_test_"));
    assert!(facts["webhook_secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(facts["telnyx_public_key"].as_str().unwrap().len(), 44);
    let key = facts["api_key"].as_str().unwrap();
    let address = address(facts["base_url"].as_str().unwrap());
    Call::get("/api/verifications/services")
        .key(key)
        .send(address)
        .await
        .expect(200);
    let admin = Call::get("/readyz")
        .send(self::address(facts["admin_url"].as_str().unwrap()))
        .await;
    assert_eq!(admin.expect(200)["ready"], true);
    let made = json!({ "url": "http://127.0.0.1:9/hook", "events": ["*"] });
    let made = Call::post("/api/webhooks", &made)
        .key(key)
        .send(address)
        .await
        .expect(201);
    assert_eq!(
        made["secret"], facts["webhook_secret"],
        "one secret for all, so that it can be known beforehand"
    );

    let data = facts["data"].as_str().unwrap().to_owned();
    assert!(Path::new(&data).join("FORMAT").exists());
    running.terminate().await;
    assert_eq!(
        running.end().await,
        (Some(0), String::new()),
        "one line and nothing else"
    );
    assert!(
        !Path::new(&data).exists(),
        "a temporary folder goes with its gateway"
    );
}

pub fn address(url: &str) -> std::net::SocketAddr {
    url.strip_prefix("http://")
        .and_then(|address| address.parse().ok())
        .expect("http:// and an address")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_key_folder_and_loopback_can_be_chosen() {
    let home = Home::new();
    let data = home.path().join("kept").display().to_string();
    let arguments = [
        "--api-key",
        "my-own-key",
        "--data",
        &data,
        "--allow-loopback-webhooks=false",
    ];
    let (running, facts) = home.dev(&arguments).await;
    assert_eq!(
        (&facts["api_key"], &facts["data"]),
        (&json!("my-own-key"), &json!(data))
    );
    let wish = json!({ "url": "http://127.0.0.1:9/hook", "events": ["*"] });
    let refused = Call::post("/api/webhooks", &wish)
        .key("my-own-key")
        .send(address(facts["base_url"].as_str().unwrap()))
        .await;
    refused.expect(422);
    running.terminate().await;
    running.end().await;
    assert!(Path::new(&data).exists(), "a chosen folder stays");
    let wrong = home
        .run(&[
            "dev",
            "--api-key",
            "rb_test_0123456789ab_01234567890123456789012345678901_wrong1",
        ])
        .await;
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
    assert!(
        wrong.err.contains("--api-key") && !wrong.err.contains("wrong1"),
        "{}",
        wrong.err
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_three_curls_work_when_pasted_in_order() {
    let curl = Command::new("curl").arg("--version").output().await;
    assert!(
        curl.is_ok_and(|output| output.status.success()),
        "this test pastes curls: install curl (apt-get install curl)"
    );
    let home = Home::new();
    let mut running = home.start(&["dev", "--listen", "127.0.0.1:0"], &[]);
    let mut curls = Vec::new();
    loop {
        let line = running.line().await;
        if line.contains("curl -s") {
            curls.push(line.trim().to_owned());
        }
        if line.starts_with("Stop with") {
            break;
        }
    }
    assert_eq!(curls.len(), 3);
    let pasted = Command::new("sh").args(["-c", &curls.join("\n")]).output();
    let output = within("the curls", pasted).await.unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<serde_json::Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    assert_eq!(answers.len(), 3, "{shown}");
    assert_eq!(
        (&answers[0]["serviceName"], &answers[0]["status"]),
        (&json!("google"), &json!("active"))
    );
    assert_eq!(answers[1]["accepted"], true);
    let code = json!({ "status": "completed", "otpCode": "482913", "smsContent": "G-482913 is your Google verification code." });
    assert_eq!(answers[2], code);
    running.terminate().await;
    assert_eq!(running.end().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_checks_itself() {
    let home = Home::new();
    let demo = home.run(&["demo"]).await;
    assert_eq!(demo.code, Some(0), "{}\n{}", demo.out, demo.err);
    assert!(demo.out.contains("482913"), "{}", demo.out);
    let demo = home.run(&["demo", "verify"]).await;
    assert_eq!(demo.code, Some(0), "{}\n{}", demo.out, demo.err);
    let told = [
        "/v1/verify/start",
        "long-poll answered with code",
        "/v1/verify/check: approved",
        "verify.approved",
    ];
    let places: Vec<_> = told.iter().map(|step| demo.out.find(step)).collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{}",
        demo.out
    );
    assert_eq!(
        std::fs::read_dir(home.path()).unwrap().count(),
        0,
        "nothing is left in the temporary folder"
    );
}
