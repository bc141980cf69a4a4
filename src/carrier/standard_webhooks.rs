//! Standard Webhooks as an inbound carrier (v1 HMAC-SHA256 and v1a ed25519 over `id.timestamp.body`): Ringback's own loopback carrier
//! and any sender that speaks the same scheme. The signature can be checked without reading the payload.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::Deserialize;

use super::check::{Window, timestamp};
use super::json::{self, Node};
use super::keys::{self, Rotation, Secret};
use super::mac::{self, Hash};
use super::settings::{SettingsError, window};
use super::{Answer, Contents, Reject, Request, report};
use crate::core::message::{Message, Report};
use crate::core::time::UnixMs;

/// Most signatures of our kind that are tried per request; senders put one there, or two while rotating.
const SIGNATURES_MAX: usize = 4;
/// Bytes of a v1 secret, by the specification.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The keys of a source with `carrier = "standard_webhooks"`; one or two keys in all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// v1: `whsec_` and the base64 of 24 to 64 bytes; the prefix may be left out.
    #[serde(default)]
    secrets: Vec<String>,
    /// v1a: `whpk_` and the base64 of a 32 byte ed25519 public key; the prefix may be left out.
    #[serde(default)]
    public_keys: Vec<String>,
    /// How many seconds the signed time may be off, both ways: 1 to 900, 300 by default.
    window_s: Option<u64>,
}

#[derive(Debug)]
pub struct Keys {
    keys: Rotation<Key>,
    window: Window,
}

/// The version of a signature belongs to the key: a v1 key never reads a `v1a` signature.
#[derive(Debug)]
enum Key {
    V1(Secret),
    V1a(VerifyingKey),
}

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let expected = "whsec_ and the base64 of 24 to 64 bytes";
        let secrets = settings.secrets.iter().map(|text| {
            let secret = Secret::base64(text.strip_prefix("whsec_").unwrap_or(text));
            secret
                .filter(|s| SECRET_BYTES.contains(&s.bytes().len()))
                .map(Key::V1)
        });
        let secrets = secrets.map(|key| {
            key.ok_or(SettingsError::Value {
                key: "secrets",
                expected,
            })
        });
        let expected = "whpk_ and the base64 of a 32 byte ed25519 public key";
        let public = settings.public_keys.iter().map(|text| {
            let key = keys::ed25519(text.strip_prefix("whpk_").unwrap_or(text)).map(Key::V1a);
            key.ok_or(SettingsError::Value {
                key: "public_keys",
                expected,
            })
        });
        let keys = secrets.chain(public).collect::<Result<_, _>>()?;
        let keys = Rotation::new(keys).ok_or(SettingsError::KeyCount { key: "secrets" })?;
        Ok(Self {
            keys,
            window: window(settings.window_s)?,
        })
    }

    /// The index of the key that signed, counting `secrets` first, then `public_keys`.
    pub fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        let id = request.header("webhook-id", Reject::MissingId)?;
        let sent_at = request.header("webhook-timestamp", Reject::MissingTimestamp)?;
        let signatures = request.header("webhook-signature", Reject::MissingSignature)?;
        if id.contains('.') {
            // The separator of the signed bytes: part of the body could pass for part of the id.
            return Err(Reject::MalformedParameter);
        }
        let signed_at = timestamp(sent_at)?;
        let message = signed_bytes(id, sent_at, request.body);
        let index = self
            .keys
            .find(|key| key.signed(&message, signatures))
            .ok_or(Reject::BadSignature)?;
        self.window.check(signed_at, now)?;
        Ok(index)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        Ok(Contents {
            reports: parse(request.header("webhook-id", Reject::MissingId)?, request.body)?,
            answer: Answer::Empty,
        })
    }
}

impl Key {
    /// Whether one of the space-separated signatures of this key's version holds; other versions are passed over.
    fn signed(&self, message: &[u8], signatures: &str) -> bool {
        let version = match self {
            Self::V1(_) => "v1",
            Self::V1a(_) => "v1a",
        };
        let ours = signatures
            .split(' ')
            .filter_map(|s| s.split_once(','))
            .filter(|(v, _)| *v == version);
        ours.take(SIGNATURES_MAX).any(|(_, signature)| match self {
            Self::V1(secret) => mac::same(
                &mac::hmac_base64(Hash::Sha256, secret.bytes(), &[message]),
                signature,
            ),
            Self::V1a(key) => BASE64_STANDARD
                .decode(signature)
                .ok()
                .and_then(|bytes| Signature::from_slice(&bytes).ok())
                .is_some_and(|signature| key.verify_strict(message, &signature).is_ok()),
        })
    }
}

pub(super) fn signed_bytes(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

/// Reads a verified body `{"type", "timestamp", "data": {"id"?, "from", "to", "text", "received_at"?}}`; `webhook_id` stands in where
/// `data.id` is absent. Types other than `sms.received` and `message.received` give no report.
pub fn parse(webhook_id: &str, body: &[u8]) -> Result<Vec<Report>, Reject> {
    let document = json::parse(body)?;
    let root = Node(&document);
    if !matches!(root.text("/type")?, "sms.received" | "message.received") {
        return Ok(Vec::new());
    }
    let data = root.at("/data").ok_or(Reject::MissingField)?;
    let id = if data.at("/id").is_some() {
        data.id("/id")?
    } else {
        webhook_id
    };
    Ok(vec![Report::Message(Message {
        carrier_event_id: Some(webhook_id.to_owned()),
        received_at: data
            .time_opt("/received_at")
            .or_else(|| root.time_opt("/timestamp")),
        ..report::message(id, data.id("/from")?, data.id("/to")?, data.text("/text")?)
    })])
}
