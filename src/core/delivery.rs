//! What is owed, what an attempt came to and what follows from it; the attempt itself is made in `dispatch`, which reports and never judges.

use serde::{Deserialize, Serialize};

use super::health::Why;
use super::id::{RentalId, Seq, SubscriptionId};
use super::retry::{self, Policy};
use super::time::{Moment, UnixMs};

/// One event owed to one subscription: a row of the due index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Due {
    pub subscription: SubscriptionId,
    /// By the steady clock, as all that is waited for.
    pub due_at: UnixMs,
    pub event: Seq,
    /// Attempts made before.
    pub attempts: u16,
    /// How many of them count against the retry policy: a probe does not, nor does the attempt that disabled the subscription.
    pub spent: u16,
    /// The line it stands in, where the subscription wants a rental's events one after the other.
    pub line: Option<Line>,
    /// When somebody asked for it again. It stands in no line, and goes out beside the one that its event made by itself; neither ends
    /// the other.
    pub asked_at: Option<UnixMs>,
}

/// Where a row stands in its subscription's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub due_at: UnixMs,
    pub event: Seq,
    /// One of each kind may be due at the same time.
    pub is_manual: bool,
}

impl Due {
    pub fn place(&self) -> Place {
        Place {
            due_at: self.due_at,
            event: self.event,
            is_manual: self.is_manual(),
        }
    }

    pub fn is_manual(&self) -> bool {
        self.asked_at.is_some()
    }

    /// Since when its time runs: what was asked for again has as long as it would have had, from then on.
    pub fn since(&self, event_at: UnixMs) -> UnixMs {
        self.asked_at.unwrap_or(event_at)
    }
}

/// Deliveries to one subscription that go out one after the other: those of one rental.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Line(pub u64);

impl Line {
    /// The random half of the rental's id. Two rentals that share it only wait for one another.
    pub fn of(rental: RentalId) -> Self {
        let half = rental.0.last_chunk().expect("an id of 16 bytes has 8");
        Self(u64::from_be_bytes(*half))
    }
}

/// What one try came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The subscriber answered; `retry_after_ms` is its hint, from now.
    Answered {
        status: u16,
        retry_after_ms: Option<u64>,
        control: Option<Control>,
    },
    /// No answer; the name of the failure's class.
    Failed(String),
    /// Not tried: it was worthless by then.
    Untried,
}

/// What the receiver asks for in the reply header `webhook-delivery`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// Stop calling this subscription.
    Disable,
    /// Give up this one delivery.
    AbortMessage,
}

impl Outcome {
    pub fn is_success(&self) -> bool {
        matches!(self.status(), Some(200..=299))
    }

    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(*status),
            Self::Failed(_) | Self::Untried => None,
        }
    }

    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Answered { retry_after_ms, .. } => *retry_after_ms,
            Self::Failed(_) | Self::Untried => None,
        }
    }
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Next {
    Delivered,
    /// Delivered, and as the answer to a probe: the subscription is back.
    Recovered,
    Retry {
        at: UnixMs,
    },
    /// No attempt is left.
    Exhausted,
    /// Its deadline has passed, or would before the next attempt.
    Expired,
    /// The receiver gave it up.
    Aborted,
    /// The subscriber wants nothing more; this delivery stays owed until someone resumes it.
    Disabled(Why),
    /// A probe failed; this delivery stays owed.
    Probed,
}

impl Next {
    /// All that `as_str` may answer.
    pub const STATUSES: [&str; 7] = [
        "delivered",
        "retrying",
        "failed",
        "expired",
        "aborted",
        "disabled",
        "held",
    ];

    /// How the delivery stands, as customers read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered | Self::Recovered => "delivered",
            Self::Retry { .. } => "retrying",
            Self::Exhausted => "failed",
            Self::Expired => "expired",
            Self::Aborted => "aborted",
            Self::Disabled(_) => "disabled",
            Self::Probed => "held",
        }
    }

    /// When it is due again, where it is still owed; the same place in the queue for what was held.
    pub fn owed_at(self, due: &Due) -> Option<UnixMs> {
        match self {
            Self::Retry { at } => Some(at),
            Self::Disabled(_) | Self::Probed => Some(due.due_at),
            Self::Delivered | Self::Recovered | Self::Exhausted | Self::Expired | Self::Aborted => None,
        }
    }

    pub fn is_success(self) -> bool {
        matches!(self, Self::Delivered | Self::Recovered)
    }

    /// It is still owed.
    pub fn is_owed(self) -> bool {
        matches!(self, Self::Retry { .. } | Self::Disabled(_) | Self::Probed)
    }

    /// The attempt counts against the retry policy.
    pub fn spends(self) -> bool {
        !matches!(self, Self::Disabled(_) | Self::Probed)
    }
}

/// By which an attempt is judged.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    pub retry: &'a Policy,
    pub expires_at: Option<UnixMs>,
    pub obeys_control: bool,
    /// It was made to see whether a disabled subscription is back.
    pub is_probe: bool,
}

