//! `sources ls` and `sources test` against a running `serve`.

use serde_json::Value;

use super::dev::address;
use super::process::{Ended, Home, Running};
use crate::support::client::Call;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const CONFIG: &str = r#"
[[source]]
name = "sinch"
carrier = "sinch"
secrets = ["old", "new"]
allow_ips = ["127.0.0.0/8"]

[[source]]
name = "smpp"
carrier = "jasmin"
path_tokens = ["0123456789abcdef0123456789abcdef"]

[[source]]
name = "telnyx"
carrier = "telnyx"
public_keys = ["sY6B7nLxtKoRBdyr5VaRq1nElAB0wqeh33x1ARMn3sE="]

[[source]]
name = "bandwidth"
carrier = "bandwidth"
username = "u"
passwords = ["p"]
path_tokens = ["fedcba9876543210fedcba9876543210"]

[[source]]
name = "elsewhere"
carrier = "textbee"
secrets = ["k"]
number = "+12025550143"
allow_ips = ["203.0.113.0/24"]
"#;

struct Gateway {
    home: Home,
    serving: Running,
    base: String,
    admin: String,
    config: String,
}

impl Gateway {
    async fn start() -> Self {
        let home = Home::new();
        let config = home.write("ringback.toml", CONFIG);
        let (serving, fields) = home.serve(&["--config", &config]).await;
        Self {
            home,
            serving,
            base: format!("http://{}", fields["address"].as_str().unwrap()),
            admin: format!("http://{}", fields["admin"].as_str().unwrap()),
            config,
        }
    }

    async fn run(&self, arguments: &[&str]) -> Ended {
        let data = self.home.path().join("data").display().to_string();
        let to = [
            "--config",
            &self.config,
            "--admin-url",
            &self.admin,
            "--data",
            &data,
        ];
        self.home.run(&[&["sources"], arguments, &to[..]].concat()).await
    }

    async fn row(&self, name: &str) -> Value {
        let listed = self.run(&["ls", "--json"]).await;
        assert_eq!(listed.code, Some(0), "{}", listed.err);
        let all: Value = serde_json::from_str(&listed.out).unwrap();
        let all = all["sources"].as_array().unwrap();
        all.iter().find(|source| source["name"] == name).unwrap().clone()
    }

