//! Bird (the platform after MessageBird): signed by Standard Webhooks, with a payload of its own. Events other than inbound SMS give
//! no report.

use super::json::{self, Node};
use super::settings::SettingsError;
use super::{Answer, Contents, Reject, Request, report, standard_webhooks};
use crate::core::message::{Message, Report};
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "bird"` are those of Standard Webhooks.
pub use standard_webhooks::Settings;

#[derive(Debug)]
pub struct Keys(standard_webhooks::Keys);

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        standard_webhooks::Keys::new(settings).map(Self)
    }

    pub fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        self.0.verify(request, now)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        Ok(Contents {
            reports: parse(request.header("webhook-id", Reject::MissingId)?, request.body)?,
            answer: Answer::Empty,
        })
    }
}

pub(super) fn parse(event_id: &str, body: &[u8]) -> Result<Vec<Report>, Reject> {
    let document = json::parse(body)?;
    let root = Node(&document);
    if root.text("/type")? != "sms.received" {
        return Ok(Vec::new());
    }
    let data = root.at("/data").ok_or(Reject::MissingField)?;
    Ok(vec![Report::Message(Message {
        carrier_event_id: Some(event_id.to_owned()),
        received_at: root.time_opt("/timestamp"),
        parts: data.count_opt("/segments/count"),
        encoding: data.text_opt("/segments/encoding").map(str::to_owned),
        ..report::message(
            data.id("/sms_id")?,
            data.id("/from")?,
            data.id("/to")?,
            data.text("/text")?,
        )
    })])
}
