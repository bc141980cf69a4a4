//! Events: what customers hear, built once as the exact bytes that are signed, stored and sent.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::id::{AccountId, EventId, MessageId, RentalId};
use super::ingest::StoredMessage;
use super::rental::{Rental, Status};
use super::time::UnixMs;

/// Every event type there is. A new one gets a JSON Schema in `schemas/` in the same commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    VerificationCreated,
    VerificationCodeReceived,
    VerificationCancelled,
    VerificationExpired,
    /// A message reached a rental, but no code was found in it.
    MessageReceived,
}

impl Kind {
    pub const ALL: [Self; 5] = [
        Self::VerificationCreated,
        Self::VerificationCodeReceived,
        Self::VerificationCancelled,
        Self::VerificationExpired,
        Self::MessageReceived,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerificationCreated => "verification.created",
            Self::VerificationCodeReceived => "verification.code_received",
            Self::VerificationCancelled => "verification.cancelled",
            Self::VerificationExpired => "verification.expired",
            Self::MessageReceived => "message.received",
        }
    }
}

/// An event with its body as sent. `Debug` hides the body.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    pub account: AccountId,
    pub kind: Kind,
    pub rental: RentalId,
    pub message: Option<MessageId>,
    pub at: UnixMs,
    /// `{"type":…,"timestamp":…,"data":{…}}`, minified UTF-8.
    pub body: String,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Event({} {} <{} B>)",
            self.id,
            self.kind.as_str(),
            self.body.len()
        )
    }
}

/// An event in a rental's own life. Derived from the rental and the kind: each happens at most once.
pub fn of_rental(rental: &Rental, at: UnixMs) -> Event {
    let kind = match rental.status {
        Status::Active | Status::Completed => Kind::VerificationCreated,
        Status::Cancelled => Kind::VerificationCancelled,
        Status::Expired => Kind::VerificationExpired,
    };
    build(kind, rental, None, at, rental_data(rental))
}

/// The one event that an inbound message makes. `link` is a verification link found in the text.
pub fn of_message(rental: &Rental, message: &StoredMessage, late: bool, link: Option<&str>) -> Event {
    let kind = if message.code.is_some() {
        Kind::VerificationCodeReceived
    } else {
        Kind::MessageReceived
    };
    let mut data = rental_data(rental);
    data["messageId"] = json!(message.id.to_string());
    data["from"] = json!(message.from.as_str());
    data["smsContent"] = json!(message.text);
    data["receivedAt"] = json!(message.received_at.to_string());
    if let Some(code) = &message.code {
        data["otpCode"] = json!(code);
        data["confidence"] = json!((f64::from(message.confidence) * 1000.0).round() / 1000.0);
    }
    if let Some(link) = link {
        data["link"] = json!(link);
    }
    if late {
        data["late"] = json!(true);
    }
    build(kind, rental, Some(message.id), message.received_at, data)
}

fn rental_data(rental: &Rental) -> Value {
    json!({
        "id": rental.id.to_string(),
        "serviceName": rental.service,
        "number": rental.number.as_str(),
        "status": rental.status.as_str(),
        "cost": rental.cost.to_string(),
        "createdAt": rental.created_at.to_string(),
    })
}

/// The id is derived from what the event is about, so that a repeated decision makes the same event.
fn build(kind: Kind, rental: &Rental, message: Option<MessageId>, at: UnixMs, data: Value) -> Event {
    let id = EventId::derive(&message.map_or(rental.id.0, |id| id.0), kind.as_str());
    let body = json!({ "type": kind.as_str(), "timestamp": at.to_string(), "data": data }).to_string();
    Event {
        id,
        account: rental.account.clone(),
        kind,
        rental: rental.id,
        message,
        at,
        body,
    }
}
