//! What the product does, in no transport's words: messages in, rentals, held polls, subscriptions. HTTP is in `http`, sending in `dispatch`.

mod accounts;
mod acquire;
mod claims;
mod deliveries;
mod delivery_log;
mod draft;
mod feed;
mod inbound;
mod inbound_log;
mod keys;
mod limits;
mod making;
mod messages;
mod numbers;
mod once;
mod outbound;
mod partner;
mod parts;
mod poll;
mod rentals;
mod replays;
mod seen;
mod sending;
mod services;
mod sources;
mod subscriptions;
mod supply;
mod sweep;
mod trial;
mod unmatched;
mod usage;
mod verify;
pub mod waiters;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Notify, Semaphore, watch};

use crate::carrier::Reject;
use crate::clock::Clock;
use crate::core::account::Limits;
use crate::core::allowance::Allowance;
use crate::core::id::AccountId;
use crate::core::money::Price;
use crate::core::number;
use crate::core::once::Answered;
use crate::core::otp::{Engine, Extraction, Filter};
use crate::core::rental::AlreadyOver;
use crate::core::signature::SigningKey;
use crate::core::subscription::Settings;
use crate::core::time::UnixMs;
use crate::store::{self, Commit, Committed, Store};
use crate::supplier::Refusal;
use crate::telemetry::Metrics;

pub use crate::core::service::{Capability, Service};
pub use accounts::KnownAccount;
pub use acquire::AcquireRules;
pub use deliveries::{DeliveriesWish, Redelivered};
pub use delivery_log::{LogPage, LogWish};
pub use feed::{Feed, Follower, Following};
pub use inbound::Inbound;
pub use inbound_log::{CaptureFilter, InboundLog, LogRules, Replayed};
use keys::Uses;
pub use keys::{KeyWish, KnownKey};
use limits::Rates;
use making::Making;
pub use messages::{MessagesPage, MessagesWish};
pub use numbers::{NewNumber, NumbersWish};
use once::Underway;
pub use once::{Begun, First, Once};
pub use partner::Offer;
pub use poll::Code;
pub use rentals::Wish;
use replays::Replaying;
pub use replays::{ReplayRules, ReplayWish};
pub use sending::{Behalf, Carry, Carrying, Handover, Provider, Providers, Quote};
pub use services::NewService;
pub use sources::{Fetch, Source};
pub use subscriptions::{Known, NewKey};
pub use supply::{KnownSupplier, Supplier, Supply, Terms};
pub use trial::{TRIALS_MAX, Trial};
pub use unmatched::{Assignment, UnmatchedPage, UnmatchedWish};
pub use usage::UsagePage;
pub use verify::{
    Block, CallerWord, Consent, FiguresWish, Guess, Lift, NewestGuess, Preview, ProfileError, ProfilesWish,
    TextSent, TextWish, TriggerWish, VerifyError, VerifyRules, VerifyWish,
};
use waiters::Waiters;

/// Refuses a subscription whose URL must not be called or whose certificates cannot be used, with the reason.
pub type TargetCheck = Box<dyn Fn(&Settings) -> Result<(), String> + Send + Sync>;

/// The product's rules. Every number is a key of `config.toml`.
pub struct Rules {
    /// How long after its end a rental still gets its messages.
    pub grace_ms: u64,
    /// How long a rental keeps its number after a code came.
    pub linger_ms: u64,
    /// How numbers are waited for.
    pub acquire: AcquireRules,
    /// How numbers rest, and what takes them out of use.
    pub numbers: number::Rules,
    pub poll_default_s: u64,
    pub poll_max_s: u64,
    /// Between two signs of life on a stream that has no events.
    pub heartbeat_ms: u64,
    /// What an account may use that has no limits of its own.
    pub limits: Limits,
    /// Keys of one account.
    pub keys_max: usize,
    pub replay: ReplayRules,
    /// Days that events are kept after their own day; an older cursor is refused.
    pub log_days: u32,
    /// How long the answer to a request with a key of its client's is repeated.
    pub once_ms: u64,
    /// Days that usage is kept.
    pub usage_days: u32,
    /// The country a rental without a wish gets its number from.
    pub country: String,
    /// The service of a partner's rental that names none; `None` for the first one.
    pub partner_service: Option<String>,
    pub min_confidence: f32,
    /// How long after its latest part a message waits for the others.
    pub parts_wait_ms: u64,
    /// How many messages of one sender to one number may wait for parts.
    pub sets_per_sender_max: usize,
    /// How many messages may wait for parts in all.
    pub sets_max: usize,
    /// How long a message of nobody can be found and assigned.
    pub unmatched_ms: u64,
    /// Who hears of messages of nobody, and may look at them and assign them.
    pub operator: Option<AccountId>,
}

