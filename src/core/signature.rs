//! Standard Webhooks signatures: `v1` (HMAC-SHA256) and `v1a` (ed25519), made and checked.
//!
//! The signed text is `{id}.{timestamp}.{body}`, the body exactly as it goes over the wire. Neither a clock nor
//! dice live here: the timestamp, the present time and the random bytes of a new key are arguments.

use std::fmt::{self, Write};
use std::str::FromStr;

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::engine::{DecodePaddingMode, Engine};
use ed25519_dalek::Signer;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How far the timestamp of a received webhook may be from the present, in both directions, in seconds.
pub const TOLERANCE_S: i64 = 300;

/// Decoded length of a symmetric secret, in bytes, both ends included.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A header with more signatures than this is not read to its end: a receiver's work has a limit.
const SIGNATURES_MAX: usize = 16;

/// Keys are pasted by people, and some libraries write them without padding, so both forms are read.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a key could not be read, or why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the key has no known prefix: a key begins with whsec_, whsk_ or whpk_")]
    Prefix,
    #[error("the key is not base64 after its prefix: copy it whole")]
    Base64,
    #[error("the secret has {0} bytes: Standard Webhooks asks for 24 to 64, make a new one")]
    SecretLength(usize),
    #[error(
        "the key is not a pair of ed25519 seed and public key (64 bytes), or not a public key (32 bytes)"
    )]
    Pair,
    #[error("the header {0} is missing or empty: was the request changed on its way?")]
    Missing(&'static str),
    #[error("webhook-id contains a dot, which would make the signed text ambiguous")]
    Id,
    #[error("webhook-timestamp is not a whole number of seconds")]
    Timestamp,
    #[error(
        "webhook-timestamp is more than {TOLERANCE_S} s from now: an old request, or a clock that is off"
    )]
    Window,
    #[error("no signature matches: check that the key is the subscription's and the body is untouched")]
    Mismatch,
}

/// The two versions of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// HMAC-SHA256, one secret on both sides.
    V1,
    /// ed25519: the receiver holds only the public key.
    V1a,
}

/// The secret of `v1`. The keyed state is computed once, so signing hashes only the message.
#[derive(Clone)]
pub struct Secret {
    bytes: Vec<u8>,
    keyed: Hmac<Sha256>,
}

impl Secret {
    fn new(bytes: Vec<u8>) -> Result<Self, Error> {
        if !SECRET_BYTES.contains(&bytes.len()) {
            return Err(Error::SecretLength(bytes.len()));
        }
        let keyed = Hmac::new_from_slice(&bytes).expect("HMAC takes a key of any length");
        Ok(Self { bytes, keyed })
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "whsec_{}", STANDARD.encode(&self.bytes))
    }
}

/// The public half of an asymmetric key, written `whpk_` and base64 of 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// The 32 bytes, as a JSON Web Key wants them in `x`.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "whpk_{}", STANDARD.encode(self.as_bytes()))
    }
}

/// A key that signs. `Display` writes the secret, for the one moment it is shown; `Debug` never does.
#[derive(Clone)]
pub enum SigningKey {
    Symmetric(Secret),
    Asymmetric(ed25519_dalek::SigningKey),
}

impl SigningKey {
    /// A new key from 32 bytes of the system's randomness.
    pub fn from_random(scheme: Scheme, random: [u8; 32]) -> Self {
        match scheme {
            Scheme::V1 => {
                Self::Symmetric(Secret::new(random.to_vec()).expect("32 bytes are within 24 to 64"))
            }
            Scheme::V1a => Self::Asymmetric(ed25519_dalek::SigningKey::from_bytes(&random)),
        }
    }

    /// What may be published. A symmetric key has nothing to publish.
    pub fn public(&self) -> Option<PublicKey> {
        match self {
            Self::Symmetric(_) => None,
            Self::Asymmetric(pair) => Some(PublicKey(pair.verifying_key())),
        }
    }
}

impl FromStr for SigningKey {
    type Err = Error;

    /// Reads `whsec_` (24 to 64 bytes) or `whsk_` (32 bytes seed, then 32 bytes public key).
    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(encoded) = text.strip_prefix("whsec_") {
            return Secret::new(decode(encoded)?).map(Self::Symmetric);
        }
        let encoded = text.strip_prefix("whsk_").ok_or(Error::Prefix)?;
        let pair: [u8; 64] = decode(encoded)?.try_into().map_err(|_| Error::Pair)?;
        ed25519_dalek::SigningKey::from_keypair_bytes(&pair)
            .map(Self::Asymmetric)
            .map_err(|_| Error::Pair)
    }
}

impl fmt::Display for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symmetric(secret) => secret.fmt(f),
            Self::Asymmetric(pair) => write!(f, "whsk_{}", STANDARD.encode(pair.to_keypair_bytes())),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symmetric(_) => f.write_str("whsec_***"),
            Self::Asymmetric(_) => f.write_str("whsk_***"),
        }
    }
}

/// A key that checks: what a receiver holds.
#[derive(Clone)]
pub enum VerifyingKey {
    Symmetric(Secret),
    Asymmetric(PublicKey),
}

impl FromStr for VerifyingKey {
    type Err = Error;

