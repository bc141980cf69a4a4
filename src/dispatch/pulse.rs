//! When deliveries last got on: the mark by which a watchdog sees that they do not any more.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::core::time::UnixMs;

/// By the steady clock.
#[derive(Debug)]
pub struct Pulse(AtomicU64);

impl Pulse {
    pub fn new(now: UnixMs) -> Self {
        Self(AtomicU64::new(now.0))
    }

    /// All that might begin has begun, or an attempt ended.
    pub fn beat(&self, now: UnixMs) {
        self.0.store(now.0, Ordering::Relaxed);
    }

    /// For how long neither happened.
    pub fn still_ms(&self, now: UnixMs) -> u64 {
        now.since(UnixMs(self.0.load(Ordering::Relaxed)))
    }
}
