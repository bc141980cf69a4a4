//! A commit translated into rows, guards and facts; done on the caller's thread, so that the one writer only checks and writes.

use std::sync::Arc;

use super::access;
use super::inbound_log::Keep;
use super::keys::{self, Tree};
use super::live::Fact;
use super::profiles;
use super::rows::Row;
use super::vault::Vault;
use super::verify;
use super::{Batch, Change, Commit, Error, Filed, Novelty, SetChange};
use crate::core::attempt::Attempt;
use crate::core::capture::Capture;
use crate::core::delivery::Due;
use crate::core::event::Event;
use crate::core::health::{self, Health};
use crate::core::id::{AccountId, MessageId, OutboundId, RentalId, ReplayId, Seq, SetId, SubscriptionId};
use crate::core::number::Number;
use crate::core::once::OnceId;
use crate::core::phone::PhoneNumber;
use crate::core::rental::{MessageRef, Rental};
use crate::core::service::Service;
use crate::core::subscription::Subscription;
use crate::core::time::{Moment, UnixMs};
use crate::core::usage::Usage;

/// What the writer is asked to do.
#[derive(Debug, Default)]
pub struct Plan {
    /// These messages must be new, or the answer is `Known`.
    pub new_messages: Vec<(MessageId, Novelty)>,
    /// The versions that the decision was made on, or the answer is `Conflict`.
    pub rentals_were: Vec<(AccountId, RentalId, u32)>,
    pub number_was: Option<(PhoneNumber, u32)>,
    pub unmatched_were: Vec<MessageRef>,
    /// With the versions that they get.
    pub outbound_were: Vec<(OutboundId, Option<u32>, u32)>,
    pub sets_were: Vec<(SetId, Option<u64>)>,
    pub subscription_was: Option<(SubscriptionId, u32)>,
    pub replay_was: Option<(ReplayId, Option<u32>)>,
    pub purchase_was: Option<(RentalId, Option<u32>)>,
    /// Neither in the inventory nor of another purchase, or the answer is `Conflict`.
    pub unheld: Option<PhoneNumber>,
    /// What somebody says that a subscription's health is; its row and fact are among the others.
    pub health: Option<(SubscriptionId, Health)>,
    pub rows: Vec<Row>,
    pub facts: Vec<Fact>,
    /// Get their sequences from the writer.
    pub events: Vec<(Arc<Event>, Vec<SubscriptionId>)>,
    /// What was used; it gets its place from the writer too.
    pub usage: Vec<Usage>,
    /// Judged by the writer, because it touches the subscription's health as it is then.
    pub attempt: Option<(Box<Attempt>, health::Rules)>,
    /// Deliveries that are owed once more, each if its subscription is still there.
    pub again: Vec<(SubscriptionId, Seq)>,
    /// This subscription must be there, or the answer is `Conflict`.
    pub must_be_there: Option<SubscriptionId>,
    /// A delivery that is done with unheard; what stands behind it in line is due then.
    pub forgotten: Option<Due>,
    /// A delivery that is due at another time.
    pub rescheduled: Option<(Due, UnixMs)>,
    /// Numbers to add where they are not known yet.
    pub new_numbers: Vec<Number>,
    /// There must be no answer of this id that is newer than this, or the answer is `Conflict`.
    pub once: Option<(OnceId, UnixMs)>,
    /// What of accounts and keys must be so, and what the writer adds.
    pub access: access::Guard,
    /// What of codes that are sent must be so, and what of them the writer adds.
    pub verify: verify::Guard,
    /// What of profiles and templates must be so.
    pub profiles: profiles::Guard,
    /// A row of the inbound log.
    pub capture: Option<Row>,
    /// What of the inbound log is to be kept from now on.
    pub keep: Option<Keep>,
    pub now: Moment,
}

