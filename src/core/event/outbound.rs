//! What an account hears of a message that it sent.

use serde::Serialize;

use super::{Event, Kind, Text, written};
use crate::core::id::{EventId, OutboundId};
use crate::core::outbound::{Outbound, State};
use crate::core::time::UnixMs;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    id: Text<OutboundId>,
    status: &'static str,
    to: &'a str,
    source: &'a str,
    carrier_message_id: &'a str,
    created_at: Text<UnixMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
}

/// The event of its present state. `None` before anything happened to it, as long as nobody is known to have sent it, and where it
/// carries a code, whose own events tell it.
pub fn of_outbound(outbound: &Outbound) -> Option<Event> {
    let (account, to) = outbound.sender.as_ref().filter(|_| outbound.code.is_none())?;
    let kind = match outbound.state {
        State::Accepted => return None,
        State::Sent => Kind::OutboundSent,
        State::Failed => Kind::OutboundFailed,
        State::Delivered => Kind::OutboundDelivered,
    };
    let data = Data {
        id: Text(outbound.id),
        status: outbound.state.as_str(),
        to: to.as_str(),
        source: &outbound.source,
        carrier_message_id: &outbound.carrier_message_id,
        created_at: Text(outbound.created_at),
        error_code: outbound.error_code.as_deref(),
    };
    Some(Event {
        id: EventId::derive(&outbound.id.0, kind.as_str()),
        account: account.clone(),
        kind,
        rental: None,
        message: None,
        at: outbound.changed_at,
        body: written(kind, outbound.changed_at, &data),
    })
}
