//! Any HTTP API that takes one message a request: its request is written in the configuration, with places for what changes.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::settings::{SettingsError, filled};
use super::parts::{self, No};
use super::{Reply, Request};
use crate::core::sending::{Class, Order, Refusal, Sent};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// With places, which are percent-encoded: `https://sms.example.com/send?to={to}`.
    url: String,
    /// POST by default.
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The body as JSON; places stand in its texts.
    json: Option<toml::Table>,
    /// The body as a form.
    form: Option<BTreeMap<String, String>>,
    from: Option<String>,
    /// Where the message's id stands in the answer, a JSON pointer; without it, `{key}` is the id.
    id: Option<String>,
    /// Where a refusal's code and words stand.
    error_code: Option<String>,
    error_text: Option<String>,
    /// What a code means: `{ "21211" = "invalid_recipient" }`.
    #[serde(default)]
    error_classes: BTreeMap<String, Class>,
}

#[derive(Debug)]
pub struct Account {
    url: Template,
    method: Method,
    headers: HeaderMap,
    body: Body,
    from: String,
    id: Option<String>,
    error_code: Option<String>,
    error_text: Option<String>,
    error_classes: BTreeMap<String, Class>,
}

#[derive(Debug)]
enum Body {
    None,
    Json(Value),
    Form(Vec<(String, Template)>),
}

impl Account {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let wrong = |key, expected| SettingsError::Value { key, expected };
        let body = match (settings.json, settings.form) {
            (None, None) => Body::None,
            (Some(table), None) => {
                let value = serde_json::to_value(table).map_err(|_| wrong("json", "a table of texts"))?;
                check_texts(&value)?;
                Body::Json(value)
            }
            (None, Some(form)) => {
                let parsed = form
                    .into_iter()
                    .map(|(name, text)| Ok((name, Template::parse("form", &text)?)));
                Body::Form(parsed.collect::<Result<_, SettingsError>>()?)
            }
            (Some(_), Some(_)) => return Err(wrong("json", "it, or `form` instead, but not both")),
        };
        let method = settings.method.as_deref().unwrap_or("POST");
        let pointer = |key, pointer: Option<String>| match pointer {
            Some(pointer) if !pointer.starts_with('/') => {
                Err(wrong(key, "a JSON pointer, such as /message/id"))
            }
            pointer => Ok(pointer),
        };
        Ok(Self {
            url: Template::parse("url", &filled("url", settings.url)?)?,
            method: Method::try_from(method).map_err(|_| wrong("method", "GET, POST or PUT"))?,
            headers: headers(&settings.headers)?,
            body,
            from: settings.from.unwrap_or_default(),
            id: pointer("id", settings.id)?,
            error_code: pointer("error_code", settings.error_code)?,
            error_text: pointer("error_text", settings.error_text)?,
            error_classes: settings.error_classes,
        })
    }

    pub fn request(&self, order: &Order, callback: Option<&str>) -> Result<Request, Refusal> {
        let number = parts::number(order)?;
        let values = Values {
            to: number.as_str(),
            to_digits: parts::digits(number),
            from: &self.from,
            text: &order.text,
            code: order.code.as_deref().unwrap_or_default(),
            language: &order.language,
            key: &order.key,
            callback: callback.unwrap_or_default(),
        };
        let (media_type, body) = match &self.body {
            Body::None => (None, Vec::new()),
            Body::Json(value) => (
                Some("application/json"),
                fill(value, &values).to_string().into_bytes(),
            ),
            Body::Form(pairs) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                let pairs = pairs
                    .iter()
                    .map(|(name, text)| (name, text.fill(&values, str::to_owned)));
                form.extend_pairs(pairs);
                (
                    Some("application/x-www-form-urlencoded"),
                    form.finish().into_bytes(),
                )
            }
        };
        let mut headers = self.headers.clone();
        if let Some(media_type) = media_type {
            let usual = HeaderValue::from_static(media_type);
            headers.entry(http::header::CONTENT_TYPE).or_insert(usual);
        }
        let headers = headers
            .into_iter()
            .filter_map(|(name, value)| Some((name?, value)));
        Ok(Request {
            method: self.method.clone(),
            url: self.url.fill(&values, parts::segment),
            headers: headers.collect(),
            body,
        })
    }

    pub fn read(&self, reply: &Reply<'_>) -> Sent {
        let body = reply.json();
        let at = |pointer: &Option<String>| body.pointer(pointer.as_deref()?);
        let code = at(&self.error_code).and_then(parts::word);
        let class = code
            .as_ref()
            .and_then(|code| self.error_classes.get(code).copied());
        if reply.is_success() && class.is_none() {
            let id = match &self.id {
                Some(pointer) => body.pointer(pointer).and_then(parts::word),
                None => Some(reply.key.to_owned()),
            };
            return reply.taken(id.as_deref(), None, None);
        }
        let text = at(&self.error_text).and_then(Value::as_str).unwrap_or_default();
        reply.refused(No { code, text, class })
    }
}

