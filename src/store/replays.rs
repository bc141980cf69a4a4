//! Replays on their way through the store: one commit is a replay as it will be, what it asks for, and what is told of its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Error;
use super::Heard;
use super::deliveries::Effects;
use super::execute::{Group, Writer};
use super::keys::{self, Tree};
use super::live::Fact;
use super::plan::Plan;
use super::rows::{Row, Rows};
use super::vault::Vault;
use crate::core::id::{AccountId, ReplayId, Seq, SubscriptionId};
use crate::core::replay::Replay;
use crate::core::time::Moment;

/// A replay as it will be. Guarded by its version: one of 0 is new.
#[derive(Debug, Clone)]
pub struct ReplayStep {
    pub next: Replay,
    /// What is asked for, where its subscription is still there.
    pub deliveries: Vec<(SubscriptionId, Seq)>,
    /// What is told of its end.
    pub event: Option<Heard>,
    /// Ended ones that are forgotten.
    pub forgotten: Vec<ReplayId>,
}

/// The replays in memory, in their order: a walk over them is the same twice.
#[derive(Debug, Default)]
pub struct Replays(BTreeMap<ReplayId, Arc<Replay>>);

impl Replays {
    pub fn put(&mut self, replay: Arc<Replay>) {
        self.0.insert(replay.id, replay);
    }

    pub fn remove(&mut self, id: ReplayId) {
        self.0.remove(&id);
    }

    pub fn get(&self, id: ReplayId) -> Option<Arc<Replay>> {
        self.0.get(&id).cloned()
    }

    /// Those of an account, or of everybody.
    pub fn of(&self, account: Option<&AccountId>) -> Vec<Arc<Replay>> {
        let all = self.0.values();
        all.filter(|replay| account.is_none_or(|account| *account == replay.account))
            .cloned()
            .collect()
    }
}

impl Plan {
    pub(super) fn replay(&mut self, step: ReplayStep, vault: &Vault) -> Result<(), Error> {
        let ReplayStep {
            next,
            deliveries,
            event,
            forgotten,
        } = step;
        self.replay_was = Some((next.id, next.version.checked_sub(1)));
        let key = keys::replay(next.id);
        let sealed = vault.seal(&key, &next)?;
        self.rows.push(Row::put(Tree::State, key, sealed));
        self.facts.push(Fact::Replay(Arc::new(next)));
        for id in forgotten {
            self.rows.push(Row::delete(Tree::State, keys::replay(id)));
            self.facts.push(Fact::ReplayGone(id));
        }
        self.again = deliveries;
        let events = event.into_iter();
        self.events
            .extend(events.map(|heard| (Arc::new(heard.event), heard.targets)));
        Ok(())
    }
}

impl<R: Rows> Writer<R> {
    pub(super) fn replay_is_outdated(&self, (id, was): (ReplayId, Option<u32>), group: &Group) -> bool {
        let is = group.replays.get(&id).copied();
        let is = is.or_else(|| self.live.replay(id).map(|replay| replay.version));
        is != was
    }

    /// Owes what is asked for.
    pub(super) fn redeliver_all(
        &self,
        places: Vec<(SubscriptionId, Seq)>,
        (group, effects): (&Group, &mut Effects),
        now: Moment,
    ) -> Result<(), Error> {
        for place in places {
            if self.subscription(place.0, group).is_some() {
                self.redeliver(place, (group, effects), now)?;
            }
        }
        Ok(())
    }
}
