//! The decision at the heart of the flow: a message as it is stored, and what follows from it as values; the gateway commits them, then acts.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::{self, Event};
use super::id::{MessageId, RentalId};
use super::message::{Media, Message};
use super::multipart::PartOf;
use super::number::Unmatched;
use super::otp::Extraction;
use super::phone::Address;
use super::rental::{Code, MessageRef, Rental};
use super::time::UnixMs;
use super::usage::Usage;

/// A message as it is stored. `Debug` hides text and code.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredMessage {
    pub id: MessageId,
    pub source: String,
    pub carrier_message_id: String,
    pub from: Address,
    pub to: Address,
    pub text: String,
    pub media: Vec<Media>,
    /// How many SMS it came in; `None` where the carrier does not say.
    pub parts: Option<u32>,
    /// Present in a text that is one part of a longer message.
    pub part: Option<PartOf>,
    /// The carrier's time, where it sent one.
    pub sent_at: Option<UnixMs>,
    /// Our own clock at arrival.
    pub received_at: UnixMs,
    pub owner: Result<RentalId, Unmatched>,
    pub late: bool,
    pub code: Option<String>,
    pub confidence: f32,
    /// The code that the carrier named, whatever became of it.
    pub carrier_code: Option<String>,
}

impl fmt::Debug for StoredMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StoredMessage({} from {:?} <sms {} B>)",
            self.id,
            self.from,
            self.text.len()
        )
    }
}

/// What arrived, and when by our clock.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    pub source: &'a str,
    pub message: &'a Message,
    pub now: UnixMs,
}

/// What the event of a message tells beyond the message itself.
#[derive(Debug, Clone, Copy)]
pub struct Telling<'a> {
    pub link: Option<&'a str>,
    /// The code is told by this event; false where a part told one already.
    pub code: bool,
}

impl<'a> Telling<'a> {
    pub fn of(found: &'a Extraction) -> Self {
        Self {
            link: found.link.as_deref(),
            code: true,
        }
    }
}

/// A rental with a message, and what that brings about.
#[derive(Debug, Clone)]
pub struct Attached {
    pub rental: Rental,
    /// The one event that tells the message.
    pub event: Event,
    /// Where its code completes the rental, which happens once: what is told and metered of that.
    pub completion: Option<(Event, Usage)>,
}

/// The rental with this message.
pub fn attach(rental: &Rental, message: &StoredMessage, telling: Telling<'_>, linger_ms: u64) -> Attached {
    let code = message.code.as_ref().map(|code| Code {
        code: code.clone(),
        text: message.text.clone(),
        message: message.id,
        confidence: message.confidence,
        at: message.received_at,
    });
    let next = rental.receive(message.place(), code, message.received_at, linger_ms);
    let completion =
        Usage::of(rental, &next).map(|usage| (event::of_rental(&next, message.received_at), usage));
    Attached {
        event: event::of_message(&next, message, telling),
        completion,
        rental: next,
    }
}

impl StoredMessage {
    /// The message with what was found in it.
    pub fn with(mut self, found: &Extraction) -> Self {
        self.code.clone_from(&found.code);
        self.confidence = found.confidence;
        self
    }

    /// How many SMS it came in, where they are several.
    pub fn parts_told(&self) -> Option<u32> {
        let joined = self.parts.filter(|parts| *parts > 1);
        self.part.map(|part| part.total.into()).or(joined)
    }

    /// Where it is stored.
    pub fn place(&self) -> MessageRef {
        MessageRef {
            id: self.id,
            at: self.received_at,
        }
    }
}

/// A message as it is stored, before anything was looked for in it.
pub fn stored(arrival: Arrival<'_>, owner: Result<RentalId, Unmatched>, late: bool) -> StoredMessage {
    let message = arrival.message;
    StoredMessage {
        id: MessageId::derive(arrival.source, &message.dedupe_key),
        source: arrival.source.to_owned(),
        carrier_message_id: message.carrier_message_id.clone(),
        from: message.from.clone(),
        to: message.to.clone(),
        text: message.text.clone(),
        media: message.media.clone(),
        parts: message.parts,
        part: message.concat.as_ref().and_then(PartOf::of),
        sent_at: message.received_at,
        received_at: arrival.now,
        owner,
        late,
        code: None,
        confidence: 0.0,
        carrier_code: message.parsed_code.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message {
            carrier_event_id: None,
            carrier_message_id: "m1".into(),
            dedupe_key: "m1".into(),
            from: Address::new("Google"),
            to: Address::new("+12025550143"),
            text: "G-123456 is your code".into(),
            received_at: None,
            parts: None,
            encoding: None,
            media: Vec::new(),
            concat: None,
            binary: None,
            udh: None,
            parsed_code: None,
            reservation_id: None,
        }
    }

    #[test]
    fn debug_hides_text_and_code() {
        let message = message();
        let arrival = Arrival {
            source: "main",
            message: &message,
            now: UnixMs(5),
        };
        let stored = stored(arrival, Err(Unmatched::NoRental), false);
        assert!(!format!("{stored:?} {arrival:?}").contains("123456"));
    }
}
