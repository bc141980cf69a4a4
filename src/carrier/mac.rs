//! HMAC in the hashes that carriers use, and comparison in constant time. The expected value is encoded and compared as text, so that
//! nothing the network sent is decoded first.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use md5::Md5;
use serde::Deserialize;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq as _;

/// Which hash is under the HMAC; fixed per configured source, never taken from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// HMAC over the pieces of `message`, one after the other.
pub fn hmac(hash: Hash, key: &[u8], message: &[&[u8]]) -> Vec<u8> {
    match hash {
        Hash::Md5 => tag::<Hmac<Md5>>(key, message),
        Hash::Sha1 => tag::<Hmac<Sha1>>(key, message),
        Hash::Sha256 => tag::<Hmac<Sha256>>(key, message),
        Hash::Sha384 => tag::<Hmac<Sha384>>(key, message),
        Hash::Sha512 => tag::<Hmac<Sha512>>(key, message),
    }
}

fn tag<M: Mac + hmac::digest::KeyInit>(key: &[u8], message: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as Mac>::new_from_slice(key).expect("HMAC takes keys of any length");
    message.iter().for_each(|piece| mac.update(piece));
    mac.finalize().into_bytes().to_vec()
}

pub fn hmac_base64(hash: Hash, key: &[u8], message: &[&[u8]]) -> String {
    BASE64_STANDARD.encode(hmac(hash, key, message))
}

pub fn hmac_hex(hash: Hash, key: &[u8], message: &[&[u8]]) -> String {
    hex(&hmac(hash, key, message))
}

pub fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&sha256(bytes))
}

/// Equal in a time that depends only on the lengths.
pub fn same(expected: &str, given: &str) -> bool {
    same_bytes(expected.as_bytes(), given.as_bytes())
}

pub fn same_bytes(expected: &[u8], given: &[u8]) -> bool {
    expected.ct_eq(given).into()
}

/// Lower case.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes
        .iter()
        .flat_map(|b| [digit(b >> 4), digit(b & 15)])
        .collect()
}

/// Hex in either case; `None` for anything else.
pub fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let (pairs, rest) = text.as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    if rest.is_empty() {
        pairs.iter().map(byte).collect()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_there_and_back() {
        assert_eq!(hex(&[0, 0x9f, 0xff]), "009fff");
        assert_eq!(unhex(b"009fFf"), Some(vec![0, 0x9f, 0xff]));
        assert_eq!(
            (unhex(b"0"), unhex(b"0g"), unhex(b"+f"), unhex(b"")),
            (None, None, None, Some(Vec::new()))
        );
    }

    /// RFC 2202 and RFC 4231, test case 2 of each.
    #[test]
    fn hmac_agrees_with_the_rfcs() {
        let tag = |hash| hmac_hex(hash, b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(tag(Hash::Md5), "750c783e6ab0b503eaa86e310a5db738");
        assert_eq!(tag(Hash::Sha1), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(
            tag(Hash::Sha256),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert!(tag(Hash::Sha384).starts_with("af45d2e376484031617f78d2b58a6b1b"));
        assert!(tag(Hash::Sha512).starts_with("164b7a7bfcf819e2e395fbe73b56e0a3"));
    }
}
