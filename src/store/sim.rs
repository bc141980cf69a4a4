//! The simulated store: the same commits and queries over a map in memory that keeps what is synced apart from what is not,
//! so that a test can cut the power at any point. It never touches a disk, so it is no store to run a gateway on.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::execute::{Group, Writer};
use super::inbound_log::InboundLog;
use super::keys::Tree;
use super::live::Live;
use super::plan::Plan;
use super::query::Query;
use super::rows::{Pair, Row, Rows};
use super::vault::Vault;
use super::{
    AttemptPlace, Commit, Committed, Error, Page, Reading, Standings, StandingsPage, Store, Ticket, Work,
};
use crate::core::attempt::Attempt;
use crate::core::capture::Capture;
use crate::core::event::Event;
use crate::core::id::{AccountId, CaptureId, MessageId, OutboundId, RentalId, Seq, SubscriptionId};
use crate::core::ingest::StoredMessage;
use crate::core::outbound::Outbound;
use crate::core::rental::{MessageRef, Rental};
use crate::core::time::{Moment, UnixMs};

/// What would be found on the disk after a power cut.
#[derive(Debug, Clone, Default)]
pub struct Disk(BTreeMap<(Tree, Vec<u8>), Vec<u8>>);

impl Disk {
    /// Every stored byte, for a test that looks for what must not be there in the clear.
    pub fn bytes(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|((_, key), value)| key.iter().chain(value))
            .copied()
            .collect()
    }

    pub(super) fn write(&mut self, row: Row) {
        match row.value {
            Some(value) => drop(self.0.insert((row.tree, row.key), value)),
            None => drop(self.0.remove(&(row.tree, row.key))),
        }
    }

    fn range(&self, tree: Tree, prefix: &[u8]) -> impl DoubleEndedIterator<Item = Pair> {
        let from = Bound::Included((tree, prefix.to_vec()));
        let past = prefix.iter().rposition(|b| *b != u8::MAX).map(|at| {
            let mut past = prefix[..=at].to_vec();
            past[at] += 1;
            (tree, past)
        });
        let to = past.map_or(Bound::Unbounded, Bound::Excluded);
        self.0
            .range((from, to))
            .filter(move |((t, _), _)| *t == tree)
            .map(|((_, key), value)| (key.clone(), value.clone()))
    }
}

impl Rows for Disk {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.get(&(tree, key.to_vec())).cloned())
    }

    fn scan_up(
        &self,
        tree: Tree,
        prefix: &[u8],
        above: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error> {
        let up = self
            .range(tree, prefix)
            .filter(|(key, _)| above.is_none_or(|above| key.as_slice() > above));
        Ok(up.take(limit).collect())
    }

    fn scan_down(
        &self,
        tree: Tree,
        prefix: &[u8],
        below: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error> {
        let down = self
            .range(tree, prefix)
            .rev()
            .filter(|(key, _)| below.is_none_or(|below| key.as_slice() < below));
        Ok(down.take(limit).collect())
    }

    /// From one day's first row to the next's: a day may have many.
    fn log_days(&self) -> Vec<u32> {
        let (mut days, mut from) = (Vec::new(), Some(0));
        while let Some(day) = from
            && let Some(((Tree::Log(day), _), _)) = self.0.range((Tree::Log(day), Vec::new())..).next()
        {
            days.push(*day);
            from = day.checked_add(1);
        }
        days
    }
}

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
        let writer = Writer {
            inbound_log,
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

    fn capture(&self, id: CaptureId) -> Result<Option<Capture>, Error> {
        self.query(|q| q.capture(id))
    }

    fn captures(&self, before: Option<CaptureId>, limit: usize) -> Result<Vec<Capture>, Error> {
        self.query(|q| q.captures(before, limit))
    }

    fn drop_old_logs(&self, now: UnixMs, log_days: u32) -> Result<usize, Error> {
        let rows = &mut self.lock().writer.rows.0;
        let mut old: Vec<Tree> = rows.keys().map(|(tree, _)| *tree).collect();
        old.retain(|tree| tree.is_over(now, log_days));
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
