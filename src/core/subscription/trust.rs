//! Whose certificate a subscription's receiver may show, where it is not the public authorities': there is no switch that
//! accepts any.

use serde::{Deserialize, Serialize};

/// Bytes of an authority's certificates as PEM.
pub const PEM_BYTES_MAX: usize = 16 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Trust {
    /// A chain to a public authority, and the host's name in the certificate.
    #[default]
    Public,
    /// As `Public`, but the chain leads to one of these certificates alone. PEM.
    Authority(String),
    /// The receiver's own certificate has this SHA-256, whoever issued it and whatever name and time it shows.
    Certificate([u8; 32]),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("\"trust.ca\" is PEM certificates of at most {PEM_BYTES_MAX} bytes in all")]
    Authority,
    #[error(
        "\"trust.certificateSha256\" is 64 hexadecimal digits: openssl x509 -in FILE -outform der | sha256sum"
    )]
    Certificate,
}

impl Trust {
    /// Whether the certificates can be used is for the one who speaks TLS to say.
    pub fn authority(pem: String) -> Result<Self, Error> {
        if pem.len() <= PEM_BYTES_MAX && pem.contains("-----BEGIN CERTIFICATE-----") {
            Ok(Self::Authority(pem))
        } else {
            Err(Error::Authority)
        }
    }

    /// Reads the hash as openssl prints it, with or without colons.
    pub fn certificate(hex: &str) -> Result<Self, Error> {
        let digits: String = hex.chars().filter(|c| *c != ':').collect();
        let mut hash = [0; 32];
        if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Error::Certificate);
        }
        for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| Error::Certificate)?;
        }
        Ok(Self::Certificate(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_with_and_without_colons() {
        let pin = Trust::Certificate([0xab; 32]);
        assert_eq!(Trust::certificate(&"ab".repeat(32)), Ok(pin.clone()));
        assert_eq!(Trust::certificate(&["AB"; 32].join(":")), Ok(pin));
        for bad in ["", "ab", &"xy".repeat(32), &"+a".repeat(32)] {
            assert_eq!(Trust::certificate(bad), Err(Error::Certificate), "{bad}");
        }
        assert_eq!(Trust::authority("a key".into()), Err(Error::Authority));
    }
}
