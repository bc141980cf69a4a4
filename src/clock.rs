//! The only reader of the clocks and the dice: wall time for what is written down, monotonic time for what is waited for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use crate::core::time::{Moment, UnixMs};

/// The wall clock and the dice: the system's, or a test's.
#[derive(Debug, Clone)]
pub enum Clock {
    System,
    Manual(Arc<Manual>),
}

/// Stands still until it is set, and throws what its seed says. Never for a key that shall be secret.
#[derive(Debug)]
pub struct Manual {
    now_ms: AtomicU64,
    steady_ms: AtomicU64,
    dice: AtomicU64,
}

impl Clock {
    /// A clock that stands at this time, with dice of its own.
    pub fn manual(at: UnixMs) -> Self {
        Self::seeded(at, u64::from_be_bytes(random()))
    }

    /// A clock that stands at this time, and dice that this seed repeats.
    pub fn seeded(at: UnixMs, seed: u64) -> Self {
        Self::Manual(Arc::new(Manual {
            now_ms: AtomicU64::new(at.0),
            steady_ms: AtomicU64::new(at.0),
            dice: AtomicU64::new(seed),
        }))
    }

    /// Now, as people read it.
    pub fn now(&self) -> UnixMs {
        match self {
            Self::System => wall_now(),
            Self::Manual(manual) => UnixMs(manual.now_ms.load(Ordering::Acquire)),
        }
    }

    /// The wall's time when the process first asked, and what has passed since by a clock that nobody can set.
    pub fn steady(&self) -> UnixMs {
        static BEGAN: LazyLock<(Instant, UnixMs)> = LazyLock::new(|| (monotonic(), wall_now()));
        match self {
            Self::System => {
                let (began, wall) = *BEGAN;
                wall.plus_ms(u64::try_from(since(began).as_millis()).unwrap_or(u64::MAX))
            }
            Self::Manual(manual) => UnixMs(manual.steady_ms.load(Ordering::Acquire)),
        }
    }

    pub fn moment(&self) -> Moment {
        Moment {
            wall: self.now(),
            steady: self.steady(),
        }
    }

    /// Random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        match self {
            Self::System => random(),
            Self::Manual(manual) => {
                let mut bytes = [0; N];
                for part in bytes.chunks_mut(8) {
                    part.copy_from_slice(&manual.throw().to_be_bytes()[..part.len()]);
                }
                bytes
            }
        }
    }

    /// A random number from 0.0 up to, not including, 1.0.
    pub fn dice(&self) -> f64 {
        f64::from(u32::from_be_bytes(self.random())) / (f64::from(u32::MAX) + 1.0)
    }

    /// Lets time pass on a manual clock, for both of its hands; the system's goes by itself.
    pub fn pass(&self, ms: u64) {
        if let Self::Manual(manual) = self {
            manual.now_ms.fetch_add(ms, Ordering::AcqRel);
            manual.steady_ms.fetch_add(ms, Ordering::AcqRel);
        }
    }

    /// What a new process does: a manual clock's steady hand agrees with its wall's again.
    pub fn begin(&self) {
        if let Self::Manual(manual) = self {
            manual.steady_ms.store(self.now().0, Ordering::Release);
        }
    }

    /// Sets the wall time of a manual clock, as somebody sets a clock; no time passes by it.
    pub fn set(&self, at: UnixMs) {
        if let Self::Manual(manual) = self {
            manual.now_ms.store(at.0, Ordering::Release);
        }
    }
}

/// A system clock before 1970 reads as 1970.
fn wall_now() -> UnixMs {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Manual {
    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn throw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self.dice.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The clock that never steps.
pub fn monotonic() -> Instant {
    Instant::now()
}

/// How long ago that was, by the clock that never steps.
pub fn since(earlier: Instant) -> Duration {
    earlier.elapsed()
}

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .expect("a system without random bytes can make no key; the gateway cannot run on it");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_dice_and_no_other_does() {
        let thrown = |clock: Clock| (clock.random::<20>(), clock.random::<3>(), clock.dice());
        let seeded = |seed| thrown(Clock::seeded(UnixMs(1), seed));
        assert_eq!(seeded(7), seeded(7));
        assert_ne!(seeded(7), seeded(8));
        assert_ne!(thrown(Clock::manual(UnixMs(1))), thrown(Clock::manual(UnixMs(1))));
    }

    #[test]
    fn the_steady_hand_moves_with_time_alone() {
        let clock = Clock::manual(UnixMs(1000));
        clock.pass(5);
        clock.set(UnixMs(7));
        clock.pass(5);
        assert_eq!((clock.now(), clock.steady()), (UnixMs(12), UnixMs(1010)));
        assert_eq!(clock.moment().earlier(), UnixMs(12));
        clock.begin();
        assert_eq!(clock.steady(), UnixMs(12));
        let apart = Clock::System.steady().0.abs_diff(Clock::System.now().0);
        assert!(apart < 60_000, "{apart} ms in a test's short life");
    }

    #[test]
    fn dice_stay_within_one() {
        let clock = Clock::seeded(UnixMs(0), 1);
        let thrown: Vec<f64> = (0..1000).map(|_| clock.dice()).collect();
        assert!(thrown.iter().all(|dice| (0.0..1.0).contains(dice)));
        assert!(thrown.iter().any(|dice| *dice < 0.01) && thrown.iter().any(|dice| *dice > 0.99));
    }
}
