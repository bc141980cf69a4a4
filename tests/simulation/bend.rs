//! Bugs planted in the disk: what it makes of a commit, seen or unseen by the model.

use std::sync::Arc;

use ringback::core::delivery::{Due, Next, Outcome};
use ringback::core::id::MessageId;
use ringback::core::number::{Number, Sharing, State};
use ringback::core::subscription::policy::Order;
use ringback::core::time::UnixMs;
use ringback::core::verification::Status;
use ringback::store::{Batch, Change, Commit, Store, VerifyStep};

use super::disk::Disk;
use super::plant::Plant;
use super::process::SAME_SERVICE_MS;

impl Disk {
    /// What a planted bug makes of a commit.
    pub(super) fn bent(&self, commit: Commit) -> Commit {
        let Some(plant) = self.world.upgrade().and_then(|world| world.plant) else {
            return commit;
        };
        match (plant, commit) {
            (Plant::OwesNobody, Commit::End { mut change, number }) => {
                change.targets.clear();
                Commit::End { change, number }
            }
            (Plant::RewritesHistory, Commit::Receive(mut batch)) => {
                let long = batch
                    .rentals
                    .iter_mut()
                    .filter(|(rental, _)| rental.messages.len() > 1);
                for (rental, _) in long {
                    rental.messages.remove(0);
                }
                Commit::Receive(batch)
            }
            (Plant::MetersTwice, Commit::Receive(mut batch)) => {
                batch.usage.extend(batch.usage.clone());
                Commit::Receive(batch)
            }
            (Plant::MetersNothing, Commit::Receive(mut batch)) => {
                batch.usage.clear();
                Commit::Receive(batch)
            }
            (Plant::IgnoresGone, Commit::Record(mut attempt, rules))
                if matches!(attempt.next, Next::Disabled(_)) =>
            {
                attempt.next = Next::Retry {
                    at: attempt.started_at.plus_ms(5000),
                };
                Commit::Record(attempt, rules)
            }
            (Plant::LeasesTwice | Plant::ServesTwice, Commit::Rent { change, number }) => {
                let service = (plant == Plant::ServesTwice).then_some(change.rental.service.clone());
                let held = self.held_for(service.as_deref());
                leased_to_another(change, number, held)
            }
            (Plant::LeasesTheQuarantined, Commit::Rent { change, number }) => {
                let other = self.quarantined(&change.rental.service);
                leased_to_another(change, number, other)
            }
            (Plant::WrongKey, Commit::Subscribe(mut subscription)) => {
                subscription.signing_keys[0].secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
                Commit::Subscribe(subscription)
            }
            (plant, Commit::Verify(step)) => Commit::Verify(bent_step(plant, step)),
            (_, commit) => commit,
        }
    }

    /// A number in quarantine that nothing else forbids to be leased.
    fn quarantined(&self, service: &str) -> Option<Arc<Number>> {
        let now = self.world.upgrade()?.wall.clock.now();
        let is_out = |number: &&Arc<Number>| {
            number.state(now) == State::Quarantined
                && number.cooling_until <= now
                && number.may_serve(service, now, SAME_SERVICE_MS)
        };
        self.inner.live().numbers().iter().find(is_out).cloned()
    }

    /// A number that somebody has, for this service if one is named and the number is shared.
    fn held_for(&self, service: Option<&str>) -> Option<Arc<Number>> {
        let is_one = |number: &&Arc<Number>| match service {
            Some(service) => number.sharing == Sharing::On && number.serves(service),
            None => number.is_held(),
        };
        self.inner.live().numbers().iter().find(is_one).cloned()
    }

