//! Secrets and content at rest: every record is sealed with XChaCha20-Poly1305 under a key derived from the master key and bound to its place.

use std::cell::RefCell;
use std::fmt;

use chacha20poly1305::aead::{Aead, AeadInPlace, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use super::Error;
use crate::core::phone::PhoneNumber;

/// First byte of every sealed record.
const RECORD_VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
/// Room that most records fit into without growing.
const RECORD_BYTES_USUAL: usize = 768;
/// Nonces that are drawn at a time: one call of the system for so many records.
const NONCES_DRAWN: usize = 64;

/// The keys of a store. `Debug` shows nothing of them.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
    blind: [u8; 32],
    check: [u8; 16],
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// Derives the record key and the key that hides phone numbers in keys from the 32-byte master key.
    pub fn new(master: &[u8; 32]) -> Self {
        let cipher = XChaCha20Poly1305::new(&derive(master, "record key 1").into());
        let mut check = [0; 16];
        check.copy_from_slice(&derive(master, "check 1")[..16]);
        Self {
            cipher,
            blind: derive(master, "number key 1"),
            check,
        }
    }

    /// Tells whether a store was written under this master key, and nothing more about it.
    pub fn check_value(&self) -> [u8; 16] {
        self.check
    }

    /// A phone number as it stands in a key.
    pub fn blind(&self, number: &PhoneNumber) -> [u8; 16] {
        self.blind_text(number.as_str())
    }

    /// Any text that may hold a number, as it stands in a key.
    pub fn blind_text(&self, text: &str) -> [u8; 16] {
        let mut id = [0; 16];
        id.copy_from_slice(&derive(&self.blind, text)[..16]);
        id
    }

    /// Encodes and seals a record for this key: moved to another key it no longer opens.
    pub fn seal<T: Serialize>(&self, key: &[u8], value: &T) -> Result<Vec<u8>, Error> {
        let nonce = nonce()?;
        let mut record = Vec::with_capacity(RECORD_BYTES_USUAL);
        record.push(RECORD_VERSION);
        record.extend_from_slice(&nonce);
        let mut record =
            postcard::to_extend(value, record).map_err(|_| Error::Damaged("a record cannot be encoded"))?;
        let plain = &mut record[1 + NONCE_BYTES..];
        let tag = self
            .cipher
            .encrypt_in_place_detached(XNonce::from_slice(&nonce), key, plain);
        record.extend_from_slice(&tag.map_err(|_| Error::Damaged("a record cannot be sealed"))?);
        Ok(record)
    }

    /// Opens what was sealed for this key. The tag is the record's checksum: a flipped bit is an error, never another value.
    pub fn open<T: DeserializeOwned>(&self, key: &[u8], record: &[u8]) -> Result<T, Error> {
        postcard::from_bytes(&self.unseal(key, record)?)
            .map_err(|_| Error::Damaged("a record does not decode"))
    }

    /// As `open`, without asking what it is a record of.
    pub fn unseal(&self, key: &[u8], record: &[u8]) -> Result<Vec<u8>, Error> {
        let (version, rest) = record.split_first().ok_or(Error::Damaged("an empty record"))?;
        if *version != RECORD_VERSION || rest.len() < NONCE_BYTES {
            return Err(Error::Damaged("a record of an unknown form"));
        }
        let (nonce, sealed) = rest.split_at(NONCE_BYTES);
        let plain = self.cipher.decrypt(
            XNonce::from_slice(nonce),
            Payload {
                msg: sealed,
                aad: key,
            },
        );
        plain.map_err(|_| Error::Damaged("a record fails its check: wrong key, or damaged media"))
    }
}

/// Random bytes of the system, drawn in advance.
struct Drawn {
    bytes: [u8; NONCES_DRAWN * NONCE_BYTES],
    used: usize,
}

thread_local! {
    static DRAWN: RefCell<Drawn> = const { RefCell::new(Drawn { bytes: [0; NONCES_DRAWN * NONCE_BYTES], used: NONCES_DRAWN * NONCE_BYTES }) };
}

/// A nonce that no other record gets: 192 random bits.
fn nonce() -> Result<[u8; NONCE_BYTES], Error> {
    DRAWN.with_borrow_mut(|drawn| {
        if drawn.used == drawn.bytes.len() {
            getrandom::fill(&mut drawn.bytes)
                .map_err(|_| Error::Damaged("the system gives no random bytes"))?;
            drawn.used = 0;
        }
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&drawn.bytes[drawn.used..drawn.used + NONCE_BYTES]);
        drawn.used += NONCE_BYTES;
        Ok(nonce)
    })
}

fn derive(key: &[u8; 32], what: &str) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(what.as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_record_opens_only_in_its_place_and_under_its_key() {
        let vault = Vault::new(&[1; 32]);
        let sealed = vault.seal(b"place", &"secret".to_string()).unwrap();
        assert_eq!(vault.open::<String>(b"place", &sealed).unwrap(), "secret");
        assert!(vault.open::<String>(b"other", &sealed).is_err());
        assert!(Vault::new(&[2; 32]).open::<String>(b"place", &sealed).is_err());
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
    }

    #[test]
    fn numbers_are_blinded_by_the_master_key() {
        let number = PhoneNumber::parse("+12025550143").unwrap();
        assert_ne!(
            Vault::new(&[1; 32]).blind(&number),
            Vault::new(&[2; 32]).blind(&number)
        );
        assert_eq!(format!("{:?}", Vault::new(&[1; 32])), "Vault");
    }

    #[test]
    fn no_nonce_comes_twice() {
        let drawn = || (0..1000).map(|_| nonce().unwrap()).collect::<Vec<_>>();
        let mut all = std::thread::spawn(drawn).join().unwrap();
        all.extend(drawn());
        assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), 2000);
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_seen(text in ".{0,80}", at: prop::sample::Index, bit in 0u8..8) {
            let vault = Vault::new(&[3; 32]);
            let mut sealed = vault.seal(b"k", &text).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(vault.open::<String>(b"k", &sealed).is_err());
        }

        #[test]
        fn opening_anything_never_panics(bytes: Vec<u8>) {
            prop_assert!(Vault::new(&[3; 32]).open::<String>(b"k", &bytes).is_err());
        }
    }
}
