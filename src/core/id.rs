//! Identifiers: an account's own are random and carry their day, derived ones are hashes, so that a repeated webhook meets its own row.

mod uuid;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::message::Concat;
use super::time::UnixMs;
use uuid::uuid_id;

pub use uuid::Uuid;

/// Longest account id, in bytes.
pub const ACCOUNT_BYTES_MAX: usize = 64;

/// A tenant: 1 to 64 of `A-Z a-z 0-9 _ -`. Never contains a zero byte, which ends it in a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("an account id is 1 to 64 of A-Z a-z 0-9 _ -")]
    Account,
    #[error("not an id of this kind")]
    Id,
}

impl AccountId {
    pub fn parse(text: &str) -> Result<Self, Error> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if text.is_empty() || text.len() > ACCOUNT_BYTES_MAX || !text.bytes().all(legal) {
            return Err(Error::Account);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccountId {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.0
    }
}

uuid_id!(
    /// A leased number; shown as a UUID because contract 000 shows one. The time names the day's log the rental lives in, so that
    /// retention can drop whole days.
    RentalId
);
uuid_id!(
    /// What an account wants of its codes, as contract 003 names it.
    ProfileId
);
uuid_id!(
    /// A text of an account's own that codes are told with.
    TemplateId
);

impl RentalId {
    /// When it was made.
    pub fn created_at(self) -> UnixMs {
        time_of(&self.0)
    }
}

/// The 16-byte ids that are written as a prefix and 32 hexadecimal digits.
macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(text(&hex(&self.0)))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                unhex(text.strip_prefix($prefix).ok_or(Error::Id)?).map(Self)
            }
        }
    };
}

prefixed_id!(
    /// An inbound SMS: hash of the source and the carrier's own id, so that a repetition is the same message.
    MessageId,
    "msg_"
);
prefixed_id!(
    /// What a customer hears: hash of what it is about and its kind. Contains no `.`, as Standard Webhooks asks.
    EventId,
    "evt_"
);
prefixed_id!(
    /// A customer's webhook target; random.
    SubscriptionId,
    "whk_"
);
prefixed_id!(
    /// One event owed to one subscription: the event's sequence, then 64 bits of the hash of both.
    DeliveryId,
    "dlv_"
);

prefixed_id!(
    /// Parts that may belong to one long message: hash of the source, both addresses, the reference and the total.
    SetId,
    "set_"
);

prefixed_id!(
    /// A kept request of a carrier: 48 bits of its arrival's time, then 80 random bits, so that byte order is time order.
    CaptureId,
    "req_"
);

impl CaptureId {
    pub fn new(now: UnixMs, random: [u8; 10]) -> Self {
        Self(timed(now, random))
    }

    pub fn arrived_at(self) -> UnixMs {
        time_of(&self.0)
    }
}

prefixed_id!(
    /// A replay: 48 bits of the time it was made at, then 80 random bits, so that byte order is time order.
    ReplayId,
    "rpl_"
);
prefixed_id!(
    /// A message that was sent: hash of the source that reports on it and the carrier's own id.
    OutboundId,
    "out_"
);

prefixed_id!(
    /// A code that we sent and check: a UUID of version 7, so that its day's log is known from it and contract 003 can show it as one.
    VerificationId,
    "ver_"
);

impl VerificationId {
    pub fn new(now: UnixMs, random: [u8; 10]) -> Self {
        Self(uuid::version_7(now, random))
    }

    pub fn created_at(self) -> UnixMs {
        time_of(&self.0)
    }

    /// As contract 003 writes it.
    pub fn uuid(self) -> Uuid {
        Uuid(self.0)
    }
}

impl OutboundId {
    pub fn derive(source: &str, carrier_message_id: &str) -> Self {
        Self(hash(
            "outbound",
            &[source.as_bytes(), carrier_message_id.as_bytes()],
        ))
    }
}

impl MessageId {
    pub fn derive(source: &str, dedupe_key: &str) -> Self {
        Self(hash("message", &[source.as_bytes(), dedupe_key.as_bytes()]))
    }

    /// The message that was joined from these parts, in their order.
    pub fn of_parts<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let parts: Vec<&[u8]> = parts.map(|part| &part.0[..]).collect();
        Self(hash("whole", &parts))
    }
}

impl SetId {
    pub fn derive(source: &str, from: &str, to: &str, concat: &Concat) -> Self {
        let total = concat.total.to_be_bytes();
        let texts = [source, from, to, &concat.reference].map(str::as_bytes);
        Self(hash("set", &[texts[0], texts[1], texts[2], texts[3], &total]))
    }
}

impl EventId {
    pub fn derive(about: &[u8], kind: &str) -> Self {
        Self(hash("event", &[about, kind.as_bytes()]))
    }
}

/// The time that an id begins with.
fn time_of(id: &[u8; 16]) -> UnixMs {
    let mut ms = [0; 8];
    ms[2..].copy_from_slice(&id[..6]);
    UnixMs(u64::from_be_bytes(ms))
}

/// 48 bits of time, then chance.
pub(super) fn timed(now: UnixMs, random: [u8; 10]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&now.0.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    bytes
}

impl DeliveryId {
    pub fn new(event: Seq, subscription: SubscriptionId) -> Self {
        let seq = event.0.to_be_bytes();
        let mut id = hash("delivery", &[&seq, &subscription.0]);
        id[..8].copy_from_slice(&seq);
        Self(id)
    }

    /// The event that is owed, if it is to this subscription.
    pub fn event(self, subscription: SubscriptionId) -> Option<Seq> {
        let event = Seq(u64::from_be_bytes(*self.0.first_chunk()?));
        (self == Self::new(event, subscription)).then_some(event)
    }
}

/// SHA-256 over length-prefixed parts, cut to 128 bits: no two lists of parts run together.
pub(super) fn hash(what: &str, parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Sha256::new_with_prefix(what.as_bytes());
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize()[..16]);
    id
}

/// All digits at once: formatting byte by byte took a microsecond for each id, and every message shows several.
fn hex(id: &[u8; 16]) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = [0; 32];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(id) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0x0f)];
    }
    hex
}

fn text(hex: &[u8]) -> &str {
    std::str::from_utf8(hex).expect("hexadecimal digits are ASCII")
}

/// Lower-case hexadecimal only: an id has one spelling.
fn unhex(text: &str) -> Result<[u8; 16], Error> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Ok(b - b'0'),
        b'a'..=b'f' => Ok(b - b'a' + 10),
        _ => Err(Error::Id),
    };
    if text.len() != 32 {
        return Err(Error::Id);
    }
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(id)
}

/// Bits of a sequence below its milliseconds.
const SEQ_COUNTER_BITS: u32 = 16;

/// The place of an event in the log: strictly growing, given by the writer, its upper bits the millisecond it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Seq(pub u64);

impl Seq {
    /// The next sequence: at least one more than the last, whatever the clock does.
    pub fn next(last: Self, now: UnixMs) -> Self {
        Self((now.0 << SEQ_COUNTER_BITS).max(last.0 + 1))
    }

    /// The first that can be of this time.
    pub fn first_at(time: UnixMs) -> Self {
        Self(time.0.saturating_mul(1 << SEQ_COUNTER_BITS))
    }

    /// The last that can be of an earlier time.
    pub fn just_before(time: UnixMs) -> Self {
        Self(Self::first_at(time).0.saturating_sub(1))
    }

    pub fn written_at(self) -> UnixMs {
        UnixMs(self.0 >> SEQ_COUNTER_BITS)
    }
}

#[cfg(test)]
mod tests;
