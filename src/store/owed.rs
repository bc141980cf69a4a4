//! The due index in memory: what each subscription is owed, and what of it is claimed by an attempt that is not recorded yet. A claim takes
//! the row out of the index under one lock, so nothing is claimed twice and nobody walks over what is claimed already.

use std::collections::{BTreeMap, HashSet};

use crate::core::delivery::Due;
use crate::core::id::{Seq, SubscriptionId};
use crate::core::time::UnixMs;

#[derive(Debug, Default)]
pub struct Owed {
    /// Attempts made before, by time and event.
    free: BTreeMap<SubscriptionId, BTreeMap<(UnixMs, Seq), u16>>,
    free_count: usize,
    /// Not on the disk: after a restart everything unanswered is due again.
    claimed: HashSet<Due>,
}

impl Owed {
    pub fn add(&mut self, due: Due) {
        let rows = self.free.entry(due.subscription).or_default();
        self.free_count += usize::from(rows.insert((due.due_at, due.event), due.attempts).is_none());
    }

    /// Durably done with, claimed or not.
    pub fn settle(&mut self, due: &Due) {
        if !self.claimed.remove(due) {
            self.take(due);
        }
    }

    /// Takes up to `limit` of what this subscription is owed by `now`, oldest first.
    pub fn claim(&mut self, subscription: SubscriptionId, now: UnixMs, limit: usize) -> Vec<Due> {
        let claimed = self.due(subscription, now, limit);
        for due in &claimed {
            self.take(due);
            self.claimed.insert(*due);
        }
        claimed
    }

    /// Gives a claim back: it is due as before.
    pub fn unclaim(&mut self, due: Due) {
        if self.claimed.remove(&due) {
            self.add(due);
        }
    }

    fn take(&mut self, due: &Due) {
        if let Some(rows) = self.free.get_mut(&due.subscription) {
            self.free_count -= usize::from(rows.remove(&(due.due_at, due.event)).is_some());
            if rows.is_empty() {
                self.free.remove(&due.subscription);
            }
        }
    }

    /// What a subscription is owed by `now` and nobody has claimed, oldest first.
    pub fn due(&self, subscription: SubscriptionId, now: UnixMs, limit: usize) -> Vec<Due> {
        let rows = self
            .free
            .get(&subscription)
            .into_iter()
            .flatten()
            .take_while(|((at, _), _)| *at <= now);
        let due = |((due_at, event), attempts): (&(UnixMs, Seq), &u16)| Due {
            subscription,
            due_at: *due_at,
            event: *event,
            attempts: *attempts,
        };
        rows.take(limit).map(due).collect()
    }

    /// Subscriptions that are owed something by `now` that nobody has claimed.
    pub fn subscriptions(&self, now: UnixMs) -> Vec<SubscriptionId> {
        let first =
            |rows: &BTreeMap<(UnixMs, Seq), u16>| rows.keys().next().is_some_and(|(at, _)| *at <= now);
        self.free
            .iter()
            .filter(|(_, rows)| first(rows))
            .map(|(id, _)| *id)
            .collect()
    }

    /// When the next delivery after `now` falls due.
    pub fn next_after(&self, now: UnixMs) -> Option<UnixMs> {
        let after = (now.plus_ms(1), Seq(0));
        let first = |rows: &BTreeMap<(UnixMs, Seq), u16>| rows.range(after..).next().map(|((at, _), _)| *at);
        self.free.values().filter_map(first).min()
    }

    /// The time of the oldest that is not settled.
    pub fn oldest(&self) -> Option<UnixMs> {
        let free = self
            .free
            .values()
            .filter_map(|rows| rows.keys().next().map(|(at, _)| *at));
        free.chain(self.claimed.iter().map(|due| due.due_at)).min()
    }

    /// All that is not settled.
    pub fn count(&self) -> usize {
        self.free_count + self.claimed.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SubscriptionId = SubscriptionId([1; 16]);

    fn due(at: u64) -> Due {
        Due {
            subscription: A,
            due_at: UnixMs(at),
            event: Seq(at),
            attempts: 0,
        }
    }

    #[test]
    fn nothing_is_claimed_twice() {
        let mut owed = Owed::default();
        (1..=5).for_each(|at| owed.add(due(at)));
        assert_eq!(owed.claim(A, UnixMs(9), 2), [due(1), due(2)]);
        assert_eq!(owed.claim(A, UnixMs(4), 9), [due(3), due(4)]);
        assert_eq!((owed.claim(A, UnixMs(4), 9), owed.count()), (Vec::new(), 5));
        assert_eq!(owed.subscriptions(UnixMs(4)), []);
    }

    #[test]
    fn what_is_given_back_is_due_again_and_what_is_settled_is_not() {
        let mut owed = Owed::default();
        (1..=3).for_each(|at| owed.add(due(at)));
        owed.claim(A, UnixMs(2), 9);
        owed.settle(&due(1));
        owed.settle(&due(3));
        owed.unclaim(due(1));
        assert_eq!((owed.count(), owed.oldest()), (1, Some(UnixMs(2))));
        owed.unclaim(due(2));
        assert_eq!(owed.due(A, UnixMs(9), 9), [due(2)]);
    }
}
