//! Whose message it is that arrived on a number at a given time.

use serde::{Deserialize, Serialize};

use super::{Ended, Lease, Number};
use crate::core::time::UnixMs;

/// How far a carrier's clock may be behind ours, in milliseconds: many of them cut their times to whole seconds, and a code may come
/// within the second in which its number was rented.
const CLOCK_SKEW_MS: u64 = 5000;

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
    use crate::core::number::Rules;
    use crate::core::number::samples::{closed, number, rented};
    use crate::core::rental::Status;
    use proptest::prelude::*;

    /// A number with these rentals behind it; the last is open where it has no end.
    fn leased(rentals: &[(u64, u64, Option<Status>)], cool_down_ms: u64) -> Number {
        let rules = Rules {
            cool_down_ms,
            silent_rentals: 0,
            ..Rules::standard()
        };
        let mut number = number();
        for (n, (starts, ends, over)) in rentals.iter().enumerate() {
            let rental = rented(n as u8 + 1, *starts, *ends);
            number = number.leased(&rental);
            if let Some(status) = over {
                number = number.given_back(&closed(&rental, *status, *ends), &rules);
            }
        }
        number
    }

    fn owner(number: &Number, time: u64) -> Result<(u8, bool), Unmatched> {
        match number.owner_at(UnixMs(time), 120) {
            Owner::Rental { lease, late } => Ok((lease.rental.0[0], late)),
            Owner::Nobody(reason) => Err(reason),
        }
    }

    #[test]
    fn a_message_goes_to_the_rental_of_its_time() {
        let rentals = [
            (100_000, 200_000, Some(Status::Expired)),
            (500_000, 600_000, Some(Status::Cancelled)),
            (900_000, 990_000, None),
        ];
        let number = leased(&rentals, 0);
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
        let number = leased(&[(100_999, 200_000, None)], 0);
        assert_eq!(owner(&number, 100_000), Ok((1, false)));
        assert_eq!(owner(&number, 95_998), Err(Unmatched::NoRental));
    }

    #[test]
    fn a_clock_that_was_stepped_back_gives_nothing_to_the_renter_before() {
        let first = (100_000, 200_000, Some(Status::Expired));
        let open = leased(&[first, (500_000, 600_000, None)], 0);
        assert_eq!(owner(&open, open.clock(UnixMs(150_000)).0), Ok((2, false)));
        assert_eq!(open.clock(UnixMs(550_000)), UnixMs(550_000));
        let over = leased(&[first, (500_000, 560_000, Some(Status::Cancelled))], 0);
        assert_eq!(owner(&over, over.clock(UnixMs(150_000)).0), Ok((2, false)));
        assert_eq!(leased(&[], 0).clock(UnixMs(1)), UnixMs(1));
    }

    proptest! {
        /// However often a number is leased, a message finds at most the lease of its own time or one within grace.
        #[test]
        fn never_the_next_renters(gaps in proptest::collection::vec((6000u64..9000, 1u64..300), 1..12), at in 0u64..120_000) {
            let (mut rentals, mut clock) = (Vec::new(), 0);
            for (cool, lasts) in gaps {
                clock += cool;
                rentals.push((clock, clock + lasts, Some(Status::Expired)));
                clock += lasts;
            }
            let number = leased(&rentals, 6000);
            if let Owner::Rental { lease, late } = number.owner_at(UnixMs(at), 120) {
                prop_assert!(lease.starts_at.0 <= at + CLOCK_SKEW_MS && at <= lease.ends_at.0 + 120);
                prop_assert_eq!(late, at > lease.ends_at.0);
            }
        }
    }
}
