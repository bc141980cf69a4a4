//! What is owed to a customer's webhook target and how that stands, and once more what somebody asks for again.

use std::sync::Arc;

use super::{Error, Gateway};
use crate::core::cursor::Cursor;
use crate::core::event::Event;
use crate::core::id::{AccountId, DeliveryId, EventId, Seq, SubscriptionId};
use crate::core::standing::{Delivery, Status};
use crate::core::subscription::Pattern;
use crate::core::time::UnixMs;
use crate::store::{Commit, Committed, Standings, StandingsPage};

/// Which deliveries of a subscription are looked for; what is not said matches all.
#[derive(Debug, Clone, Default)]
pub struct DeliveriesWish {
    pub statuses: Vec<Status>,
    /// Types of events; none: all of them.
    pub patterns: Vec<Pattern>,
    pub event: Option<EventId>,
    /// Of events from then on.
    pub since: Option<UnixMs>,
    /// Of events up to then.
    pub until: Option<UnixMs>,
    /// Where the page before ended.
    pub below: Option<Seq>,
    pub limit: usize,
}

/// A delivery that was asked for again.
#[derive(Debug, Clone)]
pub struct Redelivered {
    pub id: DeliveryId,
    pub event: Arc<Event>,
    /// The subscription is paused: it goes out when somebody resumes it.
    pub is_held: bool,
}

impl Gateway {
    /// Its deliveries, newest event first: attempted, owed or held.
    pub async fn deliveries(
        &self,
        account: &AccountId,
        id: SubscriptionId,
        wish: DeliveriesWish,
    ) -> Result<StandingsPage, Error> {
        let is_held = self.is_held(account, id)?;
        let until = wish.until.map(|at| Seq::first_at(at.plus_ms(1)));
        let reading = Standings {
            account: account.clone(),
            subscriptions: vec![(id, is_held)],
            above: wish.since.map_or(Seq(0), Seq::just_before),
            below: wish.below.into_iter().chain(until).min().unwrap_or(Seq(u64::MAX)),
            newest_first: true,
            patterns: wish.patterns,
            event: wish.event,
            statuses: wish.statuses,
            deliveries_max: wish.limit,
        };
        self.read(move |store| store.standings(&reading)).await
    }

    /// How one delivery stands.
    pub async fn delivery(
        &self,
        account: &AccountId,
        id: SubscriptionId,
        delivery: DeliveryId,
    ) -> Result<(Delivery, Status), Error> {
        let seq = delivery.event(id).ok_or(Error::NotFound)?;
        let wish = DeliveriesWish {
            since: Some(seq.written_at()),
            below: Some(Seq(seq.0.saturating_add(1))),
            limit: 1,
            ..DeliveriesWish::default()
        };
        let mut page = self.deliveries(account, id, wish).await?;
        let found = page.deliveries.pop().filter(|(found, _)| found.event == seq);
        found.ok_or_else(|| self.not_there(seq))
    }

    /// Whether what it is owed waits until somebody resumes it.
    pub(super) fn is_held(&self, account: &AccountId, id: SubscriptionId) -> Result<bool, Error> {
        let known = self.subscription(account, id)?;
        Ok(known.subscription.paused_at.is_some() || known.health.disabled.is_some())
    }

    /// Why nothing is found of this event.
    fn not_there(&self, seq: Seq) -> Error {
        if Cursor::inside(seq).is_gone(self.now(), self.parts.rules.log_days) {
            Error::EventGone
        } else {
            Error::NotFound
        }
    }

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
        let event = event.ok_or_else(|| self.not_there(seq))?;
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
