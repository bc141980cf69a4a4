//! E-mail through an SMTP server: dialled by the guard's rules, STARTTLS by default, one message a connection.

mod letter;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::{Error, extension::ClientId};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use url::Host;

use self::letter::Author;
use super::client::Options;
use super::connect::{Connected, Connector, Stream};
use super::guard::Origin;
use super::progress::Progress;
use super::trust::Trusted;
use crate::core::sending::{Class, Order, Recipient, Refusal, Sent, Taken, quoted};
use crate::core::subscription::trust::Trust;
use crate::core::time::UnixMs;

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encryption {
    /// After a plain greeting, and not without.
    #[default]
    Starttls,
    /// From the first byte.
    Implicit,
    /// For a server on this machine or in a network of one's own.
    None,
}

/// The keys of a provider of kind "smtp".
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    tls: Encryption,
    username: Option<String>,
    password: Option<String>,
    /// `Acme <codes@acme.example>`.
    from: String,
    /// A PEM of the authorities whose certificates are believed instead of the public ones.
    ca: Option<String>,
}

/// Sends e-mail through one server.
pub struct Mailer {
    connector: Connector,
    origin: Origin,
    /// For STARTTLS.
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    from: Author,
    /// Of the envelope.
    sender: Address,
    hello: ClientId,
    timeout: Duration,
}

impl Mailer {
    /// The error says which key is wrong. `options` are those of every call to the outside.
    pub fn new(settings: Settings, options: Options, timeout_ms: u64) -> Result<Self, String> {
        let wrong = |key: &str, expected: &dyn fmt::Display| format!("`{key}` is wrong: write {expected}");
        let host = Host::parse(&settings.host).map_err(|_| wrong("host", &"a host name or address"))?;
        let from = Author::parse(&settings.from);
        let sender = from.as_ref().and_then(|from| from.address.parse().ok());
        let (Some(from), Some(sender)) = (from, sender) else {
            return Err(wrong("from", &"an address such as Acme <codes@acme.example>"));
        };
        let credentials = match (settings.username, settings.password) {
            (Some(name), Some(password)) => Some(Credentials::new(name, password)),
            (None, None) => None,
            _ => return Err(wrong("password", &"it and `username`, or none of them")),
        };
        if credentials.is_some() && settings.tls == Encryption::None {
            return Err(wrong(
                "tls",
                &"starttls or implicit: a password does not go out in the clear",
            ));
        }
        let unusable = |e: &dyn fmt::Display| format!("`ca` is no PEM that can be used ({e})");
        let trust = match &settings.ca {
            Some(pem) => Trusted::new(&Trust::Authority(pem.clone())).map_err(|e| unusable(&e))?,
            None => None,
        };
        let tls = match settings.tls {
            Encryption::Starttls => {
                Some(parameters(&host, settings.ca.as_deref()).map_err(|e| unusable(&e))?)
            }
            Encryption::Implicit | Encryption::None => None,
        };
        let port = settings.port.unwrap_or(match settings.tls {
            Encryption::Starttls => 587,
            Encryption::Implicit => 465,
            Encryption::None => 25,
        });
        let connect_timeout = Duration::from_millis(options.connect_timeout_ms);
        let connector = Connector::new(
            options.policy,
            options.resolver,
            &options.extra_roots,
            connect_timeout,
        );
        Ok(Self {
            connector: connector.map_err(|e| e.to_string())?,
            origin: Origin {
                tls: settings.tls == Encryption::Implicit,
                host,
                port,
                trust,
            },
            tls,
            credentials,
            hello: ClientId::Domain(from.host().to_owned()),
            from,
            sender,
            timeout: Duration::from_millis(timeout_ms),
        })
    }

    /// Sends one message, once. Until its text is under way nothing has gone out, whatever happens; from then on only the server's own
    /// answer says what became of it.
    pub async fn send(&self, order: &Order, now: UnixMs) -> Sent {
        let to = match recipient(order) {
            Ok(to) => to,
            Err(refusal) => return Sent::Refused(refusal),
        };
        let id = format!("{}@{}", order.key, self.from.host());
        let letter = letter::written(&self.from, to.as_ref(), (&id, order), now);
        let mut stage = Stage::Connecting;
        match timeout(self.timeout, self.transfer(to, &letter, &mut stage)).await {
            Ok(Ok(())) => Sent::Accepted(Taken {
                carrier_message_id: id,
                ..Taken::default()
            }),
            Ok(Err(Failure::Unreached(failure))) => {
                Sent::Refused(Refusal::new(Class::CarrierDown, failure.to_string()))
            }
            Ok(Err(Failure::Smtp(error))) => judged(&error, stage),
            Err(_) if stage == Stage::Text => {
                Sent::Unknown("the server did not say in time whether it took the message".into())
            }
            Err(_) => Sent::Refused(Refusal::new(
                Class::CarrierDown,
                format!("the server did not get beyond {} in time", stage.as_str()),
            )),
        }
    }

