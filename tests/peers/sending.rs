//! Messages out to programs that are not ours: an SMSC by node-smpp, a mail server by aiosmtpd.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use ringback::core::phone::PhoneNumber;
use ringback::core::sending::{Order, Recipient, Sent};
use serde_json::{Value, json};
use toml::Table;

use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;
use crate::support::within;
use crate::{HOME, python, script};

/// A program that tells what it sees, a line of JSON each; ended when it is dropped.
pub struct Program {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
}

impl Program {
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .env("NODE_PATH", format!("{HOME}/npm/node_modules"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e}: `bash .ci/test` installs what this needs"));
        let lines = child.stdout.take().map(BufReader::new);
        Self { child, lines }
    }

    /// The next line.
    async fn told(&mut self) -> Value {
        let mut lines = self.lines.take().expect("one reader at a time");
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            lines.read_line(&mut line).expect("a line of text");
            (lines, line)
        });
        let (lines, line) = within("the program's word", read).await.expect("it reads");
        self.lines = Some(lines);
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line:?}: {e}"))
    }

    async fn port(&mut self) -> i64 {
        self.told().await["port"].as_i64().expect("the port comes first")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub async fn start(mut provider: Table, port: i64) -> Gateway {
    provider.insert("port".into(), port.into());
    let mut over = Table::new();
    over.insert("provider".into(), toml::Value::Array(vec![provider.into()]));
    Gateway::start_with(over).await
}

pub fn order(to: Recipient, text: &str) -> Order {
    Order {
        key: "k1".into(),
        to,
        text: text.into(),
        code: None,
        language: "de".into(),
        subject: "Ihr Bestätigungscode für die Anmeldung, und noch etwas mehr davon".into(),
        extension: None,
    }
}

pub async fn send(gateway: &Gateway, order: Order) -> Sent {
    let account = ringback::core::id::AccountId::parse("acme").expect("a name");
    let sent = gateway
        .running
        .gateway
        .send_through("out", Some(account.into()), order)
        .await;
    sent.expect("a provider of this name").sent
}

fn phone() -> Recipient {
    Recipient::Phone(PhoneNumber::parse("+12025550187").expect("a number"))
}

/// A text in two parts arrives whole.
async fn long_text(gateway: &Gateway, smsc: &mut Program) {
    let long = "Ваш код 123456. ".repeat(6);
    assert!(
        matches!(send(gateway, order(phone(), &long)).await, Sent::Accepted(taken) if taken.segments == Some(2))
    );
    let mut whole = String::new();
    while whole.len() < long.len() {
        let seen = smsc.told().await;
        if let Some(text) = seen["text"].as_str() {
            assert_eq!(seen["coding"], 8);
            whole.push_str(text);
        }
    }
    assert_eq!(whole, long);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs target/peers: bash .ci/test installs it and runs this"]
async fn an_smsc_takes_delivers_and_reports() {
    let mut smsc = Program::start("node", &[&script("smsc.js")]);
    let port = smsc.port().await;
    let provider = toml::toml! {
        name = "out"
        kind = "smpp"
        host = "127.0.0.1"
        system_id = "acme"
        password = "secret"
        from = "+12025550143"
        receipt_ids = "decimal"
    };
    let gateway = start(provider, port).await;
    let mut subscriber = Subscriber::start(&[]).await;
    gateway
        .subscribe(
            &subscriber.url,
            &["outbound.delivered", "verification.code_received"],
        )
        .await;
    let rental = gateway.rent("google").await;
    assert_eq!(rental.number, "+12025550100");
    let short = "Your code is 123456 €{}";
    assert!(
        matches!(send(&gateway, order(phone(), short)).await, Sent::Accepted(taken) if taken.carrier_message_id == "A11")
    );
    let seen = smsc.told().await;
    assert_eq!(
        (&seen["text"], &seen["to"], &seen["from"]),
        (&json!(short), &json!("12025550187"), &json!("12025550143"))
    );
    let mut told = [smsc.told().await, smsc.told().await].map(|told| told.to_string());
    told.sort();
    assert_eq!(
        told,
        [r#"{"message":0}"#, r#"{"receipt":0}"#],
        "both are acknowledged"
    );
    let mut kinds = [subscriber.next().await.kind(), subscriber.next().await.kind()];
    kinds.sort();
    assert_eq!(kinds, ["outbound.delivered", "verification.code_received"]);

    long_text(&gateway, &mut smsc).await;
    gateway.running.stop().await;
    let mut last = smsc.told().await;
    while last["unbound"].is_null() {
        last = smsc.told().await;
    }
    println!("==> node-smpp: submitted, delivered, reported, unbound");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs target/peers: bash .ci/test installs it and runs this"]
async fn a_mail_server_reads_what_is_sent() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    std::fs::write(&certificate, own.cert.pem()).expect("a file");
    std::fs::write(&key, own.signing_key.serialize_pem()).expect("a file");
    let mail = script("mailbox.py");
    let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
    let mut server = Program::start(&python(), &[&mail, &certificate, &key]);
    let port = server.port().await;
    let mut provider = toml::toml! {
        name = "out"
        kind = "smtp"
        host = "localhost"
        username = "acme"
        password = "correct horse"
        from = "Überall GmbH <codes@acme.example>"
    };
    provider.insert("ca".into(), own.cert.pem().into());
    let gateway = start(provider, port).await;
    let to = |text: &str| Recipient::email(text).expect("an address");
    let text = "Ihr Code lautet 123456.\n.\nEin Punkt allein ist kein Ende. 🔐\n";
    let sent = send(&gateway, order(to("ann@example.com"), text)).await;
    assert!(matches!(sent, Sent::Accepted(_)), "{sent:?}");
    let letter = server.told().await;
    assert_eq!(
        (&letter["from"], &letter["to"]),
        (&json!("codes@acme.example"), &json!(["ann@example.com"]))
    );
    assert_eq!(
        (&letter["encrypted"], &letter["defects"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(
        letter["text"]
            .as_str()
            .map(|text| text.replace("\r\n", "\n"))
            .as_deref(),
        Some(text)
    );
    let headers = &letter["headers"];
    assert_eq!(headers["from"], "Überall GmbH <codes@acme.example>");
    assert_eq!(headers["subject"], order(to("a@b.c"), "").subject);
    assert_eq!(headers["message-id"], "<k1@acme.example>");
    let sent = send(&gateway, order(to("nobody@example.com"), text)).await;
    assert!(
        matches!(&sent, Sent::Refused(refusal) if refusal.class.as_str() == "invalid_recipient"),
        "{sent:?}"
    );
    println!("==> aiosmtpd: STARTTLS, AUTH, a letter read back by Python's email package");
}
