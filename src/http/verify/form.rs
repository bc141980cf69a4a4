//! A body of contract 002 read member by member: everything that is wrong with it is told at once, by field.

use http::request::Parts;
use hyper::body::Incoming;
use serde_json::{Map, Value};

use crate::core::abuse::Who;
use crate::core::sending::Channel;
use crate::core::verification::address::{Email, To};
use crate::core::verification::autofill::{self, Autofill};
use crate::core::verification::text;
use crate::http::app::{self, App};
use crate::http::problem::Problem;

/// Digits that the contract allows.
pub const DIGITS: std::ops::RangeInclusive<u64> = 4..=8;
const DIGITS_USUAL: u8 = 6;
/// Longest text of a caller that names somebody, in bytes, and how many keys of its own there may be.
const WORD_BYTES_MAX: usize = 128;
const OWN_KEYS_MAX: usize = 8;

/// What is wrong with one member.
pub struct Detail {
    pub field: &'static str,
    pub reason: String,
}

/// A body's members, and what is wrong with them.
pub struct Form {
    members: Map<String, Value>,
    wrong: Vec<Detail>,
}

impl Form {
    pub async fn read(app: &App, head: &Parts, incoming: Incoming) -> Result<Self, Problem> {
        app::read_json(app, head, incoming).await.map(Self::of)
    }

    pub fn of(members: Map<String, Value>) -> Self {
        Self {
            members,
            wrong: Vec::new(),
        }
    }

    pub fn refuse<T>(&mut self, field: &'static str, reason: impl Into<String>) -> Option<T> {
        self.wrong.push(Detail {
            field,
            reason: reason.into(),
        });
        None
    }

    /// `None` where it is absent or null, or no text, which is noted.
    pub fn text(&mut self, field: &'static str) -> Option<String> {
        match self.members.remove(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(_) => self.refuse(field, "must be a string"),
        }
    }

    pub fn needed(&mut self, field: &'static str) -> Option<String> {
        let is_there = self.members.get(field).is_some_and(|value| !value.is_null());
        if !is_there {
            return self.refuse(field, "is required");
        }
        self.text(field)
    }

    /// A short text that names somebody.
    pub fn word(&mut self, field: &'static str) -> Option<String> {
        let text = self.text(field)?;
        if (1..=WORD_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control) {
            return Some(text);
        }
        self.refuse(
            field,
            format!("must be 1 to {WORD_BYTES_MAX} bytes without control characters"),
        )
    }

    pub fn client_ip(&mut self) -> Option<std::net::IpAddr> {
        let text = self.text("client_ip")?;
        match text.parse() {
            Ok(ip) => Some(ip),
            Err(_) => self.refuse("client_ip", "must be an IP address"),
        }
    }

    /// What is wrong with all of it.
    pub fn wrong(self) -> Vec<Detail> {
        self.wrong
    }

    pub fn channel(&mut self) -> Option<Channel> {
        let text = self.needed("channel")?;
        // Flash calls are contract 003's.
        match Channel::parse(&text).filter(|channel| *channel != Channel::Flashcall) {
            Some(channel) => Some(channel),
            None => self.refuse("channel", "must be one of sms, voice, whatsapp, email"),
        }
    }

    pub fn to(&mut self, channel: Option<Channel>) -> Option<To> {
        let text = self.needed("to")?;
        let found = match channel {
            Some(Channel::Email) => Email::parse(&text).map(To::Email),
            Some(_) => To::strict_number(&text).map(To::Number),
            None => return None,
        };
        let reason = match channel {
            Some(Channel::Email) => "must be an e-mail address",
            _ => "must be E.164 format",
        };
        found.or_else(|| self.refuse("to", reason))
    }

    pub fn digits(&mut self) -> u8 {
        match self.members.remove("code_length") {
            None | Some(Value::Null) => DIGITS_USUAL,
            Some(value) => match value.as_u64().filter(|digits| DIGITS.contains(digits)) {
                Some(digits) => u8::try_from(digits).unwrap_or(DIGITS_USUAL),
                None => self
                    .refuse("code_length", "must be an integer from 4 to 8")
                    .unwrap_or(DIGITS_USUAL),
            },
        }
    }

    pub fn language(&mut self) -> String {
        let text = self.text("locale").unwrap_or_else(|| "en".to_owned());
        let is_tag = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if (2..=35).contains(&text.len()) && text.bytes().all(is_tag) {
            return text;
        }
        self.refuse("locale", "must be a language tag, such as en or pt-BR")
            .unwrap_or_default()
    }

    pub fn own_text(&mut self) -> Option<String> {
        let own = self.text("custom_message")?;
        if text::is_text(&own) {
            return Some(own);
        }
        let reason = format!(
            "must contain {{{{code}}}} and be at most {} bytes",
            text::TEXT_BYTES_MAX
        );
        self.refuse("custom_message", reason)
    }

    pub fn app_name(&mut self) -> Option<String> {
        let name = self.text("app_name")?;
        if text::is_app_name(&name) {
            return Some(name);
        }
        let reason = format!("must be 1 to {} characters without braces", text::APP_NAME_MAX);
        self.refuse("app_name", reason)
    }

    /// Whose phones fill the code in; not in the contract either.
    pub fn autofill(&mut self) -> Autofill {
        let mut named = |field, is: fn(&str) -> bool, rule: &str| {
            let text = self.text(field)?;
            if is(&text) {
                return Some(text);
            }
            self.refuse(field, rule)
        };
        Autofill {
            app_hash: named("app_hash", autofill::is_app_hash, autofill::APP_HASH_RULE),
            web_domain: named("web_domain", autofill::is_web_domain, autofill::WEB_DOMAIN_RULE),
        }
    }

    /// Whoever asked the caller; not in the contract, so absent from its clients.
    pub fn who(&mut self) -> Who {
        let own = match self.members.remove("limits") {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::Object(keys)) => own_keys(keys),
            Some(_) => None,
        };
        let challenge_passed = match self.members.remove("challenge_passed") {
            None | Some(Value::Null) => Some(false),
            Some(value) => value.as_bool(),
        };
        Who {
            ip: self.client_ip(),
            user: self.word("user"),
            session: self.word("session"),
            own: own
                .or_else(|| self.refuse("limits", "must be an object of at most 8 short texts"))
                .unwrap_or_default(),
            challenge_passed: challenge_passed
                .or_else(|| self.refuse("challenge_passed", "must be true or false"))
                .unwrap_or_default(),
        }
    }
}

/// A caller's own keys of limits.
pub fn own_keys(keys: Map<String, Value>) -> Option<Vec<(String, String)>> {
    let fits = |text: &str| (1..=WORD_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control);
    if keys.len() > OWN_KEYS_MAX {
        return None;
    }
    let each = keys.into_iter().map(|(key, value)| match value {
        Value::String(value) if fits(&key) && fits(&value) => Some((key, value)),
        _ => None,
    });
    each.collect()
}
