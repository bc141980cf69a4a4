//! The deliveries of a subscription: how each stands, also before its first attempt, and one sent once more. Each attempt is in `log`.

use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};

use super::log::{self, at, event};
use super::{known, shown};
use crate::core::id::{DeliveryId, SubscriptionId};
use crate::core::standing::{Delivery, Status};
use crate::gateway::{DeliveriesWish, Error};
use crate::http::app::{self, Answer, Caller, query};
use crate::http::events;
use crate::http::problem::Problem;

/// Attempts shown with a delivery; the rest are in the log.
const ATTEMPTS_SHOWN_MAX: usize = 100;

/// `GET /api/webhooks/{id}/deliveries?status=&types=&event=&since=&until=&limit=20&cursor=`, newest first. Stops on a hang-up, as the next.
pub async fn list(Caller { app, key }: Caller, head: Parts, id: Option<SubscriptionId>) -> Answer {
    let id = known(id)?;
    let wish = DeliveriesWish {
        statuses: statuses(query(&head, "status").as_deref())?,
        patterns: events::patterns(&head)?,
        event: event(&head)?,
        since: at(&head, "since")?,
        until: at(&head, "until")?,
        below: log::cursor(&head, id)?,
        limit: app::list_limit(&head)?,
    };
    let page = app.gateway.deliveries(&key.account, id, wish).await?;
    let shown = page
        .deliveries
        .iter()
        .map(|(found, status)| delivery(found, *status));
    let mut answer = json!({ "deliveries": shown.collect::<Vec<_>>() });
    if let Some(next) = page.more_behind {
        answer["nextCursor"] = json!(DeliveryId::new(next, id).to_string());
    }
    app::json(StatusCode::OK, &answer)
}

/// `pending,held`; all where absent.
fn statuses(text: Option<&str>) -> Result<Vec<Status>, Problem> {
    let words = text.into_iter().flat_map(|text| text.split(','));
    let refused = || {
        let known = Status::ALL.map(Status::as_str).join(", ");
        Problem::bad_request(format!(
            "\"status\" is one or some of {known}, with commas between."
        ))
    };
    let all = words.map(|word| Status::parse(word.trim()));
    all.collect::<Option<_>>().ok_or_else(refused)
}

/// `GET /api/webhooks/{id}/deliveries/{delivery}`: how it stands, with its newest attempts.
pub async fn show(
    Caller { app, key }: Caller,
    id: Option<SubscriptionId>,
    delivery_id: Option<DeliveryId>,
) -> Answer {
    let place = id.zip(delivery_id).ok_or(Error::NotFound)?;
    let (found, status) = app.gateway.delivery(&key.account, place.0, place.1).await?;
    let mut shown = delivery(&found, status);
    shown["attemptLog"] = json!([]);
    if found.newest.is_some() {
        let attempts = app
            .gateway
            .delivery_attempts(&key.account, place, None, ATTEMPTS_SHOWN_MAX)
            .await?;
        shown["attemptLog"] = attempts.iter().map(log::attempt).collect();
    }
    app::json(StatusCode::OK, &shown)
}

fn delivery(delivery: &Delivery, status: Status) -> Value {
    let newest = delivery.newest.as_ref();
    json!({
        "id": delivery.id().to_string(),
        "eventId": delivery.event_id.to_string(),
        "eventType": delivery.kind,
        "status": status.as_str(),
        "createdAt": delivery.event.written_at().to_string(),
        "attempts": delivery.attempts(),
        "responseCode": newest.and_then(|newest| newest.outcome.status()),
        "detail": newest.map(shown::detail),
        "owed": owed(delivery),
    })
}

/// What of it is still to come: by itself, and because somebody asked for it.
fn owed(delivery: &Delivery) -> Vec<Value> {
    let mut owed = Vec::new();
    if delivery.is_owed_by_itself() {
        owed.push(json!({ "trigger": "automatic", "dueAt": shown::time(delivery.retry_at()) }));
    }
    if let Some(at) = delivery.again_at() {
        owed.push(json!({ "trigger": "manual", "dueAt": at.to_string() }));
    }
    owed
}

/// `POST /api/webhooks/{id}/deliveries/{delivery}/retry`. A commit that was handed in is made although nobody hears of it.
pub async fn retry(
    Caller { app, key }: Caller,
    id: Option<SubscriptionId>,
    delivery: Option<DeliveryId>,
) -> Answer {
    let (id, delivery) = id.zip(delivery).ok_or(Error::NotFound)?;
    let again = app.gateway.redeliver(&key.account, id, delivery).await?;
    let answer = json!({
        "id": again.id.to_string(),
        "eventId": again.event.id.to_string(),
        "eventType": again.event.kind.as_str(),
        "trigger": "manual",
        "status": if again.is_held { "held" } else { "pending" },
    });
    app::json(StatusCode::ACCEPTED, &answer)
}
