//! Rates: the generic cell rate algorithm, which keeps one time for each key, and an exact window where a contract promises one.

use serde::{Deserialize, Serialize};

use crate::core::time::UnixMs;

/// So many in so long; none is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub max: u32,
    pub per_ms: u64,
}

impl Limit {
    pub const fn new(max: u32, per_ms: u64) -> Self {
        Self { max, per_ms }
    }

    /// Between two of them at an even pace.
    fn every_ms(self) -> u64 {
        self.per_ms.div_ceil(u64::from(self.max)).max(1)
    }
}

/// The time at which the next would come at an even pace. Whoever was silent may take `max` at once, and then one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gate(UnixMs);

impl Gate {
    /// After a clock that went back, by however much: as if the whole of it had been taken just now. It has to be kept, or the wait that
    /// is told never ends.
    pub fn healed(self, limit: Limit, now: UnixMs) -> Self {
        if limit.max == 0 {
            return self;
        }
        Self(self.0.min(now.plus_ms(limit.every_ms() * u64::from(limit.max))))
    }

    /// One more, or how long to wait for it.
    pub fn taken(self, limit: Limit, now: UnixMs) -> Result<Self, u64> {
        if limit.max == 0 {
            return Ok(self);
        }
        let every_ms = limit.every_ms();
        let whole_ms = every_ms * u64::from(limit.max);
        let next = self.healed(limit, now).0.max(now).plus_ms(every_ms);
        match next.since(now) {
            ahead_ms if ahead_ms <= whole_ms => Ok(Self(next)),
            ahead_ms => Err(ahead_ms - whole_ms),
        }
    }

    /// One that was taken and turned out not to count.
    pub fn given_back(self, limit: Limit) -> Self {
        if limit.max == 0 {
            return self;
        }
        Self(self.0.minus_ms(limit.every_ms()))
    }

    pub fn is_over(self, now: UnixMs) -> bool {
        self.0 <= now
    }
}

/// When the latest ones were, oldest first: for windows that must be exact.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recent(Vec<UnixMs>);

impl Recent {
    /// What a clock that went back left in the future counts as now. It has to be kept, as a gate's.
    pub fn healed(&self, now: UnixMs) -> Self {
        Self(self.0.iter().map(|at| (*at).min(now)).collect())
    }

    /// One more, or how long to wait for it: never more than a limit's `max` in any window of its length, and after each one a pause that
    /// grows with those of the last hour.
    pub fn taken(&self, limits: &[Limit], pauses_ms: &[u64], now: UnixMs) -> Result<Self, u64> {
        let Self(mut times) = self.healed(now);
        let within = |per_ms: u64| times.iter().filter(|at| now.since(**at) < per_ms).count();
        let mut wait_ms = 0;
        for limit in limits.iter().filter(|limit| limit.max > 0) {
            let within = within(limit.per_ms);
            let max = limit.max as usize;
            if within >= max {
                let frees = times[times.len() - max];
                wait_ms = wait_ms.max(limit.per_ms - now.since(frees));
            }
        }
        let in_hour = within(HOUR_MS);
        if let (Some(last), true) = (times.last(), in_hour > 0) {
            let pause_ms = pauses_ms.get(in_hour - 1).or(pauses_ms.last());
            wait_ms = wait_ms.max(pause_ms.map_or(0, |pause_ms| pause_ms.saturating_sub(now.since(*last))));
        }
        if wait_ms > 0 {
            return Err(wait_ms);
        }
        times.push(now);
        let kept = limits
            .iter()
            .map(|limit| limit.max as usize)
            .max()
            .unwrap_or(0)
            .max(pauses_ms.len());
        times.drain(..times.len().saturating_sub(kept.max(1)));
        Ok(Self(times))
    }

    pub fn is_over(&self, now: UnixMs) -> bool {
        self.0.last().is_none_or(|last| now.since(*last) >= DAY_MS)
    }
}

