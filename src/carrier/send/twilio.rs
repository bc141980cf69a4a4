//! Twilio: SMS by its messages resource, calls by its calls resource with the instructions in the request.

use http::HeaderValue;
use serde::Deserialize;

use super::super::settings::{SettingsError, filled};
use super::parts::{self, No};
use super::{Reply, Request, spoken};
use crate::core::sending::{Class, Order, Refusal, Sent};

const BASE: &str = "https://api.twilio.com";

/// By <https://www.twilio.com/docs/api/errors>.
const CODES: &[(&str, Class)] = &[
    ("20003", Class::Unauthorized),
    ("20005", Class::Unauthorized),
    ("20429", Class::RateLimited),
    ("21211", Class::InvalidRecipient),
    ("21214", Class::InvalidRecipient),
    ("21215", Class::DestinationNotAllowed),
    ("21216", Class::DestinationNotAllowed),
    ("21217", Class::InvalidRecipient),
    ("21265", Class::InvalidRecipient),
    ("21266", Class::InvalidRecipient),
    ("21408", Class::DestinationNotAllowed),
    ("21608", Class::DestinationNotAllowed),
    ("21610", Class::OptedOut),
    ("21611", Class::RateLimited),
    ("21614", Class::InvalidRecipient),
    ("21617", Class::ContentRefused),
    ("21635", Class::InvalidRecipient),
    ("30001", Class::RateLimited),
    ("30002", Class::Unauthorized),
    ("30003", Class::Unreachable),
    ("30004", Class::OptedOut),
    ("30005", Class::InvalidRecipient),
    ("30006", Class::Unreachable),
    ("30007", Class::ContentRefused),
    ("30022", Class::RateLimited),
    ("63038", Class::RateLimited),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `AC..`.
    account_sid: String,
    /// The key's SID (`SK..`), where `auth_token` is an API key's secret.
    api_key_sid: Option<String>,
    auth_token: String,
    /// A number or name of the account; or `messaging_service_sid`.
    from: Option<String>,
    messaging_service_sid: Option<String>,
    base_url: Option<String>,
}

#[derive(Debug)]
pub struct Account {
    url: String,
    authorization: HeaderValue,
    /// The parameter that says who sends, and its value.
    sender: (&'static str, String),
}

impl Account {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let sender = match (settings.from, settings.messaging_service_sid) {
            (Some(from), None) => ("From", filled("from", from)?),
            (None, Some(sid)) => ("MessagingServiceSid", filled("messaging_service_sid", sid)?),
            _ => {
                let expected = "it, or `messaging_service_sid` instead, but not both";
                return Err(SettingsError::Value {
                    key: "from",
                    expected,
                });
            }
        };
        let (sid, base) = (
            filled("account_sid", settings.account_sid)?,
            parts::base(settings.base_url, BASE),
        );
        let user = settings.api_key_sid.as_ref().unwrap_or(&sid);
        Ok(Self {
            url: format!(
                "{base}/2010-04-01/Accounts/{}/Messages.json",
                parts::segment(&sid)
            ),
            authorization: parts::basic(user, "auth_token", settings.auth_token)?,
            sender,
        })
    }

    pub fn request(&self, order: &Order, callback: Option<&str>) -> Result<Request, Refusal> {
        let mut pairs = vec![("To", parts::number(order)?.as_str())];
        pairs.extend(callback.map(|url| ("StatusCallback", url)));
        pairs.push((self.sender.0, &self.sender.1));
        pairs.push(("Body", &order.text));
        Ok(parts::form(self.url.clone(), self.authorization.clone(), &pairs))
    }

    pub fn read(&self, reply: &Reply<'_>) -> Sent {
        read(reply)
    }
}

fn read(reply: &Reply<'_>) -> Sent {
    let body = reply.json();
    let code = parts::word(&body["code"]).or(parts::word(&body["error_code"]));
    let text = body["message"]
        .as_str()
        .or(body["error_message"].as_str())
        .unwrap_or_default();
    let class = parts::class_of(code.as_deref(), CODES);
    // A message may be made and have failed already.
    if !reply.is_success() || (code.is_some() && body["status"] == "failed") {
        return reply.refused(No { code, text, class });
    }
    let segments = parts::count(&body["num_segments"]).filter(|segments| *segments > 0);
    let price = parts::word(&body["price"]).map(|price| {
        let unit = body["price_unit"].as_str().unwrap_or_default();
        format!("{price} {unit}").trim_end().to_owned()
    });
    reply.taken(body["sid"].as_str(), segments, price)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceSettings {
    account_sid: String,
    api_key_sid: Option<String>,
    auth_token: String,
    from: String,
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
        let (sid, base) = (
            filled("account_sid", settings.account_sid)?,
            parts::base(settings.base_url, BASE),
        );
        let user = settings.api_key_sid.as_ref().unwrap_or(&sid);
        Ok(Self {
            url: format!("{base}/2010-04-01/Accounts/{}/Calls.json", parts::segment(&sid)),
            authorization: parts::basic(user, "auth_token", settings.auth_token)?,
            from: filled("from", settings.from)?,
        })
    }

    /// How the call ended is reported, which is what Twilio does unless it is told more.
    pub fn request(&self, order: &Order, callback: Option<&str>) -> Result<Request, Refusal> {
        let mut pairs = vec![("To", parts::number(order)?.as_str()), ("From", &self.from)];
        let xml = spoken::xml(order)?;
        pairs.extend(callback.map(|url| ("StatusCallback", url)));
        pairs.push(("Twiml", &xml));
        Ok(parts::form(self.url.clone(), self.authorization.clone(), &pairs))
    }

    pub fn read(&self, reply: &Reply<'_>) -> Sent {
        read(reply)
    }
}
