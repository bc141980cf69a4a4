//! The plain forms of what dialects report; a dialect adds what its carrier tells beyond them.

use crate::core::message::{Message, Receipt, ReceiptStatus};

/// A text message whose carrier id is also its dedupe key.
pub fn message(id: &str, from: &str, to: &str, text: &str) -> Message {
    Message::new(id, from, to, text)
}

/// A receipt with the usual dedupe key `<message id>:<raw status>`.
pub fn receipt(id: &str, raw_status: &str, status: ReceiptStatus) -> Receipt {
    Receipt {
        carrier_event_id: None,
        carrier_message_id: id.to_owned(),
        dedupe_key: format!("{id}:{raw_status}"),
        from: None,
        to: None,
        status,
        raw_status: raw_status.to_owned(),
        error_code: None,
        occurred_at: None,
        network: None,
    }
}

/// A mobile country code and network code, as carriers write them together; whatever else stands there is none.
pub fn network(code: &str) -> Option<String> {
    let is_one = (5..=6).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
    is_one.then(|| code.to_owned())
}
