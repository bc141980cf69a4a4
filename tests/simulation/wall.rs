//! Virtual time. It moves only when nobody has anything left to do, and then to the next timer; the gateway's wall clock follows
//! it after each move, apart by what a test has stepped it, or stands still.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use ringback::clock::Clock;
use ringback::core::time::UnixMs;
use tokio::time::Instant;

/// 2026-11-01 12:00 UTC.
pub const START: UnixMs = UnixMs(1_793_534_400_000);

pub struct Wall {
    /// The gateway's clock, and its dice.
    pub clock: Clock,
    began: OnceLock<Instant>,
    skew: Mutex<Skew>,
}

#[derive(Debug, Default)]
struct Skew {
    offset_ms: i64,
    stalled: bool,
    /// How often anything about the clock was changed by hand.
    changes: usize,
}

impl Wall {
    pub fn new(seed: u64) -> Self {
        Self {
            clock: Clock::seeded(START, seed),
            began: OnceLock::new(),
            skew: Mutex::default(),
        }
    }

    fn skew(&self) -> MutexGuard<'_, Skew> {
        self.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Virtual milliseconds since the start.
    pub fn elapsed_ms(&self) -> u64 {
        self.began.get_or_init(Instant::now).elapsed().as_millis() as u64
    }

    /// What the clocks of everybody else say.
    pub fn true_now(&self) -> UnixMs {
        START.plus_ms(self.elapsed_ms())
    }

    /// Called whenever virtual time may have moved, before any task runs.
    pub fn follow(&self) {
        let skew = self.skew();
        if !skew.stalled {
            let now = self.true_now().0.saturating_add_signed(skew.offset_ms);
            self.clock.set(UnixMs(now));
        }
    }

    /// From now on the gateway's clock is this much ahead of the others.
    pub fn step_to(&self, offset_ms: i64) {
        let mut skew = self.skew();
        (skew.offset_ms, skew.stalled) = (offset_ms, false);
        skew.changes += 1;
        drop(skew);
        self.follow();
    }

    /// The gateway's clock stands until it is stepped.
    pub fn stall(&self) {
        let mut skew = self.skew();
        skew.stalled = true;
        skew.changes += 1;
    }

    /// Whether the gateway's clock tells the time.
    pub fn is_right(&self) -> bool {
        let skew = self.skew();
        skew.offset_ms == 0 && !skew.stalled
    }

    /// Not changed by hand since it had been changed so often, and not standing still.
    pub fn is_steady_since(&self, changes: usize) -> bool {
        let skew = self.skew();
        skew.changes == changes && !skew.stalled
    }

    pub fn changes(&self) -> usize {
        self.skew().changes
    }
}
