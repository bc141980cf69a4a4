//! HMAC in the hashes that carriers use, and comparison in constant time. The expected value is encoded and compared as text, so that
//! nothing the network sent is decoded first.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

/// Which hash is under the HMAC; fixed per configured source, never taken from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Sha1,
    Sha256,
}

/// HMAC over the pieces of `message`, one after the other.
pub fn hmac(hash: Hash, key: &[u8], message: &[&[u8]]) -> Vec<u8> {
    match hash {
        Hash::Sha1 => tag::<Hmac<Sha1>>(key, message),
        Hash::Sha256 => tag::<Hmac<Sha256>>(key, message),
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

pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Equal in a time that depends only on the lengths.
pub fn same(expected: &str, given: &str) -> bool {
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}

/// Lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|b| [b >> 4, b & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}
