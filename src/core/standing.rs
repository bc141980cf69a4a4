//! How one event stands with one subscription: whether it was delivered, is owed, is held back, or is over; told from its attempts.

use super::again::Again;
use super::attempt::Attempt;
use super::delivery::Next;
use super::id::{DeliveryId, EventId, Seq, SubscriptionId};
use super::time::UnixMs;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub subscription: SubscriptionId,
    pub event: Seq,
    pub event_id: EventId,
    /// The event's type.
    pub kind: String,
    /// The subscription wanted it when it happened, so it was owed from then on.
    pub was_wanted: bool,
    pub newest: Option<Attempt>,
    /// What was asked for again.
    pub again: Option<Again>,
}

/// What a customer asks after: has the receiver got it, or what stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// An attempt was a success, whatever else is owed or failed.
    Delivered,
    /// It is owed, now or after a delay.
    Pending,
    /// It is owed, and the subscription is paused or disabled.
    Held,
    /// No attempt is left.
    Exhausted,
    /// Its time was over.
    Expired,
    /// The receiver gave it up.
    Aborted,
    /// It was never owed: the subscription did not want it when it happened.
    Unwanted,
}

impl Status {
    /// Those that may be asked for. What was never owed is no delivery.
    pub const ALL: [Self; 6] = [
        Self::Delivered,
        Self::Pending,
        Self::Held,
        Self::Exhausted,
        Self::Expired,
        Self::Aborted,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Exhausted => "exhausted",
            Self::Expired => "expired",
            Self::Aborted => "aborted",
            Self::Unwanted => "unwanted",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl Delivery {
    pub fn id(&self) -> DeliveryId {
        DeliveryId::new(self.event, self.subscription)
    }

    pub fn attempts(&self) -> u16 {
        self.newest.as_ref().map_or(0, Attempt::number)
    }

    /// What followed from the newest attempt that the event made by itself.
    fn automatic(&self) -> Option<Next> {
        match self.again {
            Some(again) => again.automatic,
            None => self.newest.as_ref().map(|newest| newest.next),
        }
    }

    /// The event's own delivery is owed.
    pub fn is_owed_by_itself(&self) -> bool {
        self.was_wanted && self.automatic().is_none_or(Next::is_owed)
    }

    /// When its own delivery is tried again, where that waits for a time.
    pub fn retry_at(&self) -> Option<UnixMs> {
        match self.automatic().filter(|_| self.was_wanted)? {
            Next::Retry { at } => Some(at),
            _ => None,
        }
    }

    /// When what was asked for again is due, where it is owed.
    pub fn again_at(&self) -> Option<UnixMs> {
        Some(self.again?.owed?.due_at)
    }

    /// `is_held`: the subscription is paused or disabled.
    pub fn status(&self, is_held: bool) -> Status {
        let newest = self.newest.as_ref().map(|newest| newest.next);
        let delivered = match self.again {
            Some(again) => again.delivered,
            None => newest.is_some_and(Next::is_success),
        };
        if delivered {
            return Status::Delivered;
        }
        if self.is_owed_by_itself() || self.again_at().is_some() {
            return if is_held { Status::Held } else { Status::Pending };
        }
        match newest {
            None => Status::Unwanted,
            Some(Next::Expired) => Status::Expired,
            Some(Next::Aborted) => Status::Aborted,
            Some(_) => Status::Exhausted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::attempt::{Timing, Trigger};
    use crate::core::delivery::{Due, Outcome};
    use crate::core::health::Why;

    const PLACE: (SubscriptionId, Seq) = (SubscriptionId([1; 16]), Seq(7));
    const RETRY: Next = Next::Retry { at: UnixMs(900) };

    fn delivery(nexts: &[Next]) -> Delivery {
        let (subscription, event) = PLACE;
        let newest = nexts.last().map(|next| Attempt {
            due: Due {
                subscription,
                due_at: UnixMs(0),
                event,
                attempts: nexts.len() as u16 - 1,
                spent: 0,
                line: None,
                asked_at: None,
            },
            trigger: Trigger::Automatic,
            event: EventId([9; 16]),
            kind: "message.received".into(),
            started_at: UnixMs(0),
            timing: Timing::default(),
            outcome: Outcome::Failed("reset".into()),
            next: *next,
            class: "reset".into(),
            advice: String::new(),
            response: None,
            signed_with: Vec::new(),
            expires_at: None,
        });
        Delivery {
            subscription,
            event,
            event_id: EventId([9; 16]),
            kind: "message.received".into(),
            was_wanted: true,
            newest,
            again: None,
        }
    }

    #[test]
    fn it_stands_as_its_newest_attempt_says() {
        let status = |nexts: &[Next]| delivery(nexts).status(false);
        assert_eq!(status(&[]), Status::Pending);
        assert_eq!(status(&[RETRY]), Status::Pending);
        assert_eq!(status(&[RETRY, Next::Delivered]), Status::Delivered);
        assert_eq!(status(&[Next::Probed, Next::Recovered]), Status::Delivered);
        assert_eq!(status(&[Next::Exhausted]), Status::Exhausted);
        assert_eq!(status(&[Next::Expired]), Status::Expired);
        assert_eq!(status(&[Next::Aborted]), Status::Aborted);
        assert_eq!(delivery(&[]).status(true), Status::Held);
        assert_eq!(delivery(&[Next::Disabled(Why::Gone)]).status(true), Status::Held);
        assert_eq!(delivery(&[Next::Delivered]).status(true), Status::Delivered);
        assert_eq!(delivery(&[RETRY]).retry_at(), Some(UnixMs(900)));
    }

    #[test]
    fn what_was_not_wanted_is_a_delivery_once_it_is_asked_for() {
        let unwanted = Delivery {
            was_wanted: false,
            ..delivery(&[])
        };
        assert_eq!(unwanted.status(false), Status::Unwanted);
        let asked = Delivery {
            again: Again::default().asked(PLACE, UnixMs(5).into()),
            ..unwanted
        };
        assert_eq!(
            (asked.status(false), asked.again_at()),
            (Status::Pending, Some(UnixMs(5)))
        );
        assert!(!asked.is_owed_by_itself());
    }

    #[test]
    fn what_was_delivered_once_stays_so_and_what_is_owed_is_told() {
        let mut twice = delivery(&[RETRY, Next::Exhausted]);
        twice.again = Some(Again {
            attempts: 2,
            delivered: true,
            automatic: Some(RETRY),
            manual: Some(Next::Exhausted),
            owed: None,
        });
        assert_eq!(twice.status(false), Status::Delivered);
        assert!(
            twice.is_owed_by_itself(),
            "the manual one's end is not the automatic one's"
        );
        twice.again = twice.again.map(|again| Again {
            delivered: false,
            ..again
        });
        assert_eq!(twice.status(true), Status::Held);
    }
}
