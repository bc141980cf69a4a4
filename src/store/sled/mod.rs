//! The embedded store: sled behind one writer thread, group commit, and an fdatasync of our own after every flush,
//! because sled's flush survives a killed process but not a power cut.

mod examine;
mod open;
mod readers;
mod trees;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub use self::examine::{Examined, Folder, examine, folder};
use self::readers::Readers;
use self::trees::Trees;
use self::writer::Ask;
use super::live::Live;
use super::plan::Plan;
use super::query::Query;
use super::vault::Vault;
use super::{Commit, Committed, Error, Kept, Queried, Store, Ticket, Work};
use crate::core::time::{Moment, UnixMs};

/// How a store is opened. Every number is a key of `config.toml`, section `[store]`.
#[derive(Debug, Clone)]
pub struct Options {
    pub folder: PathBuf,
    pub durability: Durability,
    /// Commits that may wait for the writer; more answer `Busy`.
    pub queue_max: usize,
    /// Commits in one group.
    pub group_max: usize,
    /// Below this much free space, new messages and rentals are refused; deliveries go on.
    pub disk_reserve_bytes: u64,
    pub cache_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Flushed and fdatasynced: survives a power cut.
    Power,
    /// Flushed only: survives a crash of the process, not of the machine.
    Process,
}

/// The open store. Dropping it closes it.
pub struct Sled {
    live: Arc<Live>,
    vault: Vault,
    trees: Arc<Trees>,
    readers: Readers,
    asks: Mutex<Option<SyncSender<Ask>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    healthy: Arc<AtomicBool>,
    timings: Arc<writer::Timings>,
    /// Held open until it is closed: its lock tells a second process to stay out.
    lock: Mutex<Option<std::fs::File>>,
}

impl Sled {
    /// Opens or creates the store in this folder. Blocks; says what to do when it cannot.
    pub fn open(options: &Options, master: &[u8; 32]) -> Result<Self, Error> {
        open::open(options, master)
    }

    /// How long syncs took, for the metrics and the benchmark.
    pub fn timings(&self) -> &writer::Timings {
        &self.timings
    }

    fn ask(&self, ask: Ask) -> Result<(), Error> {
        let asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = asks.as_ref().ok_or(Error::Closed)?;
        sender.try_send(ask).map_err(|e| match e {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => Error::Closed,
        })
    }

    fn submit(
        &self,
        commit: Commit,
        now: Moment,
    ) -> Result<oneshot::Receiver<Result<Committed, Error>>, Error> {
        // Not numbers: a gateway adds those of its configuration at every start, and must start on a full disk too.
        let what = match &commit {
            Commit::Once(commit, _) => commit,
            commit => commit,
        };
        let grows = matches!(
            what,
            Commit::Receive(_) | Commit::Rent { .. } | Commit::LogInbound(..)
        ) || matches!(what, Commit::Verify(step) if step.begins_one());
        let plan = Plan::new(commit, &self.vault, now)?;
        let (answer, answered) = oneshot::channel();
        self.ask(Ask::Commit {
            plan: Box::new(plan),
            grows,
            answer,
        })?;
        Ok(answered)
    }
}

impl Queried for Sled {
    type Rows = Trees;

    fn query<T>(&self, read: impl FnOnce(Query<'_, Self::Rows>) -> Result<T, Error>) -> Result<T, Error> {
        trees::guarded(|| {
            read(Query {
                rows: &self.trees,
                vault: &self.vault,
            })
        })
    }
}

impl Store for Sled {
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
        self.readers.run(work);
    }

    fn drop_old_logs(&self, now: UnixMs, kept: Kept) -> Result<usize, Error> {
        let (answer, answered) = oneshot::channel();
        self.ask(Ask::DropLogs { now, kept, answer })?;
        answered.blocking_recv().unwrap_or(Err(Error::Closed))
    }

    fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Acquire)
    }

    fn close(&self) {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A writer that panicked has reported it by closing its channel; there is nothing left to join for.
            let _ = thread.join();
        }
        // Whoever still holds this store can read it, and write nothing more.
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Sled {
    fn drop(&mut self) {
        self.close();
    }
}
