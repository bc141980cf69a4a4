//! Renting from a supplier: the intent is written down, then it is bought, then its id is written down, then it is a rental. Whatever
//! happens in between, what is written down is found again.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::offers::Offer;
use super::{Gateway, Supplier};
use crate::core::event;
use crate::core::id::{AccountId, RentalId};
use crate::core::money::Price;
use crate::core::number::Number;
use crate::core::purchase::Purchase;
use crate::core::rental::{Rental, Status, Supplied};
use crate::core::service::Service;
use crate::core::supply;
use crate::gateway::Error;
use crate::gateway::rentals::{Wish, new_rental};
use crate::store::{Commit, Committed, RentalStep, SupplyStep};
use crate::supplier::{Bought, Refusal, There, Wanted};

/// Why nobody sold a number.
#[derive(Debug)]
pub(in crate::gateway) enum Unsold {
    /// Each supplier's reason; empty where there is no supplier.
    Refused(Vec<Refusal>),
    Failed(Error),
}

impl Unsold {
    /// What a renter hears of it: that there is none, that it would cost too much, or that nobody could be asked.
    pub fn told(self, price_max: Option<Price>) -> Error {
        let refusals = match self {
            Self::Failed(error) => return error,
            Self::Refused(refusals) => refusals,
        };
        let is_word = |refusal: &Refusal| {
            matches!(
                refusal,
                Refusal::NoNumbers | Refusal::NotOffered(_) | Refusal::TooDear
            )
        };
        match price_max {
            Some(max) if refusals.is_empty() || refusals.contains(&Refusal::TooDear) => Error::TooDear(max),
            _ if refusals.iter().all(is_word) => Error::NoNumber,
            _ => Error::SuppliersAway,
        }
    }
}

/// What the worker is to buy.
pub struct Order {
    account: AccountId,
    wish: Wish,
    service: Arc<Service>,
    wanted: Wanted,
    offer: Offer,
    /// The most that it may cost us.
    cost_max: Price,
    reply: oneshot::Sender<Result<Rental, Unfilled>>,
}

enum Unfilled {
    Refused(Refusal),
    Failed(Error),
}

impl From<Error> for Unfilled {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for Unfilled {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Gateway {
    /// Rents from whoever sells for less than `below`, the best one first. May be dropped: what is being bought then is given back.
    pub(in crate::gateway) async fn rent_supplied(
        &self,
        account: &AccountId,
        wish: &Wish,
        service: &Arc<Service>,
        below: Option<Price>,
    ) -> Result<Rental, Unsold> {
        let wanted = Wanted {
            service: service.name.clone(),
            country: wish
                .country
                .clone()
                .unwrap_or_else(|| self.parts.rules.country.clone()),
            area_code: wish.area_code.clone(),
            capability: service.capability,
        };
        let (offers, mut refusals) = Box::pin(self.supplier_offers(&wanted, below, wish.price_max)).await;
        for offer in offers {
            let supplier = &self.parts.supply.suppliers[offer.at];
            if !supplier.standing().begin(self.parts.clock.steady()) {
                refusals.push(Refusal::Unreached("it is left alone for a while".into()));
                continue;
            }
            let limit = [
                below.map(|price| Price(price.0.saturating_sub(1))),
                wish.price_max,
            ];
            let limit = limit.into_iter().flatten().min();
            let may_cost = limit.map(|price| supply::buying(price, supplier.terms.markup_percent));
            let (reply, replied) = oneshot::channel();
            let order = Order {
                account: account.clone(),
                wish: wish.clone(),
                service: service.clone(),
                wanted: wanted.clone(),
                offer,
                cost_max: may_cost.map_or(supplier.terms.price_max, |may| may.min(supplier.terms.price_max)),
                reply,
            };
            if self.parts.supply.orders.try_send(order).is_err() {
                supplier.standing().dropped();
                return Err(Unsold::Failed(Error::LineFull));
            }
            match replied.await {
                Ok(Ok(rental)) => return Ok(rental),
                Ok(Err(Unfilled::Refused(refusal))) => refusals.push(refusal),
                Ok(Err(Unfilled::Failed(error))) => return Err(Unsold::Failed(error)),
                // The process drains.
                Err(_) => return Err(Unsold::Failed(Error::Contended)),
            }
        }
        Err(Unsold::Refused(refusals))
    }

    /// Fills an order by a purchase of this id; whoever ordered hears of it, if still there.
    pub(super) async fn fill(&self, order: Order, id: RentalId) -> RentalId {
        let supplier = &self.parts.supply.suppliers[order.offer.at];
        let filled = Box::pin(self.buy(supplier, &order, id)).await;
        let result = match &filled {
            Ok(_) => "rented",
            Err(Unfilled::Refused(refusal)) => refusal.name(),
            Err(Unfilled::Failed(_)) => "failed",
        };
        self.parts.metrics.supplied(&supplier.name, result);
        match &filled {
            Ok(_) => supplier.standing().worked(),
            Err(Unfilled::Refused(refusal)) => {
                supplier.prices.forget(&order.wanted);
                self.judge_supplier(supplier, refusal);
            }
            Err(Unfilled::Failed(_)) => supplier.standing().dropped(),
        }
        // A rental that nobody waits for stays: its account finds it in its list.
        drop(order.reply.send(filled));
        self.parts.supply.hasten(id);
        id
    }

