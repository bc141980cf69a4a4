//! What carriers bring, in one form: an inbound message, a delivery receipt, a verify event or a subscription to confirm.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::phone::Address;
use super::time::UnixMs;

/// One thing a carrier request reported; a request may carry several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    Message(Message),
    Receipt(Receipt),
    Verify(VerifyStatus),
    Confirmation(Confirmation),
}

/// An inbound SMS or MMS. `Debug` hides the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    pub carrier_event_id: Option<String>,
    pub carrier_message_id: String,
    /// What makes this message the same message when the carrier repeats it.
    pub dedupe_key: String,
    pub from: Address,
    pub to: Address,
    /// Byte for byte as the carrier gave it: no trimming, no Unicode normalisation.
    pub text: String,
    /// The carrier's own time; `None` where it sends none.
    pub received_at: Option<UnixMs>,
    /// How many SMS parts the carrier joined; `None` where it does not say.
    pub parts: Option<u32>,
    pub encoding: Option<String>,
    pub media: Vec<Media>,
    /// Present when this is one part of a longer message that the carrier did not join.
    pub concat: Option<Concat>,
    pub binary: Option<Vec<u8>>,
    pub udh: Option<Vec<u8>>,
    /// The code that the carrier itself found in the text.
    pub parsed_code: Option<String>,
    pub reservation_id: Option<String>,
}

/// What makes two messages of a source the same message. Never that they came at about the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dedupe {
    /// The carrier's id.
    #[default]
    Id,
    /// Sender, receiver, text and the carrier's time, for a carrier that gives a repetition another id.
    Content,
    /// Nothing: every request is another message.
    Off,
}

impl Message {
    /// A text with nothing told about it but this; its id is also its dedupe key.
    pub fn new(id: &str, from: &str, to: &str, text: &str) -> Self {
        Self {
            carrier_event_id: None,
            carrier_message_id: id.to_owned(),
            dedupe_key: id.to_owned(),
            from: Address::new(from),
            to: Address::new(to),
            text: text.to_owned(),
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

    /// What stays the same when a carrier without ids, or with ids that change, repeats the message. Lengths go before the fields,
    /// so that bytes cannot be moved between them.
    pub fn content_key(&self) -> String {
        let time = self.received_at.map(|at| at.0.to_string()).unwrap_or_default();
        let mut hasher = Sha256::new();
        for field in [self.from.as_str(), self.to.as_str(), &self.text, &time] {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field.as_bytes());
        }
        hex("content:", &hasher.finalize())
    }

    /// Sets the key by which a repetition is recognised; `dice` is a key of its own.
    pub fn dedupe_by(&mut self, mode: Dedupe, dice: [u8; 16]) {
        match mode {
            Dedupe::Id => {}
            Dedupe::Content => self.dedupe_key = self.content_key(),
            Dedupe::Off => self.dedupe_key = hex("once:", &dice),
        }
    }
}

fn hex(prefix: &str, bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    std::iter::once(prefix.to_owned()).chain(digits).collect()
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("carrier_message_id", &self.carrier_message_id)
            .field("from", &self.from)
            .field("to", &self.to)
            .field("text", &format_args!("<sms {} B>", self.text.len()))
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    pub url: String,
    pub content_type: Option<String>,
}

/// Which part of which longer message this is (3GPP TS 23.040 §9.2.3.24.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concat {
    pub reference: String,
    pub total: u32,
    pub part: u32,
}

/// What became of a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub carrier_event_id: Option<String>,
    pub carrier_message_id: String,
    /// By default `<message id>:<raw status>`.
    pub dedupe_key: String,
    pub from: Option<Address>,
    pub to: Option<Address>,
    pub status: ReceiptStatus,
    pub raw_status: String,
    pub error_code: Option<String>,
    pub occurred_at: Option<UnixMs>,
    /// The network that the number is of: its mobile country code and network code, five or six digits.
    pub network: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptStatus {
    Accepted,
    Queued,
    Sent,
    Delivered,
    Failed,
    Undelivered,
    Expired,
    Rejected,
    Unknown,
}

/// The carrier's word on a verification that it runs for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyStatus {
    pub carrier_event_id: Option<String>,
    pub carrier_message_id: String,
    pub dedupe_key: String,
    pub to: Option<Address>,
    pub status: String,
    pub raw_status: String,
    pub delivery_status: Option<String>,
    pub occurred_at: Option<UnixMs>,
}

/// A carrier asks us to confirm that it may post here (AWS SNS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    pub carrier_event_id: String,
    pub dedupe_key: String,
    pub topic_arn: String,
    pub subscribe_url: String,
}
