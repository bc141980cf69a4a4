//! Bandwidth messaging callbacks: Basic credentials, always a JSON array. The carrier signs nothing, so the body is not covered.

use super::basic::Credentials;
use super::json::{self, Node};
use super::settings::SettingsError;
use super::{Answer, Contents, Reject, Request, report};
use crate::core::message::{Media, Message, Receipt, ReceiptStatus, Report};
use crate::core::phone::Address;
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "bandwidth"`.
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
            answer: Answer::Empty,
        })
    }
}

/// Reads the whole array or nothing: one bad item refuses all.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Report>, Reject> {
    let document = json::parse(body)?;
    let mut reports = Vec::new();
    for item in Node(&document).items("")? {
        let kind = item.text("/type")?;
        match kind {
            "message-received" => reports.push(Report::Message(message(item)?)),
            "message-sending" | "message-delivered" | "message-failed" => {
                reports.push(Report::Receipt(receipt(item, kind)?));
            }
            _ => {}
        }
    }
    Ok(reports)
}

fn message(item: Node<'_>) -> Result<Message, Reject> {
    let media = item.items_opt("/message/media").map(|url| {
        let url = url.text("")?.to_owned();
        Ok(Media {
            url,
            content_type: None,
        })
    });
    // Of a group, `message.to` holds every member; the item's own `to` is our number.
    Ok(Message {
        received_at: item.time_opt("/message/time"),
        parts: item.count_opt("/message/segmentCount"),
        media: media.collect::<Result<_, Reject>>()?,
        ..report::message(
            item.id("/message/id")?,
            item.id("/message/from")?,
            item.id("/to")?,
            item.text("/message/text")?,
        )
    })
}

/// A group has many recipients, so the recipient is part of the dedupe key.
fn receipt(item: Node<'_>, kind: &str) -> Result<Receipt, Reject> {
    let (id, to) = (item.id("/message/id")?, Address::new(item.id("/to")?));
    let status = match kind {
        "message-delivered" => ReceiptStatus::Delivered,
        "message-failed" => ReceiptStatus::Failed,
        _ => ReceiptStatus::Queued,
    };
    Ok(Receipt {
        dedupe_key: format!("{id}:{}:{kind}", to.as_str()),
        from: item.text_opt("/message/from").map(Address::new),
        to: Some(to),
        error_code: item.word_opt("/errorCode"),
        occurred_at: item.time_opt("/time"),
        ..report::receipt(id, kind, status)
    })
}
