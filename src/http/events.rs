//! The events feed: pages of an account's own events by cursor, held for the next one, and the same as a stream of server-sent events.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::ResponseBody;
use super::app::{self, Answer, App, Caller, query};
use super::problem::Problem;
use crate::core::cursor::{Cursor, Start};
use crate::core::event::{Event, Kind};
use crate::core::id::RentalId;
use crate::core::key::Key;
use crate::core::subscription::{PATTERNS_MAX, Pattern};
use crate::gateway::{Error, Feed, Follower, Following};

/// Events of one piece of a stream.
const PIECE_EVENTS_MAX: usize = 100;
/// How long a reader of a stream that ended waits before it comes back, in milliseconds.
const RECONNECT_MS: u32 = 1000;

/// An event as the feed shows it; `payload` is, byte for byte, what a webhook's body is.
#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    cursor: String,
    payload: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    events: Vec<Shown<'a>>,
    next_cursor: String,
    more: bool,
}

fn shown(cursor: Cursor, event: &Event) -> Result<Shown<'_>, Problem> {
    Ok(Shown {
        id: event.id.to_string(),
        cursor: cursor.to_string(),
        payload: serde_json::from_str(&event.body).map_err(|_| Problem::internal())?,
    })
}

/// What a held request for events needs of its request; the rest is dropped before it is held.
pub struct Poll {
    key: Arc<Key>,
    wish: Following,
    wait: Duration,
}

/// Reads the request of a poll.
pub fn poll(Caller { app, key }: &Caller, head: &Parts) -> Result<Poll, Problem> {
    let (wait, _) = app::wished_wait(app, head, 0)?;
    let start = start(query(head, "after"))?.unwrap_or(Start::Oldest);
    let wish = Following {
        start,
        patterns: patterns(head)?,
        rental: None,
        events_max: app::list_limit(head)?,
    };
    Ok(Poll {
        key: key.clone(),
        wish,
        wait,
    })
}

fn start(text: Option<String>) -> Result<Option<Start>, Problem> {
    let start = text.map(|text| text.parse::<Start>()).transpose();
    start.map_err(|e| Problem::bad_request(format!("\"after\": {e}.")))
}

/// `types=verification.*,message.received`; all where absent.
pub(super) fn patterns(head: &Parts) -> Result<Vec<Pattern>, Problem> {
    let Some(text) = query(head, "types") else {
        return Ok(Vec::new());
    };
    let patterns: Result<Vec<_>, _> = text.split(',').map(|one| Pattern::parse(one.trim())).collect();
    match patterns {
        Ok(patterns) if patterns.len() <= PATTERNS_MAX => Ok(patterns),
        Ok(_) => Err(Problem::bad_request(format!(
            "\"types\" lists at most {PATTERNS_MAX}."
        ))),
        Err(e) => Err(Problem::bad_request(format!("\"types\": {e}."))),
    }
}

/// `GET /api/events?after=&types=&limit=&wait=`: held until there is an event, the process drains or the time is up. On a hang-up the
/// waiter is dropped and its place is free.
pub async fn page(poll: Poll, app: Arc<App>) -> Answer {
    let feed = app.gateway.events(&poll.key, poll.wish, poll.wait).await?;
    let events: Result<Vec<_>, _> = feed
        .events
        .iter()
        .map(|(cursor, event)| shown(*cursor, event))
        .collect();
    let page = Page {
        events: events?,
        next_cursor: feed.next.to_string(),
        more: feed.more,
    };
    app::json(StatusCode::OK, &page)
}

/// Which type a test event has.
#[derive(Deserialize)]
pub(super) struct Type {
    #[serde(rename = "type")]
    name: String,
}

impl Type {
    pub(super) fn kind(&self) -> Result<Kind, Problem> {
        let known = Kind::parse(&self.name);
        known.ok_or_else(|| {
            let names: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            Problem::unprocessable(format!("\"type\" is one of {}.", names.join(", ")))
        })
    }
}

/// `POST /api/events/test` `{"type"}`: a test event, to everyone who hears events of this type. On a hang-up after the commit it is out.
pub async fn test(Caller { app, key }: Caller, head: Parts, body: Incoming) -> Answer {
    let kind = app::read_json::<Type>(&app, &head, body).await?.kind()?;
    let event = app.gateway.publish_sample(&key.account, kind).await?;
    app::json(
        StatusCode::CREATED,
        &json!({ "id": event.id.to_string(), "type": kind.as_str() }),
    )
}

