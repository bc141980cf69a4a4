//! Telnyx webhooks: ed25519 over `timestamp|body`. Messages and Verify come as JSON in one envelope, TeXML calls as forms. Sending is not in
//! here.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::Deserialize;

use super::check::{Window, timestamp};
use super::form::Params;
use super::json::{self, Node};
use super::keys::{self, Rotation};
use super::settings::{SettingsError, rotation, window};
use super::{Answer, Contents, Reject, Request, call, report};
use crate::core::message::{Media, Message, Receipt, ReceiptStatus, Report, VerifyStatus};
use crate::core::phone::Address;
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "telnyx"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Base64 of 32 bytes, from the portal under Keys & Credentials, Public Key; one, or two while Telnyx changes it.
    public_keys: Vec<String>,
    /// How many seconds the signed time may be off, both ways: 1 to 900, 300 by default.
    window_s: Option<u64>,
}

#[derive(Debug)]
pub struct Keys {
    public: Rotation<VerifyingKey>,
    window: Window,
}

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let expected = "the base64 of a 32 byte ed25519 public key";
        let public = rotation("public_keys", &settings.public_keys, expected, keys::ed25519)?;
        Ok(Self {
            public,
            window: window(settings.window_s)?,
        })
    }

    /// The index of the key that signed these bytes.
    pub fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        let signature = request.header("telnyx-signature-ed25519", Reject::MissingSignature)?;
        let sent_at = request.header("telnyx-timestamp", Reject::MissingTimestamp)?;
        let signature = BASE64_STANDARD
            .decode(signature)
            .map_err(|_| Reject::MalformedSignature)?;
        let signature = Signature::from_slice(&signature).map_err(|_| Reject::MalformedSignature)?;
        let signed_at = timestamp(sent_at)?;
        let message = signed_bytes(sent_at, request.body);
        let index = self
            .public
            .find(|key| key.verify_strict(&message, &signature).is_ok());
        let index = index.ok_or(Reject::BadSignature)?;
        self.window.check(signed_at, now)?;
        Ok(index)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        let reports = if request.is_form() {
            call::parse(&Params::parse(request.body)?)?
        } else {
            parse(request.body)?
        };
        Ok(Contents {
            reports,
            answer: Answer::Empty,
        })
    }
}

pub(super) fn signed_bytes(timestamp: &str, body: &[u8]) -> Vec<u8> {
    [timestamp.as_bytes(), b"|", body].concat()
}

/// Reads a verified body. Event types that we have no use for give no report.
pub fn parse(body: &[u8]) -> Result<Vec<Report>, Reject> {
    let document = json::parse(body)?;
    let root = Node(&document);
    let data = root.at("/data").ok_or(Reject::MissingField)?;
    let event_type = data.text("/event_type")?;
    match event_type {
        "message.received" => Ok(vec![Report::Message(message(data)?)]),
        "message.sent" | "message.finalized" => receipts(data),
        _ if event_type.starts_with("verify.") => Ok(vec![Report::Verify(verify_status(data, event_type)?)]),
        _ => Ok(Vec::new()),
    }
}

fn message(data: Node<'_>) -> Result<Message, Reject> {
    // WhatsApp gives `to` as a plain string.
    let to = data
        .text_opt("/payload/to")
        .map_or_else(|| data.id("/payload/to/0/phone_number"), Ok)?;
    let media = data.items_opt("/payload/media").map(|item| {
        let content_type = item.text_opt("/content_type").map(str::to_owned);
        Ok(Media {
            url: item.text("/url")?.to_owned(),
            content_type,
        })
    });
    let media = media.collect::<Result<Vec<_>, Reject>>()?;
    // An MMS may be a picture without a word.
    let text = data
        .text("/payload/text")
        .or_else(|reject| if media.is_empty() { Err(reject) } else { Ok("") })?;
    Ok(Message {
        carrier_event_id: data.text_opt("/id").map(str::to_owned),
        received_at: data.time_opt("/payload/received_at"),
        parts: data.count_opt("/payload/parts"),
        encoding: data.text_opt("/payload/encoding").map(str::to_owned),
        media,
        ..report::message(
            data.id("/payload/id")?,
            data.id("/payload/from/phone_number")?,
            to,
            text,
        )
    })
}

fn receipts(data: Node<'_>) -> Result<Vec<Report>, Reject> {
    if data.text_opt("/payload/to").is_some() {
        // WhatsApp again; where its status stands is not confirmed, and refusing it would only have it repeated.
        return Ok(Vec::new());
    }
    let recipients: Vec<_> = data.items("/payload/to")?.collect();
    let one = |to: &Node<'_>| {
        let (id, raw_status) = (data.id("/payload/id")?, to.id("/status")?);
        let mut receipt = Receipt {
            carrier_event_id: data.text_opt("/id").map(str::to_owned),
            from: data.text_opt("/payload/from/phone_number").map(Address::new),
            to: to.text_opt("/phone_number").map(Address::new),
            error_code: data.word_opt("/payload/errors/0/code"),
            occurred_at: data.time_opt("/occurred_at"),
            ..report::receipt(id, raw_status, status(raw_status))
        };
        if recipients.len() > 1 {
            receipt.dedupe_key = format!("{}:{}", receipt.dedupe_key, to.id("/phone_number")?);
        }
        Ok(Report::Receipt(receipt))
    };
    recipients.iter().map(one).collect()
}

fn status(raw: &str) -> ReceiptStatus {
    match raw {
        "queued" | "sending" => ReceiptStatus::Queued,
        "sent" => ReceiptStatus::Sent,
        "delivered" | "read" => ReceiptStatus::Delivered,
        "sending_failed" | "delivery_failed" => ReceiptStatus::Failed,
        "expired" => ReceiptStatus::Expired,
        _ => ReceiptStatus::Unknown,
    }
}

fn verify_status(data: Node<'_>, event_type: &str) -> Result<VerifyStatus, Reject> {
    let id = data.id("/payload/id")?;
    Ok(VerifyStatus {
        carrier_event_id: data.text_opt("/id").map(str::to_owned),
        carrier_message_id: id.to_owned(),
        dedupe_key: format!("{id}:{event_type}"),
        to: data.text_opt("/payload/phone_number").map(Address::new),
        status: data.text("/payload/status")?.to_owned(),
        raw_status: event_type.to_owned(),
        delivery_status: data.text_opt("/payload/delivery_status").map(str::to_owned),
        occurred_at: data.time_opt("/occurred_at"),
    })
}