pub const MINUTE_MS: u64 = 60_000;
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
pub const DAY_MS: u64 = 24 * HOUR_MS;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIVE: Limit = Limit::new(5, HOUR_MS);

    #[test]
    fn a_gate_gives_its_burst_and_then_its_pace() {
        let mut gate = Gate::default();
        for _ in 0..5 {
            gate = gate.taken(FIVE, UnixMs(1_000_000)).unwrap();
        }
        assert_eq!(gate.taken(FIVE, UnixMs(1_000_000)), Err(720_000));
        assert!(gate.taken(FIVE, UnixMs(1_719_999)).is_err());
        assert!(
            gate.taken(FIVE, UnixMs(1_720_000)).is_ok(),
            "what was told is kept"
        );
        assert_eq!(
            Gate::default().taken(Limit::new(0, 1), UnixMs(5)),
            Ok(Gate::default())
        );
    }

    #[test]
    fn a_window_is_exact_and_tells_when_the_next_may_come() {
        let mut recent = Recent::default();
        for at in 0..5 {
            recent = recent.taken(&[FIVE], &[], UnixMs(10_000 + at * 1000)).unwrap();
        }
        assert_eq!(recent.taken(&[FIVE], &[], UnixMs(20_000)), Err(HOUR_MS - 10_000));
        assert!(recent.taken(&[FIVE], &[], UnixMs(10_000 + HOUR_MS)).is_ok());
        assert!(!recent.is_over(UnixMs(DAY_MS)) && recent.is_over(UnixMs(DAY_MS + 14_000)));
    }

    #[test]
    fn pauses_grow_with_each_and_end_with_the_hour() {
        let pauses = [30_000, 60_000, 120_000];
        let (mut recent, mut now) = (Recent::default(), UnixMs(1_000_000));
        let limit = [Limit::new(0, HOUR_MS)];
        recent = recent.taken(&limit, &pauses, now).unwrap();
        for pause in [30_000, 60_000, 120_000, 120_000] {
            assert_eq!(recent.taken(&limit, &pauses, now), Err(pause));
            now = now.plus_ms(pause);
            recent = recent.taken(&limit, &pauses, now).unwrap();
        }
        assert!(recent.taken(&limit, &pauses, now.plus_ms(HOUR_MS)).is_ok());
    }

    fn steps() -> impl Strategy<Value = Vec<(i64, usize)>> {
        prop::collection::vec((-2 * HOUR_MS as i64..2 * HOUR_MS as i64, 1usize..12), 1..60)
    }

    proptest! {
        /// Whatever the clock does: no more than a burst and what time brought goes through, and what is told as a wait is enough.
        #[test]
        fn steps_of_the_clock_give_a_gate_no_more_than_a_burst(steps in steps(), max in 1u32..40) {
            let limit = Limit::new(max, HOUR_MS);
            let (mut gate, mut now, mut ahead_ms, mut through) = (Gate::default(), 1 << 40, 0u64, 0u64);
            for (step, asked) in steps {
                now = (now as i64 + step) as u64;
                ahead_ms += step.max(0).unsigned_abs();
                gate = gate.healed(limit, UnixMs(now));
                for _ in 0..asked {
                    match gate.taken(limit, UnixMs(now)) {
                        Ok(next) => (gate, through) = (next, through + 1),
                        Err(wait_ms) => {
                            prop_assert!(wait_ms > 0 && wait_ms <= HOUR_MS + u64::from(max));
                            prop_assert!(gate.taken(limit, UnixMs(now + wait_ms)).is_ok());
                        }
                    }
                }
            }
            let brought = ahead_ms / limit.every_ms() + 1;
            prop_assert!(through <= u64::from(max) + brought, "{} through, {} brought", through, brought);
        }

        /// In any window of time that the clock showed evenly there are at most `max`, and a step gives at most that many again.
        #[test]
        fn a_window_holds_its_max(steps in prop::collection::vec((0u64..HOUR_MS / 2, 1usize..8), 1..80), max in 1u32..8) {
            let limits = [Limit::new(max, HOUR_MS), Limit::new(2 * max, DAY_MS)];
            let (mut recent, mut now, mut all) = (Recent::default(), UnixMs(1 << 40), Vec::<UnixMs>::new());
            for (step, asked) in steps {
                now = now.plus_ms(step);
                for _ in 0..asked {
                    match recent.taken(&limits, &[], now) {
                        Ok(next) => { recent = next; all.push(now); }
                        Err(wait_ms) => prop_assert!(recent.taken(&limits, &[], now.plus_ms(wait_ms)).is_ok()),
                    }
                }
                for limit in limits {
                    let within = all.iter().filter(|at| now.since(**at) < limit.per_ms).count();
                    prop_assert!(within <= limit.max as usize);
                }
            }
        }

        #[test]
        fn a_clock_that_goes_back_gives_a_window_nothing(steps in steps(), max in 1u32..8) {
            let limits = [Limit::new(max, HOUR_MS)];
            let (mut recent, mut now, mut ahead_ms, mut through) = (Recent::default(), 1 << 40, 0u64, 0u64);
            for (step, asked) in steps {
                now = (now as i64 + step) as u64;
                ahead_ms += step.max(0).unsigned_abs();
                recent = recent.healed(UnixMs(now));
                for _ in 0..asked {
                    if let Ok(next) = recent.taken(&limits, &[], UnixMs(now)) {
                        (recent, through) = (next, through + 1);
                    }
                }
            }
            prop_assert!(through <= u64::from(max) * (ahead_ms / HOUR_MS + 1));
        }
    }
}
