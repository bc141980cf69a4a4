//! Codes: made with every digit equally likely, or chosen by the caller. What is shown of one is only how long it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Digits of a code. Contract 002 allows 4 to 8 of them, contract 003 up to 10.
pub const DIGITS_MIN: u8 = 4;
pub const DIGITS_MAX: u8 = 10;
/// Digits of a code that has the 20 bits which NIST SP 800-63B asks for; whoever asks for fewer is warned.
pub const DIGITS_SAFE_MIN: u8 = 6;

/// A code in the clear. It is told to its person; one that is made here is kept nowhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code(String);

impl Code {
    /// Of random bytes, of which those that would make some digits likelier are passed over.
    pub fn drawn(digits: u8, mut dice: impl FnMut() -> u8) -> Self {
        let mut draw = || loop {
            let byte = dice();
            if byte < 250 {
                return char::from(b'0' + byte % 10);
            }
        };
        Self((0..digits).map(|_| draw()).collect())
    }

    /// A caller's own, or a guess: 4 to 10 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (usize::from(DIGITS_MIN)..=usize::from(DIGITS_MAX)).contains(&text.len());
        (fits && text.bytes().all(|b| b.is_ascii_digit())).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<code of {} digits>", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every byte there is, again and again.
    fn all_bytes() -> impl FnMut() -> u8 {
        let mut next = 0u8;
        move || {
            next = next.wrapping_add(1);
            next
        }
    }

    #[test]
    fn every_digit_is_equally_likely() {
        let mut dice = all_bytes();
        let mut seen = [0u32; 10];
        for _ in 0..2500 {
            for digit in Code::drawn(10, &mut dice).as_str().bytes() {
                seen[usize::from(digit - b'0')] += 1;
            }
        }
        // Each byte came equally often, so an even draw is exactly even.
        assert_eq!(seen, [2500; 10]);
    }

    #[test]
    fn a_code_is_digits_and_is_not_shown() {
        assert_eq!(Code::parse("0012").unwrap().as_str(), "0012");
        for bad in ["", "123", "12345678901", "12a4", " 1234", "١٢٣٤"] {
            assert_eq!(Code::parse(bad), None, "{bad}");
        }
        assert_eq!(
            format!("{:?}", Code::parse("4829").unwrap()),
            "<code of 4 digits>"
        );
    }

    proptest! {
        #[test]
        fn a_drawn_code_is_one_of_its_length(digits in DIGITS_MIN..=DIGITS_MAX, bytes in prop::collection::vec(any::<u8>(), 1..50)) {
            prop_assume!(bytes.iter().any(|byte| *byte < 250));
            let mut dice = bytes.iter().copied().cycle();
            let code = Code::drawn(digits, || dice.next().unwrap());
            prop_assert_eq!(code.as_str().len(), usize::from(digits));
            prop_assert_eq!(Code::parse(code.as_str()), Some(code));
        }
    }
}
