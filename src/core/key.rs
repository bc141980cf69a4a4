//! API keys: how one is made, what is stored of it (a hash) and what it may do; the key itself is shown once and kept nowhere.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::id::AccountId;
use super::scope::Scopes;
use super::time::UnixMs;

/// Longest key we look at, in bytes.
pub const KEY_BYTES_MAX: usize = 256;
/// Length of a key that we made, and of the part of it that is its name.
const PLAIN_BYTES: usize = 60;
const ID_BYTES: usize = 20;
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
        Some((body, letters)) if key.len() == PLAIN_BYTES => check(body) == letters,
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

/// What a key is called without telling its secret: the first letters of one that we made, a name derived from the hash of another's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyId(String);

impl KeyId {
    fn of(plain: &str) -> Self {
        if plain.len() == PLAIN_BYTES && plain.starts_with("rb_") {
            return Self(plain[..ID_BYTES].to_owned());
        }
        // Of the hash's hash: the hash itself is what a key is found by.
        let twice: [u8; 32] = Sha256::digest(Hash::of(plain).0).into();
        let letters = twice[..12]
            .iter()
            .map(|b| char::from(ALPHABET[usize::from(*b) % 62]));
        Self(format!("own_{}", letters.collect::<String>()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is stored of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub hash: Hash,
    pub id: KeyId,
    /// The first key of those that replaced one another, down to this one: what they made belongs to all of them.
    pub line: KeyId,
    pub account: AccountId,
    pub scopes: Scopes,
    /// Its holder's words.
    pub name: String,
    pub created_at: UnixMs,
    /// From then on it is as unknown as a revoked one.
    pub expires_at: Option<UnixMs>,
    /// Another has taken its place; it works on for its overlap.
    pub is_replaced: bool,
    /// It may stand in a URL, as contract 001 sends it; URLs end up in the logs of proxies, so this is off unless asked for.
    pub allow_query_key: bool,
    pub version: u32,
}

impl Key {
    pub fn new(plain: &str, account: AccountId, created_at: UnixMs) -> Self {
        let id = KeyId::of(plain);
        Self {
            hash: Hash::of(plain),
            line: id.clone(),
            id,
            account,
            scopes: Scopes::ALL,
            name: String::new(),
            created_at,
            expires_at: None,
            is_replaced: false,
            allow_query_key: false,
            version: 0,
        }
    }

    /// Made as `rb_test_`: for a sandbox alone.
    pub fn is_test(&self) -> bool {
        self.id.0.starts_with("rb_test_")
    }

    pub fn is_expired(&self, now: UnixMs) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// A new key in this one's place, as this one was made; and this one as it will be: it works for `overlap_ms` more, if it would have.
    pub fn rotated(&self, plain: &str, overlap_ms: u64, now: UnixMs) -> (Self, Self) {
        let lifetime_ms = self.expires_at.map(|at| at.since(self.created_at));
        let next = Self {
            scopes: self.scopes,
            name: self.name.clone(),
            expires_at: lifetime_ms.map(|ms| now.plus_ms(ms)),
            allow_query_key: self.allow_query_key,
            line: self.line.clone(),
            ..Self::new(plain, self.account.clone(), now)
        };
        let until = now.plus_ms(overlap_ms);
        let old = Self {
            expires_at: Some(self.expires_at.map_or(until, |at| at.min(until))),
            is_replaced: true,
            version: self.version + 1,
            ..self.clone()
        };
        (old, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::scope::Scope;
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

    #[test]
    fn a_key_is_named_without_its_secret() {
        let account = || AccountId::parse("acme").unwrap();
        let made = Plain::generate(false, &[7; 44]);
        let key = Key::new(made.as_str(), account(), UnixMs(0));
        assert_eq!(key.id.as_str(), &made.as_str()[..20]);
        assert!(key.is_test() && !Key::new("rb_test_own_choice", account(), UnixMs(0)).is_test());
        for own in ["tk_live_own_choice", "rb_short_own_choice"] {
            let id = Key::new(own, account(), UnixMs(0)).id;
            assert!(
                id.as_str().starts_with("own_") && id.as_str().len() == 16,
                "{id:?}"
            );
            assert!(
                own.as_bytes()
                    .windows(6)
                    .all(|part| !id.as_str().contains(std::str::from_utf8(part).unwrap()))
            );
        }
    }

    #[test]
    fn a_rotation_keeps_what_the_key_was_made_with_and_ends_the_old_one() {
        let mut key = Key::new("a", AccountId::parse("acme").unwrap(), UnixMs(1000));
        (key.name, key.allow_query_key) = ("ci".into(), true);
        key.scopes = Scopes::of([Scope::Mcp]);
        let (old, next) = key.rotated("b", 500, UnixMs(3000));
        assert_eq!(
            (old.hash, old.expires_at, old.version),
            (key.hash, Some(UnixMs(3500)), 1)
        );
        assert!(old.is_replaced && !next.is_replaced);
        assert_eq!((next.scopes, &next.line), (key.scopes, &key.id));
        assert_ne!(next.id, key.id);
        assert_eq!(next.rotated("c", 0, UnixMs(0)).1.line, key.id);
        assert_eq!(
            (next.name.as_str(), next.allow_query_key, next.expires_at),
            ("ci", true, None)
        );
        assert!(!old.is_expired(UnixMs(3499)) && old.is_expired(UnixMs(3500)));

        key.expires_at = Some(UnixMs(3100));
        let (old, next) = key.rotated("b", 500, UnixMs(3000));
        assert_eq!(
            old.expires_at,
            Some(UnixMs(3100)),
            "an overlap gives no more time than there was"
        );
        assert_eq!(
            next.expires_at,
            Some(UnixMs(5100)),
            "as long as the old one was given"
        );
    }

    proptest! {
        #[test]
        fn made_keys_are_plausible(random in proptest::collection::vec(any::<u8>(), 44), live: bool) {
            let random: [u8; 44] = random.try_into().unwrap();
            prop_assert!(is_plausible(Plain::generate(live, &random).as_str()));
        }
    }
}
