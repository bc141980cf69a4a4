//! What the world outside knows: what it asked of the gateway, what was promised to it, and what it heard. No crash reaches this.

use std::collections::{BTreeMap, BTreeSet};

use ringback::carrier::simulate::Draft;
use ringback::core::id::{AccountId, EventId, RentalId, ReplayId, SubscriptionId, VerificationId};
use ringback::core::outbound::State;
use ringback::core::rental::Rental;
use ringback::core::time::{Moment, UnixMs};

/// A carrier's own name for a message: the source it comes by, and its id there.
pub type CarrierId = (&'static str, String);

#[derive(Debug)]
pub struct Sms {
    pub draft: Draft,
    /// Of a part of a longer message: its user data header, as in a query.
    pub udh: Option<String>,
    /// The carrier heard 2xx.
    pub is_acknowledged: bool,
    /// A carrier still has it to bring.
    pub is_open: bool,
}

#[derive(Debug)]
pub struct Subscribed {
    pub id: SubscriptionId,
    pub account: AccountId,
    pub host: String,
    /// The keys it was told, oldest first, as they can be shown.
    pub keys: Vec<String>,
    /// False while, or because, an answer with a new one is missing.
    pub knows_all_keys: bool,
    pub until_ms: Option<u64>,
}

/// What a poll came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    Settled(Box<Rental>),
    Pending,
    Refused(String),
    HungUp,
    /// The gateway died.
    Lost,
}

#[derive(Debug)]
pub struct Poll {
    pub rental: RentalId,
    pub began_ms: u64,
    pub wait_ms: u64,
    /// The gateway was asked to stop.
    pub drained: bool,
    pub ended: Option<(u64, Ended)>,
}

/// What came of a call, as the subscriber sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    UnderWay,
    /// The gateway died, or stopped, before it knew.
    CutOff,
    Accepted,
    Refused(u16),
    /// An answer never came to the gateway, whether or not the call was heard.
    Failed,
}

/// One call to a subscriber.
#[derive(Debug)]
pub struct Sent {
    pub subscription: SubscriptionId,
    pub event: EventId,
    pub began_ms: u64,
    /// The gateway's clocks.
    pub now: Moment,
    /// Attempts that were on the disk by then, and from when on it was owed.
    pub recorded: usize,
    pub due_at: Option<UnixMs>,
    /// Which life of the gateway it was.
    pub boot: usize,
    /// Its subscriber was well, and so was the gateway, for so long.
    pub well_ms: u64,
    pub came: Came,
    /// When it ended, in virtual time.
    pub ended_ms: Option<u64>,
}

/// A code on its way to a person, and what they made of it.
#[derive(Debug)]
pub struct Code {
    pub account: AccountId,
    pub id: VerificationId,
    pub code: String,
    /// When a provider first had it, in virtual time.
    pub had_ms: u64,
    /// Which life of the gateway it was.
    pub boot: usize,
    /// Guesses of which the gateway said whether they are right.
    pub judged: usize,
    pub approved: usize,
    /// It was told to be taken back.
    pub is_taken_back: bool,
}

#[derive(Debug, Default)]
pub struct Books {
    pub messages: BTreeMap<CarrierId, Sms>,
    pub rentals: Vec<(AccountId, RentalId)>,
    pub cancelled: BTreeSet<RentalId>,
    /// Messages that were sent, by their carrier's id: what was reported and acknowledged.
    pub outbound: BTreeMap<String, Option<State>>,
    pub subscribed: Vec<Subscribed>,
    pub polls: Vec<Poll>,
    /// Acknowledged, and by whom they were asked for.
    pub replays: Vec<(AccountId, ReplayId)>,
    /// The newest state of a rental that anyone was shown.
    pub shown: BTreeMap<RentalId, Rental>,
    /// Codes that were sent, in the order of their starts.
    pub codes: Vec<Code>,
    pub sent: Vec<Sent>,
    /// The types of event of which each host has heard one, which was held to its schema.
    pub heard: BTreeSet<(String, String)>,
    /// The places in it.
    pub by_delivery: BTreeMap<(SubscriptionId, EventId), Vec<usize>>,
    /// Acknowledged since the last look, and so to be looked for on the disk.
    pub unchecked: Vec<CarrierId>,
    /// What was seen to be wrong in the moment it happened: the invariant's number, and what it was.
    pub wrong: Vec<(u8, String)>,
}

impl Books {
    /// The calls of one delivery, oldest first.
    pub fn calls(&self, subscription: SubscriptionId, event: EventId) -> impl Iterator<Item = &Sent> {
        let places = self.by_delivery.get(&(subscription, event)).into_iter().flatten();
        places.map(|place| &self.sent[*place])
    }

    /// Parts that cannot be told from this one: the same text under the same number of the same set. The gateway takes them for one.
    pub fn twins(&self, id: &CarrierId) -> impl Iterator<Item = &CarrierId> {
        let of = |sms: &Sms| (sms.udh.clone(), sms.draft.to.clone(), sms.draft.text.clone());
        let part = self.messages.get(id).filter(|sms| sms.udh.is_some()).map(of);
        let all = self.messages.iter().filter(move |(_, sms)| part == Some(of(sms)));
        all.map(|(id, _)| id)
    }

    pub fn subscribed(&self, id: SubscriptionId) -> Option<&Subscribed> {
        self.subscribed.iter().find(|known| known.id == id)
    }
}
