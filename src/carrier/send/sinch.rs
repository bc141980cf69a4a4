//! Sinch: SMS by the batches of its REST API (XMS).

use http::HeaderValue;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::settings::{SettingsError, filled};
use super::parts::{self, No};
use super::{Reply, Request};
use crate::core::sending::{Class, Order, Refusal, Sent};

/// By <https://developers.sinch.com/docs/sms/api-reference/status-codes>.
const CODES: &[(&str, Class)] = &[
    ("forbidden", Class::DestinationNotAllowed),
    ("forbidden_number", Class::DestinationNotAllowed),
    ("missing_callback_url", Class::Misconfigured),
    ("too_many_requests", Class::RateLimited),
    ("unauthorized", Class::Unauthorized),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    service_plan_id: String,
    api_token: String,
    /// A number or a name.
    from: String,
    /// `us`, `eu`, `au`, `br` or `ca`.
    region: Option<String>,
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
        let region = settings.region.as_deref().unwrap_or("us");
        if !["us", "eu", "au", "br", "ca"].contains(&region) {
            let expected = "us, eu, au, br or ca";
            return Err(SettingsError::Value {
                key: "region",
                expected,
            });
        }
        let base = parts::base(settings.base_url, &format!("https://{region}.sms.api.sinch.com"));
        let plan = parts::segment(&filled("service_plan_id", settings.service_plan_id)?);
        Ok(Self {
            url: format!("{base}/xms/v1/{plan}/batches"),
            authorization: parts::bearer("api_token", settings.api_token)?,
            from: filled("from", settings.from)?,
        })
    }

    pub fn request(&self, order: &Order, callback: Option<&str>) -> Result<Request, Refusal> {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("to", json!([parts::number(order)?.as_str()]));
        put("from", self.from.as_str().into());
        put("body", order.text.as_str().into());
        put("type", "mt_text".into());
        put("delivery_report", "per_recipient".into());
        callback.map(|url| put("callback_url", url.into()));
        let body = Value::Object(body);
        Ok(parts::json(self.url.clone(), self.authorization.clone(), &body))
    }

    pub fn read(&self, reply: &Reply<'_>) -> Sent {
        let body = reply.json();
        if reply.is_success() {
            return reply.taken(body["id"].as_str(), None, None);
        }
        let code = parts::word(&body["code"]);
        let text = body["text"].as_str().unwrap_or_default();
        let of_recipient = code.as_deref().is_some_and(|code| code.starts_with("syntax_"))
            && text
                .split(|c: char| !c.is_ascii_alphanumeric())
                .any(|word| word == "to" || word == "msisdn");
        let class = match parts::class_of(code.as_deref(), CODES) {
            None if of_recipient => Some(Class::InvalidRecipient),
            class => class,
        };
        reply.refused(No { code, text, class })
    }
}
