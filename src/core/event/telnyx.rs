//! Events of codes as contract 003 sends them: Telnyx's envelope, with the number and a caller's own code, which our own form leaves out.

use serde_json::json;

use super::{Event, Kind};
use crate::core::id::{Uuid, VerificationId};
use crate::core::sending::Channel;
use crate::core::time::UnixMs;
use crate::core::verification::code::Code;
use crate::core::verification::{Sent, Status, Verification};

/// What an event says of this.
fn said(event: &Event, name: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(&event.body).ok()?;
    body["data"][name].as_str().map(str::to_owned)
}

/// Which verification an event is about, where it is about one.
pub fn verification_of(event: &Event) -> Option<VerificationId> {
    said(event, "id")?.parse().ok()
}

/// Whether contract 003 tells this: how a code got to its person, and not whether it came back.
pub fn is_of_telnyx(kind: Kind, verification: &Verification) -> bool {
    match kind {
        Kind::VerifySent | Kind::VerifyDelivered => true,
        Kind::VerifyFailed => verification.status != Status::Failed,
        _ => false,
    }
}

/// The body of one attempt, with the verification as it stands by then.
pub fn of_telnyx(
    event: &Event,
    verification: &Verification,
    (attempt, delivered_to): (u16, &str),
    steady: UnixMs,
) -> String {
    // By then it may go by another channel than it did.
    let channel = said(event, "channel").and_then(|word| Channel::parse(&word));
    let delivery_status = match (event.kind, &verification.sent) {
        (Kind::VerifyDelivered, _) => "delivered",
        (Kind::VerifyFailed, Sent::Failed { .. }) => "delivery_failed",
        (Kind::VerifyFailed, _) => "sending_failed",
        (_, Sent::Unknown { .. }) => "delivery_unconfirmed",
        _ => "sent",
    };
    let body = json!({
        "data": {
            "event_type": event.kind.as_str(),
            "id": Uuid(event.id.0).to_string(),
            "occurred_at": event.at.to_string().replace('Z', "+00:00"),
            "payload": {
                "created_at": naive(verification.created_at),
                "custom_code": verification.own.code.as_ref().map(Code::as_str),
                "delivery_status": delivery_status,
                "extension": verification.own.extension,
                "failed_attempts": verification.wrong,
                "id": verification.id.uuid().to_string(),
                "mccmnc": null,
                "phone_number": verification.to.as_str(),
                "profile_id": verification.profile,
                "record_type": "verification",
                "status": status(verification, steady),
                "timeout_secs": verification.ttl_ms / 1000,
                "type": kind(channel.unwrap_or(verification.channel)),
                "updated_at": naive(verification.updated_at),
            },
            "record_type": "event",
        },
        "meta": { "attempt": attempt, "delivered_to": delivered_to },
    });
    body.to_string()
}

/// Times in UTC without saying so, in microseconds.
pub fn naive(time: UnixMs) -> String {
    let text = time.to_string();
    format!("{}000", text.trim_end_matches('Z'))
}

/// A channel in the contract's word.
pub fn kind(channel: Channel) -> &'static str {
    match channel {
        Channel::Voice => "call",
        other => other.as_str(),
    }
}

/// How it stands, in the contract's word: one that was superseded by a newer one, or taken back, is over, and one that no provider took has
/// failed.
pub fn status(verification: &Verification, steady: UnixMs) -> &'static str {
    match verification.status_at(steady) {
        Status::Pending => "pending",
        Status::Approved => "accepted",
        Status::Failed => "invalid",
        Status::Canceled if verification.is_taken_by_nobody() => "error",
        Status::Expired | Status::Superseded | Status::Canceled => "expired",
    }
}
