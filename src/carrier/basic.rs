//! HTTP Basic credentials, for carriers that sign nothing: they say who knocks, they do not cover the body. Such a source
//! may ask for a long random path as well.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::keys::{Rotation, Secret};
use super::path_token::PathTokens;
use super::settings::{SettingsError, filled, rotation};
use super::{Reject, Request, mac};

/// The keys of a source whose carrier knocks with Basic credentials.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// As entered at the carrier; no colon.
    username: String,
    /// As entered at the carrier; two while rotating.
    passwords: Vec<String>,
    /// At least 128 random bits as the last segment of the URL entered at the carrier, besides the credentials; two while rotating.
    path_tokens: Option<Vec<String>>,
}

#[derive(Debug)]
pub struct Credentials {
    username: String,
    passwords: Rotation<Secret>,
    path_tokens: Option<PathTokens>,
}

impl Credentials {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let username = filled("username", settings.username)?;
        if username.contains(':') {
            return Err(SettingsError::Value {
                key: "username",
                expected: "a name without a colon",
            });
        }
        let passwords = rotation(
            "passwords",
            &settings.passwords,
            "texts that are not empty",
            Secret::text,
        )?;
        Ok(Self {
            username,
            passwords,
            path_tokens: PathTokens::beside(settings.path_tokens.as_ref())?,
        })
    }

    /// The index of the password that was given. What should have been given is encoded and compared; what was is never decoded.
    pub fn verify(&self, request: &Request<'_>) -> Result<usize, Reject> {
        if let Some(tokens) = &self.path_tokens {
            tokens.verify(request)?;
        }
        let value = request.header("authorization", Reject::MissingSignature)?;
        let (scheme, given) = value.split_once(' ').ok_or(Reject::BadCredentials)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(Reject::BadCredentials);
        }
        let index = self
            .passwords
            .find(|password| mac::same(&encoded(&self.username, password.bytes()), given));
        index.ok_or(Reject::BadCredentials)
    }
}

pub fn encoded(username: &str, password: &[u8]) -> String {
    BASE64_STANDARD.encode([username.as_bytes(), b":", password].concat())
}
