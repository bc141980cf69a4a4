//! The last path segment as the secret, for carriers that neither sign nor give credentials. It covers no body; it must be long and
//! random, or there is no source.

use serde::Deserialize;

use super::keys::{Rotation, Secret};
use super::settings::{SettingsError, rotation};
use super::{Reject, Request, mac};

/// The least that a token must be worth.
const BITS_MIN: usize = 128;
/// Fewer different characters than this are no random token.
const DISTINCT_MIN: usize = 8;

/// The keys of a source whose carrier only knows its URL.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// At least 128 random bits as the last segment of the URL entered at the carrier: 32 hex digits, or 22 letters, digits, `-` and
    /// `_`; two while rotating.
    path_tokens: Vec<String>,
}

#[derive(Debug)]
pub struct PathTokens(Rotation<Secret>);

impl PathTokens {
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Self::of("path_tokens", &settings.path_tokens)
    }

    pub fn of(key: &'static str, tokens: &[String]) -> Result<Self, SettingsError> {
        let expected = "128 random bits or more: 32 hex digits, or 22 letters, digits, `-` and `_`";
        let token = |text: &str| if strong(text) { Secret::text(text) } else { None };
        rotation(key, tokens, expected, token).map(Self)
    }

    /// For the carriers whose own check covers no body: the token is asked for where there are any.
    pub fn beside(tokens: Option<&Vec<String>>) -> Result<Option<Self>, SettingsError> {
        tokens.map(|tokens| Self::of("path_tokens", tokens)).transpose()
    }

    /// The index of the token that ends the path.
    pub fn verify(&self, request: &Request<'_>) -> Result<usize, Reject> {
        let given = request.path().rsplit('/').next().unwrap_or_default().as_bytes();
        self.0
            .find(|token| mac::same_bytes(token.bytes(), given))
            .ok_or(Reject::BadCredentials)
    }
}

/// Whether a token could hold enough random bits, by its alphabet and length.
fn strong(token: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'~' | b'.');
    let hex = token.bytes().all(|b| b.is_ascii_hexdigit());
    let bits = token.len() * if hex { 4 } else { 6 };
    let distinct = token.bytes().collect::<std::collections::BTreeSet<_>>().len();
    token.bytes().all(allowed) && bits >= BITS_MIN && distinct >= DISTINCT_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_plain_tokens_are_refused() {
        for (token, right) in [
            ("0123456789abcdef0123456789abcdef", true),
            ("0123456789abcdef0123456789abcde", false),
            ("aB3-_xYz09QwErTyUiOpAs", true),
            ("aB3-_xYz09QwErTyUiOpA", false),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("aB3/_xYz09QwErTyUiOpAs", false),
            ("", false),
        ] {
            let settings = Settings {
                path_tokens: vec![token.to_owned()],
            };
            assert_eq!(PathTokens::new(&settings).is_ok(), right, "{token}");
        }
    }
}
