//! JSON from carriers, read strictly: no duplicate keys (two readers must not see two messages), no deep nesting.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::Reject;
use crate::core::time::UnixMs;

/// Deepest nesting that is read; carriers use at most eight.
const DEPTH_MAX: usize = 32;

/// Reads a whole body.
pub fn parse(body: &[u8]) -> Result<Value, Reject> {
    serde_json::from_slice(body)
        .map(|Strict(value)| value)
        .map_err(|_| Reject::MalformedBody)
}

/// A place in a document. Mandatory fields are asked for strictly; an unreadable extra counts as absent, for it must not cost a code.
#[derive(Clone, Copy)]
pub struct Node<'a>(pub &'a Value);

impl<'a> Node<'a> {
    /// What `pointer` (RFC 6901) leads to, unless it is null.
    pub fn at(self, pointer: &str) -> Option<Node<'a>> {
        self.0.pointer(pointer).filter(|value| !value.is_null()).map(Node)
    }

    /// A mandatory string.
    pub fn text(self, pointer: &str) -> Result<&'a str, Reject> {
        self.at(pointer)
            .ok_or(Reject::MissingField)?
            .0
            .as_str()
            .ok_or(Reject::MalformedBody)
    }

    /// A mandatory string that is not empty.
    pub fn id(self, pointer: &str) -> Result<&'a str, Reject> {
        self.text(pointer).and_then(|id| {
            if id.is_empty() {
                Err(Reject::MissingField)
            } else {
                Ok(id)
            }
        })
    }

    pub fn text_opt(self, pointer: &str) -> Option<&'a str> {
        self.at(pointer)?.0.as_str()
    }

    /// A string, or an integer as its digits.
    pub fn word_opt(self, pointer: &str) -> Option<String> {
        match self.at(pointer)?.0 {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) if !number.is_f64() => Some(number.to_string()),
            _ => None,
        }
    }

    pub fn count_opt(self, pointer: &str) -> Option<u32> {
        self.at(pointer)?.0.as_u64()?.try_into().ok()
    }

    pub fn time_opt(self, pointer: &str) -> Option<UnixMs> {
        UnixMs::parse_rfc3339(self.text_opt(pointer)?)
    }

    /// The items of a mandatory array.
    pub fn items(self, pointer: &str) -> Result<impl Iterator<Item = Node<'a>>, Reject> {
        let array = self
            .at(pointer)
            .ok_or(Reject::MissingField)?
            .0
            .as_array()
            .ok_or(Reject::MalformedBody)?;
        Ok(array.iter().map(Node))
    }

    /// The items of an array, none if it is absent.
    pub fn items_opt(self, pointer: &str) -> impl Iterator<Item = Node<'a>> {
        self.at(pointer)
            .and_then(|node| node.0.as_array())
            .into_iter()
            .flatten()
            .map(Node)
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Depth(0).deserialize(deserializer).map(Self)
    }
}

/// How deep the value to be read lies.
#[derive(Clone, Copy)]
struct Depth(usize);

impl Depth {
    fn inner<E: de::Error>(self) -> Result<Self, E> {
        if self.0 < DEPTH_MAX {
            Ok(Self(self.0 + 1))
        } else {
            Err(E::custom("nested too deep"))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate keys")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(inner)?;
            if object.insert(key, value).is_some() {
                return Err(de::Error::custom("duplicate key"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_duplicate_keys_and_deep_nesting() {
        for body in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":{"a":1,"\u0061":2}}"#,
            "",
            "{",
            "{} {}",
            "\u{feff}{}",
        ] {
            assert_eq!(parse(body.as_bytes()), Err(Reject::MalformedBody), "{body}");
        }
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(32).as_bytes()).is_ok());
        assert!(parse(nested(33).as_bytes()).is_err());
        assert!(parse(nested(100_000).as_bytes()).is_err());
        assert!(parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn reads_like_any_other_reader() {
        let body = r#"{"a":[1,-2,1.5,"x\u00e9",true,null],"b":{"c":18446744073709551615}}"#;
        assert_eq!(
            parse(body.as_bytes()).unwrap(),
            serde_json::from_str::<Value>(body).unwrap()
        );
    }
}
