//! A carrier described by its operator instead of by a file in here: one scheme of verification, one mapping of fields. Receipts, media
//! and handshakes are not in its words; a carrier that needs them gets a dialect.

mod mapping;
mod scheme;
mod template;

use serde::Deserialize;

use self::mapping::Mapping;
use self::scheme::Scheme;
use super::settings::SettingsError;
use super::{Answer, Contents, Reject, Request};
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "generic"`. Worked examples are in `fixtures/carrier/generic`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How a request is verified; see `scheme::Settings`.
    verify: scheme::Settings,
    /// Where the signed time stands; only for `hmac` and `ed25519`, and only together with `{timestamp}` in what is signed.
    time: Option<scheme::Time>,
    /// Where in a verified request the message stands; see `mapping::Settings`.
    message: mapping::Settings,
    /// The body of a 200 as `text/plain`, where the carrier wants one; without it the answer is 204.
    answer: Option<String>,
}

#[derive(Debug)]
pub struct Keys {
    scheme: Scheme,
    mapping: Box<Mapping>,
    answer: Answer,
}

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            scheme: Scheme::new(settings.verify, settings.time)?,
            mapping: Box::new(Mapping::new(settings.message)?),
            answer: settings.answer.map_or(Answer::Empty, Answer::Text),
        })
    }

    pub fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        self.scheme.verify(request, now)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        Ok(Contents {
            reports: self.mapping.parse(request)?,
            answer: self.answer.clone(),
        })
    }
}
