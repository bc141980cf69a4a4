//! Where a store lives, so that one question can be asked of each: it is opened, asked, closed and opened again.

use ringback::store::sim::{Simulated, Sync};
use ringback::store::sled::{Durability, Options, Sled};
use ringback::store::vault::Vault;
use ringback::store::{Commit, Committed, Error, Store, Ticket};
use tempfile::TempDir;

use ringback::core::time::UnixMs;

pub const MASTER: [u8; 32] = [7; 32];

pub trait Home {
    /// An empty store.
    fn new() -> Self;
    fn store(&self) -> &dyn Store;
    /// Closes the store and opens what it left.
    fn reopened(self) -> Self;

    fn hand_in(&self, commit: Commit, now: UnixMs) -> Ticket {
        self.store().commit(commit, now.into())
    }

    fn commit(&self, commit: Commit, now: UnixMs) -> Committed {
        wait(self.hand_in(commit, now)).unwrap()
    }

    /// Hands in all of them before any is waited for.
    fn commit_all(&self, commits: Vec<Commit>, now: UnixMs) -> Vec<Committed> {
        let tickets: Vec<Ticket> = commits
            .into_iter()
            .map(|commit| self.hand_in(commit, now))
            .collect();
        tickets.into_iter().map(|ticket| wait(ticket).unwrap()).collect()
    }
}

pub fn wait(ticket: Ticket) -> Result<Committed, Error> {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(ticket)
}

/// The options a test changes one of.
pub fn options(folder: &std::path::Path) -> Options {
    Options {
        folder: folder.to_owned(),
        durability: Durability::Power,
        queue_max: 4096,
        group_max: 64,
        disk_reserve_bytes: 0,
        cache_bytes: 16 << 20,
    }
}

pub struct OnSled {
    // Dropped first: a folder is removed only after its store is closed.
    pub store: Sled,
    pub folder: TempDir,
}

impl Home for OnSled {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            store: Sled::open(&options(folder.path()), &MASTER).unwrap(),
            folder,
        }
    }

    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn reopened(self) -> Self {
        let Self { store, folder } = self;
        drop(store);
        Self {
            store: Sled::open(&options(folder.path()), &MASTER).unwrap(),
            folder,
        }
    }
}

pub struct InMemory {
    store: Simulated,
}

impl Home for InMemory {
    fn new() -> Self {
        Self {
            store: Simulated::open(Default::default(), Vault::new(&MASTER), Sync::AtOnce).unwrap(),
        }
    }

    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn reopened(self) -> Self {
        let disk = self.store.cut_power();
        Self {
            store: Simulated::open(disk, Vault::new(&MASTER), Sync::AtOnce).unwrap(),
        }
    }
}
