//! Connections between calls, by origin. The guard's verdict stays with a connection: no second look-up.
//!
//! Nobody polls an idle HTTP/1.1 connection, so whether its server hung up is looked at when it is taken and by a
//! sweep from time to time. A shared HTTP/2 connection stays in the pool while calls use it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::connection::Connection;
use super::guard::Origin;

const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

pub(super) struct Limits {
    pub idle: Duration,
    /// After this a connection is not used again, so that a changed DNS record is heard of.
    pub age: Duration,
    pub per_origin: usize,
}

pub(super) struct Pool {
    limits: Limits,
    idle: Mutex<HashMap<Origin, Vec<Connection>>>,
}

impl Pool {
    /// Must be called within a runtime: the sweep is spawned on it and ends with the pool.
    pub fn start(limits: Limits) -> Arc<Self> {
        let pool = Arc::new(Self {
            limits,
            idle: Mutex::new(HashMap::new()),
        });
        let swept = Arc::downgrade(&pool);
        tokio::spawn(async move {
            let mut ticks = interval(SWEEP_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks.tick().await;
            while let Some(pool) = swept.upgrade() {
                pool.sweep();
                drop(pool);
                ticks.tick().await;
            }
        });
        pool
    }

    /// The connection used last, for it is the likeliest to be open still.
    pub fn take(&self, origin: &Origin) -> Option<Connection> {
        loop {
            let mut connection = {
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                let kept = idle.get_mut(origin)?;
                let connection = kept.pop()?;
                // A shared one is put back under the same lock, so that the next call does not dial.
                kept.extend(connection.share().filter(|shared| self.is_fresh(shared)));
                connection
            };
            if self.is_fresh(&connection) && connection.is_open() {
                return Some(connection);
            }
        }
    }

    /// Takes back what a call has finished with. Of shared connections one is kept: the latest.
    pub fn put(&self, origin: &Origin, mut connection: Connection) {
        connection.used_at = Instant::now();
        if !self.is_fresh(&connection) || !connection.is_open() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = idle.get_mut(origin) else {
            idle.insert(origin.clone(), vec![connection]);
            return;
        };
        kept.retain(|other| !(connection.is_shared() && other.is_shared()));
        if kept.len() < self.limits.per_origin {
            kept.push(connection);
        }
    }

    fn is_fresh(&self, connection: &Connection) -> bool {
        connection.used_at.elapsed() < self.limits.idle && connection.made_at.elapsed() < self.limits.age
    }

    fn sweep(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|_, kept| {
            kept.retain_mut(|connection| self.is_fresh(connection) && connection.is_open());
            !kept.is_empty()
        });
    }
}
