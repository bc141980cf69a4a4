//! A subscription's settings as callers write them: absent is left as it is, null goes back to the default (RFC 7396).

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::core::phone::PhoneNumber;
use crate::core::retry;
use crate::core::signature::{Scheme, SigningKey};
use crate::core::subscription::filter::Filter;
use crate::core::subscription::headers::Headers;
use crate::core::subscription::policy::{Expiry, Order, Rate};
use crate::core::subscription::trust::Trust;
use crate::core::subscription::{PAYLOAD_VERSION, Pattern, Payload, Settings};
use crate::core::tags::Tags;
use crate::gateway::NewKey;
use crate::http::object::Object;

/// Absent, null, or a value.
type Given<T> = Option<Option<T>>;

fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Given<T>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The members of a subscription. `scheme` and `secret` are for making one; rotation has a route of its own.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Form {
    url: Option<String>,
    events: Option<Vec<String>>,
    #[serde(deserialize_with = "given")]
    filter: Given<Object<FilterForm>>,
    #[serde(deserialize_with = "given")]
    payload: Given<PayloadForm>,
    #[serde(deserialize_with = "given")]
    payload_version: Given<u16>,
    #[serde(deserialize_with = "given")]
    headers: Given<BTreeMap<String, Option<String>>>,
    #[serde(deserialize_with = "given")]
    retry: Given<RetryForm>,
    #[serde(deserialize_with = "given")]
    deadline_s: Given<u64>,
    #[serde(deserialize_with = "given")]
    expire_after_s: Given<BTreeMap<String, u64>>,
    #[serde(deserialize_with = "given")]
    timeout_ms: Given<u64>,
    #[serde(deserialize_with = "given")]
    rate: Given<Object<Rate>>,
    #[serde(deserialize_with = "given")]
    concurrency_max: Given<u16>,
    #[serde(deserialize_with = "given")]
    order: Given<OrderForm>,
    #[serde(deserialize_with = "given")]
    obey_control: Given<bool>,
    #[serde(deserialize_with = "given")]
    trust: Given<Object<TrustForm>>,
    #[serde(flatten)]
    pub key: KeyForm,
    #[serde(flatten)]
    unknown: BTreeMap<String, IgnoredAny>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct FilterForm {
    rentals: Vec<String>,
    services: Vec<String>,
    numbers: Vec<PhoneNumber>,
    countries: Vec<String>,
    tags: Tags,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum PayloadForm {
    Full,
    Thin,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum OrderForm {
    None,
    Rental,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum RetryForm {
    ScheduleS(Vec<u64>),
    Exponential(Object<Exponential>),
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Exponential {
    initial_ms: u64,
    multiplier: f64,
    delay_max_ms: u64,
    attempts_max: u16,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct TrustForm {
    ca: Option<String>,
    certificate_sha256: Option<String>,
}

/// The wish for a signing key.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeyForm {
    /// `v1` (HMAC-SHA256, the default) or `v1a` (ed25519).
    scheme: Option<String>,
    /// The caller's own `whsec_…` or `whsk_…`.
    secret: Option<String>,
    /// In a rotation: how long the keys before go on signing.
    pub overlap_s: Option<u64>,
}

impl KeyForm {
    pub fn wish(&self) -> Result<NewKey, String> {
        let scheme = match self.scheme.as_deref() {
            None | Some("v1") => Scheme::V1,
            Some("v1a") => Scheme::V1a,
            Some(_) => return Err("\"scheme\" is \"v1\" or \"v1a\"".into()),
        };
        let key = self.secret.as_deref().map(str::parse::<SigningKey>).transpose();
        let key = key.map_err(|e| format!("\"secret\": {e}"))?;
        Ok(NewKey { scheme, key })
    }
}

impl Form {
    /// The settings of a new subscription. Unknown members are passed over, as the contract's clients may send some.
    pub fn create(&self) -> Result<Settings, String> {
        let url = self.url.clone().ok_or("\"url\" is missing")?;
        if self.events.is_none() {
            return Err("\"events\" is missing".into());
        }
        let mut settings = Settings::new(url, Vec::new());
        self.apply(&mut settings)?;
        Ok(settings)
    }

    /// Refuses in a change what it would not do: a slip would go unnoticed.
    pub fn check_change(&self) -> Result<(), String> {
        if self.key.scheme.is_some() || self.key.secret.is_some() || self.key.overlap_s.is_some() {
            return Err("keys change by POST to .../rotate-secret".into());
        }
        match self.unknown.first_key_value() {
            Some((name, _)) => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                Err(format!("\"{name}\" is no setting of a subscription"))
            }
            None => Ok(()),
        }
    }

    pub fn apply(&self, settings: &mut Settings) -> Result<(), String> {
        if let Some(url) = &self.url {
            settings.url.clone_from(url);
        }
        if let Some(events) = &self.events {
            settings.events = patterns(events.iter().map(String::as_str))?;
        }
        if let Some(filter) = &self.filter {
            settings.filter = filter.clone().unwrap_or_default().0.read()?;
        }
        if let Some(payload) = self.payload {
            settings.payload = match payload {
                Some(PayloadForm::Thin) => Payload::Thin,
                Some(PayloadForm::Full) | None => Payload::Full,
            };
        }
        if let Some(version) = self.payload_version {
            settings.payload_version = version.unwrap_or(PAYLOAD_VERSION);
        }
        if let Some(headers) = &self.headers {
            settings.headers = match headers {
                Some(changes) => settings
                    .headers
                    .merged(changes.clone())
                    .map_err(|e| e.to_string())?,
                None => Headers::default(),
            };
        }
        if let Some(trust) = &self.trust {
            settings.trust = trust
                .clone()
                .map_or(Ok(Trust::Public), |Object(form)| form.read())?;
        }
        self.apply_policy(settings)
    }

    fn apply_policy(&self, settings: &mut Settings) -> Result<(), String> {
        let policy = &mut settings.policy;
        if let Some(retry) = &self.retry {
            policy.retry = retry.clone().map(RetryForm::into);
        }
        if let Some(deadline_s) = self.deadline_s {
            policy.deadline_s = deadline_s;
        }
        if let Some(expiry) = &self.expire_after_s {
            let given = expiry.iter().flatten();
            let expiries = given.map(|(events, after_s)| {
                let mut events = patterns(std::iter::once(events.as_str()))?;
                let events = events.pop().ok_or("a pattern is missing")?;
                Ok(Expiry {
                    events,
                    after_s: *after_s,
                })
            });
            policy.expiry = expiries.collect::<Result<_, String>>()?;
            // The longest pattern is the most exact one and is asked first.
            policy
                .expiry
                .sort_by_key(|e| std::cmp::Reverse(e.events.as_str().len()));
        }
        if let Some(timeout_ms) = self.timeout_ms {
            policy.timeout_ms = timeout_ms;
        }
        if let Some(rate) = self.rate {
            policy.rate = rate.map(|Object(rate)| rate);
        }
        if let Some(concurrency_max) = self.concurrency_max {
            policy.concurrency_max = concurrency_max;
        }
        if let Some(order) = self.order {
            policy.order = match order {
                Some(OrderForm::Rental) => Order::Rental,
                Some(OrderForm::None) | None => Order::None,
            };
        }
        if let Some(obeys) = self.obey_control {
            policy.obeys_control = obeys.unwrap_or(false);
        }
        Ok(())
    }
}

fn patterns<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Vec<Pattern>, String> {
    let parsed = texts.map(|text| Pattern::parse(text).map_err(|e| format!("\"events\": {e}")));
    parsed.collect()
}

impl FilterForm {
    fn read(self) -> Result<Filter, String> {
        let rentals = self.rentals.iter().map(|id| {
            id.parse()
                .map_err(|_| "\"filter\": \"rentals\" are ids of verifications".to_owned())
        });
        Ok(Filter {
            rentals: rentals.collect::<Result<_, _>>()?,
            services: self.services,
            numbers: self.numbers,
            countries: self.countries,
            tags: self.tags,
        })
    }
}

impl From<RetryForm> for retry::Policy {
    fn from(form: RetryForm) -> Self {
        match form {
            RetryForm::ScheduleS(list) => Self::ScheduleS(list),
            RetryForm::Exponential(Object(form)) => Self::Exponential {
                initial_ms: form.initial_ms,
                multiplier: form.multiplier,
                delay_max_ms: form.delay_max_ms,
                attempts_max: form.attempts_max,
            },
        }
    }
}

impl TrustForm {
    fn read(self) -> Result<Trust, String> {
        let trust = match (self.ca, self.certificate_sha256) {
            (Some(pem), None) => Trust::authority(pem),
            (None, Some(hash)) => Trust::certificate(&hash),
            _ => return Err("\"trust\" is either \"ca\" or \"certificateSha256\"".into()),
        };
        trust.map_err(|e| e.to_string())
    }
}
