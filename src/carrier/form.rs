//! Form and query parameters as the carriers sign them: decoded, in their order, duplicates kept, nothing trimmed.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::Reject;

/// Most parameters of one request; carriers send fewer than 40.
const FIELDS_MAX: usize = 256;

/// Decoded name and value pairs in the order in which they came.
#[derive(Clone, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Refuses what is not UTF-8: two different bodies must never decode to the same text.
    pub fn parse(encoded: &[u8]) -> Result<Self, Reject> {
        let text = |bytes| String::from_utf8(bytes).map_err(|_| Reject::MalformedBody);
        let mut pairs = Vec::new();
        for piece in encoded.split(|b| *b == b'&').filter(|piece| !piece.is_empty()) {
            if pairs.len() == FIELDS_MAX {
                return Err(Reject::MalformedBody);
            }
            let (name, value) = match piece.iter().position(|b| *b == b'=') {
                Some(at) => (&piece[..at], &piece[at + 1..]),
                None => (piece, &[][..]),
            };
            pairs.push((text(decode(name))?, text(decode(value))?));
        }
        Ok(Self(pairs))
    }

    pub const fn none() -> Self {
        Self(Vec::new())
    }

    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The value of a parameter that is there exactly once.
    pub fn one(&self, name: &str) -> Result<&str, Reject> {
        self.opt(name)?.ok_or(Reject::MissingField)
    }

    /// Like `one`, but it may be absent. Twice is refused: somebody else may read the other one.
    pub fn opt(&self, name: &str) -> Result<Option<&str>, Reject> {
        let mut values = self
            .0
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(Reject::MalformedParameter),
        }
    }
}

fn decode(encoded: &[u8]) -> Vec<u8> {
    let spaced: Cow<'_, [u8]> = if encoded.contains(&b'+') {
        encoded
            .iter()
            .map(|b| if *b == b'+' { b' ' } else { *b })
            .collect::<Vec<u8>>()
            .into()
    } else {
        encoded.into()
    };
    percent_decode(&spaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_in_order_and_trims_nothing() {
        let params = Params::parse(b"b=+x%20&a=&&c&b=%C3%A9%2B").unwrap();
        let pairs: Vec<_> = params
            .pairs()
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(pairs, [("b", " x "), ("a", ""), ("c", ""), ("b", "é+")]);
        assert_eq!(params.one("b"), Err(Reject::MalformedParameter));
        assert_eq!(params.one("d"), Err(Reject::MissingField));
    }

    #[test]
    fn refuses_broken_utf8_and_too_many_fields() {
        assert!(Params::parse(b"a=%FF").is_err());
        assert!(Params::parse("a=1&".repeat(256).as_bytes()).is_ok());
        assert!(Params::parse("a=1&".repeat(257).as_bytes()).is_err());
    }
}
