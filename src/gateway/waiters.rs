//! Who waits for what: held polls and streams join here, commits wake them; nothing here knows what they wait for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Error;
use crate::core::id::{AccountId, RentalId};
use crate::core::key::Hash;

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
    count: usize,
}

/// How often somebody waits by a key, in all and for each topic.
#[derive(Debug, Default)]
struct OfKey {
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

    /// Joins before the state is read: what commits after the reading wakes this waiter.
    pub fn join(&self, topic: impl Into<Topic>, key: Hash) -> Result<Waiter, Error> {
        let topic = topic.into();
        let mut shared = self.lock();
        if shared.count >= self.waiters_max {
            return Err(Error::Crowded);
        }
        if shared
            .keys
            .get(&key)
            .is_some_and(|held| held.count >= self.waiters_per_key_max)
        {
            return Err(Error::TooManyPolls);
        }
        shared.count += 1;
        let of_key = shared.keys.entry(key).or_default();
        of_key.count += 1;
        *of_key.topics.entry(topic.clone()).or_default() += 1;
        let (notify, held) = shared.topics.entry(topic.clone()).or_default();
        *held += 1;
        Ok(Waiter {
            notify: notify.clone(),
            waiters: self.clone(),
            topic,
            key,
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

    fn leave(&self, topic: &Topic, key: Hash) {
        let mut shared = self.lock();
        shared.count -= 1;
        if let Entry::Occupied(mut place) = shared.topics.entry(topic.clone()) {
            place.get_mut().1 -= 1;
            if place.get().1 == 0 {
                place.remove();
            }
        }
        if let Entry::Occupied(mut place) = shared.keys.entry(key) {
            place.get_mut().leave(topic);
            if place.get().count == 0 {
                place.remove();
            }
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
        self.waiters.leave(&self.topic, self.key);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn key(n: u8) -> Hash {
        Hash([n; 32])
    }

    #[test]
    fn limits_hold_and_leaving_frees_the_place() {
        let waiters = Waiters::new(3, 2);
        let rental = RentalId([1; 16]);
        let first = waiters.join(rental, key(1)).unwrap();
        let _second = waiters.join(rental, key(1)).unwrap();
        assert!(matches!(waiters.join(rental, key(1)), Err(Error::TooManyPolls)));
        let third = waiters.join(rental, key(2)).unwrap();
        assert!(matches!(waiters.join(rental, key(3)), Err(Error::Crowded)));
        drop((first, third));
        assert_eq!(waiters.count(), 1);
        assert!(waiters.join(rental, key(1)).is_ok());
    }

    #[test]
    fn nothing_is_left_behind() {
        let waiters = Waiters::new(100, 100);
        let held: Vec<_> = (0..50)
            .map(|n| waiters.join(RentalId([n; 16]), key(n)).unwrap())
            .collect();
        drop(held);
        let shared = waiters.lock();
        assert!(shared.topics.is_empty() && shared.keys.is_empty() && shared.count == 0);
    }

    #[tokio::test]
    async fn a_key_wakes_all_that_waits_by_it() {
        let waiters = Waiters::new(10, 10);
        let held = [1, 2].map(|n| waiters.join(RentalId([n; 16]), key(1)).unwrap());
        let other = waiters.join(RentalId([3; 16]), key(2)).unwrap();
        let [first, second] = [&held[0], &held[1]].map(|waiter| waiter.notify.notified());
        let third = other.notify.notified();
        waiters.wake_key(key(1));
        first.await;
        second.await;
        assert_eq!(third.now_or_never(), None);
    }

    #[tokio::test]
    async fn a_wake_between_join_and_wait_is_not_lost() {
        let waiters = Waiters::new(10, 10);
        let waiter = waiters.join(RentalId([1; 16]), key(1)).unwrap();
        let notified = waiter.notify.notified();
        waiters.wake(RentalId([2; 16]));
        waiters.wake(RentalId([1; 16]));
        notified.await;
    }
}