/// What the gateway is made of; `app` builds it.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub sources: HashMap<String, Source>,
    pub services: Vec<Service>,
    /// Who sells numbers that we have not.
    pub supply: Supply,
    pub rules: Rules,
    pub inbound_log: InboundLog,
    pub engine: Arc<Engine>,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub waiters: Waiters,
    pub target_check: TargetCheck,
    pub trial: Trial,
    /// Gets what a carrier's verified or verifiable request points to.
    pub fetch: Fetch,
    /// What a subscription without a key of its own is signed with; in `dev` only, else each gets a new one.
    pub dev_signing_key: Option<SigningKey>,
    /// Rung after every durable commit that may owe someone something.
    pub doorbell: Arc<Notify>,
    /// Turns true when the process is asked to stop: held polls answer at once.
    pub draining: watch::Receiver<bool>,
}

pub struct Gateway {
    parts: Parts,
    /// Codes that are sent and checked, where they are.
    verifying: Option<verify::Verifying>,
    providers: Providers,
    /// Those who wait for a number.
    line: acquire::Line,
    /// Places of attempts that are made to try a subscription.
    trials: Semaphore,
    uses: Uses,
    making: Making,
    replaying: Replaying,
    rates: Rates,
    underway: Underway,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the request is not signed by a key of this source")]
    Refused(Reject),
    /// As `Refused`, for a carrier that would give the message up on a 4xx although the fault may be ours.
    #[error("the request cannot be verified with the keys of this source now")]
    RefusedForNow(Reject),
    #[error("no request of this id is kept; `ringback inbound ls` lists them")]
    NoCapture,
    #[error(
        "the request was longer than inbound_log.body_bytes_max, so it is not kept whole and cannot be run through again"
    )]
    CutCapture,
    #[error(
        "the request is still refused: {0}. What of it is a credential is not kept: if you know that it is genuine, say so with --trust"
    )]
    StillRefused(Reject),
    #[error("the subscription could not be confirmed; try again")]
    Unconfirmed,
    #[error("no source of this name is configured")]
    UnknownSource,
    #[error("no provider {0} is configured; `ringback send ls` lists them")]
    NoProvider(String),
    #[error("no provider for {0} is configured; add a [[provider]]")]
    NoChannel(&'static str),
    #[error("no service \"{0}\": GET /api/verifications/services lists them")]
    UnknownService(String),
    #[error("no number is free for this request; try again when one has cooled down")]
    NoNumber,
    #[error(
        "no free number for this costs {0} USD or less; allow more, or try again when a cheaper one has cooled down"
    )]
    TooDear(Price),
    #[error("no number is free here, and no supplier can be asked for one now; try again shortly")]
    SuppliersAway,
    #[error("there is no such supplier; `ringback suppliers ls` lists them")]
    NoSuchSupplier,
    #[error("the supplier does not answer as it should: {0}")]
    SupplierRefused(Refusal),
    #[error("there is no such service; GET /admin/services lists them")]
    NoSuchService,
    #[error("there is no such number; `ringback numbers ls` lists them")]
    NoSuchNumber,
    #[error("not found")]
    NotFound,
    #[error(transparent)]
    AlreadyOver(#[from] AlreadyOver),
    #[error("{0}")]
    BadTarget(String),
    #[error("{0}")]
    BadSettings(String),
    #[error("an account may have {0} subscriptions; delete one first")]
    TooManySubscriptions(usize),
    #[error("an account may have {0} profiles (verify.profiles_max); delete one first")]
    TooManyProfiles(usize),
    #[error("an account may have {0} templates (verify.templates_max); change one instead")]
    TooManyTemplates(usize),
    #[error("too many polls are held for this {0}; let one end first")]
    TooManyPolls(&'static str),
    #[error("the account made more requests than it may, {} a minute; wait", .0.quota)]
    TooManyRequests(Allowance),
    #[error("the account has {0} rentals, as many as it may; cancel one or wait for an end")]
    TooManyRentals(usize),
    #[error("too many wait for a number; try again shortly")]
    LineFull,
    #[error("{0} requests of this account wait for a number already; let one end first")]
    TooManySeekers(usize),
    #[error("too many polls are held in all; try again shortly")]
    Crowded,
    #[error("the key is not valid, or not any more")]
    KeyGone,
    #[error("the account is disabled; ask the operator of this gateway")]
    AccountDisabled,
    #[error(
        "test keys work on a sandbox alone, where numbers and carriers are simulated: ringback dev; make a live key for this gateway"
    )]
    NoSandbox,
    #[error("there is no account {0}; `ringback accounts ls` lists them")]
    NoAccount(String),
    #[error("account {0} is there already")]
    AccountExists(String),
    #[error("account {0} was deleted; its id is free again on {1}, when what it owned is gone from the logs")]
    AccountHeld(String, UnixMs),
    #[error(
        "the account has {0} rentals that are not over; cancel them or wait for their end, then delete it"
    )]
    AccountInUse(usize),
    #[error("there is no key {0}; `ringback keys ls` lists them")]
    NoKey(String),
    #[error("an account may have {0} keys; revoke one first")]
    TooManyKeys(usize),
    #[error("the key was replaced already; rotate the one in its place")]
    KeyReplaced,
    #[error("\"cursor\" is the \"nextCursor\" of a page of this verification's messages")]
    NoSuchMessages,
    #[error(
        "there are more than {0} items in this time: ask for less of it, or read it by /api/usage/export"
    )]
    TooMuchUsage(usize),
    #[error("this Idempotency-Key was used for another request: give each request a key of its own")]
    OnceOther,
    #[error("the request with this Idempotency-Key is under way: ask again for its answer")]
    OnceUnderway,
    /// Not refused: it was made before, and this was answered.
    #[error("the request was answered before")]
    OnceAnswered(Box<Answered>),
    #[error("the message belongs to a rental already")]
    NotUnmatched,
    #[error("the message came to another number than this rental's, or before it began")]
    NotOfThisRental,
    #[error(
        "events behind this cursor are past their retention: begin again with after=oldest, and fetch what was missed by its own routes"
    )]
    CursorGone,
    #[error(
        "the subscription is disabled: resume it first (POST /api/webhooks/{{id}}/resume); what it is owed goes out then by itself"
    )]
    SubscriptionDisabled,
    #[error(
        "an account may have {0} replays running; wait for one to end, or cancel one (POST /api/replays/{{id}}/cancel)"
    )]
    TooManyReplays(usize),
    #[error("{0}")]
    BadReplay(String),
    #[error(
        "the event is past its retention and cannot be sent again; store.log_days says how long events are kept"
    )]
    EventGone,
    #[error("the state kept changing; try again")]
    Contended,
}

