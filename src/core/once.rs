//! A request that makes something and that its client may send again: what it is known by, and what was answered to it.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::id::{AccountId, hash};
use super::time::UnixMs;

/// Longest key that a client may give its request, in bytes.
pub const KEY_BYTES_MAX: usize = 255;

/// What a request is known by: a hash of its account, its route and the client's own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OnceId(pub [u8; 16]);

impl OnceId {
    pub fn derive(account: &AccountId, route: &str, key: &str) -> Self {
        let parts = [account.as_str().as_bytes(), route.as_bytes(), key.as_bytes()];
        Self(hash("once", &parts))
    }
}

/// What a request asks for: a hash of its body as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }
}

/// What was answered to a request, kept with what it made. `Debug` hides the body, which may hold a secret that is shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    pub fingerprint: Fingerprint,
    pub at: UnixMs,
    pub status: u16,
    pub body: Vec<u8>,
}

impl fmt::Debug for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answered({} {} <{} B>)", self.at, self.status, self.body.len())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Idempotency-Key is 1 to 255 visible ASCII characters, best in double quotes, and is sent once")]
pub struct BadKey;

/// Reads a key as the field has it: a quoted text (a string of RFC 9651) or the bare characters. Both spellings are one key.
pub fn parse_key(field: &str) -> Result<String, BadKey> {
    let text = field.trim();
    let key = match text.strip_prefix('"') {
        Some(quoted) => unquoted(quoted)?,
        None if text.contains(['"', ' ', ',', ';']) => return Err(BadKey),
        None => text.to_owned(),
    };
    let is_visible = key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if key.is_empty() || key.len() > KEY_BYTES_MAX || !is_visible {
        return Err(BadKey);
    }
    Ok(key)
}

/// What stands before the closing quote, which is the last character.
fn unquoted(quoted: &str) -> Result<String, BadKey> {
    let mut key = String::new();
    let mut rest = quoted.chars();
    loop {
        match rest.next().ok_or(BadKey)? {
            '"' if rest.as_str().is_empty() => return Ok(key),
            '"' => return Err(BadKey),
            '\\' => key.push(rest.next().filter(|c| matches!(c, '"' | '\\')).ok_or(BadKey)?),
            other => key.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quoted_and_bare_keys_are_one() {
        let key = "8e03978e-40d5-43e8-bc93-6894a57f9324";
        assert_eq!(parse_key(key).as_deref(), Ok(key));
        assert_eq!(parse_key(&format!(" \"{key}\" ")).as_deref(), Ok(key));
        assert_eq!(parse_key(r#""a \"b\" \\ c""#).as_deref(), Ok(r#"a "b" \ c"#));
        assert!(parse_key(&"x".repeat(255)).is_ok());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in [
            "",
            " ",
            "\"\"",
            "\"a",
            "a\"",
            "\"a\";x=1",
            "\"a\"b",
            "a b",
            "a,b",
            "\"a\", \"b\"",
            "\"a\\n\"",
            "é",
            "\"\u{7f}\"",
        ] {
            assert_eq!(parse_key(bad), Err(BadKey), "{bad:?}");
        }
        assert_eq!(parse_key(&"x".repeat(256)), Err(BadKey));
    }

    #[test]
    fn an_id_is_of_its_account_and_route() {
        let id = |account: &str, route, key| OnceId::derive(&AccountId::parse(account).unwrap(), route, key);
        let all = [
            id("a", "r", "k"),
            id("b", "r", "k"),
            id("a", "s", "k"),
            id("a", "r", "l"),
            id("a", "rk", ""),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{at}");
        }
    }

    proptest! {
        #[test]
        fn any_visible_text_can_be_quoted(key in "[ -~]{1,100}") {
            let quoted = format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
            prop_assert_eq!(parse_key(&quoted), Ok(key));
        }

        #[test]
        fn parsing_never_panics(field in ".{0,300}") {
            let _ = parse_key(&field);
        }
    }
}
