//! The capcom6 Android SMS gateway: hex HMAC-SHA256 over body and timestamp, one after the other. Events other than text messages and
//! their receipts give no report.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::check::{Window, timestamp};
use super::json::{self, Node};
use super::keys::{Rotation, Secret};
use super::mac::{self, Hash};
use super::settings::{SettingsError, rotation, window};
use super::{Answer, Contents, Reject, Request, report};
use crate::core::message::{Message, Receipt, ReceiptStatus, Report};
use crate::core::phone::{Address, PhoneNumber};
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "android_sms_gateway"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The app's signing key; two while rotating. The app makes one of 8 characters by itself: enter a long random one instead.
    signing_keys: Vec<String>,
    /// The number of each phone, for messages in which the app does not state it: `"<deviceId>/<simNumber>" = "+1.."`, or
    /// `"<deviceId>"` for a phone with one SIM.
    #[serde(default)]
    numbers: BTreeMap<String, PhoneNumber>,
    /// How many seconds the signed time may be off, both ways: 1 to 900, 300 by default. The app signs each try anew.
    window_s: Option<u64>,
}

#[derive(Debug)]
pub struct Keys {
    keys: Rotation<Secret>,
    numbers: BTreeMap<String, PhoneNumber>,
    window: Window,
}

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let keys = rotation(
            "signing_keys",
            &settings.signing_keys,
            "texts that are not empty",
            Secret::text,
        )?;
        Ok(Self {
            keys,
            numbers: settings.numbers,
            window: window(settings.window_s)?,
        })
    }

    /// The index of the key that signed these bytes. Body and time have no separator between them, so digits could be moved from
    /// one to the other; the window refuses every time that comes of it.
    pub fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        let signature = request.header("x-signature", Reject::MissingSignature)?;
        let sent_at = request.header("x-timestamp", Reject::MissingTimestamp)?;
        let signed_at = timestamp(sent_at)?;
        let message = [request.body, sent_at.as_bytes()];
        let signed = |key: &Secret| mac::same(&mac::hmac_hex(Hash::Sha256, key.bytes(), &message), signature);
        let index = self.keys.find(signed).ok_or(Reject::BadSignature)?;
        self.window.check(signed_at, now)?;
        Ok(index)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        Ok(Contents {
            reports: self.parse(request.body)?,
            answer: Answer::Empty,
        })
    }

    pub(super) fn parse(&self, body: &[u8]) -> Result<Vec<Report>, Reject> {
        let document = json::parse(body)?;
        let root = Node(&document);
        let report = match root.text("/event")? {
            "sms:received" => Report::Message(self.message(root)?),
            event @ "sms:sent" => Report::Receipt(receipt(root, event, ReceiptStatus::Sent, "/sentAt")?),
            event @ "sms:delivered" => {
                Report::Receipt(receipt(root, event, ReceiptStatus::Delivered, "/deliveredAt")?)
            }
            event @ "sms:failed" => {
                Report::Receipt(receipt(root, event, ReceiptStatus::Failed, "/failedAt")?)
            }
            _ => return Ok(Vec::new()),
        };
        Ok(vec![report])
    }

    fn message(&self, root: Node<'_>) -> Result<Message, Reject> {
        let payload = root.at("/payload").ok_or(Reject::MissingField)?;
        let to = match payload.text_opt("/recipient") {
            Some(to) => to,
            None => self.number(root.id("/deviceId")?, payload.word_opt("/simNumber"))?,
        };
        // The app's message id is a hash of 32 bits, so the event's id, which stays over retries, says what is the same.
        let event_id = root.id("/id")?;
        let id = message_id(payload)?;
        Ok(Message {
            carrier_event_id: Some(event_id.to_owned()),
            dedupe_key: event_id.to_owned(),
            received_at: payload.time_opt("/receivedAt"),
            ..report::message(&id, payload.id("/sender")?, to, payload.text("/message")?)
        })
    }

    fn number(&self, device: &str, sim: Option<String>) -> Result<&str, Reject> {
        let of_sim = sim.and_then(|sim| self.numbers.get(&format!("{device}/{sim}")));
        of_sim
            .or_else(|| self.numbers.get(device))
            .map(PhoneNumber::as_str)
            .ok_or(Reject::MissingField)
    }
}

fn message_id(payload: Node<'_>) -> Result<String, Reject> {
    let id = payload.word_opt("/messageId").filter(|id| !id.is_empty());
    id.ok_or(Reject::MissingField)
}

fn receipt(root: Node<'_>, event: &str, status: ReceiptStatus, at: &str) -> Result<Receipt, Reject> {
    let payload = root.at("/payload").ok_or(Reject::MissingField)?;
    let event_id = root.id("/id")?;
    let id = message_id(payload)?;
    Ok(Receipt {
        carrier_event_id: Some(event_id.to_owned()),
        dedupe_key: event_id.to_owned(),
        from: payload.text_opt("/sender").map(Address::new),
        to: payload.text_opt("/recipient").map(Address::new),
        error_code: payload.word_opt("/reason"),
        occurred_at: payload.time_opt(at),
        ..report::receipt(&id, event, status)
    })
}
