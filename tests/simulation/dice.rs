//! The world's dice: the product's own seeded ones, in the shapes that a script wants.

use ringback::clock::Clock;
use ringback::core::time::UnixMs;

#[derive(Debug, Clone)]
pub struct Dice(Clock);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Clock::seeded(UnixMs(0), seed))
    }

    pub fn next(&self) -> u64 {
        u64::from_be_bytes(self.0.random())
    }

    /// From 0 up to, not including, `end`.
    pub fn below(&self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// From `low` up to and including `high`.
    pub fn between(&self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True once in `n`.
    pub fn one_in(&self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&self, among: &'a [T]) -> Option<&'a T> {
        among.get(self.below(among.len() as u64) as usize)
    }

    /// One of these by their weights.
    pub fn weighted<T: Copy>(&self, among: &[(u64, T)]) -> T {
        let mut left = self.below(among.iter().map(|(weight, _)| weight).sum());
        for (weight, one) in among {
            if left < *weight {
                return *one;
            }
            left -= weight;
        }
        unreachable!("some weight is not zero")
    }
}
