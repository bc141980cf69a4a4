//! What is kept of a code: a keyed MAC over it and whom it is for, under bcrypt where that is wished. Without the pepper, which is not in
//! the store, a million guesses at a stored hash tell nothing.

use std::fmt;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::address::To;
use super::code::Code;
use crate::core::id::{AccountId, VerificationId};
use crate::core::signature::{self, SigningKey};

/// The key of every MAC. `Debug` hides it.
#[derive(Clone)]
pub struct Pepper(pub [u8; 32]);

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<pepper>")
    }
}

/// Whom a code is for: the same code for another is another hash.
#[derive(Debug, Clone, Copy)]
pub struct Bound<'a> {
    pub account: &'a AccountId,
    pub id: VerificationId,
    pub to: &'a To,
}

/// How a code is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Hmac,
    /// bcrypt of the MAC at this cost.
    Bcrypt(u32),
}

/// What is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hash {
    Hmac([u8; 32]),
    Bcrypt {
        cost: u32,
        salt: [u8; 16],
        hash: [u8; 24],
    },
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hmac(_) => "<hmac>",
            Self::Bcrypt { .. } => "<bcrypt>",
        })
    }
}

impl Pepper {
    /// Every part with its length before it, so that no two run together.
    fn mac(&self, what: &str, bound: Bound<'_>, last: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        let parts = [
            what.as_bytes(),
            bound.account.as_str().as_bytes(),
            &bound.id.0,
            bound.to.as_str().as_bytes(),
            last,
        ];
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// What an account's webhooks of contract 003 are signed with.
    pub fn telnyx_key(&self, account: &AccountId) -> SigningKey {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(b"telnyx 1\0");
        mac.update(account.as_str().as_bytes());
        SigningKey::from_random(signature::Scheme::V1a, mac.finalize().into_bytes().into())
    }

    /// Names a person in a log without telling who it is.
    pub fn person(&self, account: &AccountId, to: &To) -> String {
        let nobody = VerificationId([0; 16]);
        let bound = Bound {
            account,
            id: nobody,
            to,
        };
        let mac = self.mac("person 1", bound, &[]);
        mac[..8]
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// A code that can be told again without being kept: the pepper and the verification's random id decide it.
    pub fn code(&self, bound: Bound<'_>, digits: u8) -> Code {
        let mut drawn = Vec::new();
        let mut block = 0u32;
        Code::drawn(digits, || {
            if drawn.is_empty() {
                drawn = self.mac("code 1", bound, &block.to_be_bytes()).to_vec();
                block += 1;
            }
            drawn.pop().unwrap_or(u8::MAX)
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
        match self {
            Self::Hmac => Hash::Hmac(mac),
            Self::Bcrypt(cost) => Hash::Bcrypt {
                cost,
                salt,
                hash: bcrypted(cost, salt, &mac),
            },
        }
    }
}

impl Hash {
    pub fn is_slow(&self) -> bool {
        matches!(self, Self::Bcrypt { .. })
    }

    /// Whether this is its code: as slow as the hashing, and equally slow for every guess.
    pub fn is_of(&self, pepper: &Pepper, bound: Bound<'_>, guess: &Code) -> bool {
        let mac = pepper.mac("hash 1", bound, guess.as_str().as_bytes());
        match self {
            Self::Hmac(kept) => kept.ct_eq(&mac).into(),
            Self::Bcrypt { cost, salt, hash } => hash.ct_eq(&bcrypted(*cost, *salt, &mac)).into(),
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
    use proptest::prelude::*;

    use super::*;
    use crate::core::phone::PhoneNumber;

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

    proptest! {
        /// The code that can be told again is the same each time, and another for another verification.
        #[test]
        fn a_derived_code_depends_on_its_verification(id: [u8; 16], digits in 6u8..=10) {
            let (acme, ann) = (AccountId::parse("acme").unwrap(), to("+12025550143"));
            let code = |id, pepper| Pepper(pepper).code(Bound { account: &acme, id: VerificationId(id), to: &ann }, digits);
            prop_assert_eq!(code(id, [7; 32]), code(id, [7; 32]));
            prop_assert_eq!(code(id, [7; 32]).as_str().len(), usize::from(digits));
        }
    }
}
