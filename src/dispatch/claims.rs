//! Which deliveries are being made right now, and how many to each subscription; in memory only, so a restart forgets them all.

use std::collections::{HashMap, HashSet};

use crate::core::delivery::Due;
use crate::core::id::{Seq, SubscriptionId};

/// A claim outlives its attempt until the record is durable; the place in flight is free again once the attempt ended.
#[derive(Default)]
pub struct Claims {
    due: HashMap<SubscriptionId, HashSet<Seq>>,
    in_flight: HashMap<SubscriptionId, usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    Mine,
    /// Another attempt of this delivery is not recorded yet.
    Taken,
    NoPlace,
}

impl Claims {
    /// Claims a delivery and a place to its subscription, of which there are `places_max`.
    pub fn claim(&mut self, due: &Due, places_max: usize) -> Claim {
        let in_flight = self.in_flight.get(&due.subscription).copied().unwrap_or(0);
        let claimed = self.due.entry(due.subscription).or_default();
        if claimed.contains(&due.event) {
            return Claim::Taken;
        }
        if in_flight >= places_max {
            return Claim::NoPlace;
        }
        claimed.insert(due.event);
        self.in_flight.insert(due.subscription, in_flight + 1);
        Claim::Mine
    }

    /// How many deliveries of this subscription are claimed.
    pub fn count(&self, subscription: SubscriptionId) -> usize {
        self.due.get(&subscription).map_or(0, HashSet::len)
    }

    /// The attempt ended; its record may still be on the way.
    pub fn end_attempt(&mut self, due: &Due) {
        if let Some(in_flight) = self.in_flight.get_mut(&due.subscription) {
            *in_flight -= 1;
            if *in_flight == 0 {
                self.in_flight.remove(&due.subscription);
            }
        }
    }

    /// The record is durable, or the delivery is to be tried again.
    pub fn end_claim(&mut self, due: &Due) {
        if let Some(events) = self.due.get_mut(&due.subscription) {
            events.remove(&due.event);
            if events.is_empty() {
                self.due.remove(&due.subscription);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::time::UnixMs;

    fn due(subscription: u8, event: u64) -> Due {
        Due {
            subscription: SubscriptionId([subscription; 16]),
            due_at: UnixMs(1),
            event: Seq(event),
            attempts: 0,
        }
    }

    #[test]
    fn a_claim_outlives_its_place() {
        let mut claims = Claims::default();
        assert_eq!(claims.claim(&due(1, 1), 1), Claim::Mine);
        assert_eq!(claims.claim(&due(1, 1), 1), Claim::Taken);
        assert_eq!(claims.claim(&due(1, 2), 1), Claim::NoPlace);
        assert_eq!(claims.claim(&due(2, 1), 1), Claim::Mine);
        claims.end_attempt(&due(1, 1));
        assert_eq!(claims.claim(&due(1, 1), 1), Claim::Taken);
        assert_eq!(claims.claim(&due(1, 2), 1), Claim::Mine);
        assert_eq!(claims.count(SubscriptionId([1; 16])), 2);
        claims.end_claim(&due(1, 1));
        claims.end_attempt(&due(1, 2));
        claims.end_claim(&due(1, 2));
        assert_eq!(claims.claim(&due(1, 1), 1), Claim::Mine);
    }
}
