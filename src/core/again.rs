//! One event to one subscription of which deliveries were asked for again: one of these at most is owed, and one count of attempts goes
//! over them and the automatic one.

use serde::{Deserialize, Serialize};

use super::attempt::Attempt;
use super::delivery::{Due, Next};
use super::id::{Seq, SubscriptionId};
use super::time::Moment;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Again {
    /// What was asked for and is owed now.
    pub owed: Option<Due>,
    /// Attempts made so far, by whatever kind.
    pub attempts: u16,
    /// One of them was a success.
    pub delivered: bool,
    /// What followed from the newest attempt that the event made by itself.
    pub automatic: Option<Next>,
    /// What followed from the newest attempt that was asked for.
    pub manual: Option<Next>,
}

impl Again {
    /// Nothing was asked for so far, and this is the newest attempt.
    pub fn of(newest: &Attempt) -> Self {
        Self {
            owed: None,
            attempts: newest.number(),
            delivered: newest.next.is_success(),
            automatic: Some(newest.next),
            manual: None,
        }
    }

    /// Somebody asks for it now. It has all attempts of the policy before it; where one is owed for later, that one is brought forward
    /// and begins anew. `None`: one is due already.
    pub fn asked(self, (subscription, event): (SubscriptionId, Seq), now: Moment) -> Option<Self> {
        if self.owed.is_some_and(|due| due.due_at <= now.steady) {
            return None;
        }
        let owed = Due {
            subscription,
            due_at: now.steady,
            event,
            attempts: self.attempts,
            spent: 0,
            line: None,
            asked_at: Some(now.wall),
        };
        Some(Self {
            owed: Some(owed),
            ..self
        })
    }

    /// After an attempt of `due`, as it is logged. What was brought forward while its attempt was under way stays owed as it is.
    pub fn after(self, due: &Due, logged: &Attempt) -> Self {
        let next = logged.next;
        let counted = Self {
            attempts: self.attempts.max(logged.number()),
            delivered: self.delivered || next.is_success(),
            ..self
        };
        if !due.is_manual() {
            return Self {
                automatic: Some(next),
                ..counted
            };
        }
        let owed = if self.owed == Some(*due) {
            logged.owed()
        } else {
            self.owed
        };
        Self {
            owed,
            manual: Some(next),
            ..counted
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::attempt::{Timing, Trigger};
    use crate::core::delivery::Outcome;
    use crate::core::id::EventId;
    use crate::core::time::UnixMs;

    const ONE: SubscriptionId = SubscriptionId([1; 16]);
    const RETRY: Next = Next::Retry { at: UnixMs(900) };

    fn asked(again: Again, now: u64) -> Again {
        again.asked((ONE, Seq(7)), UnixMs(now).into()).unwrap()
    }

    fn tried(again: Again, next: Next) -> Again {
        let due = again.owed.unwrap();
        again.after(&due, &attempt(due, next))
    }

    fn attempt(due: Due, next: Next) -> Attempt {
        Attempt {
            due,
            trigger: Trigger::Manual,
            event: EventId([9; 16]),
            kind: "message.received".into(),
            started_at: due.due_at,
            timing: Timing::default(),
            outcome: Outcome::Failed("reset".into()),
            next,
            class: "reset".into(),
            advice: String::new(),
            response: None,
            signed_with: Vec::new(),
            expires_at: None,
        }
    }

    #[test]
    fn each_wish_has_the_whole_budget_and_attempts_are_counted_on() {
        let first = tried(tried(asked(Again::default(), 5), RETRY), Next::Exhausted);
        assert_eq!(
            (first.owed, first.attempts, first.manual),
            (None, 2, Some(Next::Exhausted))
        );
        let due = asked(first, 1000).owed.unwrap();
        assert_eq!((due.due_at, due.attempts, due.spent), (UnixMs(1000), 2, 0));
        assert_eq!(due.asked_at, Some(UnixMs(1000)));
    }

    #[test]
    fn what_is_due_stays_and_what_waits_is_brought_forward() {
        let due = asked(Again::default(), 5);
        assert_eq!(due.asked((ONE, Seq(7)), UnixMs(5).into()), None);
        let waiting = tried(due, RETRY);
        assert_eq!(
            waiting.owed.map(|due| (due.due_at, due.spent)),
            Some((UnixMs(900), 1))
        );
        let forward = asked(waiting, 6).owed.unwrap();
        assert_eq!(
            (forward.due_at, forward.spent, forward.attempts),
            (UnixMs(6), 0, 1)
        );
    }

    #[test]
    fn an_attempt_of_what_was_brought_forward_only_counts() {
        let waiting = tried(asked(Again::default(), 5), RETRY);
        let under_way = waiting.owed.unwrap();
        let forward = asked(waiting, 6);
        let after = forward.after(&under_way, &attempt(under_way, Next::Delivered));
        assert_eq!(after.owed, forward.owed);
        assert!(after.delivered);
        assert_eq!((after.attempts, after.manual), (2, Some(Next::Delivered)));
    }

    #[test]
    fn a_delivery_is_not_undone_by_a_later_failure() {
        let delivered = tried(asked(Again::default(), 5), Next::Delivered);
        let failed = tried(asked(delivered, 6), Next::Exhausted);
        assert!(failed.delivered);
        assert_eq!(failed.manual, Some(Next::Exhausted));
    }

    #[test]
    fn the_automatic_one_is_counted_and_ends_nothing() {
        let automatic = Due {
            asked_at: None,
            ..asked(Again::default(), 5).owed.unwrap()
        };
        let first = Again::of(&attempt(automatic, RETRY));
        assert_eq!(
            (first.attempts, first.automatic, first.owed),
            (1, Some(RETRY), None)
        );
        let again = asked(first, 6);
        let later = Due {
            attempts: 1,
            ..automatic
        };
        let after = again.after(&later, &attempt(later, Next::Delivered));
        assert_eq!((after.owed, after.manual), (again.owed, None));
        assert!(after.delivered);
        assert_eq!((after.attempts, after.automatic), (2, Some(Next::Delivered)));
    }
}
