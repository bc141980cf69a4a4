//! Phone numbers and the other things that can stand in a From or To field; a `PhoneNumber` has one way in, so no `String` means a number.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most digits an E.164 number may have (ITU-T E.164 §6.1).
const DIGITS_MAX: usize = 15;
/// Fewest digits we take for a full international number; shorter ones are short codes.
const DIGITS_MIN: usize = 8;

/// An E.164 number: `+`, then 8 to 15 digits, the first not 0. `Debug` shows only the last four digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a phone number: write it as + and 8 to 15 digits, for example +12025550143")]
pub struct Error;

impl PhoneNumber {
    /// Reads `+12025550143`, `12025550143` or `+1 (202) 555-0143`; anything else is an error.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let digits: String = text
            .strip_prefix('+')
            .unwrap_or(text)
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.'))
            .collect();
        if is_international(&digits) {
            Ok(Self(format!("+{digits}")))
        } else {
            Err(Error)
        }
    }

    /// The number with its `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last four digits behind three stars: what a log may show.
    pub fn masked(&self) -> String {
        format!("***{}", &self.0[self.0.len() - 4..])
    }
}

/// A number of the United States as its ten digits, with its country code; anything else as it stands.
pub fn american(number: &str) -> String {
    let national = number.len() == 10 && number.bytes().all(|b| b.is_ascii_digit());
    if national {
        format!("+1{number}")
    } else {
        number.to_owned()
    }
}

fn is_international(digits: &str) -> bool {
    (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0')
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

/// Who an SMS is from or to, as carriers write it: a number, a short code or an alphanumeric sender.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address(String);

impl Address {
    /// Digits that make an international number get their `+`; all else stays as the carrier wrote it.
    pub fn new(text: &str) -> Self {
        if is_international(text) {
            Self(format!("+{text}"))
        } else {
            Self(text.to_owned())
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number, where it is one.
    pub fn number(&self) -> Option<PhoneNumber> {
        PhoneNumber::parse(&self.0).ok()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.0.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
        write!(f, "***{}", &self.0[from..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ten_digits_are_american() {
        assert_eq!(
            (american("2025550143").as_str(), american("22000").as_str()),
            ("+12025550143", "22000")
        );
    }

    #[test]
    fn accepts_usual_spellings() {
        for text in [
            "+12025550143",
            "12025550143",
            "+1 (202) 555-0143",
            "+1.202.555.0143",
        ] {
            assert_eq!(PhoneNumber::parse(text).unwrap().as_str(), "+12025550143");
        }
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in [
            "",
            "+",
            "1234567",
            "+0202555014",
            "+1234567890123456",
            "+1202555014a",
            "++12025550143",
            "١٢٣٤٥٦٧٨٩",
        ] {
            assert_eq!(PhoneNumber::parse(text), Err(Error), "{text}");
        }
    }

    #[test]
    fn debug_hides_the_number() {
        assert_eq!(
            format!("{:?}", PhoneNumber::parse("+12025550143").unwrap()),
            "***0143"
        );
        assert_eq!(format!("{:?}", Address::new("12025550143")), "***0143");
        assert_eq!(format!("{:?}", Address::new("été")), "***été");
    }

    #[test]
    fn address_keeps_short_codes_and_names() {
        assert_eq!(Address::new("22000").as_str(), "22000");
        assert_eq!(Address::new("Google").as_str(), "Google");
        assert_eq!(Address::new("447700900123").as_str(), "+447700900123");
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,40}") {
            let _ = PhoneNumber::parse(&text);
            let _ = format!("{:?}", Address::new(&text));
        }

        #[test]
        fn parse_is_idempotent(digits in "[1-9][0-9]{7,14}") {
            let once = PhoneNumber::parse(&digits).unwrap();
            prop_assert_eq!(PhoneNumber::parse(once.as_str()).unwrap(), once);
        }
    }
}
