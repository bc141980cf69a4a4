//! API keys: how one is made, what is stored of it (a hash) and what it may do; the key itself is shown once and kept nowhere.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::id::AccountId;
use super::time::UnixMs;

/// Longest key we look at, in bytes.
pub const KEY_BYTES_MAX: usize = 256;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key as its holder writes it: `rb_live_<12 id>_<32 secret>_<6 check>`. `Debug` hides it.
pub struct Plain(String);

impl Plain {
    /// 190 bits of secret from 44 random bytes; `live` only chooses the prefix.
    pub fn generate(live: bool, random: &[u8; 44]) -> Self {
        let letters: String = random
            .iter()
            .map(|b| char::from(ALPHABET[usize::from(*b) % 62]))
            .collect();
        let mode = if live { "live" } else { "test" };
        let body = format!("rb_{mode}_{}_{}", &letters[..12], &letters[12..]);
        let check = check(&body);
        Self(format!("{body}_{check}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<api key>")
    }
}

/// CRC-32 in six letters: a mistyped key is told from a revoked one without a look-up.
fn check(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut letters = [0; 6];
    for letter in &mut letters {
        *letter = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    letters.iter().map(|b| char::from(*b)).collect()
}

/// False for a key of our own form whose check letters are wrong; keys of another form are the operator's choice.
pub fn is_plausible(key: &str) -> bool {
    if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return false;
    }
    match key.strip_prefix("rb_").and_then(|_| key.rsplit_once('_')) {
        Some((body, letters)) if key.len() == 60 => check(body) == letters,
        _ => true,
    }
}

/// SHA-256 of the whole key. The keys have 190 random bits, so a plain hash cannot be reversed by guessing;
/// and finding a row by this hash tells a timing observer nothing about the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {:02x}{:02x}..", self.0[0], self.0[1])
    }
}

/// What is stored of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub hash: Hash,
    pub account: AccountId,
    /// What lists show: the first letters of the key, never its secret.
    pub label: String,
    pub created_at: UnixMs,
    /// It may stand in a URL, as contract 001 sends it; URLs end up in the logs of proxies, so this is off unless asked for.
    pub allow_query_key: bool,
}

impl Key {
    pub fn new(plain: &str, account: AccountId, created_at: UnixMs) -> Self {
        let label = if plain.starts_with("rb_") {
            plain.chars().take(20).collect()
        } else {
            "own".into()
        };
        Self {
            hash: Hash::of(plain),
            account,
            label,
            created_at,
            allow_query_key: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_typo_is_seen_without_a_look_up() {
        let key = Plain::generate(true, &[7; 44]);
        assert!(is_plausible(key.as_str()));
        assert_eq!(key.as_str().len(), 60);
        let typo = key.as_str().replacen('7', "8", 1);
        assert!(!is_plausible(&typo));
        assert!(is_plausible("tk_live_own_choice"));
        assert!(!is_plausible("with space"));
        assert_eq!(format!("{key:?}"), "<api key>");
    }

    proptest! {
        #[test]
        fn made_keys_are_plausible(random in proptest::collection::vec(any::<u8>(), 44), live: bool) {
            let random: [u8; 44] = random.try_into().unwrap();
            prop_assert!(is_plausible(Plain::generate(live, &random).as_str()));
        }
    }
}
