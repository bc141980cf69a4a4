//! `POST /api/messages`: a text of the account's own by SMS, as identity servers post it to whoever sends for them. Their members are
//! called `To` and `Body`, in capitals or not, in JSON or a form, and the key is a bearer's or the password of HTTP Basic.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Map, Value};

use super::app::{self, Admitted, Answer, App, Caller, bearer_text};
use super::body;
use super::once::{self, Sent};
use super::problem::Problem;
use crate::core::phone::PhoneNumber;
use crate::core::scope::Scope;
use crate::core::verification::code::Code;
use crate::gateway::{Error, Once, TextSent, TextWish, VerifyError};

/// Longest text, in bytes.
const TEXT_BYTES_MAX: usize = 1_600;
/// What is read; all else, such as `From`, is passed over: who a message is from is what its provider says.
const NAMES: [&str; 3] = ["to", "body", "message"];
const SEND_KEY: &str =
    "Send a valid API key as \"Authorization: Bearer KEY\", or as the password of \"Authorization: Basic\".";

/// On a hang-up a text that is being sent is sent and noted.
pub async fn send(app: Arc<App>, head: Parts, incoming: Incoming, scope: Scope) -> Answer {
    let key = key_text(&head.headers).ok_or_else(|| Problem::unauthorized(SEND_KEY))?;
    let Admitted { key, allowance } = app::admit(&app, app.gateway.authenticate(&key)?, scope)?;
    let answer = sent(&Caller { app, key }, &head, incoming).await;
    Ok(app::counted(answer.unwrap_or_else(Response::from), allowance))
}

/// The bearer's key, or Basic's password; its user's name where there is none.
fn key_text(headers: &HeaderMap) -> Option<String> {
    if let Some(key) = bearer_text(headers) {
        return Some(key.to_owned());
    }
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let (field, none) = (fields.next()?, fields.next());
    let (scheme, encoded) = field.to_str().ok()?.split_once(' ')?;
    if none.is_some() || !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    let key = if password.is_empty() { user } else { password };
    Some(key.to_owned())
}

async fn sent(caller: &Caller, head: &Parts, incoming: Incoming) -> Answer {
    let (app, client_key) = (&caller.app, once::client_key(&head.headers)?);
    let bytes = body::read(head, incoming, &app.body).await?;
    let members = Members::parse(app, &head.headers, &bytes)?;
    let first = match once::begin(caller, client_key, ("POST /api/messages", &bytes)).await? {
        Sent::New((), first) => first,
        Sent::Again(answer) => return Ok(answer),
    };
    let (text, code) = members.text()?;
    let wish = TextWish {
        key: caller.key.clone(),
        to: members.to()?,
        text,
        code,
        once: first.map(|first| Once {
            first,
            status: StatusCode::ACCEPTED.as_u16(),
            body: Box::new(shown),
        }),
    };
    let sent = caller.app.gateway.send_text(wish).await;
    match sent {
        Ok(sent) => once::answer(Ok(shown(&sent)), StatusCode::ACCEPTED),
        Err(VerifyError::Gateway(error @ Error::OnceAnswered(_))) => {
            once::answer(Err(error), StatusCode::ACCEPTED)
        }
        Err(error) => Err(error.into()),
    }
}

fn shown(sent: &TextSent) -> Vec<u8> {
    let members = [
        ("outcome", Some(Value::from(sent.outcome.as_str()))),
        ("provider", sent.provider.clone().map(Value::from)),
        ("segments", Some(sent.segments.into())),
        ("cost", sent.cost.map(|cost| cost.to_string().into())),
        ("outboundId", sent.outbound.map(|id| id.to_string().into())),
    ];
    let shown: Map<String, Value> = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    Value::Object(shown).to_string().into()
}

/// What was posted, by names in small letters.
struct Members(Vec<(String, String)>);

impl Members {
    fn parse(app: &App, headers: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem> {
        let pairs: Vec<(String, Value)> = if app::is_json(headers) {
            let members: Map<String, Value> = app::parse_json(app, bytes)?;
            members.into_iter().collect()
        } else if is_form(headers) {
            let pairs = form_urlencoded::parse(bytes).into_owned();
            pairs.map(|(name, value)| (name, value.into())).collect()
        } else {
            let said = "Send the body as application/json or as application/x-www-form-urlencoded.";
            return Err(Problem::unsupported_media_type(said));
        };
        let mut read = Self(Vec::new());
        for (name, value) in pairs {
            let name = name.to_ascii_lowercase();
            if !NAMES.contains(&name.as_str()) || value.is_null() {
                continue;
            }
            let Value::String(value) = value else {
                return Err(Problem::bad_request(format!("\"{name}\" is a text.")));
            };
            if read.get(&name).is_some() {
                return Err(Problem::bad_request(format!("\"{name}\" is there twice.")));
            }
            read.0.push((name, value));
        }
        Ok(read)
    }

    fn get(&self, name: &str) -> Option<&str> {
        let named = self.0.iter().find(|(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    fn to(&self) -> Result<PhoneNumber, Problem> {
        let text = self.get("to").map(str::trim).filter(|text| text.starts_with('+'));
        let number = text.and_then(|text| PhoneNumber::parse(text).ok());
        number.ok_or_else(|| Problem::bad_request("\"to\" is a number with its +, such as +12025550143."))
    }

    /// The text, and the code in it where both were posted: `Message` is the whole then, and `Body` the code.
    fn text(&self) -> Result<(String, Option<String>), Problem> {
        let (body, message) = (self.get("body"), self.get("message"));
        let text = message.or(body).unwrap_or_default().replace("\r\n", "\n");
        let text = text.trim_end();
        let is_plain = !text.chars().any(|c| c.is_control() && c != '\n');
        if text.is_empty() || text.len() > TEXT_BYTES_MAX || !is_plain {
            return Err(Problem::bad_request(format!(
                "\"body\" is a text of 1 to {TEXT_BYTES_MAX} bytes without control characters."
            )));
        }
        let is_code = |code: &&str| Code::parse(code).is_some() && text.contains(code);
        let code = message.and(body).filter(is_code);
        Ok((text.to_owned(), code.map(str::to_owned)))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let media = value.unwrap_or("").split(';').next().unwrap_or("").trim();
    media.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
