//! Customers' webhook targets: made, listed, deleted, and what was delivered to them.

use std::sync::Arc;

use super::{Error, Gateway};
use crate::core::delivery::{Attempt, Next};
use crate::core::id::{AccountId, DeliveryId, SubscriptionId};
use crate::core::signature::{PublicKey, Scheme, SigningKey};
use crate::core::subscription::{Health, Pattern, Subscription};
use crate::core::time::UnixMs;
use crate::store::Commit;

/// A wish for a subscription.
pub struct NewSubscription {
    pub url: String,
    pub events: Vec<Pattern>,
    pub scheme: Scheme,
    /// The signing key, where the caller brings its own; else one is made.
    pub signing_key: Option<SigningKey>,
}

/// One delivery in a subscription's log, with its newest attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryLog {
    pub id: DeliveryId,
    pub kind: String,
    pub status: &'static str,
    pub attempts: u16,
    pub response_code: Option<u16>,
    pub created_at: UnixMs,
    pub next_attempt_at: Option<UnixMs>,
    pub detail: String,
}

impl Gateway {
    /// Makes a subscription. Its secret is in the answer and is never shown again.
    pub async fn subscribe(&self, account: &AccountId, new: NewSubscription) -> Result<Subscription, Error> {
        let max = self.parts.rules.subscriptions_max;
        if self.parts.store.live().subscriptions(account).len() >= max {
            return Err(Error::TooManySubscriptions(max));
        }
        (self.parts.url_check)(&new.url).map_err(Error::BadUrl)?;
        let dev_key = self
            .parts
            .dev_signing_key
            .clone()
            .filter(|_| new.scheme == Scheme::V1);
        let key = new
            .signing_key
            .or(dev_key)
            .unwrap_or_else(|| SigningKey::from_random(new.scheme, self.parts.clock.random()));
        let subscription = Subscription {
            id: SubscriptionId(self.parts.clock.random()),
            account: account.clone(),
            url: new.url,
            events: new.events,
            signing_keys: vec![key.to_string()],
            created_at: self.parts.clock.now(),
            health: Health::default(),
        };
        self.commit(Commit::Subscribe(Box::new(subscription.clone())))
            .await?;
        Ok(subscription)
    }

    /// Oldest first.
    pub fn subscriptions(&self, account: &AccountId) -> Vec<Arc<Subscription>> {
        let mut all = self.parts.store.live().subscriptions(account);
        all.sort_by_key(|s| (s.created_at, s.id));
        all
    }

    pub fn subscription(&self, account: &AccountId, id: SubscriptionId) -> Result<Arc<Subscription>, Error> {
        let found = self.parts.store.live().subscription(id);
        found.filter(|s| s.account == *account).ok_or(Error::NotFound)
    }

    /// The public halves of its asymmetric keys; none for a subscription that is not there. Not asked by an account: by receivers.
    pub fn public_keys(&self, id: SubscriptionId) -> Vec<PublicKey> {
        let found = self.parts.store.live().subscription(id);
        let keys = found.iter().flat_map(|s| &s.signing_keys);
        keys.filter_map(|key| key.parse::<SigningKey>().ok()?.public())
            .collect()
    }

    /// Deletes it; what it is still owed is forgotten.
    pub async fn unsubscribe(&self, account: &AccountId, id: SubscriptionId) -> Result<(), Error> {
        self.subscription(account, id)?;
        self.commit(Commit::Unsubscribe(account.clone(), id))
            .await
            .map(drop)
    }

    /// The newest deliveries that were attempted at least once, newest event first.
    pub async fn delivery_log(
        &self,
        account: &AccountId,
        id: SubscriptionId,
        limit: usize,
    ) -> Result<Vec<DeliveryLog>, Error> {
        self.subscription(account, id)?;
        // A delivery has one row for each attempt; its newest comes first and is the one that is shown.
        let rows = limit * usize::from(crate::core::retry::ATTEMPTS_MAX);
        let attempts = self.read(move |store| store.attempts(id, rows)).await?;
        let mut log: Vec<DeliveryLog> = Vec::new();
        let mut last = None;
        for attempt in &attempts {
            if last != Some(attempt.due.event) {
                last = Some(attempt.due.event);
                log.push(entry(attempt));
            }
        }
        log.truncate(limit);
        Ok(log)
    }
}

fn entry(attempt: &Attempt) -> DeliveryLog {
    let (status, next_attempt_at) = match attempt.next {
        Next::Delivered => ("delivered", None),
        Next::Retry { at } => ("retrying", Some(at)),
        Next::Exhausted => ("failed", None),
        Next::Disabled => ("disabled", None),
    };
    DeliveryLog {
        id: DeliveryId::derive(attempt.event, attempt.due.subscription),
        kind: attempt.kind.clone(),
        status,
        attempts: attempt.number(),
        response_code: attempt.outcome.status(),
        created_at: attempt.due.event.written_at(),
        next_attempt_at,
        detail: attempt.detail.clone(),
    }
}