/// How often a decision is made again after a `Conflict` before the caller hears of it.
const DECISIONS_MAX: usize = 16;

impl Gateway {
    pub fn new(parts: Parts) -> Self {
        let waiters = parts.waiters.clone();
        let wake = move |account: &AccountId| waiters.wake(account);
        parts.store.live().on_event(Box::new(wake));
        Self {
            parts,
            providers: Providers::default(),
            verifying: None,
            line: acquire::Line::default(),
            trials: Semaphore::new(TRIALS_MAX),
            uses: Uses::default(),
            making: Making::default(),
            replaying: Replaying::default(),
            rates: Rates::default(),
            underway: Underway::default(),
        }
    }

    /// The same, with those who carry its messages out.
    pub fn with_providers(self, providers: Providers) -> Self {
        Self { providers, ..self }
    }

    pub fn rules(&self) -> &Rules {
        &self.parts.rules
    }

    pub fn now(&self) -> UnixMs {
        self.parts.clock.now()
    }

    pub fn metrics(&self) -> &Metrics {
        &self.parts.metrics
    }

    pub fn waiters(&self) -> &Waiters {
        &self.parts.waiters
    }

    pub fn store(&self) -> &dyn Store {
        &*self.parts.store
    }

    /// Serving, with a store that takes writes.
    pub fn is_ready(&self) -> bool {
        self.parts.store.is_healthy() && !self.is_draining()
    }

    pub fn is_draining(&self) -> bool {
        *self.parts.draining.borrow()
    }

    /// What the extractor of this gateway sees in a text: with the operator's rules and threshold.
    pub fn extract(&self, text: &str) -> Extraction {
        let filter = Filter {
            min_confidence: Some(self.parts.rules.min_confidence),
            ..Filter::default()
        };
        self.parts.engine.extract(text, &filter)
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        Ok(self.parts.store.commit(commit, self.parts.clock.moment()).await?)
    }

    /// Runs a query that may wait for the disk where that hurts nobody else.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Store) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, Error> {
        Ok(store::read(&self.parts.store, query).await?)
    }
}
