//! Key material: it hides itself in `Debug`, is decoded once, and two keys may be valid at a time so that a carrier can rotate.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Standard alphabet; padding as the operator pasted it. For settings only: what the network sends is read canonically.
pub const BASE64_SETTINGS: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bytes that must not be seen.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A secret that is used as the text it is; `None` if it is empty.
    pub fn text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.as_bytes().to_vec()))
    }

    /// A secret whose base64 is decoded before use.
    pub fn base64(text: &str) -> Option<Self> {
        BASE64_SETTINGS
            .decode(text)
            .ok()
            .filter(|bytes| !bytes.is_empty())
            .map(Self)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// One key, or two while the carrier moves from one to the other.
#[derive(Debug, Clone)]
pub struct Rotation<K>(Vec<K>);

impl<K> Rotation<K> {
    /// `None` unless there are one or two.
    pub fn new(keys: Vec<K>) -> Option<Self> {
        (1..=2).contains(&keys.len()).then_some(Self(keys))
    }

    /// The index of the first key that `holds`.
    pub fn find(&self, holds: impl FnMut(&K) -> bool) -> Option<usize> {
        self.0.iter().position(holds)
    }
}

/// An ed25519 public key from its base64.
pub fn ed25519(text: &str) -> Option<ed25519_dalek::VerifyingKey> {
    let bytes: [u8; 32] = BASE64_SETTINGS.decode(text).ok()?.try_into().ok()?;
    ed25519_dalek::VerifyingKey::from_bytes(&bytes)
        .ok()
        .filter(|key| !key.is_weak())
}
