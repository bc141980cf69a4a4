//! What is held against a number: rentals that heard nothing, reports, and the quarantine they bring, longer each time.

use serde::{Deserialize, Serialize};

use super::Rules;
use crate::core::rental::{Rental, Status};
use crate::core::time::UnixMs;

/// A number's record since its last message. The default is a clean one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Rentals in a row that ended with their time and without a message.
    pub silent: u32,
    pub reports: u32,
    /// How often it was in quarantine.
    pub times: u32,
    /// The latest one; it may be over.
    pub quarantine: Option<Quarantine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    pub reason: Reason,
    pub since: UnixMs,
    /// `None`: until the operator lets it out.
    pub until: Option<UnixMs>,
}

/// Why a number is taken out of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Too many rentals in a row heard nothing.
    Silent,
    /// Its renters say that it is bad.
    Reported,
    /// Its carrier says that it is bad.
    CarrierError,
    /// The operator's wish, which ends with the operator's word.
    Operator,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Reported => "reported",
            Self::CarrierError => "carrier_error",
            Self::Operator => "operator",
        }
    }
}

impl Standing {
    /// Whether it is in quarantine at this time.
    pub fn is_out(&self, now: UnixMs) -> bool {
        self.quarantine
            .as_ref()
            .is_some_and(|quarantine| quarantine.until.is_none_or(|until| now < until))
    }

    /// After this rental, which is over. A message wipes the slate; a cancelled rental says nothing, for it may have had no time.
    pub(super) fn after(&self, rental: &Rental, rules: &Rules) -> Self {
        let mut next = self.clone();
        if rental.reported {
            next.reports += 1;
            if rules.reports > 0 && next.reports >= rules.reports {
                return next.out(Reason::Reported, rental.ends_at, rules);
            }
        } else if !rental.messages.is_empty() {
            next = Self {
                // One that began meanwhile is the operator's or the carrier's, who know more.
                quarantine: next.quarantine,
                ..Self::default()
            };
        } else if rental.status == Status::Expired {
            next.silent += 1;
            if rules.silent_rentals > 0 && next.silent >= rules.silent_rentals {
                return next.out(Reason::Silent, rental.ends_at, rules);
            }
        }
        next
    }

    /// In quarantine from now on. The counts stay, so that after it one more of the same is enough.
    pub(super) fn out(&self, reason: Reason, now: UnixMs, rules: &Rules) -> Self {
        let lasts_ms = match reason {
            Reason::Operator => None,
            _ => rules.quarantine_ms.get(self.times as usize).copied(),
        };
        let until = lasts_ms.map(|ms| now.plus_ms(ms));
        // None is never shortened: the operator's stays until the operator's word.
        let longer = match &self.quarantine {
            Some(quarantine) if self.is_out(now) => {
                until.and_then(|until| Some(until.max(quarantine.until?)))
            }
            _ => until,
        };
        Self {
            times: self.times.saturating_add(1),
            quarantine: Some(Quarantine {
                reason,
                since: now,
                until: longer,
            }),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::number::samples::{closed, heard, rented};

    const HOUR_MS: u64 = 3_600_000;

    fn rules() -> Rules {
        Rules::standard()
    }

    fn over(status: Status) -> Rental {
        closed(&rented(1, 0, 1000), status, 1000)
    }

    fn until(standing: &Standing) -> Option<Option<u64>> {
        standing.quarantine.as_ref().map(|q| q.until.map(|at| at.0))
    }

    #[test]
    fn three_silent_rentals_in_a_row_bring_quarantine_and_one_more_a_longer_one() {
        let twice = (0..2).fold(Standing::default(), |s, _| {
            s.after(&over(Status::Expired), &rules())
        });
        assert_eq!((twice.silent, until(&twice)), (2, None));
        let once = twice.after(&over(Status::Expired), &rules());
        assert_eq!(until(&once), Some(Some(1000 + HOUR_MS)));
        assert!(once.is_out(UnixMs(1000)) && !once.is_out(UnixMs(1000 + HOUR_MS)));
        // Each begins when the one before is over.
        let later = |standing: &Standing, at| standing.out(Reason::Silent, UnixMs(at), &rules());
        let again = later(&once, 2 * HOUR_MS);
        assert_eq!(until(&again), Some(Some(8 * HOUR_MS)));
        let third = later(&again, 9 * HOUR_MS);
        assert_eq!(until(&third), Some(Some(33 * HOUR_MS)));
        assert_eq!(
            until(&later(&third, 40 * HOUR_MS)),
            Some(None),
            "until the operator lets it out"
        );
    }

    #[test]
    fn a_message_wipes_the_slate_and_a_cancelled_rental_says_nothing() {
        let twice = (0..2).fold(Standing::default(), |s, _| {
            s.after(&over(Status::Expired), &rules())
        });
        let cancelled = twice.after(&over(Status::Cancelled), &rules());
        assert_eq!(cancelled, twice);
        let good = twice.after(&heard(over(Status::Expired)), &rules());
        assert_eq!(good, Standing::default());
        let forgiven = twice
            .out(Reason::Silent, UnixMs(0), &rules())
            .after(&heard(over(Status::Completed)), &rules());
        assert_eq!(forgiven.times, 0, "the next one is short again");
    }

    #[test]
    fn a_report_counts_whatever_came() {
        let reported = Rental {
            reported: true,
            ..heard(over(Status::Cancelled))
        };
        let out = Standing::default().after(&reported, &rules());
        assert_eq!(out.quarantine.as_ref().map(|q| q.reason), Some(Reason::Reported));
        let patient = Rules {
            reports: 2,
            ..rules()
        };
        let once = Standing::default().after(&reported, &patient);
        assert_eq!((once.reports, until(&once)), (1, None));
        assert!(once.after(&reported, &patient).is_out(UnixMs(1000)));
    }

    #[test]
    fn counts_of_zero_switch_it_off() {
        let off = Rules {
            silent_rentals: 0,
            reports: 0,
            ..rules()
        };
        let reported = Rental {
            reported: true,
            ..over(Status::Cancelled)
        };
        let many = (0..9).fold(Standing::default(), |s, _| {
            s.after(&over(Status::Expired), &off).after(&reported, &off)
        });
        assert_eq!(until(&many), None);
    }

    #[test]
    fn none_is_cut_short_by_another() {
        let operator = Standing::default().out(Reason::Operator, UnixMs(0), &rules());
        assert_eq!(
            until(&operator.out(Reason::CarrierError, UnixMs(5), &rules())),
            Some(None)
        );
        let day = Rules {
            quarantine_ms: vec![24 * HOUR_MS, HOUR_MS],
            ..rules()
        };
        let long = Standing::default().out(Reason::Reported, UnixMs(0), &day);
        assert_eq!(
            until(&long.out(Reason::Silent, UnixMs(5), &day)),
            Some(Some(24 * HOUR_MS))
        );
    }
}
