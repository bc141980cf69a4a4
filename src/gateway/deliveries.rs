//! What is owed to a customer's webhook target, and once more what somebody asks for again.

use std::sync::Arc;

use super::{Error, Gateway};
use crate::core::cursor::Cursor;
use crate::core::event::Event;
use crate::core::id::{AccountId, DeliveryId, SubscriptionId};
use crate::store::{Commit, Committed};

/// A delivery that was asked for again.
#[derive(Debug, Clone)]
pub struct Redelivered {
    pub id: DeliveryId,
    pub event: Arc<Event>,
    /// The subscription is paused: it goes out when somebody resumes it.
    pub is_held: bool,
}

impl Gateway {
    /// Owes an event to a subscription once more, now and with all attempts of its policy, whatever became of it before. The automatic
    /// delivery goes on as if nothing were.
    pub async fn redeliver(
        &self,
        account: &AccountId,
        id: SubscriptionId,
        delivery: DeliveryId,
    ) -> Result<Redelivered, Error> {
        let known = self.subscription(account, id)?;
        if known.health.disabled.is_some() {
            return Err(Error::SubscriptionDisabled);
        }
        let seq = delivery.event(id).ok_or(Error::NotFound)?;
        let event = self.read(move |store| store.event(seq)).await?;
        let event = event.filter(|event| event.account == *account);
        let Some(event) = event else {
            let is_gone = Cursor::inside(seq).is_gone(self.now(), self.parts.rules.log_days);
            return Err(if is_gone {
                Error::EventGone
            } else {
                Error::NotFound
            });
        };
        match self.commit(Commit::Redeliver(id, seq)).await? {
            Committed::New(_) => self.parts.doorbell.notify_one(),
            Committed::Known(_) | Committed::Conflict => return Err(Error::NotFound),
        }
        Ok(Redelivered {
            id: delivery,
            event: Arc::new(event),
            is_held: known.subscription.paused_at.is_some(),
        })
    }
}