impl Plan {
    pub fn new(commit: Commit, vault: &Vault, now: Moment) -> Result<Self, Error> {
        let mut plan = Self {
            now,
            ..Self::default()
        };
        match commit {
            Commit::Receive(batch) => plan.batch(*batch, vault)?,
            Commit::Rent { change, number } => {
                plan.number(number, vault)?;
                plan.change(*change, vault, false)?;
            }
            Commit::End { change, number } => {
                plan.number(number, vault)?;
                plan.change(*change, vault, true)?;
            }
            Commit::Release { rental, number } => {
                plan.number(number, vault)?;
                plan.guard(&rental);
                plan.rental(*rental, vault)?;
            }
            Commit::Record(attempt, rules) => plan.attempt = Some((attempt, rules)),
            Commit::Redeliver(subscription, event) => {
                plan.must_be_there = Some(subscription);
                plan.again.push((subscription, event));
            }
            Commit::Replay(step) => plan.replay(*step, vault)?,
            Commit::Supply(step) => plan.supply(*step, vault)?,
            Commit::ForgetPurchases(ids) => plan.forget_purchases(ids),
            Commit::Forget(due) => plan.forgotten = Some(due),
            Commit::Reschedule(due, at) => plan.rescheduled = Some((due, at)),
            Commit::Publish(event, targets) => plan.events.push((Arc::from(event), targets)),
            Commit::Subscribe(subscription) => {
                plan.subscription(*subscription, vault)?;
            }
            Commit::Resubscribe(subscription, health) => {
                debug_assert!(
                    subscription.version > 0,
                    "a changed subscription has a version before"
                );
                plan.subscription_was = Some((subscription.id, subscription.version - 1));
                if let Some(health) = health {
                    plan.health(subscription.id, health, vault)?;
                }
                plan.subscription(*subscription, vault)?;
            }
            Commit::Unsubscribe(account, id) => plan.unsubscribe(&account, id),
            Commit::AddNumbers(numbers) => plan.new_numbers = numbers,
            Commit::ChangeNumber(number) => plan.number(number, vault)?,
            Commit::SetService(name, service) => plan.service(name, service.map(Arc::from), vault)?,
            Commit::Once(commit, remembered) => plan = Self::once(*commit, &remembered, vault, now)?,
            Commit::Answer(id, at, answered) => plan.answer((id, at), answered.as_deref(), vault)?,
            Commit::Access(change) => plan.access(change, vault)?,
            Commit::Profile(step) => plan.profile(step, vault)?,
            Commit::Verify(step) => plan.verify(*step, vault)?,
            Commit::LogInbound(capture, keep) => plan.capture(&capture, keep, vault)?,
            Commit::TrimInboundLog(keep) => plan.keep = Some(keep),
        }
        Ok(plan)
    }

    fn capture(&mut self, capture: &Capture, keep: Keep, vault: &Vault) -> Result<(), Error> {
        let key = keys::capture(capture.id);
        let sealed = vault.seal(&key, capture)?;
        self.capture = Some(Row::put(Tree::of(capture.arrived_at()), key, sealed));
        self.keep = Some(keep);
        Ok(())
    }

    fn batch(&mut self, batch: Batch, vault: &Vault) -> Result<(), Error> {
        for filed in batch.messages {
            self.message(&filed, vault)?;
        }
        for place in batch.assigned {
            let (tree, key) = (Tree::of(place.at), keys::unmatched(place.at, place.id));
            self.rows.push(Row::delete(tree, key));
            self.unmatched_were.push(place);
        }
        for (rental, was) in batch.rentals {
            debug_assert!(rental.version > was, "a changed rental has a version before");
            self.rentals_were.push((rental.account.clone(), rental.id, was));
            self.rental(rental, vault)?;
        }
        for change in batch.outbound {
            let outbound = change.next;
            let key = keys::outbound(outbound.id);
            let sealed = vault.seal(&key, &outbound)?;
            self.rows
                .push(Row::put(Tree::of(outbound.created_at), key, sealed));
            self.outbound_were
                .push((outbound.id, change.was, outbound.version));
        }
        for change in batch.sets {
            self.set(change, vault)?;
        }
        self.verify(batch.verify, vault)?;
        self.usage = batch.usage;
        let events = batch.events.into_iter();
        self.events
            .extend(events.map(|heard| (Arc::new(heard.event), heard.targets)));
        Ok(())
    }

    fn message(&mut self, filed: &Filed, vault: &Vault) -> Result<(), Error> {
        let message = &filed.message;
        let (tree, key) = (Tree::of(message.received_at), keys::message(message.id));
        let sealed = vault.seal(&key, message)?;
        self.rows.push(Row::put(tree, key, sealed));
        if filed.is_unmatched {
            let key = keys::unmatched(message.received_at, message.id);
            self.rows.push(Row::put(tree, key, Vec::new()));
        }
        if filed.novelty == Novelty::NewForLong {
            let tree = Tree::seen(self.now.wall);
            self.rows.push(Row::put(tree, keys::seen(message.id), Vec::new()));
        }
        if filed.novelty != Novelty::Known {
            self.new_messages.push((message.id, filed.novelty));
        }
        Ok(())
    }

