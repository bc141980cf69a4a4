//! A profile's webhook: a subscription of the profile's own, made, changed and deleted with it, and signed with its account's key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{ProfileError, VerifyError};
use crate::core::event::{Kind, telnyx};
use crate::core::id::{AccountId, SubscriptionId};
use crate::core::signature::SigningKey;
use crate::core::subscription::keys::HeldKey;
use crate::core::subscription::{OfProfile, Pattern, Settings, Subscription};
use crate::core::verification::Verification;
use crate::core::verification::profile::Profile;
use crate::gateway::{Error, Gateway};

/// What it hears; which of these are told, contract 003 says.
const EVENTS: &str = "verify.*";

impl Gateway {
    /// The subscription that is this profile's webhook, as it will be.
    pub(super) fn webhook(&self, profile: &Profile) -> Result<Option<Box<Subscription>>, ProfileError> {
        let Some(url) = &profile.settings.webhook_url else {
            return Ok(None);
        };
        let events = Pattern::parse(EVENTS).map_err(|error| Error::BadSettings(error.to_string()))?;
        let mut settings = Settings::new(url.clone(), vec![events]);
        self.check_url("webhook_url", &settings)?;
        let failover_url = profile.settings.webhook_failover_url.clone();
        if let Some(failover) = &failover_url {
            let settings = Settings::new(failover.clone(), settings.events.clone());
            self.check_url("webhook_failover_url", &settings)?;
        }
        settings.profile = Some(OfProfile {
            id: profile.id,
            failover_url,
        });
        let known = self.parts.store.live().subscription(profile.webhook());
        Ok(Some(Box::new(match known {
            Some(known) => Subscription {
                settings,
                version: known.version + 1,
                ..(*known).clone()
            },
            None => Subscription {
                id: profile.webhook(),
                account: profile.account.clone(),
                settings,
                signing_keys: vec![HeldKey::new(&self.telnyx_key(&profile.account)?, self.now())],
                created_at: self.now(),
                paused_at: None,
                version: 0,
            },
        })))
    }

    fn check_url(&self, field: &'static str, settings: &Settings) -> Result<(), ProfileError> {
        (self.parts.target_check)(settings).map_err(|said| ProfileError::Webhook(field, said))
    }

    /// An account's webhooks have one key: that of those there are, else the one that the master key makes.
    fn telnyx_key(&self, account: &AccountId) -> Result<SigningKey, VerifyError> {
        let all = self.parts.store.live().subscriptions(account);
        let of_profiles = all.iter().filter(|s| s.settings.profile.is_some());
        let mut keys = of_profiles.flat_map(|s| &s.signing_keys);
        let used = keys.find_map(|held| held.secret.parse().ok());
        let made = self.verify_rules()?.lasting.telnyx_key(account);
        Ok(used.unwrap_or(made))
    }

    /// What the webhooks of an account's profiles are checked with, as Telnyx writes it.
    pub fn telnyx_public_key(&self, account: &AccountId) -> Result<String, VerifyError> {
        let public = self.telnyx_key(account)?.public();
        Ok(public.map_or_else(String::new, |public| STANDARD.encode(public.as_bytes())))
    }

    /// The webhook that is to hear of this.
    pub(super) fn webhook_for(&self, kind: Kind, verification: &Verification) -> Option<SubscriptionId> {
        let id = verification.profile.parse().ok().map(Profile::webhook_of)?;
        let is_told = telnyx::is_of_telnyx(kind, verification);
        let is_there = || self.parts.store.live().subscription(id).is_some();
        (is_told && is_there()).then_some(id)
    }
}
