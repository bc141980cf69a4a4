//! SignalWire webhooks: the compatibility API signs like Twilio (with its own rules for ports and repeated parameters), the JSON APIs
//! sign URL and body in hex. There is no time in the scheme: replay is stopped by the message id alone.

use serde::Deserialize;

use super::form::Params;
use super::json::{self, Node};
use super::keys::{Rotation, Secret};
use super::mac::{self, Hash};
use super::settings::{SettingsError, filled, rotation};
use super::{Answer, Contents, Reject, Request, compat, report};
use crate::core::message::Report;
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "signalwire"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The project's UUID: requests of every other project are refused.
    account_sid: String,
    /// The project's signing keys (`PSK_..`), not its API token; two while rotating.
    signing_keys: Vec<String>,
    /// Which of SignalWire's signatures is expected; never chosen by a request.
    #[serde(default)]
    scheme: Scheme,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scheme {
    /// LaML/cXML forms: base64 HMAC-SHA1 over URL and sorted parameters.
    #[default]
    Compat,
    /// JSON: hex HMAC-SHA1 over URL and body.
    Json,
    /// JSON: hex HMAC-SHA256 over URL and body.
    JsonSha256,
}

#[derive(Debug)]
pub struct Keys {
    account_sid: String,
    secrets: Rotation<Secret>,
    scheme: Scheme,
}

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let expected = "texts that are not empty";
        Ok(Self {
            account_sid: filled("account_sid", settings.account_sid)?,
            secrets: rotation("signing_keys", &settings.signing_keys, expected, Secret::text)?,
            scheme: settings.scheme,
        })
    }

    /// The index of the key that signed. SignalWire signs no time, so there is no window to check.
    pub fn verify(&self, request: &Request<'_>, _now: UnixMs) -> Result<usize, Reject> {
        let signed = match self.scheme {
            Scheme::Compat => self.find_compat(request)?,
            Scheme::Json => self.find_json(request, Hash::Sha1, "x-signalwire-signature")?,
            Scheme::JsonSha256 => self.find_json(request, Hash::Sha256, "x-signalwire-sha256-signature")?,
        };
        signed.ok_or(Reject::BadSignature)
    }

    fn find_compat(&self, request: &Request<'_>) -> Result<Option<usize>, Reject> {
        let alias = || request.header("x-twilio-signature", Reject::MissingSignature);
        let signature = request
            .header_opt("x-signalwire-signature")
            .map_or_else(alias, Ok)?;
        let form = compat::posted_form(request);
        let tail = if form {
            compat::sorted_stable(&Params::parse(request.body)?)
        } else {
            Vec::new()
        };
        let urls = compat::url_variants_default_port(request.url);
        Ok(self.secrets.find(|secret| {
            let expected =
                |url: &String| mac::hmac_base64(Hash::Sha1, secret.bytes(), &[url.as_bytes(), &tail]);
            urls.iter().any(|url| mac::same(&expected(url), signature))
        }))
    }

    fn find_json(&self, request: &Request<'_>, hash: Hash, header: &str) -> Result<Option<usize>, Reject> {
        let signature = request.header(header, Reject::MissingSignature)?;
        let message = [request.url.as_bytes(), request.body];
        Ok(self
            .secrets
            .find(|secret| mac::same(&mac::hmac_hex(hash, secret.bytes(), &message), signature)))
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        let reports = match self.scheme {
            Scheme::Compat => match compat::covered_params(request)? {
                Some(params) => compat::parse(&params, &self.account_sid)?,
                None => Vec::new(),
            },
            Scheme::Json | Scheme::JsonSha256 => parse_json(request.body, &self.account_sid)?,
        };
        Ok(Contents {
            reports,
            answer: Answer::Twiml,
        })
    }
}

/// Reads a verified JSON event: an inbound message has a `message_id` and a `body`, other events give no report.
pub(super) fn parse_json(body: &[u8], account_sid: &str) -> Result<Vec<Report>, Reject> {
    let document = json::parse(body)?;
    let root = Node(&document);
    if root.text("/project_id")? != account_sid {
        return Err(Reject::AccountMismatch);
    }
    if root.at("/message_id").is_none() || root.at("/body").is_none() {
        return Ok(Vec::new());
    }
    let (id, from, to) = (root.id("/message_id")?, root.id("/from")?, root.id("/to")?);
    Ok(vec![Report::Message(report::message(
        id,
        from,
        to,
        root.text("/body")?,
    ))])
}
