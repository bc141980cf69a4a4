//! The latest numbers that one user or address asked for: whoever goes through a block one by one is no person who signs up.

use serde::{Deserialize, Serialize};

use crate::core::phone::PhoneNumber;
use crate::core::time::UnixMs;

use super::gate::DAY_MS;

const KEPT: usize = 16;
/// So many neighbours are too many.
const NEIGHBOURS_MAX: usize = 5;
const NEAR: u64 = 100;
/// Numbers of one block, as its last four digits count them.
const BLOCK: u64 = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Numbers {
    latest: Vec<u64>,
    at: UnixMs,
}

impl Numbers {
    /// With this one among them, and whether it is one of a row.
    pub fn with(&self, number: &PhoneNumber, now: UnixMs) -> (Self, bool) {
        let number: u64 = number.as_str()[1..].parse().unwrap_or(0);
        let mut latest = if self.is_over(now) {
            Vec::new()
        } else {
            self.latest.clone()
        };
        latest.retain(|known| *known != number);
        let is_near = |known: &&u64| **known / BLOCK == number / BLOCK || known.abs_diff(number) < NEAR;
        let is_of_a_row = latest.iter().filter(is_near).count() >= NEIGHBOURS_MAX;
        latest.push(number);
        latest.drain(..latest.len().saturating_sub(KEPT));
        (Self { latest, at: now }, is_of_a_row)
    }

    pub fn is_over(&self, now: UnixMs) -> bool {
        now.since(self.at) >= DAY_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(numbers: &[u64]) -> Vec<bool> {
        let (mut known, mut seen) = (Numbers::default(), Vec::new());
        for number in numbers {
            let number = PhoneNumber::parse(&format!("+{number}")).unwrap();
            let (next, is_of_a_row) = known.with(&number, UnixMs(1 << 40));
            known = next;
            seen.push(is_of_a_row);
        }
        seen
    }

    #[test]
    fn the_sixth_of_a_block_is_one_of_a_row_and_a_repeated_one_is_not() {
        let row: Vec<u64> = (0..7).map(|nth| 12_025_550_100 + nth * 1000).collect();
        assert_eq!(seen(&row), [false, false, false, false, false, true, true]);
        assert_eq!(seen(&[12_025_550_100; 12]), [false; 12]);
        let spread: Vec<u64> = (0..30).map(|nth| 12_025_550_100 + nth * 10_007).collect();
        assert!(seen(&spread).iter().all(|is_of_a_row| !is_of_a_row));
    }
}
