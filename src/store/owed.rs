//! The due index in memory: the head of what each subscription is owed, and what of it is claimed by an attempt that is not recorded yet.
//! The rest of a long queue stays on the disk until the head grows short. A claim takes the row out of the index under one lock, so
//! nothing is claimed twice and nobody walks over what is claimed already.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::core::delivery::{Due, Line, Place};
use crate::core::id::SubscriptionId;
use crate::core::time::UnixMs;

/// Rows of one subscription that are kept in memory; below half of it, more are read.
pub const HEAD_MAX: usize = 1024;

#[derive(Debug, Default)]
pub struct Owed {
    queues: BTreeMap<SubscriptionId, Queue>,
    /// The first unclaimed row of each queue.
    firsts: BTreeSet<(UnixMs, SubscriptionId)>,
    /// Queues that are not in memory to their end.
    long: BTreeSet<SubscriptionId>,
    /// Not on the disk: after a restart everything unanswered is due again.
    claimed: HashSet<Due>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Unclaimed, up to `end`.
    head: BTreeMap<Place, Rest>,
    /// Where the head ends, if there is more behind it on the disk.
    end: Option<Place>,
    /// All rows that are not settled: head, claimed, and those on the disk alone.
    owed: usize,
    /// Deliveries that stand behind another in line and have no row yet.
    waiting: usize,
}

#[derive(Debug, Clone, Copy)]
struct Rest {
    attempts: u16,
    spent: u16,
    line: Option<Line>,
    asked_at: Option<UnixMs>,
}

/// What a subscription is owed in all, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    pub subscription: SubscriptionId,
    pub count: usize,
    /// When the oldest of it was due, or will be; `None` while all of it waits to be read from the disk.
    pub oldest: Option<UnixMs>,
}

impl Queue {
    fn put(&mut self, due: Due) {
        let place = due.place();
        if self.end.is_some_and(|end| place > end) {
            return;
        }
        let rest = Rest {
            attempts: due.attempts,
            spent: due.spent,
            line: due.line,
            asked_at: due.asked_at,
        };
        self.head.insert(place, rest);
        // Twice the length before it is cut, so that not every row cuts it.
        if self.head.len() > 2 * HEAD_MAX {
            while self.head.len() > HEAD_MAX {
                self.head.pop_last();
            }
            self.end = self.head.last_key_value().map(|(place, _)| *place);
        }
    }

    fn first(&self) -> Option<UnixMs> {
        self.head.first_key_value().map(|(place, _)| place.due_at)
    }
}

impl Owed {
    /// Runs a change of one queue and keeps what is known across queues in step with it.
    fn change<T>(
        &mut self,
        id: SubscriptionId,
        change: impl FnOnce(&mut Queue, &mut HashSet<Due>) -> T,
    ) -> T {
        let queue = self.queues.entry(id).or_default();
        let before = queue.first();
        let result = change(queue, &mut self.claimed);
        let after = queue.first();
        if before != after {
            before.map(|at| self.firsts.remove(&(at, id)));
            after.map(|at| self.firsts.insert((at, id)));
        }
        if queue.end.is_some() {
            self.long.insert(id);
        } else {
            self.long.remove(&id);
        }
        if queue.owed == 0 && queue.waiting == 0 {
            self.queues.remove(&id);
        }
        result
    }

    pub fn add(&mut self, due: Due) {
        self.change(due.subscription, |queue, _| {
            queue.owed += 1;
            queue.put(due);
        });
    }

    /// Durably done with, claimed or not.
    pub fn settle(&mut self, due: &Due) {
        self.change(due.subscription, |queue, claimed| {
            queue.owed = queue.owed.saturating_sub(1);
            if !claimed.remove(due) {
                queue.head.remove(&due.place());
            }
        });
    }

    /// One more stands behind another in line.
    pub fn wait(&mut self, id: SubscriptionId) {
        self.change(id, |queue, _| queue.waiting += 1);
    }

