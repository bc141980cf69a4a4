//! How a refusal is judged: its problem is whole and clear, and the gateway holds exactly what it held before and still serves.

use ringback::store::{States, Store};

use crate::support::client::Reply;
use crate::support::gateway::Gateway;

pub const QUOTA: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// What is expected of a refusal.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    pub status: u16,
    /// The last part of the problem's `type`, or all of it where it is registered elsewhere.
    pub kind: &'static str,
    /// What the detail must name: the field, the limit or what to do.
    pub says: &'static str,
}

pub const fn refusal(status: u16, kind: &'static str, says: &'static str) -> Refusal {
    Refusal { status, kind, says }
}

/// Fails unless the reply is this problem (RFC 9457), whole and safe to show.
pub fn assert_refused(what: &str, reply: &Reply, expected: Refusal) {
    let problem = reply.json();
    assert_eq!(reply.status, expected.status, "{what}: {}", reply.text());
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json"),
        "{what}"
    );
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{what}");
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{what}");
    let kind = if expected.kind.contains(':') {
        expected.kind.to_owned()
    } else {
        format!("urn:ringback:problem:{}", expected.kind)
    };
    assert_eq!(problem["type"], kind.as_str(), "{what}");
    assert_eq!(problem["status"], expected.status, "{what}");
    assert!(
        problem["title"].as_str().is_some_and(|title| !title.is_empty()),
        "{what}: {problem}"
    );
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(
        detail.contains(expected.says),
        "{what}: {detail:?} does not say {:?}",
        expected.says
    );
    assert!(
        detail.ends_with(['.', '}']) || detail.len() > 10,
        "{what}: {detail:?} is no sentence"
    );
    assert!(
        !detail.chars().any(char::is_control),
        "{what}: {detail:?} has control characters"
    );
    assert_fields(what, reply);
}

/// The header fields that belong to a status.
fn assert_fields(what: &str, reply: &Reply) {
    match reply.status {
        401 => assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{what}"),
        405 => assert!(reply.header("allow").is_some(), "{what}"),
        429 | 503 => {
            let seconds = reply
                .header("retry-after")
                .and_then(|value| value.parse::<u32>().ok());
            assert!(
                seconds.is_some_and(|s| (1..=60).contains(&s)),
                "{what}: Retry-After {seconds:?}"
            );
        }
        _ => {}
    }
}

/// What a gateway holds, counted.
#[derive(Debug, PartialEq)]
pub struct Holdings {
    rentals: usize,
    numbers: States,
    subscriptions: usize,
    keys: usize,
    due: usize,
    messages: u64,
    unmatched: usize,
}

impl Holdings {
    pub fn of(gateway: &Gateway) -> Self {
        let store: &dyn Store = gateway.running.gateway.store();
        let counts = store.live().counts();
        Self {
            rentals: counts.rentals,
            numbers: store.live().states(gateway.running.gateway.now()),
            subscriptions: counts.subscriptions,
            keys: counts.keys,
            due: counts.due,
            messages: gateway.total("ringback_messages_total"),
            unmatched: store.unmatched(None, 100).expect("the store can be read").len(),
        }
    }

    /// Fails unless the gateway holds the same now and answers a healthy request.
    pub async fn assert_untouched(&self, gateway: &Gateway, what: &str) {
        assert_eq!(Self::of(gateway), *self, "{what}: something was stored or lost");
        let services = gateway.get("/api/verifications/services").await.expect(200);
        assert_eq!(services["services"][0]["serviceName"], "google", "{what}");
    }
}
