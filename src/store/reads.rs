//! What the product reads of a store, and how that follows from the rows of one.

use super::query::Query;
use super::rows::Rows;
use super::{
    AttemptPlace, AuditPage, Counted, CounterPage, Error, Metered, Metering, Open, Page, Reading, Standings,
    StandingsPage, Store,
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
use crate::core::time::UnixMs;
use crate::core::verification::Verification;
use crate::core::verification::address::To;
use crate::core::verification::fallback::Place;

/// The queries of the product. They may wait for the disk: `store::read` runs them where that hurts nobody.
pub trait Reads {
    /// A rental that `live` no longer holds.
    fn rental(&self, account: &AccountId, id: RentalId) -> Result<Option<Rental>, Error>;
    fn rentals(
        &self,
        account: &AccountId,
        before: Option<RentalId>,
        limit: usize,
    ) -> Result<Vec<Rental>, Error>;
    fn messages(&self, refs: &[MessageRef]) -> Result<Vec<StoredMessage>, Error>;
    fn message(&self, id: MessageId) -> Result<Option<StoredMessage>, Error>;
    /// A message that was sent, or of which a report came before.
    fn outbound(&self, id: OutboundId) -> Result<Option<Outbound>, Error>;
    /// Messages that belong to nobody, newest first, starting below `before`.
    fn unmatched(&self, before: Option<&MessageRef>, limit: usize) -> Result<Vec<StoredMessage>, Error>;
    fn event(&self, seq: Seq) -> Result<Option<Event>, Error>;
    /// Some of an account's events, oldest first.
    fn events(&self, reading: &Reading) -> Result<Page, Error>;
    /// The sequence of an account's newest event.
    fn newest_event(&self, account: &AccountId) -> Result<Option<Seq>, Error>;
    /// How some of an account's events stand with subscriptions.
    fn standings(&self, reading: &Standings) -> Result<StandingsPage, Error>;
    /// The attempts for a subscription, newest event first, starting below a place.
    fn attempts(
        &self,
        subscription: SubscriptionId,
        below: Option<AttemptPlace>,
        limit: usize,
    ) -> Result<Vec<Attempt>, Error>;

    /// A code that was sent.
    fn verification(&self, account: &AccountId, id: VerificationId) -> Result<Option<Verification>, Error>;
    /// The newest that was sent to this address within a profile, of today and the day before.
    fn newest_verification(
        &self,
        account: &AccountId,
        to: (&str, &To),
        now: UnixMs,
    ) -> Result<Option<Verification>, Error>;
    /// Newest first, starting below `before`.
    fn verifications(
        &self,
        account: &AccountId,
        before: Option<VerificationId>,
        limit: usize,
    ) -> Result<Vec<Verification>, Error>;
    /// The newest of an account's to this address, whatever their profiles, and how many there are of them.
    fn verifications_to(
        &self,
        account: &AccountId,
        to: &To,
        limit: usize,
    ) -> Result<(Vec<Verification>, usize), Error>;
    /// Those whose end is due to be counted, the earliest first.
    fn verifications_over(&self, steady: UnixMs, limit: usize) -> Result<Vec<(AccountId, Open)>, Error>;
    /// All whose end is not counted yet, the latest first, starting below this one.
    fn verifications_open(&self, below: Option<Open>, limit: usize) -> Result<Vec<(AccountId, Open)>, Error>;
    /// Steps of codes that are due, the earliest first.
    fn steps_due(&self, steady: UnixMs, limit: usize) -> Result<Vec<(AccountId, Place)>, Error>;
    /// Records of abuse control: those of these names that there are.
    fn counters(&self, names: &[Name]) -> Result<Vec<Counted>, Error>;
    /// Some of all there are.
    fn all_counters(&self, after: Option<&[u8]>, limit: usize) -> Result<CounterPage, Error>;
    /// Lines of the audit log behind this one, oldest first.
    fn audit(&self, after: u64, limit: usize) -> Result<AuditPage, Error>;

    /// A row of the inbound log, whose newest are visible before they are durable.
    fn capture(&self, id: CaptureId) -> Result<Option<Capture>, Error>;
    /// Newest first, starting below `before`.
    fn captures(&self, before: Option<CaptureId>, limit: usize) -> Result<Vec<Capture>, Error>;

    /// What was answered, since then, to a request that may come again.
    fn answered(&self, id: OnceId, since: UnixMs) -> Result<Option<Answered>, Error>;

    /// What was used, by account and in the order in which it became durable.
    fn usage(&self, reading: &Metering) -> Result<Metered, Error>;
}

/// A store that is read by its rows.
pub trait Queried: Store {
    type Rows: Rows;

    fn query<T>(&self, read: impl FnOnce(Query<'_, Self::Rows>) -> Result<T, Error>) -> Result<T, Error>;
}

impl<S: Queried> Reads for S {
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
        let newest = self.live().newest_event();
        self.query(|q| q.events(reading, newest))
    }

    fn newest_event(&self, account: &AccountId) -> Result<Option<Seq>, Error> {
        let newest = self.live().newest_event();
        self.query(|q| q.newest_of(account, newest))
    }

    fn standings(&self, reading: &Standings) -> Result<StandingsPage, Error> {
        let newest = self.live().newest_event();
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

    fn verifications_open(&self, below: Option<Open>, limit: usize) -> Result<Vec<(AccountId, Open)>, Error> {
        self.query(|q| q.verifications_open(below, limit))
    }

    fn steps_due(&self, steady: UnixMs, limit: usize) -> Result<Vec<(AccountId, Place)>, Error> {
        self.query(|q| q.steps_due(steady, limit))
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
}
