//! What is on the disk, told by the commits that were synced, in their order: the plain reference that the invariants hold the
//! product against. It judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use ringback::core::attempt::Attempt;
use ringback::core::delivery::Due;
use ringback::core::event::Event;
use ringback::core::health::Rules;
use ringback::core::id::{EventId, MessageId, OutboundId, RentalId, ReplayId, Seq, SubscriptionId};
use ringback::core::ingest::StoredMessage;
use ringback::core::outbound::Outbound;
use ringback::core::rental::{Rental, Status};
use ringback::core::time::UnixMs;
use ringback::store::{Batch, Change, Commit, Committed, Filed, Novelty, OutboundChange};

use super::fare::Fare;
use super::tally::Tally;

/// When something became durable, and was decided: virtual time, the gateway's steady clock at its decision, and how often its wall clock was stepped before.
#[derive(Debug, Clone, Copy)]
pub struct At {
    pub ms: u64,
    /// When it was decided.
    pub decided_ms: u64,
    pub now: UnixMs,
    pub clock_changes: usize,
    /// The wall's clock was set ahead of the steady one: a start then counts on from there.
    pub was_set_ahead: bool,
    /// Which life of the gateway it was.
    pub boot: usize,
}

/// A stored message, and its rental as it was before.
#[derive(Debug)]
pub struct Kept {
    pub message: StoredMessage,
    pub was: Option<Rental>,
    /// When its number was given back, by our clock as it was then.
    pub given_back_at: Option<UnixMs>,
    /// Rentals that had this number by then and for long enough to be seen, as they were.
    pub holders: Vec<(Rental, At)>,
    pub at: At,
}

#[derive(Debug)]
pub struct Logged {
    pub seq: Seq,
    pub event: Event,
    pub targets: Vec<SubscriptionId>,
    pub at: At,
}

#[derive(Debug)]
pub struct Tried {
    pub attempt: Attempt,
    pub at: At,
}

/// What one commit did to the list of a rental's messages.
#[derive(Debug)]
pub struct Listed {
    pub rental: RentalId,
    pub before: Vec<MessageId>,
    pub after: Vec<MessageId>,
    /// The messages of this commit that belong to it.
    pub filed: Vec<StoredMessage>,
}

fn listed(rental: &Rental) -> Vec<MessageId> {
    rental.messages.iter().map(|place| place.id).collect()
}

#[derive(Debug, Default)]
pub struct Model {
    /// What carriers brought.
    pub kept: Vec<Kept>,
    /// All that is stored, as it was written last, and what of it is listed as nobody's.
    pub messages: BTreeMap<MessageId, StoredMessage>,
    pub strays: BTreeSet<MessageId>,
    pub listed: Vec<Listed>,
    /// Messages that were sent, as they are now, and what a commit took back of one.
    pub outbound: BTreeMap<OutboundId, Outbound>,
    pub taken_back: Vec<(Outbound, Outbound)>,
    pub logged: Vec<Logged>,
    pub tried: Vec<Tried>,
    /// As they are now, and when they were made.
    pub rentals: BTreeMap<RentalId, (Rental, At)>,
    /// When a rental gave its number back, by our clock as it was then.
    pub given_back_at: BTreeMap<RentalId, UnixMs>,
    /// When a rental was decided, in virtual time.
    pub settled_ms: BTreeMap<RentalId, u64>,
    pub fares: BTreeMap<SubscriptionId, Fare>,
    /// What is owed by itself, and from when on.
    pub due_at: BTreeMap<(SubscriptionId, Seq), UnixMs>,
    /// What was asked for again, whether or not it still is owed.
    pub again: BTreeMap<(SubscriptionId, Seq), Option<UnixMs>>,
    /// How many deliveries each replay asked for.
    pub replayed: BTreeMap<ReplayId, u64>,
    /// The places in `kept` of what a carrier calls by one id.
    pub by_carrier_id: BTreeMap<(String, String), Vec<usize>>,
    /// The places in `logged`, and in `tried`.
    pub by_event: BTreeMap<EventId, Vec<usize>>,
    pub by_message: BTreeMap<MessageId, Vec<usize>>,
    pub by_delivery: BTreeMap<(SubscriptionId, Seq), Vec<usize>>,
    /// Codes that are sent.
    pub tally: Tally,
}