    pub fn wait_no_more(&mut self, id: SubscriptionId) {
        self.change(id, |queue, _| queue.waiting = queue.waiting.saturating_sub(1));
    }

    /// Takes up to `limit` of what this subscription is owed by `now`, oldest first.
    pub fn claim(&mut self, subscription: SubscriptionId, now: UnixMs, limit: usize) -> Vec<Due> {
        let due = self.due(subscription, now, limit);
        if due.is_empty() {
            return due;
        }
        self.change(subscription, |queue, claimed| {
            for due in &due {
                queue.head.remove(&due.place());
                claimed.insert(*due);
            }
        });
        due
    }

    /// Gives a claim back: it is due as before.
    pub fn unclaim(&mut self, due: Due) {
        self.change(due.subscription, |queue, claimed| {
            if claimed.remove(&due) {
                queue.put(due);
            }
        });
    }

    /// Queues whose head is short while there is more on the disk, and where to read on.
    pub fn short(&self) -> Vec<(SubscriptionId, Place)> {
        let short = self.long.iter().filter_map(|id| {
            let queue = self.queues.get(id)?;
            Some((*id, queue.end.filter(|_| queue.head.len() < HEAD_MAX / 2)?))
        });
        short.collect()
    }

    /// Takes over what was read behind `after`; `more` says that the disk has still more.
    pub fn top_up(&mut self, (id, after): (SubscriptionId, Place), read: Vec<Due>, more: bool) {
        self.change(id, |queue, claimed| {
            if queue.end != Some(after) {
                return;
            }
            queue.end = read.last().filter(|_| more).map(Due::place);
            let unclaimed = read.into_iter().filter(|due| !claimed.contains(due));
            unclaimed.for_each(|due| queue.put(due));
        });
    }

    /// What a subscription is owed by `now` and nobody has claimed, oldest first; of a long queue, the head.
    pub fn due(&self, subscription: SubscriptionId, now: UnixMs, limit: usize) -> Vec<Due> {
        let head = self.queues.get(&subscription).map(|queue| &queue.head);
        let rows = head
            .into_iter()
            .flatten()
            .take_while(|(place, _)| place.due_at <= now);
        let due = |(place, rest): (&Place, &Rest)| Due {
            subscription,
            due_at: place.due_at,
            event: place.event,
            attempts: rest.attempts,
            spent: rest.spent,
            line: rest.line,
            asked_at: rest.asked_at,
        };
        rows.take(limit).map(due).collect()
    }

    /// Whether a subscription is owed something by `now` that nobody has claimed.
    pub fn is_due(&self, subscription: SubscriptionId, now: UnixMs) -> bool {
        let first = self.queues.get(&subscription).and_then(Queue::first);
        first.is_some_and(|at| at <= now)
    }

    /// Subscriptions that are owed something by `now` that nobody has claimed.
    pub fn subscriptions(&self, now: UnixMs) -> Vec<SubscriptionId> {
        let due = self.firsts.iter().take_while(|(at, _)| *at <= now);
        due.map(|(_, id)| *id).collect()
    }

    /// When the next queue that has nothing due by `now` gets something.
    pub fn next_after(&self, now: UnixMs) -> Option<UnixMs> {
        let later = self
            .firsts
            .range((now.plus_ms(1), SubscriptionId([0; 16]))..)
            .next();
        later.map(|(at, _)| *at)
    }

    /// All that is not settled, with what waits in line.
    pub fn count(&self) -> usize {
        self.queues.values().map(|queue| queue.owed + queue.waiting).sum()
    }

