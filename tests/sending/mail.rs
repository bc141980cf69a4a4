//! E-mail through a scripted server: encrypted before a password goes out, and every place where a conversation can end has its meaning.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ringback::core::sending::{Order, Recipient, Sent};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use toml::Table;

use super::rig::{order, start};
use crate::support::gateway::Gateway;

/// Where the server does something else than what is usual, and what: a reply, or nothing at all.
type Fault = Option<(&'static str, Option<&'static str>)>;

struct Server {
    port: u16,
    certificate: String,
    fault: Arc<Mutex<Fault>>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `implicit`: encrypted from the first byte.
    async fn start(implicit: bool) -> Self {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            port: listener.local_addr().unwrap().port(),
            certificate: own.cert.pem(),
            fault: Arc::default(),
            heard: Arc::default(),
        };
        let (fault, heard) = (this.fault.clone(), this.heard.clone());
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let talk = Talk {
                    fault: *fault.lock().unwrap(),
                    heard: heard.clone(),
                };
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let tcp = if implicit { tcp } else { talk.run(tcp, true).await? };
                    let tls = acceptor.accept(tcp).await.ok()?;
                    talk.run(tls, implicit).await.map(drop)
                });
            }
        });
        this
    }

    fn provider(&self, more: Table) -> Table {
        let mut table = toml::toml! {
            name = "mail"
            kind = "smtp"
            host = "localhost"
            username = "acme"
            password = "correct horse"
            from = "Acme <codes@acme.example>"
            timeout_ms = 700
        };
        table.insert("port".into(), i64::from(self.port).into());
        table.insert("ca".into(), self.certificate.clone().into());
        table.extend(more);
        table
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

struct Talk {
    fault: Fault,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Talk {
    /// Until STARTTLS, which gives the stream back, or the end. `first`: nothing was said yet.
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, first: bool) -> Option<S> {
        let mut stream = BufStream::new(stream);
        if first {
            self.reply(&mut stream, "greeting", "220 mail.example ESMTP")
                .await?;
        }
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            let word = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            self.heard.lock().unwrap().push(line);
            let usual = match word.as_str() {
                "EHLO" if first => "250-mail.example\r\n250-STARTTLS\r\n250 AUTH PLAIN",
                "EHLO" => "250-mail.example\r\n250 AUTH PLAIN LOGIN",
                "AUTH" => "235 welcome",
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "250 fine",
            };
            self.reply(&mut stream, &word, usual).await?;
            if word == "STARTTLS" {
                return Some(stream.into_inner());
            }
            if word == "DATA" {
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut text).await.ok()? == 0 {
                        return None;
                    }
                }
                self.heard.lock().unwrap().push(text);
                self.reply(&mut stream, "text", "250 queued as 4711").await?;
            }
        }
    }

    async fn reply<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufStream<S>,
        at: &str,
        usual: &str,
    ) -> Option<()> {
        let reply = match self.fault {
            Some((fault, reply)) if fault == at => match reply {
                Some("close") => return None,
                Some(reply) => reply,
                None => std::future::pending().await,
            },
            _ => usual,
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
        stream.flush().await.ok()
    }
}