fn headers(given: &BTreeMap<String, String>) -> Result<HeaderMap, SettingsError> {
    let wrong = |_| ();
    let pair = |(name, value): (&String, &String)| {
        let name = HeaderName::try_from(name).map_err(|e| wrong(e.to_string()))?;
        let mut value = HeaderValue::try_from(value).map_err(|e| wrong(e.to_string()))?;
        value.set_sensitive(true);
        Ok((name, value))
    };
    let pairs: Result<HeaderMap, ()> = given.iter().map(pair).collect();
    let expected = "names and values of HTTP header fields";
    pairs.map_err(|()| SettingsError::Value {
        key: "headers",
        expected,
    })
}

/// What can be put into a request.
struct Values<'a> {
    to: &'a str,
    to_digits: &'a str,
    from: &'a str,
    text: &'a str,
    code: &'a str,
    language: &'a str,
    key: &'a str,
    callback: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    To,
    ToDigits,
    From,
    Text,
    Code,
    Language,
    Key,
    Callback,
}

/// Text with places: `{to}`, `{to_digits}`, `{from}`, `{text}`, `{code}`, `{language}`, `{key}`, `{callback}`; `{{` is a brace.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Template(Vec<Piece>);

impl Template {
    fn parse(key: &'static str, text: &str) -> Result<Self, SettingsError> {
        let expected = "text with {to}, {to_digits}, {from}, {text}, {code}, {language}, {key} or {callback} in it, and {{ for a brace";
        let wrong = SettingsError::Value { key, expected };
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find('{') {
            let (literal, tail) = rest.split_at(at);
            pieces.push(Piece::Literal(literal.to_owned()));
            if let Some(after) = tail.strip_prefix("{{") {
                pieces.push(Piece::Literal("{".to_owned()));
                rest = after;
                continue;
            }
            let (name, after) = tail[1..].split_once('}').ok_or(wrong.clone())?;
            pieces.push(match name {
                "to" => Piece::To,
                "to_digits" => Piece::ToDigits,
                "from" => Piece::From,
                "text" => Piece::Text,
                "code" => Piece::Code,
                "language" => Piece::Language,
                "key" => Piece::Key,
                "callback" => Piece::Callback,
                _ => return Err(wrong),
            });
            rest = after;
        }
        pieces.push(Piece::Literal(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// Each value goes through `encode`, so that it stays where it was put.
    fn fill(&self, values: &Values<'_>, encode: impl Fn(&str) -> String) -> String {
        let mut filled = String::new();
        for piece in &self.0 {
            let value = match piece {
                Piece::Literal(text) => {
                    filled.push_str(text);
                    continue;
                }
                Piece::To => values.to,
                Piece::ToDigits => values.to_digits,
                Piece::From => values.from,
                Piece::Text => values.text,
                Piece::Code => values.code,
                Piece::Language => values.language,
                Piece::Key => values.key,
                Piece::Callback => values.callback,
            };
            filled.push_str(&encode(value));
        }
        filled
    }
}

/// Every text of the body must be one that can be filled.
fn check_texts(value: &Value) -> Result<(), SettingsError> {
    match value {
        Value::String(text) => Template::parse("json", text).map(drop),
        Value::Array(items) => items.iter().try_for_each(check_texts),
        Value::Object(members) => members.values().try_for_each(check_texts),
        _ => Ok(()),
    }
}

/// The value with its texts filled. Only values change: no text can become a member of its own.
fn fill(value: &Value, values: &Values<'_>) -> Value {
    match value {
        Value::String(text) => match Template::parse("json", text) {
            Ok(template) => template.fill(values, str::to_owned).into(),
            Err(_) => Value::Null,
        },
        Value::Array(items) => items.iter().map(|item| fill(item, values)).collect(),
        Value::Object(members) => {
            let filled = members
                .iter()
                .map(|(name, value)| (name.clone(), fill(value, values)));
            Value::Object(filled.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}
