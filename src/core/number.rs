//! The inventory: what state a number is in and whose message arrived on it at a given time; pure decisions, the store makes them atomic.

use serde::{Deserialize, Serialize};

use super::id::{AccountId, RentalId};
use super::money::Price;
use super::phone::PhoneNumber;
use super::time::UnixMs;

/// How many past leases a number remembers for late messages and for never giving one renter's message to the next.
const LEASES_MAX: usize = 8;

/// How far a carrier's clock may be behind ours, in milliseconds: many of them cut their times to whole seconds, and a code may come
/// within the second in which its number was rented.
const CLOCK_SKEW_MS: u64 = 5000;

/// A number that can be leased, with its latest leases, newest last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    pub number: PhoneNumber,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: String,
    pub price: Price,
    /// Not leased again before this time.
    pub cooling_until: UnixMs,
    pub leases: Vec<Lease>,
    /// Grows with every change; a commit names the version it decided on.
    pub version: u32,
}

/// The time a number belonged, or belongs, to a rental.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub rental: RentalId,
    pub account: AccountId,
    pub starts_at: UnixMs,
    /// The planned end, and once it is over the real one.
    pub ends_at: UnixMs,
    /// Why it ended; `None` while the number is taken.
    pub ended: Option<Ended>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    Cancelled,
    Expired,
}

/// Whom a message belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner<'a> {
    Rental { lease: &'a Lease, late: bool },
    Nobody(Unmatched),
}

/// Why a message belongs to no rental.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmatched {
    UnknownNumber,
    BadNumber,
    NoRental,
    Expired,
    Cancelled,
}

