//! Infobip inbound SMS and delivery reports: Basic credentials, results in one list. Its HMAC mode is not spoken, because neither the
//! header nor the signed bytes of it are confirmed; the body is not covered.

use super::basic::Credentials;
use super::json::{self, Node};
use super::settings::SettingsError;
use super::{Answer, Contents, Reject, Request, report};
use crate::core::message::{Message, Receipt, ReceiptStatus, Report};
use crate::core::phone::Address;
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "infobip"`.
pub use super::basic::Settings;

#[derive(Debug)]
pub struct Keys(Credentials);

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        Credentials::new(settings).map(Self)
    }

    pub fn verify(&self, request: &Request<'_>, _now: UnixMs) -> Result<usize, Reject> {
        self.0.verify(request)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        Ok(Contents {
            reports: parse(request.body)?,
            answer: Answer::OK,
        })
    }
}

/// Reads all results or nothing: one bad item refuses all.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Report>, Reject> {
    let document = json::parse(body)?;
    let results = Node(&document)
        .items("/results")
        .map_err(|_| Reject::MalformedBody)?;
    results
        .map(|item| {
            if item.at("/status").is_some() {
                receipt(item)
            } else {
                message(item)
            }
        })
        .collect()
}

fn message(item: Node<'_>) -> Result<Report, Reject> {
    let (id, from, to) = (item.id("/messageId")?, item.id("/from")?, item.id("/to")?);
    // `cleanText` has the keyword cut off.
    let plain = report::message(id, from, to, item.text("/text")?);
    let (received_at, parts) = (item.time_opt("/receivedAt"), item.count_opt("/smsCount"));
    Ok(Report::Message(Message {
        received_at,
        parts,
        ..plain
    }))
}

fn receipt(item: Node<'_>) -> Result<Report, Reject> {
    let (id, raw_status) = (item.id("/messageId")?, item.id("/status/name")?);
    let status = match item.text_opt("/status/groupName") {
        Some("ACCEPTED") => ReceiptStatus::Accepted,
        Some("PENDING") => ReceiptStatus::Queued,
        Some("DELIVERED") => ReceiptStatus::Delivered,
        Some("UNDELIVERABLE") => ReceiptStatus::Undelivered,
        Some("EXPIRED") => ReceiptStatus::Expired,
        Some("REJECTED") => ReceiptStatus::Rejected,
        _ => ReceiptStatus::Unknown,
    };
    Ok(Report::Receipt(Receipt {
        from: item.text_opt("/from").map(Address::new),
        to: item.text_opt("/to").map(Address::new),
        error_code: item.word_opt("/error/id").filter(|code| code != "0"),
        occurred_at: item.time_opt("/doneAt"),
        network: item.word_opt("/mccMnc").as_deref().and_then(report::network),
        ..report::receipt(id, raw_status, status)
    }))
}
