//! Whose message it is that arrived on a number at a given time.

use serde::{Deserialize, Serialize};

use super::{Ended, Lease, Number};
use crate::core::time::UnixMs;

/// How far a carrier's clock may be behind ours, in milliseconds: many of them cut their times to whole seconds, and a code may come
/// within the second in which its number was rented.
const CLOCK_SKEW_MS: u64 = 5000;

/// How far back a carrier's timestamp is believed, in milliseconds.
const CARRIER_TIME_BACK_MAX_MS: u64 = 600_000;

/// When a message was sent, by its carrier's clock where it says so, and when it arrived, by ours.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub at: Option<UnixMs>,
    pub now: UnixMs,
}

impl Sent {
    /// The time it is matched by: the carrier's, where it lies in the last ten minutes, else the nearest end of them.
    pub fn matched_at(self) -> UnixMs {
        let sent_at = self.at.unwrap_or(self.now);
        sent_at.clamp(self.now.minus_ms(CARRIER_TIME_BACK_MAX_MS), self.now)
    }

    /// As far as it is known: a carrier may bring what it could not for hours.
    fn earliest(self) -> UnixMs {
        self.at.map_or(self.now, |at| at.min(self.now))
    }
}

/// How long messages of a rental may come after its end.
#[derive(Debug, Clone, Copy)]
pub struct Rests {
    /// So long they are still its own.
    pub grace_ms: u64,
    /// So long they may come at all.
    pub cool_down_ms: u64,
}

/// A lease that a message may be of, and the time that the message has by the clock of this lease.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    pub lease: &'a Lease,
    pub time: UnixMs,
    /// It came between the begin of the lease and the end of its grace.
    pub in_time: bool,
}

/// Whom a message belongs to.
#[derive(Debug, Clone)]
pub enum Owner<'a> {
    Rental(Claim<'a>),
    /// One of several that had the number together, or nobody: whose service it is for tells.
    OneOf(Vec<Claim<'a>>),
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
    /// Several have the number, and it does not tell whose service it is for.
    Ambiguous,
}

impl Unmatched {
    pub const ALL: [Self; 6] = [
        Self::UnknownNumber,
        Self::BadNumber,
        Self::NoRental,
        Self::Expired,
        Self::Cancelled,
        Self::Ambiguous,
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
            Self::Ambiguous => "ambiguous",
        }
    }
}

impl Lease {
    /// The latest time by our clock that is known of it.
    fn known(&self) -> UnixMs {
        match self.ended {
            Some(_) => self.starts_at.max(self.ends_at),
            None => self.starts_at,
        }
    }

    /// Whether another had the number with it, or one came before messages of the other had stopped.
    fn is_beside(&self, other: &Lease, cool_down_ms: u64) -> bool {
        let rested_at = |lease: &Lease| match lease.ended {
            Some(_) => lease.ends_at.plus_ms(cool_down_ms),
            None => UnixMs(u64::MAX),
        };
        self.starts_at < rested_at(other) && other.starts_at < rested_at(self)
    }
}

impl Claim<'_> {
    /// Its time is late for its lease.
    pub fn is_late(&self) -> bool {
        self.time > self.lease.ends_at
    }

    /// Why it is not this lease's, where it is not in its time.
    pub fn missed(&self) -> Unmatched {
        if !self.has_begun() {
            return Unmatched::NoRental;
        }
        match self.lease.ended {
            Some(Ended::Cancelled) => Unmatched::Cancelled,
            _ => Unmatched::Expired,
        }
    }

    fn has_begun(&self) -> bool {
        self.lease.starts_at.minus_ms(CLOCK_SKEW_MS) <= self.time
    }
}

impl Number {
    /// Our clock as far as a lease of this number is concerned. For who has the number it never goes behind the begin; for who had it,
    /// never behind what is known of those who came after: a clock that was stepped back would else give what the renter of today is
    /// sent to the renter before. What is known of others who have it says nothing: their ends may have been told by another clock.
    fn clock(&self, at: usize, now: UnixMs) -> UnixMs {
        let from_it_on = match self.leases[at].ended {
            Some(_) => &self.leases[at..],
            None => &self.leases[at..=at],
        };
        from_it_on.iter().map(Lease::known).fold(now, UnixMs::max)
    }

