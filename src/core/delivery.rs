//! What an attempt came to and what follows from it; the attempt itself is made in `dispatch`, which reports and never judges.

use serde::{Deserialize, Serialize};

use super::id::{EventId, Seq, SubscriptionId};
use super::retry::{self, Policy};
use super::subscription::Health;
use super::time::UnixMs;

/// One event owed to one subscription: a row of the due index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Due {
    pub subscription: SubscriptionId,
    pub due_at: UnixMs,
    pub event: Seq,
    /// Attempts made before.
    pub attempts: u16,
}

/// What one try came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The subscriber answered; `retry_after_ms` is its hint, from now.
    Answered {
        status: u16,
        retry_after_ms: Option<u64>,
    },
    /// No answer; the name of the failure's class.
    Failed(String),
}

impl Outcome {
    pub fn is_success(&self) -> bool {
        matches!(
            self,
            Self::Answered {
                status: 200..=299,
                ..
            }
        )
    }

    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(*status),
            Self::Failed(_) => None,
        }
    }
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Next {
    Delivered,
    Retry {
        at: UnixMs,
    },
    /// No attempt is left.
    Exhausted,
    /// 410 Gone: the subscriber wants nothing more; this delivery stays owed until someone enables it again.
    Disabled,
}

/// A line of the attempt log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub due: Due,
    pub event: EventId,
    /// The event's type.
    pub kind: String,
    pub started_at: UnixMs,
    pub duration_ms: u32,
    pub outcome: Outcome,
    pub next: Next,
    /// The first bytes of the answer, or what to do about the failure.
    pub detail: String,
}

impl Attempt {
    /// Which try it was, counted from 1.
    pub fn number(&self) -> u16 {
        self.due.attempts.saturating_add(1)
    }
}

/// Judges an attempt. `dice` is 0.0 to 1.0.
pub fn after(outcome: &Outcome, attempts_made: u16, policy: &Policy, now: UnixMs, dice: f64) -> Next {
    let retry_after_ms = match outcome {
        Outcome::Answered {
            status: 200..=299, ..
        } => return Next::Delivered,
        Outcome::Answered { status: 410, .. } => return Next::Disabled,
        Outcome::Answered { retry_after_ms, .. } => *retry_after_ms,
        Outcome::Failed(_) => None,
    };
    match policy.delay_ms(attempts_made) {
        Some(delay_ms) => Next::Retry {
            at: now.plus_ms(retry::spread_ms(delay_ms, retry_after_ms, dice)),
        },
        None => Next::Exhausted,
    }
}

/// The subscription's health after an attempt; `None` when nothing changes, which is the usual case and saves a row.
pub fn health_after(health: &Health, next: Next, now: UnixMs) -> Option<Health> {
    let mut after = health.clone();
    match next {
        Next::Delivered => (after.failing_since, after.failures) = (None, 0),
        Next::Disabled => after.disabled_at = Some(now),
        Next::Retry { .. } | Next::Exhausted => {
            after.failing_since.get_or_insert(now);
            after.failures = after.failures.saturating_add(1);
        }
    }
    (after != *health).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16) -> Outcome {
        Outcome::Answered {
            status,
            retry_after_ms: None,
        }
    }

    #[test]
    fn each_status_has_its_consequence() {
        let policy = Policy::standard();
        let next = |status, made| after(&answered(status), made, &policy, UnixMs(1000), 0.0);
        assert_eq!(next(204, 1), Next::Delivered);
        assert_eq!(next(410, 1), Next::Disabled);
        for status in [301, 400, 404, 429, 500, 503] {
            assert_eq!(next(status, 1), Next::Retry { at: UnixMs(6000) }, "{status}");
        }
        assert_eq!(
            next(500, 9),
            Next::Retry {
                at: UnixMs(86_401_000)
            }
        );
        assert_eq!(next(500, 10), Next::Exhausted);
        let failed = Outcome::Failed("timeout".into());
        assert_eq!(
            after(&failed, 2, &policy, UnixMs(0), 1.0),
            Next::Retry { at: UnixMs(330_000) }
        );
    }

    #[test]
    fn a_hint_only_ever_delays() {
        let hint = |ms| Outcome::Answered {
            status: 503,
            retry_after_ms: Some(ms),
        };
        let next = |ms| after(&hint(ms), 1, &Policy::standard(), UnixMs(0), 0.0);
        assert_eq!(next(1), Next::Retry { at: UnixMs(5000) });
        assert_eq!(next(60_000), Next::Retry { at: UnixMs(60_000) });
        assert_eq!(
            next(u64::MAX),
            Next::Retry {
                at: UnixMs(86_400_000)
            }
        );
    }

    #[test]
    fn health_changes_only_when_it_must() {
        let well = Health::default();
        assert_eq!(health_after(&well, Next::Delivered, UnixMs(5)), None);
        let ill = health_after(&well, Next::Exhausted, UnixMs(5)).unwrap();
        assert_eq!((ill.failing_since, ill.failures), (Some(UnixMs(5)), 1));
        let worse = health_after(&ill, Next::Retry { at: UnixMs(9) }, UnixMs(7)).unwrap();
        assert_eq!((worse.failing_since, worse.failures), (Some(UnixMs(5)), 2));
        assert_eq!(health_after(&worse, Next::Delivered, UnixMs(8)), Some(well));
    }
}
