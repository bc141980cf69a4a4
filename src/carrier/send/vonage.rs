//! Vonage: its SMS API, which answers 200 to everything, and its Messages API.

use http::HeaderValue;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::settings::{SettingsError, filled};
use super::parts::{self, No};
use super::{Reply, Request};
use crate::core::segments::{self, Encoding};
use crate::core::sending::{Class, Order, Refusal, Sent};

/// By <https://developer.vonage.com/api-errors/sms>.
const STATUSES: &[(&str, Class)] = &[
    ("1", Class::RateLimited),
    ("2", Class::Misconfigured),
    ("3", Class::Misconfigured),
    ("4", Class::Unauthorized),
    ("5", Class::CarrierDown),
    ("6", Class::InvalidRecipient),
    ("7", Class::OptedOut),
    ("8", Class::Unauthorized),
    ("9", Class::NoCredit),
    ("10", Class::RateLimited),
    ("11", Class::Unauthorized),
    ("12", Class::ContentRefused),
    ("14", Class::Unauthorized),
    ("15", Class::Misconfigured),
    ("22", Class::InvalidRecipient),
    ("23", Class::Misconfigured),
    ("29", Class::DestinationNotAllowed),
    ("32", Class::Unauthorized),
    ("33", Class::InvalidRecipient),
];

/// By <https://developer.vonage.com/api-errors/messages>: what stands behind `#` in `type`.
const TYPES: &[(&str, Class)] = &[
    ("1000", Class::RateLimited),
    ("1030", Class::CarrierDown),
    ("1040", Class::ContentRefused),
    ("1050", Class::OptedOut),
    ("1060", Class::Unauthorized),
    ("1070", Class::NoCredit),
    ("1080", Class::Unauthorized),
    ("1090", Class::ContentRefused),
    ("1100", Class::CarrierDown),
    ("1160", Class::DestinationNotAllowed),
    ("1170", Class::InvalidRecipient),
    ("1180", Class::Unreachable),
    ("1190", Class::Unreachable),
    ("1200", Class::OptedOut),
    ("1210", Class::ContentRefused),
    ("1240", Class::InvalidRecipient),
    ("1250", Class::InvalidRecipient),
    ("1260", Class::Unreachable),
    ("low-balance", Class::NoCredit),
    ("throttled", Class::RateLimited),
    ("unauthorized", Class::Unauthorized),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    api_key: String,
    api_secret: String,
    /// A number or a name.
    from: String,
    base_url: Option<String>,
}

#[derive(Debug)]
pub struct Sms {
    url: String,
    authorization: HeaderValue,
    from: String,
}

impl Sms {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let base = parts::base(settings.base_url, "https://rest.nexmo.com");
        Ok(Self {
            url: format!("{base}/sms/json"),
            authorization: parts::basic(&settings.api_key, "api_secret", settings.api_secret)?,
            from: filled("from", settings.from)?,
        })
    }

    pub fn request(&self, order: &Order, callback: Option<&str>) -> Result<Request, Refusal> {
        let mut pairs = vec![
            ("to", parts::digits(parts::number(order)?)),
            ("from", &self.from),
            ("text", &order.text),
        ];
        // Left out, what GSM cannot say arrives as question marks.
        if segments::encode(&order.text).encoding == Encoding::Ucs2 {
            pairs.push(("type", "unicode"));
        }
        pairs.extend(callback.map(|url| ("callback", url)));
        Ok(parts::form(self.url.clone(), self.authorization.clone(), &pairs))
    }

    /// A long text is several messages, each with a status of its own.
    pub fn read(&self, reply: &Reply<'_>) -> Sent {
        let body = reply.json();
        let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let refused = messages.iter().find(|message| message["status"] != "0");
        if !reply.is_success() {
            return reply.refused(No::default());
        }
        let Some(refused) = refused else {
            let first = messages.first().unwrap_or(&Value::Null);
            let price = parts::word(&first["message-price"]);
            let segments = u32::try_from(messages.len()).ok();
            return reply.taken(first["message-id"].as_str(), segments, price);
        };
        if messages.iter().any(|message| message["status"] == "0") {
            return Sent::Unknown("some parts of the text were taken and others refused".into());
        }
        let code = parts::word(&refused["status"]);
        let text = refused["error-text"].as_str().unwrap_or_default();
        let class = match parts::class_of(code.as_deref(), STATUSES) {
            // The one status for every parameter; its text names it last.
            Some(Class::Misconfigured) if text.trim_end().ends_with(" to") => Class::InvalidRecipient,
            class => class.unwrap_or(Class::Misconfigured),
        };
        let class = Some(class);
        reply.refused(No { code, text, class })
    }
}

#[derive(Debug)]
pub struct Messages {
    url: String,
    authorization: HeaderValue,
    from: String,
}

impl Messages {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let base = parts::base(settings.base_url, "https://api.nexmo.com");
        Ok(Self {
            url: format!("{base}/v1/messages"),
            authorization: parts::basic(&settings.api_key, "api_secret", settings.api_secret)?,
            from: filled("from", settings.from)?,
        })
    }

    pub fn request(&self, order: &Order, callback: Option<&str>) -> Result<Request, Refusal> {
        let mut body = Map::new();
        let mut put = |name: &str, value: &str| body.insert(name.to_owned(), value.into());
        put("to", parts::digits(parts::number(order)?));
        put("from", self.from.trim_start_matches('+'));
        put("text", &order.text);
        put("channel", "sms");
        put("message_type", "text");
        callback.map(|url| put("webhook_url", url));
        let body = Value::Object(body);
        Ok(parts::json(self.url.clone(), self.authorization.clone(), &body))
    }

    pub fn read(&self, reply: &Reply<'_>) -> Sent {
        let body = reply.json();
        if reply.is_success() {
            return reply.taken(body["message_uuid"].as_str(), None, None);
        }
        let code = body["type"]
            .as_str()
            .and_then(|kind| Some(kind.rsplit_once('#')?.1.to_owned()));
        let text = body["detail"]
            .as_str()
            .or(body["title"].as_str())
            .unwrap_or_default();
        let class = parts::class_of(code.as_deref(), TYPES);
        reply.refused(No { code, text, class })
    }
}
