//! A rental from a supplier while it lasts: its messages are fetched, beside those that the supplier's webhooks bring, and its end there
//! is an end here.

use std::sync::Arc;

use super::{Gateway, Supplier};
use crate::core::event;
use crate::core::id::{MessageId, RentalId};
use crate::core::message::{Dedupe, Message, Report};
use crate::core::purchase::{Purchase, Stage};
use crate::core::rental::Rental;
use crate::core::time::UnixMs;
use crate::gateway::Error;
use crate::store::RentalStep;
use crate::supplier::Refusal;

/// Pages of messages that are read at once.
const PAGES_MAX: usize = 10;
/// How its rental stands there is asked for at every so many looks for messages.
const LOOKS_PER_STATE: u32 = 4;

/// Gives a message of a supplier the key that it has whichever way it comes: the webhook and the list give it different ids, and times of
/// different precision.
pub(in crate::gateway) fn name_supplied(message: &mut Message) {
    message.received_at = message.received_at.map(|at| UnixMs::from_secs(at.secs()));
    message.dedupe_by(Dedupe::Content, [0; 16]);
}

impl Gateway {
    /// What was bought under the id that a message names, or, where it names none, with its number. `None`: it is not about a purchase.
    /// One that may be about what is just being bought has to come again.
    pub(in crate::gateway) fn purchase_of(
        &self,
        source: &str,
        message: &Message,
    ) -> Result<Option<Arc<Purchase>>, Error> {
        let supply = &self.parts.supply;
        if supply.find(source).is_none() {
            return Ok(None);
        }
        let live = self.parts.store.live();
        let number = message.to.number();
        let found = match (&message.reservation_id, &number) {
            (Some(id), _) => live.purchase_there(source, id),
            (None, Some(number)) => live
                .purchases_of(number)
                .into_iter()
                .rev()
                .find(|p| p.supplier == source),
            (None, None) => None,
        };
        match found {
            // Its number is known once it is a rental.
            Some(purchase) if purchase.number.is_some() => Ok(Some(purchase).filter(|p| p.number == number)),
            Some(purchase) if purchase.stage == Stage::Bought => Err(Error::Contended),
            Some(_) => Ok(None),
            None if supply.is_buying(&live.open_purchases(), (source, None), RentalId([0; 16])) => {
                Err(Error::Contended)
            }
            None => Ok(None),
        }
    }

    pub(super) async fn look_after(
        &self,
        supplier: &Supplier,
        purchase: &Purchase,
        done: u32,
    ) -> Result<(), Error> {
        let rental = self.rental_of(&purchase.account, purchase.rental).await?;
        match self.fetch_messages(supplier, purchase, &rental).await {
            Ok(reports) if reports.is_empty() => {}
            Ok(reports) => return self.settle(&supplier.name, reports).await.map(drop),
            Err(refusal) => {
                tracing::debug!(supplier = %supplier.name, reason = refusal.name(), "messages were not fetched");
                return Ok(());
            }
        }
        if done % LOOKS_PER_STATE != LOOKS_PER_STATE - 1 {
            return Ok(());
        }
        let (Some(id), now) = (&purchase.id, self.now()) else {
            return Ok(());
        };
        let there = self.question(supplier, "look", |dialect| dialect.look(id)).await;
        let Some((ended, refunded)) = there.ok().and_then(|there| {
            let ended = rental.ended_there(there.status, now)?;
            Some((ended, there.refunded))
        }) else {
            return Ok(());
        };
        let change = self.change(ended.clone(), event::of_rental(&ended, now));
        let next = Purchase {
            version: purchase.version + 1,
            ..purchase.after(&ended).settled(now, refunded)
        };
        self.book(next, Some(RentalStep::Ends(change))).await?;
        self.announce(Some(ended.id));
        Ok(())
    }

    /// What came that the rental has not yet, oldest first.
    async fn fetch_messages(
        &self,
        supplier: &Supplier,
        purchase: &Purchase,
        rental: &Arc<Rental>,
    ) -> Result<Vec<Report>, Refusal> {
        let (Some(id), Some(number)) = (&purchase.id, &purchase.number) else {
            return Ok(Vec::new());
        };
        let (mut messages, mut next) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let from: Option<String> = next.take();
            let page = self.question(supplier, "messages", |dialect| {
                Some(dialect.messages(id, number, from.as_deref()))
            });
            let page = page.await?;
            messages.extend(page.items);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        messages.iter_mut().for_each(name_supplied);
        let is_known = |message: &Message| {
            let id = MessageId::derive(&supplier.name, &message.dedupe_key);
            rental.messages.iter().any(|known| known.id == id)
        };
        messages.retain(|message| !is_known(message));
        messages.sort_by_key(|message| message.received_at);
        Ok(messages.into_iter().map(Report::Message).collect())
    }
}