/// `GET /api/events/stream`, from `Last-Event-ID` or `after` on, else from now on. Refused before it begins as a poll would be. On a
/// hang-up the stream is dropped and its place is free; a reader who stalls is cut off and comes back with its last id.
pub async fn stream(Caller { app, key }: Caller, head: Parts) -> Answer {
    let follower = app.gateway.follow(&key, following(&head, None)?).await?;
    Ok(streamed(&app, follower, None))
}

/// `GET /api/verifications/{id}/events/stream`: as `stream`, of one verification, from its beginning on. It ends when the verification
/// has given its number back and all of it was told; whoever comes back then hears 204, after which an `EventSource` stays away.
pub async fn stream_of(Caller { app, key }: Caller, head: Parts, id: Option<RentalId>) -> Answer {
    let id = id.ok_or(Error::NotFound)?;
    let mut follower = app.gateway.follow(&key, following(&head, Some(id))?).await?;
    let first = follower.read_on(Duration::ZERO).await?;
    if follower.has_ended() {
        return app::empty(StatusCode::NO_CONTENT);
    }
    Ok(streamed(&app, follower, Some(first)))
}

fn following(head: &Parts, rental: Option<RentalId>) -> Result<Following, Problem> {
    let last_id = head
        .headers
        .get("last-event-id")
        .map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let default = rental.map_or(Start::Latest, |_| Start::Oldest);
    Ok(Following {
        start: start(last_id.or_else(|| query(head, "after")))?.unwrap_or(default),
        patterns: patterns(head)?,
        rental,
        events_max: PIECE_EVENTS_MAX,
    })
}

/// The answer whose body goes on; `read` was read of it already.
fn streamed(app: &App, follower: Follower, read: Option<Feed>) -> Response<ResponseBody> {
    let heartbeat = Duration::from_millis(app.gateway.rules().heartbeat_ms);
    let mut first = format!("retry: {RECONNECT_MS}\n\n");
    first += &read.as_ref().and_then(piece).unwrap_or_default();
    let pieces = stream::unfold(
        (Some(follower), Some(Bytes::from(first))),
        move |(follower, first)| async move {
            match (follower, first) {
                (follower, Some(first)) => Some((first, (follower, None))),
                (Some(follower), None) => next_piece(follower, heartbeat).await,
                (None, None) => None,
            }
        },
    );
    let mut response = Response::new(ResponseBody::streamed(pieces));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

type Next = (Bytes, (Option<Follower>, Option<Bytes>));

/// The next events, or the heartbeat; the end, said in a comment, when the process drains or the log cannot be read.
async fn next_piece(mut follower: Follower, heartbeat: Duration) -> Option<Next> {
    if follower.is_draining() {
        return Some((
            Bytes::from_static(b": the gateway is stopping, come back\n\n"),
            (None, None),
        ));
    }
    match follower.read_on(heartbeat).await {
        Ok(_) if follower.has_ended() => Some((
            Bytes::from_static(b": the verification is over\n\n"),
            (None, None),
        )),
        Ok(feed) => Some((piece(&feed)?.into(), (Some(follower), None))),
        Err(error) => {
            let last: &'static [u8] = match error {
                Error::KeyGone | Error::AccountDisabled => b": this key is not valid any more\n\n",
                _ => b": this stream ended, come back with its last id\n\n",
            };
            if matches!(error, Error::Store(_)) {
                tracing::warn!(%error, "an events stream was ended");
            }
            Some((Bytes::from_static(last), (None, None)))
        }
    }
}

/// An id alone is no event to the reader, but it moves on where it would come back.
fn piece(feed: &Feed) -> Option<String> {
    let mut text = String::new();
    for (cursor, event) in &feed.events {
        let data = serde_json::to_string(&shown(*cursor, event).ok()?).ok()?;
        text += &format!("id: {cursor}\nevent: {}\ndata: {data}\n\n", event.kind.as_str());
    }
    if feed.events.is_empty() {
        text = format!(": heartbeat\nid: {}\n\n", feed.next);
    }
    Some(text)
}
