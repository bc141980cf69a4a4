//! Telnyx: SMS by its messages API, calls by TeXML with the instructions in the request.

use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::settings::{SettingsError, filled};
use super::parts::{self, No};
use super::{Reply, Request, spoken};
use crate::core::sending::{Class, Order, Refusal, Sent};

const BASE: &str = "https://api.telnyx.com";

/// By <https://developers.telnyx.com/docs/messaging/messages/error-codes>.
const CODES: &[(&str, Class)] = &[
    ("10001", Class::InvalidRecipient),
    ("10002", Class::InvalidRecipient),
    ("10007", Class::CarrierDown),
    ("10009", Class::Unauthorized),
    ("10010", Class::Unauthorized),
    ("10011", Class::RateLimited),
    ("10016", Class::InvalidRecipient),
    ("20100", Class::NoCredit),
    ("40001", Class::Unreachable),
    ("40002", Class::ContentRefused),
    ("40003", Class::ContentRefused),
    ("40004", Class::Unreachable),
    ("40006", Class::Unreachable),
    ("40008", Class::Unreachable),
    ("40009", Class::ContentRefused),
    ("40011", Class::RateLimited),
    ("40012", Class::InvalidRecipient),
    ("40013", Class::Misconfigured),
    ("40015", Class::ContentRefused),
    ("40018", Class::RateLimited),
    ("40300", Class::OptedOut),
    ("40302", Class::ContentRefused),
    ("40309", Class::DestinationNotAllowed),
    ("40310", Class::InvalidRecipient),
    ("40314", Class::Unauthorized),
    ("40318", Class::RateLimited),
    ("40322", Class::ContentRefused),
    ("40331", Class::DestinationNotAllowed),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `KEY..`.
    api_key: String,
    /// A number of the account, or an alphanumeric sender with a messaging profile.
    from: String,
    messaging_profile_id: Option<String>,
    base_url: Option<String>,
}

#[derive(Debug)]
pub struct Account {
    url: String,
    authorization: HeaderValue,
    from: String,
    profile: Option<String>,
}

impl Account {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            url: format!("{}/v2/messages", parts::base(settings.base_url, BASE)),
            authorization: parts::bearer("api_key", settings.api_key)?,
            from: filled("from", settings.from)?,
            profile: settings.messaging_profile_id,
        })
    }

    pub fn request(&self, order: &Order, callback: Option<&str>) -> Result<Request, Refusal> {
        let mut body = Map::new();
        let mut put = |name: &str, value: &str| body.insert(name.to_owned(), value.into());
        put("to", parts::number(order)?.as_str());
        put("from", &self.from);
        self.profile.as_ref().map(|id| put("messaging_profile_id", id));
        put("text", &order.text);
        callback.map(|url| put("webhook_url", url));
        let mut request = parts::json(self.url.clone(), self.authorization.clone(), &Value::Object(body));
        // The one carrier that takes a message of one key only once.
        if let Ok(key) = HeaderValue::try_from(&order.key) {
            request
                .headers
                .push((HeaderName::from_static("idempotency-key"), key));
        }
        Ok(request)
    }

    pub fn read(&self, reply: &Reply<'_>) -> Sent {
        let body = reply.json();
        if !reply.is_success() {
            return refused(reply, &body);
        }
        let cost = &body["data"]["cost"];
        let price = parts::word(&cost["amount"]).map(|amount| {
            let currency = cost["currency"].as_str().unwrap_or_default();
            format!("{amount} {currency}").trim_end().to_owned()
        });
        let segments = parts::count(&body["data"]["parts"]);
        reply.taken(body["data"]["id"].as_str(), segments, price)
    }
}

fn refused(reply: &Reply<'_>, body: &Value) -> Sent {
    let error = &body["errors"][0];
    let code = parts::word(&error["code"]);
    let text = error["detail"]
        .as_str()
        .or(error["title"].as_str())
        .unwrap_or_default();
    let class = parts::class_of(code.as_deref(), CODES);
    // One code says that a number is wrong, and the pointer says which.
    let of_sender = error["source"]["pointer"]
        .as_str()
        .is_some_and(|at| at.to_ascii_lowercase().ends_with("from"));
    let class = match class {
        Some(Class::InvalidRecipient) if of_sender => Some(Class::Misconfigured),
        class => class,
    };
    reply.refused(No { code, text, class })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceSettings {
    api_key: String,
    from: String,
    /// The TeXML application that makes the call.
    connection_id: String,
    base_url: Option<String>,
}

#[derive(Debug)]
pub struct Voice {
    url: String,
    authorization: HeaderValue,
    from: String,
}

impl Voice {
    pub fn new(settings: VoiceSettings) -> Result<Self, SettingsError> {
        let base = parts::base(settings.base_url, BASE);
        let connection = parts::segment(&filled("connection_id", settings.connection_id)?);
        Ok(Self {
            url: format!("{base}/v2/texml/calls/{connection}"),
            authorization: parts::bearer("api_key", settings.api_key)?,
            from: filled("from", settings.from)?,
        })
    }

    /// Of what Telnyx reports of a call, its end is asked for.
    pub fn request(&self, order: &Order, callback: Option<&str>) -> Result<Request, Refusal> {
        let mut body = json!({
            "From": self.from,
            "To": parts::number(order)?.as_str(),
            "Texml": spoken::xml(order)?,
        });
        if let Some(url) = callback {
            body["StatusCallback"] = url.into();
            body["StatusCallbackMethod"] = "POST".into();
            body["StatusCallbackEvent"] = "completed".into();
        }
        Ok(parts::json(self.url.clone(), self.authorization.clone(), &body))
    }

    pub fn read(&self, reply: &Reply<'_>) -> Sent {
        let body = reply.json();
        if !reply.is_success() {
            return refused(reply, &body);
        }
        let id = ["call_sid", "sid"].iter().find_map(|name| body[name].as_str());
        reply.taken(id, None, None)
    }
}
