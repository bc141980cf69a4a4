//! An account's own words on its rentals: a few keys with values, given when a rental is made, which subscriptions can filter by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tags of one rental.
pub const TAGS_MAX: usize = 16;
/// Bytes of a tag's key, and of its value.
pub const KEY_BYTES_MAX: usize = 40;
pub const VALUE_BYTES_MAX: usize = 128;

/// Checked tags, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Tags(BTreeMap<String, String>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "tags are at most {TAGS_MAX} pairs: keys of 1 to {KEY_BYTES_MAX} of A-Z a-z 0-9 . _ -, values of at most {VALUE_BYTES_MAX} bytes without control characters"
)]
pub struct TagsError;

impl Tags {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every pair of `wanted` is among these.
    pub fn have_all(&self, wanted: &Self) -> bool {
        wanted.0.iter().all(|(key, value)| self.0.get(key) == Some(value))
    }
}

impl TryFrom<BTreeMap<String, String>> for Tags {
    type Error = TagsError;
    fn try_from(map: BTreeMap<String, String>) -> Result<Self, TagsError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let fits = |(key, value): (&String, &String)| {
            (1..=KEY_BYTES_MAX).contains(&key.len())
                && key.bytes().all(legal)
                && value.len() <= VALUE_BYTES_MAX
                && !value.contains(char::is_control)
        };
        if map.len() <= TAGS_MAX && map.iter().all(fits) {
            Ok(Self(map))
        } else {
            Err(TagsError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Result<Tags, TagsError> {
        let map: BTreeMap<String, String> = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Tags::try_from(map)
    }

    #[test]
    fn all_wanted_pairs_must_be_there() {
        let both = tags(&[("env", "ci"), ("team", "a")]).unwrap();
        assert!(both.have_all(&tags(&[("env", "ci")]).unwrap()));
        assert!(both.have_all(&Tags::default()));
        assert!(!both.have_all(&tags(&[("env", "prod")]).unwrap()));
        assert!(!both.have_all(&tags(&[("env", "ci"), ("other", "")]).unwrap()));
    }

    #[test]
    fn keys_and_values_have_limits() {
        let long = "x".repeat(KEY_BYTES_MAX + 1);
        for bad in [("", "v"), ("a b", "v"), ("k", "a\nb"), (long.as_str(), "v")] {
            assert_eq!(tags(&[bad]), Err(TagsError), "{bad:?}");
        }
        let keys: Vec<String> = (0..=TAGS_MAX).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &str)> = keys.iter().map(|k| (k.as_str(), "")).collect();
        assert_eq!(tags(&many), Err(TagsError));
        assert!(tags(&many[1..]).is_ok());
    }
}
