//! Subscriptions as contract 000's site shows them: made with their secret shown once, listed, deleted, and their delivery log.

use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use super::app::{self, Answer, App, bearer};
use super::problem::Problem;
use super::{events, well_known};
use crate::core::delivery::Next;
use crate::core::id::SubscriptionId;
use crate::core::signature::{Scheme, SigningKey};
use crate::core::subscription::{PATTERNS_MAX, Pattern, Subscription};
use crate::gateway::{DeliveryLog, Error, NewSubscription};

#[derive(Deserialize)]
struct Create {
    url: String,
    events: Vec<String>,
    /// `v1` (HMAC-SHA256, the default) or `v1a` (ed25519).
    #[serde(default)]
    scheme: Option<String>,
    /// The caller's own `whsec_…` or `whsk_…`.
    #[serde(default)]
    secret: Option<String>,
}

/// `POST /api/webhooks`. On a hang-up after the commit the subscription stays; it is in the list and can be deleted.
pub async fn create(app: Arc<App>, head: Parts, body: Incoming) -> Answer {
    let key = bearer(&app, &head.headers)?;
    let wish: Create = app::read_json(&app, &head, body).await?;
    if wish.events.is_empty() || wish.events.len() > PATTERNS_MAX {
        return Err(Problem::bad_request(format!(
            "\"events\" lists 1 to {PATTERNS_MAX} event types; [\"*\"] is all."
        )));
    }
    let events: Result<Vec<Pattern>, _> = wish.events.iter().map(|e| Pattern::parse(e)).collect();
    let events = events.map_err(|e| Problem::bad_request(format!("\"events\": {e}.")))?;
    let scheme = match wish.scheme.as_deref() {
        None | Some("v1") => Scheme::V1,
        Some("v1a") => Scheme::V1a,
        Some(_) => return Err(Problem::bad_request("\"scheme\" is \"v1\" or \"v1a\".")),
    };
    let signing_key = wish.secret.as_deref().map(str::parse::<SigningKey>).transpose();
    let signing_key = signing_key.map_err(|e| Problem::bad_request(format!("\"secret\": {e}.")))?;
    let new = NewSubscription {
        url: wish.url,
        events,
        scheme,
        signing_key,
    };
    let made = app.gateway.subscribe(&key.account, new).await?;
    let mut answer = shown(&made);
    let signing_key = made
        .signing_keys
        .first()
        .and_then(|key| key.parse::<SigningKey>().ok());
    match signing_key.as_ref().and_then(SigningKey::public) {
        Some(public) => {
            answer["publicKey"] = json!(public.to_string());
            answer["publicKeysPath"] = json!(well_known::path(made.id));
        }
        None => answer["secret"] = json!(made.signing_keys.first()),
    }
    app::json(StatusCode::CREATED, &answer)
}

fn shown(subscription: &Subscription) -> Value {
    json!({
        "id": subscription.id.to_string(),
        "url": subscription.url,
        "events": subscription.events,
        "active": subscription.is_active(),
        "createdAt": subscription.created_at.to_string(),
    })
}

/// `GET /api/webhooks`. Stops on a hang-up.
pub fn list(app: &App, head: &Parts) -> Answer {
    let key = bearer(app, &head.headers)?;
    let all: Vec<Value> = app
        .gateway
        .subscriptions(&key.account)
        .iter()
        .map(|s| shown(s))
        .collect();
    app::json(StatusCode::OK, &json!({ "webhooks": all }))
}

fn known(id: Option<SubscriptionId>) -> Result<SubscriptionId, Problem> {
    id.ok_or_else(|| Problem::from(Error::NotFound))
}

/// `DELETE /api/webhooks/{id}`. A commit that was handed in is made although nobody hears of it.
pub async fn delete(app: Arc<App>, head: Parts, id: Option<SubscriptionId>) -> Answer {
    let key = bearer(&app, &head.headers)?;
    app.gateway.unsubscribe(&key.account, known(id)?).await?;
    app::empty(StatusCode::NO_CONTENT)
}

/// `POST /api/webhooks/{id}/test` `{"type"}`: calls the subscription once with a test event and says what came of it; nothing of it is
/// kept. On a hang-up the attempt is given up.
pub async fn test(app: Arc<App>, head: Parts, body: Incoming, id: Option<SubscriptionId>) -> Answer {
    let key = bearer(&app, &head.headers)?;
    let kind = app::read_json::<events::Type>(&app, &head, body).await?.kind()?;
    let attempt = app
        .gateway
        .try_subscription(&key.account, known(id)?, kind)
        .await?;
    let answer = json!({
        "id": attempt.event.to_string(),
        "type": attempt.kind,
        "delivered": attempt.next == Next::Delivered,
        "responseCode": attempt.outcome.status(),
        "durationMs": attempt.duration_ms,
        "detail": attempt.detail,
    });
    app::json(StatusCode::OK, &answer)
}

/// `GET /api/webhooks/{id}/logs?limit=20`. Stops on a hang-up.
pub async fn logs(app: Arc<App>, head: Parts, id: Option<SubscriptionId>) -> Answer {
    let key = bearer(&app, &head.headers)?;
    let limit = app::list_limit(&head)?;
    let log = app.gateway.delivery_log(&key.account, known(id)?, limit).await?;
    let log: Vec<Value> = log.iter().map(line).collect();
    app::json(StatusCode::OK, &json!({ "logs": log }))
}

fn line(delivery: &DeliveryLog) -> Value {
    let mut line = json!({
        "id": delivery.id.to_string(),
        "eventType": delivery.kind,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "responseCode": delivery.response_code,
        "createdAt": delivery.created_at.to_string(),
        "detail": delivery.detail,
    });
    if let Some(at) = delivery.next_attempt_at {
        line["nextAttemptAt"] = json!(at.to_string());
    }
    line
}
