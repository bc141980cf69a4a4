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

    fn query<T>(&self, read: impl FnOnce(Query<'_, Disk>) -> Result<T, Error>) -> Result<T, Error> {
        read(Query {
            rows: &self.lock().writer.rows,
            vault: &self.vault,
        })
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
