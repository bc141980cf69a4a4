//! Money as whole ten-thousandths of a dollar; there are no floats, so sums are exact.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in units of 0.0001 USD; contract 000 writes it as a string with four decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price(pub u64);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a price: write it with up to four decimals, for example \"0.5000\"")]
pub struct Error;

impl Price {
    /// This price, or `usual` where none was set.
    pub fn or(self, usual: Self) -> Self {
        if self == Self::default() { usual } else { self }
    }

    /// In dollars, for contract 001 and suppliers, who write money as a JSON number.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 10_000.0
    }

    /// Dollars as partners write them, to the nearest ten-thousandth; `None` for what is no amount.
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        let units = (dollars * 10_000.0).round();
        (0.0..1e15).contains(&units).then_some(Self(units as u64))
    }

    pub fn parse(text: &str) -> Result<Self, Error> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || whole.len() > 12 || decimals.len() > 4 {
            return Err(Error);
        }
        let whole: u64 = whole.parse().map_err(|_| Error)?;
        let decimals: u64 = format!("{decimals:0<4}").parse().map_err(|_| Error)?;
        Ok(Self(whole * 10_000 + decimals))
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:04}", self.0 / 10_000, self.0 % 10_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn four_decimals_as_contract_000_writes_them() {
        assert_eq!(Price::parse("0.5").unwrap().to_string(), "0.5000");
        assert_eq!(Price::parse("12").unwrap().to_string(), "12.0000");
        for bad in ["", ".", "1.", ".5", "-1", "1.00000", "1e3", "1,5"] {
            assert_eq!(Price::parse(bad), Err(Error), "{bad}");
        }
    }

    #[test]
    fn dollars_of_others_are_amounts_or_nothing() {
        assert_eq!(Price::from_dollars(0.95), Some(Price(9500)));
        assert_eq!(Price::from_dollars(0.1 + 0.2), Some(Price(3000)));
        for bad in [-0.01, f64::NAN, f64::INFINITY, 1e30] {
            assert_eq!(Price::from_dollars(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn round_trips(units in 0u64..1_000_000_000_000) {
            prop_assert_eq!(Price::parse(&Price(units).to_string()), Ok(Price(units)));
            prop_assert_eq!(Price::from_dollars(Price(units).dollars()), Some(Price(units)));
        }
    }
}
