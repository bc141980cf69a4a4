//! What was delivered to a subscription, and each attempt of it: read newest first, as much as one page may cost.

use super::{Error, Gateway};
use crate::core::attempt::Attempt;
use crate::core::id::{AccountId, DeliveryId, EventId, Seq, SubscriptionId};
use crate::core::subscription::Pattern;
use crate::core::time::UnixMs;
use crate::store::{self, AttemptPlace, Store};

/// Deliveries that one page looks at; a filter that rarely matches goes on from there.
const LOOKED_AT_MAX: usize = 500;

/// Which deliveries are looked for, by their newest attempts; what is not said matches all.
#[derive(Debug, Clone, Default)]
pub struct LogWish {
    /// How the delivery stands.
    pub status: Option<String>,
    /// What the attempt came to.
    pub class: Option<String>,
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

/// Deliveries, each by its newest attempt, newest event first.
#[derive(Debug, Default)]
pub struct LogPage {
    pub deliveries: Vec<Attempt>,
    /// Where to go on; none where nothing is left to look at.
    pub next: Option<Seq>,
}

impl LogWish {
    fn begin(&self) -> Option<AttemptPlace> {
        let until = self.until.map(|at| Seq::first_at(at.plus_ms(1)));
        let below = self.below.into_iter().chain(until).min();
        below.map(|event| (event, 0))
    }

    fn wants(&self, newest: &Attempt) -> bool {
        let is = |wish: &Option<String>, word: &str| wish.as_ref().is_none_or(|wish| wish == word);
        is(&self.status, newest.next.as_str())
            && is(&self.class, &newest.class)
            && self.event.is_none_or(|event| event == newest.event)
            && (self.patterns.is_empty() || self.patterns.iter().any(|p| p.matches(&newest.kind)))
    }
}

impl Gateway {
    /// Deliveries that were attempted at least once.
    pub async fn delivery_log(
        &self,
        account: &AccountId,
        id: SubscriptionId,
        wish: LogWish,
    ) -> Result<LogPage, Error> {
        self.subscription(account, id)?;
        self.read(move |store| page(store, id, &wish)).await
    }

    /// The attempts of one delivery, newest first, below a number.
    pub async fn delivery_attempts(
        &self,
        account: &AccountId,
        (id, delivery): (SubscriptionId, DeliveryId),
        below: Option<u16>,
        limit: usize,
    ) -> Result<Vec<Attempt>, Error> {
        self.subscription(account, id)?;
        let event = delivery.event(id).ok_or(Error::NotFound)?;
        let place = Some((event, below.unwrap_or(u16::MAX)));
        let mut attempts = self.read(move |store| store.attempts(id, place, limit)).await?;
        attempts.retain(|attempt| attempt.due.event == event);
        if attempts.is_empty() && below.is_none() {
            return Err(Error::NotFound);
        }
        Ok(attempts)
    }

    /// One attempt with all that is kept of its reply.
    pub async fn delivery_attempt(
        &self,
        account: &AccountId,
        delivery: (SubscriptionId, DeliveryId),
        number: u16,
    ) -> Result<Attempt, Error> {
        let below = number.checked_add(1).ok_or(Error::NotFound)?;
        let found = self.delivery_attempts(account, delivery, Some(below), 1).await?;
        let found = found.into_iter().find(|attempt| attempt.number() == number);
        found.ok_or(Error::NotFound)
    }
}

/// Goes from delivery to delivery by the newest attempt of each, which stands before its others.
fn page(store: &dyn Store, id: SubscriptionId, wish: &LogWish) -> Result<LogPage, store::Error> {
    let (mut deliveries, mut below) = (Vec::new(), wish.begin());
    for _ in 0..LOOKED_AT_MAX {
        let newest = store.attempts(id, below, 1)?.pop();
        let is_late = |newest: &Attempt| {
            wish.since
                .is_none_or(|since| newest.due.event.written_at() >= since)
        };
        let Some(newest) = newest.filter(is_late) else {
            return Ok(LogPage {
                deliveries,
                next: None,
            });
        };
        below = Some((newest.due.event, 0));
        if wish.wants(&newest) {
            deliveries.push(newest);
        }
        if deliveries.len() >= wish.limit {
            break;
        }
    }
    let next = below.map(|(event, _)| event);
    Ok(LogPage { deliveries, next })
}
