//! Static headers of a subscription, for a receiver that wants a credential or a route of its own; what the sender itself decides
//! cannot be set.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Headers of one subscription, and bytes of a name and of a value.
pub const HEADERS_MAX: usize = 20;
pub const NAME_BYTES_MAX: usize = 64;
pub const VALUE_BYTES_MAX: usize = 4096;

/// Names that are ours, the connection's, or change whom a proxy takes the request to come from.
const FORBIDDEN: &[&str] = &[
    "accept-encoding",
    "connection",
    "cookie",
    "cookie2",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-real-ip",
];
const FORBIDDEN_PREFIXES: &[&str] = &[
    "access-control-",
    "content-",
    "proxy-",
    "ringback-",
    "sec-",
    "webhook-",
    "x-forwarded-",
];

/// Checked headers, names in lower case. `Debug` hides the values: they may be credentials.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Headers(BTreeMap<String, String>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("at most {HEADERS_MAX} static headers")]
    TooMany,
    #[error("a header's name is 1 to {NAME_BYTES_MAX} of A-Z a-z 0-9 and !#$%&'*+-.^_`|~, each name once")]
    Name,
    #[error("the header {0} is set by the sender or the connection: leave it out")]
    Forbidden(String),
    #[error(
        "the value of header {0} is at most {VALUE_BYTES_MAX} visible ASCII characters, with single spaces between them allowed"
    )]
    Value(String),
}

impl Headers {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// These headers with some set or, where the value is absent, taken away (RFC 7396).
    pub fn merged(&self, changes: BTreeMap<String, Option<String>>) -> Result<Self, Error> {
        let mut map = self.0.clone();
        for (name, value) in changes {
            let name = name.to_ascii_lowercase();
            match value {
                Some(value) => drop(map.insert(name, value)),
                None => drop(map.remove(&name)),
            }
        }
        Self::try_from(map)
    }
}

impl TryFrom<BTreeMap<String, String>> for Headers {
    type Error = Error;

    fn try_from(map: BTreeMap<String, String>) -> Result<Self, Error> {
        if map.len() > HEADERS_MAX {
            return Err(Error::TooMany);
        }
        let mut checked = BTreeMap::new();
        for (name, value) in map {
            let name = name.to_ascii_lowercase();
            let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
            if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(token) {
                return Err(Error::Name);
            }
            if FORBIDDEN.contains(&name.as_str())
                || FORBIDDEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            {
                return Err(Error::Forbidden(name));
            }
            let visible = value.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
            if value.len() > VALUE_BYTES_MAX || !visible || value.trim() != value {
                return Err(Error::Value(name));
            }
            if checked.insert(name, value).is_some() {
                return Err(Error::Name);
            }
        }
        Ok(Self(checked))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> Result<Headers, Error> {
        Headers::try_from(BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    #[test]
    fn names_are_kept_in_lower_case_and_values_are_hidden() {
        let headers = one("Authorization", "Bearer s3cret").unwrap();
        assert_eq!(
            headers.iter().collect::<Vec<_>>(),
            [("authorization", "Bearer s3cret")]
        );
        assert!(!format!("{headers:?}").contains("s3cret"));
    }

    #[test]
    fn what_the_sender_decides_cannot_be_set() {
        let forbidden = FORBIDDEN.iter().map(|name| (*name).to_owned());
        let prefixed = FORBIDDEN_PREFIXES.iter().map(|prefix| format!("{prefix}x"));
        for name in forbidden
            .chain(prefixed)
            .chain(["Webhook-ID".into(), "Content-Length".into()])
        {
            assert_eq!(one(&name, "x"), Err(Error::Forbidden(name.to_ascii_lowercase())));
        }
        for name in ["", "a b", "a:b", "é", &"n".repeat(65)] {
            assert_eq!(one(name, "x"), Err(Error::Name), "{name}");
        }
        for value in ["a\r\nb: c", " a", "a ", "\u{7f}", "é", &"v".repeat(4097)] {
            assert_eq!(one("x-a", value), Err(Error::Value("x-a".into())), "{value:?}");
        }
        let twice = BTreeMap::from([("X-A".to_owned(), "1".to_owned()), ("x-a".into(), "2".into())]);
        assert_eq!(Headers::try_from(twice), Err(Error::Name));
        let many: BTreeMap<String, String> = (0..=HEADERS_MAX)
            .map(|n| (format!("x-{n}"), String::new()))
            .collect();
        assert_eq!(Headers::try_from(many), Err(Error::TooMany));
    }

    #[test]
    fn a_change_sets_and_takes_away() {
        let headers = one("x-a", "1").unwrap();
        let changes = BTreeMap::from([("X-A".to_owned(), None), ("x-b".into(), Some("2".into()))]);
        let merged = headers.merged(changes).unwrap();
        assert_eq!(merged.iter().collect::<Vec<_>>(), [("x-b", "2")]);
    }
}