/// Judges an attempt. `dice` is 0.0 to 1.0.
pub fn after(outcome: &Outcome, due: &Due, terms: &Terms<'_>, now: Moment, dice: f64) -> Next {
    if let Outcome::Answered { status, control, .. } = outcome {
        match control.filter(|_| terms.obeys_control) {
            Some(Control::Disable) => return Next::Disabled(Why::Asked),
            Some(Control::AbortMessage) if !outcome.is_success() => return Next::Aborted,
            _ => {}
        }
        match status {
            200..=299 if terms.is_probe => return Next::Recovered,
            200..=299 => return Next::Delivered,
            410 => return Next::Disabled(Why::Gone),
            _ => {}
        }
    }
    if terms.is_probe {
        return Next::Probed;
    }
    let Some(delay_ms) = terms.retry.delay_ms(due.spent.saturating_add(1)) else {
        return Next::Exhausted;
    };
    let wait_ms = retry::spread_ms(delay_ms, outcome.retry_after_ms(), dice);
    if terms
        .expires_at
        .is_some_and(|end| now.wall.plus_ms(wait_ms) >= end)
    {
        return Next::Expired;
    }
    Next::Retry {
        at: now.steady.plus_ms(wait_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms<'_> = Terms {
        retry: &Policy::ScheduleS(Vec::new()),
        expires_at: None,
        obeys_control: false,
        is_probe: false,
    };

    fn answered(status: u16) -> Outcome {
        Outcome::Answered {
            status,
            retry_after_ms: None,
            control: None,
        }
    }

    fn due(spent: u16) -> Due {
        Due {
            subscription: SubscriptionId([1; 16]),
            due_at: UnixMs(0),
            event: Seq(1),
            attempts: spent,
            spent,
            line: None,
            asked_at: None,
        }
    }

    fn next(outcome: &Outcome, spent: u16, terms: Terms<'_>) -> Next {
        let retry = Policy::standard();
        let terms = Terms {
            retry: &retry,
            ..terms
        };
        after(outcome, &due(spent), &terms, UnixMs(1000).into(), 0.0)
    }

    #[test]
    fn each_status_has_its_consequence() {
        let next = |status, spent| next(&answered(status), spent, TERMS);
        assert_eq!(next(204, 0), Next::Delivered);
        assert_eq!(next(410, 0), Next::Disabled(Why::Gone));
        for status in [301, 400, 404, 429, 500, 503] {
            assert_eq!(next(status, 0), Next::Retry { at: UnixMs(6000) }, "{status}");
        }
        let last = Next::Retry {
            at: UnixMs(86_401_000),
        };
        assert_eq!((next(500, 8), next(500, 9)), (last, Next::Exhausted));
    }

    #[test]
    fn jitter_is_only_ever_added() {
        let retry = Policy::standard();
        let terms = Terms {
            retry: &retry,
            ..TERMS
        };
        let failed = Outcome::Failed("timeout".into());
        let next = after(&failed, &due(1), &terms, UnixMs(0).into(), 1.0);
        assert_eq!(next, Next::Retry { at: UnixMs(330_000) });
    }

    #[test]
    fn a_hint_only_ever_delays() {
        let hint = |ms| Outcome::Answered {
            status: 503,
            retry_after_ms: Some(ms),
            control: None,
        };
        let next = |ms| next(&hint(ms), 0, TERMS);
        assert_eq!(next(1), Next::Retry { at: UnixMs(6000) });
        assert_eq!(next(60_000), Next::Retry { at: UnixMs(61_000) });
        assert_eq!(
            next(u64::MAX),
            Next::Retry {
                at: UnixMs(86_401_000)
            }
        );
    }

    #[test]
    fn what_would_come_too_late_has_expired() {
        let until = |ms| Terms {
            expires_at: Some(UnixMs(ms)),
            ..TERMS
        };
        assert_eq!(next(&answered(500), 0, until(6000)), Next::Expired);
        assert_eq!(
            next(&answered(500), 0, until(6001)),
            Next::Retry { at: UnixMs(6000) }
        );
        assert_eq!(next(&answered(204), 0, until(0)), Next::Delivered);
    }

    #[test]
    fn a_probe_opens_or_leaves_all_as_it_was() {
        let probe = Terms {
            is_probe: true,
            ..TERMS
        };
        assert_eq!(next(&answered(200), 9, probe), Next::Recovered);
        assert_eq!(next(&answered(500), 9, probe), Next::Probed);
        assert!(!Next::Probed.spends() && !Next::Disabled(Why::Gone).spends());
        assert_eq!(Next::Probed.owed_at(&due(9)), Some(UnixMs(0)));
    }

    #[test]
    fn the_receivers_control_is_obeyed_only_where_it_is_agreed() {
        let asks = |control, status| Outcome::Answered {
            status,
            retry_after_ms: None,
            control: Some(control),
        };
        let agreed = Terms {
            obeys_control: true,
            ..TERMS
        };
        let disable = asks(Control::Disable, 200);
        assert_eq!(next(&disable, 0, agreed), Next::Disabled(Why::Asked));
        assert_eq!(next(&disable, 0, TERMS), Next::Delivered);
        let abort = asks(Control::AbortMessage, 422);
        assert_eq!(next(&abort, 0, agreed), Next::Aborted);
        assert_eq!(next(&abort, 0, TERMS), Next::Retry { at: UnixMs(6000) });
    }
}
