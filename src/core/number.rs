//! The inventory: what state a number is in and whose message arrived on it at a given time; pure decisions, the store makes them atomic.

mod owner;
mod sharing;
mod standing;

use serde::{Deserialize, Serialize};

use super::appended;
use super::id::{AccountId, RentalId};
use super::money::Price;
use super::phone::PhoneNumber;
use super::rental::{Rental, Status};
use super::service::Capability;
use super::time::UnixMs;

pub use owner::{Claim, Owner, Rests, Sent, Unmatched};
pub use sharing::Sharing;
pub use standing::{Quarantine, Reason, Standing};

/// How many past leases a number remembers for late messages and for never giving one renter's message to the next.
const LEASES_MAX: usize = 8;

/// How many services a number remembers that it served; the one of longest ago is forgotten first.
const SERVED_MAX: usize = 64;

/// A number that can be leased, with its latest leases, newest last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    pub number: PhoneNumber,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: String,
    /// Zero: what the service costs.
    pub price: Price,
    pub capability: Capability,
    /// Not leased again before this time.
    pub cooling_until: UnixMs,
    pub leases: Vec<Lease>,
    /// What it was rented for, each service once, with the end of its last rental; newest last.
    pub served: Vec<Served>,
    pub standing: Standing,
    /// Taken out of use for good, once nobody holds it.
    pub retired: bool,
    /// Grows with every change; a commit names the version it decided on.
    pub version: u32,
    /// Whether several may rent it at once. Records of before it end here.
    #[serde(deserialize_with = "appended::or_default")]
    pub sharing: Sharing,
}

/// The time a number belonged, or belongs, to a rental.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub rental: RentalId,
    pub account: AccountId,
    pub service: String,
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

/// A service that a number was rented for, and when the last such rental ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    pub service: String,
    pub at: UnixMs,
}

/// How long a number rests, and what takes it out of use. Every number is a key of `config.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Between two renters.
    pub cool_down_ms: u64,
    /// Between two renters for the same service, which sends again for long.
    pub same_service_ms: u64,
    /// For so long a number that served a service is not given for it again while there are others.
    pub used_before_ms: u64,
    /// Rentals in a row that end with their time and without a message; 0: they do not count.
    pub silent_rentals: u32,
    /// Reports since its last message; 0: they do not count.
    pub reports: u32,
    /// How long its first quarantine lasts, its second, ...; after the last it stays until the operator lets it out.
    pub quarantine_ms: Vec<u64>,
    /// Whether a number is shared that does not say so when it comes in.
    pub shared: bool,
    /// How many rentals a shared number carries at once.
    pub shared_rentals_max: usize,
}

impl Rules {
    /// The built-in configuration.
    pub fn standard() -> Self {
        Self {
            cool_down_ms: 900_000,
            same_service_ms: 86_400_000,
            used_before_ms: 604_800_000,
            silent_rentals: 3,
            reports: 1,
            quarantine_ms: vec![3_600_000, 21_600_000, 86_400_000],
            shared: false,
            shared_rentals_max: 8,
        }
    }
}

/// Where a number is in its life: free, reserved, active, cooling, and free again, unless it is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    Free,
    /// Chosen for a rental that is not durable yet. Only the process knows of it: after a crash it is free, or active.
    Reserved,
    Active,
    Cooling,
    Quarantined,
    Retired,
}

impl State {
    pub const ALL: [Self; 6] = [
        Self::Free,
        Self::Reserved,
        Self::Active,
        Self::Cooling,
        Self::Quarantined,
        Self::Retired,
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Reserved => "reserved",
            Self::Active => "active",
            Self::Cooling => "cooling",
            Self::Quarantined => "quarantined",
            Self::Retired => "retired",
        }
    }
}

impl Number {
    pub fn new(number: PhoneNumber, country: String, price: Price) -> Self {
        Self {
            number,
            country,
            price,
            capability: Capability::Sms,
            cooling_until: UnixMs(0),
            leases: Vec::new(),
            served: Vec::new(),
            standing: Standing::default(),
            retired: false,
            version: 0,
            sharing: Sharing::Off,
        }
    }

