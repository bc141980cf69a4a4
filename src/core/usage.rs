//! What an account used, for whoever bills it: one item for each rental that was completed by a code, and sums of them by day and service.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::id::{AccountId, EventId, RentalId, Seq};
use super::money::Price;
use super::rental::{Rental, Status};
use super::time::{DAY_MS, UnixMs};

/// What is metered, as contract 000 names it.
pub const KIND: &str = "verification.create";

/// One completed rental. Its number, code and text are absent: a billing system needs none of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub account: AccountId,
    pub rental: RentalId,
    pub service: String,
    pub cost: Price,
    pub created_at: UnixMs,
}

impl Usage {
    /// What the step from `before` to `after` is metered as: the one that completes it, and no other.
    pub fn of(before: &Rental, after: &Rental) -> Option<Self> {
        let completes = before.status != Status::Completed && after.status == Status::Completed;
        completes.then(|| Self {
            account: after.account.clone(),
            rental: after.id,
            service: after.service.clone(),
            cost: after.cost,
            created_at: after.created_at,
        })
    }

    /// The same whenever and wherever it is asked for, so that who reads it twice counts it once.
    pub fn id(&self) -> EventId {
        EventId::derive(&self.rental.0, KIND)
    }
}

/// Where a reader of usage is: within a span whose end is fixed, so that what becomes durable meanwhile is in the next one and nothing is
/// missed, whatever the order in which accounts are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub since: Seq,
    /// Not of the span any more; `None`: the span is still to be fixed.
    pub until: Option<Seq>,
    /// The last item that was read of it.
    pub after: Option<(AccountId, Seq)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is the \"nextCursor\" of an answer")]
pub struct NoCursor;

const PREFIX: &str = "usc_";

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{:016x}", self.since.0)?;
        if let Some(until) = self.until {
            write!(f, ".{:016x}", until.0)?;
            if let Some((account, seq)) = &self.after {
                write!(f, ".{:016x}.{}", seq.0, account.as_str())?;
            }
        }
        Ok(())
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let mut parts = text.strip_prefix(PREFIX).ok_or(NoCursor)?.splitn(4, '.');
        let mut seq = || parts.next().map(seq).transpose();
        let since = seq()?.ok_or(NoCursor)?;
        let (until, after) = (seq()?, seq()?);
        let account = parts
            .next()
            .map(|text| AccountId::parse(text).map_err(|_| NoCursor));
        Ok(Self {
            since,
            until,
            after: match (after, account.transpose()?) {
                (None, None) => None,
                (Some(seq), Some(account)) => Some((account, seq)),
                _ => return Err(NoCursor),
            },
        })
    }
}

fn seq(text: &str) -> Result<Seq, NoCursor> {
    let legal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if text.len() != 16 || !text.bytes().all(legal) {
        return Err(NoCursor);
    }
    u64::from_str_radix(text, 16).map(Seq).map_err(|_| NoCursor)
}

/// What was used of one service on one day in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// Its first millisecond.
    pub day: UnixMs,
    pub service: String,
    pub count: u64,
    pub cost: Price,
}

/// Sums in the making.
#[derive(Debug, Default)]
pub struct Sums(BTreeMap<(u64, String), (u64, u64)>);

impl Sums {
    /// An item counts on the day on which it became durable, which its place tells.
    pub fn add(&mut self, place: Seq, usage: &Usage) {
        let day = place.written_at().0 / DAY_MS;
        let (count, cost) = self.0.entry((day, usage.service.clone())).or_default();
        *count += 1;
        *cost += usage.cost.0;
    }

    /// By day, then by service.
    pub fn list(self) -> Vec<Sum> {
        let each = self.0.into_iter().map(|((day, service), (count, cost))| Sum {
            day: UnixMs(day * DAY_MS),
            service,
            count,
            cost: Price(cost),
        });
        each.collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::id::MessageId;
    use crate::core::number::samples::rented;
    use crate::core::rental::{Code, MessageRef};

    fn rental() -> Rental {
        Rental {
            cost: Price(5000),
            ..rented(1, 1000, 10_000)
        }
    }

    fn coded(rental: &Rental) -> Rental {
        let message = MessageId([1; 16]);
        let code = Code {
            code: "1".into(),
            text: "t".into(),
            message,
            confidence: 1.0,
            at: UnixMs(2000),
        };
        let place = MessageRef {
            id: message,
            at: UnixMs(2000),
        };
        rental.receive(place, Some(code), UnixMs(2000), 3000)
    }

    #[test]
    fn the_first_code_alone_is_metered() {
        let (active, once) = (rental(), coded(&rental()));
        let twice = coded(&once);
        let usage = Usage::of(&active, &once).unwrap();
        assert_eq!((usage.rental, usage.cost), (active.id, Price(5000)));
        assert_eq!(Usage::of(&once, &twice), None);
        assert_eq!(Usage::of(&once, &once.time_up(UnixMs(9000)).unwrap()), None);
        let cancelled = active.cancel(UnixMs(1500)).unwrap().unwrap();
        assert_eq!(Usage::of(&active, &cancelled), None);
        assert_eq!(
            Usage::of(&cancelled, &coded(&cancelled)),
            None,
            "a late code opens nothing again"
        );
        assert_eq!(usage.id(), Usage::of(&active, &coded(&active)).unwrap().id());
    }

    proptest! {
        #[test]
        fn cursors_round_trip(since: u64, until: Option<u64>, after in proptest::option::of(("[a-z_-]{1,64}", any::<u64>()))) {
            let after = after.filter(|_| until.is_some());
            let cursor = Cursor {
                since: Seq(since),
                until: until.map(Seq),
                after: after.map(|(account, seq)| (AccountId::parse(&account).unwrap(), Seq(seq))),
            };
            prop_assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
        }

        #[test]
        fn parsing_never_panics(text in "(usc_)?[0-9a-f.]{0,60}") {
            let _ = text.parse::<Cursor>();
        }
    }

    #[test]
    fn sums_are_exact_and_in_order() {
        let usage = |service: &str, cost| Usage {
            service: service.into(),
            cost: Price(cost),
            ..Usage::of(&rental(), &coded(&rental())).unwrap()
        };
        let mut sums = Sums::default();
        for (ms, service, cost) in [
            (DAY_MS, "b", 1),
            (DAY_MS - 1, "b", 9999),
            (DAY_MS + 5, "b", 2),
            (DAY_MS, "a", 5000),
        ] {
            sums.add(Seq::first_at(UnixMs(ms)), &usage(service, cost));
        }
        let shown: Vec<String> = sums
            .list()
            .iter()
            .map(|sum| format!("{} {} {} {}", sum.day.0, sum.service, sum.count, sum.cost))
            .collect();
        assert_eq!(
            shown,
            ["0 b 1 0.9999", "86400000 a 1 0.5000", "86400000 b 2 0.0003"]
        );
    }
}
