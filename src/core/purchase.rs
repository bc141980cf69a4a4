//! A rental that was bought from a supplier: written down before anything is bought, and kept until nothing of it can be open there; its
//! life as pure transitions.

use serde::{Deserialize, Serialize};

use super::id::{AccountId, RentalId};
use super::money::Price;
use super::phone::PhoneNumber;
use super::rental::{Rental, Status};
use super::time::UnixMs;

/// What is bought for one rental, which has the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    pub rental: RentalId,
    pub account: AccountId,
    pub supplier: String,
    pub service: String,
    pub created_at: UnixMs,
    pub stage: Stage,
    /// Its id at the supplier, once it is known.
    pub id: Option<String>,
    pub number: Option<PhoneNumber>,
    /// What it costs us.
    pub cost: Option<Price>,
    /// Whether a code came; `None` as long as that is open, and where it says nothing about the supplier.
    pub heard: Option<bool>,
    /// Grows with every change; a commit names the version it decided on.
    pub version: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It is about to be bought, or was: nobody knows yet.
    Meant,
    /// Bought, and no rental has it yet.
    Bought,
    Rented,
    /// No rental has it, or none any more: it is cancelled there until that is known.
    Returning {
        /// When its rental was over, or it was decided that there will be none.
        since: UnixMs,
    },
    /// Nothing of it is open.
    Over {
        since: UnixMs,
        refunded: bool,
    },
}

impl Stage {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Meant => "meant",
            Self::Bought => "bought",
            Self::Rented => "rented",
            Self::Returning { .. } => "returning",
            Self::Over { .. } => "over",
        }
    }
}

impl Purchase {
    /// An intent, before anything is bought.
    pub fn meant(rental: RentalId, account: AccountId, (supplier, service): (&str, &str)) -> Self {
        Self {
            rental,
            account,
            supplier: supplier.to_owned(),
            service: service.to_owned(),
            created_at: rental.created_at(),
            stage: Stage::Meant,
            id: None,
            number: None,
            cost: None,
            heard: None,
            version: 0,
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over { .. })
    }

    /// The number is a rental's now.
    pub fn holds(&self, number: &PhoneNumber) -> bool {
        self.stage == Stage::Rented && self.number.as_ref() == Some(number)
    }

    /// The supplier sold it under this id.
    pub fn bought(&self, id: String) -> Self {
        Self {
            stage: Stage::Bought,
            id: Some(id),
            ..self.changed()
        }
    }

    /// The rental of its id has it.
    pub fn rented(&self, number: PhoneNumber, cost: Price) -> Self {
        Self {
            stage: Stage::Rented,
            number: Some(number),
            cost: Some(cost),
            ..self.changed()
        }
    }

    /// Nobody is to have it: it goes back.
    pub fn unwanted(&self, now: UnixMs) -> Self {
        Self {
            stage: Stage::Returning { since: now },
            ..self.changed()
        }
    }

    /// Its rental is over. What had its code is used up; all else goes back. A cancelled one says nothing about the supplier, for it may
    /// have had no time; a reported one does.
    pub fn after(&self, rental: &Rental) -> Self {
        let since = rental.ends_at;
        let (stage, heard) = match rental.status {
            Status::Completed => (
                Stage::Over {
                    since,
                    refunded: false,
                },
                Some(true),
            ),
            Status::Expired => (Stage::Returning { since }, Some(!rental.messages.is_empty())),
            _ if rental.reported => (Stage::Returning { since }, Some(false)),
            _ => (Stage::Returning { since }, None),
        };
        Self {
            stage,
            heard,
            ..self.changed()
        }
    }

    /// It is known that nothing of it is open there.
    pub fn settled(&self, now: UnixMs, refunded: bool) -> Self {
        let since = match self.stage {
            Stage::Returning { since } | Stage::Over { since, .. } => since,
            Stage::Meant | Stage::Bought | Stage::Rented => now,
        };
        Self {
            stage: Stage::Over { since, refunded },
            ..self.changed()
        }
    }

    /// When its number may be rented again: for this service, or for another one. `None`: not while it is open.
    pub fn rested_at(&self, service: &str, (same_service_ms, cool_down_ms): (u64, u64)) -> Option<UnixMs> {
        let rests_ms = if self.service == service {
            same_service_ms
        } else {
            cool_down_ms
        };
        match self.stage {
            Stage::Over { since, .. } | Stage::Returning { since } => Some(since.plus_ms(rests_ms)),
            Stage::Meant | Stage::Bought | Stage::Rented => None,
        }
    }

    fn changed(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::number::samples::{closed, heard, rented};

    fn purchase() -> Purchase {
        let account = AccountId::parse("a").unwrap();
        Purchase::meant(RentalId([1; 16]), account, ("tv", "google"))
    }

    fn number() -> PhoneNumber {
        PhoneNumber::parse("+12025550143").unwrap()
    }

    #[test]
    fn a_life_with_a_code() {
        let held = purchase().bought("lr_1".into()).rented(number(), Price(9500));
        assert!(held.holds(&number()) && held.version == 2);
        let over = held.after(&heard(closed(&rented(1, 0, 1000), Status::Completed, 1000)));
        assert_eq!(
            (over.stage, over.heard),
            (
                Stage::Over {
                    since: UnixMs(1000),
                    refunded: false
                },
                Some(true)
            )
        );
        assert!(over.is_over() && !over.holds(&number()));
    }

    #[test]
    fn what_heard_nothing_goes_back() {
        let held = purchase().bought("lr_1".into()).rented(number(), Price(9500));
        let after = |status, reported| {
            let rental = Rental {
                reported,
                ..closed(&rented(1, 0, 1000), status, 1000)
            };
            let after = held.after(&rental);
            assert_eq!(after.stage, Stage::Returning { since: UnixMs(1000) });
            after.heard
        };
        assert_eq!(after(Status::Expired, false), Some(false));
        assert_eq!(after(Status::Cancelled, true), Some(false));
        assert_eq!(after(Status::Cancelled, false), None);
    }

    #[test]
    fn a_number_rests_from_the_end_of_its_rental_on() {
        let held = purchase().bought("lr_1".into()).rented(number(), Price(1));
        assert_eq!(held.rested_at("google", (500, 50)), None);
        let back = held.after(&closed(&rented(1, 0, 1000), Status::Cancelled, 1000));
        let over = back.settled(UnixMs(9000), true);
        assert_eq!(
            over.stage,
            Stage::Over {
                since: UnixMs(1000),
                refunded: true
            }
        );
        for stage in [&back, &over] {
            assert_eq!(stage.rested_at("google", (500, 50)), Some(UnixMs(1500)));
            assert_eq!(stage.rested_at("other", (500, 50)), Some(UnixMs(1050)));
        }
        let never = purchase().settled(UnixMs(7), false);
        assert_eq!(
            never.stage,
            Stage::Over {
                since: UnixMs(7),
                refunded: false
            }
        );
        assert_eq!(
            purchase().unwanted(UnixMs(7)).stage,
            Stage::Returning { since: UnixMs(7) }
        );
    }
}
