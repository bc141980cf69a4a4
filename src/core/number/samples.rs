//! A number and its rentals, for the tests of this room.

use super::Number;
use crate::core::id::{AccountId, MessageId, RentalId};
use crate::core::money::Price;
use crate::core::otp::Filter;
use crate::core::phone::PhoneNumber;
use crate::core::rental::{MessageRef, Rental, Status};
use crate::core::service::{Capability, Service};
use crate::core::tags::Tags;
use crate::core::time::UnixMs;

pub fn number() -> Number {
    let number = PhoneNumber::parse("+12025550143").expect("a sample is well-formed");
    Number::new(number, "US".into(), Price(0))
}

/// A rental of it for `google`, `n` in its id.
pub fn rented(n: u8, starts: u64, ends: u64) -> Rental {
    Rental {
        id: RentalId([n; 16]),
        account: AccountId::parse("a").expect("a sample is well-formed"),
        maker: None,
        service: "google".into(),
        number: number().number,
        cost: Price(0),
        status: Status::Active,
        filter: Filter::default(),
        tags: Tags::default(),
        created_at: UnixMs(starts),
        ends_at: UnixMs(ends),
        closed: false,
        reported: false,
        supplied: None,
        code: None,
        messages: Vec::new(),
        version: 0,
    }
}

/// A service that its name tells.
pub fn service(name: &str) -> Service {
    Service {
        name: name.into(),
        description: name.into(),
        capability: Capability::Sms,
        price: Price(0),
        lifetime_ms: 1000,
        filter: Filter::default(),
        brands: vec![name.into()],
    }
}

/// As it is when it is over.
pub fn closed(rental: &Rental, status: Status, at: u64) -> Rental {
    Rental {
        status,
        ends_at: UnixMs(at),
        closed: true,
        ..rental.clone()
    }
}

/// With a message.
pub fn heard(rental: Rental) -> Rental {
    let message = MessageRef {
        id: MessageId([1; 16]),
        at: rental.created_at,
    };
    Rental {
        messages: vec![message],
        ..rental
    }
}
