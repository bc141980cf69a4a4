//! A subscription as its owner sees it: all its settings, how it fares, its keys by name; never a secret or the value of a header.

use serde_json::{Map, Value, json};

use crate::core::attempt::Attempt;
use crate::core::phone::PhoneNumber;
use crate::core::retry;
use crate::core::signature::{Scheme, SigningKey};
use crate::core::subscription::filter::Filter;
use crate::core::subscription::keys::HeldKey;
use crate::core::subscription::policy::Order;
use crate::core::subscription::trust::Trust;
use crate::core::subscription::{Payload, Settings, Subscription};
use crate::core::time::UnixMs;
use crate::gateway::Known;
use crate::http::well_known;

/// Characters of a detail in the short log.
const DETAIL_CHARS_MAX: usize = 512;

pub fn time(at: Option<UnixMs>) -> Option<String> {
    at.map(|at| at.to_string())
}

/// As contract 000's site shows it, when it is made and in the list.
pub fn brief(known: &Known) -> Value {
    let subscription = &known.subscription;
    json!({
        "id": subscription.id.to_string(),
        "url": subscription.settings.url,
        "events": subscription.settings.events,
        "active": is_active(known),
        "createdAt": subscription.created_at.to_string(),
    })
}

fn is_active(known: &Known) -> bool {
    known.subscription.paused_at.is_none() && known.health.disabled.is_none()
}

pub fn subscription(known: &Known) -> Value {
    let Subscription {
        id,
        settings,
        signing_keys,
        created_at,
        paused_at,
        ..
    } = &*known.subscription;
    let health = &known.health;
    let mut shown = json!({
        "id": id.to_string(),
        "url": settings.url,
        "events": settings.events,
        "active": is_active(known),
        "status": known.status(),
        "createdAt": created_at.to_string(),
        "signingKeys": signing_keys.iter().map(key).collect::<Vec<_>>(),
        "health": {
            "failingSince": time(health.failing_since),
            "failures": health.failures,
            "holdUntil": time(health.hold_until),
            "disabledAt": time(health.disabled.map(|d| d.at)),
            "disabledBecause": health.disabled.map(|d| d.why.as_str()),
            "probeAt": time(health.disabled.and_then(|d| d.probe_at)),
        },
    });
    if let Some(at) = paused_at {
        shown["pausedAt"] = json!(at.to_string());
    }
    add_settings(&mut shown, settings);
    shown
}

fn add_settings(shown: &mut Value, settings: &Settings) {
    let policy = &settings.policy;
    let headers: Map<String, Value> = settings
        .headers
        .iter()
        .map(|(name, _)| (name.to_owned(), json!("***")))
        .collect();
    let expiry: Map<String, Value> = policy
        .expiry
        .iter()
        .map(|e| (e.events.as_str().to_owned(), json!(e.after_s)))
        .collect();
    shown["filter"] = filter(&settings.filter);
    shown["payload"] = json!(match settings.payload {
        Payload::Full => "full",
        Payload::Thin => "thin",
    });
    shown["payloadVersion"] = json!(settings.payload_version);
    shown["headers"] = Value::Object(headers);
    shown["retry"] = policy.retry.as_ref().map_or(Value::Null, retry_policy);
    shown["deadlineS"] = json!(policy.deadline_s);
    shown["expireAfterS"] = Value::Object(expiry);
    shown["timeoutMs"] = json!(policy.timeout_ms);
    shown["rate"] = json!(policy.rate);
    shown["concurrencyMax"] = json!(policy.concurrency_max);
    shown["order"] = json!(match policy.order {
        Order::None => "none",
        Order::Rental => "rental",
    });
    shown["obeyControl"] = json!(policy.obeys_control);
    shown["trust"] = match &settings.trust {
        Trust::Public => Value::Null,
        Trust::Authority(pem) => json!({ "ca": pem }),
        Trust::Certificate(hash) => json!({ "certificateSha256": hex(hash) }),
    };
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn filter(filter: &Filter) -> Value {
    let rentals: Vec<String> = filter.rentals.iter().map(ToString::to_string).collect();
    let numbers: Vec<&str> = filter.numbers.iter().map(PhoneNumber::as_str).collect();
    json!({
        "rentals": rentals,
        "services": filter.services,
        "numbers": numbers,
        "countries": filter.countries,
        "tags": filter.tags,
    })
}

fn retry_policy(policy: &retry::Policy) -> Value {
    match policy {
        retry::Policy::ScheduleS(list) => json!({ "scheduleS": list }),
        retry::Policy::Exponential {
            initial_ms,
            multiplier,
            delay_max_ms,
            attempts_max,
        } => json!({ "exponential": {
            "initialMs": initial_ms,
            "multiplier": multiplier,
            "delayMaxMs": delay_max_ms,
            "attemptsMax": attempts_max,
        } }),
    }
}

fn public(key: &HeldKey) -> Option<String> {
    let key = key.secret.parse::<SigningKey>().ok()?;
    key.public().map(|public| public.to_string())
}

fn key(held: &HeldKey) -> Value {
    let mut shown = json!({
        "id": held.id(),
        "scheme": match held.scheme() {
            Scheme::V1 => "v1",
            Scheme::V1a => "v1a",
        },
        "createdAt": held.created_at.to_string(),
        "expiresAt": time(held.expires_at),
    });
    if let Some(public) = public(held) {
        shown["publicKey"] = json!(public);
    }
    shown
}

/// Adds the newest key as it is shown this once: the secret, or of an ed25519 key the public half.
pub fn add_new_key(shown: &mut Value, subscription: &Subscription) {
    let Some(held) = subscription.signing_keys.first() else {
        return;
    };
    match public(held) {
        Some(public) => {
            shown["publicKey"] = json!(public);
            shown["publicKeysPath"] = json!(well_known::path(subscription.id));
        }
        None => shown["secret"] = json!(held.secret),
    }
}

/// What to do about an attempt, or the beginning of what was answered.
pub fn detail(attempt: &Attempt) -> String {
    let body = || {
        let response = attempt.response.as_ref();
        response.map(|r| String::from_utf8_lossy(&r.body).into_owned())
    };
    let detail = Some(attempt.advice.clone()).filter(|advice| !advice.is_empty());
    let detail = detail.or_else(body).unwrap_or_default();
    detail.chars().take(DETAIL_CHARS_MAX).collect()
}
