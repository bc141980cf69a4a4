//! How each subscription fares, told by the commits that were synced: a second and plain writing of the engine's states, which every
//! call is held against in the moment it is made.

use ringback::core::attempt::Attempt;
use ringback::core::delivery::{Next, Outcome};
use ringback::core::health::Rules;
use ringback::core::retry::DELAY_MAX_MS;
use ringback::core::subscription::Subscription;
use ringback::core::time::UnixMs;

use super::model::At;

#[derive(Debug)]
pub struct Fare {
    /// As it was after each of its changes, and when that was durable, in virtual time.
    versions: Vec<(u64, Subscription)>,
    pub deleted_ms: Option<u64>,
    paused_ms: Option<u64>,
    off: Option<Off>,
    failing_since: Option<UnixMs>,
    failures: u32,
    /// What its subscriber asked for: since when we know, and until when, by the steady clock.
    hold: Option<(u64, UnixMs)>,
    back: Option<Back>,
}

/// It is disabled.
#[derive(Debug, Clone, Copy)]
struct Off {
    since_ms: u64,
    probe_at: Option<UnixMs>,
}

/// It came back from a pause or a disabling.
#[derive(Debug, Clone, Copy)]
pub struct Back {
    pub at: At,
    /// Calls since then.
    pub calls: u32,
}

impl Fare {
    pub fn new(subscription: &Subscription, at: At) -> Self {
        Self {
            versions: vec![(at.ms, subscription.clone())],
            deleted_ms: None,
            paused_ms: None,
            off: None,
            failing_since: None,
            failures: 0,
            hold: None,
            back: None,
        }
    }

    pub fn change(&mut self, subscription: &Subscription, is_resumed: bool, at: At) {
        self.paused_ms = subscription.paused_at.map(|_| self.paused_ms.unwrap_or(at.ms));
        self.versions.push((at.ms, subscription.clone()));
        if is_resumed {
            self.is_back(at);
        }
    }

    fn is_back(&mut self, at: At) {
        (self.off, self.hold) = (None, None);
        (self.failing_since, self.failures) = (None, 0);
        self.back = Some(Back { at, calls: 0 });
    }

    pub fn record(&mut self, attempt: &Attempt, rules: &Rules, at: At) {
        match attempt.next {
            Next::Expired if attempt.outcome == Outcome::Untried => {}
            Next::Recovered => self.is_back(at),
            Next::Delivered | Next::Aborted if self.off.is_none() => {
                (self.failing_since, self.failures) = (None, 0);
                // A hint that is over does not come back with a clock that a restart sets back.
                self.hold = self.hold.filter(|(_, until)| *until > at.now);
                if attempt.next == Next::Aborted {
                    self.hinted(attempt, at);
                }
            }
            Next::Delivered => {}
            Next::Aborted => self.hinted(attempt, at),
            Next::Probed => {
                self.failed(at);
                if let Some(Off {
                    probe_at: Some(probe_at),
                    ..
                }) = &mut self.off
                {
                    let hint_ms = attempt.outcome.retry_after_ms().unwrap_or(0);
                    *probe_at = at
                        .now
                        .plus_ms(rules.probe_every_ms.max(hint_ms.min(DELAY_MAX_MS)));
                }
            }
            Next::Disabled(_) => {
                self.failed(at);
                self.switch_off(at, None);
            }
            Next::Retry { .. } | Next::Exhausted | Next::Expired => {
                self.failed(at);
                self.hinted(attempt, at);
                let for_ms = self.failing_since.map_or(0, |since| at.now.since(since));
                let is_lost = for_ms >= rules.disable_after_ms && self.failures >= rules.disable_failures_min;
                if is_lost && self.off.is_none() {
                    self.switch_off(at, Some(at.now.plus_ms(rules.probe_every_ms)));
                }
            }
        }
    }

    fn hinted(&mut self, attempt: &Attempt, at: At) {
        if let Some(hint_ms) = attempt.outcome.retry_after_ms() {
            let until = at.now.plus_ms(hint_ms.min(DELAY_MAX_MS));
            let longer = self.hold.filter(|(_, known)| *known >= until);
            self.hold = longer.or(Some((at.ms, until)));
        }
    }

    fn failed(&mut self, at: At) {
        let since = self.failing_since.filter(|since| *since <= at.now);
        self.failing_since = Some(since.unwrap_or(at.now));
        self.failures += 1;
    }

    fn switch_off(&mut self, at: At, probe_at: Option<UnixMs>) {
        let since_ms = self.off.map_or(at.ms, |off| off.since_ms);
        self.off = Some(Off { since_ms, probe_at });
    }

    pub fn is_off(&self) -> bool {
        self.deleted_ms.is_some() || self.paused_ms.is_some() || self.off.is_some()
    }

    /// Somebody has to say that it is back.
    pub fn wants_resuming(&self) -> bool {
        let for_good = self.off.is_some_and(|off| off.probe_at.is_none());
        self.deleted_ms.is_none() && (self.paused_ms.is_some() || for_good)
    }

    /// The newest state, and those that were in force at any time from this one on.
    pub fn since(&self, ms: u64) -> impl DoubleEndedIterator<Item = &Subscription> {
        let newer = self.versions.iter().filter(|(at_ms, _)| *at_ms >= ms).count();
        let from = self.versions.len().saturating_sub(newer + 1);
        self.versions[from..].iter().map(|(_, subscription)| subscription)
    }

    pub fn since_ms(&self) -> u64 {
        self.versions[0].0
    }

    pub fn all(&self) -> impl Iterator<Item = &Subscription> {
        self.versions.iter().map(|(_, subscription)| subscription)
    }

    pub fn back(&self) -> Option<Back> {
        self.back
    }

    /// One more call; why it must not be made, if it must not. What became durable in this very millisecond may have come after it.
    pub fn call(&mut self, (ms, steady): (u64, UnixMs), in_flight: usize) -> Result<(), &'static str> {
        let known = |since_ms: u64| since_ms < ms;
        // A wait of more than a day was begun by a clock that has been set back at a restart.
        let is_ahead = |at: UnixMs| (1..=DELAY_MAX_MS).contains(&at.since(steady));
        if let Some(back) = &mut self.back {
            back.calls += 1;
        }
        if self.deleted_ms.is_some_and(known) {
            return Err("deleted");
        }
        if self.paused_ms.is_some_and(known) {
            return Err("paused");
        }
        if let Some(off) = self.off.filter(|off| known(off.since_ms)) {
            let probe_at = off.probe_at.ok_or("disabled until it is resumed")?;
            if is_ahead(probe_at) {
                return Err("disabled, and not to be probed yet");
            }
            if in_flight > 1 {
                return Err("probed while something is under way to it");
            }
        }
        match self.hold {
            Some((noted_ms, until)) if self.off.is_none() && known(noted_ms) && is_ahead(until) => {
                Err("still to be left alone, by its own hint")
            }
            _ => Ok(()),
        }
    }
}
