//! The writer's part for what is asked for again, and the count of attempts that it shares with the automatic delivery.

use super::Error;
use super::deliveries::Effects;
use super::execute::{Group, Writer};
use super::keys::{self, Tree};
use super::rows::{Row, Rows};
use crate::core::again::Again;
use crate::core::attempt::Attempt;
use crate::core::delivery::Due;
use crate::core::id::{Seq, SubscriptionId};
use crate::core::time::{Moment, UnixMs};

impl<R: Rows> Writer<R> {
    /// Owes it once more beside what it is owed by itself.
    pub fn redeliver(
        &self,
        place: (SubscriptionId, Seq),
        (group, effects): (&Group, &mut Effects),
        now: Moment,
    ) -> Result<(), Error> {
        let before = match self.again(place, group)? {
            Some(again) => again,
            None => {
                let newest = self.query().newest_attempt(place)?;
                newest.as_ref().map(Again::of).unwrap_or_default()
            }
        };
        let Some(after) = before.asked(place, now) else {
            return Ok(());
        };
        before.owed.iter().for_each(|due| effects.unowe(due));
        after.owed.into_iter().for_each(|due| effects.owe(due));
        self.put_again(place, after, effects)
    }

    /// The attempt as it is logged: counted on from those of the other kind. What was asked for again is owed on, or no more.
    pub fn counted(&self, attempt: &Attempt, group: &Group, effects: &mut Effects) -> Result<Attempt, Error> {
        let due = attempt.due;
        let place = (due.subscription, due.event);
        let Some(before) = self.again(place, group)? else {
            effects.again.insert(place, Again::of(attempt));
            return Ok(attempt.clone());
        };
        let logged = Attempt {
            due: Due {
                attempts: due.attempts.max(before.attempts),
                ..due
            },
            ..attempt.clone()
        };
        let after = before.after(&due, &logged);
        if before.owed == Some(due) {
            effects.unowe(&due);
            after.owed.into_iter().for_each(|next| effects.owe(next));
        }
        self.put_again(place, after, effects)?;
        Ok(logged)
    }

    /// Owes it at another time.
    pub fn reschedule(
        &self,
        (due, at): (Due, UnixMs),
        (group, effects): (&Group, &mut Effects),
    ) -> Result<(), Error> {
        let moved = Due { due_at: at, ..due };
        effects.unowe(&due);
        effects.owe(moved);
        let place = (due.subscription, due.event);
        let again = self.again(place, group)?.filter(|again| again.owed == Some(due));
        let Some(again) = again else { return Ok(()) };
        let after = Again {
            owed: Some(moved),
            ..again
        };
        self.put_again(place, after, effects)
    }

    fn again(&self, place: (SubscriptionId, Seq), group: &Group) -> Result<Option<Again>, Error> {
        match group.again.get(&place) {
            Some(changed) => Ok(Some(*changed)),
            None => self.query().again(place),
        }
    }

    fn put_again(
        &self,
        place: (SubscriptionId, Seq),
        again: Again,
        effects: &mut Effects,
    ) -> Result<(), Error> {
        let (tree, key) = (Tree::of(place.1.written_at()), keys::again(place));
        let sealed = self.vault.seal(&key, &again)?;
        effects.rows.push(Row::put(tree, key, sealed));
        effects.again.insert(place, again);
        Ok(())
    }
}
