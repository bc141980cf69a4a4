//! Customers' webhook targets: made, changed, paused, given new keys, deleted.

use std::sync::Arc;

use super::{DECISIONS_MAX, Error, Gateway, Once};
use crate::core::event::Event;
use crate::core::health::Health;
use crate::core::id::{AccountId, SubscriptionId};
use crate::core::rental::Rental;
use crate::core::retry;
use crate::core::signature::{PublicKey, Scheme, SigningKey};
use crate::core::subscription::filter::Subject;
use crate::core::subscription::keys::{HeldKey, rotated};
use crate::core::subscription::{Settings, Subscription};
use crate::core::time::{DAY_MS, UnixMs};
use crate::store::{Commit, Committed};

/// A wish for a signing key.
#[derive(Debug, Clone)]
pub struct NewKey {
    pub scheme: Scheme,
    /// The key itself, where the caller brings its own; else one is made.
    pub key: Option<SigningKey>,
}

/// A subscription and how it fares.
#[derive(Debug, Clone)]
pub struct Known {
    pub subscription: Arc<Subscription>,
    pub health: Health,
}

impl Known {
    pub fn status(&self) -> &'static str {
        let health = &self.health;
        match (self.subscription.paused_at, health.disabled, health.failing_since) {
            (Some(_), ..) => "paused",
            (None, Some(_), _) => "disabled",
            (None, None, Some(_)) => "failing",
            (None, None, None) => "active",
        }
    }

    /// Since when it is what `status` says, where that is not active.
    fn troubled_since(&self) -> Option<UnixMs> {
        let disabled_at = self.health.disabled.map(|disabled| disabled.at);
        self.subscription
            .paused_at
            .or(disabled_at)
            .or(self.health.failing_since)
    }
}

impl Gateway {
    /// Makes a subscription. Its secret is in the answer and is never shown again.
    pub async fn subscribe(
        &self,
        account: &AccountId,
        settings: Settings,
        key: NewKey,
    ) -> Result<Subscription, Error> {
        self.subscribe_once(account, (settings, key), None).await
    }

    /// As `subscribe`, for a request that may come again.
    pub async fn subscribe_once(
        &self,
        account: &AccountId,
        (settings, key): (Settings, NewKey),
        once: Option<&Once<Subscription>>,
    ) -> Result<Subscription, Error> {
        let _place = self.place_of_subscription(account).await?;
        self.check(&settings)?;
        let now = self.parts.clock.now();
        let subscription = Subscription {
            id: SubscriptionId(self.parts.clock.random()),
            account: account.clone(),
            settings,
            signing_keys: vec![HeldKey::new(&self.signing_key(key), now)],
            created_at: now,
            paused_at: None,
            version: 0,
        };
        let commit = Commit::Subscribe(Box::new(subscription.clone()));
        match self.commit_once(commit, once, &subscription).await? {
            Committed::Conflict => Err(Error::Contended),
            _ => Ok(subscription),
        }
    }

    fn check(&self, settings: &Settings) -> Result<(), Error> {
        settings.check().map_err(|e| Error::BadSettings(e.to_string()))?;
        let policy = &settings.policy;
        let deadline_ms = policy.deadline_s.map_or(u64::MAX, |s| s * 1000);
        let lasts_ms = policy.retry.as_ref().map_or(0, retry::Policy::lasts_ms_max);
        let log_days = self.parts.rules.log_days;
        if lasts_ms.min(deadline_ms) > u64::from(log_days) * DAY_MS {
            return Err(Error::BadSettings(format!(
                "\"retry\" lasts longer than the {log_days} days that events are kept: shorten it or set \"deadlineS\""
            )));
        }
        (self.parts.target_check)(settings).map_err(Error::BadTarget)
    }

    fn signing_key(&self, wish: NewKey) -> SigningKey {
        let dev_key = || {
            let key = self.parts.dev_signing_key.clone();
            key.filter(|_| wish.scheme == Scheme::V1)
        };
        let key = wish.key.or_else(dev_key);
        key.unwrap_or_else(|| SigningKey::from_random(wish.scheme, self.parts.clock.random()))
    }

    /// Oldest first.
    pub fn subscriptions(&self, account: &AccountId) -> Vec<Known> {
        let mut all = self.parts.store.live().subscriptions(account);
        all.sort_by_key(|s| (s.created_at, s.id));
        all.into_iter().map(|s| self.known(s)).collect()
    }

    /// Those of all accounts that are paused, disabled or failing, each with since when; longest first.
    pub fn troubled(&self) -> Vec<(UnixMs, Known)> {
        let all = self.parts.store.live().all_subscriptions().into_iter();
        let since = |known: Known| Some((known.troubled_since()?, known));
        let mut troubled: Vec<_> = all.filter_map(|s| since(self.known(s))).collect();
        troubled.sort_by_key(|(since, known)| (*since, known.subscription.id));
        troubled
    }

    fn known(&self, subscription: Arc<Subscription>) -> Known {
        let health = self.parts.store.live().health(subscription.id);
        Known { subscription, health }
    }

