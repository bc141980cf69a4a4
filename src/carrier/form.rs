//! Form and query parameters as the carriers sign them: decoded to bytes, in their order, duplicates kept, nothing trimmed.

use percent_encoding::percent_decode;
use serde_json::Value;

use super::Reject;

/// Most parameters of one request; carriers send fewer than 40.
const FIELDS_MAX: usize = 256;

/// Decoded name and value pairs in the order in which they came. Bytes, because some gateways put raw SMS bytes into a field; where
/// text is asked for, broken UTF-8 is refused, so two different bodies never read as the same text.
#[derive(Clone, PartialEq, Eq)]
pub struct Params(Vec<(Vec<u8>, Vec<u8>)>);

impl Params {
    pub fn parse(encoded: &[u8]) -> Result<Self, Reject> {
        let pieces = || encoded.split(|b| *b == b'&').filter(|piece| !piece.is_empty());
        if pieces().count() > FIELDS_MAX {
            return Err(Reject::MalformedBody);
        }
        let pair = |piece: &[u8]| match piece.iter().position(|b| *b == b'=') {
            Some(at) => (decode(&piece[..at]), decode(&piece[at + 1..])),
            None => (decode(piece), Vec::new()),
        };
        Ok(Self(pieces().map(pair).collect()))
    }

    /// The members of a flat JSON object, for carriers that post the same parameters as JSON.
    pub fn from_json(document: &Value) -> Result<Self, Reject> {
        let object = document
            .as_object()
            .filter(|o| o.len() <= FIELDS_MAX)
            .ok_or(Reject::MalformedBody)?;
        let pair = |(name, value): (&String, &Value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return Err(Reject::MalformedBody),
            };
            Ok((name.clone().into_bytes(), text.into_bytes()))
        };
        object.iter().map(pair).collect::<Result<_, _>>().map(Self)
    }

    pub fn pairs(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.0
    }

    /// The bytes of a parameter, which may be there once at most: of two, somebody else may read the other one.
    pub fn bytes_opt(&self, name: &str) -> Result<Option<&[u8]>, Reject> {
        let mut values = self
            .0
            .iter()
            .filter(|(n, _)| n == name.as_bytes())
            .map(|(_, value)| value.as_slice());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(Reject::MalformedParameter),
        }
    }

    /// Like `bytes_opt`, as text.
    pub fn opt(&self, name: &str) -> Result<Option<&str>, Reject> {
        self.bytes_opt(name)?
            .map(|b| std::str::from_utf8(b).map_err(|_| Reject::MalformedBody))
            .transpose()
    }

    /// The text of a mandatory parameter; it may be empty.
    pub fn one(&self, name: &str) -> Result<&str, Reject> {
        self.opt(name)?.ok_or(Reject::MissingField)
    }

    /// The text of a mandatory parameter that is not empty.
    pub fn id(&self, name: &str) -> Result<&str, Reject> {
        self.one(name).and_then(|id| {
            if id.is_empty() {
                Err(Reject::MissingField)
            } else {
                Ok(id)
            }
        })
    }

    /// A number where one is there and readable.
    pub fn count_opt(&self, name: &str) -> Result<Option<u32>, Reject> {
        Ok(self.opt(name)?.and_then(|text| text.parse().ok()))
    }
}

fn decode(encoded: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = encoded
        .iter()
        .map(|b| if *b == b'+' { b' ' } else { *b })
        .collect();
    percent_decode(&spaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_in_order_and_trims_nothing() {
        let params = Params::parse(b"b=+x%20&a=&&c&b=%C3%A9%2B&bad=%FF").unwrap();
        let pairs: Vec<_> = params
            .pairs()
            .iter()
            .map(|(n, v)| (n.as_slice(), v.as_slice()))
            .collect();
        let expected: [(&[u8], &[u8]); 5] = [
            (b"b", b" x "),
            (b"a", b""),
            (b"c", b""),
            (b"b", "é+".as_bytes()),
            (b"bad", b"\xff"),
        ];
        assert_eq!(pairs, expected);
        assert_eq!(params.one("b"), Err(Reject::MalformedParameter));
        assert_eq!(params.one("d"), Err(Reject::MissingField));
        assert_eq!(
            (params.one("a"), params.id("a")),
            (Ok(""), Err(Reject::MissingField))
        );
        assert_eq!(params.one("bad"), Err(Reject::MalformedBody));
    }

    #[test]
    fn refuses_too_many_fields_and_nested_json() {
        assert!(Params::parse("a=1&".repeat(256).as_bytes()).is_ok());
        assert!(Params::parse("a=1&".repeat(257).as_bytes()).is_err());
        assert!(Params::from_json(&serde_json::json!({"a": {"b": 1}})).is_err());
        assert_eq!(
            Params::from_json(&serde_json::json!({"a": 7})).unwrap().one("a"),
            Ok("7")
        );
    }
}
