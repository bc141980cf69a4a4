//! What a rental would cost at each supplier, and in which order they are asked for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;

use super::{Gateway, Supplier};
use crate::core::money::Price;
use crate::core::supply::{self, Candidate, Shown};
use crate::core::time::UnixMs;
use crate::supplier::{Refusal, Wanted};

/// How long a price is believed.
const PRICE_MS: u64 = 60_000;
/// Prices that are remembered of one supplier; then all are forgotten.
const PRICES_MAX: usize = 1_000;

/// The prices that a supplier has named lately.
#[derive(Default)]
pub struct Prices(Mutex<HashMap<Wanted, (Price, UnixMs)>>);

impl Prices {
    fn get(&self, wanted: &Wanted, now: UnixMs) -> Option<Price> {
        let prices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (price, until) = prices.get(wanted)?;
        (now < *until).then_some(*price)
    }

    fn put(&self, wanted: Wanted, price: Price, now: UnixMs) {
        let mut prices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if prices.len() >= PRICES_MAX {
            prices.clear();
        }
        prices.insert(wanted, (price, now.plus_ms(PRICE_MS)));
    }

    /// They turned out wrong.
    pub fn forget(&self, wanted: &Wanted) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(wanted);
    }
}

/// Where a rental is offered, and what it costs us there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Its place in the configuration.
    pub at: usize,
    pub cost: Price,
}

impl Gateway {
    /// Who is asked for this, in which order; and why others are not.
    pub(super) async fn supplier_offers(
        &self,
        wanted: &Wanted,
        below: Option<Price>,
        price_max: Option<Price>,
    ) -> (Vec<Offer>, Vec<Refusal>) {
        let suppliers = self.parts.supply.suppliers.iter().enumerate();
        let asked = suppliers.map(|(at, supplier)| async move { (at, self.price(supplier, wanted).await) });
        let (mut candidates, mut refusals) = (Vec::new(), Vec::new());
        for (at, price) in join_all(asked).await {
            let supplier = &self.parts.supply.suppliers[at];
            let (heard, judged) = self.parts.store.live().fared(&supplier.name);
            match price {
                Ok(cost) if cost > supplier.terms.price_max => refusals.push(Refusal::TooDear),
                Ok(cost) => candidates.push(Candidate {
                    who: Offer { at, cost },
                    price: supply::selling(cost, supplier.terms.markup_percent),
                    heard,
                    judged,
                }),
                Err(refusal) => refusals.push(refusal),
            }
        }
        let offered = candidates.len();
        let ordered = supply::order(candidates, below, price_max);
        if ordered.len() < offered {
            refusals.push(Refusal::TooDear);
        }
        (
            ordered.into_iter().map(|candidate| candidate.who).collect(),
            refusals,
        )
    }

    async fn price(&self, supplier: &Supplier, wanted: &Wanted) -> Result<Price, Refusal> {
        let now = self.parts.clock.steady();
        match supplier.standing().shown() {
            Shown::Paused(until) if now < until => {
                return Err(Refusal::Unreached("it is left alone for a while".into()));
            }
            Shown::Aside(why, until) if now < until => return Err(Refusal::Unreached(why.into())),
            _ => {}
        }
        if let Some(price) = supplier.prices.get(wanted, now) {
            return Ok(price);
        }
        let price = self
            .question(supplier, "price", |dialect| Some(dialect.price(wanted)))
            .await;
        match &price {
            Ok(price) => supplier.prices.put(wanted.clone(), *price, now),
            // What is not offered is no failure, nor does it end one.
            Err(Refusal::NoNumbers | Refusal::NotOffered(_) | Refusal::TooDear) => {}
            Err(refusal) => self.judge_supplier(supplier, refusal),
        }
        price
    }
}
