//! Every subscription's lane, and whose turn it is; the deciding is `core::lane`'s and `core::fair`'s.

use std::collections::BTreeMap;

use super::deliver::Rules;
use crate::core::delivery::Outcome;
use crate::core::fair::Fair;
use crate::core::id::SubscriptionId;
use crate::core::lane::{Lane, Terms, Turn};
use crate::core::subscription::Subscription;
use crate::core::time::UnixMs;
use crate::store::Live;

#[derive(Default)]
pub struct Lanes {
    lanes: BTreeMap<SubscriptionId, Lane>,
    fair: Fair<SubscriptionId>,
    /// Attempts under way to subscriptions that are failing or slow. They may hold half of all places: however many of them hang, the
    /// others keep the other half.
    ailing_in_flight: usize,
    /// When the first of those may go on that were held back in this pass.
    earliest: Option<UnixMs>,
}

/// One attempt's place in its lane.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub id: SubscriptionId,
    pub turn: Turn,
    pub started_at: UnixMs,
    was_ailing: bool,
}

impl Place {
    pub fn is_probe(&self) -> bool {
        self.turn == Turn::Probe
    }
}

impl Lanes {
    /// Begins a pass over those that are owed something.
    pub fn join(&mut self, owed: &[SubscriptionId]) {
        self.earliest = None;
        owed.iter().for_each(|id| self.fair.join(*id));
    }

    /// When the first of those may go on that this pass held back, unless an attempt's end brings it.
    pub fn earliest(&self) -> Option<UnixMs> {
        self.earliest
    }

    /// Takes the place of the next attempt of this pass.
    pub fn next(&mut self, live: &Live, rules: &Rules, now: UnixMs) -> Option<Place> {
        let mut chosen = None;
        let Self {
            lanes,
            fair,
            ailing_in_flight,
            earliest,
        } = self;
        let id = fair.next(|id| {
            let (subscription, health) = live.wanting(id, now)?;
            let lane = lanes.entry(id).or_default();
            let is_ailing = health.failing_since.is_some() || lane.is_slow();
            if is_ailing && *ailing_in_flight >= rules.concurrency_max.div_ceil(2) {
                return None;
            }
            // A disabled account hears nothing; what it is owed is held, as for a pause.
            let is_shut = live.access(|table| table.is_shut(&subscription.account));
            let is_paused = is_shut || subscription.paused_at.is_some();
            match lane.turn((&health, is_paused), &terms(&subscription, rules), now) {
                Turn::Later => None,
                Turn::At(at) => {
                    *earliest = Some(earliest.map_or(at, |earliest| earliest.min(at)));
                    None
                }
                turn => {
                    chosen = Some((turn, is_ailing));
                    Some(lane.cost())
                }
            }
        })?;
        let (turn, was_ailing) = chosen?;
        self.lanes.entry(id).or_default().begin(turn);
        self.ailing_in_flight += usize::from(was_ailing);
        Some(Place {
            id,
            turn,
            started_at: now,
            was_ailing,
        })
    }

    /// The attempt is over; `None` where nothing was tried.
    pub fn end(&mut self, place: Place, outcome: Option<&Outcome>, now: UnixMs, rules: &Rules) {
        self.ailing_in_flight -= usize::from(place.was_ailing);
        let Some(lane) = self.lanes.get_mut(&place.id) else {
            return;
        };
        let max = u32::try_from(rules.concurrency_per_subscription_max).unwrap_or(u32::MAX);
        lane.end(outcome, (place.started_at, now), max);
    }

    /// See `Lane::judge`.
    pub fn judge(&mut self, id: SubscriptionId) {
        self.lanes.entry(id).or_default().judge();
    }

    pub fn settle(&mut self, id: SubscriptionId) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.settle();
        }
    }

    /// Forgets a subscription that is gone, once nothing of it is under way.
    pub fn forget(&mut self, id: SubscriptionId) {
        if self.lanes.get(&id).is_some_and(Lane::is_idle) {
            self.lanes.remove(&id);
        }
    }
}

fn terms(subscription: &Subscription, rules: &Rules) -> Terms {
    let policy = &subscription.settings.policy;
    let most = rules.concurrency_per_subscription_max;
    let wished = policy.concurrency_max.map_or(most, usize::from);
    Terms {
        concurrency_max: u32::try_from(wished.min(most)).unwrap_or(u32::MAX),
        rate: policy.rate,
        ramp: rules.ramp,
    }
}