    async fn stop(self) {
        self.serving.terminate().await;
        self.serving.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_source_is_listed_with_its_url_and_what_came_last() {
    let gateway = Gateway::start().await;
    let listed = gateway.run(&["ls"]).await;
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    assert!(!listed.out.contains(TOKEN), "the token is hidden: {}", listed.out);
    let url = format!("{}/inbound/smpp", gateway.base);
    assert!(
        listed.out.contains(&format!("{url}/<path token: --show>")),
        "{}",
        listed.out
    );
    assert!(listed.out.contains("from      127.0.0.0/8"), "{}", listed.out);
    let shown = gateway.run(&["ls", "--show"]).await;
    assert!(shown.out.contains(&format!("{url}/{TOKEN}")), "{}", shown.out);

    let fresh = gateway.row("sinch").await;
    assert_eq!(
        (&fresh["keys"], &fresh["accepted"], &fresh["refused"]),
        (&2.into(), &0.into(), &0.into())
    );
    assert!(fresh["lastAcceptedAt"].is_null() && fresh["lastRefusedAt"].is_null());

    let sim = [
        "sim",
        "carrier",
        "sinch",
        "--config",
        &gateway.config,
        "--gateway",
        &gateway.base,
        "--key",
        "1",
    ];
    assert_eq!(gateway.home.run(&sim).await.code, Some(0));
    Call::new("POST", "/inbound/sinch")
        .send(address(&gateway.base))
        .await;
    let used = gateway.row("sinch").await;
    assert_eq!((&used["accepted"], &used["refused"]), (&1.into(), &1.into()));
    assert_eq!(used["lastRefusedReason"], "missing_signature");
    assert!(used["lastAcceptedAt"].is_string() && used["lastRefusedAt"].is_string());
    let keys = used["keysUsedAt"].as_array().unwrap();
    assert!(
        keys[0].is_null() && keys[1].is_string(),
        "the second key is the one in use: {used}"
    );
    let text = gateway.run(&["ls"]).await.out;
    assert!(text.contains("last use of 0: not used yet, 1: "), "{text}");
    assert!(text.contains("(missing_signature)"), "{text}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_goes_the_whole_way_in_and_leaves_nothing() {
    let gateway = Gateway::start().await;
    for (name, key) in [("sinch", "0"), ("sinch", "1"), ("smpp", "0"), ("bandwidth", "0")] {
        let tested = gateway.run(&["test", name, "--key", key]).await;
        assert_eq!(tested.code, Some(0), "{name}: {}", tested.err);
        assert!(
            tested
                .out
                .contains(&format!("verified the request with key {key}")),
            "{}",
            tested.out
        );
    }
    let seed = gateway
        .home
        .write("seed", "UORsmeqEqC/U7z8n2JbbwQexsRJEPtgvJqpV5Na0/m4=");
    let tested = gateway.run(&["test", "telnyx", "--private-key", &seed]).await;
    assert_eq!(tested.code, Some(0), "{}", tested.err);
    let metrics = Call::get("/metrics").send(address(&gateway.admin)).await.text();
    assert!(
        metrics.contains(r#"ringback_inbound_accepted_total{source="sinch",key="1"} 1"#),
        "{metrics}"
    );
    assert!(
        !metrics.contains("ringback_messages_total{"),
        "no message was kept: {metrics}"
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_fails_says_why() {
    let gateway = Gateway::start().await;
    let unsigned = gateway.run(&["test", "telnyx"]).await;
    assert_eq!(unsigned.code, Some(0), "{}", unsigned.err);
    assert!(
        unsigned.out.contains("reached: an unsigned request"),
        "{}",
        unsigned.out
    );
    assert!(
        unsigned.out.contains("its signature was not tried"),
        "{}",
        unsigned.out
    );
    let blocked = gateway.run(&["test", "elsewhere"]).await;
    assert_eq!(blocked.code, Some(5));
    assert!(
        blocked.err.contains("refused as address_not_allowed"),
        "{}",
        blocked.err
    );
    // Somebody else's server: the admin listener answers, and it is not the source.
    let wrong = format!("{}/inbound/sinch", gateway.admin);
    for name in ["sinch", "telnyx"] {
        let elsewhere = gateway.run(&["test", name, "--url", &wrong]).await;
        assert_eq!(elsewhere.code, Some(5), "{}", elsewhere.out);
        assert!(elsewhere.err.contains("404"), "{}", elsewhere.err);
    }
    assert_eq!(gateway.run(&["test", "nobody"]).await.code, Some(3));
    // The file holds other keys than the gateway that runs.
    gateway.home.write(
        "ringback.toml",
        &CONFIG.replace(r#"["old", "new"]"#, r#"["newest"]"#),
    );
    let stale = gateway.run(&["test", "sinch"]).await;
    assert!(stale.err.contains("refused as bad_signature"), "{}", stale.err);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_routes_of_sources_need_the_token() {
    let gateway = Gateway::start().await;
    let to = address(&gateway.admin);
    for call in [
        Call::get("/admin/sources"),
        Call::new("POST", "/admin/sources/sinch/tests"),
        Call::get("/admin/sources/sinch/tests/x"),
    ] {
        assert_eq!(call.send(to).await.status, 401);
    }
    let token = std::fs::read_to_string(gateway.home.path().join("data/admin.token")).unwrap();
    let token = token.trim();
    for (call, status) in [
        (Call::get("/admin/sources"), 200),
        (Call::new("POST", "/admin/sources"), 405),
        (Call::new("POST", "/admin/sources/nobody/tests"), 404),
        (Call::get("/admin/sources/sinch/tests"), 405),
        (Call::get("/admin/sources/sinch/tests/unknown"), 404),
        (Call::get("/admin/sources/sinch"), 404),
    ] {
        assert_eq!(call.key(token).send(to).await.status, status);
    }
    gateway.stop().await;
}
