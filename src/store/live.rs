//! The small tables decoded in memory: live rentals, numbers, subscriptions, keys and the due index; the disk is the truth,
//! this follows it after every sync, so nothing is seen here before it is durable.

mod backlog;
mod owing;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::access::Table;
pub use super::fact::Fact;
use super::inventory::Inventory;
use super::listener::{Listener, OnEvent};
use super::owed::Owed;
use super::profiles::Profiles;
use super::purchases::Purchases;
use super::replays::Replays;
use super::sets::Sets;
use crate::core::event::Event;
use crate::core::health::Health;
use crate::core::id::{AccountId, RentalId, ReplayId, Seq, SetId, SubscriptionId};
use crate::core::key::{Hash, Key};
use crate::core::multipart::Set;
use crate::core::rental::Rental;
use crate::core::replay::Replay;
use crate::core::service::Service;
use crate::core::subscription::Subscription;
use crate::core::time::UnixMs;

/// How many of the newest events stay decoded for dispatch; older ones are read from the disk.
const EVENTS_KEPT_MAX: usize = 4096;
/// How long a closed rental stays decoded, in milliseconds; later it is read from the disk.
const CLOSED_KEPT_MS: u64 = 600_000;

#[derive(Debug, Default)]
pub struct Live {
    tables: RwLock<Tables>,
    listener: Listener,
}

#[derive(Debug, Default)]
pub(super) struct Tables {
    rentals: HashMap<RentalId, Arc<Rental>>,
    /// Open rentals by their end, and closed ones by the time they may be forgotten.
    ends: BTreeSet<(UnixMs, RentalId)>,
    pub(super) inventory: Inventory,
    /// What the operator said of services, by their names; `None`: withdrawn.
    services: BTreeMap<String, Option<Arc<Service>>>,
    sets: Sets,
    pub(super) purchases: Purchases,
    replays: Replays,
    pub(super) profiles: Profiles,
    subscriptions: HashMap<SubscriptionId, Arc<Subscription>>,
    /// Of those whose health was ever other than perfect.
    health: HashMap<SubscriptionId, Health>,
    by_account: HashMap<AccountId, Vec<SubscriptionId>>,
    access: Table,
    owed: Owed,
    events: HashMap<Seq, Arc<Event>>,
    event_order: VecDeque<Seq>,
    newest_event: Seq,
}

/// How many of everything there is, for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub rentals: usize,
    pub numbers: usize,
    pub subscriptions: usize,
    pub keys: usize,
    pub due: usize,
}

impl Live {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what became durable; all of a group becomes visible at once.
    pub fn apply(&self, facts: Vec<Fact>) {
        let heard = facts.iter().filter_map(|fact| match fact {
            Fact::Event(_, event) => Some(event.account.clone()),
            _ => None,
        });
        let heard: Vec<AccountId> = heard.collect();
        let mut tables = self.write();
        facts.into_iter().for_each(|fact| tables.apply(fact));
        drop(tables);
        self.listener.tell(&heard);
    }

    /// Has `listener` called with the account of every event that became durable from now on, whatever commit it came with. The first
    /// one stays.
    pub fn on_event(&self, listener: OnEvent) {
        self.listener.set(listener);
    }

    /// The newest durable event of all.
    pub fn newest_event(&self) -> Seq {
        self.read().newest_event
    }

    /// Notes the newest event found at opening.
    pub(super) fn begin_at(&self, newest: Seq) {
        self.write().newest_event = newest;
    }

    /// Accounts and keys, looked at under one lock.
    pub fn access<T>(&self, look: impl FnOnce(&Table) -> T) -> T {
        look(&self.read().access)
    }

    pub fn key(&self, hash: Hash) -> Option<Arc<Key>> {
        self.access(|table| table.key(hash).cloned())
    }

    pub fn rental(&self, id: RentalId) -> Option<Arc<Rental>> {
        self.read().rentals.get(&id).cloned()
    }

    /// What the operator said of services, by their names; `None`: withdrawn.
    pub fn services(&self) -> BTreeMap<String, Option<Arc<Service>>> {
        self.read().services.clone()
    }

    /// As `services`, of one; the outer `None`: nothing was said.
    pub fn service(&self, name: &str) -> Option<Option<Arc<Service>>> {
        self.read().services.get(name).cloned()
    }

    /// Open rentals whose time is up.
    pub fn rentals_over(&self, now: UnixMs, limit: usize) -> Vec<Arc<Rental>> {
        let tables = self.read();
        let over = tables
            .ends
            .iter()
            .take_while(|(at, _)| *at <= now)
            .filter_map(|(_, id)| tables.rentals.get(id));
        over.filter(|rental| !rental.closed)
            .take(limit)
            .cloned()
            .collect()
    }

    /// Forgets closed rentals that were kept long enough; the disk still has them.
    pub fn forget_closed(&self, now: UnixMs) {
        let mut tables = self.write();
        let old: Vec<_> = tables
            .ends
            .iter()
            .take_while(|(at, _)| *at <= now)
            .copied()
            .collect();
        for (at, id) in old {
            if tables.rentals.get(&id).is_none_or(|rental| rental.closed) {
                tables.ends.remove(&(at, id));
                tables.rentals.remove(&id);
            }
        }
    }

    pub fn parts(&self, id: SetId) -> Option<Arc<Set>> {
        self.read().sets.get(id)
    }

