//! How a subscription is delivered to: retries, deadlines, rate, concurrency, order. What it does not say, the gateway's configuration says.

use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use crate::core::retry;
use crate::core::time::UnixMs;

/// Longest deadline and expiry, in seconds: 30 days.
pub const DEADLINE_MAX_S: u64 = 2_592_000;
/// Entries of the list of expiries.
pub const EXPIRIES_MAX: usize = 16;
pub const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 100..=60_000;
pub const CONCURRENCY_MAX: u16 = 1000;
pub const RATE_PER_S_MAX: f64 = 10_000.0;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Policy {
    pub retry: Option<retry::Policy>,
    /// Seconds after its event in which a delivery is tried; the schedule may end sooner.
    pub deadline_s: Option<u64>,
    /// What is worthless after a while; the first entry that matches the event's type counts.
    pub expiry: Vec<Expiry>,
    /// Time for one attempt, in milliseconds.
    pub timeout_ms: Option<u64>,
    pub rate: Option<Rate>,
    /// Attempts in flight.
    pub concurrency_max: Option<u16>,
    pub order: Order,
    /// The reply header `webhook-delivery` is obeyed.
    pub obeys_control: bool,
}

/// Events of these types are worthless so long after they happened: a one-time code, after minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    pub events: Pattern,
    pub after_s: u64,
}

/// Attempts per second on average, and at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rate {
    pub per_second: f64,
    pub burst: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Order {
    /// Each delivery by itself: a retry does not hold others up.
    #[default]
    None,
    /// A rental's events one after the other: the next when the one before is delivered or given up.
    Rental,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("\"retry\": {0}")]
    Retry(#[from] retry::Error),
    #[error(
        "\"deadlineS\" and the seconds of \"expireAfterS\" are 1 to {DEADLINE_MAX_S}, and there are at most {EXPIRIES_MAX} of these"
    )]
    Deadline,
    #[error("\"timeoutMs\" is 100 to 60000")]
    Timeout,
    #[error("\"rate\" is \"perSecond\" 0.001 to 10000 and \"burst\" 1 to 10000")]
    Rate,
    #[error("\"concurrencyMax\" is 1 to {CONCURRENCY_MAX}")]
    Concurrency,
}

impl Policy {
    pub fn check(&self) -> Result<(), Error> {
        self.retry.as_ref().map(retry::Policy::check).transpose()?;
        let seconds = self
            .deadline_s
            .iter()
            .chain(self.expiry.iter().map(|e| &e.after_s));
        let bounded = |s: &u64| (1..=DEADLINE_MAX_S).contains(s);
        if self.expiry.len() > EXPIRIES_MAX || !seconds.into_iter().all(bounded) {
            return Err(Error::Deadline);
        }
        if self.timeout_ms.is_some_and(|ms| !TIMEOUT_MS.contains(&ms)) {
            return Err(Error::Timeout);
        }
        let fits = |rate: Rate| {
            (0.001..=RATE_PER_S_MAX).contains(&rate.per_second) && (1..=10_000).contains(&rate.burst)
        };
        if !self.rate.is_none_or(fits) {
            return Err(Error::Rate);
        }
        if self
            .concurrency_max
            .is_some_and(|n| !(1..=CONCURRENCY_MAX).contains(&n))
        {
            return Err(Error::Concurrency);
        }
        Ok(())
    }

    /// When an event of this type and time is no longer delivered.
    pub fn expires_at(&self, kind: &str, event_at: UnixMs) -> Option<UnixMs> {
        let expiry = self.expiry.iter().find(|e| e.events.matches(kind));
        let seconds = self.deadline_s.into_iter().chain(expiry.map(|e| e.after_s));
        seconds.min().map(|s| event_at.plus_ms(s * 1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expiry(events: &str, after_s: u64) -> Expiry {
        Expiry {
            events: Pattern::parse(events).unwrap(),
            after_s,
        }
    }

    #[test]
    fn the_first_expiry_that_matches_and_the_deadline_whichever_is_sooner() {
        let policy = Policy {
            deadline_s: Some(3600),
            expiry: vec![
                expiry("verification.code_received", 300),
                expiry("verification.*", 7200),
            ],
            ..Policy::default()
        };
        let at = |kind| policy.expires_at(kind, UnixMs(1000)).unwrap().0;
        assert_eq!(at("verification.code_received"), 301_000);
        assert_eq!(at("verification.created"), 3_601_000);
        assert_eq!(at("message.received"), 3_601_000);
        assert_eq!(Policy::default().expires_at("message.received", UnixMs(1)), None);
    }

    #[test]
    fn what_is_out_of_its_range_is_refused() {
        let refused = |change: fn(&mut Policy)| {
            let mut policy = Policy::default();
            change(&mut policy);
            policy.check().unwrap_err()
        };
        assert_eq!(Policy::default().check(), Ok(()));
        assert_eq!(refused(|p| p.deadline_s = Some(0)), Error::Deadline);
        assert_eq!(
            refused(|p| p.expiry = vec![expiry("*", DEADLINE_MAX_S + 1)]),
            Error::Deadline
        );
        assert_eq!(refused(|p| p.timeout_ms = Some(99)), Error::Timeout);
        assert_eq!(refused(|p| p.concurrency_max = Some(0)), Error::Concurrency);
        let rate = |per_second, burst| Some(Rate { per_second, burst });
        assert_eq!(
            rate(f64::NAN, 1).map(|r| Policy {
                rate: Some(r),
                ..Policy::default()
            }
            .check()),
            Some(Err(Error::Rate))
        );
        assert_eq!(
            refused(|p| p.rate = Some(Rate {
                per_second: 1.0,
                burst: 0
            })),
            Error::Rate
        );
        assert!(matches!(
            refused(|p| p.retry = Some(retry::Policy::ScheduleS(vec![]))),
            Error::Retry(_)
        ));
    }
}
