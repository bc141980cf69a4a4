//! The keys that a subscription signs with: several at a time while one replaces another, each with an end of its own.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::core::signature::{Scheme, SigningKey};
use crate::core::time::UnixMs;

/// Keys that a subscription may sign with at one time.
pub const KEYS_MAX: usize = 10;
/// How long an old key goes on signing unless the caller says, and at most, in seconds.
pub const OVERLAP_DEFAULT_S: u64 = 86_400;
pub const OVERLAP_MAX_S: u64 = 604_800;

/// A key and its life. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldKey {
    /// `whsec_…` or `whsk_…`.
    pub secret: String,
    pub created_at: UnixMs,
    /// From then on it signs nothing more.
    pub expires_at: Option<UnixMs>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RotateError {
    #[error(
        "a subscription signs with at most {KEYS_MAX} keys at a time: wait until one has expired, or rotate with \"overlapS\": 0"
    )]
    TooMany,
    #[error("\"overlapS\" is 0 to {OVERLAP_MAX_S}")]
    Overlap,
    #[error("this is a key that the subscription has already: make a new one")]
    Same,
}

impl HeldKey {
    pub fn new(key: &SigningKey, now: UnixMs) -> Self {
        Self {
            secret: key.to_string(),
            created_at: now,
            expires_at: None,
        }
    }

    pub fn signs_at(&self, now: UnixMs) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }

    /// A name for the key that tells nothing of it: `key_` and the first half of a hash.
    pub fn id(&self) -> String {
        let hash = Sha256::digest(self.secret.as_bytes());
        let hex: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("key_{hex}")
    }

    pub fn scheme(&self) -> Scheme {
        if self.secret.starts_with("whsk_") {
            Scheme::V1a
        } else {
            Scheme::V1
        }
    }
}

/// The keys after `new` took the lead: the others go on signing for `overlap_s`, and none longer than it would have; those that
/// signed nothing more are forgotten.
pub fn rotated(
    held: &[HeldKey],
    new: HeldKey,
    overlap_s: u64,
    now: UnixMs,
) -> Result<Vec<HeldKey>, RotateError> {
    if overlap_s > OVERLAP_MAX_S {
        return Err(RotateError::Overlap);
    }
    let end = now.plus_ms(overlap_s * 1000);
    let mut keys = vec![new];
    for key in held.iter().filter(|key| key.signs_at(now)) {
        if key.secret == keys[0].secret {
            return Err(RotateError::Same);
        }
        let key = HeldKey {
            expires_at: Some(key.expires_at.map_or(end, |at| at.min(end))),
            ..key.clone()
        };
        if key.signs_at(now) {
            keys.push(key);
        }
    }
    if keys.len() > KEYS_MAX {
        return Err(RotateError::TooMany);
    }
    Ok(keys)
}

impl fmt::Debug for HeldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} until {:?}>", self.id(), self.expires_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8, scheme: Scheme) -> HeldKey {
        HeldKey::new(&SigningKey::from_random(scheme, [n; 32]), UnixMs(0))
    }

    fn signing(keys: &[HeldKey], now: u64) -> Vec<String> {
        keys.iter()
            .filter(|k| k.signs_at(UnixMs(now)))
            .map(HeldKey::id)
            .collect()
    }

    #[test]
    fn the_old_key_signs_beside_the_new_one_until_the_overlap_ends() {
        let (old, new) = (key(1, Scheme::V1), key(2, Scheme::V1a));
        let keys = rotated(std::slice::from_ref(&old), new.clone(), 10, UnixMs(1000)).unwrap();
        assert_eq!(signing(&keys, 10_999), [new.id(), old.id()]);
        assert_eq!(signing(&keys, 11_000), [new.id()]);
        assert_eq!((keys[0].scheme(), keys[1].scheme()), (Scheme::V1a, Scheme::V1));
    }

    #[test]
    fn no_rotation_prolongs_a_key_and_none_keeps_a_dead_one() {
        let first = rotated(&[key(1, Scheme::V1)], key(2, Scheme::V1), 10, UnixMs(0)).unwrap();
        let second = rotated(&first, key(3, Scheme::V1), 100, UnixMs(5000)).unwrap();
        let ends: Vec<_> = second.iter().map(|k| k.expires_at).collect();
        assert_eq!(ends, [None, Some(UnixMs(105_000)), Some(UnixMs(10_000))]);
        let third = rotated(&second, key(4, Scheme::V1), 100, UnixMs(20_000)).unwrap();
        assert_eq!(third.len(), 3);
        assert_eq!(
            rotated(&third, key(5, Scheme::V1), 0, UnixMs(20_000))
                .unwrap()
                .len(),
            1
        );
    }

    #[test]
    fn rotations_have_limits() {
        let mut keys = vec![key(0, Scheme::V1)];
        for n in 1..10 {
            keys = rotated(&keys, key(n, Scheme::V1), 60, UnixMs(0)).unwrap();
        }
        assert_eq!(
            rotated(&keys, key(10, Scheme::V1), 60, UnixMs(0)),
            Err(RotateError::TooMany)
        );
        assert_eq!(
            rotated(&keys, key(9, Scheme::V1), 60, UnixMs(0)),
            Err(RotateError::Same)
        );
        let long = rotated(&keys, key(10, Scheme::V1), OVERLAP_MAX_S + 1, UnixMs(0));
        assert_eq!(long, Err(RotateError::Overlap));
    }

    #[test]
    fn a_keys_name_tells_nothing_of_it() {
        let held = key(1, Scheme::V1);
        assert_eq!(held.id().len(), 20);
        assert!(!format!("{held:?}").contains(&held.secret));
    }
}
