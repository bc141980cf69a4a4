//! The deliveries of a subscription: sent once more.

use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;
use serde_json::json;

use crate::core::id::{DeliveryId, SubscriptionId};
use crate::gateway::Error;
use crate::http::app::{self, Answer, App, bearer};

/// `POST /api/webhooks/{id}/deliveries/{delivery}/retry`. A commit that was handed in is made although nobody hears of it.
pub async fn retry(
    app: Arc<App>,
    head: Parts,
    id: Option<SubscriptionId>,
    delivery: Option<DeliveryId>,
) -> Answer {
    let key = bearer(&app, &head.headers)?;
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
