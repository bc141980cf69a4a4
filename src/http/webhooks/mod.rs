//! Subscriptions as contract 000's site shows them, and more: made with their secret shown once, listed, changed, paused, resumed, given
//! new keys, deleted; their delivery log is in `log`.

pub mod deliveries;
mod form;
pub mod log;
mod shown;

use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;
use hyper::body::Incoming;
use serde_json::{Value, json};

use self::form::{Form, KeyForm};
use super::app::{self, Answer, Caller};
use super::events;
use super::once::{self, Sent};
use super::problem::Problem;
use crate::core::delivery::Next;
use crate::core::health::Health;
use crate::core::id::SubscriptionId;
use crate::core::subscription::Subscription;
use crate::core::subscription::keys::OVERLAP_DEFAULT_S;
use crate::gateway::{Error, Known, Once};

fn refused(reason: String) -> Problem {
    Problem::from(Error::BadSettings(reason))
}

/// `POST /api/webhooks`, with `Idempotency-Key` where it shall be made once. On a hang-up after the commit the subscription stays; it is
/// in the list and can be deleted.
pub async fn create(caller: Caller, head: Parts, body: Incoming) -> Answer {
    let (form, first) = match once::read::<Form>(&caller, (&head, body), "POST /api/webhooks").await? {
        Sent::New(form, first) => (form, first),
        Sent::Again(answer) => return Ok(answer),
    };
    let settings = form.create().map_err(refused)?;
    let wish = form.key.wish().map_err(refused)?;
    let once = first.map(|first| Once {
        first,
        status: StatusCode::CREATED.as_u16(),
        body: Box::new(created),
    });
    let account = &caller.key.account;
    let made = caller
        .app
        .gateway
        .subscribe_once(account, (settings, wish), once.as_ref())
        .await;
    once::answer(made.map(|made| created(&made)), StatusCode::CREATED)
}

/// What is answered to a new subscription, with its key.
fn created(subscription: &Subscription) -> Vec<u8> {
    let known = Known {
        subscription: Arc::new(subscription.clone()),
        health: Health::default(),
    };
    let mut answer = shown::brief(&known);
    shown::add_new_key(&mut answer, &known.subscription);
    answer.to_string().into()
}

/// `GET /api/webhooks`. Stops on a hang-up.
pub fn list(Caller { app, key }: &Caller) -> Answer {
    let all = app.gateway.subscriptions(&key.account);
    let all: Vec<Value> = all.iter().map(shown::brief).collect();
    app::json(StatusCode::OK, &json!({ "webhooks": all }))
}

fn known(id: Option<SubscriptionId>) -> Result<SubscriptionId, Problem> {
    id.ok_or_else(|| Problem::from(Error::NotFound))
}

/// `GET /api/webhooks/{id}`. Stops on a hang-up.
pub fn get(Caller { app, key }: &Caller, id: Option<SubscriptionId>) -> Answer {
    let found = app.gateway.subscription(&key.account, known(id)?)?;
    app::json(StatusCode::OK, &shown::subscription(&found))
}

/// `PATCH /api/webhooks/{id}`: members that are there change, null goes back to the default. A commit that was handed in is made
/// although nobody hears of it, here and in the routes below.
pub async fn change(
    Caller { app, key }: Caller,
    head: Parts,
    body: Incoming,
    id: Option<SubscriptionId>,
) -> Answer {
    let id = known(id)?;
    let form: Form = app::read_json(&app, &head, body).await?;
    form.check_change().map_err(refused)?;
    let change = app
        .gateway
        .set_subscription(&key.account, id, move |settings| form.apply(settings));
    app::json(StatusCode::OK, &shown::subscription(&change.await?))
}

/// `POST /api/webhooks/{id}/pause`.
pub async fn pause(Caller { app, key }: Caller, id: Option<SubscriptionId>) -> Answer {
    let paused = app.gateway.pause(&key.account, known(id)?).await?;
    app::json(StatusCode::OK, &shown::subscription(&paused))
}

/// `POST /api/webhooks/{id}/resume`.
pub async fn resume(Caller { app, key }: Caller, id: Option<SubscriptionId>) -> Answer {
    let resumed = app.gateway.resume(&key.account, known(id)?).await?;
    app::json(StatusCode::OK, &shown::subscription(&resumed))
}

/// `POST /api/webhooks/{id}/rotate-secret` `{"scheme"?,"secret"?,"overlapS"?}`: the new key is shown this once.
pub async fn rotate(
    Caller { app, key }: Caller,
    head: Parts,
    body: Incoming,
    id: Option<SubscriptionId>,
) -> Answer {
    let id = known(id)?;
    let form: KeyForm = app::read_json(&app, &head, body).await?;
    let wish = form.wish().map_err(refused)?;
    let overlap_s = form.overlap_s.unwrap_or(OVERLAP_DEFAULT_S);
    let rotated = app
        .gateway
        .rotate_key(&key.account, id, (wish, overlap_s))
        .await?;
    let mut answer = shown::subscription(&rotated);
    shown::add_new_key(&mut answer, &rotated.subscription);
    app::json(StatusCode::OK, &answer)
}

/// `DELETE /api/webhooks/{id}`.
pub async fn delete(Caller { app, key }: Caller, id: Option<SubscriptionId>) -> Answer {
    app.gateway.unsubscribe(&key.account, known(id)?).await?;
    app::empty(StatusCode::NO_CONTENT)
}

/// `POST /api/webhooks/{id}/test` `{"type"}`: calls the subscription once with a test event and says what came of it; nothing of it is
/// kept. On a hang-up the attempt is given up.
pub async fn test(
    Caller { app, key }: Caller,
    head: Parts,
    body: Incoming,
    id: Option<SubscriptionId>,
) -> Answer {
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
        "durationMs": attempt.timing.total_us / 1000,
        "detail": shown::detail(&attempt),
    });
    app::json(StatusCode::OK, &answer)
}