    /// The US area code, where it has one.
    pub fn area_code(&self) -> Option<&str> {
        self.number
            .as_str()
            .strip_prefix("+1")
            .and_then(|rest| rest.get(..3))
    }

    /// As the number's row tells it; whether it is reserved, only the process knows.
    pub fn state(&self, now: UnixMs) -> State {
        match self.ready_at() {
            _ if self.is_held() => State::Active,
            _ if self.retired => State::Retired,
            Some(at) if at <= now => State::Free,
            _ if self.standing.is_out(now) => State::Quarantined,
            _ => State::Cooling,
        }
    }

    /// When it can be leased again, as far as time alone tells: a shared one has to have room too. `None`: not by time.
    pub fn ready_at(&self) -> Option<UnixMs> {
        let rested_at = self.rested_at().filter(|_| !self.retired)?;
        match &self.standing.quarantine {
            None => Some(rested_at),
            Some(quarantine) => Some(quarantine.until?.max(rested_at)),
        }
    }

    /// Free to lease: nobody holds it, its rest and its quarantine are over, and it is not retired.
    pub fn is_free(&self, now: UnixMs) -> bool {
        self.state(now) == State::Free
    }

    /// Whether its rest after its last rental for this service is over too.
    pub fn may_serve(&self, service: &str, now: UnixMs, same_service_ms: u64) -> bool {
        let last = self.served.iter().find(|served| served.service == service);
        last.is_none_or(|served| served.at.plus_ms(same_service_ms) <= now)
    }

    fn changed(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// Free → active, or with one more lease where it is shared: for this rental until its end.
    pub fn leased(&self, rental: &Rental) -> Self {
        debug_assert!(
            self.ready_at().is_some_and(|at| at <= rental.created_at) && !self.serves(&rental.service),
            "a number has one lease of a service at a time, and only a shared one has several"
        );
        let mut next = self.begun(rental.created_at);
        next.leases.push(Lease {
            rental: rental.id,
            account: rental.account.clone(),
            service: rental.service.clone(),
            starts_at: rental.created_at,
            ends_at: rental.ends_at,
            ended: None,
        });
        next
    }

    /// Active → cooling, unless others have it still: this rental is over. What it heard, or that it heard nothing, may bring quarantine.
    pub fn given_back(&self, rental: &Rental, rules: &Rules) -> Self {
        debug_assert!(rental.closed, "a number comes back when its rental is over");
        let mut next = self.changed();
        let Some(lease) = next.leases.iter_mut().find(|lease| lease.rental == rental.id) else {
            return next;
        };
        let at = rental.ends_at;
        lease.ends_at = at;
        lease.ended = Some(match rental.status {
            Status::Cancelled => Ended::Cancelled,
            _ => Ended::Expired,
        });
        next.cooling_until = next.cooling_until.max(at.plus_ms(rules.cool_down_ms));
        next.served.retain(|served| served.service != rental.service);
        next.served.push(Served {
            service: rental.service.clone(),
            at,
        });
        next.served.drain(..next.served.len().saturating_sub(SERVED_MAX));
        next.standing = next.standing.after(rental, rules);
        next.forget(LEASES_MAX, |lease| {
            lease.ends_at.plus_ms(rules.cool_down_ms) <= at
        });
        next
    }

    /// Out of use from now on, or once its rental is over: for a time that grows, or until the operator's word.
    pub fn quarantined(&self, reason: Reason, now: UnixMs, rules: &Rules) -> Self {
        Self {
            standing: self.standing.out(reason, now, rules),
            ..self.changed()
        }
    }

    /// Out of use for good, once its rental is over.
    pub fn retired(&self) -> Self {
        Self {
            retired: true,
            ..self.changed()
        }
    }

    /// Quarantined or retired → in use again, with nothing held against it. Its cool-down goes on.
    pub fn readmitted(&self) -> Self {
        Self {
            standing: Standing::default(),
            retired: false,
            ..self.changed()
        }
    }
}

#[cfg(test)]
pub(crate) mod samples;

#[cfg(test)]
mod tests {
    use super::samples::{closed, number, rented};
    use super::*;

