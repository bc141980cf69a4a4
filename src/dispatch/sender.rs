//! What it means to perform one attempt: the call, what came of it, and the trait both senders keep.
//!
//! Nothing here judges: a 500 is an answer like a 200, and what follows from it is decided in `core`.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use url::Url;

use super::guard::{self, Target};
use super::trust;
use crate::core::attempt::Timing;
use crate::core::delivery::Control;

/// Longest `Location` that is kept for the attempt log, in bytes.
const LOCATION_BYTES_MAX: usize = 2048;
/// How many of a reply's headers are kept for the attempt log, and how many bytes of them.
const HEADERS_KEPT: usize = 64;
const HEADER_BYTES_KEPT: usize = 4096;
/// What the name of a header contains whose value may be a secret; such a header is not kept.
const SECRET_NAMES: [&str; 8] = [
    "auth",
    "cookie",
    "credential",
    "key",
    "passw",
    "secret",
    "session",
    "token",
];

/// Performs calls. One implementation speaks HTTP, the other is the simulator's.
pub trait Sender: Send + Sync + 'static {
    /// Always ends, at the latest after `call.timeout_ms`. Dropping the future gives the attempt up and closes its
    /// connection; the receiver may have got it all the same.
    fn send(&self, call: Call) -> impl Future<Output = Attempted> + Send;
}

/// One request: a POST to a subscriber, whatever a carrier's API wants. `Host` and `Content-Length` are set by the sender; all else the receiver shall see is in `headers`.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub target: Target,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
    /// From the first look-up to the last byte of the reply.
    pub timeout_ms: u64,
}

/// One try and what came of it.
#[derive(Debug, Clone)]
pub struct Attempted {
    pub outcome: Outcome,
    pub timing: Timing,
    /// Who was called; `None` if no connection was made.
    pub remote: Option<SocketAddr>,
    /// The connection had served a call before.
    pub reused: bool,
}

#[derive(Debug, Clone)]
pub enum Outcome {
    Answered(Answer),
    Failed(Failure),
}

/// A complete reply, or its beginning if it was longer than the cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<RetryAfter>,
    /// Where a redirect pointed, made absolute. It is recorded and never followed.
    pub location: Option<String>,
    pub control: Option<Control>,
    /// As they came, without secrets, the first 4 KiB of them.
    pub headers: Vec<(String, String)>,
    /// The first `reply_bytes_max` bytes.
    pub body: Bytes,
    /// The reply was longer; the rest was not read.
    pub truncated: bool,
}

impl Answer {
    pub(super) fn from_head(status: u16, headers: &HeaderMap, asked: &Target) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            status,
            retry_after: text(&header::RETRY_AFTER).and_then(RetryAfter::parse),
            location: text(&header::LOCATION).map(|location| absolute(location, asked)),
            control: headers
                .get("webhook-delivery")
                .and_then(|value| control(value.as_bytes())),
            headers: kept_headers(headers),
            body: Bytes::new(),
            truncated: false,
        }
    }
}

/// When the receiver wants to be called again, as it said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    Seconds(u64),
    /// Unix time in seconds.
    At(u64),
}

impl RetryAfter {
    /// Reads both forms of RFC 9110, 10.2.3; anything else is as good as absent.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            // More digits than fit mean "never": the retry policy has its own cap.
            return Some(Self::Seconds(text.parse().unwrap_or(u64::MAX)));
        }
        let at = httpdate::parse_http_date(text).ok()?;
        Some(Self::At(
            at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        ))
    }

    /// Seconds from `now_s` (unix time); 0 for a date that has passed.
    pub fn delay_s(self, now_s: u64) -> u64 {
        match self {
            Self::Seconds(delay_s) => delay_s,
            Self::At(at_s) => at_s.saturating_sub(now_s),
        }
    }
}

/// Reads the reply header `webhook-delivery`.
fn control(value: &[u8]) -> Option<Control> {
    match value {
        b"disable" => Some(Control::Disable),
        b"abort-message" => Some(Control::AbortMessage),
        _ => None,
    }
}

/// Where a `Location` leads from what was asked; as it stands where that is no URL.
fn absolute(location: &str, asked: &Target) -> String {
    let asked = Url::parse(&asked.absolute().to_string());
    let led = asked.and_then(|asked| asked.join(location));
    let mut led = led.map_or_else(|_| location.to_owned(), String::from);
    led.truncate(led.floor_char_boundary(LOCATION_BYTES_MAX));
    led
}

/// The reply's headers as the attempt log keeps them: text, no secrets, and of bounded number and length.
fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut room = HEADER_BYTES_KEPT;
    let mut kept = Vec::new();
    for (name, value) in headers {
        if SECRET_NAMES.iter().any(|part| name.as_str().contains(part)) {
            continue;
        }
        let bytes = name.as_str().len() + value.len();
        if bytes > room || kept.len() == HEADERS_KEPT {
            break;
        }
        room -= bytes;
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        kept.push((name.as_str().to_owned(), value));
    }
    kept
}

/// Why there is no reply. Messages are for the customer's attempt log and say what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("the host name could not be resolved: check its DNS records")]
    Dns,
    #[error("the host name was not resolved in time: check its name servers")]
    DnsTimeout,
    #[error(transparent)]
    Blocked(#[from] guard::Error),
    #[error(transparent)]
    Distrusted(#[from] trust::Error),
    #[error("the connection was not made ({0}): check that the server listens and its firewall lets us in")]
    Connect(io::ErrorKind),
    #[error("the connection was not made in time: check that the server is up and its firewall lets us in")]
    ConnectTimeout,
    #[error("TLS failed ({0}): check the certificate, its chain and its host name")]
    Tls(String),
    #[error("the TLS handshake did not end in time: check that this port speaks TLS")]
    TlsTimeout,
    #[error("no reply came in time: answer first, then do the work")]
    Timeout,
    #[error("the reply began with status {status} but did not end in time: send a short body")]
    BodyTooSlow { status: u16 },
    #[error("the server closed the connection before its reply was complete: look for a crash in its log")]
    Reset,
    #[error("the reply is not sound HTTP ({0}): check what answers on this port")]
    Protocol(String),
}

impl Failure {
    /// Whether the request may have reached whoever was called. Then nobody knows what they did with it; else nothing of it left.
    pub fn may_have_arrived(&self) -> bool {
        matches!(
            self,
            Self::Timeout | Self::BodyTooSlow { .. } | Self::Reset | Self::Protocol(_)
        )
    }

    /// A stable word for metrics and stored attempts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::DnsTimeout => "dns_timeout",
            Self::Blocked(_) => "blocked",
            Self::Connect(_) => "connect",
            Self::ConnectTimeout => "connect_timeout",
            Self::Tls(_) | Self::Distrusted(_) => "tls",
            Self::TlsTimeout => "tls_timeout",
            Self::Timeout => "timeout",
            Self::BodyTooSlow { .. } => "body_too_slow",
            Self::Reset => "reset",
            Self::Protocol(_) => "protocol",
        }
    }
}

/// Saturates after 71 minutes, which no timeout allows.
pub(super) fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}
