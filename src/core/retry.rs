//! When to try again: I am told how many attempts were made and the dice, and give back a delay; nobody waits in this room.

use std::time::Duration;

use backoff::ExponentialBackoffBuilder;
use backoff::backoff::Backoff;
use serde::{Deserialize, Serialize};

/// Longest delay and longest hint we obey, in milliseconds: 24 h.
pub const DELAY_MAX_MS: u64 = 86_400_000;
/// Most attempts a policy may ask for.
pub const ATTEMPTS_MAX: u16 = 50;

/// The example schedule of the Standard Webhooks specification: ten attempts over 75 h 35 min 5 s.
pub const STANDARD_WEBHOOKS_S: [u64; 10] = [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// How long to wait before each attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Policy {
    /// Seconds before attempt 1, 2, ...; its length is the number of attempts.
    ScheduleS(Vec<u64>),
    Exponential {
        initial_ms: u64,
        multiplier: f64,
        delay_max_ms: u64,
        attempts_max: u16,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("a retry schedule has 1 to 50 entries of at most 86400 seconds")]
    Schedule,
    #[error(
        "exponential retry wants initial_ms 1 to 86400000, multiplier 1 to 10, delay_max_ms >= initial_ms and attempts_max 1 to 50"
    )]
    Exponential,
}

impl Policy {
    pub fn standard() -> Self {
        Self::ScheduleS(STANDARD_WEBHOOKS_S.to_vec())
    }

    /// Refuses what could wait for ever or never stop.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::ScheduleS(list) => {
                let fits = !list.is_empty()
                    && list.len() <= usize::from(ATTEMPTS_MAX)
                    && list.iter().all(|s| *s <= DELAY_MAX_MS / 1000);
                if fits { Ok(()) } else { Err(Error::Schedule) }
            }
            Self::Exponential {
                initial_ms,
                multiplier,
                delay_max_ms,
                attempts_max,
            } => {
                let fits = (1..=DELAY_MAX_MS).contains(initial_ms)
                    && (1.0..=10.0).contains(multiplier)
                    && (*initial_ms..=DELAY_MAX_MS).contains(delay_max_ms)
                    && (1..=ATTEMPTS_MAX).contains(attempts_max);
                if fits { Ok(()) } else { Err(Error::Exponential) }
            }
        }
    }

    /// How long it is until the last attempt at most, in milliseconds, without what subscribers ask for.
    pub fn lasts_ms_max(&self) -> u64 {
        let delays = (0..ATTEMPTS_MAX).map_while(|made| self.delay_ms(made));
        delays.map(|ms| spread_ms(ms, None, 1.0)).sum()
    }

    /// Milliseconds to wait before the next attempt when `made` attempts were made; `None` when there is no next one.
    pub fn delay_ms(&self, made: u16) -> Option<u64> {
        match self {
            Self::ScheduleS(list) => list.get(usize::from(made)).map(|s| s * 1000),
            Self::Exponential { attempts_max, .. } if made >= *attempts_max => None,
            Self::Exponential { .. } if made == 0 => Some(0),
            Self::Exponential {
                initial_ms,
                multiplier,
                delay_max_ms,
                ..
            } => {
                let mut steps = exponential(*initial_ms, *multiplier, *delay_max_ms);
                let delay = steps.nth(usize::from(made) - 1);
                delay.map(|d| u64::try_from(d.as_millis()).unwrap_or(DELAY_MAX_MS))
            }
        }
    }
}

/// Delays that grow, in whole milliseconds and without an end: the arithmetic of `backoff`, without its dice. It throws them even for a
/// factor of 0 and adds less than a nanosecond, which its floating point rounds up to a whole one once in sixteen million seconds' waits.
pub fn exponential(
    initial_ms: u64,
    multiplier: f64,
    delay_max_ms: u64,
) -> impl Iterator<Item = Duration> + use<> {
    let mut steps = ExponentialBackoffBuilder::new()
        .with_initial_interval(Duration::from_millis(initial_ms))
        .with_multiplier(multiplier)
        .with_max_interval(Duration::from_millis(delay_max_ms))
        .with_randomization_factor(0.0)
        .with_max_elapsed_time(None)
        .build();
    let whole = |d: Duration| Duration::from_millis(u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
    std::iter::from_fn(move || steps.next_backoff().map(whole))
}

/// The delay with jitter and the subscriber's hint: never earlier than either, at most a tenth later, capped at 24 h.
/// `dice` is 0.0 to 1.0; jitter is only ever added, so that a herd spreads out without anyone coming early.
pub fn spread_ms(delay_ms: u64, retry_after_ms: Option<u64>, dice: f64) -> u64 {
    let base = delay_ms.max(retry_after_ms.unwrap_or(0)).min(DELAY_MAX_MS);
    let jitter = (base as f64 * 0.1 * dice.clamp(0.0, 1.0)) as u64;
    base + jitter
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_standard_schedule_is_75_35_05() {
        let delays: Vec<u64> = (0..11)
            .map_while(|made| Policy::standard().delay_ms(made))
            .collect();
        assert_eq!(delays.len(), 10);
        let sum_ms = ((75 * 60 + 35) * 60 + 5) * 1000;
        assert_eq!(delays.iter().sum::<u64>(), sum_ms);
        assert_eq!(
            Policy::standard().lasts_ms_max(),
            sum_ms + sum_ms / 10,
            "with all jitter"
        );
    }

    #[test]
    fn exponential_delays_are_exact() {
        let policy = Policy::Exponential {
            initial_ms: 500,
            multiplier: 2.0,
            delay_max_ms: 3000,
            attempts_max: 6,
        };
        let delays: Vec<u64> = (0..9).map_while(|made| policy.delay_ms(made)).collect();
        assert_eq!(delays, [0, 500, 1000, 2000, 3000, 3000]);
    }

    #[test]
    fn endless_policies_are_refused() {
        assert_eq!(Policy::ScheduleS(vec![]).check(), Err(Error::Schedule));
        assert_eq!(Policy::ScheduleS(vec![u64::MAX]).check(), Err(Error::Schedule));
        assert_eq!(Policy::ScheduleS(vec![86_401]).check(), Err(Error::Schedule));
        let wild = Policy::Exponential {
            initial_ms: 500,
            multiplier: 0.5,
            delay_max_ms: 3000,
            attempts_max: 6,
        };
        assert_eq!(wild.check(), Err(Error::Exponential));
        assert_eq!(Policy::standard().check(), Ok(()));
    }

    proptest! {
        #[test]
        fn never_early_never_much_later(delay in 0u64..200_000_000, hint in proptest::option::of(0u64..200_000_000), dice in 0.0f64..=1.0) {
            let wait = spread_ms(delay, hint, dice);
            let base = delay.max(hint.unwrap_or(0)).min(DELAY_MAX_MS);
            prop_assert!(wait >= base && wait <= base + base / 10);
        }
    }
}
