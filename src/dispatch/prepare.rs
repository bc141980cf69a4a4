//! A subscription made ready for calls: its URL checked, its keys and headers parsed once, and the request of one attempt.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};

use super::guard::{self, Policy, Target};
use super::sender::{Call, Failure};
use super::trust::Trusted;
use crate::core::event::{self, Event};
use crate::core::signature::{self, SigningKey};
use crate::core::subscription::keys::HeldKey;
use crate::core::subscription::{Payload, Settings, Subscription};
use crate::core::time::UnixMs;

const USER_AGENT: &str = concat!("ringback/", env!("CARGO_PKG_VERSION"));

pub struct Prepared {
    pub of: Arc<Subscription>,
    pub target: Result<Target, Failure>,
    /// Of a verify profile's webhook: where every second attempt goes.
    failover: Option<Result<Target, Failure>>,
    keys: Vec<(HeldKey, SigningKey)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Whom these settings call and whose certificate they believe, or why they cannot be used.
pub fn target(settings: &Settings, policy: &Policy) -> Result<Target, Failure> {
    let target = guard::check_url(&settings.url, policy)?;
    Ok(target.trusting(Trusted::new(&settings.trust)?)?)
}

impl Prepared {
    pub fn new(subscription: Arc<Subscription>, policy: &Policy) -> Self {
        let settings = &subscription.settings;
        let keys = subscription.signing_keys.iter();
        let keys = keys.filter_map(|held| Some((held.clone(), held.secret.parse().ok()?)));
        let headers = settings.headers.iter();
        let headers = headers.filter_map(|(name, value)| {
            let mut value = HeaderValue::try_from(value).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::try_from(name).ok()?, value))
        });
        Self {
            target: target(settings, policy),
            failover: settings
                .profile
                .as_ref()
                .and_then(|profile| profile.failover_url.as_deref())
                .map(|url| Ok(guard::check_url(url, policy)?)),
            keys: keys.collect(),
            headers: headers.collect(),
            of: subscription,
        }
    }

    /// Whom the attempt after so many calls, and by what URL.
    pub fn target_after(&self, attempts: u16) -> (&Result<Target, Failure>, &str) {
        let settings = &self.of.settings;
        let failover = settings
            .profile
            .as_ref()
            .and_then(|profile| profile.failover_url.as_deref());
        match self.failover.as_ref().zip(failover) {
            Some(failover) if attempts % 2 == 1 => failover,
            _ => (&self.target, &settings.url),
        }
    }

    /// The names of the keys that sign now, in the order of the signatures.
    pub fn signs_with(&self, now: UnixMs) -> Vec<String> {
        self.signing(now).map(|(held, _)| held.id()).collect()
    }

    fn signing(&self, now: UnixMs) -> impl Iterator<Item = &(HeldKey, SigningKey)> {
        self.keys.iter().filter(move |(held, _)| held.signs_at(now))
    }

    /// The request of an attempt that is made now, as contract 003 signs.
    pub fn telnyx_call(&self, target: &Target, body: String, now: UnixMs, timeout_ms: u64) -> Call {
        let timestamp_s = i64::try_from(now.secs()).unwrap_or(i64::MAX);
        let keys: Vec<SigningKey> = self.signing(now).map(|(_, key)| key.clone()).collect();
        let signature = signature::sign_as_telnyx(&keys, timestamp_s, body.as_bytes()).unwrap_or_default();
        let text = |value: String| HeaderValue::try_from(value).expect("digits and base64 are header text");
        Call {
            method: Method::POST,
            target: target.clone(),
            headers: vec![
                (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (header::USER_AGENT, HeaderValue::from_static(USER_AGENT)),
                (
                    HeaderName::from_static("telnyx-timestamp"),
                    text(timestamp_s.to_string()),
                ),
                (
                    HeaderName::from_static("telnyx-signature-ed25519"),
                    text(signature),
                ),
            ],
            body: Bytes::from(body),
            timeout_ms: self.of.settings.policy.timeout_ms.unwrap_or(timeout_ms),
        }
    }

    /// The request of an attempt that is made now.
    pub fn call(&self, target: &Target, event: &Event, now: UnixMs, timeout_ms: u64) -> Call {
        let settings = &self.of.settings;
        let body = match settings.payload {
            Payload::Full => Bytes::copy_from_slice(event.body.as_bytes()),
            Payload::Thin => Bytes::from(event::thin(&event.body)),
        };
        let (id, timestamp_s) = (
            event.id.to_string(),
            i64::try_from(now.secs()).unwrap_or(i64::MAX),
        );
        let keys: Vec<SigningKey> = self.signing(now).map(|(_, key)| key.clone()).collect();
        let signature = signature::sign(&keys, &id, timestamp_s, &body);
        let text =
            |value: String| HeaderValue::try_from(value).expect("ids, digits and base64 are header text");
        let mut headers = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::USER_AGENT, HeaderValue::from_static(USER_AGENT)),
            (HeaderName::from_static("webhook-id"), text(id)),
            (
                HeaderName::from_static("webhook-timestamp"),
                text(timestamp_s.to_string()),
            ),
            (HeaderName::from_static("webhook-signature"), text(signature)),
            (
                HeaderName::from_static("ringback-payload-version"),
                HeaderValue::from(settings.payload_version),
            ),
        ];
        headers.extend(self.headers.iter().cloned());
        Call {
            method: Method::POST,
            target: target.clone(),
            headers,
            body,
            timeout_ms: settings.policy.timeout_ms.unwrap_or(timeout_ms),
        }
    }
}
