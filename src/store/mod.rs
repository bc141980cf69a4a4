//! What the product asks of a store: whole commits and queries in the product's words, and the promises that every store keeps.

mod access;
mod again;
mod deliveries;
mod execute;
mod fact;
mod feed;
mod inbound_log;
mod inventory;
pub mod keys;
mod listener;
mod live;
mod once;
mod owed;
mod plan;
mod profiles;
mod purchases;
mod query;
mod reads;
mod replays;
mod rows;
mod sets;
mod shelf;
pub mod sim;
pub mod sled;
mod standings;
mod steps;
mod usage;
pub mod vault;
mod verify;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::core::attempt::Attempt;
use crate::core::capture::Capture;
use crate::core::event::Event;
use crate::core::health::{self, Health};
use crate::core::id::{AccountId, MessageId, RentalId, Seq, SetId, SubscriptionId};
use crate::core::ingest::StoredMessage;
use crate::core::multipart::Set;
use crate::core::number::Number;
use crate::core::once::{Answered, OnceId};
use crate::core::outbound::Outbound;
use crate::core::rental::{MessageRef, Rental};
use crate::core::service::Service;
use crate::core::subscription::Subscription;
use crate::core::time::{Moment, UnixMs};
use crate::core::usage::Usage;

pub use access::{Access, Closing};
pub use feed::{Page, Reading};
pub use inbound_log::Keep;
pub use inventory::{Reserved, States, Wanted};
pub use live::Live;
pub use profiles::ProfileStep;
pub use purchases::{RentalStep, SupplyStep};
pub use query::Query;
pub use reads::{Queried, Reads};
pub use replays::ReplayStep;
pub use standings::{Standings, StandingsPage};
pub use usage::{Metered, Metering};
pub use verify::{AuditPage, Counted, CounterChange, CounterPage, Open, VerifyStep};

/// How many days what is dated is kept after its own day. Each is a key of `config.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub log_days: u32,
    pub usage_days: u32,
}

/// Where an attempt stands in its subscription's log: its event, and its number counted from 1.
pub type AttemptPlace = (Seq, u16);

/// A store's answer to a commit, when it is known to be on the disk.
pub type Ticket = Pin<Box<dyn Future<Output = Result<Committed, Error>> + Send>>;

/// A query that waits for the disk, and what is done with its answer.
pub type Work = Box<dyn FnOnce() + Send>;

/// The promises, tested by `tests/store_contract.rs` on every store:
/// 1. When a ticket resolves to `New`, all of that commit survives whatever happens to the process or the machine.
/// 2. A commit is there whole or not at all, also after a crash; commits are visible in the order of their tickets.
/// 3. Nothing is visible to a query before it is durable.
/// 4. `Known` and `Conflict` change nothing. `Conflict`: the decision was made on an older state; read and decide again.
/// 5. After a failed sync nothing is acknowledged any more: a failed fsync is never retried.
pub trait Store: Reads + Send + Sync + 'static {
    /// Hands in a commit. Never blocks; a full queue answers `Error::Busy` at once.
    fn commit(&self, commit: Commit, now: Moment) -> Ticket;

    /// The decoded small tables; reading them never blocks on the disk.
    fn live(&self) -> &Live;

    /// Runs what waits for the disk, where that hurts nobody: `read` hands its queries to it.
    fn run(&self, work: Work);

    /// Drops what ended longer ago than it is kept; answers how many trees that were.
    fn drop_old_logs(&self, now: UnixMs, kept: Kept) -> Result<usize, Error>;

    /// False once a sync has failed: stop acknowledging, report not ready, ask for a restart.
    fn is_healthy(&self) -> bool;

    /// Finishes what is queued and closes; later commits answer `Error::Closed`.
    fn close(&self);
}

/// Runs a query where its waiting for the disk hurts nobody else.
pub async fn read<T: Send + 'static>(
    store: &Arc<dyn Store>,
    query: impl FnOnce(&dyn Store) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (answer, answered) = oneshot::channel();
    let of = store.clone();
    store.run(Box::new(move || drop(answer.send(query(&*of)))));
    answered.await.unwrap_or(Err(Error::Damaged("a query panicked")))
}

