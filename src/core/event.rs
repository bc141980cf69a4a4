//! Events: what customers hear, built once as the exact bytes that are signed, stored and sent.

mod kind;
mod operational;
mod outbound;
mod replay;
pub mod telnyx;
mod unmatched;
mod verify;

use std::fmt;

pub use kind::Kind;
pub use operational::{of_exhausted, of_health};
pub use outbound::of_outbound;
pub use replay::of_replay;
pub use unmatched::of_unmatched;
pub use verify::{of_alarm, of_failing, of_refusal, of_verification, of_warning};

use super::id::{AccountId, EventId, MessageId, RentalId};
use super::ingest::{StoredMessage, Telling};
use super::money::Price;
use super::rental::{Rental, Status};
use super::time::UnixMs;
use serde::{Deserialize, Serialize, Serializer};

/// An event with its body as sent. `Debug` hides the body.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    pub account: AccountId,
    pub kind: Kind,
    /// What it is about, where it is about a rental.
    pub rental: Option<RentalId>,
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

/// The body as customers read it, members in the order the contracts show them. Written straight to text: built as a tree of
/// values first, it cost a tenth of the whole ingest.
#[derive(Serialize)]
struct Body<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Text<UnixMs>,
    data: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    id: Text<RentalId>,
    service_name: &'a str,
    number: &'a str,
    status: &'static str,
    cost: Text<Price>,
    created_at: Text<UnixMs>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    message: Option<MessageData<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageData<'a> {
    message_id: Text<MessageId>,
    from: &'a str,
    sms_content: &'a str,
    received_at: Text<UnixMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    otp_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    /// A verification link found in the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    late: bool,
    /// Of a text that is told alone although it is one part of a longer message.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<u8>,
    /// How many parts the message has, where it came in several.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<u32>,
}

/// What is written as its `Display` shows it.
struct Text<T>(T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// An event in a rental's own life. Derived from the rental and the kind: each happens at most once.
pub fn of_rental(rental: &Rental, at: UnixMs) -> Event {
    let kind = match rental.status {
        Status::Active => Kind::VerificationCreated,
        Status::Completed => Kind::VerificationCompleted,
        Status::Cancelled => Kind::VerificationCancelled,
        Status::Expired => Kind::VerificationExpired,
    };
    let body = body(kind, at, rental, None);
    Event {
        id: EventId::derive(&rental.id.0, kind.as_str()),
        account: rental.account.clone(),
        kind,
        rental: Some(rental.id),
        message: None,
        at,
        body,
    }
}

/// The one event that an inbound message makes: of a code before all, then of lateness.
pub fn of_message(rental: &Rental, message: &StoredMessage, telling: Telling<'_>) -> Event {
    let code = message.code.as_deref().filter(|_| telling.code);
    let kind = match code {
        Some(_) => Kind::VerificationCodeReceived,
        None if message.late => Kind::MessageLate,
        None => Kind::MessageReceived,
    };
    let confidence = (f64::from(message.confidence) * 1000.0).round() / 1000.0;
    let data = MessageData {
        message_id: Text(message.id),
        from: message.from.as_str(),
        sms_content: &message.text,
        received_at: Text(message.received_at),
        otp_code: code,
        confidence: code.map(|_| confidence),
        link: telling.link,
        late: message.late,
        part: message.part.map(|part| part.number),
        parts: message.parts_told(),
    };
    let body = body(kind, message.received_at, rental, Some(data));
    Event {
        id: EventId::derive(&message.id.0, kind.as_str()),
        account: rental.account.clone(),
        kind,
        rental: Some(rental.id),
        message: Some(message.id),
        at: message.received_at,
        body,
    }
}

fn body(kind: Kind, at: UnixMs, rental: &Rental, message: Option<MessageData<'_>>) -> String {
    let data = Data {
        id: Text(rental.id),
        service_name: &rental.service,
        number: rental.number.as_str(),
        status: rental.status.as_str(),
        cost: Text(rental.cost),
        created_at: Text(rental.created_at),
        message,
    };
    written(kind, at, &data)
}

/// One that is about neither a rental nor a message; whoever tells the same twice tells it under one id.
fn event(account: &AccountId, (kind, about): (Kind, &[u8]), at: UnixMs, data: &impl Serialize) -> Event {
    Event {
        id: EventId::derive(about, kind.as_str()),
        account: account.clone(),
        kind,
        rental: None,
        message: None,
        at,
        body: written(kind, at, data),
    }
}

fn written<T: Serialize>(kind: Kind, at: UnixMs, data: &T) -> String {
    let body = Body {
        kind: kind.as_str(),
        timestamp: Text(at),
        data,
    };
    serde_json::to_string(&body).expect("texts, numbers and a flag under text keys are always JSON")
}

/// A body that says only what happened to what: of the data, the ids. The receiver fetches the rest.
pub fn thin(body: &str) -> String {
    let Ok(mut body) = serde_json::from_str::<serde_json::Value>(body) else {
        debug_assert!(false, "a body is made here and is JSON");
        return "{}".into();
    };
    if let Some(data) = body.get_mut("data").and_then(serde_json::Value::as_object_mut) {
        data.retain(|name, _| name == "id" || name.ends_with("Id"));
    }
    body.to_string()
}

#[cfg(test)]
mod tests;