    /// Reads `whsec_`, `whpk_`, or `whsk_` (of which only the public half is kept).
    fn from_str(text: &str) -> Result<Self, Error> {
        let Some(encoded) = text.strip_prefix("whpk_") else {
            return Ok(Self::from(&text.parse::<SigningKey>()?));
        };
        let public: [u8; 32] = decode(encoded)?.try_into().map_err(|_| Error::Pair)?;
        let public = ed25519_dalek::VerifyingKey::from_bytes(&public).map_err(|_| Error::Pair)?;
        Ok(Self::Asymmetric(PublicKey(public)))
    }
}

impl From<&SigningKey> for VerifyingKey {
    fn from(key: &SigningKey) -> Self {
        match key {
            SigningKey::Symmetric(secret) => Self::Symmetric(secret.clone()),
            SigningKey::Asymmetric(pair) => Self::Asymmetric(PublicKey(pair.verifying_key())),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symmetric(_) => f.write_str("whsec_***"),
            Self::Asymmetric(public) => public.fmt(f),
        }
    }
}

/// The value of `webhook-signature`: one signature per key, in the order of the keys, parted by spaces, so that a
/// receiver may hold either key while one replaces the other. `timestamp_s` is the unix time of this attempt.
pub fn sign(keys: &[SigningKey], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    debug_assert!(
        !id.is_empty() && !id.contains('.'),
        "an id with a dot makes the signed text ambiguous"
    );
    let timestamp = timestamp_s.to_string();
    let mut header = String::with_capacity(keys.len() * 96);
    let mut text = Vec::new();
    for key in keys {
        if !header.is_empty() {
            header.push(' ');
        }
        match key {
            SigningKey::Symmetric(secret) => {
                header.push_str("v1,");
                STANDARD.encode_string(
                    secret.mac(id, &timestamp, body).finalize().into_bytes(),
                    &mut header,
                );
            }
            SigningKey::Asymmetric(pair) => {
                if text.is_empty() {
                    text = signed_text(id, &timestamp, body);
                }
                header.push_str("v1a,");
                STANDARD.encode_string(pair.sign(&text).to_bytes(), &mut header);
            }
        }
    }
    header
}

/// The value of `telnyx-signature-ed25519`: what contract 003's receivers check, by the first of these keys that can make it.
pub fn sign_as_telnyx(keys: &[SigningKey], timestamp_s: i64, body: &[u8]) -> Option<String> {
    let text = [timestamp_s.to_string().as_bytes(), b"|", body].concat();
    keys.iter().find_map(|key| match key {
        SigningKey::Asymmetric(pair) => Some(STANDARD.encode(pair.sign(&text).to_bytes())),
        SigningKey::Symmetric(_) => None,
    })
}

/// A webhook as it was received: the three headers (empty where one is absent) and the raw body.
#[derive(Clone, Copy)]
pub struct Received<'a> {
    pub id: &'a str,
    pub timestamp: &'a str,
    pub signature: &'a str,
    pub body: &'a [u8],
}

/// Believes the webhook when any signature matches any key and its timestamp is within [`TOLERANCE_S`] of `now_s`.
/// Signatures of an unknown version are passed over.
pub fn verify(keys: &[VerifyingKey], received: &Received<'_>, now_s: i64) -> Result<(), Error> {
    let Received {
        id,
        timestamp,
        signature,
        body,
    } = *received;
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ] {
        if value.is_empty() {
            return Err(Error::Missing(name));
        }
    }
    if id.contains('.') {
        return Err(Error::Id);
    }
    if !timestamp.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Error::Timestamp);
    }
    let sent_s: i64 = timestamp.parse().map_err(|_| Error::Timestamp)?;
    if sent_s.abs_diff(now_s) > TOLERANCE_S.unsigned_abs() {
        return Err(Error::Window);
    }
    let text = signed_text(id, timestamp, body);
    let matches = |one: &str| keys.iter().any(|key| key.matches(one, &text));
    if signature.split(' ').take(SIGNATURES_MAX).any(matches) {
        Ok(())
    } else {
        Err(Error::Mismatch)
    }
}

impl VerifyingKey {
    /// The version decides the algorithm and the key's kind must agree: a public key is never used as a secret.
    fn matches(&self, signature: &str, text: &[u8]) -> bool {
        match (self, signature.split_once(',')) {
            (Self::Symmetric(secret), Some(("v1", encoded))) => {
                let mut mac = secret.keyed.clone();
                mac.update(text);
                STANDARD
                    .decode(encoded)
                    .is_ok_and(|bytes| mac.verify_slice(&bytes).is_ok())
            }
            (Self::Asymmetric(public), Some(("v1a", encoded))) => STANDARD
                .decode(encoded)
                .ok()
                .and_then(|bytes| ed25519_dalek::Signature::from_slice(&bytes).ok())
                .is_some_and(|signature| public.0.verify_strict(text, &signature).is_ok()),
            _ => false,
        }
    }
}

fn signed_text(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    let mut text = String::with_capacity(id.len() + timestamp.len() + 2);
    write!(text, "{id}.{timestamp}.").expect("a String takes every write");
    [text.as_bytes(), body].concat()
}

fn decode(encoded: &str) -> Result<Vec<u8>, Error> {
    KEY_BASE64.decode(encoded).map_err(|_| Error::Base64)
}