/// The product's commits. Each is atomic.
#[derive(Debug, Clone)]
pub enum Commit {
    /// All that one carrier request brought with all that follows from it, or what a time-out brings about.
    Receive(Box<Batch>),
    /// A new rental and the number it takes. Guarded by the number's version.
    Rent {
        change: Box<Change>,
        number: Number,
    },
    /// A rental's end and its number given back. Guarded by both versions.
    End {
        change: Box<Change>,
        number: Number,
    },
    /// A completed rental gives its number back: nobody hears an event.
    Release {
        rental: Box<Rental>,
        number: Number,
    },
    /// One attempt, its reschedule, the subscription's health by these rules, and what the account hears of it.
    Record(Box<Attempt>, health::Rules),
    /// This event is owed to this subscription once more, beside what it is owed by itself, with all attempts before it; at most once at
    /// a time. Guarded by the subscription's being there.
    Redeliver(SubscriptionId, Seq),
    /// A replay made, taken one step on, or ended.
    Replay(Box<ReplayStep>),
    /// A purchase of a rental from a supplier, taken one step on, and what its rental becomes with it.
    Supply(Box<SupplyStep>),
    /// Purchases whose numbers have rested.
    ForgetPurchases(Vec<RentalId>),
    /// An owed delivery whose event or subscription is gone.
    Forget(crate::core::delivery::Due),
    /// An owed delivery that nobody has claimed is due at another time.
    Reschedule(crate::core::delivery::Due, UnixMs),
    /// An event that is about no rental, and whom it is owed to.
    Publish(Box<Event>, Vec<SubscriptionId>),
    Subscribe(Box<Subscription>),
    /// A subscription as its owner wants it now and, where somebody says so, its health. Guarded by its version.
    Resubscribe(Box<Subscription>, Option<Health>),
    Unsubscribe(AccountId, SubscriptionId),
    /// Adds numbers; those already known stay as they are.
    AddNumbers(Vec<Number>),
    /// A number as the operator wants it now. Guarded by its version.
    ChangeNumber(Number),
    /// A service as the operator wants it by its name; `None` withdraws it. The last word counts.
    SetService(String, Option<Box<Service>>),
    /// What a client may ask for again, with what is answered to it. Guarded besides by there being no such answer that counts.
    Once(Box<Commit>, Box<Remembered>),
    /// What is answered from now on to a request that was answered at this time; `None`: it made nothing after all.
    Answer(OnceId, UnixMs, Option<Box<Answered>>),
    /// Accounts and keys.
    Access(Access),
    /// A profile or a template that codes are sent by.
    Profile(ProfileStep),
    /// A step in the life of codes that are sent and checked.
    Verify(Box<VerifyStep>),
    /// A row of the inbound log. Promised is only that it is whole or not there: it is written with the next group that is synced, and
    /// never has a sync of its own.
    LogInbound(Box<Capture>, Keep),
    /// Lets go of what of the inbound log is too old or too much.
    TrimInboundLog(Keep),
}

/// What is answered to a request that may come again.
#[derive(Debug, Clone)]
pub struct Remembered {
    pub id: OnceId,
    pub answered: Answered,
    /// Answers from before this count no more.
    pub since: UnixMs,
}

/// What is written together or not at all. Guarded by the ids of new messages and the versions of all that it changes.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub messages: Vec<Filed>,
    /// Messages that are unmatched no more; each must be so until now.
    pub assigned: Vec<MessageRef>,
    /// Each rental once, as it will be, with the version that was decided on.
    pub rentals: Vec<(Rental, u32)>,
    /// Each set of parts once.
    pub sets: Vec<SetChange>,
    /// Each message that was sent once.
    pub outbound: Vec<OutboundChange>,
    /// What reports mean for the codes that were sent.
    pub verify: VerifyStep,
    /// In the order in which they are told.
    pub events: Vec<Heard>,
    /// What is metered by it.
    pub usage: Vec<Usage>,
}

/// A message to write.
#[derive(Debug, Clone)]
pub struct Filed {
    pub message: StoredMessage,
    pub novelty: Novelty,
    /// It belongs to nobody and is listed so.
    pub is_unmatched: bool,
}

/// Whether a message must be new, and how far back a repetition is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// It came from a carrier and must be new: by the logs, which go back for at least three days.
    New,
    /// As `New`, and known for at least 32 days.
    NewForLong,
    /// It was there, or is joined from what was there.
    Known,
}

/// A set of parts as it will be, or its end.
#[derive(Debug, Clone)]
pub struct SetChange {
    pub id: SetId,
    /// The version that was decided on; `None`: there was no such set.
    pub was: Option<u64>,
    pub next: Option<Set>,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
            && self.rentals.is_empty()
            && self.sets.is_empty()
            && self.outbound.is_empty()
    }
}

/// A message that was sent, as it will be.
#[derive(Debug, Clone)]
pub struct OutboundChange {
    /// The version that was decided on; `None`: nothing was heard of it.
    pub was: Option<u32>,
    pub next: Outbound,
}

/// An event and whom it is owed to.
#[derive(Debug, Clone)]
pub struct Heard {
    pub event: Event,
    pub targets: Vec<SubscriptionId>,
}

/// A rental as it will be, the event its account hears and whom that event is owed to.
#[derive(Debug, Clone)]
pub struct Change {
    pub rental: Rental,
    pub event: Event,
    pub targets: Vec<SubscriptionId>,
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// On the disk; the sequence of its last event, where there is one.
    New(Option<Seq>),
    /// These messages of it were there already. If there is more in it, decide again without them.
    Known(Vec<MessageId>),
    /// Decided on an older state.
    Conflict,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("the store's queue is full; try again shortly")]
    Busy,
    #[error("the store is closed")]
    Closed,
    #[error("the disk is nearly full: free space, then it accepts messages again without a restart")]
    DiskFull,
    #[error(
        "the store stopped after a failed write ({0}); restart the gateway, what it acknowledged is on the disk"
    )]
    Broken(Arc<str>),
    #[error("a stored record cannot be read: {0}")]
    Damaged(&'static str),
    #[error("reading the store failed: {0}")]
    Read(Arc<str>),
    #[error("{0}")]
    Open(String),
}
