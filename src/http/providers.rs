//! `/admin/providers`: who carries messages out and how they fare, and a message to try one, for the holder of the admin token.

use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::admin::{Admin, authorize};
use super::app::{self, Answer};
use super::problem::Problem;
use crate::core::id::{AccountId, MessageId};
use crate::core::phone::PhoneNumber;
use crate::core::segments;
use crate::core::sending::{Channel, Order, Recipient, Sent};
use crate::gateway::{Behalf, Handover};

const ROOT: &str = "/admin/providers";
/// Longest text of a test, in bytes.
const TEXT_BYTES_MAX: usize = 1_600;

pub fn is_path(path: &str) -> bool {
    path.strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// On a hang-up the answer is dropped; a message that is being sent is sent and noted.
pub async fn route(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    let segments: Vec<&str> = head.uri.path().split('/').skip(3).collect();
    match (&head.method, segments.as_slice()) {
        (&Method::GET, []) => {
            authorize(admin, &head.headers)?;
            let providers = admin.app.gateway.providers();
            app::json(StatusCode::OK, &json!({ "providers": providers }))
        }
        (&Method::POST, [name, "tests"]) => {
            authorize(admin, &head.headers)?;
            test(admin, name, head, body).await
        }
        (_, []) => Err(Problem::method_not_allowed("GET")),
        (_, [_, "tests"]) => Err(Problem::method_not_allowed("POST")),
        _ => Err(Problem::not_found(
            "There are /admin/providers and /admin/providers/NAME/tests.",
        )),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    to: String,
    text: String,
    /// Stands in the text; voice says it digit by digit, a template carries it alone.
    code: Option<String>,
    #[serde(default)]
    language: String,
    #[serde(default)]
    subject: String,
    /// Who hears of the message.
    account: Option<String>,
    /// Only what it would be and cost.
    #[serde(default, rename = "dryRun")]
    dry_run: bool,
}

async fn test(admin: &Admin, name: &str, head: &Parts, body: Incoming) -> Answer {
    let wish: Test = app::read_json(&admin.app, head, body).await?;
    if wish.text.is_empty() || wish.text.len() > TEXT_BYTES_MAX {
        return Err(Problem::bad_request(format!(
            "\"text\" has 1 to {TEXT_BYTES_MAX} bytes."
        )));
    }
    let account = wish.account.as_deref().map(AccountId::parse).transpose();
    let account = account.map_err(|e| Problem::bad_request(format!("\"account\": {e}.")))?;
    let to = recipient(&wish.to).ok_or_else(|| {
        Problem::bad_request("\"to\" is a number such as +12025550143, or an e-mail address.")
    })?;
    if wish.dry_run {
        return dry_run(admin, name, &to, &wish.text);
    }
    let order = Order {
        key: MessageId(crate::clock::random()).to_string(),
        to,
        text: wish.text,
        code: wish.code,
        language: wish.language,
        subject: wish.subject,
        extension: None,
    };
    let behalf = account.map(Behalf::from);
    let handover = admin.app.gateway.send_through(name, behalf, order).await?;
    app::json(StatusCode::OK, &shown(&handover))
}

/// What this provider would make of a text, and take for it.
fn dry_run(admin: &Admin, name: &str, to: &Recipient, text: &str) -> Answer {
    let gateway = &admin.app.gateway;
    let channel = gateway.channel_of(name)?;
    let quotes = match to {
        Recipient::Phone(number) => gateway.quotes((channel, Some(name)), number, text),
        Recipient::Email(_) => Vec::new(),
    };
    let mut shown = json!({ "provider": name, "outcome": "dry_run", "segments": 1 });
    if channel == Channel::Sms {
        let encoded = segments::encode(text);
        shown["encoding"] = json!(encoded.encoding.as_str());
        shown["segments"] = json!(encoded.segments());
    }
    if let Some(cost) = quotes.first().and_then(|quote| quote.cost) {
        shown["cost"] = json!(cost.to_string());
    }
    app::json(StatusCode::OK, &shown)
}

fn recipient(text: &str) -> Option<Recipient> {
    if text.contains('@') {
        return Recipient::email(text);
    }
    PhoneNumber::parse(text).ok().map(Recipient::Phone)
}

fn shown(handover: &Handover) -> Value {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            shown.insert(name.to_owned(), value);
        }
    };
    put("provider", json!(handover.provider));
    match &handover.sent {
        Sent::Accepted(taken) => {
            put("outcome", json!("accepted"));
            put("carrierMessageId", json!(taken.carrier_message_id));
            put("carrierSegments", json!(taken.segments));
            put("carrierPrice", json!(taken.price));
        }
        Sent::Refused(refusal) => {
            put("outcome", json!("refused"));
            put("class", json!(refusal.class));
            put("code", json!(refusal.code));
            put("reason", json!(refusal.reason));
            put("retryAfterSeconds", json!(refusal.retry_after_s));
        }
        Sent::Unknown(reason) => {
            put("outcome", json!("unknown"));
            put("reason", json!(reason));
        }
    }
    put("segments", json!(handover.segments));
    put("cost", json!(handover.cost.map(|cost| cost.to_string())));
    put("outboundId", json!(handover.outbound.map(|id| id.to_string())));
    Value::Object(shown)
}