impl Unmatched {
    pub const ALL: [Self; 5] = [
        Self::UnknownNumber,
        Self::BadNumber,
        Self::NoRental,
        Self::Expired,
        Self::Cancelled,
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownNumber => "unknown_number",
            Self::BadNumber => "bad_number",
            Self::NoRental => "no_rental",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Number {
    pub fn new(number: PhoneNumber, country: String, price: Price) -> Self {
        Self {
            number,
            country,
            price,
            cooling_until: UnixMs(0),
            leases: Vec::new(),
            version: 0,
        }
    }

    /// The US area code, where it has one.
    pub fn area_code(&self) -> Option<&str> {
        self.number
            .as_str()
            .strip_prefix("+1")
            .and_then(|rest| rest.get(..3))
    }

    /// Free to lease: nobody holds it and the cool-down is over.
    pub fn is_free(&self, now: UnixMs) -> bool {
        self.cooling_until <= now && self.leases.last().is_none_or(|lease| lease.ended.is_some())
    }

    /// The number with one more lease.
    pub fn leased(&self, lease: Lease) -> Self {
        debug_assert!(self.is_free(lease.starts_at), "a number has one lease at a time");
        let mut next = self.clone();
        next.leases.push(lease);
        next.leases.drain(..next.leases.len().saturating_sub(LEASES_MAX));
        next.version += 1;
        next
    }

    /// The number with another end for this rental's lease; `ended` says that it is over now.
    pub fn with_end(
        &self,
        rental: RentalId,
        ends_at: UnixMs,
        ended: Option<Ended>,
        cool_down_ms: u64,
    ) -> Self {
        let mut next = self.clone();
        next.version += 1;
        if let Some(lease) = next.leases.iter_mut().find(|lease| lease.rental == rental) {
            lease.ends_at = ends_at;
            lease.ended = ended;
            if ended.is_some() {
                next.cooling_until = next.cooling_until.max(ends_at.plus_ms(cool_down_ms));
            }
        }
        next
    }

    /// Our clock as far as this number is concerned. It never goes behind the newest lease: a clock that was stepped back would
    /// else give what the renter of today is sent to the renter before.
    pub fn clock(&self, now: UnixMs) -> UnixMs {
        let known = |lease: &Lease| match lease.ended {
            Some(_) => lease.starts_at.max(lease.ends_at),
            None => lease.starts_at,
        };
        self.leases.last().map_or(now, |lease| now.max(known(lease)))
    }

    /// Whose message it is that arrived at `time`: the rental whose interval holds it, or one that ended at most `grace_ms` before.
    /// A message is never given to a later renter: the cool-down is longer than grace and skew together, so at most one lease can match.
    pub fn owner_at(&self, time: UnixMs, grace_ms: u64) -> Owner<'_> {
        let Some(lease) = self
            .leases
            .iter()
            .rev()
            .find(|lease| lease.starts_at.minus_ms(CLOCK_SKEW_MS) <= time)
        else {
            return Owner::Nobody(Unmatched::NoRental);
        };
        if time <= lease.ends_at.plus_ms(grace_ms) {
            return Owner::Rental {
                lease,
                late: time > lease.ends_at,
            };
        }
        match lease.ended {
            Some(Ended::Cancelled) => Owner::Nobody(Unmatched::Cancelled),
            _ => Owner::Nobody(Unmatched::Expired),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lease(n: u8, starts: u64, ends: u64, ended: Option<Ended>) -> Lease {
        let account = AccountId::parse("a").unwrap();
        Lease {
            rental: RentalId([n; 16]),
            account,
            starts_at: UnixMs(starts),
            ends_at: UnixMs(ends),
            ended,
        }
    }

    fn number(leases: Vec<Lease>) -> Number {
        let number = PhoneNumber::parse("+12025550143").unwrap();
        Number {
            leases,
            ..Number::new(number, "US".into(), Price(0))
        }
    }

    fn owner(number: &Number, time: u64) -> Result<(u8, bool), Unmatched> {
        match number.owner_at(UnixMs(time), 120) {
            Owner::Rental { lease, late } => Ok((lease.rental.0[0], late)),
            Owner::Nobody(reason) => Err(reason),
        }
    }

    #[test]
    fn a_message_goes_to_the_rental_of_its_time() {
        let number = number(vec![
            lease(1, 100_000, 200_000, Some(Ended::Expired)),
            lease(2, 500_000, 600_000, Some(Ended::Cancelled)),
            lease(3, 900_000, 990_000, None),
        ]);
        assert_eq!(owner(&number, 94_999), Err(Unmatched::NoRental));
        assert_eq!(owner(&number, 100_000), Ok((1, false)));
        assert_eq!(owner(&number, 200_001), Ok((1, true)));
        assert_eq!(owner(&number, 200_121), Err(Unmatched::Expired));
        assert_eq!(owner(&number, 600_121), Err(Unmatched::Cancelled));
        assert_eq!(owner(&number, 950_000), Ok((3, false)));
    }

    /// A carrier that writes whole seconds seems to have sent before the number was rented.
    #[test]
    fn a_time_cut_to_the_second_still_meets_its_rental() {
        let number = number(vec![lease(1, 100_999, 200_000, None)]);
        assert_eq!(owner(&number, 100_000), Ok((1, false)));
        assert_eq!(owner(&number, 95_998), Err(Unmatched::NoRental));
    }

    #[test]
    fn a_clock_that_was_stepped_back_gives_nothing_to_the_renter_before() {
        let leases = vec![
            lease(1, 100_000, 200_000, Some(Ended::Expired)),
            lease(2, 500_000, 600_000, None),
        ];
        let open = number(leases.clone());
        assert_eq!(owner(&open, open.clock(UnixMs(150_000)).0), Ok((2, false)));
        assert_eq!(open.clock(UnixMs(550_000)), UnixMs(550_000));
        let over = number(leases).with_end(RentalId([2; 16]), UnixMs(560_000), Some(Ended::Cancelled), 0);
        assert_eq!(owner(&over, over.clock(UnixMs(150_000)).0), Ok((2, false)));
        assert_eq!(number(vec![]).clock(UnixMs(1)), UnixMs(1));
    }

    #[test]
    fn a_number_cools_down_before_the_next_renter() {
        let held = number(vec![]).leased(lease(1, 1000, 2000, None));
        assert!(!held.is_free(UnixMs(1500)));
        let ended = held.with_end(RentalId([1; 16]), UnixMs(1500), Some(Ended::Cancelled), 900);
        assert!(!ended.is_free(UnixMs(2399)));
        assert!(ended.is_free(UnixMs(2400)));
        assert_eq!(ended.version, 2);
        assert_eq!(ended.area_code(), Some("202"));
    }

    proptest! {
        /// However often a number is leased, a message finds at most the lease of its own time or one within grace.
        #[test]
        fn never_the_next_renters(gaps in proptest::collection::vec((6000u64..9000, 1u64..300), 1..12), at in 0u64..120_000) {
            let mut number = number(vec![]);
            let mut clock = 0;
            for (n, (cool, lasts)) in gaps.iter().enumerate() {
                clock += cool;
                number = number.leased(lease(n as u8, clock, clock + lasts, None));
                clock += lasts;
                number = number.with_end(RentalId([n as u8; 16]), UnixMs(clock), Some(Ended::Expired), 6000);
            }
            prop_assert!(number.leases.len() <= LEASES_MAX);
            if let Owner::Rental { lease, late } = number.owner_at(UnixMs(at), 120) {
                prop_assert!(lease.starts_at.0 <= at + CLOCK_SKEW_MS && at <= lease.ends_at.0 + 120);
                prop_assert_eq!(late, at > lease.ends_at.0);
            }
        }
    }
}
