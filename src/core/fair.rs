//! Whose turn it is: deficit round robin (Shreedhar and Varghese, 1995) over all that want something. What is shared are places, so a
//! turn costs the time that one's attempts hold a place: who answers fast gets more attempts than who answers slowly.

use std::collections::{BTreeMap, VecDeque};

/// What each gets in a round; no turn costs more.
pub const QUANTUM: u64 = 100;

/// Those that want something, and what each may still spend in this round.
#[derive(Debug)]
pub struct Fair<K> {
    ring: VecDeque<K>,
    credit: BTreeMap<K, u64>,
}

impl<K> Default for Fair<K> {
    fn default() -> Self {
        Self {
            ring: VecDeque::new(),
            credit: BTreeMap::new(),
        }
    }
}

impl<K: Copy + Ord> Fair<K> {
    /// Joins at the end, if it is not there already.
    pub fn join(&mut self, key: K) {
        if let std::collections::btree_map::Entry::Vacant(entry) = self.credit.entry(key) {
            entry.insert(QUANTUM);
            self.ring.push_back(key);
        }
    }

    /// The next one whose `cost` is known; who has none leaves, and joins again when it wants something.
    pub fn next(&mut self, mut cost: impl FnMut(K) -> Option<u64>) -> Option<K> {
        while let Some(key) = self.ring.front().copied() {
            let Some(cost) = cost(key) else {
                self.ring.pop_front();
                self.credit.remove(&key);
                continue;
            };
            let credit = self.credit.entry(key).or_insert(QUANTUM);
            let cost = cost.clamp(1, QUANTUM);
            if *credit >= cost {
                *credit -= cost;
                return Some(key);
            }
            *credit += QUANTUM;
            self.ring.rotate_left(1);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(fair: &mut Fair<char>, count: usize, cost: impl Fn(char) -> Option<u64>) -> String {
        (0..count).map_while(|_| fair.next(&cost)).collect()
    }

    fn joined(keys: &str) -> Fair<char> {
        let mut fair = Fair::default();
        keys.chars().for_each(|key| fair.join(key));
        fair
    }

    #[test]
    fn equals_take_turns() {
        let mut fair = joined("abca");
        assert_eq!(turns(&mut fair, 7, |_| Some(QUANTUM)), "abcabca");
    }

    #[test]
    fn places_are_shared_by_time_and_not_by_count() {
        let mut fair = joined("fs");
        let order = turns(&mut fair, 2200, |key| Some(if key == 'f' { 10 } else { 100 }));
        let slow = order.chars().filter(|key| *key == 's').count();
        assert_eq!((slow, order.len() - slow), (200, 2000));
    }

    #[test]
    fn who_wants_nothing_leaves_and_costs_the_others_nothing() {
        let mut fair = joined("abc");
        assert_eq!(turns(&mut fair, 4, |key| (key != 'b').then_some(QUANTUM)), "acac");
        assert_eq!(fair.next(|_| None), None);
        fair.join('b');
        assert_eq!(fair.next(|_| Some(1)), Some('b'));
    }

    /// The bound of the algorithm: between two that always want something, what they got differs by less than two quanta.
    #[test]
    fn nobody_falls_behind_by_more_than_two_quanta() {
        let mut fair = joined("abcdefghij");
        let cost = |key: char| u64::from(u32::from(key) % 10 * 11 + 1);
        let mut got: BTreeMap<char, u64> = BTreeMap::new();
        for _ in 0..5000 {
            let key = fair.next(|key| Some(cost(key))).unwrap();
            *got.entry(key).or_default() += cost(key);
            if got.len() == 10 {
                let (least, most) = (got.values().min().unwrap(), got.values().max().unwrap());
                assert!(most - least < 2 * QUANTUM, "{got:?}");
            }
        }
    }
}
