//! A line of the attempt log: one try of a delivery, what came back, how long each part took, and what to do about a failure.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::delivery::{Due, Next, Outcome};
use super::id::{DeliveryId, EventId};
use super::time::UnixMs;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub due: Due,
    pub trigger: Trigger,
    pub event: EventId,
    /// The event's type.
    pub kind: String,
    pub started_at: UnixMs,
    pub timing: Timing,
    pub outcome: Outcome,
    pub next: Next,
    /// A stable word, one of `CLASSES`.
    pub class: String,
    /// What to do about it; empty after a success.
    pub advice: String,
    pub response: Option<Response>,
    /// The names of the keys that signed it, in the order of the signatures.
    pub signed_with: Vec<String>,
    /// When the delivery is worthless.
    pub expires_at: Option<UnixMs>,
}

/// Every class that there is; `dispatch` names the failures.
pub const CLASSES: [&str; 16] = [
    "2xx",
    "redirect",
    "4xx",
    "5xx",
    "dns",
    "dns_timeout",
    "blocked",
    "connect",
    "connect_timeout",
    "tls",
    "tls_timeout",
    "timeout",
    "body_too_slow",
    "reset",
    "protocol",
    "expired",
];

/// Why it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trigger {
    /// The event happened, or its retry was due.
    Automatic,
    /// Somebody asked for it again.
    Manual,
    /// To see whether a disabled subscription is back.
    Probe,
}

impl Trigger {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Manual => "manual",
            Self::Probe => "probe",
        }
    }
}

/// How long each part took, in microseconds; absent where it was not come to, or the connection was kept from before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timing {
    pub dns_us: Option<u32>,
    pub connect_us: Option<u32>,
    pub tls_us: Option<u32>,
    /// From the request's start to the reply's head, over a connection that stands.
    pub first_byte_us: Option<u32>,
    pub total_us: u32,
}

/// What the receiver answered, as much of it as is kept. `Debug` hides it: it is the receiver's.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Response {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// There was more.
    pub truncated: bool,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} headers, {} B>", self.headers.len(), self.body.len())
    }
}

impl Attempt {
    /// Which try it was, counted from 1.
    pub fn number(&self) -> u16 {
        self.due.attempts.saturating_add(1)
    }

    /// Whether it speaks for the whole subscription, not for this delivery alone.
    pub fn is_verdict(&self) -> bool {
        matches!(self.next, Next::Disabled(_)) || self.outcome.retry_after_ms().is_some()
    }

    /// As customers name the delivery.
    pub fn delivery(&self) -> DeliveryId {
        DeliveryId::new(self.due.event, self.due.subscription)
    }

    /// The delivery as it is owed after this attempt, if it still is.
    pub fn owed(&self) -> Option<Due> {
        let due_at = self.next.owed_at(&self.due)?;
        Some(Due {
            due_at,
            attempts: self.number(),
            spent: self.due.spent.saturating_add(u16::from(self.next.spends())),
            ..self.due
        })
    }
}

/// The class of a status, and what its receiver may do about it.
pub fn advice(status: u16, location: Option<&str>) -> (String, String) {
    let class = match status {
        300..=399 => "redirect".to_owned(),
        _ => format!("{}xx", status / 100),
    };
    let advice = match (status, location) {
        (200..=299, _) => String::new(),
        (300..=399, Some(to)) => format!("redirect refused: update your URL to {to}"),
        (300..=399, None) => "redirect refused: update your URL to where it points".into(),
        (401 | 403, _) => {
            "the receiver refused us: check its signature check and the subscription's headers".into()
        }
        (404 | 405, _) => "the receiver has no such route for POST: update your URL".into(),
        (408 | 504, _) => "the receiver took too long: answer first, then do the work".into(),
        (410, _) => {
            "the receiver is gone: the subscription is disabled, resume it once the receiver is back".into()
        }
        (413, _) => {
            "the receiver wants smaller bodies: raise its limit, or set \"payload\" to \"thin\"".into()
        }
        (429, _) => "the receiver is called too often: set \"rate\", or have it send Retry-After".into(),
        (502 | 503, _) => "what stands before the receiver does not reach it: look whether it runs".into(),
        (500..=599, _) => "the receiver failed: look into its log at this time".into(),
        _ => "the receiver did not accept it: answer 2xx once it is stored".into(),
    };
    (class, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_told_with_its_target() {
        let told = advice(301, Some("https://b.example/hook"));
        let expected = "redirect refused: update your URL to https://b.example/hook";
        assert_eq!(told, ("redirect".into(), expected.into()));
    }

    #[test]
    fn every_failure_says_what_to_do_and_no_success_does() {
        for status in 200..=299 {
            assert_eq!(advice(status, None).1, "");
        }
        for status in (100..200).chain(300..600) {
            assert!(!advice(status, None).1.is_empty(), "{status}");
        }
    }
}
