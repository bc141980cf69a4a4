//! The embedded store: sled behind one writer thread, group commit, and an fdatasync of our own after every flush,
//! because sled's flush survives a killed process but not a power cut.

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

use self::readers::Readers;
use self::trees::Trees;
use self::writer::Ask;
use super::live::Live;
use super::plan::Plan;
use super::query::Query;
use super::vault::Vault;
use super::{
    AttemptPlace, AuditPage, Commit, Committed, Counted, CounterPage, Error, Kept, Metered, Metering, Open,
    Page, Reading, Standings, StandingsPage, Store, Ticket, Work,
};
use crate::core::abuse::counter::Name;
use crate::core::attempt::Attempt;
use crate::core::capture::Capture;
use crate::core::event::Event;
use crate::core::id::{
    AccountId, CaptureId, MessageId, OutboundId, RentalId, Seq, SubscriptionId, VerificationId,
};
use crate::core::ingest::StoredMessage;
use crate::core::once::{Answered, OnceId};
use crate::core::outbound::Outbound;
use crate::core::rental::{MessageRef, Rental};
use crate::core::time::{Moment, UnixMs};
use crate::core::verification::Verification;
use crate::core::verification::address::To;

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

    fn query<T>(&self, read: impl FnOnce(Query<'_, Trees>) -> Result<T, Error>) -> Result<T, Error> {
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

    fn rental(&self, account: &AccountId, id: RentalId) -> Result<Option<Rental>, Error> {
        self.query(|q| q.rental(account, id))
    }

    fn rentals(
        &self,
        account: &AccountId,
        before: Option<RentalId>,
        limit: usize,
    ) -> Result<Vec<Rental>, Error> {
        self.query(|q| q.rentals(account, before, limit))
    }

    fn messages(&self, refs: &[MessageRef]) -> Result<Vec<StoredMessage>, Error> {
        self.query(|q| q.messages(refs))
    }

    fn message(&self, id: MessageId) -> Result<Option<StoredMessage>, Error> {
        self.query(|q| q.message(id))
    }

    fn outbound(&self, id: OutboundId) -> Result<Option<Outbound>, Error> {
        self.query(|q| q.outbound(id))
    }

    fn unmatched(&self, before: Option<&MessageRef>, limit: usize) -> Result<Vec<StoredMessage>, Error> {
        self.query(|q| q.unmatched(before, limit))
    }

    fn event(&self, seq: Seq) -> Result<Option<Event>, Error> {
        self.query(|q| q.event(seq))
    }

    fn events(&self, reading: &Reading) -> Result<Page, Error> {
        let newest = self.live.newest_event();
        self.query(|q| q.events(reading, newest))
    }

    fn newest_event(&self, account: &AccountId) -> Result<Option<Seq>, Error> {
        let newest = self.live.newest_event();
        self.query(|q| q.newest_of(account, newest))
    }

    fn standings(&self, reading: &Standings) -> Result<StandingsPage, Error> {
        let newest = self.live.newest_event();
        self.query(|q| q.standings(reading, newest))
    }

    fn attempts(
        &self,
        subscription: SubscriptionId,
        below: Option<AttemptPlace>,
        limit: usize,
    ) -> Result<Vec<Attempt>, Error> {
        self.query(|q| q.attempts(subscription, below, limit))
    }

    fn verification(&self, account: &AccountId, id: VerificationId) -> Result<Option<Verification>, Error> {
        self.query(|q| q.verification(account, id))
    }

    fn newest_verification(
        &self,
        account: &AccountId,
        to: (&str, &To),
        now: UnixMs,
    ) -> Result<Option<Verification>, Error> {
        self.query(|q| q.newest_verification(account, to, now))
    }

    fn verifications(
        &self,
        account: &AccountId,
        before: Option<VerificationId>,
        limit: usize,
    ) -> Result<Vec<Verification>, Error> {
        self.query(|q| q.verifications(account, before, limit))
    }

    fn verifications_to(
        &self,
        account: &AccountId,
        to: &To,
        limit: usize,
    ) -> Result<(Vec<Verification>, usize), Error> {
        self.query(|q| q.verifications_to(account, to, limit))
    }

    fn verifications_over(&self, steady: UnixMs, limit: usize) -> Result<Vec<(AccountId, Open)>, Error> {
        self.query(|q| q.verifications_over(steady, limit))
    }

    fn counters(&self, names: &[Name]) -> Result<Vec<Counted>, Error> {
        self.query(|q| q.counters(names))
    }

    fn all_counters(&self, after: Option<&[u8]>, limit: usize) -> Result<CounterPage, Error> {
        self.query(|q| q.all_counters(after, limit))
    }

    fn audit(&self, after: u64, limit: usize) -> Result<AuditPage, Error> {
        self.query(|q| q.audit(after, limit))
    }

    fn capture(&self, id: CaptureId) -> Result<Option<Capture>, Error> {
        self.query(|q| q.capture(id))
    }

    fn captures(&self, before: Option<CaptureId>, limit: usize) -> Result<Vec<Capture>, Error> {
        self.query(|q| q.captures(before, limit))
    }

    fn answered(&self, id: OnceId, since: UnixMs) -> Result<Option<Answered>, Error> {
        self.query(|q| q.answered(id, since))
    }

    fn usage(&self, reading: &Metering) -> Result<Metered, Error> {
        self.query(|q| q.usage(reading))
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
