//! A carrier's request as it is kept for the operator: what came, without what opens doors, and what became of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{CaptureId, MessageId};
use super::time::UnixMs;

/// What stands in the place of a secret.
pub const REDACTED: &str = "<redacted>";

/// One request of the inbound log. `Debug` hides what it holds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// Carries the time of arrival.
    pub id: CaptureId,
    pub source: String,
    pub method: String,
    /// Encoded, as it stood in the URL.
    pub query: Option<String>,
    /// Names in lower case; values are bytes, as header fields may hold any.
    pub headers: Vec<(String, Vec<u8>)>,
    /// At most `inbound_log.body_bytes_max` of it.
    pub body: Vec<u8>,
    /// How long it was.
    pub body_bytes: u64,
    /// Where a secret was taken out: `header authorization`, `query token`, `path token`.
    pub redacted: Vec<String>,
    pub verdict: Verdict,
    /// Why it was refused, or why an accepted one got no success.
    pub reason: Option<String>,
    /// Which of the source's keys matched, counted from 0.
    pub key_index: Option<u32>,
    /// What it brought.
    pub messages: Vec<MessageId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Accept,
    Reject,
}

impl Capture {
    pub fn arrived_at(&self) -> UnixMs {
        self.id.arrived_at()
    }

    pub fn is_cut(&self) -> bool {
        self.body_bytes > self.body.len() as u64
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Capture({} of {}, {:?}, <{} B>)",
            self.id, self.source, self.verdict, self.body_bytes
        )
    }
}

/// A request's header fields and query without their secrets, and where these were.
#[derive(Default)]
pub struct Redaction {
    /// The token that stood in the path; it must not stay in a header of a proxy either.
    pub path_token: Option<String>,
    pub redacted: Vec<String>,
}

impl Redaction {
    pub fn of(path_token: Option<&str>) -> Self {
        Self {
            path_token: path_token.filter(|token| !token.is_empty()).map(str::to_owned),
            redacted: path_token.iter().map(|_| "path token".to_owned()).collect(),
        }
    }

    /// The value of a header field, or what stands in its place.
    pub fn header(&mut self, name: &str, value: &[u8]) -> Vec<u8> {
        let holds = |token: &String| {
            value
                .windows(token.len())
                .any(|window| window == token.as_bytes())
        };
        if names_a_secret(name) || self.path_token.as_ref().is_some_and(holds) {
            self.redacted.push(format!("header {name}"));
            return REDACTED.as_bytes().to_vec();
        }
        value.to_vec()
    }

    /// The query with the values of its secrets replaced; the rest stays as it was encoded.
    pub fn query(&mut self, query: &str) -> String {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) if names_a_secret(name) && !value.is_empty() => {
                self.redacted.push(format!("query {name}"));
                format!("{name}={REDACTED}")
            }
            _ => pair.to_owned(),
        });
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// Words of a name whose value lets somebody in. Signatures do not: each fits one request only.
const SECRET_WORDS: &[&str] = &[
    "authorization",
    "cookie",
    "token",
    "secret",
    "password",
    "passwd",
    "credential",
    "session",
    "api-key",
    "api_key",
    "apikey",
    "access-key",
    "assertion",
];
/// Names that hold such a word and no secret: a signature, and the name of one delivery.
const OPEN_WORDS: &[&str] = &["signature", "idempotency"];

fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| name.contains(word));
    holds(SECRET_WORDS) && !holds(OPEN_WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_opens_doors_is_taken_out() {
        let mut redaction = Redaction::of(Some("0123456789abcdef"));
        for (name, value, stays) in [
            ("authorization", "Basic dXNlcjpwYXNz", false),
            ("proxy-authorization", "Bearer x", false),
            ("cookie", "a=b", false),
            ("x-api-key", "k", false),
            ("x-auth-token", "t", false),
            ("x-original-uri", "/inbound/smpp/0123456789abcdef?id=1", false),
            ("telnyx-signature-ed25519", "s", true),
            ("messagebird-signature-jwt", "s", true),
            ("i-twilio-idempotency-token", "u", true),
            ("content-type", "application/json", true),
        ] {
            let kept = redaction.header(name, value.as_bytes());
            assert_eq!(kept == value.as_bytes(), stays, "{name}");
        }
        assert_eq!(redaction.redacted.len(), 7, "{:?}", redaction.redacted);
        assert_eq!(
            redaction.query("hub.mode=subscribe&hub.verify_token=abc&sig=1&password=&x"),
            "hub.mode=subscribe&hub.verify_token=<redacted>&sig=1&password=&x"
        );
    }

    proptest! {
        #[test]
        fn an_innocent_query_stays_as_it_is(query in "[a-f0-9=&%+]{0,40}") {
            let mut redaction = Redaction::default();
            prop_assert_eq!(redaction.query(&query), query);
            prop_assert!(redaction.redacted.is_empty());
        }
    }
}
