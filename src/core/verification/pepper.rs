//! The keys of what is kept of codes. Two peppers live at a time, so that one can be replaced while codes that were made with it are under way;
//! what must not change with them has a key of its own.

use std::fmt;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::address::To;
use super::code::Code;
use crate::core::id::{AccountId, VerificationId};
use crate::core::signature::{self, SigningKey};

/// The key of a code's MACs. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pepper(pub [u8; 32]);

/// Tells peppers apart, and nothing more about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kid([u8; 4]);

impl Kid {
    /// That of no pepper.
    pub const NONE: Self = Self([0; 4]);
}

/// Whom a code is for: the same code for another is another hash.
#[derive(Debug, Clone, Copy)]
pub struct Bound<'a> {
    pub account: &'a AccountId,
    pub id: VerificationId,
    pub to: &'a To,
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<pepper>")
    }
}

impl Pepper {
    pub fn kid(&self) -> Kid {
        let mac = mac(&self.0, &[b"kid 1"]);
        Kid([mac[0], mac[1], mac[2], mac[3]])
    }

    pub(super) fn mac(&self, what: &str, bound: Bound<'_>, last: &[u8]) -> [u8; 32] {
        let parts = [
            what.as_bytes(),
            bound.account.as_str().as_bytes(),
            &bound.id.0,
            bound.to.as_str().as_bytes(),
            last,
        ];
        mac(&self.0, &parts)
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

/// The one that codes are made with, and the one before it.
#[derive(Debug, Clone)]
pub struct Peppers {
    pub newest: Pepper,
    pub before: Option<Pepper>,
}

impl Peppers {
    /// That of a code which is kept; `None`: it was taken away.
    pub fn of(&self, kid: Kid) -> Option<&Pepper> {
        let all = std::iter::once(&self.newest).chain(&self.before);
        all.into_iter().find(|pepper| pepper.kid() == kid)
    }
}

/// The key of what stays when a pepper is replaced. `Debug` hides it.
#[derive(Clone)]
pub struct Lasting([u8; 32]);

impl fmt::Debug for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<lasting key>")
    }
}

impl Lasting {
    pub fn of_master(master: &[u8; 32]) -> Self {
        Self(mac(master, &[b"lasting key 1"]))
    }

    /// Names a person in a log without telling who it is.
    pub fn person(&self, account: &AccountId, to: &To) -> String {
        let parts: [&[u8]; 3] = [b"person 1", account.as_str().as_bytes(), to.as_str().as_bytes()];
        mac(&self.0, &parts)[..8]
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// What an account's webhooks of contract 003 are signed with.
    pub fn telnyx_key(&self, account: &AccountId) -> SigningKey {
        let key = mac(&self.0, &[b"telnyx 1", account.as_str().as_bytes()]);
        SigningKey::from_random(signature::Scheme::V1a, key)
    }
}

/// Every part with its length before it, so that no two run together.
fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::phone::PhoneNumber;

    fn ann() -> To {
        To::Number(PhoneNumber::parse("+12025550143").unwrap())
    }

    #[test]
    fn a_pepper_is_found_by_its_kid_while_it_lives() {
        let [old, new] = [Pepper([7; 32]), Pepper([8; 32])];
        let peppers = |before| Peppers {
            newest: new.clone(),
            before,
        };
        let both = peppers(Some(old.clone()));
        assert_eq!(both.of(new.kid()), Some(&new));
        assert_eq!(both.of(old.kid()), Some(&old));
        assert_eq!(peppers(None).of(old.kid()), None);
        assert_eq!(both.of(Kid::NONE), None);
        assert!(!format!("{both:?}").contains('7'), "{both:?}");
    }

    #[test]
    fn what_lasts_depends_on_the_master_key_and_the_account() {
        let [acme, globex] = ["acme", "globex"].map(|name| AccountId::parse(name).unwrap());
        let [one, other] = [[1; 32], [2; 32]].map(|master| Lasting::of_master(&master));
        let person = one.person(&acme, &ann());
        assert_eq!(person, one.person(&acme, &ann()));
        assert_ne!(person, one.person(&globex, &ann()));
        assert_ne!(person, other.person(&acme, &ann()));
        let key = |of: &Lasting, account| of.telnyx_key(account).to_string();
        assert_eq!(key(&one, &acme), key(&one, &acme));
        assert_ne!(key(&one, &acme), key(&one, &globex));
        assert_ne!(key(&one, &acme), key(&other, &acme));
        assert_eq!(format!("{one:?}"), "<lasting key>");
    }

    proptest! {
        /// The code that can be told again is the same each time, and another for another verification.
        #[test]
        fn a_derived_code_depends_on_its_verification(id: [u8; 16], digits in 6u8..=10) {
            let (acme, ann) = (AccountId::parse("acme").unwrap(), ann());
            let code = |id, pepper| Pepper(pepper).code(Bound { account: &acme, id: VerificationId(id), to: &ann }, digits);
            prop_assert_eq!(code(id, [7; 32]), code(id, [7; 32]));
            prop_assert_eq!(code(id, [7; 32]).as_str().len(), usize::from(digits));
        }
    }
}