    async fn transfer(&self, to: Address, letter: &str, stage: &mut Stage) -> Result<(), Failure> {
        let mut progress = Progress::start();
        let connected = self.connector.connect(&self.origin, &mut progress).await;
        let wire = Wire::new(connected.map_err(Failure::Unreached)?);
        *stage = Stage::Greeting;
        let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &self.hello).await?;
        if let Some(tls) = &self.tls {
            *stage = Stage::Encrypting;
            connection.starttls(tls.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            *stage = Stage::Credentials;
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, credentials).await?;
        }
        *stage = Stage::Sender;
        let sender = Mail::new(Some(self.sender.clone()), Vec::new());
        connection.command(sender).await?;
        *stage = Stage::Recipient;
        connection.command(Rcpt::new(to, Vec::new())).await?;
        *stage = Stage::Data;
        connection.command(Data).await?;
        *stage = Stage::Text;
        connection.message(letter.as_bytes()).await?;
        // It is taken: how the connection ends changes nothing.
        let _ = timeout(Duration::from_millis(200), connection.quit()).await;
        Ok(())
    }
}

/// To whom, as the envelope has it.
fn recipient(order: &Order) -> Result<Address, Refusal> {
    let refuse = |reason: &str| Refusal::new(Class::InvalidRecipient, reason);
    let Recipient::Email(to) = &order.to else {
        return Err(refuse("this provider sends to e-mail addresses, not to numbers"));
    };
    let to = letter::ascii(to).and_then(|to| to.parse().ok());
    to.ok_or_else(|| refuse("the address has characters that not every mail server takes"))
}

fn parameters(host: &Host<String>, ca: Option<&str>) -> Result<TlsParameters, Error> {
    let builder = TlsParameters::builder(host.to_string());
    match ca {
        None => builder.certificate_store(CertificateStore::WebpkiRoots).build(),
        Some(pem) => builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(Certificate::from_pem(pem.as_bytes())?)
            .build(),
    }
}

/// How far a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    Greeting,
    Encrypting,
    Credentials,
    Sender,
    Recipient,
    Data,
    /// From here on the server may have all of it.
    Text,
}

impl Stage {
    fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "the connection",
            Self::Greeting => "the greeting",
            Self::Encrypting => "STARTTLS",
            Self::Credentials => "the credentials",
            Self::Sender => "the sender",
            Self::Recipient => "the recipient",
            Self::Data => "DATA",
            Self::Text => "the text",
        }
    }
}

enum Failure {
    Unreached(super::sender::Failure),
    Smtp(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Smtp(error)
    }
}

/// What a failure of the conversation means where it happened.
fn judged(error: &Error, stage: Stage) -> Sent {
    let code = error.status().map(|code| code.to_string());
    let Some(code) = code else {
        return match stage {
            Stage::Text => Sent::Unknown(quoted(&format!(
                "the connection broke before the server answered ({error})"
            ))),
            _ => Sent::Refused(Refusal::new(
                Class::CarrierDown,
                quoted(&format!("at {}: {error}", stage.as_str())),
            )),
        };
    };
    let class = match (stage, code.as_str()) {
        (_, "421") => Class::CarrierDown,
        (Stage::Credentials, _) | (_, "530" | "535") => Class::Unauthorized,
        (Stage::Recipient, "450" | "451" | "452" | "552") => Class::Unreachable,
        (Stage::Recipient, _) if error.is_permanent() => Class::InvalidRecipient,
        (Stage::Sender, _) if error.is_permanent() => Class::Misconfigured,
        (Stage::Data | Stage::Text, _) if error.is_permanent() => Class::ContentRefused,
        _ => Class::CarrierDown,
    };
    Sent::Refused(Refusal {
        code: Some(code),
        ..Refusal::new(class, quoted(&format!("at {}: {error}", stage.as_str())))
    })
}

/// The checked connection in the form that the SMTP library takes.
struct Wire {
    stream: Box<dyn Stream>,
    remote: SocketAddr,
}

impl Wire {
    fn new(connected: Connected) -> Self {
        Self {
            stream: connected.stream,
            remote: connected.remote,
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.remote)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.remote)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
