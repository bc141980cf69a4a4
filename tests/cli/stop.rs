//! How a gateway stops, and how a second one is kept off its data.

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::dev::address;
use super::process::Home;
use crate::support::client::{Call, Reply};
use crate::support::within;

/// A poll that is held by now.
async fn held_poll(base: &str, admin: &str, key: &str) -> JoinHandle<Reply> {
    let gateway = address(base);
    let made = Call::post("/api/verifications", &json!({ "serviceName": "google" }))
        .key(key)
        .send(gateway)
        .await
        .expect(201);
    let call = Call::get(&format!(
        "/api/verifications/{}/code?wait=60",
        made["id"].as_str().unwrap()
    ))
    .key(key);
    let poll = tokio::spawn(async move { call.send(gateway).await });
    let held = async {
        while Call::get("/status.json").send(address(admin)).await.json()["gauges"]["ringback_longpoll_waiting"]
            != 1.0
        {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    within("a held poll", held).await;
    poll
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_dev_with_0_and_its_polls_answer_pending() {
    let home = Home::new();
    let (running, facts) = home.dev(&[]).await;
    let text = |name: &str| facts[name].as_str().unwrap().to_owned();
    let poll = held_poll(&text("base_url"), &text("admin_url"), &text("api_key")).await;
    running.terminate().await;
    assert_eq!(running.end().await.0, Some(0));
    assert_eq!(
        within("the poll", poll).await.unwrap().expect(200),
        json!({ "status": "pending" })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_serve_with_0_and_its_polls_answer_pending() {
    let home = Home::new();
    let file = home.write(
        "ringback.toml",
        "[[number]]\nnumber = \"+12025550143\"\ncountry = \"US\"\n",
    );
    let (mut running, fields) = home.serve(&["--config", &file]).await;
    let (base, admin) = (
        format!("http://{}", fields["address"].as_str().unwrap()),
        format!("http://{}", fields["admin"].as_str().unwrap()),
    );
    let data = home.path().join("data").display().to_string();
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
    let poll = held_poll(&base, &admin, made.out.trim()).await;
    running.terminate().await;
    assert_eq!(
        within("the poll", poll).await.unwrap().expect(200),
        json!({ "status": "pending" })
    );
    let last = loop {
        let line = running.log_line().await;
        if line["fields"]["message"] == "stopped" {
            break line;
        }
    };
    assert_eq!(last["fields"]["connections_cut"], 0);
    assert_eq!(running.end().await, (Some(0), String::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_one_folder_is_refused_and_the_first_goes_on() {
    let home = Home::new();
    let (running, fields) = home.serve(&[]).await;
    let data = home.path().join("data").display().to_string();
    for command in ["serve", "dev"] {
        let second = home
            .run(&[command, "--listen", "127.0.0.1:0", "--data", &data])
            .await;
        assert_eq!(second.code, Some(6), "{command}: {}", second.err);
        let last = second.err.lines().last().unwrap_or_default();
        assert!(
            last.starts_with("ringback: ")
                && last.contains(&data)
                && last.contains("another gateway is running"),
            "{command}: {last}"
        );
    }
    let admin = fields["admin"].as_str().unwrap().parse().unwrap();
    assert_eq!(Call::get("/readyz").send(admin).await.expect(200)["ready"], true);
    let taken = fields["address"].as_str().unwrap();
    let other = home.path().join("other").display().to_string();
    let third = home.run(&["serve", "--listen", taken, "--data", &other]).await;
    assert_eq!(third.code, Some(6));
    assert!(
        third.err.contains("cannot listen on") && third.err.contains(taken),
        "{}",
        third.err
    );
    running.terminate().await;
    assert_eq!(running.end().await.0, Some(0));
    let (again, _) = home.serve(&[]).await;
    again.terminate().await;
    assert_eq!(again.end().await.0, Some(0), "the lock went with its holder");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_warns_where_nothing_can_come_in() {
    let home = Home::new();
    let (mut running, _) = home.serve(&[]).await;
    let warnings = [running.log_line().await, running.log_line().await];
    assert!(
        warnings.iter().all(|line| line["level"] == "WARN"),
        "{warnings:?}"
    );
    let says = |word: &str| {
        warnings.iter().any(|line: &Value| {
            line["fields"]["message"]
                .as_str()
                .is_some_and(|text| text.contains(word))
        })
    };
    assert!(
        says("ringback keys create --account") && says("[[source]]"),
        "{warnings:?}"
    );
    running.terminate().await;
    running.end().await;
}
