//! ClickSend inbound SMS, known by the secret in the path, for it signs nothing. Field names are confirmed by its SDK's model only;
//! receipts are not read, because theirs are not.

use super::check::timestamp;
use super::form::Params;
use super::path_token::PathTokens;
use super::settings::SettingsError;
use super::{Answer, Contents, Reject, Request, mac, report};
use crate::core::message::{Message, Report};
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "clicksend"`.
pub use super::path_token::Settings;

#[derive(Debug)]
pub struct Keys(PathTokens);

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        PathTokens::new(&settings).map(Self)
    }

    pub fn verify(&self, request: &Request<'_>, _now: UnixMs) -> Result<usize, Reject> {
        self.0.verify(request)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        Ok(Contents {
            reports: vec![Report::Message(parse(&Params::parse(request.body)?)?)],
            answer: Answer::OK,
        })
    }
}

pub(super) fn parse(params: &Params) -> Result<Message, Reject> {
    let (from, to, text) = (params.id("from")?, params.id("to")?, params.one("body")?);
    let sent_at = params.opt("timestamp")?;
    // The id is optional in the SDK's model; what makes two messages the same is then all that they say.
    let id = match params.opt("message_id")?.filter(|id| !id.is_empty()) {
        Some(id) => id.to_owned(),
        None => derived_id(&[from, to, sent_at.unwrap_or_default(), text]),
    };
    let received_at = sent_at.and_then(|text| timestamp(text).ok());
    Ok(Message {
        received_at,
        ..report::message(&id, from, to, text)
    })
}

/// Lengths go before the fields, so that bytes cannot be moved between them.
fn derived_id(fields: &[&str]) -> String {
    let joined: String = fields
        .iter()
        .map(|field| format!("{}:{field}", field.len()))
        .collect();
    format!("sha256:{}", mac::sha256_hex(joined.as_bytes()))
}