impl Model {
    pub fn apply(&mut self, commit: &Commit, committed: &Committed, at: At) {
        let Committed::New(seq) = *committed else {
            return;
        };
        match commit {
            Commit::Receive(batch) => self.receive(batch, seq, at),
            Commit::Rent { change, .. } | Commit::End { change, .. } => self.change(change, seq, at),
            Commit::Release { rental, .. } => self.put(rental, at),
            Commit::Publish(event, targets) => {
                let seq = seq.expect("what is published has a sequence");
                self.log(event, targets, seq, at);
            }
            Commit::Record(attempt, rules) => self.record(attempt, rules, at),
            Commit::Replay(step) => {
                *self.replayed.entry(step.next.id).or_default() += step.deliveries.len() as u64;
                let asked = step.deliveries.iter();
                asked.for_each(|place| self.ask_again(*place, at));
                if let Some((heard, seq)) = step.event.as_ref().zip(seq) {
                    self.log(&heard.event, &heard.targets, seq, at);
                }
            }
            Commit::Reschedule(due, due_at) => self.owe_again_at(due, Some(*due_at)),
            Commit::Redeliver(id, seq) => self.ask_again((*id, *seq), at),
            Commit::Subscribe(subscription) => {
                self.fares.insert(subscription.id, Fare::new(subscription, at));
            }
            Commit::Resubscribe(subscription, health) => {
                let fare = self.fares.get_mut(&subscription.id);
                let fare = fare.expect("a subscription that was made is changed");
                fare.change(subscription, health.is_some(), at);
            }
            Commit::Unsubscribe(_, id) => {
                let fare = self.fares.get_mut(id).expect("a subscription that was made");
                fare.deleted_ms.get_or_insert(at.ms);
            }
            Commit::Supply(_) | Commit::ForgetPurchases(_) => {
                unreachable!("there is no supplier in this world")
            }
            Commit::Once(commit, _) => self.apply(commit, committed, at),
            Commit::Answer(..)
            | Commit::LogInbound(..)
            | Commit::TrimInboundLog(_)
            | Commit::Forget(_)
            | Commit::AddNumbers(_)
            | Commit::ChangeNumber(_)
            | Commit::SetService(..)
            | Commit::Access(_)
            | Commit::Profile(_) => {}
            Commit::Verify(step) => self.tally.step(step, at),
        }
    }

    fn receive(&mut self, batch: &Batch, last: Option<Seq>, at: At) {
        for filed in &batch.messages {
            self.keep(filed, at);
        }
        for (rental, _) in &batch.rentals {
            let before = self.rentals.get(&rental.id);
            let of_it = |filed: &&Filed| filed.message.owner == Ok(rental.id);
            self.listed.push(Listed {
                rental: rental.id,
                before: before.map(|(rental, _)| listed(rental)).unwrap_or_default(),
                after: listed(rental),
                filed: batch
                    .messages
                    .iter()
                    .filter(of_it)
                    .map(|filed| filed.message.clone())
                    .collect(),
            });
            self.put(rental, at);
        }
        for OutboundChange { next, .. } in &batch.outbound {
            let before = self.outbound.insert(next.id, next.clone());
            let shrunk = before.filter(|before| before.state > next.state);
            self.taken_back
                .extend(shrunk.map(|before| (before, next.clone())));
        }
        // The sequences of one commit follow one another.
        for (back, heard) in batch.events.iter().rev().enumerate() {
            let last = last.expect("a batch with events has a sequence");
            self.log(&heard.event, &heard.targets, Seq(last.0 - back as u64), at);
        }
    }

