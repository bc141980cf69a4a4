//! The simulated store with a fuse: at the commit of a given count the power goes, before or after the sync, and nobody is answered.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringback::core::abuse::counter::Name;
use ringback::core::attempt::Attempt;
use ringback::core::capture::Capture;
use ringback::core::event::Event;
use ringback::core::id::{
    AccountId, CaptureId, MessageId, OutboundId, RentalId, Seq, SubscriptionId, VerificationId,
};
use ringback::core::ingest::StoredMessage;
use ringback::core::once::{Answered, OnceId};
use ringback::core::outbound::Outbound;
use ringback::core::rental::{MessageRef, Rental};
use ringback::core::time::{Moment, UnixMs};
use ringback::core::verification::Verification;
use ringback::core::verification::address::To;
use ringback::store::sim::{Disk, Simulated, Sync};
use ringback::store::vault::Vault;
use ringback::store::{
    AttemptPlace, AuditPage, Commit, Counted, CounterPage, Error, Kept, Live, Metered, Metering, Open, Page,
    Reading, Standings, StandingsPage, Store, Ticket, Work,
};
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

    fn rental(&self, account: &AccountId, id: RentalId) -> Result<Option<Rental>, Error> {
        self.inner.rental(account, id)
    }

    fn rentals(
        &self,
        account: &AccountId,
        before: Option<RentalId>,
        limit: usize,
    ) -> Result<Vec<Rental>, Error> {
        self.inner.rentals(account, before, limit)
    }

    fn messages(&self, refs: &[MessageRef]) -> Result<Vec<StoredMessage>, Error> {
        self.inner.messages(refs)
    }

    fn message(&self, id: MessageId) -> Result<Option<StoredMessage>, Error> {
        self.inner.message(id)
    }

    fn outbound(&self, id: OutboundId) -> Result<Option<Outbound>, Error> {
        self.inner.outbound(id)
    }

    fn unmatched(&self, before: Option<&MessageRef>, limit: usize) -> Result<Vec<StoredMessage>, Error> {
        self.inner.unmatched(before, limit)
    }

    fn event(&self, seq: Seq) -> Result<Option<Event>, Error> {
        self.inner.event(seq)
    }

    fn events(&self, reading: &Reading) -> Result<Page, Error> {
        self.inner.events(reading)
    }

    fn newest_event(&self, account: &AccountId) -> Result<Option<Seq>, Error> {
        self.inner.newest_event(account)
    }

    fn standings(&self, reading: &Standings) -> Result<StandingsPage, Error> {
        self.inner.standings(reading)
    }

    fn verification(&self, account: &AccountId, id: VerificationId) -> Result<Option<Verification>, Error> {
        self.inner.verification(account, id)
    }

    fn newest_verification(
        &self,
        account: &AccountId,
        to: (&str, &To),
        now: UnixMs,
    ) -> Result<Option<Verification>, Error> {
        self.inner.newest_verification(account, to, now)
    }

    fn verifications(
        &self,
        account: &AccountId,
        before: Option<VerificationId>,
        limit: usize,
    ) -> Result<Vec<Verification>, Error> {
        self.inner.verifications(account, before, limit)
    }

    fn verifications_to(
        &self,
        account: &AccountId,
        to: &To,
        limit: usize,
    ) -> Result<(Vec<Verification>, usize), Error> {
        self.inner.verifications_to(account, to, limit)
    }

    fn verifications_over(&self, steady: UnixMs, limit: usize) -> Result<Vec<(AccountId, Open)>, Error> {
        self.inner.verifications_over(steady, limit)
    }

    fn counters(&self, names: &[Name]) -> Result<Vec<Counted>, Error> {
        self.inner.counters(names)
    }

    fn all_counters(&self, after: Option<&[u8]>, limit: usize) -> Result<CounterPage, Error> {
        self.inner.all_counters(after, limit)
    }

    fn audit(&self, after: u64, limit: usize) -> Result<AuditPage, Error> {
        self.inner.audit(after, limit)
    }

    fn attempts(
        &self,
        subscription: SubscriptionId,
        below: Option<AttemptPlace>,
        limit: usize,
    ) -> Result<Vec<Attempt>, Error> {
        self.inner.attempts(subscription, below, limit)
    }

    fn capture(&self, id: CaptureId) -> Result<Option<Capture>, Error> {
        self.inner.capture(id)
    }

    fn captures(&self, before: Option<CaptureId>, limit: usize) -> Result<Vec<Capture>, Error> {
        self.inner.captures(before, limit)
    }

    fn answered(&self, id: OnceId, since: UnixMs) -> Result<Option<Answered>, Error> {
        self.inner.answered(id, since)
    }

    fn usage(&self, reading: &Metering) -> Result<Metered, Error> {
        self.inner.usage(reading)
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
