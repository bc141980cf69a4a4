//! The simulated store with a fuse: at the commit of a given count the power goes, before or after the sync, and nobody is answered.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringback::core::time::{Moment, UnixMs};
use ringback::store::sim::{Disk, Simulated, Sync};
use ringback::store::vault::Vault;
use ringback::store::{Commit, Error, Kept, Live, Queried, Query, Store, Ticket, Work};
use tokio::sync::Notify;

/// When the power goes: at the commit of this count, handed in and not synced, or synced and not answered.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    pub at: usize,
    pub synced: bool,
}

pub struct Fused {
    inner: Simulated,
    commits: AtomicUsize,
    cut: Option<Cut>,
    /// Rung when the power has gone.
    pub blown: Notify,
}

impl Fused {
    pub fn open(disk: Disk, cut: Option<Cut>) -> Self {
        let inner = Simulated::open(disk, Vault::new(&[7; 32]), Sync::ByHand).unwrap();
        Self {
            inner,
            commits: AtomicUsize::new(0),
            cut,
            blown: Notify::new(),
        }
    }

    /// Commits handed in so far.
    pub fn commits(&self) -> usize {
        self.commits.load(Ordering::Relaxed)
    }

    /// What the power cut left.
    pub fn disk(&self) -> Disk {
        self.inner.cut_power()
    }
}

impl Queried for Fused {
    type Rows = <Simulated as Queried>::Rows;

    fn query<T>(&self, read: impl FnOnce(Query<'_, Self::Rows>) -> Result<T, Error>) -> Result<T, Error> {
        self.inner.query(read)
    }
}

impl Store for Fused {
    fn commit(&self, commit: Commit, now: Moment) -> Ticket {
        let count = self.commits.fetch_add(1, Ordering::Relaxed);
        match self.cut {
            Some(cut) if count > cut.at => Box::pin(pending()),
            Some(cut) if count == cut.at => {
                drop(self.inner.commit(commit, now));
                if cut.synced {
                    self.inner.sync();
                }
                self.blown.notify_one();
                Box::pin(pending())
            }
            _ => {
                let ticket = self.inner.commit(commit, now);
                self.inner.sync();
                ticket
            }
        }
    }

    fn live(&self) -> &Live {
        self.inner.live()
    }

    fn run(&self, work: Work) {
        self.inner.run(work);
    }

    fn drop_old_logs(&self, now: UnixMs, kept: Kept) -> Result<usize, Error> {
        self.inner.drop_old_logs(now, kept)
    }

    fn is_healthy(&self) -> bool {
        self.inner.is_healthy()
    }

    fn close(&self) {
        self.inner.close();
    }
}
