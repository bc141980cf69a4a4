//! The messages of one verification: read on by cursor, filtered, and held for the next one that is looked for.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::request::Parts;
use serde::Serialize;

use super::app::{self, Answer, App, Caller, query};
use super::problem::Problem;
use crate::core::id::RentalId;
use crate::core::ingest::StoredMessage;
use crate::core::key::Key;
use crate::core::phone::Address;
use crate::core::time::UnixMs;
use crate::gateway::{Error, MessagesWish};

/// Longest `contains` that is looked for, in bytes.
const CONTAINS_BYTES_MAX: usize = 256;
/// Longest `from`, in bytes.
const FROM_BYTES_MAX: usize = 64;

/// What a held list needs of its request; the rest is dropped before it is held.
pub struct Poll {
    key: Arc<Key>,
    id: RentalId,
    wish: MessagesWish,
    wait: Duration,
    /// What `Preference-Applied` tells.
    applied_s: Option<u64>,
}

/// Named as the events name it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: String,
    from: String,
    sms_content: String,
    received_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    otp_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    late: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    messages: Vec<Shown>,
    next_cursor: String,
    more: bool,
}

impl From<StoredMessage> for Shown {
    fn from(message: StoredMessage) -> Self {
        let parts = message.parts_told();
        let confidence = (f64::from(message.confidence) * 1000.0).round() / 1000.0;
        Self {
            id: message.id.to_string(),
            from: message.from.as_str().to_owned(),
            received_at: message.received_at.to_string(),
            confidence: message.code.is_some().then_some(confidence),
            otp_code: message.code,
            sms_content: message.text,
            late: message.late,
            part: message.part.map(|part| part.number),
            parts,
        }
    }
}

/// Reads the request.
pub fn poll(Caller { app, key }: &Caller, head: &Parts, id: Option<RentalId>) -> Result<Poll, Problem> {
    let id = id.ok_or(Error::NotFound)?;
    let (wait, applied_s) = app::wished_wait(app, head, 0)?;
    Ok(Poll {
        key: key.clone(),
        id,
        wish: wish(head)?,
        wait,
        applied_s,
    })
}

fn wish(head: &Parts) -> Result<MessagesWish, Problem> {
    let cursor = query(head, "cursor").map(|text| text.parse::<usize>());
    let cursor = cursor.transpose().map_err(|_| Error::NoSuchMessages)?;
    let after = query(head, "after").map(|text| UnixMs::parse_rfc3339(&text).ok_or(()));
    let after = after.transpose().map_err(|()| {
        Problem::bad_request("\"after\" is a time as in \"receivedAt\", such as 2026-11-21T19:00:00.000Z.")
    })?;
    let min = query(head, "min_confidence").map(|text| text.parse::<f32>().ok());
    let min = min.map(|min| min.filter(|min| (0.0..=1.0).contains(min)).ok_or(()));
    let min_confidence = min
        .transpose()
        .map_err(|()| Problem::bad_request("\"min_confidence\" is a number from 0 to 1."))?;
    let contains = short(head, "contains", CONTAINS_BYTES_MAX)?;
    Ok(MessagesWish {
        cursor: cursor.unwrap_or(0),
        limit: app::list_limit(head)?,
        after,
        // A raw `+` of a number reads as a space in a query.
        from: short(head, "from", FROM_BYTES_MAX)?.map(|text| Address::new(text.trim())),
        contains: contains.map(|text| text.to_lowercase()),
        min_confidence,
    })
}

fn short(head: &Parts, name: &str, bytes_max: usize) -> Result<Option<String>, Problem> {
    let text = query(head, name).filter(|text| !text.is_empty());
    if text.as_ref().is_some_and(|text| text.len() > bytes_max) {
        return Err(Problem::bad_request(format!(
            "\"{name}\" is at most {bytes_max} bytes."
        )));
    }
    Ok(text)
}

/// `GET /api/verifications/{id}/messages?cursor=&limit=&after=&from=&contains=&min_confidence=&wait=`, oldest first: held until there is
/// one that is looked for, the verification is over, the process drains or the time is up. On a hang-up its place is free.
pub async fn list(app: Arc<App>, poll: Poll) -> Answer {
    let page = app
        .gateway
        .messages_after(&poll.key, poll.id, poll.wish, poll.wait)
        .await?;
    let page = Page {
        messages: page.messages.into_iter().map(Shown::from).collect(),
        next_cursor: page.next.to_string(),
        more: page.more,
    };
    let mut response = app::json(StatusCode::OK, &page)?;
    app::tell_preference(&mut response, poll.applied_s);
    Ok(response)
}