    pub fn subscription(&self, account: &AccountId, id: SubscriptionId) -> Result<Known, Error> {
        let found = self.parts.store.live().subscription(id);
        let found = found.filter(|s| s.account == *account).ok_or(Error::NotFound)?;
        Ok(self.known(found))
    }

    /// One that is not a verify profile's, which alone changes that.
    fn own_subscription(&self, account: &AccountId, id: SubscriptionId) -> Result<(), Error> {
        let known = self.subscription(account, id)?;
        if known.subscription.settings.profile.is_none() {
            return Ok(());
        }
        let said = "this is the webhook of a verify profile: change the profile's webhook_url";
        Err(Error::BadSettings(said.to_owned()))
    }

    /// Changes what its owner decides.
    pub async fn set_subscription(
        &self,
        account: &AccountId,
        id: SubscriptionId,
        change: impl Fn(&mut Settings) -> Result<(), String> + Send,
    ) -> Result<Known, Error> {
        self.own_subscription(account, id)?;
        self.resubscribe(account, id, |subscription| {
            change(&mut subscription.settings).map_err(Error::BadSettings)?;
            self.check(&subscription.settings)?;
            Ok(None)
        })
        .await
    }

    /// Sends nothing more to it; what it is owed is held, as long as events are kept.
    pub async fn pause(&self, account: &AccountId, id: SubscriptionId) -> Result<Known, Error> {
        let now = self.parts.clock.now();
        self.resubscribe(account, id, |subscription| {
            subscription.paused_at.get_or_insert(now);
            Ok(None)
        })
        .await
    }

    /// Lifts a pause and a disabling; what was held goes out.
    pub async fn resume(&self, account: &AccountId, id: SubscriptionId) -> Result<Known, Error> {
        let known = self
            .resubscribe(account, id, |subscription| {
                subscription.paused_at = None;
                // The ramp counts from the decision that holds, not from one that came too late.
                Ok(Some(Health::resumed(self.parts.clock.steady())))
            })
            .await?;
        self.parts.doorbell.notify_one();
        Ok(known)
    }

    /// Signs with a new key from now on, and with the old ones for `overlap_s` more.
    pub async fn rotate_key(
        &self,
        account: &AccountId,
        id: SubscriptionId,
        (wish, overlap_s): (NewKey, u64),
    ) -> Result<Known, Error> {
        self.own_subscription(account, id)?;
        let now = self.parts.clock.now();
        let key = HeldKey::new(&self.signing_key(wish), now);
        self.resubscribe(account, id, |subscription| {
            let keys = rotated(&subscription.signing_keys, key.clone(), overlap_s, now);
            subscription.signing_keys = keys.map_err(|e| Error::BadSettings(e.to_string()))?;
            Ok(None)
        })
        .await
    }

    /// Decides a change on the subscription as it is, again where it changed in between.
    async fn resubscribe(
        &self,
        account: &AccountId,
        id: SubscriptionId,
        change: impl Fn(&mut Subscription) -> Result<Option<Health>, Error>,
    ) -> Result<Known, Error> {
        for _ in 0..DECISIONS_MAX {
            let mut next = (*self.subscription(account, id)?.subscription).clone();
            let health = change(&mut next)?;
            next.version += 1;
            let commit = Commit::Resubscribe(Box::new(next), health);
            if let Committed::New(_) = self.commit(commit).await? {
                return self.subscription(account, id);
            }
        }
        Err(Error::Contended)
    }

    /// The public halves of its asymmetric keys; none for a subscription that is not there. Not asked by an account: by receivers.
    pub fn public_keys(&self, id: SubscriptionId) -> Vec<PublicKey> {
        let found = self.parts.store.live().subscription(id);
        let keys = found.iter().flat_map(|s| &s.signing_keys);
        keys.filter_map(|held| held.secret.parse::<SigningKey>().ok()?.public())
            .collect()
    }

    /// Deletes it; what it is still owed is forgotten.
    pub async fn unsubscribe(&self, account: &AccountId, id: SubscriptionId) -> Result<(), Error> {
        self.own_subscription(account, id)?;
        self.commit(Commit::Unsubscribe(account.clone(), id))
            .await
            .map(drop)
    }

    /// Whom an event is owed to: those who want its kind and are not filtered out, paused and disabled ones too.
    pub(super) fn targets(&self, event: &Event, about: Option<&Rental>) -> Vec<SubscriptionId> {
        let live = self.parts.store.live();
        let number = about.and_then(|rental| live.number(&rental.number));
        let subject = about.map(|rental| Subject {
            rental: rental.id,
            service: &rental.service,
            number: &rental.number,
            country: number.as_ref().map_or("", |number| &number.country),
            tags: &rental.tags,
        });
        let all = live.subscriptions(&event.account);
        let wanting = all
            .iter()
            .filter(|s| s.wants(event.kind.as_str(), subject.as_ref()));
        wanting.map(|s| s.id).collect()
    }
}
