//! Letters through Exim, as Debian packs it: encrypted, with a password, taken or refused, and what it took is what was sent.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ringback::core::sending::{Recipient, Sent};
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::sending::{Program, order, send, start};
use crate::support::gateway::Gateway;
use crate::support::until_async;
use crate::{HOME, script};

struct Exim {
    folder: TempDir,
    certificate: String,
    port: u16,
    _running: Program,
}

impl Exim {
    async fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let write =
            |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("a file");
        write("cert.pem", own.cert.pem());
        write("key.pem", own.signing_key.serialize_pem());
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("it is bound").port();
        drop(free);
        let home = format!("{HOME}/exim");
        let path = folder.path().display().to_string();
        let running = Program::start(
            "sh",
            &[&script("exim.sh"), &home, &path, "serve", &port.to_string()],
        );
        until_async("Exim to listen", async || {
            let connected = TcpStream::connect(("127.0.0.1", port)).await;
            connected.ok()
        })
        .await;
        Self {
            folder,
            certificate: own.cert.pem(),
            port,
            _running: running,
        }
    }

    async fn gateway(&self, password: &str) -> Gateway {
        let mut provider = toml::toml! {
            name = "out"
            kind = "smtp"
            host = "localhost"
            username = "acme"
            from = "Überall GmbH <codes@acme.example>"
        };
        provider.insert("password".into(), password.into());
        provider.insert("ca".into(), self.certificate.clone().into());
        start(provider, self.port.into()).await
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("mainlog")).unwrap_or_default()
    }

    /// The letters that it took, as it shows them.
    fn letters(&self) -> String {
        let home = format!("{HOME}/exim");
        let shown = Command::new("sh")
            .args([&script("exim.sh"), &home])
            .arg(self.folder.path() as &Path)
            .arg("show")
            .output();
        let Output {
            status,
            stdout,
            stderr,
        } = shown.expect("a shell");
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).expect("a letter is ASCII")
    }
}

async fn outcome(gateway: &Gateway, to: &str, text: &str) -> Sent {
    let to = Recipient::email(to).expect("an address");
    send(gateway, order(to, text)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs target/peers: bash .ci/test installs it and runs this"]
async fn exim_takes_what_is_sent_and_its_refusals_are_understood() {
    let exim = Exim::start().await;
    let gateway = exim.gateway("correct horse").await;
    let text = "Ihr Code lautet 123456.\n.\nEin Punkt allein ist kein Ende. 🔐\n";
    let sent = outcome(&gateway, "ann@example.com", text).await;
    assert!(matches!(sent, Sent::Accepted(_)), "{sent:?}\n{}", exim.log());
    let letter = exim.letters();
    let (head, body) = letter.split_once("\n\n").expect("a head and a body");
    for line in [
        "for ann@example.com",
        "Message-ID: <k1@acme.example>",
        "(envelope-from <codes@acme.example>)",
    ] {
        assert!(head.contains(line), "{line}\n{letter}");
    }
    let body: String = body.split_whitespace().collect();
    let read = String::from_utf8(BASE64_STANDARD.decode(body).expect("base64")).expect("text");
    assert_eq!(read.replace("\r\n", "\n"), text);
    let taken = exim.log();
    assert!(
        taken.contains(" P=esmtpsa ") && taken.contains(" A=plain"),
        "{taken}"
    );

    for (to, text, expected) in [
        ("nobody@example.com", "a", "invalid_recipient"),
        ("full@example.com", "a", "unreachable"),
        ("ann@example.com", &"long ".repeat(5_000), "content_refused"),
    ] {
        let sent = outcome(&gateway, to, text).await;
        assert!(
            matches!(&sent, Sent::Refused(refusal) if refusal.class.as_str() == expected),
            "{to}: {sent:?}\n{}",
            exim.log()
        );
    }
    let stranger = exim.gateway("wrong horse").await;
    let sent = outcome(&stranger, "ann@example.com", text).await;
    assert!(
        matches!(&sent, Sent::Refused(refusal) if refusal.class.as_str() == "unauthorized"),
        "{sent:?}"
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(exim.letters(), letter, "one letter, once");
    let version = taken
        .split(" exim ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .unwrap_or("?");
    println!(
        "==> Exim {version} of Debian: STARTTLS, AUTH, one letter read back from its queue, four refusals"
    );
}