    /// How many sets of parts wait for one sender and receiver, and in all.
    pub fn parts_waiting(&self, pair: [u8; 8]) -> (usize, usize) {
        self.read().sets.waiting(pair)
    }

    /// Sets of parts whose time is up.
    pub fn parts_over(&self, now: UnixMs, limit: usize) -> Vec<Arc<Set>> {
        self.read().sets.over(now, limit)
    }

    pub fn subscription(&self, id: SubscriptionId) -> Option<Arc<Subscription>> {
        self.read().subscriptions.get(&id).cloned()
    }

    pub fn subscriptions(&self, account: &AccountId) -> Vec<Arc<Subscription>> {
        let tables = self.read();
        let ids = tables.by_account.get(account).into_iter().flatten();
        ids.filter_map(|id| tables.subscriptions.get(id))
            .cloned()
            .collect()
    }

    pub fn all_subscriptions(&self) -> Vec<Arc<Subscription>> {
        self.read().subscriptions.values().cloned().collect()
    }

    pub fn health(&self, id: SubscriptionId) -> Health {
        self.read().health.get(&id).copied().unwrap_or_default()
    }

    pub fn replay(&self, id: ReplayId) -> Option<Arc<Replay>> {
        self.read().replays.get(id)
    }

    /// The replays of an account, or of everybody.
    pub fn replays(&self, account: Option<&AccountId>) -> Vec<Arc<Replay>> {
        self.read().replays.of(account)
    }

    pub fn event(&self, seq: Seq) -> Option<Arc<Event>> {
        self.read().events.get(&seq).cloned()
    }

    /// Keeps an event that was read from the disk: what one subscription is owed of old events, others mostly are owed at the same time.
    pub fn keep_event(&self, seq: Seq, event: Arc<Event>) {
        self.write().keep_event(seq, event);
    }

    pub fn counts(&self) -> Counts {
        let tables = self.read();
        Counts {
            rentals: tables.rentals.values().filter(|r| !r.closed).count(),
            numbers: tables.inventory.all().len(),
            subscriptions: tables.subscriptions.len(),
            keys: tables.access.keys().count(),
            due: tables.owed.count(),
        }
    }
}

impl Tables {
    fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::Rental(rental) => self.put_rental(rental),
            Fact::Number(number) => self.inventory.put(number),
            Fact::Service(name, service) => drop(self.services.insert(name, service)),
            Fact::Parts(set) => self.sets.put(set),
            Fact::PartsGone(id) => self.sets.remove(id),
            Fact::Purchase(purchase) => self.purchases.put(purchase),
            Fact::PurchaseGone(id) => self.purchases.remove(id),
            Fact::Profiled(fact) => self.profiles.apply(fact),
            Fact::Replay(replay) => self.replays.put(replay),
            Fact::ReplayGone(id) => self.replays.remove(id),
            Fact::Subscription(subscription) => self.put_subscription(subscription),
            Fact::Unsubscribed(id) => self.unsubscribe(id),
            Fact::Account(account) => self.access.put_account(account),
            Fact::AccountGone(id) => self.access.remove_account(&id),
            Fact::Key(key) => self.access.put_key(key),
            Fact::KeyGone(hash) => self.access.remove_key(hash),
            Fact::KeyUsed(hash, at) => self.access.note_use(hash, at),
            Fact::Event(seq, event) => self.put_event(seq, event),
            Fact::Health(id, health) => {
                self.health.insert(id, health);
            }
            Fact::Due(due) => self.owed.add(due),
            Fact::Settled(due) => self.owed.settle(&due),
            Fact::Waits(id) => self.owed.wait(id),
            Fact::WaitsNoMore(id) => self.owed.wait_no_more(id),
        }
    }

    fn put_rental(&mut self, rental: Arc<Rental>) {
        let (id, until) = (rental.id, kept_until(&rental));
        let old = self.rentals.insert(id, rental.clone());
        let was_open = old.as_ref().is_some_and(|old| !old.closed);
        self.access
            .count_rental(&rental.account, (was_open, !rental.closed));
        let was = old.map(|old| kept_until(&old));
        if was != Some(until) {
            was.map(|was| self.ends.remove(&(was, id)));
            self.ends.insert((until, id));
        }
    }

    fn put_subscription(&mut self, subscription: Arc<Subscription>) {
        let (id, account) = (subscription.id, subscription.account.clone());
        if self.subscriptions.insert(id, subscription).is_none() {
            self.by_account.entry(account).or_default().push(id);
        }
    }

    fn unsubscribe(&mut self, id: SubscriptionId) {
        self.health.remove(&id);
        if let Some(old) = self.subscriptions.remove(&id)
            && let Some(ids) = self.by_account.get_mut(&old.account)
        {
            ids.retain(|other| *other != id);
        }
    }

    fn put_event(&mut self, seq: Seq, event: Arc<Event>) {
        self.newest_event = self.newest_event.max(seq);
        self.keep_event(seq, event);
    }

    fn keep_event(&mut self, seq: Seq, event: Arc<Event>) {
        self.events.insert(seq, event);
        self.event_order.push_back(seq);
        if self.event_order.len() > EVENTS_KEPT_MAX
            && let Some(oldest) = self.event_order.pop_front()
        {
            self.events.remove(&oldest);
        }
    }
}

fn kept_until(rental: &Rental) -> UnixMs {
    if rental.closed {
        rental.ends_at.plus_ms(CLOSED_KEPT_MS)
    } else {
        rental.ends_at
    }
}
