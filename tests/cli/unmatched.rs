//! `unmatched ls` and `unmatched assign` against a running gateway.

use std::net::SocketAddr;

use ringback::carrier::simulate::Signer;
use serde_json::{Value, json};

use super::process::{Ended, Home, Running};
use crate::support::client::Call;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

struct Gateway {
    home: Home,
    running: Running,
    address: SocketAddr,
    admin: String,
}

impl Gateway {
    /// With one number, and Kannel as its carrier.
    async fn start() -> Self {
        let home = Home::new();
        let signer = Signer::Kannel {
            path_token: TOKEN.into(),
        };
        let mut source = signer.settings();
        source.insert("name".into(), "main".into());
        source.insert("carrier".into(), "kannel".into());
        let number = toml::toml! {
            number = "+12025550143"
            country = "US"
        };
        let list = |table: toml::Table| toml::Value::Array(vec![table.into()]);
        let tables = [
            ("source".to_owned(), list(source)),
            ("number".to_owned(), list(number)),
        ];
        let config = home.write("ringback.toml", &toml::Table::from_iter(tables).to_string());
        let (running, fields) = home.serve(&["--config", &config]).await;
        let address = fields["address"].as_str().unwrap().parse().unwrap();
        let admin = format!("http://{}", fields["admin"].as_str().unwrap());
        Self {
            home,
            running,
            address,
            admin,
        }
    }

    async fn run(&self, arguments: &[&str]) -> Ended {
        let data = self.home.path().join("data").display().to_string();
        let at = ["--admin-url", &self.admin, "--data", &data];
        self.home.run(&[arguments, &at].concat()).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_nobody_is_found_and_given_to_its_rental() {
    let gateway = Gateway::start().await;
    let made = gateway.run(&["keys", "create", "--account", "acme"]).await;
    let key = made.out.trim();
    let rent = Call::post("/api/verifications", &json!({ "serviceName": "google" })).key(key);
    let rental = rent.send(gateway.address).await.expect(201);
    let rental = rental["id"].as_str().unwrap();
    // A sender that would clear the terminal, and a number that nobody can read.
    let query = "id=m1&from=Google%1B%5B2J&to=555-0143&charset=UTF-8&text=Your+code+is+482913.";
    let sms = Call::get(&format!("/inbound/main/{TOKEN}?{query}"));
    assert_eq!(sms.send(gateway.address).await.status, 200);

    let message = found(&gateway).await;
    let assign = async |message: &str, account: &str| {
        let wish = [
            "unmatched",
            "assign",
            message,
            "--account",
            account,
            "--rental",
            rental,
        ];
        gateway.run(&wish).await
    };
    assert_eq!(assign("msg", "acme").await.code, Some(2));
    assert_eq!(assign(&message, "globex").await.code, Some(3));
    let assigned = assign(&message, "acme").await;
    let expected = format!("{message} belongs to {rental} now, with a code\n");
    assert_eq!(
        (assigned.code, assigned.out),
        (Some(0), expected),
        "{}",
        assigned.err
    );
    assert_eq!(assign(&message, "acme").await.code, Some(5));
    let polled = Call::get(&format!("/api/verifications/{rental}/code?wait=0")).key(key);
    assert_eq!(
        polled.send(gateway.address).await.expect(200)["otpCode"],
        "482913"
    );
    gateway.running.terminate().await;
    assert_eq!(gateway.running.end().await.0, Some(0));
}

/// The one message there is, by every way to list it.
async fn found(gateway: &Gateway) -> String {
    let listed = gateway.run(&["unmatched", "ls"]).await;
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    assert!(
        listed.out.starts_with("msg_") && listed.out.contains("bad_number"),
        "{}",
        listed.out
    );
    assert!(
        !listed.out.contains("482913") && !listed.out.contains('\u{1b}'),
        "{}",
        listed.out
    );
    let shown = [
        "unmatched",
        "ls",
        "--json",
        "--number",
        "555-0143",
        "--reason",
        "bad_number",
    ];
    let shown: Value = serde_json::from_str(&gateway.run(&shown).await.out).unwrap();
    assert_eq!(shown["messages"][0]["smsContent"], "Your code is 482913.");
    assert_eq!(
        gateway.run(&["unmatched", "ls", "--reason", "expired"]).await.out,
        ""
    );
    assert_eq!(
        gateway.run(&["unmatched", "ls", "--reason", "lost"]).await.code,
        Some(5)
    );
    listed.out.split_whitespace().next().unwrap().to_owned()
}
