//! Where the message stands in a verified request of a generic source: JSON pointers, or names of form or query parameters.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::super::form::Params;
use super::super::json::{self, Node};
use super::super::settings::SettingsError;
use super::super::{Reject, Request, report};
use crate::core::message::{Message, Report};
use crate::core::phone::PhoneNumber;
use crate::core::time::UnixMs;

/// The table `message`. A field is a JSON pointer (`/data/id`, relative to the item where `items` is set) or the name of a parameter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    format: Format,
    /// JSON only: the pointer to the list of messages; `""` if the body itself is the list. One bad item refuses all.
    items: Option<String>,
    /// Fields that must have these values; otherwise it is another kind of event, which is acknowledged and gives no report.
    #[serde(default)]
    only: BTreeMap<String, String>,
    /// The carrier's id of the message; where it has none, sender, receiver, text and time stand in for it.
    id: Option<String>,
    from: String,
    /// The number that the message came to; or `number`, where the carrier does not say.
    to: Option<String>,
    number: Option<PhoneNumber>,
    text: String,
    /// When the carrier got the message; an unreadable time counts as absent.
    time: Option<String>,
    #[serde(default)]
    time_format: TimeFormat,
    parts: Option<String>,
    encoding: Option<String>,
    /// The carrier's id of the event.
    event_id: Option<String>,
    /// What stays the same when the carrier repeats the message; `id` by default.
    dedupe: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    Json,
    Form,
    Query,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TimeFormat {
    #[default]
    Rfc3339,
    UnixS,
    UnixMs,
}

/// Checked settings.
#[derive(Debug)]
pub struct Mapping(Settings);

/// One message's fields.
enum Fields<'a> {
    Json(Node<'a>),
    Params(&'a Params),
}

impl Fields<'_> {
    /// A string, or an integer as its digits; anything else under that name is refused.
    fn opt(&self, field: &str) -> Result<Option<String>, Reject> {
        match self {
            Self::Params(params) => Ok(params.opt(field)?.map(str::to_owned)),
            Self::Json(node) if node.at(field).is_none() => Ok(None),
            Self::Json(node) => node.word_opt(field).map(Some).ok_or(Reject::MalformedBody),
        }
    }

    fn one(&self, field: &str) -> Result<String, Reject> {
        self.opt(field)?.ok_or(Reject::MissingField)
    }

    fn id(&self, field: &str) -> Result<String, Reject> {
        self.one(field).and_then(|id| {
            if id.is_empty() {
                Err(Reject::MissingField)
            } else {
                Ok(id)
            }
        })
    }

    /// An extra: absent where it was not asked for or cannot be read.
    fn extra(&self, field: Option<&String>) -> Option<String> {
        field.and_then(|field| self.opt(field).ok().flatten())
    }
}

impl Mapping {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let value = |key, expected| Err(SettingsError::Value { key, expected });
        if settings.to.is_some() == settings.number.is_some() {
            return value("to", "it, or `number` instead, but not both");
        }
        let pointer = |field: &String| settings.format != Format::Json || field.starts_with('/');
        let s = &settings;
        let optional = [
            &s.id,
            &s.to,
            &s.time,
            &s.parts,
            &s.encoding,
            &s.event_id,
            &s.dedupe,
        ]
        .into_iter()
        .flatten();
        let all = [&s.from, &s.text]
            .into_iter()
            .chain(optional)
            .chain(s.only.keys());
        if !all.into_iter().all(pointer) {
            return value("message", "JSON pointers, which begin with `/`");
        }
        if settings.items.is_some() && settings.format != Format::Json {
            return value("items", "nothing: only JSON has lists of messages");
        }
        Ok(Self(settings))
    }

    pub fn parse(&self, request: &Request<'_>) -> Result<Vec<Report>, Reject> {
        match self.0.format {
            Format::Json => self.parse_json(&json::parse(request.body)?),
            Format::Form => self.parse_params(request.body),
            Format::Query => self.parse_params(request.query().unwrap_or_default().as_bytes()),
        }
    }

    fn parse_json(&self, document: &Value) -> Result<Vec<Report>, Reject> {
        let root = Node(document);
        let Some(pointer) = &self.0.items else {
            return Ok(self.message(&Fields::Json(root))?.into_iter().collect());
        };
        let items = root.items(pointer).map_err(|_| Reject::MalformedBody)?;
        items
            .filter_map(|item| self.message(&Fields::Json(item)).transpose())
            .collect()
    }

    fn parse_params(&self, encoded: &[u8]) -> Result<Vec<Report>, Reject> {
        Ok(self
            .message(&Fields::Params(&Params::parse(encoded)?))?
            .into_iter()
            .collect())
    }

    /// `None` for another kind of event.
    fn message(&self, fields: &Fields<'_>) -> Result<Option<Report>, Reject> {
        let Settings {
            only,
            id,
            from,
            to,
            number,
            text,
            ..
        } = &self.0;
        for (field, expected) in only {
            if fields.opt(field)?.as_ref() != Some(expected) {
                return Ok(None);
            }
        }
        let to = match (to, number) {
            (Some(field), _) => fields.id(field)?,
            (None, Some(number)) => number.as_str().to_owned(),
            (None, None) => return Err(Reject::MissingField),
        };
        let of = |field: &Option<String>| field.as_ref().map(|field| fields.id(field)).transpose();
        let (id, dedupe_key) = (of(id)?, of(&self.0.dedupe)?);
        let mut message = Message {
            carrier_event_id: fields.extra(self.0.event_id.as_ref()),
            received_at: fields
                .extra(self.0.time.as_ref())
                .and_then(|text| self.time(&text)),
            parts: fields
                .extra(self.0.parts.as_ref())
                .and_then(|text| text.parse().ok()),
            encoding: fields.extra(self.0.encoding.as_ref()),
            ..report::message("", &fields.id(from)?, &to, &fields.one(text)?)
        };
        message.carrier_message_id = id.unwrap_or_else(|| message.content_key());
        message.dedupe_key = dedupe_key.unwrap_or_else(|| message.carrier_message_id.clone());
        Ok(Some(Report::Message(message)))
    }

    fn time(&self, text: &str) -> Option<UnixMs> {
        match self.0.time_format {
            TimeFormat::Rfc3339 => UnixMs::parse_rfc3339(text),
            TimeFormat::UnixS => text.parse().ok().map(UnixMs::from_secs),
            TimeFormat::UnixMs => text.parse().ok().map(UnixMs),
        }
    }
}
