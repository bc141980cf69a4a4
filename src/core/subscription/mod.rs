//! A customer's webhook target: what it wants to hear, how it is delivered to and signed for. How it fares is `core::health`; who may be
//! called is `dispatch::guard`'s matter.

pub mod filter;
pub mod headers;
pub mod keys;
mod pattern;
pub mod policy;
pub mod trust;

use std::fmt;

use serde::{Deserialize, Serialize};

use self::filter::{Filter, Subject};
use self::headers::Headers;
use self::keys::HeldKey;
use self::policy::Policy;
use self::trust::Trust;
use super::id::{AccountId, ProfileId, SubscriptionId};
use super::time::UnixMs;

pub use self::pattern::{Pattern, PatternError};

/// How many patterns a subscription may list.
pub const PATTERNS_MAX: usize = 32;
/// The version of the payloads' form, and all that may be asked for. A new form gets a new number, and who pinned the old one keeps it.
pub const PAYLOAD_VERSION: u16 = 1;

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub account: AccountId,
    pub settings: Settings,
    /// Newest first; every delivery is signed with all of them that have not expired.
    pub signing_keys: Vec<HeldKey>,
    pub created_at: UnixMs,
    /// Its owner wants nothing sent for now; what is owed is held.
    pub paused_at: Option<UnixMs>,
    /// Grows with every change; a commit names the version it decided on.
    pub version: u32,
}

/// What a subscription's owner decides.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// At most 2,048 bytes; checked when it was written.
    pub url: String,
    pub events: Vec<Pattern>,
    pub filter: Filter,
    pub payload: Payload,
    pub payload_version: u16,
    pub headers: Headers,
    pub policy: Policy,
    pub trust: Trust,
    /// Set where it is a verify profile's webhook.
    pub profile: Option<OfProfile>,
}

/// A verify profile's webhook: it hears what contract 003 tells of the profile's codes, and nothing by its patterns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfProfile {
    pub id: ProfileId,
    /// Every second attempt goes there.
    pub failover_url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Payload {
    /// All that is known.
    #[default]
    Full,
    /// Type, time and ids: the receiver fetches the rest, and no code or text leaves by webhook.
    Thin,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("\"events\" lists 1 to {PATTERNS_MAX} event types; [\"*\"] is all")]
    Events,
    #[error("\"payloadVersion\" is {PAYLOAD_VERSION}")]
    Version,
    #[error("\"filter\": {0}")]
    Filter(#[from] filter::Error),
    #[error(transparent)]
    Policy(#[from] policy::Error),
}

impl Settings {
    /// All events to this URL, by the gateway's defaults.
    pub fn new(url: String, events: Vec<Pattern>) -> Self {
        Self {
            url,
            events,
            filter: Filter::default(),
            payload: Payload::Full,
            payload_version: PAYLOAD_VERSION,
            headers: Headers::default(),
            policy: Policy::default(),
            trust: Trust::Public,
            profile: None,
        }
    }

    /// All that can be checked without knowing whom the gateway may call.
    pub fn check(&self) -> Result<(), Error> {
        if self.events.is_empty() || self.events.len() > PATTERNS_MAX {
            return Err(Error::Events);
        }
        if self.payload_version != PAYLOAD_VERSION {
            return Err(Error::Version);
        }
        self.filter.check()?;
        Ok(self.policy.check()?)
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Subscription {
    /// Whether an event of this type about this is owed to it, paused or not.
    pub fn wants(&self, kind: &str, subject: Option<&Subject<'_>>) -> bool {
        self.settings.profile.is_none()
            && self.settings.events.iter().any(|pattern| pattern.matches(kind))
            && self.settings.filter.passes(subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked_as_a_whole() {
        let settings = Settings::new("https://a.example".into(), vec![Pattern::parse("*").unwrap()]);
        assert_eq!(settings.check(), Ok(()));
        let none = Settings {
            events: Vec::new(),
            ..settings.clone()
        };
        assert_eq!(none.check(), Err(Error::Events));
        let later = Settings {
            payload_version: PAYLOAD_VERSION + 1,
            ..settings
        };
        assert_eq!(later.check(), Err(Error::Version));
    }
}
