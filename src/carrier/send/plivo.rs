//! Plivo: SMS by its message resource. It gives refusals no codes, so its words and statuses have to do.

use http::HeaderValue;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::settings::{SettingsError, filled};
use super::parts::{self, No};
use super::{Reply, Request};
use crate::core::sending::{Class, Order, Refusal, Sent};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `MA..`.
    auth_id: String,
    auth_token: String,
    /// A number or a name.
    from: String,
    base_url: Option<String>,
}

#[derive(Debug)]
pub struct Account {
    url: String,
    authorization: HeaderValue,
    from: String,
}

impl Account {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let base = parts::base(settings.base_url, "https://api.plivo.com");
        let id = filled("auth_id", settings.auth_id)?;
        Ok(Self {
            url: format!("{base}/v1/Account/{}/Message/", parts::segment(&id)),
            authorization: parts::basic(&id, "auth_token", settings.auth_token)?,
            from: filled("from", settings.from)?,
        })
    }

    pub fn request(&self, order: &Order, callback: Option<&str>) -> Result<Request, Refusal> {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("dst", parts::number(order)?.as_str().into());
        put("text", order.text.as_str().into());
        put("src", self.from.as_str().into());
        put("type", "sms".into());
        callback.map(|url| put("url", url.into()));
        put("method", "POST".into());
        put("log", "true".into());
        put("trackable", false.into());
        let body = Value::Object(body);
        Ok(parts::json(self.url.clone(), self.authorization.clone(), &body))
    }

    pub fn read(&self, reply: &Reply<'_>) -> Sent {
        let body = reply.json();
        let error = &body["error"];
        let text = error.as_str().or(error["error"].as_str()).unwrap_or_default();
        if reply.is_success() && text.is_empty() {
            return reply.taken(body["message_uuid"][0].as_str(), None, None);
        }
        let names = |word: &str| {
            text.split(|c: char| !c.is_ascii_alphanumeric())
                .any(|w| w.eq_ignore_ascii_case(word))
        };
        let class = match reply.status {
            403 => Some(Class::DestinationNotAllowed),
            400 | 422 if names("dst") || names("destination") => Some(Class::InvalidRecipient),
            _ => None,
        };
        reply.refused(No {
            code: None,
            text,
            class,
        })
    }
}