    fn keep(&mut self, filed: &Filed, at: At) {
        let message = &filed.message;
        if filed.is_unmatched {
            self.strays.insert(message.id);
        } else {
            self.strays.remove(&message.id);
        }
        self.messages.insert(message.id, message.clone());
        if filed.novelty == Novelty::Known {
            return;
        }
        let id = (message.source.clone(), message.carrier_message_id.clone());
        self.by_carrier_id.entry(id).or_default().push(self.kept.len());
        let on_number = |rental: &&(Rental, At)| message.to.number().as_ref() == Some(&rental.0.number);
        let was = message.owner.ok().and_then(|id| self.rentals.get(&id));
        self.kept.push(Kept {
            message: message.clone(),
            was: was.map(|(rental, _)| rental.clone()),
            given_back_at: message
                .owner
                .ok()
                .and_then(|id| self.given_back_at.get(&id))
                .copied(),
            holders: self.rentals.values().filter(on_number).cloned().collect(),
            at,
        });
    }

    fn change(&mut self, change: &Change, seq: Option<Seq>, at: At) {
        self.put(&change.rental, at);
        let seq = seq.expect("a changed rental has an event");
        self.log(&change.event, &change.targets, seq, at);
    }

    pub fn log(&mut self, event: &Event, targets: &[SubscriptionId], seq: Seq, at: At) {
        let place = self.logged.len();
        self.by_event.entry(event.id).or_default().push(place);
        if let Some(message) = event.message {
            self.by_message.entry(message).or_default().push(place);
        }
        for target in targets {
            // At once, or once it is first in line.
            self.due_at.insert((*target, seq), UnixMs(0));
        }
        self.logged.push(Logged {
            seq,
            event: event.clone(),
            targets: targets.to_vec(),
            at,
        });
    }

    fn put(&mut self, rental: &Rental, at: At) {
        let since = self.rentals.get(&rental.id).map_or(at, |(_, since)| *since);
        if rental.status != Status::Active {
            self.settled_ms.entry(rental.id).or_insert(at.ms);
        }
        if rental.closed {
            self.given_back_at.entry(rental.id).or_insert(rental.ends_at);
        }
        self.rentals.insert(rental.id, (rental.clone(), since));
    }

    fn ask_again(&mut self, place: (SubscriptionId, Seq), at: At) {
        let owed = self.again.entry(place).or_default();
        *owed = Some(owed.unwrap_or(at.now).min(at.now));
    }

    /// It is owed on at another time, or no more.
    fn owe_again_at(&mut self, due: &Due, at: Option<UnixMs>) {
        let place = (due.subscription, due.event);
        match (due.is_manual(), at) {
            (false, Some(at)) => drop(self.due_at.insert(place, at)),
            (false, None) => drop(self.due_at.remove(&place)),
            // Brought forward since, it stays owed as it is.
            (true, at) => {
                let owed = self.again.entry(place).or_default();
                if *owed == Some(due.due_at) {
                    *owed = at;
                }
            }
        }
    }

    fn record(&mut self, attempt: &Attempt, rules: &Rules, at: At) {
        if let Some(fare) = self.fares.get_mut(&attempt.due.subscription) {
            fare.record(attempt, rules, at);
        }
        let place = (attempt.due.subscription, attempt.due.event);
        self.by_delivery.entry(place).or_default().push(self.tried.len());
        self.owe_again_at(&attempt.due, attempt.next.owed_at(&attempt.due));
        self.tried.push(Tried {
            attempt: attempt.clone(),
            at,
        });
    }

    pub fn event(&self, id: EventId) -> Option<&Logged> {
        let place = *self.by_event.get(&id)?.first()?;
        self.logged.get(place)
    }

    /// How many attempts are on the disk.
    pub fn attempts(&self, subscription: SubscriptionId, event: Seq) -> usize {
        self.by_delivery.get(&(subscription, event)).map_or(0, Vec::len)
    }

    /// All that are on the disk, oldest first.
    pub fn attempts_of(&self, subscription: SubscriptionId, event: Seq) -> impl Iterator<Item = &Attempt> {
        let places = self.by_delivery.get(&(subscription, event)).into_iter().flatten();
        places.map(|place| &self.tried[*place].attempt)
    }
}
