//! How many requests an account may still make: a token bucket for each, and what is told of it in the answer.

use super::limit::Bucket;
use super::subscription::policy::Rate;
use super::time::UnixMs;

/// Seconds of the window that the limit is told for.
pub const WINDOW_S: u32 = 60;

/// What an answer tells of its account's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    pub quota: u32,
    pub left: u32,
    /// Seconds after which one more may be made than is left now.
    pub next_s: u32,
}

/// So many in a minute: whoever keeps to it is never refused, and whoever was silent may make a minute's worth at once.
fn rate(per_minute_max: u32) -> Rate {
    Rate {
        per_second: f64::from(per_minute_max) / f64::from(WINDOW_S),
        burst: per_minute_max,
    }
}

/// The requests of one account.
#[derive(Debug, Clone, Copy)]
pub struct Requests(Bucket);

impl Requests {
    pub fn new(per_minute_max: u32, now: UnixMs) -> Self {
        Self(Bucket::full(rate(per_minute_max), now))
    }

    /// One more request: whether it may be made.
    pub fn take(&mut self, per_minute_max: u32, now: UnixMs) -> Result<Allowance, Allowance> {
        let rate = rate(per_minute_max);
        let is_allowed = self.0.ready_at(rate, now).is_none();
        if is_allowed {
            self.0.take();
        }
        let told = Allowance {
            quota: per_minute_max,
            left: self.0.left(),
            next_s: self.next_s(rate),
        };
        if is_allowed { Ok(told) } else { Err(told) }
    }

    fn next_s(&self, rate: Rate) -> u32 {
        let seconds = self.0.next_after_ms(rate).div_ceil(1000);
        u32::try_from(seconds).unwrap_or(WINDOW_S).clamp(1, WINDOW_S)
    }

    /// Nothing is lost by forgetting it: it has been silent for long enough.
    pub fn is_over(&mut self, per_minute_max: u32, now: UnixMs) -> bool {
        self.0.is_full(rate(per_minute_max), now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_minutes_worth_at_once_and_then_one_at_a_time() {
        let mut requests = Requests::new(6, UnixMs(0));
        for left in (0..6).rev() {
            let told = requests.take(6, UnixMs(0)).unwrap();
            assert_eq!((told.quota, told.left, told.next_s), (6, left, 10));
        }
        let refused = requests.take(6, UnixMs(4_000)).unwrap_err();
        assert_eq!((refused.left, refused.next_s), (0, 6));
        assert!(requests.take(6, UnixMs(9_999)).is_err());
        assert!(requests.take(6, UnixMs(10_000)).is_ok(), "what was told is kept");
        assert!(!requests.is_over(6, UnixMs(69_999)) && requests.is_over(6, UnixMs(70_000)));
        assert!(
            requests.take(12, UnixMs(130_000)).is_ok(),
            "a changed limit counts at once"
        );
    }

    proptest! {
        /// Whatever the clock does: what is told in a refusal is kept, and no more goes through than a minute's worth and what time brought.
        #[test]
        fn the_limit_holds_under_steps_of_the_clock(
            max in 1u32..200,
            steps in prop::collection::vec((-100_000i64..100_000, 1usize..30), 1..60),
        ) {
            let (mut now, mut ahead_ms, mut through) = (10_000_000i64, 0i64, 0u32);
            let mut requests = Requests::new(max, UnixMs(now.unsigned_abs()));
            for (step, asked) in steps {
                now += step;
                ahead_ms += step.max(0);
                for _ in 0..asked {
                    match requests.take(max, UnixMs(now.unsigned_abs())) {
                        Ok(told) => {
                            through += 1;
                            prop_assert!(told.left < max);
                        }
                        Err(told) => {
                            prop_assert_eq!(told.left, 0);
                            let later = UnixMs(now.unsigned_abs() + u64::from(told.next_s) * 1000);
                            let mut waited = requests;
                            prop_assert!(waited.take(max, later).is_ok());
                        }
                    }
                }
            }
            let brought = ahead_ms as f64 * f64::from(max) / 60_000.0;
            prop_assert!(f64::from(through) <= f64::from(max) + brought + 1e-6);
        }

        /// Whoever keeps to so many in any minute is never refused.
        #[test]
        fn who_keeps_to_it_is_never_refused(max in 1u32..50, gaps in prop::collection::vec(0u64..90_000, 1..300)) {
            let mut requests = Requests::new(max, UnixMs(0));
            let (mut now, mut made) = (0u64, Vec::<u64>::new());
            for gap in gaps {
                now += gap;
                let in_window = made.iter().filter(|at| **at + 60_000 > now).count();
                if in_window < max as usize {
                    prop_assert!(requests.take(max, UnixMs(now)).is_ok());
                    made.push(now);
                }
            }
        }
    }
}
