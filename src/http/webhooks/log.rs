//! The delivery log of a subscription: its deliveries by filter and cursor, the attempts of one, and one attempt with the reply.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};

use super::known;
use super::shown::{self, time};
use crate::core::attempt::{Attempt, CLASSES, Response, Timing};
use crate::core::delivery::Next;
use crate::core::id::{DeliveryId, EventId, Seq, SubscriptionId};
use crate::core::time::UnixMs;
use crate::gateway::{Error, LogWish};
use crate::http::app::{self, Answer, Caller, query};
use crate::http::events;
use crate::http::problem::Problem;

const CURSOR: &str = "\"cursor\" is the \"nextCursor\" of the page before.";

/// `GET /api/webhooks/{id}/logs?limit=20&status=&class=&types=&event=&since=&until=&cursor=`, newest first. Stops on a hang-up, as the
/// routes below.
pub async fn list(Caller { app, key }: Caller, head: Parts, id: Option<SubscriptionId>) -> Answer {
    let id = known(id)?;
    let page = app
        .gateway
        .delivery_log(&key.account, id, wish(&head, id)?)
        .await?;
    let mut answer = json!({ "logs": page.deliveries.iter().map(delivery).collect::<Vec<_>>() });
    if let Some(next) = page.next {
        answer["nextCursor"] = json!(DeliveryId::new(next, id).to_string());
    }
    app::json(StatusCode::OK, &answer)
}

fn wish(head: &Parts, id: SubscriptionId) -> Result<LogWish, Problem> {
    let status = query(head, "status");
    if status
        .as_ref()
        .is_some_and(|status| !Next::STATUSES.contains(&status.as_str()))
    {
        let known = Next::STATUSES.join(", ");
        return Err(Problem::bad_request(format!("\"status\" is one of {known}.")));
    }
    let class = query(head, "class");
    if class
        .as_ref()
        .is_some_and(|class| !CLASSES.contains(&class.as_str()))
    {
        let known = CLASSES.join(", ");
        return Err(Problem::bad_request(format!("\"class\" is one of {known}.")));
    }
    Ok(LogWish {
        status,
        class,
        patterns: events::patterns(head)?,
        event: event(head)?,
        since: at(head, "since")?,
        until: at(head, "until")?,
        below: cursor(head, id)?,
        limit: app::list_limit(head)?,
    })
}

/// `event=evt_..`.
pub fn event(head: &Parts) -> Result<Option<EventId>, Problem> {
    let event = query(head, "event").map(|text| text.parse::<EventId>());
    let refused = |_| Problem::bad_request("\"event\" is the id of an event, evt_...");
    event.transpose().map_err(refused)
}

/// Where the page before ended: `cursor=dlv_..`.
pub fn cursor(head: &Parts, id: SubscriptionId) -> Result<Option<Seq>, Problem> {
    let below = query(head, "cursor").map(|text| {
        let place = text.parse::<DeliveryId>().ok().and_then(|place| place.event(id));
        place.ok_or_else(|| Problem::bad_request(CURSOR))
    });
    below.transpose()
}

pub fn at(head: &Parts, name: &str) -> Result<Option<UnixMs>, Problem> {
    let Some(text) = query(head, name) else {
        return Ok(None);
    };
    let refused = || Problem::bad_request(format!("\"{name}\" is a time like 2026-11-21T19:00:00Z."));
    UnixMs::parse_rfc3339(&text).map(Some).ok_or_else(refused)
}

/// `GET /api/webhooks/{id}/logs/{delivery}?limit=20&cursor=`.
pub async fn show(
    Caller { app, key }: Caller,
    head: Parts,
    id: Option<SubscriptionId>,
    delivery_id: Option<DeliveryId>,
) -> Answer {
    let place = (known(id)?, delivery_id.ok_or(Error::NotFound)?);
    let limit = app::list_limit(&head)?;
    let below = query(&head, "cursor").map(|text| text.parse::<u16>());
    let below = below.transpose().map_err(|_| Problem::bad_request(CURSOR))?;
    let newest = app
        .gateway
        .delivery_attempts(&key.account, place, None, 1)
        .await?;
    let attempts = app
        .gateway
        .delivery_attempts(&key.account, place, below, limit)
        .await?;
    let mut answer = json!({
        "delivery": newest.first().map(delivery),
        "attempts": attempts.iter().map(attempt).collect::<Vec<_>>(),
    });
    let last = attempts.last().map_or(1, Attempt::number);
    if last > 1 {
        answer["nextCursor"] = json!(last.to_string());
    }
    app::json(StatusCode::OK, &answer)
}

/// `GET /api/webhooks/{id}/logs/{delivery}/attempts/{number}`.
pub async fn show_attempt(
    Caller { app, key }: Caller,
    (id, delivery, number): (Option<SubscriptionId>, Option<DeliveryId>, Option<u16>),
) -> Answer {
    let place = (known(id)?, delivery.ok_or(Error::NotFound)?);
    let number = number.ok_or(Error::NotFound)?;
    let found = app.gateway.delivery_attempt(&key.account, place, number).await?;
    let mut answer = attempt(&found);
    answer["response"] = found.response.as_ref().map_or(Value::Null, response);
    app::json(StatusCode::OK, &answer)
}

/// A delivery, by its newest attempt.
fn delivery(attempt: &Attempt) -> Value {
    let mut line = json!({
        "id": attempt.delivery().to_string(),
        "eventId": attempt.event.to_string(),
        "eventType": attempt.kind,
        "status": attempt.next.as_str(),
        "attempts": attempt.number(),
        "responseCode": attempt.outcome.status(),
        "createdAt": attempt.due.event.written_at().to_string(),
        "detail": shown::detail(attempt),
    });
    add_next(&mut line, attempt.next);
    line
}

fn add_next(shown: &mut Value, next: Next) {
    if let Next::Retry { at } = next {
        shown["nextAttemptAt"] = json!(at.to_string());
    }
}

pub fn attempt(attempt: &Attempt) -> Value {
    let mut shown = json!({
        "number": attempt.number(),
        "trigger": attempt.trigger.as_str(),
        "startedAt": attempt.started_at.to_string(),
        "status": attempt.next.as_str(),
        "class": attempt.class,
        "responseCode": attempt.outcome.status(),
        "retryAfterMs": attempt.outcome.retry_after_ms(),
        "advice": attempt.advice,
        "timingUs": timing(&attempt.timing),
        "signedWith": attempt.signed_with,
        "expiresAt": time(attempt.expires_at),
    });
    add_next(&mut shown, attempt.next);
    shown
}

/// What was not come to, or was done already for an earlier call, is left out: it did not take 0.
fn timing(timing: &Timing) -> Value {
    let mut shown = json!({ "total": timing.total_us });
    let parts = [
        ("dns", timing.dns_us),
        ("connect", timing.connect_us),
        ("tls", timing.tls_us),
        ("firstByte", timing.first_byte_us),
    ];
    for (name, took_us) in parts {
        if let Some(took_us) = took_us {
            shown[name] = json!(took_us);
        }
    }
    shown
}

fn response(response: &Response) -> Value {
    let headers = response.headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), Value::from(value.as_str())));
    let mut shown = json!({ "headers": app::fields(headers), "truncated": response.truncated });
    match std::str::from_utf8(&response.body) {
        Ok(body) => shown["body"] = json!(body),
        Err(_) => shown["bodyBase64"] = json!(BASE64_STANDARD.encode(&response.body)),
    }
    shown
}
