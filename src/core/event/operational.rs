//! What an account hears of its own deliveries: that a subscription is switched off or back, that a delivery was given up. Those about a
//! subscription are for the account's others, and none is made of the fate of such an event itself: so none leads to another without end.

use serde::Serialize;

use super::{Event, Kind, Text, event};
use crate::core::attempt::Attempt;
use crate::core::delivery::Next;
use crate::core::health::Health;
use crate::core::id::{AccountId, DeliveryId, EventId, SubscriptionId};
use crate::core::subscription::Subscription;
use crate::core::time::UnixMs;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Disabled {
    id: Text<SubscriptionId>,
    reason: &'static str,
    failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Text<UnixMs>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Recovered {
    id: Text<SubscriptionId>,
    disabled_at: Text<UnixMs>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exhausted<'a> {
    id: Text<DeliveryId>,
    subscription_id: Text<SubscriptionId>,
    event_id: Text<EventId>,
    event_type: &'a str,
    attempts: u16,
    class: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_code: Option<u16>,
    advice: &'a str,
}

/// Of a change of a subscription's health: it is switched off, or back.
pub fn of_health(subscription: &Subscription, before: &Health, after: &Health, now: UnixMs) -> Option<Event> {
    let id = subscription.id;
    let about = |at: UnixMs| [&id.0[..], &at.0.to_be_bytes()].concat();
    match (before.disabled, after.disabled) {
        (None, Some(disabled)) => {
            let data = Disabled {
                id: Text(id),
                reason: disabled.why.as_str(),
                failures: after.failures,
                failing_since: after.failing_since.map(Text),
            };
            let kind = (Kind::SubscriptionDisabled, &about(disabled.at)[..]);
            Some(event(&subscription.account, kind, now, &data))
        }
        (Some(disabled), None) => {
            let data = Recovered {
                id: Text(id),
                disabled_at: Text(disabled.at),
            };
            let kind = (Kind::SubscriptionRecovered, &about(disabled.at)[..]);
            Some(event(&subscription.account, kind, now, &data))
        }
        (None, None) | (Some(_), Some(_)) => None,
    }
}

/// Of the last attempt of a delivery; `None` where the delivery goes on, or was of such an event itself.
pub fn of_exhausted(account: &AccountId, attempt: &Attempt, now: UnixMs) -> Option<Event> {
    let is_operational = Kind::parse(&attempt.kind).is_some_and(Kind::is_operational);
    if is_operational || attempt.next != Next::Exhausted {
        return None;
    }
    let id = attempt.delivery();
    let data = Exhausted {
        id: Text(id),
        subscription_id: Text(attempt.due.subscription),
        event_id: Text(attempt.event),
        event_type: &attempt.kind,
        attempts: attempt.number(),
        class: &attempt.class,
        response_code: attempt.outcome.status(),
        advice: &attempt.advice,
    };
    // It may be given up again after somebody had it sent again.
    let about = [&id.0[..], &attempt.number().to_be_bytes()].concat();
    Some(event(account, (Kind::DeliveryExhausted, &about), now, &data))
}
