//! What the providers have in common: encodings that nothing breaks out of, credentials, and how a refusal is understood.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::super::basic;
use super::super::settings::{SettingsError, filled};
use super::{Reply, Request};
use crate::core::phone::PhoneNumber;
use crate::core::sending::{Class, Order, Recipient, Refusal, Sent, Taken, quoted};

/// Longest id that is taken, in bytes; it becomes a key of the store.
const ID_BYTES_MAX: usize = 256;

/// What a path segment keeps as it is (RFC 3986, 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Text as one segment of a path.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// The value of an `Authorization` header; it does not show in logs.
pub fn authorization(key: &'static str, value: &str) -> Result<HeaderValue, SettingsError> {
    let expected = "a text without line ends";
    let mut value = HeaderValue::try_from(value).map_err(|_| SettingsError::Value { key, expected })?;
    value.set_sensitive(true);
    Ok(value)
}

pub fn bearer(key: &'static str, token: String) -> Result<HeaderValue, SettingsError> {
    authorization(key, &format!("Bearer {}", filled(key, token)?))
}

pub fn basic(user: &str, key: &'static str, password: String) -> Result<HeaderValue, SettingsError> {
    let password = filled(key, password)?;
    authorization(
        key,
        &format!("Basic {}", basic::encoded(user, password.as_bytes())),
    )
}

/// Where the provider is, without a slash at its end; `usual` where the settings do not say.
pub fn base(given: Option<String>, usual: &str) -> String {
    let base = given.unwrap_or_else(|| usual.to_owned());
    base.trim_end_matches('/').to_owned()
}

pub fn json(url: String, authorization: HeaderValue, body: &Value) -> Request {
    request(
        url,
        "application/json",
        authorization,
        body.to_string().into_bytes(),
    )
}

pub fn form(url: String, authorization: HeaderValue, pairs: &[(&str, &str)]) -> Request {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs);
    request(
        url,
        "application/x-www-form-urlencoded",
        authorization,
        form.finish().into_bytes(),
    )
}

fn request(url: String, media_type: &'static str, authorization: HeaderValue, body: Vec<u8>) -> Request {
    let headers: Vec<(HeaderName, HeaderValue)> = vec![
        (ACCEPT, HeaderValue::from_static("application/json")),
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (AUTHORIZATION, authorization),
    ];
    Request {
        method: Method::POST,
        url,
        headers,
        body,
    }
}

/// The number an order goes to.
pub fn number(order: &Order) -> Result<&PhoneNumber, Refusal> {
    match &order.to {
        Recipient::Phone(number) => Ok(number),
        Recipient::Email(_) => Err(Refusal::new(
            Class::InvalidRecipient,
            "this provider sends to phone numbers: name one of kind \"smtp\" for e-mail",
        )),
    }
}

/// As the carriers want it that take numbers without `+`.
pub fn digits(number: &PhoneNumber) -> &str {
    &number.as_str()[1..]
}

/// A provider's no, as its kind reads it out of the reply.
#[derive(Debug, Default)]
pub struct No<'a> {
    pub code: Option<String>,
    pub text: &'a str,
    /// Where the kind knows what it means.
    pub class: Option<Class>,
}

/// A code's class by the provider's table.
pub fn class_of(code: Option<&str>, table: &[(&str, Class)]) -> Option<Class> {
    let code = code?;
    table
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, class)| *class)
}

impl Reply<'_> {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, where it is JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.body).unwrap_or(Value::Null)
    }

    /// Taken under this id; a success that names none leaves open what became of the message.
    pub fn taken(&self, id: Option<&str>, segments: Option<u32>, price: Option<String>) -> Sent {
        match id.filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX) {
            Some(id) => Sent::Accepted(Taken {
                carrier_message_id: id.to_owned(),
                segments,
                price,
            }),
            None => Sent::Unknown(format!("it answered {} without the message's id", self.status)),
        }
    }

    /// What a reply that is no success means: by the provider's code, else by the status. A server error without a word that the
    /// provider's program would say may come from a proxy on the way, behind which the message went out.
    pub fn refused(&self, no: No<'_>) -> Sent {
        let by_status = match self.status {
            401 | 403 => Class::Unauthorized,
            402 => Class::NoCredit,
            408 | 503 => Class::CarrierDown,
            429 => Class::RateLimited,
            500..=599 if no.code.is_some() || !no.text.is_empty() => Class::CarrierDown,
            500..=599 => return Sent::Unknown(format!("it answered {} and said nothing else", self.status)),
            _ => Class::Misconfigured,
        };
        let reason = match quoted(no.text) {
            text if text.is_empty() => format!("it answered {}", self.status),
            text => text,
        };
        Sent::Refused(Refusal {
            class: no.class.unwrap_or(by_status),
            code: no.code.map(|code| shown_code(&code)),
            reason,
            retry_after_s: self.retry_after_s,
        })
    }
}

/// A text, or a whole number as its digits.
pub fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

/// A count, which some providers write as text.
pub fn count(value: &Value) -> Option<u32> {
    word(value)?.parse().ok()
}

/// A code as it may be kept: the providers' own are short words or numbers.
fn shown_code(code: &str) -> String {
    let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    code.chars().filter(legal).take(40).collect()
}