    async fn buy(&self, supplier: &Supplier, order: &Order, id: RentalId) -> Result<Rental, Unfilled> {
        let _place = self.place_of_rental(&order.account).await?;
        let meant = Purchase::meant(id, order.account.clone(), (&supplier.name, &order.service.name));
        self.book(meant.clone(), None).await?;
        let bought = self.bought(supplier, order, &meant).await?;
        let purchase = meant.bought(bought.id.clone());
        self.book(purchase.clone(), None).await?;
        let there = match bought.there {
            Some(there) => Ok(there),
            None => {
                self.question(supplier, "look", |dialect| dialect.look(&bought.id))
                    .await
            }
        };
        let suits = there.and_then(|there| self.suits(order, there));
        let rented = match suits {
            // Who hung up gets nothing, and pays for nothing.
            Ok(_) if order.reply.is_closed() => Err(Error::Contended.into()),
            // Nor does who was let out meanwhile.
            Ok(there) => match order.wish.key.as_ref().map_or(Ok(()), |key| self.check_key(key)) {
                Ok(()) => self.let_to(order, &purchase, there).await,
                Err(error) => Err(error.into()),
            },
            Err(refusal) => Err(refusal.into()),
        };
        if rented.is_err() {
            self.book(purchase.unwanted(self.now()), None).await?;
        }
        rented
    }

    /// Has it bought. Where the answer did not come, it is looked for at once: it may be there all the same.
    async fn bought(&self, supplier: &Supplier, order: &Order, meant: &Purchase) -> Result<Bought, Unfilled> {
        let asked = self.question(supplier, "buy", |dialect| {
            Some(dialect.buy(&order.wanted, order.cost_max))
        });
        match asked.await {
            Ok(bought) => Ok(bought),
            Err(refusal) if refusal.may_be_done() => match self.look_for(supplier, meant).await {
                Ok(Some(id)) => Ok(Bought { id, there: None }),
                _ => Err(refusal.into()),
            },
            Err(refusal) => {
                self.commit(Commit::ForgetPurchases(vec![meant.rental])).await?;
                Err(refusal.into())
            }
        }
    }

    /// Whether what was bought is what was wanted, by our own rules too.
    fn suits(&self, order: &Order, there: There) -> Result<There, Refusal> {
        // One that has its code already is none the worse.
        if matches!(there.status, Status::Cancelled | Status::Expired) {
            return Err(Refusal::Over(there.status));
        }
        if there.cost.unwrap_or(order.offer.cost) > order.cost_max {
            return Err(Refusal::TooDear);
        }
        let live = self.parts.store.live();
        let rests = &self.parts.rules.numbers;
        let rests_ms = (rests.same_service_ms, rests.cool_down_ms);
        let now = self.now();
        let has_rested = |purchase: &Arc<Purchase>| {
            purchase
                .rested_at(&order.service.name, rests_ms)
                .is_some_and(|at| at <= now)
        };
        // A number that another renter has, or had just now, could bring that renter's messages.
        if live.number(&there.number).is_some() || !live.purchases_of(&there.number).iter().all(has_rested) {
            return Err(Refusal::NoNumbers);
        }
        Ok(there)
    }

    async fn let_to(&self, order: &Order, purchase: &Purchase, there: There) -> Result<Rental, Unfilled> {
        let supplier = &self.parts.supply.suppliers[order.offer.at];
        let cost = there.cost.unwrap_or(order.offer.cost);
        let number = Number::new(
            there.number.clone(),
            order.wanted.country.clone(),
            supply::selling(cost, supplier.terms.markup_percent),
        );
        let rental = new_rental(&order.account, &order.service, &number, purchase.rental);
        let rental = Rental {
            filter: order.wish.filter.clone(),
            tags: order.wish.tags.clone(),
            ends_at: there
                .ends_at
                .map_or(rental.ends_at, |ends_at| ends_at.min(rental.ends_at)),
            supplied: Some(Supplied {
                supplier: supplier.name.clone(),
                id: purchase.id.clone().unwrap_or_default(),
            }),
            ..rental
        };
        let change = self.change(rental.clone(), event::of_rental(&rental, self.now()));
        let next = purchase.rented(there.number, cost);
        let step = SupplyStep {
            next,
            rental: Some(RentalStep::Begins(change)),
        };
        let commit = Commit::Supply(Box::new(step));
        let once = order.wish.once.as_deref();
        match self.commit_once(commit, once, &rental).await? {
            Committed::New(_) => self.announce(Some(rental.id)),
            _ => return Err(Error::Contended.into()),
        }
        Ok(rental)
    }
}