async fn send(gateway: &Gateway, to: &str) -> Sent {
    let order = Order {
        to: Recipient::email(to).unwrap(),
        subject: "Ihr Code für Acme".into(),
        ..order()
    };
    let sent = gateway.running.gateway.send_through("mail", None, order).await;
    sent.unwrap().sent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_goes_out_encrypted() {
    let server = Server::start(false).await;
    let gateway = start(vec![server.provider(Table::new())]).await;
    let sent = send(&gateway, "ann@example.com").await;
    let Sent::Accepted(taken) = sent else {
        panic!("{sent:?}")
    };
    assert_eq!(taken.carrier_message_id, "k1@acme.example");
    let heard = server.heard();
    let words: Vec<&str> = heard
        .iter()
        .map(|line| line.split([' ', ':', '\r']).next().unwrap())
        .collect();
    assert_eq!(
        words,
        [
            "EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "From", "QUIT"
        ]
    );
    assert!(
        heard[4].starts_with("MAIL FROM:<codes@acme.example>") && heard[5] == "RCPT TO:<ann@example.com>"
    );
    let (head, text) = heard[7].split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("Subject: =?utf-8?B?SWhyIENvZGUgZsO8ciBBY21l?=\r\n"),
        "{head}"
    );
    let text: String = text.trim_end_matches("\r\n.\r\n").split_whitespace().collect();
    assert_eq!(BASE64_STANDARD.decode(text).unwrap(), b"Your code is 123456.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_goes_out_encrypted_from_the_first_byte() {
    let server = Server::start(true).await;
    let gateway = start(vec![server.provider(toml::toml! { tls = "implicit" })]).await;
    let sent = send(&gateway, "ann@example.com").await;
    assert!(matches!(sent, Sent::Accepted(_)), "{sent:?}");
    assert!(server.heard()[1].starts_with("AUTH PLAIN"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_of_a_conversation_has_its_meaning() {
    let server = Server::start(false).await;
    let gateway = start(vec![server.provider(Table::new())]).await;
    for (at, reply, expected) in [
        ("greeting", Some("554 no"), "carrier_down"),
        ("greeting", None, "carrier_down"),
        ("STARTTLS", Some("454 not now"), "carrier_down"),
        ("STARTTLS", Some("close"), "carrier_down"),
        ("AUTH", Some("535 wrong"), "unauthorized"),
        ("MAIL", Some("550 not you"), "misconfigured"),
        ("MAIL", Some("451 busy"), "carrier_down"),
        ("RCPT", Some("550 no such user"), "invalid_recipient"),
        ("RCPT", Some("452 full"), "unreachable"),
        ("RCPT", Some("421 closing"), "carrier_down"),
        ("RCPT", None, "carrier_down"),
        ("DATA", Some("554 spam"), "content_refused"),
        ("DATA", Some("close"), "carrier_down"),
        ("text", Some("554 spam"), "content_refused"),
        ("text", Some("451 try later"), "carrier_down"),
        ("text", None, "unknown"),
        ("text", Some("close"), "unknown"),
        ("QUIT", Some("close"), "accepted"),
    ] {
        *server.fault.lock().unwrap() = Some((at, reply));
        let sent = send(&gateway, "ann@example.com").await;
        let word = match &sent {
            Sent::Accepted(_) => "accepted",
            Sent::Refused(refusal) => refusal.class.as_str(),
            Sent::Unknown(_) => "unknown",
        };
        assert_eq!(word, expected, "{at} {reply:?}: {sent:?}");
        let texts = server
            .heard()
            .iter()
            .filter(|line| line.starts_with("From:"))
            .count();
        assert_eq!(
            texts,
            usize::from(matches!(at, "text" | "QUIT")),
            "{at}: once at most"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_gets_no_password() {
    let (server, other) = (Server::start(false).await, Server::start(false).await);
    let mut stranger = server.provider(Table::new());
    stranger.insert("ca".into(), other.certificate.clone().into());
    let gateway = start(vec![stranger]).await;
    let sent = send(&gateway, "ann@example.com").await;
    assert!(
        matches!(&sent, Sent::Refused(refusal) if refusal.class.as_str() == "carrier_down"),
        "{sent:?}"
    );
    let heard = server.heard();
    assert!(heard.iter().all(|line| !line.starts_with("AUTH")), "{heard:?}");
    // A server that offers no STARTTLS, or somebody on the way who takes the offer out.
    let gateway = start(vec![server.provider(Table::new())]).await;
    *server.fault.lock().unwrap() = Some(("EHLO", Some("250 mail.example")));
    let sent = send(&gateway, "ann@example.com").await;
    assert!(matches!(sent, Sent::Refused(_)), "{sent:?}");
    assert!(
        server
            .heard()
            .iter()
            .all(|line| line.starts_with("EHLO") || line == "QUIT")
    );
}
