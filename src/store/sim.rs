//! The simulated store: the same commits and queries over a map in memory that keeps what is synced apart from what is not,
//! so that a test can cut the power at any point. It never touches a disk, so it is no store to run a gateway on.

mod disk;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

pub use self::disk::Disk;
use super::execute::{Group, Writer};
use super::inbound_log::InboundLog;
use super::keys::Tree;
use super::live::Live;
use super::plan::Plan;
use super::query::Query;
use super::vault::Vault;
use super::{Commit, Committed, Error, Kept, Queried, Store, Ticket, Work};
use crate::core::time::{Moment, UnixMs};

/// When pending commits reach the simulated disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// With every commit.
    AtOnce,
    /// When the test calls `sync`.
    ByHand,
}

struct Inner {
    writer: Writer<Disk>,
    group: Group,
    waiting: Vec<(oneshot::Sender<Result<Committed, Error>>, Committed)>,
}

pub struct Simulated {
    inner: Mutex<Inner>,
    live: Arc<Live>,
    vault: Vault,
    sync: Sync,
    healthy: AtomicBool,
    closed: AtomicBool,
}

impl Simulated {
    /// Opens what is on this disk.
    pub fn open(disk: Disk, vault: Vault, sync: Sync) -> Result<Self, Error> {
        let live = Arc::new(Live::default());
        let last_seq = Query {
            rows: &disk,
            vault: &vault,
        }
        .load(&live)?;
        let inbound_log = InboundLog::load(&disk)?;
        let audit = Query {
            rows: &disk,
            vault: &vault,
        }
        .audit_head()?;
        let writer = Writer {
            inbound_log,
            audit,
            rows: disk,
            vault: vault.clone(),
            live: live.clone(),
            last_seq,
        };
        let inner = Mutex::new(Inner {
            writer,
            group: Group::default(),
            waiting: Vec::new(),
        });
        let (healthy, closed) = (AtomicBool::new(true), AtomicBool::new(false));
        Ok(Self {
            inner,
            live,
            vault,
            sync,
            healthy,
            closed,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes everything pending durable and answers it; says how many commits that were.
    pub fn sync(&self) -> usize {
        let mut inner = self.lock();
        let mut group = std::mem::take(&mut inner.group);
        // The simulated disk reads without fail, so there is nothing else to do about an error.
        let _ = inner.writer.trim(&mut group);
        group
            .rows
            .into_iter()
            .for_each(|row| inner.writer.rows.write(row));
        self.live.apply(group.facts);
        // The simulated disk answers every read.
        let _ = inner.writer.top_up();
        let waiting = std::mem::take(&mut inner.waiting);
        let count = waiting.len();
        waiting
            .into_iter()
            .for_each(|(answer, committed)| drop(answer.send(Ok(committed))));
        count
    }

    /// The next sync fails: what is pending is not acknowledged, and nothing is after it.
    pub fn fail_sync(&self) {
        self.healthy.store(false, Ordering::Release);
        let mut inner = self.lock();
        inner.group = Group::default();
        let waiting = std::mem::take(&mut inner.waiting);
        waiting
            .into_iter()
            .for_each(|(answer, _)| drop(answer.send(Err(broken()))));
    }

    /// What a power cut at this moment leaves behind; pending commits are not in it.
    pub fn cut_power(&self) -> Disk {
        self.lock().writer.rows.clone()
    }

    fn submit(
        &self,
        commit: Commit,
        now: Moment,
    ) -> Result<oneshot::Receiver<Result<Committed, Error>>, Error> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        if !self.is_healthy() {
            return Err(broken());
        }
        let plan = Plan::new(commit, &self.vault, now)?;
        let (answer, answered) = oneshot::channel();
        let mut inner = self.lock();
        let Inner {
            writer,
            group,
            waiting,
        } = &mut *inner;
        let committed = writer.execute(plan, group)?;
        waiting.push((answer, committed));
        drop(inner);
        if self.sync == Sync::AtOnce {
            self.sync();
        }
        Ok(answered)
    }
}

fn broken() -> Error {
    Error::Broken("the simulated disk failed to sync".into())
}

impl Queried for Simulated {
    type Rows = Disk;

    fn query<T>(&self, read: impl FnOnce(Query<'_, Self::Rows>) -> Result<T, Error>) -> Result<T, Error> {
        read(Query {
            rows: &self.lock().writer.rows,
            vault: &self.vault,
        })
    }
}

impl Store for Simulated {
    fn commit(&self, commit: Commit, now: Moment) -> Ticket {
        match self.submit(commit, now) {
            Ok(answered) => Box::pin(async { answered.await.unwrap_or(Err(Error::Closed)) }),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn live(&self) -> &Live {
        &self.live
    }

    fn run(&self, work: Work) {
        work();
    }

    fn drop_old_logs(&self, now: UnixMs, kept: Kept) -> Result<usize, Error> {
        let rows = &mut self.lock().writer.rows.0;
        let mut old: Vec<Tree> = rows.keys().map(|(tree, _)| *tree).collect();
        old.retain(|tree| tree.is_over(now, kept));
        old.dedup();
        rows.retain(|(tree, _), _| !old.contains(tree));
        Ok(old.len())
    }

    fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Acquire)
    }

    fn close(&self) {
        self.sync();
        self.closed.store(true, Ordering::Release);
    }
}
