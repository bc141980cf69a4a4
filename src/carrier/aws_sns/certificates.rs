//! The certificates that SNS signs with, by the URL that each came from: pinned ones for good, fetched ones for a while. Fetching is done
//! elsewhere; here is only what is held, what is missing, and what was asked for in vain.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use super::super::settings::SettingsError;
use super::trusted_cert_url;
use crate::core::time::UnixMs;

/// Certificates of each kind per source; AWS has one per region and a new one about once a year.
const CERTIFICATES_MAX: usize = 16;
/// After a day a fetched certificate is fetched again, so that one that AWS takes back is not believed for long.
const FRESH_MS: u64 = 24 * 3600 * 1000;
/// A fetched certificate is used for a week while fetching it again fails: SNS gives a message up after four tries.
const USABLE_MS: u64 = 7 * FRESH_MS;
/// A URL that gave no certificate is not asked again for a minute: strangers can name any number of them.
const REFUSED_MS: u64 = 60 * 1000;
/// URLs that are remembered as giving none.
const REFUSED_MAX: usize = 64;
/// `SEQUENCE { rsaEncryption, NULL }` in DER (RFC 8017 A.1).
const RSA_ENCRYPTION: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

#[derive(Debug)]
pub struct Certificates {
    pinned: BTreeMap<String, RsaKey>,
    fetched: RwLock<Fetched>,
}

#[derive(Debug, Default)]
struct Fetched {
    held: BTreeMap<String, (RsaKey, UnixMs)>,
    /// When each URL was asked in vain.
    refused: BTreeMap<String, UnixMs>,
}

/// An RSA public key (PKCS #1 DER). `Debug` is short, for there is nothing to read in it.
#[derive(Clone)]
pub struct RsaKey(Vec<u8>);

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<rsa key {} B>", self.0.len())
    }
}

impl AsRef<[u8]> for RsaKey {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Certificates {
    pub fn new(pinned: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let read = |(url, pem): (&String, &String)| {
            let key = public_key(pem.as_bytes()).filter(|_| trusted_cert_url(url))?;
            Some((url.clone(), key))
        };
        let expected = "`https://sns.<region>.amazonaws.com/..pem` = an RSA certificate in PEM, 16 at most";
        let keys: Option<BTreeMap<_, _>> = pinned.iter().map(read).collect();
        let pinned = keys
            .filter(|keys| keys.len() <= CERTIFICATES_MAX)
            .ok_or(SettingsError::Value {
                key: "certificates",
                expected,
            })?;
        Ok(Self {
            pinned,
            fetched: RwLock::default(),
        })
    }

    pub fn get(&self, url: &str, now: UnixMs) -> Option<RsaKey> {
        if let Some(key) = self.pinned.get(url) {
            return Some(key.clone());
        }
        let fetched = self.fetched.read().unwrap_or_else(PoisonError::into_inner);
        let (key, at) = fetched.held.get(url)?;
        (now.since(*at) < USABLE_MS).then(|| key.clone())
    }

    /// Whether this one should be fetched now.
    pub fn wants(&self, url: &str, now: UnixMs) -> bool {
        let fetched = self.fetched.read().unwrap_or_else(PoisonError::into_inner);
        let younger = |at: Option<UnixMs>, age_ms| at.is_some_and(|at| now.since(at) < age_ms);
        !self.pinned.contains_key(url)
            && !younger(fetched.held.get(url).map(|(_, at)| *at), FRESH_MS)
            && !younger(fetched.refused.get(url).copied(), REFUSED_MS)
    }

    /// Takes what was fetched from there; whether it is a certificate. Trust comes of where it was fetched from: its chain and its
    /// dates are not judged, as in AWS's own validators.
    pub fn take(&self, url: &str, pem: Option<&[u8]>, now: UnixMs) -> bool {
        let key = pem.and_then(public_key).filter(|_| trusted_cert_url(url));
        let mut fetched = self.fetched.write().unwrap_or_else(PoisonError::into_inner);
        let Fetched { held, refused } = &mut *fetched;
        let taken = key.is_some();
        if let Some(key) = key {
            refused.remove(url);
            make_room(held, CERTIFICATES_MAX, url, |(_, at)| *at);
            held.insert(url.to_owned(), (key, now));
        } else {
            make_room(refused, REFUSED_MAX, url, |at| *at);
            refused.insert(url.to_owned(), now);
        }
        taken
    }
}

/// Lets the oldest entry go where there is no room for another.
fn make_room<V>(map: &mut BTreeMap<String, V>, entries_max: usize, url: &str, at: impl Fn(&V) -> UnixMs) {
    if map.len() < entries_max || map.contains_key(url) {
        return;
    }
    let oldest = map.iter().min_by_key(|(_, value)| at(value));
    if let Some(oldest) = oldest.map(|(url, _)| url.clone()) {
        map.remove(&oldest);
    }
}

/// The RSA key of a certificate in PEM.
fn public_key(pem: &[u8]) -> Option<RsaKey> {
    use rustls_pki_types::pem::PemObject as _;
    let certificate = rustls_pki_types::CertificateDer::from_pem_slice(pem).ok()?;
    let spki = webpki::EndEntityCert::try_from(&certificate)
        .ok()?
        .subject_public_key_info();
    // Four bytes open the sequence around algorithm and key, five the bit string around the key, for a key of 2048 bits or more.
    let (algorithm, key) = spki.get(4..)?.split_at_checked(RSA_ENCRYPTION.len())?;
    if algorithm == RSA_ENCRYPTION {
        key.get(5..).map(|key| RsaKey(key.to_vec()))
    } else {
        None
    }
}
