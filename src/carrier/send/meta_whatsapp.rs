//! WhatsApp Cloud API: an authentication template, whose only variable part is the code.

use http::HeaderValue;
use serde::Deserialize;
use serde_json::json;

use super::super::settings::{SettingsError, filled};
use super::parts::{self, No};
use super::{Reply, Request};
use crate::core::sending::{Class, Order, Refusal, Sent};

/// By <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>.
const CODES: &[(&str, Class)] = &[
    ("0", Class::Unauthorized),
    ("1", Class::CarrierDown),
    ("2", Class::CarrierDown),
    ("3", Class::Unauthorized),
    ("4", Class::RateLimited),
    ("10", Class::Unauthorized),
    ("190", Class::Unauthorized),
    ("368", Class::Unauthorized),
    ("80007", Class::RateLimited),
    ("130429", Class::RateLimited),
    ("130472", Class::OptedOut),
    ("130497", Class::DestinationNotAllowed),
    ("131000", Class::CarrierDown),
    ("131005", Class::Unauthorized),
    ("131016", Class::CarrierDown),
    ("131021", Class::InvalidRecipient),
    ("131026", Class::Unreachable),
    ("131030", Class::DestinationNotAllowed),
    ("131031", Class::Unauthorized),
    ("131042", Class::NoCredit),
    ("131048", Class::RateLimited),
    ("131049", Class::Unreachable),
    ("131050", Class::OptedOut),
    ("131056", Class::RateLimited),
    ("132007", Class::ContentRefused),
    ("132015", Class::ContentRefused),
    ("132016", Class::ContentRefused),
    ("133004", Class::CarrierDown),
    ("133016", Class::RateLimited),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    access_token: String,
    /// The sending number's id, not the number.
    phone_number_id: String,
    /// The template of the category "authentication".
    template: String,
    /// The languages in which the template is there, as WhatsApp writes them (`en_US`); the first is for all others.
    languages: Vec<String>,
    /// Whether the template has the button that copies the code, as authentication templates do; default true.
    button: Option<bool>,
    base_url: Option<String>,
}

#[derive(Debug)]
pub struct Account {
    url: String,
    authorization: HeaderValue,
    template: String,
    languages: Vec<String>,
    button: bool,
}

impl Account {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        if settings.languages.is_empty() {
            let expected = "one language or more, such as [\"en_US\"]";
            let key = "languages";
            return Err(SettingsError::Value { key, expected });
        }
        let base = parts::base(settings.base_url, "https://graph.facebook.com/v23.0");
        let id = parts::segment(&filled("phone_number_id", settings.phone_number_id)?);
        Ok(Self {
            url: format!("{base}/{id}/messages"),
            authorization: parts::bearer("access_token", settings.access_token)?,
            template: filled("template", settings.template)?,
            languages: settings.languages,
            button: settings.button.unwrap_or(true),
        })
    }

    /// The webhook for its reports is the app's own.
    pub fn request(&self, order: &Order, _callback: Option<&str>) -> Result<Request, Refusal> {
        let number = parts::digits(parts::number(order)?);
        let Some(code) = order.code.as_deref() else {
            let reason =
                "a WhatsApp template carries a code, and this message has none: send it by another channel";
            return Err(Refusal::new(Class::ContentRefused, reason));
        };
        let parameters = json!([{ "type": "text", "text": code }]);
        let mut components = vec![json!({ "type": "body", "parameters": parameters })];
        if self.button {
            components
                .push(json!({ "type": "button", "sub_type": "url", "index": "0", "parameters": parameters }));
        }
        let body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": number,
            "type": "template",
            "template": {
                "name": self.template,
                "language": { "code": self.language(&order.language) },
                "components": components,
            },
        });
        Ok(parts::json(self.url.clone(), self.authorization.clone(), &body))
    }

    /// The template's language that is wished, else the same language elsewhere, else the first.
    fn language(&self, wished: &str) -> &str {
        let wished = wished.replace('-', "_");
        let short = |tag: &str| tag.split('_').next().map(str::to_ascii_lowercase);
        let exact = self
            .languages
            .iter()
            .find(|have| have.eq_ignore_ascii_case(&wished));
        let near = || self.languages.iter().find(|have| short(have) == short(&wished));
        exact.or_else(near).unwrap_or(&self.languages[0])
    }

    pub fn read(&self, reply: &Reply<'_>) -> Sent {
        let body = reply.json();
        let error = &body["error"];
        if reply.is_success() && error.is_null() {
            return reply.taken(body["messages"][0]["id"].as_str(), None, None);
        }
        let code = parts::word(&error["code"]);
        let details = error["error_data"]["details"].as_str();
        let text = details.or(error["message"].as_str()).unwrap_or_default();
        let class = parts::class_of(code.as_deref(), CODES);
        reply.refused(No { code, text, class })
    }
}
