//! Who waits for what: held polls and streams join here, commits wake them; nothing here knows what they wait for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Error;
use crate::core::id::{AccountId, RentalId};
use crate::core::key::{Hash, Key};

/// What is waited for: a rental's code, or any event of an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    Rental(RentalId),
    Account(AccountId),
}

impl From<RentalId> for Topic {
    fn from(id: RentalId) -> Self {
        Self::Rental(id)
    }
}

impl From<&AccountId> for Topic {
    fn from(id: &AccountId) -> Self {
        Self::Account(id.clone())
    }
}

/// The held polls and streams of the process. Dropping a `Waiter` leaves, so a client that hangs up is gone at once.
#[derive(Debug, Clone)]
pub struct Waiters {
    shared: Arc<Mutex<Shared>>,
    waiters_max: usize,
    waiters_per_key_max: usize,
}

#[derive(Debug, Default)]
struct Shared {
    topics: HashMap<Topic, (Arc<Notify>, usize)>,
    keys: HashMap<Hash, OfKey>,
    accounts: HashMap<AccountId, usize>,
    count: usize,
}

/// How often somebody waits by a key, in all and for each topic.
#[derive(Debug)]
struct OfKey {
    account: AccountId,
    count: usize,
    topics: HashMap<Topic, usize>,
}

