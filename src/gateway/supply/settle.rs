//! What is bought and is nobody's: intents whose end a crash, a hang-up or a lost answer left open are looked for, and what is over is
//! cancelled there until that is known.

use super::{Gateway, Supplier};
use crate::core::event;
use crate::core::purchase::Purchase;
use crate::core::rental::{Rental, Status};
use crate::gateway::Error;
use crate::store::{Commit, RentalStep, SupplyStep};
use crate::supplier::{Listed, Refusal};

/// How far a supplier's clock may be off ours.
const SKEW_MS: u64 = 60_000;
/// So long after its time-out an intent is looked for before it counts as never bought.
const SHOWS_MS: u64 = 30_000;
/// After this time nothing that was bought for a code is still open there.
const OPEN_MAX_MS: u64 = 86_400_000;
/// Pages of a list that are read.
const PAGES_MAX: usize = 20;

impl Gateway {
    /// A rental from a supplier is over: what had its code is used up, all else is given back there.
    pub(in crate::gateway) fn returning(&self, rental: Rental) -> Result<Commit, Error> {
        let purchase = self
            .parts
            .store
            .live()
            .purchase(rental.id)
            .ok_or(Error::NotFound)?;
        let next = purchase.after(&rental);
        let rental = match rental.status {
            Status::Completed => RentalStep::Released(Box::new(rental)),
            _ => {
                let over = event::of_rental(&rental, self.now());
                RentalStep::Ends(self.change(rental, over))
            }
        };
        Ok(Commit::Supply(Box::new(SupplyStep {
            next,
            rental: Some(rental),
        })))
    }

    /// An intent that nobody works on any more.
    pub(super) async fn recover(&self, supplier: &Supplier, meant: &Purchase) -> Result<(), Error> {
        let age_ms = self.now().since(meant.created_at);
        match self.look_for(supplier, meant).await {
            // The next step gives it back.
            Ok(Some(id)) => {
                tracing::info!(supplier = %supplier.name, rental = %meant.rental, "a purchase without an answer was found");
                self.book(meant.bought(id), None).await
            }
            Ok(None) if age_ms > supplier.terms.timeout_ms + SHOWS_MS => self
                .commit(Commit::ForgetPurchases(vec![meant.rental]))
                .await
                .map(drop),
            Err(Refusal::NotOffered(_)) => {
                let why = "its purchases cannot be listed: look there for one of this time";
                self.abandon(meant, why).await
            }
            _ if age_ms > OPEN_MAX_MS => self.abandon(meant, "it was not found for a day").await,
            _ => Ok(()),
        }
    }

    /// The id of what was bought for this intent, if it was. Nobody else is to buy there by the same login: what fits is taken for ours.
    pub(super) async fn look_for(
        &self,
        supplier: &Supplier,
        meant: &Purchase,
    ) -> Result<Option<String>, Refusal> {
        let (mut found, mut next) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let from: Option<String> = next.take();
            let page = self
                .question(supplier, "list", |dialect| dialect.list(from.as_deref()))
                .await?;
            found.extend(page.items);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        let live = self.parts.store.live();
        let place = (supplier.name.as_str(), Some(meant.service.as_str()));
        if self
            .parts
            .supply
            .is_buying(&live.open_purchases(), place, meant.rental)
        {
            return Err(Refusal::Unanswered("another is being bought".into()));
        }
        let (from, until) = (
            meant.created_at.minus_ms(SKEW_MS),
            meant.created_at.plus_ms(supplier.terms.timeout_ms + SKEW_MS),
        );
        let fits = |listed: &Listed| {
            listed.status == Status::Active
                && listed.service == meant.service
                && (from..=until).contains(&listed.created_at)
                && live.purchase_there(&supplier.name, &listed.id).is_none()
        };
        found.retain(fits);
        found.sort_by_key(|listed| listed.created_at);
        Ok(found.into_iter().next().map(|listed| listed.id))
    }

    /// Cancels there what is over here.
    pub(super) async fn give_back(&self, supplier: &Supplier, purchase: &Purchase) -> Result<(), Error> {
        let Some(id) = &purchase.id else {
            return self.abandon(purchase, "it has no id").await;
        };
        let now = self.now();
        match self
            .question(supplier, "cancel", |dialect| Some(dialect.cancel(id)))
            .await
        {
            Ok(refund) => {
                let refunded = match refund {
                    Some(refund) => refund.0 > 0,
                    None => self.is_refunded(supplier, id).await,
                };
                self.settled(supplier, purchase, refunded).await
            }
            Err(Refusal::Over(status)) => {
                self.settled(supplier, purchase, status == Status::Cancelled)
                    .await
            }
            Err(Refusal::Unknown) => self.settled(supplier, purchase, false).await,
            Err(Refusal::NotCancellable) => {
                let there = self.question(supplier, "look", |dialect| dialect.look(id)).await;
                match there {
                    Ok(there) if there.status != Status::Active => {
                        let refunded = there.refunded || there.status == Status::Cancelled;
                        self.settled(supplier, purchase, refunded).await
                    }
                    Err(Refusal::Unknown) => self.settled(supplier, purchase, false).await,
                    _ => self.abandon_late(purchase, now.since(purchase.created_at)).await,
                }
            }
            Err(_) => self.abandon_late(purchase, now.since(purchase.created_at)).await,
        }
    }

    async fn is_refunded(&self, supplier: &Supplier, id: &str) -> bool {
        let there = self.question(supplier, "look", |dialect| dialect.look(id)).await;
        there.is_ok_and(|there| there.refunded || there.status == Status::Cancelled)
    }

    async fn settled(&self, supplier: &Supplier, purchase: &Purchase, refunded: bool) -> Result<(), Error> {
        self.book(purchase.settled(self.now(), refunded), None).await?;
        let result = if refunded { "refunded" } else { "returned" };
        self.parts.metrics.supplied(&supplier.name, result);
        Ok(())
    }

    async fn abandon_late(&self, purchase: &Purchase, age_ms: u64) -> Result<(), Error> {
        if age_ms < OPEN_MAX_MS {
            return Ok(());
        }
        self.abandon(purchase, "it could not be cancelled for a day")
            .await
    }

    /// Nothing more can be done for it here; the operator hears of it.
    pub(super) async fn abandon(&self, purchase: &Purchase, why: &str) -> Result<(), Error> {
        let there = purchase.id.as_deref().unwrap_or("unknown");
        tracing::warn!(
            supplier = %purchase.supplier, rental = %purchase.rental, there, at = %purchase.created_at, why,
            "what was bought, or may have been, is left to its supplier"
        );
        self.parts.metrics.supplied(&purchase.supplier, "lost");
        self.book(purchase.settled(self.now(), false), None).await
    }
}
