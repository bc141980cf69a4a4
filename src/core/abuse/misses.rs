//! Wrong codes for one person, over all codes that were sent: the more in a row, the longer nobody may guess on.

use serde::{Deserialize, Serialize};

use super::gate::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::core::time::UnixMs;

/// From so many wrong codes in a row on, so long (NIST SP 800-63B-4: at most 100 in a row).
const WAITS: [(u32, u64); 4] = [(10, 30_000), (20, 5 * MINUTE_MS), (50, HOUR_MS), (100, DAY_MS)];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Misses {
    count: u32,
    last: UnixMs,
}

impl Misses {
    fn wait_ms(self) -> u64 {
        let reached = WAITS.iter().rev().find(|(count, _)| self.count >= *count);
        reached.map_or(0, |(_, ms)| *ms)
    }

    /// There are none in a row.
    pub fn is_none(self) -> bool {
        self.count == 0
    }

    /// A clock that went back makes no wait longer; it has to be kept.
    pub fn healed(self, now: UnixMs) -> Self {
        Self {
            last: self.last.min(now),
            ..self
        }
    }

    /// A guess is counted as wrong before it is compared; or how long to wait before one may be made.
    pub fn counted(self, now: UnixMs) -> Result<Self, u64> {
        let waited_ms = now.since(self.last);
        let left_ms = self.wait_ms().saturating_sub(waited_ms);
        if left_ms > 0 {
            return Err(left_ms);
        }
        Ok(Self {
            count: self.count.saturating_add(1),
            last: now,
        })
    }

    /// A day without one forgets those before.
    pub fn is_over(self, now: UnixMs) -> bool {
        now.since(self.last) >= DAY_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_a_hundred_in_a_row_are_the_end_for_a_day() {
        let (mut misses, mut now, mut waited) = (Misses::default(), UnixMs(1 << 40), Vec::new());
        for _ in 0..100 {
            loop {
                match misses.counted(now) {
                    Ok(next) => break misses = next,
                    Err(wait_ms) => {
                        now = now.plus_ms(wait_ms);
                        waited.push(wait_ms);
                    }
                }
            }
        }
        let of = |ms: u64| waited.iter().filter(|waited| **waited == ms).count();
        assert_eq!((of(30_000), of(5 * MINUTE_MS), of(HOUR_MS)), (10, 30, 50));
        assert_eq!(misses.counted(now), Err(DAY_MS));
        assert!(!misses.is_over(now) && misses.is_over(now.plus_ms(DAY_MS)));
    }

    #[test]
    fn a_clock_that_went_back_makes_a_wait_no_longer() {
        let mut misses = Misses::default();
        (0..10).for_each(|_| misses = misses.counted(UnixMs(1 << 40)).unwrap());
        let back = UnixMs(1 << 39);
        misses = misses.healed(back);
        assert_eq!(misses.counted(back), Err(30_000));
        assert!(misses.counted(back.plus_ms(30_000)).is_ok());
    }
}
