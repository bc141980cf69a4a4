//! Whom a code is sent to: a number in strict E.164, or an e-mail address.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::phone::PhoneNumber;

/// RFC 5321: a path of 256 bytes, less its brackets.
const EMAIL_BYTES_MAX: usize = 254;
const LOCAL_BYTES_MAX: usize = 64;

/// An e-mail address; its host in small letters. `Debug` shows only the host.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Email(String);

impl Email {
    /// What a mail server can be handed: an unquoted local part and a host of two labels or more.
    pub fn parse(text: &str) -> Option<Self> {
        let (local, host) = text.rsplit_once('@')?;
        let is_local = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let fits = text.len() <= EMAIL_BYTES_MAX
            && (1..=LOCAL_BYTES_MAX).contains(&local.len())
            && local.bytes().all(is_local)
            && local.split('.').all(|part| !part.is_empty())
            && host.contains('.')
            && host.split('.').all(is_label);
        fits.then(|| Self(format!("{local}@{}", host.to_ascii_lowercase())))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.rsplit_once('@').map_or("", |(_, host)| host);
        write!(f, "***@{host}")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum To {
    Number(PhoneNumber),
    Email(Email),
}

impl To {
    /// A number as E.164 writes it, and nothing that could be meant as one.
    pub fn strict_number(text: &str) -> Option<PhoneNumber> {
        let number = PhoneNumber::parse(text).ok()?;
        (number.as_str() == text).then_some(number)
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Number(number) => number.as_str(),
            Self::Email(email) => email.as_str(),
        }
    }

    pub fn number(&self) -> Option<&PhoneNumber> {
        match self {
            Self::Number(number) => Some(number),
            Self::Email(_) => None,
        }
    }

    /// A number without its last four digits: the block of numbers that it is in.
    pub fn block_of_10000(&self) -> Option<&str> {
        let number = self.number()?.as_str();
        Some(&number[..number.len() - 4])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_taken_as_mail_servers_take_them() {
        for good in ["ann@example.com", "a.b+c@mail.example.co.uk", "o'neil@x-y.org"] {
            assert_eq!(Email::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(
            Email::parse("Ann@EXAMPLE.com").unwrap().as_str(),
            "Ann@example.com"
        );
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@host",
            "a b@example.com",
            "a..b@example.com",
            ".a@example.com",
            "ann@-x.com",
            "ann@x..com",
            "\"q\"@example.com",
            "ann@[127.0.0.1]",
            "ann@example.com\r\nBcc: x@y.z",
            "änn@example.com",
        ] {
            assert_eq!(Email::parse(bad), None, "{bad}");
        }
        assert_eq!(Email::parse(&format!("{}@example.com", "a".repeat(65))), None);
        assert_eq!(
            format!("{:?}", Email::parse("ann@example.com").unwrap()),
            "***@example.com"
        );
    }

    #[test]
    fn a_number_has_one_spelling() {
        assert!(To::strict_number("+12025550143").is_some());
        for loose in [
            "12025550143",
            "+1 202 555 0143",
            "+1(202)5550143",
            "2025550143",
            "+0202555014",
        ] {
            assert_eq!(To::strict_number(loose), None, "{loose}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_is_idempotent(text in ".{0,40}") {
            let _ = To::strict_number(&text);
            if let Some(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Some(email));
            }
        }
    }
}
