//! Keys of what came in beside the messages themselves: marks of those that came, those of nobody, and the inbound log.

use super::{CAPTURE, Key, SEEN, UNMATCHED, key};
use crate::core::id::{CaptureId, MessageId};
use crate::core::time::UnixMs;

pub fn unmatched(at: UnixMs, id: MessageId) -> Key {
    key(UNMATCHED, &[&at.0.to_be_bytes(), &id.0])
}

/// The message of an unmatched row.
pub fn parse_unmatched(key: &[u8]) -> Option<MessageId> {
    Some(MessageId(key.get(9..)?.try_into().ok()?))
}

pub fn seen(id: MessageId) -> Key {
    key(SEEN, &[&id.0])
}

pub fn capture(id: CaptureId) -> Key {
    key(CAPTURE, &[&id.0])
}
