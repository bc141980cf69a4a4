//! Test events: the example in a type's own schema, marked as a test, so that a receiver can be tried before anything happens.

use serde_json::{Map, Value};

use super::event::{Event, Kind};
use super::id::{AccountId, EventId};
use super::time::UnixMs;

/// The JSON Schema that every event of this type holds to.
pub fn schema(kind: Kind) -> &'static str {
    match kind {
        Kind::VerificationCreated => include_str!("../../schemas/events/verification.created.json"),
        Kind::VerificationCodeReceived => {
            include_str!("../../schemas/events/verification.code_received.json")
        }
        Kind::VerificationCancelled => include_str!("../../schemas/events/verification.cancelled.json"),
        Kind::VerificationCompleted => include_str!("../../schemas/events/verification.completed.json"),
        Kind::VerificationExpired => include_str!("../../schemas/events/verification.expired.json"),
        Kind::MessageReceived => include_str!("../../schemas/events/message.received.json"),
        Kind::MessageLate => include_str!("../../schemas/events/message.late.json"),
        Kind::MessageUnmatched => include_str!("../../schemas/events/message.unmatched.json"),
        Kind::OutboundSent => include_str!("../../schemas/events/outbound.sent.json"),
        Kind::OutboundDelivered => include_str!("../../schemas/events/outbound.delivered.json"),
        Kind::ReplayFinished => include_str!("../../schemas/events/replay.finished.json"),
        Kind::OutboundFailed => include_str!("../../schemas/events/outbound.failed.json"),
        Kind::SubscriptionDisabled => include_str!("../../schemas/events/subscription.disabled.json"),
        Kind::SubscriptionRecovered => include_str!("../../schemas/events/subscription.recovered.json"),
        Kind::DeliveryExhausted => include_str!("../../schemas/events/delivery.exhausted.json"),
        Kind::VerifySent => include_str!("../../schemas/events/verify.sent.json"),
        Kind::VerifyDelivered => include_str!("../../schemas/events/verify.delivered.json"),
        Kind::VerifyFailed => include_str!("../../schemas/events/verify.failed.json"),
        Kind::VerifyApproved => include_str!("../../schemas/events/verify.approved.json"),
        Kind::VerifyExpired => include_str!("../../schemas/events/verify.expired.json"),
        Kind::VerifyCanceled => include_str!("../../schemas/events/verify.canceled.json"),
        Kind::VerifyBlocked => include_str!("../../schemas/events/verify.blocked.json"),
        Kind::VerifySpendWarning => include_str!("../../schemas/events/verify.spend_warning.json"),
        Kind::VerifyConversionLow => include_str!("../../schemas/events/verify.conversion_low.json"),
        Kind::VerifyFailuresHigh => include_str!("../../schemas/events/verify.failures_high.json"),
    }
}

/// An event of this type as its schema's example has it, with `"test": true` after its timestamp. It is about no rental of the account.
pub fn sample(kind: Kind, account: &AccountId, random: [u8; 16], now: UnixMs) -> Event {
    let schema: Value = serde_json::from_str(schema(kind)).expect("a unit test reads every schema");
    let mut body = Map::new();
    body.insert("type".into(), kind.as_str().into());
    body.insert("timestamp".into(), now.to_string().into());
    body.insert("test".into(), true.into());
    body.insert("data".into(), schema["examples"][0]["data"].clone());
    Event {
        id: EventId::derive(&random, kind.as_str()),
        account: account.clone(),
        kind,
        rental: None,
        message: None,
        at: now,
        body: Value::Object(body).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_sample_that_says_it_is_one() {
        for kind in Kind::ALL {
            let event = sample(
                kind,
                &AccountId::parse("a").unwrap(),
                [1; 16],
                UnixMs(1_793_534_400_000),
            );
            let begin = format!(
                r#"{{"type":"{}","timestamp":"2026-11-01T12:00:00.000Z","test":true,"data":{{"#,
                kind.as_str()
            );
            assert!(event.body.starts_with(&begin), "{}", event.body);
        }
    }
}
