//! `doctor`: what it finds of a running gateway, of a closed store and of nothing at all, its verdicts, and that it changes nothing.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::dev::address;
use super::operate::Gateway;
use super::process::{Ended, Home};
use crate::support::client::Call;
use crate::support::subscriber::Subscriber;
use crate::support::until_async;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const CONFIG: &str = r#"
[[source]]
name = "main"
carrier = "standard_webhooks"
secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]

[[number]]
number = "+12025550143"
country = "US"
"#;

/// The line about this, which must be the only one.
fn line<'a>(ended: &'a Ended, start: &str) -> &'a str {
    let found: Vec<&str> = ended.out.lines().filter(|line| line.starts_with(start)).collect();
    assert_eq!(found.len(), 1, "{start}: {}{}", ended.out, ended.err);
    found[0]
}

/// A store that a gateway made and let go of, with its home, its configuration and its folder.
async fn closed() -> (Home, String, PathBuf) {
    let gateway = Gateway::start_with(CONFIG).await;
    let made = gateway.run(&["keys", "create", "--account", "acme"]).await;
    assert_eq!(made.code, Some(0), "{}", made.err);
    let home = gateway.stop().await;
    let config = home.path().join("ringback.toml").display().to_string();
    let data = home.path().join("data");
    (home, config, data)
}

