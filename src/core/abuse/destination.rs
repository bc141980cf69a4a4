//! Where a number is: its country by the longest prefix that is known, North America's by its area code, and whether it is sold for what
//! it costs to call. What is in no row is nowhere, and nothing is sent there.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::core::phone::PhoneNumber;

/// A prefix without its `+`, a tab, and a country (ISO 3166-1, and XK), or `!` and why nothing is ever sent there.
const TABLE: &str = include_str!("prefixes.tsv");
const PREFIX_DIGITS_MAX: usize = 7;

static ROWS: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| TABLE.lines().filter_map(|line| line.split_once('\t')).collect());

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    Country(&'static str),
    /// Premium, shared cost, personal, satellite, freephone, or in no plan.
    Never,
}

pub fn of(number: &PhoneNumber) -> Destination {
    let digits = &number.as_str()[1..];
    let longest = (1..=PREFIX_DIGITS_MAX)
        .rev()
        .filter_map(|len| ROWS.get(digits.get(..len)?));
    match longest.into_iter().next() {
        Some(country) if !country.starts_with('!') => Destination::Country(country),
        _ => Destination::Never,
    }
}

/// Its two letters, where codes may go there at all.
pub fn country(number: &PhoneNumber) -> Option<&'static str> {
    match of(number) {
        Destination::Country(country) => Some(country),
        Destination::Never => None,
    }
}

/// Where codes may be sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Countries by their two letters; `*` is all of them.
    pub countries: Vec<String>,
    /// Beginnings of numbers, with their `+`, that get nothing although their country does.
    pub deny_prefixes: Vec<String>,
    /// Where it is not empty, nobody else gets anything: for trying it out.
    pub only: Vec<String>,
}

/// Why nothing is sent to a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    Never,
    Country,
    Prefix,
    NotATest,
}

impl Policy {
    pub fn check(&self, number: &PhoneNumber) -> Result<&'static str, Denied> {
        if !self.only.is_empty() && !self.only.iter().any(|only| only == number.as_str()) {
            return Err(Denied::NotATest);
        }
        let Destination::Country(country) = of(number) else {
            return Err(Denied::Never);
        };
        if self
            .deny_prefixes
            .iter()
            .any(|prefix| number.as_str().starts_with(prefix.as_str()))
        {
            return Err(Denied::Prefix);
        }
        let is_allowed = self
            .countries
            .iter()
            .any(|allowed| allowed == "*" || allowed == country);
        if is_allowed {
            Ok(country)
        } else {
            Err(Denied::Country)
        }
    }
}

/// A list of countries as the configuration writes it.
pub fn is_country(code: &str) -> bool {
    code == "*" || ROWS.values().any(|known| *known == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::country;

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    #[test]
    fn every_row_is_a_prefix_and_a_country_or_a_reason() {
        assert_eq!(ROWS.len(), TABLE.lines().count(), "no prefix is there twice");
        for (prefix, what) in &*ROWS {
            assert!(
                (1..=PREFIX_DIGITS_MAX).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_digit()),
                "{prefix}"
            );
            assert!(
                what.starts_with('!') || *what == "XK" || country::name(what).is_some(),
                "{prefix} {what}"
            );
        }
    }

    #[test]
    fn plus_one_is_not_the_united_states() {
        for (text, country) in [
            ("+12025550143", "US"),
            ("+14165550143", "CA"),
            ("+18765550143", "JM"),
            ("+17875550143", "PR"),
            ("+12685550143", "AG"),
            ("+77015550143", "KZ"),
            ("+79165550143", "RU"),
            ("+447700900123", "GB"),
            ("+447624900123", "IM"),
            ("+919876543210", "IN"),
            ("+35818123456", "AX"),
            ("+358401234567", "FI"),
            ("+38344123456", "XK"),
            ("+5999123456", "CW"),
            ("+33639980123", "FR"),
        ] {
            assert_eq!(of(&number(text)), Destination::Country(country), "{text}");
        }
    }

    #[test]
    fn nothing_is_sent_where_it_pays_to_be_called() {
        for text in [
            "+19005550143",
            "+870773111632",
            "+881612345678",
            "+88213123456",
            "+87812345678",
            "+18005550143",
            "+15005550006",
            "+4490912345",
            "+447012345678",
            "+99912345678",
            "+15555550143",
        ] {
            assert_eq!(of(&number(text)), Destination::Never, "{text}");
        }
    }

    #[test]
    fn a_denied_prefix_is_stronger_than_an_allowed_country() {
        let policy = Policy {
            countries: vec!["US".into()],
            deny_prefixes: vec!["+1202555".into()],
            only: Vec::new(),
        };
        assert_eq!(policy.check(&number("+12125550143")), Ok("US"));
        assert_eq!(policy.check(&number("+12025550143")), Err(Denied::Prefix));
        assert_eq!(policy.check(&number("+14165550143")), Err(Denied::Country));
        let all = Policy {
            countries: vec!["*".into()],
            only: vec!["+14165550143".into()],
            ..Policy::default()
        };
        assert_eq!(all.check(&number("+14165550143")), Ok("CA"));
        assert_eq!(all.check(&number("+12125550143")), Err(Denied::NotATest));
        assert_eq!(
            Policy::default().check(&number("+12125550143")),
            Err(Denied::Country)
        );
    }
}