    pub fn backlogs(&self) -> impl Iterator<Item = Backlog> {
        let mut claimed: BTreeMap<SubscriptionId, UnixMs> = BTreeMap::new();
        for due in &self.claimed {
            let oldest = claimed.entry(due.subscription).or_insert(due.due_at);
            *oldest = (*oldest).min(due.due_at);
        }
        self.queues.iter().map(move |(id, queue)| Backlog {
            subscription: *id,
            count: queue.owed + queue.waiting,
            oldest: queue.first().into_iter().chain(claimed.get(id).copied()).min(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::Seq;

    const A: SubscriptionId = SubscriptionId([1; 16]);

    fn due(at: u64) -> Due {
        Due {
            subscription: A,
            due_at: UnixMs(at),
            event: Seq(at),
            attempts: 0,
            spent: 0,
            line: None,
            asked_at: None,
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
        assert_eq!(owed.next_after(UnixMs(4)), Some(UnixMs(5)));
    }

    #[test]
    fn one_that_was_asked_for_stands_beside_the_automatic_one() {
        let mut owed = Owed::default();
        let again = Due {
            asked_at: Some(UnixMs(1)),
            ..due(1)
        };
        owed.add(due(1));
        owed.add(again);
        assert_eq!(
            (owed.claim(A, UnixMs(1), 9), owed.count()),
            (vec![due(1), again], 2)
        );
        owed.settle(&due(1));
        owed.unclaim(again);
        assert_eq!((owed.due(A, UnixMs(1), 9), owed.count()), (vec![again], 1));
    }

    #[test]
    fn what_is_given_back_is_due_again_and_what_is_settled_is_not() {
        let mut owed = Owed::default();
        (1..=3).for_each(|at| owed.add(due(at)));
        owed.claim(A, UnixMs(2), 9);
        owed.settle(&due(1));
        owed.settle(&due(3));
        owed.unclaim(due(1));
        assert_eq!(
            (owed.count(), owed.backlogs().next().unwrap().oldest),
            (1, Some(UnixMs(2)))
        );
        owed.unclaim(due(2));
        assert_eq!(owed.due(A, UnixMs(9), 9), [due(2)]);
    }

    /// A long queue beside a disk that has all of it: every row comes out once and in order, and memory holds only a head.
    #[test]
    fn a_long_queue_is_held_by_its_head_and_read_on_in_order() {
        const ROWS: u64 = 10_000;
        let mut owed = Owed::default();
        let mut disk: BTreeSet<u64> = (1..=ROWS).collect();
        (1..=ROWS).for_each(|at| owed.add(due(at)));
        let mut out = Vec::new();
        let mut given_back = false;
        while out.len() < disk.len() + out.len() {
            assert!(owed.queues[&A].head.len() <= 2 * HEAD_MAX);
            let claimed = owed.claim(A, UnixMs(u64::MAX), 64);
            assert!(!claimed.is_empty(), "{} of {ROWS} came out", out.len());
            for row in claimed {
                if row.event == Seq(5000) && !std::mem::replace(&mut given_back, true) {
                    owed.unclaim(row);
                    continue;
                }
                disk.remove(&row.event.0);
                owed.settle(&row);
                out.push(row.event.0);
            }
            for (id, after) in owed.short() {
                let mut rest = disk.range(after.due_at.0 + 1..);
                let read: Vec<Due> = rest.by_ref().take(300).map(|at| due(*at)).collect();
                owed.top_up((id, after), read, rest.next().is_some());
            }
        }
        let mut sorted = out.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!((out.len(), sorted.len(), owed.count()), (10_000, 10_000, 0));
        let is_early = |pair: &[u64]| pair[0] > pair[1];
        assert!(
            out.windows(2).filter(|pair| is_early(pair)).count() <= 1,
            "only what was given back is late"
        );
    }

    #[test]
    fn a_row_behind_a_cut_head_is_left_to_the_disk() {
        let mut owed = Owed::default();
        (0..=2 * HEAD_MAX as u64).for_each(|n| owed.add(due(10 + n)));
        owed.add(due(1_000_000));
        owed.add(due(1));
        assert_eq!(owed.due(A, UnixMs(u64::MAX), usize::MAX).len(), HEAD_MAX + 1);
        assert_eq!(owed.count(), 2 * HEAD_MAX + 3);
        assert_eq!(owed.due(A, UnixMs(1), 9), [due(1)]);
    }
}