    fn set(&mut self, change: SetChange, vault: &Vault) -> Result<(), Error> {
        let key = keys::parts(change.id);
        self.sets_were.push((change.id, change.was));
        match change.next {
            Some(set) => {
                let sealed = vault.seal(&key, &set)?;
                self.rows.push(Row::put(Tree::State, key, sealed));
                self.facts.push(Fact::Parts(Arc::new(set)));
            }
            None => {
                self.rows.push(Row::delete(Tree::State, key));
                self.facts.push(Fact::PartsGone(change.id));
            }
        }
        Ok(())
    }

    pub(super) fn change(&mut self, change: Change, vault: &Vault, existed: bool) -> Result<(), Error> {
        let Change {
            rental,
            event,
            targets,
        } = change;
        if existed {
            self.guard(&rental);
        }
        self.rental(rental, vault)?;
        self.events.push((Arc::new(event), targets));
        Ok(())
    }

    /// The rental changed by one step, and nobody else changed it.
    pub(super) fn guard(&mut self, rental: &Rental) {
        debug_assert!(rental.version > 0, "a changed rental has a version before");
        self.rentals_were
            .push((rental.account.clone(), rental.id, rental.version - 1));
    }

    pub(super) fn rental(&mut self, rental: Rental, vault: &Vault) -> Result<(), Error> {
        let key = keys::rental(&rental.account, rental.id);
        let sealed = vault.seal(&key, &rental)?;
        self.rows
            .push(Row::put(Tree::of(rental.id.created_at()), key, sealed));
        self.facts.push(Fact::Rental(Arc::new(rental)));
        Ok(())
    }

    fn number(&mut self, number: Number, vault: &Vault) -> Result<(), Error> {
        debug_assert!(number.version > 0, "a changed number has a version before");
        self.number_was = Some((number.number.clone(), number.version - 1));
        let (row, fact) = number_row(number, vault)?;
        self.rows.push(row);
        self.facts.push(fact);
        Ok(())
    }

    fn service(&mut self, name: String, service: Option<Arc<Service>>, vault: &Vault) -> Result<(), Error> {
        let key = keys::service(&name);
        let sealed = vault.seal(&key, &(&name, service.as_deref()))?;
        self.rows.push(Row::put(Tree::State, key, sealed));
        self.facts.push(Fact::Service(name, service));
        Ok(())
    }

    pub(super) fn subscription(&mut self, subscription: Subscription, vault: &Vault) -> Result<(), Error> {
        let key = keys::subscription(&subscription.account, subscription.id);
        let sealed = vault.seal(&key, &subscription)?;
        self.rows.push(Row::put(Tree::State, key, sealed));
        self.facts.push(Fact::Subscription(Arc::new(subscription)));
        Ok(())
    }

    pub(super) fn unsubscribe(&mut self, account: &AccountId, id: SubscriptionId) {
        let keys = [keys::health(id), keys::subscription(account, id)];
        self.rows.extend(keys.map(|key| Row::delete(Tree::State, key)));
        self.facts.push(Fact::Unsubscribed(id));
    }

    fn health(&mut self, id: SubscriptionId, health: Health, vault: &Vault) -> Result<(), Error> {
        let (row, fact) = health_row(id, health, vault)?;
        self.rows.push(row);
        self.facts.push(fact);
        self.health = Some((id, health));
        Ok(())
    }
}

/// A health's row and fact.
pub fn health_row(id: SubscriptionId, health: Health, vault: &Vault) -> Result<(Row, Fact), Error> {
    let key = keys::health(id);
    let sealed = vault.seal(&key, &health)?;
    Ok((Row::put(Tree::State, key, sealed), Fact::Health(id, health)))
}

/// A number's row and fact.
pub fn number_row(number: Number, vault: &Vault) -> Result<(Row, Fact), Error> {
    let key = keys::number(vault.blind(&number.number));
    let sealed = vault.seal(&key, &number)?;
    Ok((Row::put(Tree::State, key, sealed), Fact::Number(Arc::new(number))))
}
