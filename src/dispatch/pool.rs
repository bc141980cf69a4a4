//! Connections between calls, by origin. The guard's verdict stays with a connection: no second look-up.
//!
//! Nobody polls an idle HTTP/1.1 connection: that its server hung up is noticed by the call that takes it, which then
//! makes a new one, and by a sweep from time to time. A shared HTTP/2 connection stays in the pool while calls use it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::connection::Connection;
use super::guard::Origin;

const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

pub(super) struct Limits {
    pub idle: Duration,
    /// After this a connection is not used again, so that a changed DNS record is heard of.
    pub age: Duration,
    pub per_origin: usize,
    pub total: usize,
}

impl Limits {
    fn are_kept_by(&self, connection: &Connection) -> bool {
        connection.used_at.elapsed() < self.idle && connection.made_at.elapsed() < self.age
    }
}

pub(super) struct Pool {
    limits: Limits,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    by_origin: HashMap<Origin, Vec<Connection>>,
    /// How many there are in all, shared ones included.
    count: usize,
}

impl Pool {
    /// Must be called within a runtime: the sweep is spawned on it and ends with the pool.
    pub fn start(limits: Limits) -> Arc<Self> {
        let pool = Arc::new(Self {
            limits,
            idle: Mutex::default(),
        });
        let swept = Arc::downgrade(&pool);
        tokio::spawn(async move {
            loop {
                sleep(SWEEP_INTERVAL).await;
                let Some(pool) = swept.upgrade() else { return };
                pool.sweep();
            }
        });
        pool
    }

    /// The connection used last, for it is the likeliest to be open still. Whether it is shows when it is used.
    pub fn take(&self, origin: &Origin) -> Option<Connection> {
        let mut idle = self.lock();
        loop {
            let connection = idle.pop(origin, &self.limits)?;
            if self.limits.are_kept_by(&connection) {
                return Some(connection);
            }
        }
    }

    /// Takes back what a call has finished with; it is closed instead beyond the limits, or when its reply was not
    /// read to the end.
    pub fn put(&self, origin: &Origin, mut connection: Connection) {
        connection.used_at = Instant::now();
        if !self.limits.are_kept_by(&connection) || !connection.is_open() {
            return;
        }
        self.lock().push(origin, connection, &self.limits);
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sweep(&self) {
        let mut idle = self.lock();
        idle.by_origin.retain(|_, kept| {
            kept.retain_mut(|connection| self.limits.are_kept_by(connection) && connection.is_open());
            !kept.is_empty()
        });
        idle.count = idle.by_origin.values().map(Vec::len).sum();
    }
}

impl Idle {
    /// A shared connection stays while it is fit for use, and a handle on it is given.
    fn pop(&mut self, origin: &Origin, limits: &Limits) -> Option<Connection> {
        let kept = self.by_origin.get_mut(origin)?;
        let connection = kept.pop()?;
        match connection.share().filter(|shared| limits.are_kept_by(shared)) {
            Some(shared) => kept.push(shared),
            None => self.count -= 1,
        }
        Some(connection)
    }

    /// Of shared connections one is kept, the latest.
    fn push(&mut self, origin: &Origin, connection: Connection, limits: &Limits) {
        let Some(kept) = self.by_origin.get_mut(origin) else {
            if self.count < limits.total {
                self.by_origin.insert(origin.clone(), vec![connection]);
                self.count += 1;
            }
            return;
        };
        if connection.is_shared()
            && let Some(last) = kept.iter_mut().find(|other| other.is_shared())
        {
            *last = connection;
        } else if kept.len() < limits.per_origin && self.count < limits.total {
            kept.push(connection);
            self.count += 1;
        }
    }
}
