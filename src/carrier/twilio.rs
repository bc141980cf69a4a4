//! Twilio messaging webhooks: base64 HMAC over the configured URL and the sorted parameters, in its SHA-1 form or (SharedKey, beta)
//! SHA-256. There is no time in the scheme: replay is stopped by the message id alone.

use serde::Deserialize;

use super::form::Params;
use super::keys::{Rotation, Secret};
use super::mac::{self, Hash};
use super::settings::{SettingsError, filled, rotation};
use super::{Answer, Contents, Reject, Request, compat};
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "twilio"`; exactly one of `auth_tokens` and `shared_keys`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `AC..`: requests of every other account are refused.
    account_sid: String,
    /// The account's auth token; primary and secondary while rotating.
    auth_tokens: Option<Vec<String>>,
    /// The secrets of SharedKeys, which sign with HMAC-SHA256.
    shared_keys: Option<Vec<String>>,
}

#[derive(Debug)]
pub struct Keys {
    account_sid: String,
    secrets: Rotation<Secret>,
    /// Pinned here: the settings header of a request may only agree with it.
    hash: Hash,
}

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let (key, texts, hash) = match (settings.auth_tokens, settings.shared_keys) {
            (Some(texts), None) => ("auth_tokens", texts, Hash::Sha1),
            (None, Some(texts)) => ("shared_keys", texts, Hash::Sha256),
            _ => {
                let expected = "it, or `shared_keys` instead, but not both";
                return Err(SettingsError::Value {
                    key: "auth_tokens",
                    expected,
                });
            }
        };
        let secrets = rotation(key, &texts, "texts that are not empty", Secret::text)?;
        Ok(Self {
            account_sid: filled("account_sid", settings.account_sid)?,
            secrets,
            hash,
        })
    }

    /// The index of the key that signed URL and parameters. Twilio signs no time, so there is no window to check.
    pub fn verify(&self, request: &Request<'_>, _now: UnixMs) -> Result<usize, Reject> {
        let signature = request.header("x-twilio-signature", Reject::MissingSignature)?;
        self.check_algorithm(request)?;
        let form = compat::posted_form(request);
        let tail = if form {
            compat::sorted_distinct(&Params::parse(request.body)?)
        } else {
            Vec::new()
        };
        let urls = compat::url_variants(request.url);
        let signed = |secret: &Secret| {
            let expected =
                |url: &String| mac::hmac_base64(self.hash, secret.bytes(), &[url.as_bytes(), &tail]);
            urls.iter().any(|url| mac::same(&expected(url), signature))
        };
        self.secrets.find(signed).ok_or(Reject::BadSignature)
    }

    fn check_algorithm(&self, request: &Request<'_>) -> Result<(), Reject> {
        if self.hash == Hash::Sha1 {
            return Ok(());
        }
        let stated = request.header("x-twilio-webhooks-signature-settings", Reject::MissingSignature)?;
        let mut pairs = stated.split(',').filter_map(|pair| pair.trim().split_once('='));
        match pairs.find(|(name, _)| *name == "algorithm") {
            Some((_, "HMAC_SHA256")) => Ok(()),
            _ => Err(Reject::UnsupportedAlgorithm),
        }
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        let reports = match compat::covered_params(request)? {
            Some(params) => compat::parse(&params, &self.account_sid)?,
            None => Vec::new(),
        };
        Ok(Contents {
            reports,
            answer: Answer::Twiml,
        })
    }
}
