//! What is owed, as the tables in memory answer it: the heads of the queues, claims, and how long the queues are.

use std::sync::Arc;

use super::Live;
use crate::core::delivery::{Due, Place};
use crate::core::health::Health;
use crate::core::id::SubscriptionId;
use crate::core::subscription::Subscription;
use crate::core::time::UnixMs;

impl Live {
    /// Subscriptions that are owed something by `now` that nobody has claimed.
    pub fn owed(&self, now: UnixMs) -> Vec<SubscriptionId> {
        self.read().owed.subscriptions(now)
    }

    /// What a subscription is owed by `now` and nobody has claimed, oldest first.
    pub fn due(&self, subscription: SubscriptionId, now: UnixMs, limit: usize) -> Vec<Due> {
        self.read().owed.due(subscription, now, limit)
    }

    /// As `due`, and claims it: it is given to nobody else until it is given back or settled.
    pub fn claim(&self, subscription: SubscriptionId, now: UnixMs, limit: usize) -> Vec<Due> {
        self.write().owed.claim(subscription, now, limit)
    }

    /// A subscription that is owed something by `now` that nobody has claimed, and how it fares.
    pub fn wanting(&self, id: SubscriptionId, now: UnixMs) -> Option<(Arc<Subscription>, Health)> {
        let tables = self.read();
        let subscription = tables
            .subscriptions
            .get(&id)
            .filter(|_| tables.owed.is_due(id, now))?;
        let health = tables.health.get(&id).copied().unwrap_or_default();
        Some((subscription.clone(), health))
    }

    /// Queues that must be read on, and from where.
    pub fn short(&self) -> Vec<(SubscriptionId, Place)> {
        self.read().owed.short()
    }

    /// Takes over what was read of a queue behind this place.
    pub fn top_up(&self, place: (SubscriptionId, Place), read: Vec<Due>, more: bool) {
        self.write().owed.top_up(place, read, more);
    }

    pub fn unclaim(&self, due: Due) {
        self.write().owed.unclaim(due);
    }

    /// When the next delivery after `now` falls due.
    pub fn next_due_after(&self, now: UnixMs) -> Option<UnixMs> {
        self.read().owed.next_after(now)
    }
}
