//! SMPP 3.4: one session to an SMSC as a transceiver, which submits what is ordered and hears receipts and messages.

mod flight;
mod id;
mod pdu;
mod session;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use rusmpp::pdus::SubmitSm;
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use url::Host;

use self::id::ReceiptIds;
use self::pdu::{Author, Long};
use self::session::Session;
use super::client::Options;
use super::connect::Connector;
use super::guard::Origin;
use super::trust::Trusted;
use crate::core::message::Report;
use crate::core::sending::{Class, Order, Refusal, Sent};
use crate::core::subscription::trust::Trust;

/// Takes reports to the disk; whether they are there. The SMSC is told so only then.
pub type Hear = Arc<dyn Fn(Vec<Report>) -> Hearing + Send + Sync>;
pub type Hearing = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Orders that wait for a place in the window.
const WAITING_MAX: usize = 256;

/// The keys of a provider of kind "smpp".
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    host: String,
    port: Option<u16>,
    /// TLS from the first byte.
    #[serde(default)]
    tls: bool,
    /// A PEM of the authorities whose certificates are believed instead of the public ones.
    ca: Option<String>,
    system_id: String,
    password: String,
    #[serde(default)]
    system_type: String,
    /// A number, a short code or a name.
    from: String,
    /// Submissions without an answer at one time, 1 to 1000; 10 by default.
    window: Option<usize>,
    /// Seconds of silence after which the SMSC is asked whether it is there, 1 to 3600; 30 by default.
    enquire_s: Option<u64>,
    #[serde(default)]
    long: Long,
    #[serde(default)]
    receipt_ids: ReceiptIds,
}

/// A provider of this kind before its session begins.
pub struct Smsc {
    connector: Connector,
    origin: Origin,
    settings: Settings,
    from: Author,
    timeout: Duration,
}

/// How the session stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// It never stood yet.
    Beginning,
    Bound,
    Down(String),
}

/// Parts of one text on their way to the session.
struct Submit {
    parts: Vec<SubmitSm>,
    /// Set before the first byte of it goes out.
    left: Arc<AtomicBool>,
    reply: oneshot::Sender<Sent>,
}

/// Submits orders through a running session.
pub struct Line {
    submits: mpsc::Sender<Submit>,
    state: watch::Receiver<State>,
    from: Author,
    long: Long,
    reference: AtomicU8,
    timeout: Duration,
}

impl Smsc {
    /// The error says which key is wrong. `options` are those of every call to the outside.
    pub fn new(settings: Settings, options: Options, timeout_ms: u64) -> Result<Self, String> {
        let wrong = |key: &str, expected: &str| Err(format!("`{key}` is wrong: write {expected}"));
        let Ok(host) = Host::parse(&settings.host) else {
            return wrong("host", "a host name or address");
        };
        let Some(from) = Author::parse(&settings.from) else {
            return wrong("from", "a number, a short code, or a name of up to 11 characters");
        };
        let fits = |text: &str, most: usize| text.is_ascii() && text.len() <= most && !text.contains('\0');
        for (key, text, most) in [
            ("system_id", &settings.system_id, 15),
            ("password", &settings.password, 8),
            ("system_type", &settings.system_type, 12),
        ] {
            if !fits(text, most) {
                return wrong(key, &format!("at most {most} ASCII characters, as SMPP has it"));
            }
        }
        if !(1..=1000).contains(&settings.window.unwrap_or(10)) {
            return wrong("window", "1 to 1000");
        }
        if !(1..=3600).contains(&settings.enquire_s.unwrap_or(30)) {
            return wrong("enquire_s", "1 to 3600");
        }
        let trust = match &settings.ca {
            Some(_) if !settings.tls => return wrong("ca", "it together with tls = true"),
            Some(pem) => {
                Trusted::new(&Trust::Authority(pem.clone())).map_err(|e| format!("`ca` is wrong: {e}"))?
            }
            None => None,
        };
        let origin = Origin {
            tls: settings.tls,
            host,
            port: settings.port.unwrap_or(2775),
            trust,
        };
        let connect_timeout = Duration::from_millis(options.connect_timeout_ms);
        let connector = Connector::new(
            options.policy,
            options.resolver,
            &options.extra_roots,
            connect_timeout,
        );
        Ok(Self {
            connector: connector.map_err(|e| e.to_string())?,
            origin,
            settings,
            from,
            timeout: Duration::from_millis(timeout_ms),
        })
    }

    /// Begins the session, which binds again whenever it ends, until `stopped`. Must be called within a runtime.
    pub fn start(self, name: &str, hear: Hear, stopped: watch::Receiver<bool>) -> (Line, JoinHandle<()>) {
        let (submits, submitted) = mpsc::channel(WAITING_MAX);
        let (told, state) = watch::channel(State::Beginning);
        let line = Line {
            submits,
            state,
            from: self.from.clone(),
            long: self.settings.long,
            reference: AtomicU8::new(0),
            timeout: self.timeout,
        };
        let session = Session {
            name: name.to_owned(),
            smsc: self,
            submitted,
            state: told,
            hear,
            stopped,
        };
        (line, tokio::spawn(session.run()))
    }
}

impl Line {
    /// Sends one order, once.
    pub async fn send(&self, order: &Order) -> Sent {
        let reference = self.reference.fetch_add(1, Ordering::Relaxed);
        let parts = match pdu::submissions(&self.from, order, self.long, reference) {
            Ok(parts) => parts,
            Err(refusal) => return Sent::Refused(refusal),
        };
        if let Err(refusal) = self.standing().await {
            return Sent::Refused(refusal);
        }
        let left = Arc::new(AtomicBool::new(false));
        let (reply, mut answer) = oneshot::channel();
        let submit = Submit {
            parts,
            left: left.clone(),
            reply,
        };
        if self.submits.try_send(submit).is_err() {
            let reason = "more messages wait for the SMSC than its window lets out: raise `window`, or lower per_second_max";
            return Sent::Refused(Refusal::new(Class::RateLimited, reason));
        }
        if let Ok(Ok(sent)) = timeout(self.timeout, &mut answer).await {
            return sent;
        }
        // First nobody waits for it any more, then it is looked whether it had left: the session does these two the other way round.
        answer.close();
        if left.load(Ordering::SeqCst) {
            Sent::Unknown("the SMSC did not answer in time".into())
        } else {
            Sent::Refused(Refusal::new(
                Class::CarrierDown,
                "no place in the window came free in time",
            ))
        }
    }

    /// Waits for the first bind only: a session that broke is a reason to ask another provider at once.
    async fn standing(&self) -> Result<(), Refusal> {
        let mut state = self.state.clone();
        let begun = timeout(self.timeout, state.wait_for(|state| *state != State::Beginning)).await;
        let why = match begun {
            Ok(Ok(state)) => match &*state {
                State::Bound => return Ok(()),
                State::Down(why) => why.clone(),
                State::Beginning => "it has not begun".to_owned(),
            },
            _ => "it was not bound in time".to_owned(),
        };
        Err(Refusal::new(
            Class::CarrierDown,
            format!("no session with the SMSC: {why}"),
        ))
    }
}
