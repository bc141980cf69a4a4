//! Ids that are written as UUIDs. Those that are made here are of version 7: 48 bits of time, then 74 random bits.

use std::fmt;
use std::str::FromStr;

use super::{Error, hex, text, timed, unhex};
use crate::core::time::UnixMs;

/// Any 16 bytes as a UUID writes them, in small letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Uuid(pub [u8; 16]);

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = hex(&self.0);
        for (at, range) in [0..8, 8..12, 12..16, 16..20, 20..32].into_iter().enumerate() {
            if at > 0 {
                f.write_str("-")?;
            }
            f.write_str(text(&hex[range]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() != 36 || [8, 13, 18, 23].iter().any(|at| text.as_bytes()[*at] != b'-') {
            return Err(Error::Id);
        }
        unhex(&text.replace('-', "")).map(Self)
    }
}

/// The time, then chance, with the bits that say so.
pub(super) fn version_7(now: UnixMs, random: [u8; 10]) -> [u8; 16] {
    let mut bytes = timed(now, random);
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    bytes
}

/// The 16-byte ids that are written as UUIDs.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            pub fn new(now: UnixMs, random: [u8; 10]) -> Self {
                Self(uuid::version_7(now, random))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&uuid::Uuid(self.0), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                text.parse().map(|uuid: uuid::Uuid| Self(uuid.0))
            }
        }
    };
}

pub(super) use uuid_id;