    fn claim(&self, at: usize, sent: Sent, grace_ms: u64) -> Claim<'_> {
        let now = self.clock(at, sent.now);
        let mut claim = Claim {
            lease: &self.leases[at],
            time: Sent { now, ..sent }.matched_at(),
            in_time: false,
        };
        claim.in_time = claim.has_begun() && claim.time <= claim.lease.ends_at.plus_ms(grace_ms);
        claim
    }

    /// Whose message it is: the rental's whose interval holds its time, or one's that ended within the grace before. It is never given to
    /// a later renter: where one has the number at a time, the cool-down is longer than grace and skew together, so at most one lease
    /// can match. Where several have it, or had it as long as messages of them may come, its time does not tell.
    pub fn owner_of(&self, sent: Sent, rests: Rests) -> Owner<'_> {
        let claims = (0..self.leases.len()).map(|at| self.claim(at, sent, rests.grace_ms));
        let (mut parties, others): (Vec<_>, Vec<_>) = claims.partition(|claim| claim.in_time);
        let may_be = |lease: &Lease| {
            lease.ended.is_none() || lease.known().plus_ms(rests.cool_down_ms) > sent.earliest()
        };
        let beside = |claim: &Claim<'_>| {
            let others = parties.iter();
            others
                .map(|party| party.lease)
                .any(|lease| lease.is_beside(claim.lease, rests.cool_down_ms))
        };
        let rivals: Vec<_> = others
            .iter()
            .filter(|claim| may_be(claim.lease) && beside(claim))
            .cloned()
            .collect();
        parties.extend(rivals);
        match parties.len() {
            0 => {
                let newest = others.iter().rfind(|claim| claim.has_begun());
                Owner::Nobody(newest.map_or(Unmatched::NoRental, Claim::missed))
            }
            1 => Owner::Rental(parties.remove(0)),
            _ => Owner::OneOf(parties),
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

    const RESTS: Rests = Rests {
        grace_ms: 120,
        cool_down_ms: 6000,
    };

    fn owned(number: &Number, sent_at: Option<u64>, now: u64) -> Result<(u8, bool), Unmatched> {
        let sent = Sent {
            at: sent_at.map(UnixMs),
            now: UnixMs(now),
        };
        match number.owner_of(sent, RESTS) {
            Owner::Rental(claim) => Ok((claim.lease.rental.0[0], claim.is_late())),
            Owner::OneOf(_) => panic!("one has it at a time"),
            Owner::Nobody(reason) => Err(reason),
        }
    }

    #[test]
    fn a_carriers_clock_is_believed_for_ten_minutes() {
        let now = UnixMs(10_000_000);
        let time = |at: Option<u64>| {
            Sent {
                at: at.map(UnixMs),
                now,
            }
            .matched_at()
            .0
        };
        assert_eq!(time(None), 10_000_000);
        assert_eq!(time(Some(9_990_000)), 9_990_000);
        assert_eq!(time(Some(1)), 9_400_000);
        assert_eq!(time(Some(99_000_000)), 10_000_000);
    }

    #[test]
    fn a_message_goes_to_the_rental_of_its_time() {
        let rentals = [
            (1_000_000, 1_050_000, Some(Status::Expired)),
            (1_150_000, 1_200_000, Some(Status::Cancelled)),
            (1_300_000, 1_400_000, None),
        ];
        let number = leased(&rentals, 0);
        let owner = |time| owned(&number, Some(time), 1_350_000);
        assert_eq!(owner(994_999), Err(Unmatched::NoRental));
        assert_eq!(owner(1_000_000), Ok((1, false)));
        assert_eq!(owner(1_050_001), Ok((1, true)));
        assert_eq!(owner(1_050_121), Err(Unmatched::Expired));
        assert_eq!(owner(1_200_121), Err(Unmatched::Cancelled));
        assert_eq!(owner(1_350_000), Ok((3, false)));
    }

    /// A carrier that writes whole seconds seems to have sent before the number was rented.
    #[test]
    fn a_time_cut_to_the_second_still_meets_its_rental() {
        let number = leased(&[(100_999, 200_000, None)], 0);
        assert_eq!(owned(&number, Some(100_000), 100_999), Ok((1, false)));
        assert_eq!(owned(&number, Some(95_998), 100_999), Err(Unmatched::NoRental));
    }

    #[test]
    fn a_clock_that_was_stepped_back_gives_nothing_to_the_renter_before() {
        let first = (100_000, 200_000, Some(Status::Expired));
        let open = leased(&[first, (500_000, 600_000, None)], 0);
        assert_eq!(owned(&open, None, 150_000), Ok((2, false)));
        let over = leased(&[first, (500_000, 560_000, Some(Status::Cancelled))], 0);
        assert_eq!(owned(&over, None, 150_000), Ok((2, false)));
        assert_eq!(owned(&leased(&[], 0), None, 1), Err(Unmatched::NoRental));
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
            // By a clock that is so far on, what the carrier says counts.
            let sent = Sent { at: Some(UnixMs(at)), now: UnixMs(at.max(clock)) };
            match number.owner_of(sent, RESTS) {
                Owner::Rental(Claim { lease, time, .. }) => {
                    prop_assert_eq!(time, UnixMs(at));
                    prop_assert!(lease.starts_at.0 <= at + CLOCK_SKEW_MS && at <= lease.ends_at.0 + 120);
                }
                Owner::OneOf(_) => prop_assert!(false, "one has it at a time"),
                Owner::Nobody(_) => {}
            }
        }
    }
}