impl Waiters {
    pub fn new(waiters_max: usize, waiters_per_key_max: usize) -> Self {
        Self {
            shared: Arc::default(),
            waiters_max,
            waiters_per_key_max,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins before the state is read: what commits after the reading wakes this waiter. An account has `account_max` at most.
    pub fn join(&self, topic: impl Into<Topic>, key: &Key, account_max: usize) -> Result<Waiter, Error> {
        let topic = topic.into();
        let mut shared = self.lock();
        if shared.count >= self.waiters_max {
            return Err(Error::Crowded);
        }
        if shared.keys.get(&key.hash).map_or(0, |of_key| of_key.count) >= self.waiters_per_key_max {
            return Err(Error::TooManyPolls("key"));
        }
        if shared.accounts.get(&key.account).copied().unwrap_or(0) >= account_max {
            return Err(Error::TooManyPolls("account"));
        }
        Ok(Waiter {
            notify: shared.enter(&topic, key),
            waiters: self.clone(),
            topic,
            key: key.hash,
        })
    }

    /// Wakes everyone who waits for this.
    pub fn wake(&self, topic: impl Into<Topic>) {
        let topic = topic.into();
        let notify = self.lock().topics.get(&topic).map(|(notify, _)| notify.clone());
        // Outside the lock: a woken task would only find it held.
        if let Some(notify) = notify {
            notify.notify_waiters();
        }
    }

    /// Wakes everyone who waits by this key, to see whether it still lets them in; who waits for the same by another goes on.
    pub fn wake_key(&self, key: Hash) {
        let topics: Vec<Topic> = match self.lock().keys.get(&key) {
            Some(of_key) => of_key.topics.keys().cloned().collect(),
            None => return,
        };
        topics.into_iter().for_each(|topic| self.wake(topic));
    }

    pub fn count(&self) -> usize {
        self.lock().count
    }
}

impl Shared {
    fn enter(&mut self, topic: &Topic, key: &Key) -> Arc<Notify> {
        self.count += 1;
        *self.accounts.entry(key.account.clone()).or_default() += 1;
        let of_key = self.keys.entry(key.hash).or_insert_with(|| OfKey {
            account: key.account.clone(),
            count: 0,
            topics: HashMap::new(),
        });
        of_key.count += 1;
        *of_key.topics.entry(topic.clone()).or_default() += 1;
        let (notify, held) = self.topics.entry(topic.clone()).or_default();
        *held += 1;
        notify.clone()
    }

    fn leave(&mut self, topic: &Topic, key: Hash) {
        self.count -= 1;
        if let Entry::Occupied(mut place) = self.topics.entry(topic.clone()) {
            place.get_mut().1 -= 1;
            if place.get().1 == 0 {
                place.remove();
            }
        }
        let Entry::Occupied(mut place) = self.keys.entry(key) else {
            return;
        };
        place.get_mut().leave(topic);
        if let Some(held) = self.accounts.get_mut(&place.get().account) {
            *held -= 1;
            if *held == 0 {
                self.accounts.remove(&place.get().account);
            }
        }
        if place.get().count == 0 {
            place.remove();
        }
    }
}

impl OfKey {
    fn leave(&mut self, topic: &Topic) {
        self.count -= 1;
        if let Some(held) = self.topics.get_mut(topic) {
            *held -= 1;
            if *held == 0 {
                self.topics.remove(topic);
            }
        }
    }
}

/// One held poll or stream.
#[derive(Debug)]
pub struct Waiter {
    pub notify: Arc<Notify>,
    waiters: Waiters,
    topic: Topic,
    key: Hash,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.waiters.lock().leave(&self.topic, self.key);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::core::time::UnixMs;

    fn key(n: u8) -> Key {
        let account = AccountId::parse(if n < 3 { "acme" } else { "globex" }).unwrap();
        Key::new(&format!("key {n}"), account, UnixMs(0))
    }

    #[test]
    fn limits_hold_and_leaving_frees_the_place() {
        let waiters = Waiters::new(3, 2);
        let rental = RentalId([1; 16]);
        let first = waiters.join(rental, &key(1), 10).unwrap();
        let _second = waiters.join(rental, &key(1), 10).unwrap();
        assert!(matches!(
            waiters.join(rental, &key(1), 10),
            Err(Error::TooManyPolls("key"))
        ));
        let third = waiters.join(rental, &key(2), 10).unwrap();
        assert!(matches!(waiters.join(rental, &key(3), 10), Err(Error::Crowded)));
        drop((first, third));
        assert_eq!(waiters.count(), 1);
        assert!(waiters.join(rental, &key(1), 10).is_ok());
    }

    #[test]
    fn an_account_has_its_limit_over_all_its_keys() {
        let waiters = Waiters::new(10, 10);
        let join = |n: u8| waiters.join(RentalId([n; 16]), &key(n), 2);
        let held = [join(1).unwrap(), join(2).unwrap()];
        assert!(matches!(join(1), Err(Error::TooManyPolls("account"))));
        assert!(join(3).is_ok(), "another account");
        drop(held);
        assert!(join(1).is_ok());
    }

    #[test]
    fn nothing_is_left_behind() {
        let waiters = Waiters::new(100, 100);
        let held: Vec<_> = (0..50)
            .map(|n| waiters.join(RentalId([n; 16]), &key(n), 100).unwrap())
            .collect();
        drop(held);
        let shared = waiters.lock();
        assert!(
            shared.topics.is_empty()
                && shared.keys.is_empty()
                && shared.accounts.is_empty()
                && shared.count == 0
        );
    }

    #[tokio::test]
    async fn a_key_wakes_all_that_waits_by_it() {
        let waiters = Waiters::new(10, 10);
        let held = [1, 2].map(|n| waiters.join(RentalId([n; 16]), &key(1), 100).unwrap());
        let other = waiters.join(RentalId([3; 16]), &key(2), 100).unwrap();
        let [first, second] = [&held[0], &held[1]].map(|waiter| waiter.notify.notified());
        let third = other.notify.notified();
        waiters.wake_key(key(1).hash);
        first.await;
        second.await;
        assert_eq!(third.now_or_never(), None);
    }

    #[tokio::test]
    async fn a_wake_between_join_and_wait_is_not_lost() {
        let waiters = Waiters::new(10, 10);
        let waiter = waiters.join(RentalId([1; 16]), &key(1), 100).unwrap();
        let notified = waiter.notify.notified();
        waiters.wake(RentalId([2; 16]));
        waiters.wake(RentalId([1; 16]));
        notified.await;
    }
}