    /// What a planted bug makes of a commit behind the back of all that looks on.
    pub(super) fn bent_unseen(&self, commit: Commit) -> Commit {
        let plant = self.world.upgrade().and_then(|world| world.plant);
        match (plant, commit) {
            (Some(Plant::CallsThePaused), Commit::Resubscribe(mut subscription, health)) => {
                subscription.paused_at = None;
                Commit::Resubscribe(subscription, health)
            }
            (Some(Plant::KeepsOldKeys), Commit::Resubscribe(mut subscription, health)) => {
                subscription
                    .signing_keys
                    .iter_mut()
                    .for_each(|key| key.expires_at = None);
                Commit::Resubscribe(subscription, health)
            }
            (Some(Plant::Overtakes), Commit::Subscribe(mut subscription)) => {
                subscription.settings.policy.order = Order::None;
                Commit::Subscribe(subscription)
            }
            (Some(Plant::SendsTheExpired), Commit::Subscribe(mut subscription)) => {
                subscription.settings.policy.deadline_s = None;
                Commit::Subscribe(subscription)
            }
            (Some(Plant::ReplaysNothing), Commit::Replay(mut step)) => {
                step.deliveries.clear();
                Commit::Replay(step)
            }
            (Some(Plant::IgnoresHints), Commit::Record(mut attempt, rules)) => {
                if let Outcome::Answered { retry_after_ms, .. } = &mut attempt.outcome {
                    *retry_after_ms = None;
                }
                Commit::Record(attempt, rules)
            }
            (_, commit) => commit,
        }
    }

    /// Deliveries that a planted bug forgets with this commit.
    pub(super) fn forgotten(&self, commit: &Commit) -> Vec<Due> {
        let plant = self.world.upgrade().and_then(|world| world.plant);
        let owed = |id| self.inner.live().due(id, UnixMs(u64::MAX), usize::MAX);
        match (plant, commit) {
            (Some(Plant::DropsTheHeld), Commit::Resubscribe(subscription, Some(_))) => owed(subscription.id),
            (Some(Plant::ConsumesTheAutomatic), Commit::Redeliver(id, seq)) => {
                let mut owed = owed(*id);
                owed.retain(|due| due.event == *seq && !due.is_manual());
                owed
            }
            _ => Vec::new(),
        }
    }

    /// What is here already, as something that is not.
    pub(super) fn as_another(&self, commit: &Commit) -> Option<Commit> {
        let Commit::Receive(batch) = commit else {
            return None;
        };
        let world = self.world.upgrade()?;
        let model = world.model();
        let mut other = batch.messages.first()?.clone();
        let is_repeated = model.messages.contains_key(&other.message.id);
        other.message.id = MessageId::derive("other", &other.message.carrier_message_id);
        other.is_unmatched = other.message.owner.is_err();
        let is_new = !model.messages.contains_key(&other.message.id);
        (is_repeated && is_new).then(|| {
            Commit::Receive(Box::new(Batch {
                messages: vec![other],
                ..Batch::default()
            }))
        })
    }
}

/// The rental is on this other number, beside who has it.
fn leased_to_another(mut change: Box<Change>, number: Number, other: Option<Arc<Number>>) -> Commit {
    let mut taken = other.as_deref().unwrap_or(&number).clone();
    if other.is_some() {
        taken.leases.extend(number.leases.last().cloned());
        taken.version += 1;
        change.rental.number = taken.number.clone();
    }
    Commit::Rent {
        change,
        number: taken,
    }
}

/// What a planted bug makes of codes.
fn bent_step(plant: Plant, mut step: Box<VerifyStep>) -> Box<VerifyStep> {
    if plant == Plant::CountsNothing {
        step.counters.clear();
    }
    for (code, was) in &mut step.verifications {
        match plant {
            Plant::ForgetsGuesses if code.status == Status::Pending && code.wrong > 0 => {
                code.attempts -= 1;
                code.wrong -= 1;
            }
            Plant::ApprovesAgain if code.status == Status::Approved => {
                code.status = Status::Pending;
                step.settled.clear();
            }
            Plant::OutlivesItself if was.is_none() => code.ttl_ms *= 20,
            _ => {}
        }
    }
    step
}
