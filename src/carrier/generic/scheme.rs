//! How a request of a generic source is verified: one scheme with its keys, fixed by the operator.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use http::HeaderName;
use serde::Deserialize;

use super::super::basic::{self, Credentials};
use super::super::check::{Window, timestamp};
use super::super::json::Node;
use super::super::keys::{self, Rotation, Secret};
use super::super::mac::{self, Hash};
use super::super::path_token::PathTokens;
use super::super::settings::{SettingsError, rotation, window};
use super::super::{Reject, Request, jwt};
use super::template::Template;
use crate::core::time::UnixMs;

/// Most signatures of one header that are tried.
const SIGNATURES_MAX: usize = 4;

/// The table `verify`: `scheme` and what belongs to it.
#[derive(Deserialize)]
#[serde(tag = "scheme", rename_all = "snake_case", deny_unknown_fields)]
pub enum Settings {
    /// An HMAC of `hash` over `sign` in a header.
    Hmac {
        hash: Hash,
        encoding: Encoding,
        #[serde(flatten)]
        place: Place,
        /// One, or two while rotating.
        secrets: Vec<String>,
        /// Whether the secrets are base64 that is decoded first.
        #[serde(default)]
        secrets_base64: bool,
    },
    /// An ed25519 signature over `sign` in a header.
    Ed25519 {
        encoding: Encoding,
        #[serde(flatten)]
        place: Place,
        /// Base64 of 32 bytes; one, or two while rotating.
        public_keys: Vec<String>,
    },
    /// An HS256 token in `Authorization: Bearer`.
    Jwt {
        /// One, or two while rotating.
        secrets: Vec<String>,
        /// What `iss` must be.
        issuer: String,
        /// What `aud` must be; `{url}` stands for the source's own URL.
        audience: Option<String>,
        /// The claim with the hex SHA-256 of the body. Without it the token does not cover the body.
        body_hash_claim: Option<String>,
        /// Judge `iat` by the window instead of `nbf` and `exp`; seconds, 1 to 900.
        issued_within_s: Option<u64>,
    },
    /// HTTP Basic credentials; they do not cover the body.
    Basic(basic::Settings),
    /// A secret as the last segment of the path; it does not cover the body.
    PathToken { path_tokens: Vec<String> },
}

/// Where a signature stands and what it is over.
#[derive(Deserialize)]
pub struct Place {
    header: String,
    /// What stands before the signature in the header, for example `sha256=`.
    #[serde(default)]
    prefix: String,
    /// What stands between several signatures, of which one has to hold; without it the header holds one.
    separator: Option<char>,
    /// What is signed; see `template::Template`.
    sign: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Lower case.
    Hex,
    /// Standard alphabet, padded.
    Base64,
}

/// The table `time`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    header: String,
    /// How many seconds the signed time may be off, both ways: 1 to 900, 300 by default.
    window_s: Option<u64>,
}

#[derive(Debug)]
pub enum Scheme {
    Signed(Box<Signed>),
    Jwt(Box<Token>),
    Basic(Credentials),
    PathToken(PathTokens),
}

/// A signature in a header over a template.
#[derive(Debug)]
pub struct Signed {
    header: HeaderName,
    prefix: String,
    separator: Option<char>,
    template: Template,
    time: Option<(HeaderName, Window)>,
    encoding: Encoding,
    keys: SigningKeys,
}

#[derive(Debug)]
enum SigningKeys {
    Hmac(Hash, Rotation<Secret>),
    Ed25519(Rotation<VerifyingKey>),
}

#[derive(Debug)]
pub struct Token {
    secrets: Rotation<Secret>,
    issuer: String,
    audience: Option<String>,
    body_hash_pointer: Option<String>,
    issued_within: Option<Window>,
}

const FILLED: &str = "texts that are not empty";

impl Scheme {
    pub fn new(settings: Settings, time: Option<Time>) -> Result<Self, SettingsError> {
        if time.is_some() && !matches!(settings, Settings::Hmac { .. } | Settings::Ed25519 { .. }) {
            let expected = "no such table: this scheme signs no header with a time";
            return Err(SettingsError::Value {
                key: "time",
                expected,
            });
        }
        Ok(match settings {
            Settings::Hmac {
                hash,
                encoding,
                place,
                secrets,
                secrets_base64,
            } => {
                let parse = if secrets_base64 {
                    Secret::base64
                } else {
                    Secret::text
                };
                let keys = SigningKeys::Hmac(hash, rotation("secrets", &secrets, FILLED, parse)?);
                Self::Signed(Box::new(Signed::new(place, time, encoding, keys)?))
            }
            Settings::Ed25519 {
                encoding,
                place,
                public_keys,
            } => {
                let expected = "the base64 of a 32 byte ed25519 public key";
                let keys = rotation("public_keys", &public_keys, expected, keys::ed25519)?;
                Self::Signed(Box::new(Signed::new(
                    place,
                    time,
                    encoding,
                    SigningKeys::Ed25519(keys),
                )?))
            }
            Settings::Jwt {
                secrets,
                issuer,
                audience,
                body_hash_claim,
                issued_within_s,
            } => Self::Jwt(Box::new(Token {
                secrets: rotation("secrets", &secrets, FILLED, Secret::text)?,
                issuer,
                audience,
                body_hash_pointer: body_hash_claim.map(|claim| format!("/{claim}")),
                issued_within: issued_within_s.map(|seconds| window(Some(seconds))).transpose()?,
            })),
            Settings::Basic(settings) => Self::Basic(Credentials::new(settings)?),
            Settings::PathToken { path_tokens } => {
                Self::PathToken(PathTokens::of("path_tokens", &path_tokens)?)
            }
        })
    }

