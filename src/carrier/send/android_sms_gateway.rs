//! The SMS Gateway app for Android (capcom6), on the phone itself or through its cloud server.

use http::HeaderValue;
use serde::Deserialize;
use serde_json::json;

use super::super::settings::{SettingsError, filled};
use super::parts::{self, No};
use super::{Reply, Request};
use crate::core::sending::{Class, Order, Refusal, Sent};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    username: String,
    password: String,
    /// Where messages are posted to: `http://PHONE:8080/message`, or the server's, which is the default.
    url: Option<String>,
    /// Which SIM of the phone sends, counted from 1.
    sim: Option<u8>,
}

#[derive(Debug)]
pub struct Account {
    url: String,
    authorization: HeaderValue,
    sim: Option<u8>,
}

impl Account {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let url = parts::base(settings.url, "https://api.sms-gate.app/3rdparty/v1/messages");
        let user = filled("username", settings.username)?;
        Ok(Self {
            url,
            authorization: parts::basic(&user, "password", settings.password)?,
            sim: settings.sim,
        })
    }

    /// Its webhooks are registered at the phone or server once, not with each message.
    pub fn request(&self, order: &Order, _callback: Option<&str>) -> Result<Request, Refusal> {
        let mut body = json!({
            "phoneNumbers": [parts::number(order)?.as_str()],
            "textMessage": { "text": order.text },
        });
        if let Some(sim) = self.sim {
            body["simNumber"] = sim.into();
        }
        body["withDeliveryReport"] = true.into();
        body["isEncrypted"] = false.into();
        body["priority"] = 0.into();
        Ok(parts::json(self.url.clone(), self.authorization.clone(), &body))
    }

    pub fn read(&self, reply: &Reply<'_>) -> Sent {
        let body = reply.json();
        let text = body["message"].as_str().unwrap_or_default();
        if reply.is_success() && body["state"] != "Failed" {
            return reply.taken(body["id"].as_str(), None, None);
        }
        let of_number = text.to_ascii_lowercase().contains("phone number") || text.contains("phoneNumbers");
        let class = (matches!(reply.status, 400 | 422) && of_number).then_some(Class::InvalidRecipient);
        reply.refused(No {
            code: None,
            text,
            class,
        })
    }
}
