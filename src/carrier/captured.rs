//! One captured request in the JSON of the carriers' vectors, judged offline as the gateway would: the answer to "why is my webhook refused".

mod advice;
mod event;
mod form;
mod key;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::event::normalized;
use self::key::NUMBER_UNKNOWN;
use super::{Answer, Carrier, Contents, Reject, Request, SettingsError};
use crate::core::time::UnixMs;

/// A request as somebody kept it, with what that file says about it. Not `Debug`: it holds keys and texts.
#[derive(Deserialize)]
#[serde(try_from = "Raw")]
pub struct Captured {
    pub name: Option<String>,
    pub carrier: Option<String>,
    /// Which of the carrier's schemes `key` belongs to; without it `key` holds the settings of a source, as in `config.toml`.
    pub scheme: Option<String>,
    pub kind: Option<String>,
    pub method: String,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub key: Map<String, Value>,
    pub now: Option<UnixMs>,
    pub expect: Option<Verdict>,
}

/// The members that are read; a vector has more.
#[derive(Deserialize)]
struct Raw {
    name: Option<String>,
    carrier: Option<String>,
    scheme: Option<String>,
    kind: Option<String>,
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, Field>,
    body: Option<String>,
    body_base64: Option<String>,
    #[serde(default)]
    key: Map<String, Value>,
    /// Unix seconds.
    now: Option<u64>,
    expect: Option<Verdict>,
}

/// The value of a header field, or the values of one that came more than once.
#[derive(Deserialize)]
#[serde(untagged)]
enum Field {
    One(String),
    Many(Vec<String>),
}

impl TryFrom<Raw> for Captured {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        let body = match (raw.body, raw.body_base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => BASE64_STANDARD
                .decode(text)
                .map_err(|e| format!("`body_base64`: {e}"))?,
            (None, None) => Vec::new(),
            (Some(_), Some(_)) => return Err("give `body` or `body_base64`, not both".to_owned()),
        };
        let mut headers = HeaderMap::new();
        for (name, field) in raw.headers {
            let wrong = || format!("`headers`: {name:?} is no header field");
            let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            let values = match field {
                Field::One(value) => vec![value],
                Field::Many(values) => values,
            };
            for value in values {
                let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong())?;
                headers.append(parsed.clone(), value);
            }
        }
        Ok(Self {
            name: raw.name,
            carrier: raw.carrier,
            scheme: raw.scheme,
            kind: raw.kind,
            method: raw.method,
            url: raw.url,
            headers,
            body,
            key: raw.key,
            now: raw.now.map(UnixMs::from_secs),
            expect: raw.expect,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Accept,
    Reject,
}

/// What the gateway would have made of the request.
#[derive(Serialize)]
pub struct Judged {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub verdict: Verdict,
    pub reason: Option<Reject>,
    /// What to look at; only with a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Which of the source's keys matched, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_index: Option<usize>,
    /// In the form of the vectors' `normalized`.
    pub events: Vec<Value>,
    pub respond: Option<Respond>,
}

/// The answer that the carrier hears.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Respond {
    pub status: u16,
    pub content_type: Option<&'static str>,
    pub body: String,
}

impl From<Answer> for Respond {
    fn from(answer: Answer) -> Self {
        let (status, content_type, body) = answer.into_parts();
        Self {
            status,
            content_type,
            body,
        }
    }
}

impl Captured {
    /// The source that the file itself describes by `carrier`, `scheme` and `key`; `None` where it names no carrier.
    pub fn source(&self) -> Result<Option<Carrier>, SettingsError> {
        let Some(carrier) = &self.carrier else {
            return Ok(None);
        };
        let (name, settings) = key::settings(self, carrier)?;
        Carrier::from_settings(name, settings).map(Some)
    }

    /// The request, as if it had been sent to this URL.
    pub fn request<'a>(&'a self, url: &'a str) -> Request<'a> {
        Request {
            method: &self.method,
            url,
            headers: &self.headers,
            body: &self.body,
        }
    }

    /// The verdict of this source at this time. `url` is the one that the carrier was given, as the gateway rebuilds it.
    pub fn judge(&self, carrier: &Carrier, url: &str, now: UnixMs) -> Judged {
        let request = self.request(url);
        let verified = carrier.verify(&request, now);
        let read = verified.and_then(|_| self.read(carrier, &request));
        let hint = match (&verified, &read) {
            (Err(reject), _) => Some(advice::of_refusal(carrier, self, url, now, *reject)),
            (Ok(_), Err(reject)) => Some(advice::of_unreadable(carrier, *reject)),
            (Ok(_), Ok(_)) => None,
        };
        let (verdict, reason, events, respond) = match read {
            Ok(Contents { reports, answer }) => {
                let events = reports.iter().map(normalized).collect();
                (Verdict::Accept, None, events, Some(answer.into()))
            }
            Err(reject) => (Verdict::Reject, Some(reject), Vec::new(), None),
        };
        Judged {
            name: self.name.clone(),
            verdict,
            reason,
            hint,
            key_index: verified.ok(),
            events,
            respond,
        }
    }

    /// Two kinds of vectors are no webhooks of a carrier's messages: of those the signature alone is judged.
    fn read(&self, carrier: &Carrier, request: &Request<'_>) -> Result<Contents, Reject> {
        match self.kind.as_deref() {
            Some("outbound_webhook" | "legacy") => Ok(Contents {
                reports: Vec::new(),
                answer: Answer::OK,
            }),
            _ => carrier.read(request),
        }
    }
}