async fn doctor(home: &Home, config: &str, data: &Path) -> Ended {
    let data = data.display().to_string();
    home.run(&["doctor", "--config", config, "--data", &data]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_gateway_is_ok_in_lines_and_in_json_until_a_source_refuses() {
    let gateway = Gateway::start_with(CONFIG).await;
    let config = gateway.home.path().join("ringback.toml").display().to_string();
    let arguments = ["doctor", "--config", &config];
    let well = gateway.run(&arguments).await;
    assert_eq!((well.code, well.err.as_str()), (Some(0), ""), "{}", well.out);
    assert!(
        well.out.lines().all(|line| line.starts_with("ok    ")),
        "{}",
        well.out
    );
    let told = gateway.run(&[&arguments[..], &["--json"]].concat()).await;
    let told: Value = serde_json::from_str(&told.out).expect("one object");
    let findings = told["findings"].as_array().unwrap();
    let of: Vec<&str> = findings.iter().map(|f| f["of"].as_str().unwrap()).collect();
    let all = [
        "configuration",
        "data folder",
        "disk",
        "gateway",
        "version",
        "clock",
        "deliveries",
        "subscriptions",
        "sources",
    ];
    assert_eq!(of, all);
    assert!(
        told["bad"] == 0
            && findings
                .iter()
                .all(|f| f["verdict"] == "ok" && f["next"].is_null())
    );

    Call::post("/inbound/main", &json!({ "text": "unsigned" }))
        .send(gateway.address)
        .await
        .expect(401);
    let refused = gateway.run(&arguments).await;
    assert_eq!(refused.code, Some(0), "a warning is not bad: {}", refused.out);
    let source = line(&refused, "warn  source main: 1 requests were refused");
    assert!(source.contains("ringback sources test main"), "{source}");
    let token = fs::read_to_string(gateway.home.path().join("data/admin.token")).unwrap();
    for out in [&well.out, &refused.out] {
        assert!(!out.contains(SECRET) && !out.contains(token.trim()) && !out.contains("2025550143"));
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_is_disabled_failing_or_paused_is_named_with_what_to_do() {
    let home = Home::new();
    let (running, facts) = home.dev(&[]).await;
    let text = |name: &str| facts[name].as_str().unwrap().to_owned();
    let (base, key, admin) = (text("base_url"), text("api_key"), text("admin_url"));
    let api = address(&base);
    let mut subscribers = Vec::new();
    let mut ids = Vec::new();
    for status in [410, 500, 204, 204] {
        let subscriber = Subscriber::start(&[status; 20]).await;
        let wish = json!({ "url": subscriber.url, "events": ["message.received"] });
        let made = Call::post("/api/webhooks", &wish).key(&key).send(api).await;
        ids.push(made.expect(201)["id"].as_str().unwrap().to_owned());
        subscribers.push(subscriber);
    }
    let paused = Call::new("POST", &format!("/api/webhooks/{}/pause", ids[2]));
    paused.key(&key).send(api).await.expect(200);
    let event = [
        "trigger",
        "message.received",
        "--gateway",
        &base,
        "--api-key",
        &key,
    ];
    assert_eq!(home.run(&event).await.code, Some(0));
    for (id, status) in ids.iter().zip(["disabled", "failing"]) {
        until_async(status, async || {
            let one = Call::get(&format!("/api/webhooks/{id}"))
                .key(&key)
                .send(api)
                .await;
            (one.expect(200)["status"] == status).then_some(())
        })
        .await;
    }
    let looked = home
        .run(&["doctor", "--admin-url", &admin, "--data", &text("data")])
        .await;
    assert_eq!(looked.code, Some(0), "{}{}", looked.out, looked.err);
    named(&looked, &ids);
    let admin = address(&admin);
    Call::get("/admin/subscriptions").send(admin).await.expect(401);
    Call::new("POST", "/admin/subscriptions")
        .send(admin)
        .await
        .expect(405);
    running.terminate().await;
    running.end().await;
}

/// The first is disabled, the second fails, the third is paused, the fourth is well.
fn named(looked: &Ended, ids: &[String]) {
    for (id, said) in ids
        .iter()
        .zip(["disabled since 20", "failing since 20", "paused since 20"])
    {
        let line = line(looked, &format!("warn  subscription {id} of "));
        assert!(line.contains(said), "{line}");
        assert!(
            line.contains(&format!("ringback deliveries ls --subscription {id}")),
            "{line}"
        );
    }
    let disabled = line(looked, &format!("warn  subscription {} of ", ids[0]));
    assert!(
        disabled.contains("(it answered 410)")
            && disabled.contains(&format!("POST /api/webhooks/{}/resume", ids[0])),
        "{disabled}"
    );
    assert!(!looked.out.contains(&ids[3]), "that one is well: {}", looked.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_configuration_is_bad_with_its_line_and_is_not_quoted() {
    let home = Home::new();
    let data = home.path().join("data");
    let config = home.write("a.toml", "[store]\n\nmaster_key = \"planted\n");
    let wrong = doctor(&home, &config, &data).await;
    assert_eq!(wrong.code, Some(1));
    let told = line(&wrong, "bad   configuration: ");
    assert!(told.contains("at line 3") && told.contains(". Next: "), "{told}");
    assert!(!wrong.out.contains("planted"), "{}", wrong.out);
    let config = home.write("b.toml", "[[source]]\nname = \"a\"\ncarrier = \"telnyx\"\n");
    let wrong = doctor(&home, &config, &data).await;
    assert_eq!(wrong.code, Some(1));
    let told = line(&wrong, "bad   configuration: ");
    assert!(told.contains("source a: missing field `public_keys`"), "{told}");
    line(&wrong, "bad   data folder: ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_it_says_how_to_begin_and_makes_nothing() {
    let home = Home::new();
    let data = home.path().join("data");
    let config = home.write("ringback.toml", CONFIG);
    for there in [false, true] {
        if there {
            fs::create_dir(&data).unwrap();
        }
        let nothing = doctor(&home, &config, &data).await;
        assert_eq!(nothing.code, Some(1));
        let told = line(&nothing, "bad   data folder: ");
        assert!(
            told.contains("ringback serve --config FILE") && told.contains("ringback dev"),
            "{told}"
        );
        assert_eq!(data.exists(), there);
    }
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_store_is_read_whole_and_a_wrong_format_or_key_is_bad() {
    let (home, config, data) = closed().await;
    let path = data.display().to_string();
    let whole = home
        .run_seen(&["doctor", "--config", &config, "--data", &path])
        .await;
    assert_eq!(whole.code, Some(0), "{}{}", whole.out, whole.err);
    assert!(whole.err.contains(" records read"), "{}", whole.err);
    line(&whole, "warn  gateway: none runs on this folder. Next: ");
    let records = line(&whole, "ok    records: all ");
    assert!(!records.contains("all 0 "), "{records}");

    let format = data.join("FORMAT");
    let own = fs::read(&format).unwrap();
    fs::write(&format, "ringback 999\n").unwrap();
    let newer = doctor(&home, &config, &data).await;
    assert_eq!(newer.code, Some(1));
    let told = line(&newer, "bad   data folder: ");
    assert!(
        told.contains("format 999") && told.contains("start the newer"),
        "{told}"
    );
    fs::write(&format, own).unwrap();

    let key = data.join("master.key");
    let own = fs::read(&key).unwrap();
    fs::write(&key, "ab".repeat(32)).unwrap();
    let other = doctor(&home, &config, &data).await;
    assert_eq!(other.code, Some(1));
    assert!(line(&other, "bad   store: ").contains("another master key"));
    fs::remove_file(&key).unwrap();
    let gone = doctor(&home, &config, &data).await;
    assert_eq!(gone.code, Some(1));
    assert!(line(&gone, "bad   data folder: ").contains("put it back"));
    assert!(!key.exists(), "none is made");
    fs::write(&key, own).unwrap();
    // After all of it the gateway starts as if nothing had been.
    let (running, _) = home.serve(&["--config", &config]).await;
    running.terminate().await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hurt_records_are_counted_and_the_others_read() {
    let (home, config, data) = closed().await;
    let flipped = flip(&data, 2);
    let hurt = doctor(&home, &config, &data).await;
    assert_eq!(hurt.code, Some(1), "{}{}", hurt.out, hurt.err);
    let told = line(&hurt, "bad   records: ");
    assert!(
        told.contains(&format!("2 of {flipped} are hurt: 2 in state. Next: ")),
        "{told}"
    );
    let path = data.display().to_string();
    let arguments = ["doctor", "--json", "--config", &config, "--data", &path];
    let told: Value = serde_json::from_str(&home.run(&arguments).await.out).unwrap();
    assert_eq!(told["bad"], 1);
}

/// Flips one bit in so many sealed records of the state; how many records there are in all.
fn flip(data: &Path, count: usize) -> usize {
    let db = sled::Config::new()
        .path(data.join("sled"))
        .segment_size(16 << 20)
        .open()
        .expect("the gateway has ended");
    let trees: Vec<sled::Tree> = db
        .tree_names()
        .into_iter()
        .filter(|name| !name.starts_with(b"__sled"))
        .map(|name| db.open_tree(name).unwrap())
        .collect();
    let state = db.open_tree("state").unwrap();
    // The tag of rows that are not sealed under a key of their own is 1.
    let sealed: Vec<_> = state
        .iter()
        .map(Result::unwrap)
        .filter(|(key, _)| key[0] != 1)
        .take(count)
        .collect();
    assert_eq!(sealed.len(), count);
    for (key, value) in sealed {
        let mut value = value.to_vec();
        *value.last_mut().expect("it is sealed") ^= 1;
        state.insert(key, value).unwrap();
    }
    db.flush().unwrap();
    trees.iter().map(sled::Tree::len).sum()
}

/// Answers as the admin listener of a gateway that is in trouble would.
async fn troubled() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap_or(0) > 0 {}
            let path = String::from_utf8_lossy(&head);
            let (status, body) = match path.split(' ').nth(1) {
                Some("/status.json") => (
                    200,
                    json!({ "version": "0.0.1", "now": "2020-01-01T00:00:00Z",
                        "gauges": { "ringback_delivery_due": 7.0, "ringback_delivery_oldest_due_age_seconds": 61.0 } }),
                ),
                Some("/readyz") => (
                    503,
                    json!({ "ready": false, "store": "failed: restart the gateway", "deliveries": "ok", "draining": true }),
                ),
                _ => (401, json!({ "detail": "Send the token" })),
            };
            let body = body.to_string();
            let answer = format!(
                "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_running_gateway_tells_of_its_trouble_is_told_on() {
    let (home, config, data) = closed().await;
    let lock = fs::File::options().write(true).open(data.join("lock")).unwrap();
    lock.try_lock().expect("the gateway has ended");
    let silent = doctor(&home, &config, &data).await;
    assert_eq!(silent.code, Some(1));
    assert!(line(&silent, "bad   gateway: one holds the folder").contains("--admin-url"));

    let admin = format!("http://{}", troubled().await);
    let path = data.display().to_string();
    let at = [
        "doctor",
        "--config",
        &config,
        "--data",
        &path,
        "--admin-url",
        &admin,
    ];
    let looked = home.run(&at).await;
    assert_eq!(looked.code, Some(1), "{}{}", looked.out, looked.err);
    let gateway = line(&looked, "bad   gateway: not ready at ");
    assert!(
        gateway.contains("store failed: restart the gateway, it is stopping"),
        "{gateway}"
    );
    line(&looked, "warn  version: the gateway runs 0.0.1");
    assert!(line(&looked, "warn  clock: ").contains("ms behind this machine's"));
    line(
        &looked,
        "warn  deliveries: 7 are owed, the oldest is due for 61 s",
    );
    line(&looked, "bad   subscriptions: the gateway answered 401");
    line(&looked, "bad   sources: the gateway answered 401");

    drop(lock);
    let elsewhere = home.run(&at).await;
    assert_eq!(elsewhere.code, Some(0), "{}", elsewhere.out);
    line(&elsewhere, "warn  gateway: the one at ");
    line(&elsewhere, "ok    records: all ");
}
