//! httpSMS: an HS256 token with the webhook's URL as audience. The token does not cover the body. Events other than inbound messages
//! give no report.

use serde::Deserialize;

use super::json::{self, Node};
use super::keys::{Rotation, Secret};
use super::mac::Hash;
use super::path_token::PathTokens;
use super::settings::{SettingsError, rotation};
use super::{Answer, Contents, Reject, Request, jwt, report};
use crate::core::message::{Message, Report};
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "httpsms"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The signing key of the webhook; two while rotating.
    signing_keys: Vec<String>,
    /// Who signs; another name only where httpSMS itself is self-hosted.
    #[serde(default = "issuer")]
    issuer: String,
    /// At least 128 random bits as the last segment of the URL entered at the carrier, besides the token; two while rotating.
    path_tokens: Option<Vec<String>>,
}

fn issuer() -> String {
    "api.httpsms.com".to_owned()
}

#[derive(Debug)]
pub struct Keys {
    keys: Rotation<Secret>,
    issuer: String,
    path_tokens: Option<PathTokens>,
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
            issuer: settings.issuer,
            path_tokens: PathTokens::beside(settings.path_tokens.as_ref())?,
        })
    }

    /// The index of the key that signed the token for this URL and this time.
    pub fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        if let Some(tokens) = &self.path_tokens {
            tokens.verify(request)?;
        }
        let (index, claims) = jwt::verify(jwt::bearer(request)?, &[("HS256", Hash::Sha256)], &self.keys)?;
        let claims = Node(&claims);
        jwt::check_issuer(claims, &self.issuer)?;
        jwt::check_audience(claims, request.url)?;
        jwt::check_lifetime(claims, now)?;
        Ok(index)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        Ok(Contents {
            reports: parse(request.body)?,
            answer: Answer::Empty,
        })
    }
}

pub(super) fn parse(body: &[u8]) -> Result<Vec<Report>, Reject> {
    let document = json::parse(body)?;
    let root = Node(&document);
    if root.text("/type")? != "message.phone.received" {
        return Ok(Vec::new());
    }
    let data = root.at("/data").ok_or(Reject::MissingField)?;
    // Encrypted on the phone with a key that only its owner has: passed on as it is, and said so.
    let encrypted = data
        .at("/encrypted")
        .is_some_and(|flag| flag.0.as_bool() == Some(true));
    Ok(vec![Report::Message(Message {
        carrier_event_id: root.text_opt("/id").map(str::to_owned),
        received_at: data.time_opt("/timestamp"),
        encoding: encrypted.then(|| "encrypted".to_owned()),
        ..report::message(
            data.id("/message_id")?,
            data.id("/contact")?,
            data.id("/owner")?,
            data.text("/content")?,
        )
    })])
}
