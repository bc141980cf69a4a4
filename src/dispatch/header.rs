//! Which headers a customer may add to the calls of a subscription.
//!
//! A customer's header may not change how the message is framed, whom it is addressed to, or what our signature
//! says. Line breaks cannot pass: `http` refuses every control character in a name or a value.

use http::{HeaderName, HeaderValue};

/// Longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 4096;

/// Addressing, framing and the hop-by-hop headers of RFC 9110, 7.6.1.
const RESERVED: &[&str] = &[
    "connection",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What the body is, what we sign with, and what is between us and a proxy.
const RESERVED_PREFIXES: &[&str] = &["content-", "proxy-", "webhook-"];

/// Why a header is not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the header name is not sound: use letters, digits and dashes")]
    Name,
    #[error("the header {0} is set by the gateway: choose another name, as in X-{0}")]
    Reserved(HeaderName),
    #[error("the value of {0} holds control characters: encode it first")]
    Value(HeaderName),
    #[error("the value of {0} is longer than {VALUE_BYTES_MAX} bytes: shorten it")]
    TooLong(HeaderName),
}

/// The header in the form a call carries it; its value, often a credential, is hidden in `Debug`.
pub fn check(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let name: HeaderName = name.parse().map_err(|_| Error::Name)?;
    let text = name.as_str();
    if RESERVED.contains(&text) || RESERVED_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
        return Err(Error::Reserved(name));
    }
    if value.len() > VALUE_BYTES_MAX {
        return Err(Error::TooLong(name));
    }
    let Ok(mut value) = HeaderValue::from_str(value) else {
        return Err(Error::Value(name));
    };
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_the_gateway_sets() {
        for name in [
            "Host",
            "content-length",
            "Content-Type",
            "Transfer-Encoding",
            "CONNECTION",
            "webhook-id",
            "Proxy-X",
        ] {
            assert!(matches!(check(name, "x"), Err(Error::Reserved(_))), "{name}");
        }
        for name in [
            "Authorization",
            "X-Host",
            "user-agent",
            "traceparent",
            "contentful",
        ] {
            assert!(check(name, "x").is_ok(), "{name}");
        }
    }

    #[test]
    fn limits_the_value_and_hides_it() {
        let name = HeaderName::from_static("x-key");
        assert_eq!(check("x-key", &"v".repeat(4097)), Err(Error::TooLong(name)));
        let (_, value) = check("x-key", &"v".repeat(4096)).unwrap();
        assert!(!format!("{value:?}").contains("vvv"));
    }

    proptest! {
        #[test]
        fn no_byte_breaks_the_line(before in "[a-z]{0,3}", byte in 0u8..=127, after in "[a-z]{0,3}") {
            let text = format!("{before}{}{after}", char::from(byte));
            let printable = byte == b'\t' || (b' '..=b'~').contains(&byte);
            prop_assert_eq!(check("x-key", &text).is_ok(), printable);
            if let Ok((name, _)) = check(&text, "v") {
                prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_graphic() && b != b':'));
            }
        }
    }
}
