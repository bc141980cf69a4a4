//! textbee: hex HMAC-SHA256 over the body. There is no time in the scheme: replay is stopped by the idempotency key alone. Events other
//! than inbound messages give no report.

use serde::Deserialize;

use super::json::{self, Node};
use super::keys::{Rotation, Secret};
use super::mac::{self, Hash};
use super::settings::{SettingsError, rotation};
use super::{Answer, Contents, Reject, Request, report};
use crate::core::message::{Message, Report};
use crate::core::phone::PhoneNumber;
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "textbee"`; one source per phone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The signing secret of the webhook subscription; two while rotating.
    secrets: Vec<String>,
    /// The phone's own number: textbee does not say to which number a message came.
    number: PhoneNumber,
}

#[derive(Debug)]
pub struct Keys {
    secrets: Rotation<Secret>,
    number: PhoneNumber,
}

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let secrets = rotation(
            "secrets",
            &settings.secrets,
            "texts that are not empty",
            Secret::text,
        )?;
        Ok(Self {
            secrets,
            number: settings.number,
        })
    }

    /// The index of the key that signed these bytes.
    pub fn verify(&self, request: &Request<'_>, _now: UnixMs) -> Result<usize, Reject> {
        let signature = request.header("x-signature", Reject::MissingSignature)?;
        let expected = |key: &Secret| mac::hmac_hex(Hash::Sha256, key.bytes(), &[request.body]);
        self.secrets
            .find(|key| mac::same(&expected(key), signature))
            .ok_or(Reject::BadSignature)
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
        if root.text("/webhookEvent")? != "MESSAGE_RECEIVED" {
            return Ok(Vec::new());
        }
        let (id, from) = (root.id("/smsId")?, root.id("/sender")?);
        let key = root.id("/idempotencyKey")?;
        Ok(vec![Report::Message(Message {
            carrier_event_id: Some(key.to_owned()),
            dedupe_key: key.to_owned(),
            received_at: root.time_opt("/receivedAt"),
            ..report::message(id, from, self.number.as_str(), root.text("/message")?)
        })])
    }
}
