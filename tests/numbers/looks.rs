//! What must be so after any race for numbers: who had which number when, whose each message is, what was told, and that none was lost.

use std::collections::BTreeMap;

use ringback::core::id::{MessageId, RentalId};
use ringback::core::number::{self, State};
use ringback::core::rental::{Rental, Status};
use ringback::core::time::UnixMs;
use ringback::store::Reading;

use super::races::{ACCOUNTS, Books, COOL_DOWN_MS, GRACE_MS, NUMBERS, Numbers, SAME_SERVICE_MS};
use super::rig::{MINUTE_MS, account};

/// One renter at a time, and rests between two; of a shared number, one of each service at a time, and at most eight: by the times that the
/// rentals themselves hold.
pub fn rested(rentals: &[Rental], numbers: Numbers) -> Result<(), String> {
    let mut by_number: BTreeMap<&str, Vec<&Rental>> = BTreeMap::new();
    for rental in rentals {
        by_number.entry(rental.number.as_str()).or_default().push(rental);
    }
    for (number, mut of_it) in by_number {
        of_it.sort_by_key(|rental| rental.created_at);
        for (at, rental) in of_it.iter().enumerate() {
            if !rental.closed {
                return Err(format!("{} is still open", rental.id));
            }
            let before = &of_it[..at];
            let rests_until = |rental: &&Rental, ms| rental.ends_at.plus_ms(ms);
            let soon = match numbers.is_shared(&rental.number) {
                true => {
                    let beside = before.iter().filter(|other| other.ends_at > rental.created_at);
                    rental.service == "other"
                        || beside.count() >= number::Rules::standard().shared_rentals_max
                }
                false => before
                    .last()
                    .is_some_and(|last| rests_until(last, COOL_DOWN_MS) > rental.created_at),
            };
            let same = before.iter().rfind(|other| other.service == rental.service);
            let same_soon = same.is_some_and(|last| rests_until(last, SAME_SERVICE_MS) > rental.created_at);
            if soon || same_soon {
                return Err(format!(
                    "{number} was rented again too soon at {}",
                    rental.created_at
                ));
            }
        }
    }
    Ok(())
}

/// Each message is there once, and its rental and it name each other.
pub fn belongs(books: &Books) -> Result<(), String> {
    let mut listed: BTreeMap<MessageId, Vec<&Rental>> = BTreeMap::new();
    for rental in &books.rentals {
        for place in &rental.messages {
            listed.entry(place.id).or_default().push(rental);
        }
    }
    for id in &books.sent {
        let id = MessageId::derive("main", id);
        let message = books.store.message(id).unwrap().ok_or(format!("{id} is lost"))?;
        let by = listed.get(&id).map_or(&[][..], Vec::as_slice);
        let owner: Vec<RentalId> = message.owner.into_iter().collect();
        if by.iter().map(|rental| rental.id).collect::<Vec<_>>() != owner {
            return Err(format!(
                "{id} is {:?}'s, and listed by {}",
                message.owner,
                by.len()
            ));
        }
        for rental in by {
            // By the carrier's time, of the last ten minutes: here the clock runs while a message is on its way.
            let sent_at = message.sent_at.unwrap_or(message.received_at);
            let at = sent_at.max(message.received_at.minus_ms(10 * MINUTE_MS));
            let within = rental.created_at.minus_ms(5000) <= at && at <= rental.ends_at.plus_ms(GRACE_MS);
            if !within || rental.number.as_str() != message.to.as_str() {
                return Err(format!(
                    "{id} came at {at} to {:?}, and is of {rental:?}",
                    message.to
                ));
            }
            let rival = rivals(books, rental, message.received_at).next();
            if rental.service != "google" && rival.is_some() {
                return Err(format!(
                    "{id} names Google and is of {rental:?}, beside {rival:?}"
                ));
            }
        }
    }
    Ok(())
}

/// Those who had its number with this rental, before the message came for so long that its decision knew of them.
fn rivals<'a>(books: &'a Books, own: &'a Rental, received_at: UnixMs) -> impl Iterator<Item = &'a Rental> {
    let beside = |other: &&Rental| {
        other.id != own.id
            && other.number == own.number
            && other.created_at < own.ends_at.plus_ms(COOL_DOWN_MS)
            && own.created_at < other.ends_at.plus_ms(COOL_DOWN_MS)
    };
    let may_be_meant = move |other: &&Rental| {
        other.created_at.plus_ms(2 * MINUTE_MS) < received_at
            && received_at < other.ends_at.plus_ms(COOL_DOWN_MS)
    };
    books.rentals.iter().filter(beside).filter(may_be_meant)
}

/// Each rental is told once as begun, and once as over where it heard nothing.
pub fn told(books: &Books) -> Result<(), String> {
    let mut told: BTreeMap<(RentalId, &'static str), usize> = BTreeMap::new();
    for name in ACCOUNTS {
        let mut reading = Reading {
            account: account(name),
            after: Default::default(),
            patterns: Vec::new(),
            rental: None,
            events_max: 1000,
        };
        loop {
            let page = books.store.events(&reading).unwrap();
            for (_, event) in &page.events {
                let rental = event.rental.expect("all are about rentals");
                *told.entry((rental, event.kind.as_str())).or_default() += 1;
            }
            if page.events.is_empty() {
                break;
            }
            reading.after = page.read_to;
        }
    }
    for rental in &books.rentals {
        let count = |kind| told.get(&(rental.id, kind)).copied().unwrap_or(0);
        let ends = [count("verification.cancelled"), count("verification.expired")];
        let expected = match rental.status {
            Status::Cancelled => [1, 0],
            Status::Expired => [0, 1],
            Status::Completed | Status::Active => [0, 0],
        };
        let codes = count("verification.code_received");
        if count("verification.created") != 1
            || ends != expected
            || (rental.code.is_some() && codes != rental.messages.len())
        {
            return Err(format!(
                "{} is {:?}: {ends:?}, {codes} codes",
                rental.id, rental.status
            ));
        }
    }
    Ok(())
}

/// Once time has passed, all numbers are free again.
pub async fn none_is_lost(books: &Books) -> Result<(), String> {
    books.rig.pass_and_sweep(24 * 60 * MINUTE_MS).await;
    let states = books.store.live().states(books.rig.clock.now());
    if states[&State::Free] != NUMBERS || books.rig.gateway.waiting_for_numbers() > 0 {
        return Err(format!("at the end they are {states:?}"));
    }
    Ok(())
}
