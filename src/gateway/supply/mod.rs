//! Suppliers: who is asked for a number that we have not, what is bought there, and what becomes of it. One worker does all of it, so a
//! renter who hangs up halves nothing; what it is about to do is written down first, so neither does a crash.

mod buy;
mod keep;
mod offers;
mod settle;
mod shown;
mod talk;

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, mpsc};

use self::buy::Order;
use self::offers::Prices;
use self::talk::Talk;
use super::{Error, Gateway};
use crate::core::id::RentalId;
use crate::core::money::Price;
use crate::core::purchase::{Purchase, Stage};
use crate::core::supply::Standing;
use crate::core::time::UnixMs;
use crate::store::{Commit, Committed, RentalStep, SupplyStep};
use crate::supplier::{Ask, Dialect};

pub(super) use keep::name_supplied;
pub use shown::KnownSupplier;

/// Orders that wait for the worker; one more is refused.
const ORDERS_MAX: usize = 1024;
/// What the worker does at one time.
const WORK_MAX: usize = 64;
/// Between two looks for what is due.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A configured supplier.
pub struct Supplier {
    pub name: String,
    pub dialect: Dialect,
    pub terms: Terms,
    talk: Talk,
    prices: Prices,
    standing: Mutex<Standing>,
}

/// On which terms a supplier is used. Every number is a key of its `[[supplier]]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What one rental may cost us.
    pub price_max: Price,
    /// What the renter pays besides.
    pub markup_percent: u32,
    /// Between two looks for messages at first; then up to eight times that.
    pub poll_ms: u64,
    pub timeout_ms: u64,
}