    /// The index of the key that verified the request.
    pub fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        match self {
            Self::Signed(signed) => signed.verify(request, now),
            Self::Jwt(token) => token.verify(request, now),
            Self::Basic(credentials) => credentials.verify(request),
            Self::PathToken(tokens) => tokens.verify(request),
        }
    }
}

fn header_name(text: &str) -> Result<HeaderName, SettingsError> {
    let expected = "the name of a header";
    text.parse().map_err(|_| SettingsError::Value {
        key: "header",
        expected,
    })
}

impl Signed {
    fn new(
        place: Place,
        time: Option<Time>,
        encoding: Encoding,
        keys: SigningKeys,
    ) -> Result<Self, SettingsError> {
        let template = Template::parse(&place.sign)?;
        if template.signs_time() != time.is_some() {
            let expected = "{timestamp} in it if, and only if, there is a table `time`";
            return Err(SettingsError::Value {
                key: "sign",
                expected,
            });
        }
        let time = time
            .map(|time| Ok((header_name(&time.header)?, window(time.window_s)?)))
            .transpose()?;
        let header = header_name(&place.header)?;
        Ok(Self {
            header,
            prefix: place.prefix,
            separator: place.separator,
            template,
            time,
            encoding,
            keys,
        })
    }

    fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        let value = request.header(self.header.as_str(), Reject::MissingSignature)?;
        let sent_at = match &self.time {
            Some((name, _)) => request.header(name.as_str(), Reject::MissingTimestamp)?,
            None => "",
        };
        self.template.check_headers(request)?;
        let given: Vec<&str> = match self.separator {
            Some(separator) => value.split(separator).take(SIGNATURES_MAX).collect(),
            None => vec![value],
        };
        let given: Vec<&str> = given
            .into_iter()
            .filter_map(|one| one.strip_prefix(&self.prefix))
            .collect();
        if given.is_empty() {
            return Err(Reject::MalformedSignature);
        }
        let signed_at = self
            .time
            .as_ref()
            .map(|(_, window)| timestamp(sent_at).map(|at| (at, window)));
        let signed_at = signed_at.transpose()?;
        let message = self.template.fill(request, sent_at)?;
        let index = self.find(&given, &message)?.ok_or(Reject::BadSignature)?;
        signed_at.map_or(Ok(index), |(at, window)| window.check(at, now).map(|()| index))
    }

    fn find(&self, given: &[&str], message: &[u8]) -> Result<Option<usize>, Reject> {
        match &self.keys {
            SigningKeys::Hmac(hash, secrets) => Ok(secrets.find(|secret| {
                let expected = match self.encoding {
                    Encoding::Hex => mac::hmac_hex(*hash, secret.bytes(), &[message]),
                    Encoding::Base64 => mac::hmac_base64(*hash, secret.bytes(), &[message]),
                };
                given.iter().any(|one| mac::same(&expected, one))
            })),
            SigningKeys::Ed25519(keys) => {
                let signatures: Vec<_> = given.iter().filter_map(|one| self.signature(one)).collect();
                if signatures.is_empty() {
                    return Err(Reject::MalformedSignature);
                }
                Ok(keys.find(|key| {
                    signatures
                        .iter()
                        .any(|one| key.verify_strict(message, one).is_ok())
                }))
            }
        }
    }

    fn signature(&self, text: &str) -> Option<Signature> {
        let bytes = match self.encoding {
            Encoding::Hex => mac::unhex(text.as_bytes()),
            Encoding::Base64 => BASE64_STANDARD.decode(text).ok(),
        };
        Signature::from_slice(&bytes?).ok()
    }
}

impl Token {
    fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        let (index, claims) = jwt::verify(jwt::bearer(request)?, &[("HS256", Hash::Sha256)], &self.secrets)?;
        let claims = Node(&claims);
        jwt::check_issuer(claims, &self.issuer)?;
        if let Some(audience) = &self.audience {
            jwt::check_audience(
                claims,
                if audience == "{url}" {
                    request.url
                } else {
                    audience
                },
            )?;
        }
        match self.issued_within {
            Some(window) => window.check(jwt::time(claims, "/iat")?, now)?,
            None => jwt::check_lifetime(claims, now)?,
        }
        if let Some(pointer) = &self.body_hash_pointer {
            claims.at(pointer).ok_or(Reject::BodyNotCovered)?;
            jwt::check_hash(claims, pointer, request.body, Reject::BodyHashMismatch)?;
        }
        Ok(index)
    }
}
