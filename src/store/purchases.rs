//! Purchases on their way through the store: one commit is a purchase as it will be, and what its rental becomes with it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::execute::{Group, Writer};
use super::keys::{self, Tree};
use super::live::{Fact, Live};
use super::plan::Plan;
use super::rows::{Row, Rows};
use super::vault::Vault;
use super::{Change, Error};
use crate::core::id::RentalId;
use crate::core::phone::PhoneNumber;
use crate::core::purchase::Purchase;
use crate::core::rental::Rental;
use crate::core::supply::WINDOW;

/// A purchase as it will be. Guarded by its version: one of 0 is new.
#[derive(Debug, Clone)]
pub struct SupplyStep {
    pub next: Purchase,
    pub rental: Option<RentalStep>,
}

/// What becomes of the rental that a purchase is for.
#[derive(Debug, Clone)]
pub enum RentalStep {
    /// It begins. Guarded by its number's being nobody else's: neither in the inventory nor another purchase's.
    Begins(Box<Change>),
    /// It ends. Guarded by its version.
    Ends(Box<Change>),
    /// It was completed and is over: nobody hears an event. Guarded by its version.
    Released(Box<Rental>),
}

/// The purchases in memory.
#[derive(Debug, Default)]
pub struct Purchases {
    all: HashMap<RentalId, Arc<Purchase>>,
    open: BTreeSet<RentalId>,
    by_id: HashMap<(String, String), RentalId>,
    by_number: HashMap<PhoneNumber, Vec<RentalId>>,
    /// Whether their codes came, newest last, at most `WINDOW` of each supplier.
    heard: HashMap<String, Vec<(RentalId, bool)>>,
}

impl Purchases {
    pub fn put(&mut self, purchase: Arc<Purchase>) {
        let id = purchase.rental;
        let old = self.all.insert(id, purchase.clone());
        if purchase.is_over() {
            self.open.remove(&id);
        } else {
            self.open.insert(id);
        }
        if let Some(there) = &purchase.id {
            self.by_id.insert((purchase.supplier.clone(), there.clone()), id);
        }
        if let Some(number) = &purchase.number {
            let holders = self.by_number.entry(number.clone()).or_default();
            if !holders.contains(&id) {
                holders.push(id);
            }
        }
        if let Some(heard) = purchase
            .heard
            .filter(|_| old.is_none_or(|old| old.heard.is_none()))
        {
            let window = self.heard.entry(purchase.supplier.clone()).or_default();
            // At opening they come in the order of their ids, which is that of their beginnings.
            window.push((id, heard));
            window.drain(..window.len().saturating_sub(WINDOW));
        }
    }

    pub fn remove(&mut self, id: RentalId) {
        let Some(purchase) = self.all.remove(&id) else {
            return;
        };
        self.open.remove(&id);
        if let Some(there) = &purchase.id {
            self.by_id.remove(&(purchase.supplier.clone(), there.clone()));
        }
        if let Some(number) = &purchase.number
            && let Some(holders) = self.by_number.get_mut(number)
        {
            holders.retain(|holder| *holder != id);
            if holders.is_empty() {
                self.by_number.remove(number);
            }
        }
    }

    fn of_number(&self, number: &PhoneNumber) -> impl Iterator<Item = &Arc<Purchase>> {
        let ids = self.by_number.get(number).into_iter().flatten();
        ids.filter_map(|id| self.all.get(id))
    }
}

impl Live {
    pub fn purchase(&self, id: RentalId) -> Option<Arc<Purchase>> {
        self.read().purchases.all.get(&id).cloned()
    }

    /// Those of which something may still be open at their suppliers.
    pub fn open_purchases(&self) -> Vec<Arc<Purchase>> {
        let tables = self.read();
        let open = tables.purchases.open.iter();
        open.filter_map(|id| tables.purchases.all.get(id))
            .cloned()
            .collect()
    }

    /// All that are remembered.
    pub fn purchases(&self) -> Vec<Arc<Purchase>> {
        self.read().purchases.all.values().cloned().collect()
    }

    /// What was bought under this id there.
    pub fn purchase_there(&self, supplier: &str, id: &str) -> Option<Arc<Purchase>> {
        let tables = self.read();
        let key = (supplier.to_owned(), id.to_owned());
        tables
            .purchases
            .all
            .get(tables.purchases.by_id.get(&key)?)
            .cloned()
    }

    /// The purchases of this number that are remembered, oldest first.
    pub fn purchases_of(&self, number: &PhoneNumber) -> Vec<Arc<Purchase>> {
        self.read().purchases.of_number(number).cloned().collect()
    }

    /// How many of a supplier's latest rentals got a code, and how many say anything at all.
    pub fn fared(&self, supplier: &str) -> (usize, usize) {
        let tables = self.read();
        let window = tables
            .purchases
            .heard
            .get(supplier)
            .map_or(&[][..], Vec::as_slice);
        (window.iter().filter(|(_, heard)| *heard).count(), window.len())
    }
}

impl Plan {
    pub(super) fn supply(&mut self, step: SupplyStep, vault: &Vault) -> Result<(), Error> {
        let SupplyStep { next, rental } = step;
        self.purchase_was = Some((next.rental, next.version.checked_sub(1)));
        match rental {
            None => {}
            Some(RentalStep::Begins(change)) => {
                self.unheld = Some(change.rental.number.clone());
                self.change(*change, vault, false)?;
            }
            Some(RentalStep::Ends(change)) => self.change(*change, vault, true)?,
            Some(RentalStep::Released(rental)) => {
                self.guard(&rental);
                self.rental(*rental, vault)?;
            }
        }
        let key = keys::purchase(next.rental);
        let sealed = vault.seal(&key, &next)?;
        self.rows.push(Row::put(Tree::State, key, sealed));
        self.facts.push(Fact::Purchase(Arc::new(next)));
        Ok(())
    }

    pub(super) fn forget_purchases(&mut self, ids: Vec<RentalId>) {
        for id in ids {
            self.rows.push(Row::delete(Tree::State, keys::purchase(id)));
            self.facts.push(Fact::PurchaseGone(id));
        }
    }
}

impl<R: Rows> Writer<R> {
    pub(super) fn is_supply_outdated(&self, plan: &Plan, group: &Group) -> bool {
        let purchase = plan.purchase_was.is_some_and(|(id, was)| {
            let in_memory = || self.live.purchase(id).map(|purchase| purchase.version);
            let in_group = group.purchases.get(&id).map(|purchase| purchase.version);
            in_group.or_else(in_memory) != was
        });
        let number = plan.unheld.as_ref();
        purchase || number.is_some_and(|number| self.is_taken(number, group))
    }

    /// Whether a rental has this number, or may get it from the inventory.
    pub(super) fn is_taken(&self, number: &PhoneNumber, group: &Group) -> bool {
        let of_inventory = group.numbers.contains_key(number) || self.live.number(number).is_some();
        of_inventory || self.is_bought(number, group)
    }

    /// Whether a rental has this number by a purchase.
    pub(super) fn is_bought(&self, number: &PhoneNumber, group: &Group) -> bool {
        let in_group = group.purchases.values().any(|purchase| purchase.holds(number));
        let before = self.live.purchases_of(number);
        let still = |purchase: &Arc<Purchase>| {
            purchase.holds(number) && !group.purchases.contains_key(&purchase.rental)
        };
        in_group || before.iter().any(still)
    }
}
