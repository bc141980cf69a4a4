//! What is kept of a code: a keyed MAC over it and whom it is for, under bcrypt where that is wished. Without the pepper, which is not in
//! the store, a million guesses at a stored hash tell nothing.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::code::Code;
use super::pepper::{Bound, Kid, Pepper};

/// How a code is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Hmac,
    /// bcrypt of the MAC at this cost.
    Bcrypt(u32),
}

/// What is stored, and by which pepper.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hash {
    kid: Kid,
    kept: Kept,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Kept {
    Hmac([u8; 32]),
    Bcrypt {
        cost: u32,
        salt: [u8; 16],
        hash: [u8; 24],
    },
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kept {
            Kept::Hmac(_) => "<hmac>",
            Kept::Bcrypt { .. } => "<bcrypt>",
        })
    }
}

impl Scheme {
    /// Takes a tenth of a second, where the other takes microseconds.
    pub fn is_slow(self) -> bool {
        matches!(self, Self::Bcrypt(_))
    }

    /// Slow where it is bcrypt: never on a thread that others wait for.
    pub fn hash(self, pepper: &Pepper, bound: Bound<'_>, code: &Code, salt: [u8; 16]) -> Hash {
        let mac = pepper.mac("hash 1", bound, code.as_str().as_bytes());
        let kept = match self {
            Self::Hmac => Kept::Hmac(mac),
            Self::Bcrypt(cost) => Kept::Bcrypt {
                cost,
                salt,
                hash: bcrypted(cost, salt, &mac),
            },
        };
        Hash {
            kid: pepper.kid(),
            kept,
        }
    }
}

impl Hash {
    /// Of no code, by no pepper.
    pub const NOTHING: Self = Self {
        kid: Kid::NONE,
        kept: Kept::Hmac([0; 32]),
    };

    /// Which pepper its code is compared under.
    pub fn kid(&self) -> Kid {
        self.kid
    }

    pub fn is_slow(&self) -> bool {
        matches!(self.kept, Kept::Bcrypt { .. })
    }

    /// Whether this is its code: as slow as the hashing, and equally slow for every guess.
    pub fn is_of(&self, pepper: &Pepper, bound: Bound<'_>, guess: &Code) -> bool {
        let mac = pepper.mac("hash 1", bound, guess.as_str().as_bytes());
        match &self.kept {
            Kept::Hmac(kept) => kept.ct_eq(&mac).into(),
            Kept::Bcrypt { cost, salt, hash } => hash.ct_eq(&bcrypted(*cost, *salt, &mac)).into(),
        }
    }
}

/// In hexadecimal, for bcrypt ends at a zero byte; 64 letters are within the 72 that it reads.
fn bcrypted(cost: u32, salt: [u8; 16], mac: &[u8; 32]) -> [u8; 24] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 65];
    for (pair, byte) in text.chunks_exact_mut(2).zip(mac) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0x0f)];
    }
    bcrypt::bcrypt(cost, salt, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::{AccountId, VerificationId};
    use crate::core::phone::PhoneNumber;
    use crate::core::verification::address::To;

    fn to(number: &str) -> To {
        To::Number(PhoneNumber::parse(number).unwrap())
    }

    #[test]
    fn a_hash_is_of_its_code_for_its_person_under_its_pepper_alone() {
        let (acme, globex) = (
            AccountId::parse("acme").unwrap(),
            AccountId::parse("globex").unwrap(),
        );
        let (ann, bob) = (to("+12025550143"), to("+12025550144"));
        let bound = Bound {
            account: &acme,
            id: VerificationId([1; 16]),
            to: &ann,
        };
        let (code, pepper) = (Code::parse("482913").unwrap(), Pepper([7; 32]));
        for scheme in [Scheme::Hmac, Scheme::Bcrypt(4)] {
            let hash = scheme.hash(&pepper, bound, &code, [3; 16]);
            let is_of =
                |pepper: &Pepper, bound, code: &str| hash.is_of(pepper, bound, &Code::parse(code).unwrap());
            assert!(is_of(&pepper, bound, "482913"));
            assert!(!is_of(&pepper, bound, "482914"));
            assert!(!is_of(&Pepper([8; 32]), bound, "482913"));
            assert!(!is_of(
                &pepper,
                Bound {
                    account: &globex,
                    ..bound
                },
                "482913"
            ));
            assert!(!is_of(&pepper, Bound { to: &bob, ..bound }, "482913"));
            assert!(!is_of(
                &pepper,
                Bound {
                    id: VerificationId([2; 16]),
                    ..bound
                },
                "482913"
            ));
            let stored = postcard::to_stdvec(&hash).unwrap();
            assert!(!stored.windows(6).any(|part| part == b"482913"));
        }
        assert_eq!(
            format!(
                "{:?} {:?}",
                pepper,
                Scheme::Hmac.hash(&pepper, bound, &code, [0; 16])
            ),
            "<pepper> <hmac>"
        );
    }

    #[test]
    fn salts_make_equal_codes_different() {
        let (acme, ann) = (AccountId::parse("acme").unwrap(), to("+12025550143"));
        let bound = Bound {
            account: &acme,
            id: VerificationId([1; 16]),
            to: &ann,
        };
        let code = Code::parse("482913").unwrap();
        let hash = |salt| Scheme::Bcrypt(4).hash(&Pepper([7; 32]), bound, &code, [salt; 16]);
        assert_ne!(hash(1), hash(2));
    }
}
