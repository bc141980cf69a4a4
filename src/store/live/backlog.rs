//! How the queues of deliveries stand, for the metrics.

use super::Live;
use crate::core::health::Standing;
use crate::core::time::UnixMs;
use crate::store::owed::Backlog;

/// What is owed to those who may be called now, and to those who may not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backlogs {
    /// Owed to paused and disabled subscriptions.
    pub held: usize,
    /// When the oldest was due that is not held.
    pub oldest_due: Option<UnixMs>,
    /// The longest queues, longest first.
    pub longest: Vec<Backlog>,
}

impl Live {
    /// With the `limit` longest queues.
    pub fn backlogs(&self, limit: usize, now: UnixMs) -> Backlogs {
        let tables = self.read();
        let mut all = Backlogs::default();
        for backlog in tables.owed.backlogs() {
            let id = backlog.subscription;
            let paused = tables
                .subscriptions
                .get(&id)
                .is_some_and(|s| s.paused_at.is_some());
            let health = tables.health.get(&id).copied().unwrap_or_default();
            if health.disabled.is_some() || health.standing(paused, now) == Standing::Held {
                all.held += backlog.count;
            } else {
                all.oldest_due = [all.oldest_due, backlog.oldest].into_iter().flatten().min();
            }
            all.longest.push(backlog);
        }
        all.longest
            .sort_by_key(|backlog| (std::cmp::Reverse(backlog.count), backlog.subscription));
        all.longest.truncate(limit);
        all
    }
}
