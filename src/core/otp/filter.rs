//! What a service or a rental expects of its codes, so that anything else is passed over.

use serde::{Deserialize, Serialize};

/// Letters and digits a code is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alphabet {
    Digits,
    Alphanumeric,
}

/// Longest code that may be asked for, and longest sender, in characters.
const LENGTH_MAX: u8 = 20;
const SENDER_CHARS_MAX: usize = 64;

/// Named as the configuration names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("`code`: lengths are 1 to {LENGTH_MAX}")]
    Length,
    #[error("`code`: length_min is more than length_max")]
    Order,
    #[error("`code`: min_confidence must be 0.0 to 1.0")]
    Confidence,
    #[error("`code`: sender is 1 to {SENDER_CHARS_MAX} characters, a * at its end stands for any rest")]
    Sender,
}

/// Limits on the answer. The default lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Fewest characters of a code.
    pub length_min: Option<u8>,
    /// Most characters of a code.
    pub length_max: Option<u8>,
    pub alphabet: Option<Alphabet>,
    /// Who may send: an exact name or number, or a beginning followed by `*`; case does not count. The engine sees no
    /// sender: ask [`Filter::accepts_sender`] before it.
    pub sender: Option<String>,
    /// 0 to 1; a less certain code is reported as a candidate only.
    pub min_confidence: Option<f32>,
}

impl Filter {
    /// Refuses what no code could fit.
    pub fn check(&self) -> Result<(), Error> {
        let mut lengths = [self.length_min, self.length_max].into_iter().flatten();
        let sender_chars = self.sender.as_ref().map(|sender| sender.chars().count());
        let in_order = self
            .length_min
            .zip(self.length_max)
            .is_none_or(|(min, max)| min <= max);
        if !lengths.all(|length| (1..=LENGTH_MAX).contains(&length)) {
            Err(Error::Length)
        } else if !in_order {
            Err(Error::Order)
        } else if self.min_confidence.is_some_and(|min| !(0.0..=1.0).contains(&min)) {
            Err(Error::Confidence)
        } else if sender_chars.is_some_and(|chars| !(1..=SENDER_CHARS_MAX).contains(&chars)) {
            Err(Error::Sender)
        } else {
            Ok(())
        }
    }

    /// These limits, and where one is open, that of `below`.
    pub fn over(&self, below: &Filter) -> Filter {
        Filter {
            length_min: self.length_min.or(below.length_min),
            length_max: self.length_max.or(below.length_max),
            alphabet: self.alphabet.or(below.alphabet),
            sender: self.sender.clone().or_else(|| below.sender.clone()),
            min_confidence: self.min_confidence.or(below.min_confidence),
        }
    }

    /// True if messages of this sender are to be read.
    pub fn accepts_sender(&self, sender: &str) -> bool {
        let Some(wanted) = &self.sender else { return true };
        let (wanted, sender) = (wanted.to_lowercase(), sender.to_lowercase());
        match wanted.strip_suffix('*') {
            Some(start) => sender.starts_with(start),
            None => sender == wanted,
        }
    }

    /// True if the code has the length and the alphabet asked for.
    pub(super) fn accepts(&self, code: &str) -> bool {
        self.length_min.is_none_or(|min| code.len() >= usize::from(min))
            && self.length_max.is_none_or(|max| code.len() <= usize::from(max))
            && (self.alphabet != Some(Alphabet::Digits) || code.bytes().all(|b| b.is_ascii_digit()))
    }

    pub(super) fn is_sure(&self, confidence: f32) -> bool {
        self.min_confidence.is_none_or(|min| confidence >= min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_above_wins_member_by_member_and_where_it_is_open_what_is_below_counts() {
        let full = |n: u8, sender: &str, alphabet| Filter {
            length_min: Some(n),
            length_max: Some(n + 1),
            alphabet: Some(alphabet),
            sender: Some(sender.into()),
            min_confidence: Some(f32::from(n) / 10.0),
        };
        let (above, below) = (
            full(4, "A*", Alphabet::Digits),
            full(7, "B*", Alphabet::Alphanumeric),
        );
        assert_eq!(above.over(&below), above);
        assert_eq!(Filter::default().over(&below), below);
        assert_eq!(above.over(&Filter::default()), above);
        let some = Filter {
            sender: above.sender.clone(),
            ..Filter::default()
        };
        let expected = Filter {
            sender: above.sender.clone(),
            ..below.clone()
        };
        assert_eq!(some.over(&below), expected);
    }
}