    fn rules() -> Rules {
        Rules {
            cool_down_ms: 900,
            same_service_ms: 5000,
            ..Rules::standard()
        }
    }

    #[test]
    fn a_number_goes_round_and_cools_down_before_the_next_renter() {
        let free = number();
        assert_eq!(free.state(UnixMs(1000)), State::Free);
        let rental = rented(1, 1000, 2000);
        let held = free.leased(&rental);
        assert_eq!((held.state(UnixMs(1500)), held.ready_at()), (State::Active, None));
        assert_eq!(held.state(UnixMs(9000)), State::Active, "until somebody ends it");
        let back = held.given_back(&closed(&rental, Status::Cancelled, 1500), &rules());
        assert_eq!(
            (back.state(UnixMs(2399)), back.state(UnixMs(2400))),
            (State::Cooling, State::Free)
        );
        assert_eq!((back.version, back.area_code()), (2, Some("202")));
        assert_eq!(back.leases[0].ended, Some(Ended::Cancelled));
    }

    #[test]
    fn it_rests_longer_from_a_service_that_it_served() {
        let rental = rented(1, 1000, 2000);
        let back = number()
            .leased(&rental)
            .given_back(&closed(&rental, Status::Completed, 2000), &rules());
        let may = |service, at| back.may_serve(service, UnixMs(at), 5000);
        assert!(may("telegram", 2900) && !may("google", 6999) && may("google", 7000));
        assert_eq!(back.served.len(), 1);
    }

    #[test]
    fn it_remembers_so_many_services_and_the_newest_of_each() {
        let mut number = number();
        for n in 0..70u8 {
            let at = 10_000 * u64::from(n + 1);
            let rental = Rental {
                service: format!("service-{}", n % 66),
                ..rented(n, at, at + 10)
            };
            let over = closed(&rental, Status::Completed, at + 10);
            number = number.leased(&rental).given_back(&over, &rules());
        }
        assert_eq!(
            (number.served.len(), number.leases.len()),
            (SERVED_MAX, LEASES_MAX)
        );
        let names: Vec<&str> = number.served.iter().map(|s| s.service.as_str()).collect();
        assert!(!names.contains(&"service-4") && names.contains(&"service-6"));
        assert_eq!(names.iter().filter(|name| **name == "service-2").count(), 1);
    }

    #[test]
    fn the_operator_takes_it_out_and_lets_it_in_again() {
        let out = number().quarantined(Reason::Operator, UnixMs(5), &rules());
        assert_eq!(out.state(UnixMs(u64::MAX)), State::Quarantined);
        assert_eq!(out.readmitted().state(UnixMs(6)), State::Free);
        let retired = number().retired();
        assert_eq!(
            (retired.state(UnixMs(6)), retired.ready_at()),
            (State::Retired, None)
        );
        assert_eq!(retired.readmitted().state(UnixMs(6)), State::Free);
    }

    #[test]
    fn whoever_has_it_keeps_it_to_the_end_of_the_rental() {
        let rental = rented(1, 1000, 2000);
        let over = closed(&rental, Status::Expired, 2000);
        let held = number().leased(&rental);
        let retired = held.retired();
        assert_eq!(retired.state(UnixMs(1500)), State::Active);
        assert_eq!(
            retired.given_back(&over, &rules()).state(UnixMs(9000)),
            State::Retired
        );
        let out = held.quarantined(Reason::CarrierError, UnixMs(1500), &rules());
        assert_eq!(out.state(UnixMs(1600)), State::Active);
        let back = out.given_back(&over, &rules());
        assert_eq!(back.state(UnixMs(1500 + 3_599_999)), State::Quarantined);
        assert_eq!(back.state(UnixMs(1500 + 3_600_000)), State::Free);
    }

    #[test]
    fn states_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
    }
}
