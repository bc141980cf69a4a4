//! Waiting for a number, in order: whoever rents stands in line, for a moment at least, so nobody passes those who wait. Numbers are
//! given out by going through the line; what nothing is free for lets the next one by. All of it is in memory: a hang-up, a drain or
//! a crash ends the waiting.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Sleep;

use super::{Error, Gateway};
use crate::core::id::AccountId;
use crate::core::turns::{Turn, Turns};
use crate::store::{Reserved, Store, Wanted};

/// How many may wait for a number. Every number is a key of `config.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcquireRules {
    /// A longer wish is cut to this.
    pub max_s: u64,
    pub waiters_max: usize,
    pub waiters_per_account_max: usize,
}

impl AcquireRules {
    /// The built-in configuration.
    pub fn standard() -> Self {
        Self {
            max_s: 300,
            waiters_max: 1000,
            waiters_per_account_max: 64,
        }
    }
}

/// A chosen number, which goes back to the others with the one who chose it: on a conflict, an error or a hang-up. Once it is leased,
/// nothing goes back.
pub(super) struct Held {
    store: Arc<dyn Store>,
    pub reserved: Reserved,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.store.live().give_back(&self.reserved);
    }
}

/// One who wants a number.
struct Seeker {
    wanted: Wanted,
    give: oneshot::Sender<Held>,
}

/// All who want a number.
#[derive(Default)]
pub(super) struct Line(Mutex<Seekers>);

#[derive(Default)]
struct Seekers {
    turns: Turns<Seeker>,
    /// What they want, and how many want it: thousands may want the same.
    wishes: HashMap<Wanted, usize>,
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Seekers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.lock().turns.count()
    }
}

impl Seekers {
    fn wish(&mut self, wanted: &Wanted) {
        *self.wishes.entry(wanted.clone()).or_default() += 1;
    }

    /// Without the one who has left.
    fn forget(&mut self, seeker: Option<Seeker>) -> Option<Seeker> {
        let seeker = seeker?;
        if let Some(count) = self.wishes.get_mut(&seeker.wanted) {
            *count -= 1;
            if *count == 0 {
                self.wishes.remove(&seeker.wanted);
            }
        }
        Some(seeker)
    }

    fn leave(&mut self, turn: Turn) {
        let gone = self.turns.leave(turn);
        self.forget(gone);
    }

    fn serve(&mut self, turn: Turn) -> Option<Seeker> {
        let served = self.turns.serve(turn);
        self.forget(served)
    }
}

/// A place in the line. Dropping it leaves, so a client that hangs up is gone at once.
pub(super) struct Seeking<'a> {
    gateway: &'a Gateway,
    account: &'a AccountId,
    wanted: Wanted,
    /// How long it stays in line if there is none at once.
    wait: Duration,
    /// Runs from the first waiting on.
    time_up: Option<Pin<Box<Sleep>>>,
    turn: Option<Turn>,
}

impl Drop for Seeking<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Gateway {
    /// How many wait for a number.
    pub fn waiting_for_numbers(&self) -> usize {
        self.line.count()
    }

    pub(super) fn seek<'a>(&'a self, account: &'a AccountId, wanted: Wanted, wait: Duration) -> Seeking<'a> {
        Seeking {
            gateway: self,
            account,
            wanted,
            wait,
            time_up: None,
            turn: None,
        }
    }

    /// Gives what is free to those who wait for it, in the order of their turns.
    pub(super) fn serve_line(&self) {
        let mut line = self.line.lock();
        let (live, now) = (self.parts.store.live(), self.parts.clock.now());
        let (mut served, mut in_vain) = (Vec::new(), HashSet::new());
        for (turn, seeker) in line.turns.iter() {
            if in_vain.len() == line.wishes.len() {
                break;
            }
            if in_vain.contains(&seeker.wanted) {
                continue;
            }
            match live.reserve(&seeker.wanted, now) {
                Some(reserved) => served.push((turn, reserved)),
                None => drop(in_vain.insert(&seeker.wanted)),
            }
        }
        for (turn, reserved) in served {
            let held = Held {
                store: self.parts.store.clone(),
                reserved,
            };
            if let Some(seeker) = line.serve(turn) {
                // Who is gone in this moment gives it back; the next look at the line finds it.
                drop(seeker.give.send(held));
            }
        }
    }
}

impl Seeking<'_> {
    /// The number that this one gets; `None` when there is none and the time is up. Asked again, it keeps its turn.
    pub async fn number(&mut self) -> Result<Option<Held>, Error> {
        let mut given = self.join()?;
        self.gateway.serve_line();
        if let Ok(held) = given.try_recv() {
            return Ok(Some(held));
        }
        if self.wait.is_zero() || self.gateway.is_draining() {
            self.leave();
            return Ok(given.try_recv().ok());
        }
        let mut draining = self.gateway.parts.draining.clone();
        let time_up = self
            .time_up
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(self.wait)));
        // A number that comes in the very last moment is taken, not missed.
        let held = tokio::select! {
            biased;
            held = &mut given => held.ok(),
            () = time_up => None,
            _ = draining.wait_for(|draining| *draining) => None,
        };
        Ok(held.or_else(|| {
            self.leave();
            given.try_recv().ok()
        }))
    }

    fn join(&mut self) -> Result<oneshot::Receiver<Held>, Error> {
        let rules = &self.gateway.parts.rules.acquire;
        let (give, given) = oneshot::channel();
        let seeker = Seeker {
            wanted: self.wanted.clone(),
            give,
        };
        let mut line = self.gateway.line.lock();
        if let Some(turn) = self.turn {
            line.wish(&self.wanted);
            line.turns.join_at(turn, self.account, seeker);
            return Ok(given);
        }
        let waits = !self.wait.is_zero();
        if waits && line.turns.count() >= rules.waiters_max {
            return Err(Error::LineFull);
        }
        if waits && line.turns.count_of(self.account) >= rules.waiters_per_account_max {
            return Err(Error::TooManySeekers(rules.waiters_per_account_max));
        }
        line.wish(&self.wanted);
        self.turn = Some(line.turns.join(self.account, seeker));
        Ok(given)
    }

    fn leave(&self) {
        if let Some(turn) = self.turn {
            self.gateway.line.lock().leave(turn);
        }
    }
}
