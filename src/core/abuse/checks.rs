//! How many of the codes that are given back for an account are wrong: where it is most of them, somebody guesses over many persons, which
//! no limit of one person or network sees.

use serde::{Deserialize, Serialize};

use super::gate::MINUTE_MS;
use crate::core::time::UnixMs;

const SLOT_MS: u64 = 5 * MINUTE_MS;
/// How many of them are kept: an hour's.
const SLOTS: u64 = 12;

/// When the account is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Of the checks of an hour so many per cent are wrong, and more; 0: it is never told.
    pub above_pct: u32,
    /// From so many checks on.
    pub checks_min: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    number: u64,
    made: u32,
    /// Of those: wrong, or not compared yet.
    wrong: u32,
}

/// The last hour's checks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checks {
    slots: Vec<Slot>,
    is_told: bool,
}

/// Most checks of the last hour were wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    pub checks: u32,
    pub failed: u32,
}

impl Checks {
    /// What a clock that went back left in the future counts no more.
    fn kept(&self, now: UnixMs) -> impl Iterator<Item = &Slot> {
        let newest = now.0 / SLOT_MS;
        let is_kept = move |slot: &&Slot| slot.number <= newest && slot.number + SLOTS > newest;
        self.slots.iter().filter(is_kept)
    }

    fn failing(&self, rules: &Rules, now: UnixMs) -> Option<Failing> {
        let (checks, failed) = self.kept(now).fold((0, 0), |(checks, failed), slot| {
            (checks + slot.made, failed + slot.wrong)
        });
        let is_high = u64::from(failed) * 100 > u64::from(checks) * u64::from(rules.above_pct);
        let is_told = rules.above_pct > 0 && checks >= rules.checks_min && is_high;
        is_told.then_some(Failing { checks, failed })
    }

    /// One more, which counts as wrong until it is known to be right; and what the account is to hear of those before it, once until they
    /// are fewer.
    pub fn counted(&self, rules: &Rules, now: UnixMs) -> (Self, Option<Failing>) {
        let failing = self.failing(rules, now);
        let mut slots: Vec<Slot> = self.kept(now).copied().collect();
        let number = now.0 / SLOT_MS;
        match slots.last_mut().filter(|slot| slot.number == number) {
            Some(slot) => (slot.made, slot.wrong) = (slot.made + 1, slot.wrong + 1),
            None => slots.push(Slot {
                number,
                made: 1,
                wrong: 1,
            }),
        }
        let is_told = failing.is_some();
        (Self { slots, is_told }, failing.filter(|_| !self.is_told))
    }

    /// One of them was right.
    pub fn right(&self) -> Self {
        let mut next = self.clone();
        if let Some(slot) = next.slots.iter_mut().rfind(|slot| slot.wrong > 0) {
            slot.wrong -= 1;
        }
        next
    }

    pub fn is_over(&self, now: UnixMs) -> bool {
        self.kept(now).next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::super::gate::HOUR_MS;
    use super::*;

    const RULES: Rules = Rules {
        above_pct: 60,
        checks_min: 20,
    };

    /// So many checks of which every so manyth is right; how often the account was told.
    fn told(rules: &Rules, checks: u32, right_every: u32, pace_ms: u64) -> Vec<Failing> {
        let (mut known, mut told) = (Checks::default(), Vec::new());
        for nth in 1..=checks {
            let now = UnixMs((1 << 40) + u64::from(nth) * pace_ms);
            let (next, failing) = known.counted(rules, now);
            known = if nth % right_every == 0 {
                next.right()
            } else {
                next
            };
            told.extend(failing);
        }
        told
    }

    #[test]
    fn most_of_an_hours_checks_are_wrong_is_told_once_and_not_of_few() {
        assert_eq!(told(&RULES, 20, 99, 1000), []);
        let once = [Failing {
            checks: 20,
            failed: 20,
        }];
        assert_eq!(told(&RULES, 60, 99, 1000), once);
        // Half of them, and one in three, come back.
        assert_eq!(told(&RULES, 200, 2, 1000), []);
        assert_eq!(told(&RULES, 200, 3, 1000).len(), 1);
        let off = Rules {
            above_pct: 0,
            ..RULES
        };
        assert_eq!(told(&off, 60, 99, 1000), []);
        // Twelve an hour are too few to say anything.
        assert_eq!(told(&RULES, 60, 99, 300_000), []);
    }

    #[test]
    fn it_is_told_again_after_it_was_over() {
        let (mut known, mut told, mut now) = (Checks::default(), 0, UnixMs(1 << 40));
        for _ in 0..3 {
            for _ in 0..30 {
                let (next, failing) = known.counted(&RULES, now);
                (known, told) = (next, told + u32::from(failing.is_some()));
            }
            assert!(!known.is_over(now));
            now = now.plus_ms(HOUR_MS);
            assert!(known.is_over(now));
        }
        assert_eq!(told, 3);
    }

    #[test]
    fn a_clock_that_goes_back_begins_anew() {
        let (mut known, now) = (Checks::default(), UnixMs(1 << 40));
        for _ in 0..30 {
            known = known.counted(&RULES, now).0;
        }
        assert!(known.is_over(now.minus_ms(HOUR_MS)));
    }
}