impl Supplier {
    pub fn new(name: String, dialect: Dialect, terms: Terms) -> Self {
        Self {
            name,
            dialect,
            terms,
            talk: Talk::default(),
            prices: Prices::default(),
            standing: Mutex::default(),
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All suppliers, and what is being done with them.
pub struct Supply {
    suppliers: Vec<Supplier>,
    ask: Ask,
    orders: mpsc::Sender<Order>,
    ordered: Mutex<Option<mpsc::Receiver<Order>>>,
    work: Mutex<Work>,
    /// Rung where something is due sooner than it was.
    bell: Notify,
}

/// What is being done, and what is due when. In memory: after a start all that is open is due.
#[derive(Default)]
struct Work {
    busy: HashSet<RentalId>,
    paces: HashMap<RentalId, Pace>,
}

/// How often something was done for a purchase in its stage, and when it is due again.
#[derive(Clone, Copy, Default)]
struct Pace {
    done: u32,
    due_at: UnixMs,
}

/// Something the worker does; the answer is for which purchase.
type Doing<'a> = Pin<Box<dyn Future<Output = RentalId> + Send + 'a>>;

impl Supply {
    pub fn new(suppliers: Vec<Supplier>, ask: Ask) -> Self {
        let (orders, ordered) = mpsc::channel(ORDERS_MAX);
        Self {
            suppliers,
            ask,
            orders,
            ordered: Mutex::new(Some(ordered)),
            work: Mutex::default(),
            bell: Notify::new(),
        }
    }

    /// Numbers are our own alone.
    pub fn none() -> Self {
        let nobody = |_, _| unreachable!("there is no supplier to ask");
        Self::new(Vec::new(), Box::new(nobody))
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The supplier of this name; one may have left the configuration.
    pub(super) fn find(&self, name: &str) -> Option<&Supplier> {
        self.suppliers.iter().find(|supplier| supplier.name == name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.suppliers.is_empty()
    }

    /// Something of this purchase is due at once.
    pub(super) fn hasten(&self, id: RentalId) {
        self.work().paces.remove(&id);
        self.bell.notify_one();
    }

    /// Whether something that has no id yet is being bought there, beside `except`: what is found there may be it.
    fn is_buying(
        &self,
        open: &[Arc<Purchase>],
        (supplier, service): (&str, Option<&str>),
        except: RentalId,
    ) -> bool {
        let work = self.work();
        open.iter().any(|purchase| {
            purchase.stage == Stage::Meant
                && purchase.supplier == supplier
                && service.is_none_or(|service| purchase.service == service)
                && purchase.rental != except
                && work.busy.contains(&purchase.rental)
        })
    }
}

impl Gateway {
    /// Buys what is ordered, looks for messages, gives back what is over, and finds what a crash has left; until the process drains, and
    /// then until what was begun is done.
    pub async fn supply_for_ever(&self) {
        let supply = &self.parts.supply;
        let ordered = supply
            .ordered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(mut ordered) = ordered else { return };
        if supply.is_empty() && self.parts.store.live().open_purchases().is_empty() {
            return;
        }
        let mut draining = self.parts.draining.clone();
        let mut doing: FuturesUnordered<Doing<'_>> = FuturesUnordered::new();
        while !self.is_draining() {
            tokio::select! {
                biased;
                _ = draining.wait_for(|draining| *draining) => {}
                Some(done) = doing.next() => drop(supply.work().busy.remove(&done)),
                Some(order) = ordered.recv(), if doing.len() < WORK_MAX => {
                    let id = RentalId::new(self.now(), self.parts.clock.random());
                    supply.work().busy.insert(id);
                    doing.push(Box::pin(self.fill(order, id)));
                }
                () = supply.bell.notified() => self.begin_due(&mut doing),
                () = tokio::time::sleep(LOOK_EVERY) => self.begin_due(&mut doing),
            }
        }
        while let Some(done) = doing.next().await {
            supply.work().busy.remove(&done);
        }
    }

    fn begin_due<'a>(&'a self, doing: &mut FuturesUnordered<Doing<'a>>) {
        for purchase in self.due_purchases() {
            if doing.len() >= WORK_MAX {
                return;
            }
            let (supply, live) = (&self.parts.supply, self.parts.store.live());
            // One after the other, and never beside one that is being bought: else two could find the same.
            let place = (purchase.supplier.as_str(), None);
            if purchase.stage == Stage::Meant
                && supply.is_buying(&live.open_purchases(), place, purchase.rental)
            {
                continue;
            }
            supply.work().busy.insert(purchase.rental);
            doing.push(Box::pin(self.attend(purchase)));
        }
    }

    fn due_purchases(&self) -> Vec<Arc<Purchase>> {
        let mut open = self.parts.store.live().open_purchases();
        let (work, now) = (self.parts.supply.work(), self.parts.clock.steady());
        let is_due = |id: &RentalId| work.paces.get(id).is_none_or(|pace| pace.due_at <= now);
        open.retain(|purchase| !work.busy.contains(&purchase.rental) && is_due(&purchase.rental));
        open
    }

    /// Does what is due for a purchase, and says when there is more.
    async fn attend(&self, purchase: Arc<Purchase>) -> RentalId {
        let id = purchase.rental;
        let done = {
            let work = self.parts.supply.work();
            work.paces.get(&id).map_or(0, |pace| pace.done)
        };
        let attended = match (purchase.stage, self.parts.supply.find(&purchase.supplier)) {
            (_, None) => {
                self.abandon(&purchase, "its supplier is not configured any more")
                    .await
            }
            (Stage::Meant, Some(supplier)) => self.recover(supplier, &purchase).await,
            // Whoever wanted it is gone.
            (Stage::Bought, Some(_)) => self.book(purchase.unwanted(self.now()), None).await,
            (Stage::Rented, Some(supplier)) => self.look_after(supplier, &purchase, done).await,
            (Stage::Returning { .. }, Some(supplier)) => self.give_back(supplier, &purchase).await,
            (Stage::Over { .. }, Some(_)) => Ok(()),
        };
        if let Err(error) = attended {
            tracing::warn!(supplier = %purchase.supplier, rental = %id, %error, "a purchase was not attended to; tried again");
        }
        self.pace(&purchase, done);
        id
    }

    /// When this purchase is due again; at once where it has changed.
    fn pace(&self, was: &Purchase, done: u32) {
        let live = self.parts.store.live();
        let mut work = self.parts.supply.work();
        let Some(is) = live.purchase(was.rental).filter(|is| is.version == was.version) else {
            work.paces.remove(&was.rental);
            return;
        };
        let poll_ms = self
            .parts
            .supply
            .find(&is.supplier)
            .map_or(1000, |supplier| supplier.terms.poll_ms);
        let pause_ms = match is.stage {
            Stage::Rented => (self.now().since(is.created_at) / 8).clamp(poll_ms, poll_ms * 8),
            _ => 1_000 << done.min(9),
        };
        let pace = Pace {
            done: done.saturating_add(1),
            due_at: self.parts.clock.steady().plus_ms(pause_ms),
        };
        work.paces.insert(was.rental, pace);
    }

    /// Commits a purchase as it will be, and what its rental becomes with it.
    async fn book(&self, next: Purchase, rental: Option<RentalStep>) -> Result<(), Error> {
        let step = SupplyStep { next, rental };
        match self.commit(Commit::Supply(Box::new(step))).await? {
            Committed::New(_) => Ok(()),
            _ => Err(Error::Contended),
        }
    }

    /// Forgets purchases whose numbers have rested.
    pub(super) async fn forget_purchases(&self) -> Result<(), Error> {
        let rules = &self.parts.rules;
        let rests_ms = (
            rules.numbers.same_service_ms,
            rules.numbers.cool_down_ms.max(rules.grace_ms),
        );
        let now = self.now();
        let all = self.parts.store.live().purchases();
        let has_rested = |purchase: &&Arc<Purchase>| {
            purchase.is_over()
                && purchase
                    .rested_at(&purchase.service, rests_ms)
                    .is_some_and(|at| at <= now)
        };
        let rested: Vec<RentalId> = all
            .iter()
            .filter(has_rested)
            .map(|purchase| purchase.rental)
            .collect();
        if rested.is_empty() {
            return Ok(());
        }
        self.commit(Commit::ForgetPurchases(rested)).await.map(drop)
    }
}
