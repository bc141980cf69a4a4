//! Trying receivers out: a test event to everyone who wants its type, or one attempt to one subscription with its result at once.

use std::pin::Pin;
use std::sync::Arc;

use super::{Error, Gateway};
use crate::core::attempt::Attempt;
use crate::core::event::{Event, Kind};
use crate::core::id::{AccountId, SubscriptionId};
use crate::core::sample::sample;
use crate::core::subscription::Subscription;
use crate::store::Commit;

/// Attempts at one time in all: each holds a request and a connection.
pub const TRIALS_MAX: usize = 16;

/// Makes one attempt that is neither owed nor recorded; `app` has dispatch do it.
pub type Trial =
    Box<dyn Fn(Arc<Subscription>, Event) -> Pin<Box<dyn Future<Output = Attempt> + Send>> + Send + Sync>;

impl Gateway {
    /// Commits a test event of this type as any other event: webhooks, feed and streams get it.
    pub async fn publish_sample(&self, account: &AccountId, kind: Kind) -> Result<Event, Error> {
        let event = self.sample(account, kind);
        let targets = self.targets(&event, None);
        self.commit(Commit::Publish(Box::new(event.clone()), targets))
            .await?;
        self.parts.doorbell.notify_one();
        Ok(event)
    }

    /// Calls one subscription once with a test event of this type, whatever it subscribes to and however it fares; nothing of it is kept.
    /// On a hang-up the attempt is given up.
    pub async fn try_subscription(
        &self,
        account: &AccountId,
        id: SubscriptionId,
        kind: Kind,
    ) -> Result<Attempt, Error> {
        let subscription = self.subscription(account, id)?.subscription;
        let _place = self.trials.try_acquire().map_err(|_| Error::Crowded)?;
        Ok((self.parts.trial)(subscription, self.sample(account, kind)).await)
    }

    fn sample(&self, account: &AccountId, kind: Kind) -> Event {
        sample(kind, account, self.parts.clock.random(), self.parts.clock.now())
    }
}
