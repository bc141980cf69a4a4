//! Virtual time. It moves only when nobody has anything left to do, and then to the next timer; the gateway's wall clock follows
//! it after each move, apart by what a test has stepped it, or stands still.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use ringback::clock::Clock;
use ringback::core::time::UnixMs;
use tokio::time::Instant;

/// 2026-11-01 12:00 UTC.
pub const START: UnixMs = UnixMs(1_793_534_400_000);

/// A clock that stands is seen and set right after so long. Repetitions are known for four days by the gateway's clock, and a carrier
/// repeats for three: more than a day's error is not promised to be survived.
const STALL_MAX_MS: u64 = 20 * 3_600_000;

pub struct Wall {
    /// The gateway's clock, and its dice.
    pub clock: Clock,
    began: OnceLock<Instant>,
    skew: Mutex<Skew>,
}

#[derive(Debug, Default)]
struct Skew {
    /// Virtual time that the gateway's clock knows of.
    seen_ms: u64,
    offset_ms: i64,
    /// Since when it stands.
    stalled_ms: Option<u64>,
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
        let mut skew = self.skew();
        let (elapsed_ms, stood_at) = (self.elapsed_ms(), self.clock.now());
        self.clock.pass(elapsed_ms - skew.seen_ms);
        skew.seen_ms = elapsed_ms;
        match skew.stalled_ms {
            None => {}
            Some(since_ms) if elapsed_ms - since_ms < STALL_MAX_MS => self.clock.set(stood_at),
            Some(_) => {
                (skew.offset_ms, skew.stalled_ms) = (0, None);
                skew.changes += 1;
                self.clock.set(self.true_now());
            }
        }
    }

    /// From now on the gateway's clock is this much ahead of the others.
    pub fn step_to(&self, offset_ms: i64) {
        let mut skew = self.skew();
        (skew.offset_ms, skew.stalled_ms) = (offset_ms, None);
        skew.changes += 1;
        drop(skew);
        self.follow();
        self.clock
            .set(UnixMs(self.true_now().0.saturating_add_signed(offset_ms)));
    }

    /// The gateway's clock stands until it is stepped, or somebody sees it.
    pub fn stall(&self) {
        let mut skew = self.skew();
        skew.stalled_ms = Some(self.elapsed_ms());
        skew.changes += 1;
    }

    pub fn changes(&self) -> usize {
        self.skew().changes
    }
}
