//! What the operator's account hears of a message that belongs to nobody.

use serde::Serialize;

use super::{Event, Kind, Text, written};
use crate::core::id::{AccountId, EventId, MessageId};
use crate::core::ingest::StoredMessage;
use crate::core::number::Unmatched;
use crate::core::time::UnixMs;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    message_id: Text<MessageId>,
    reason: &'static str,
    source: &'a str,
    number: &'a str,
    from: &'a str,
    sms_content: &'a str,
    received_at: Text<UnixMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<u32>,
}

pub fn of_unmatched(operator: &AccountId, message: &StoredMessage, reason: Unmatched) -> Event {
    let kind = Kind::MessageUnmatched;
    let data = Data {
        message_id: Text(message.id),
        reason: reason.as_str(),
        source: &message.source,
        number: message.to.as_str(),
        from: message.from.as_str(),
        sms_content: &message.text,
        received_at: Text(message.received_at),
        part: message.part.map(|part| part.number),
        parts: message.parts_told(),
    };
    Event {
        id: EventId::derive(&message.id.0, kind.as_str()),
        account: operator.clone(),
        kind,
        rental: None,
        message: Some(message.id),
        at: message.received_at,
        body: written(kind, message.received_at, &data),
    }
}
