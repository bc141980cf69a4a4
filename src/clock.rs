//! The only reader of the clocks and the dice: wall time for what is written down, monotonic time for what is waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::core::time::UnixMs;

/// The wall clock: the system's, or a test's that stands still until it is set.
#[derive(Debug, Clone)]
pub enum Clock {
    System,
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that stands at this time.
    pub fn manual(at: UnixMs) -> Self {
        Self::Manual(Arc::new(AtomicU64::new(at.0)))
    }

    /// Now. A system clock before 1970 reads as 1970.
    pub fn now(&self) -> UnixMs {
        match self {
            Self::System => {
                let since = SystemTime::now()
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap_or_default();
                UnixMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
            }
            Self::Manual(ms) => UnixMs(ms.load(Ordering::Acquire)),
        }
    }

    /// Moves a manual clock; the system's stays.
    pub fn set(&self, at: UnixMs) {
        if let Self::Manual(ms) = self {
            ms.store(at.0, Ordering::Release);
        }
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

/// A random number from 0.0 up to, not including, 1.0.
pub fn dice() -> f64 {
    f64::from(u32::from_be_bytes(random())) / (f64::from(u32::MAX) + 1.0)
}
