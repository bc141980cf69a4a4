//! What was answered to requests that may come again: written with what they made, found for as long as it counts.

use super::execute::{Group, Writer};
use super::keys::{self, Tree};
use super::plan::Plan;
use super::query::Query;
use super::rows::{Row, Rows};
use super::vault::Vault;
use super::{Commit, Error, Remembered};
use crate::core::once::{Answered, OnceId};
use crate::core::time::{Moment, UnixMs};

impl Plan {
    /// That commit together with its answer.
    pub(super) fn once(
        commit: Commit,
        remembered: &Remembered,
        vault: &Vault,
        now: Moment,
    ) -> Result<Self, Error> {
        let mut plan = Self::new(commit, vault, now)?;
        let (key, answered) = (keys::once(remembered.id), &remembered.answered);
        let sealed = vault.seal(&key, answered)?;
        plan.rows.push(Row::put(Tree::of(answered.at), key, sealed));
        plan.once = Some((remembered.id, remembered.since));
        Ok(plan)
    }

    /// Another answer in the place of the one that was given at this time, or none.
    pub(super) fn answer(
        &mut self,
        (id, at): (OnceId, UnixMs),
        answered: Option<&Answered>,
        vault: &Vault,
    ) -> Result<(), Error> {
        let (tree, key) = (Tree::of(at), keys::once(id));
        self.rows.push(match answered {
            Some(answered) => {
                let sealed = vault.seal(&key, answered)?;
                Row::put(tree, key, sealed)
            }
            None => Row::delete(tree, key),
        });
        Ok(())
    }
}

impl<R: Rows> Writer<R> {
    /// The same was answered already.
    pub(super) fn was_answered(&self, plan: &Plan, group: &Group) -> Result<bool, Error> {
        let Some((id, since)) = plan.once else {
            return Ok(false);
        };
        Ok(group.once.contains(&id) || self.query().answered(id, since)?.is_some())
    }
}

impl<R: Rows> Query<'_, R> {
    /// The newest answer that counts. The clock may have been set back since, so the logs of days to come are asked too.
    pub fn answered(&self, id: OnceId, since: UnixMs) -> Result<Option<Answered>, Error> {
        for day in self.rows.log_days().into_iter().rev() {
            if Tree::Log(day) < Tree::of(since) {
                break;
            }
            let found: Option<Answered> = self.one(Tree::Log(day), &keys::once(id))?;
            if let Some(found) = found.filter(|found| found.at > since) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
