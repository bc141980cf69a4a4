//! 8: a number has one renter at a time, rests between two, and never gets lost.

use super::{News, ensure};
use crate::simulation::process::{COOL_DOWN_MS, SAME_SERVICE_MS};
use crate::simulation::script;
use crate::simulation::world::World;
use ringback::core::number::State;
use ringback::store::Store;

pub fn one_renter(world: &World, _: &News) -> Result<(), String> {
    let Some(disk) = world.disk() else {
        return Ok(());
    };
    let (live, model) = (disk.live(), world.model());
    for number in live.numbers() {
        let open = number.leases.iter().filter(|lease| lease.ended.is_none());
        let leased: Vec<_> = open.map(|lease| lease.rental).collect();
        let of_number = |rental: &&_| {
            let rental: &ringback::core::rental::Rental = rental;
            rental.number == number.number && !rental.closed
        };
        let all = model.rentals.values().map(|(rental, _)| rental);
        let rented: Vec<_> = all.filter(of_number).map(|rental| rental.id).collect();
        ensure(leased == rented && leased.len() <= 1, || {
            format!(
                "{} is leased to {leased:?} and rented by {rented:?}",
                number.number.as_str()
            )
        })?;
    }
    let states = live.states(world.wall.clock.now());
    let (active, all) = (states[&State::Active], states.values().sum::<usize>());
    ensure(
        active == live.counts().rentals && all == script::numbers().len(),
        || {
            format!(
                "{active} of {all} numbers are active, {} rented",
                live.counts().rentals
            )
        },
    )
}

/// By the gateway's own clock, which it writes into both.
pub fn rested(world: &World, _: &News) -> Result<(), String> {
    let Some(disk) = world.disk() else {
        return Ok(());
    };
    for number in disk.live().numbers() {
        for pair in number.leases.windows(2) {
            let rests_until = pair[0].ends_at.plus_ms(COOL_DOWN_MS);
            ensure(rests_until <= pair[1].starts_at, || {
                format!(
                    "{} was leased again at {}",
                    number.number.as_str(),
                    pair[1].starts_at
                )
            })?;
        }
        for (at, later) in number.leases.iter().enumerate() {
            let before = number.leases[..at]
                .iter()
                .rfind(|lease| lease.service == later.service);
            ensure(
                before.is_none_or(|lease| lease.ends_at.plus_ms(SAME_SERVICE_MS) <= later.starts_at),
                || {
                    format!(
                        "{} was leased for {} again too soon",
                        number.number.as_str(),
                        later.service
                    )
                },
            )?;
        }
        if let (Some(quarantine), Some(lease)) = (&number.standing.quarantine, number.leases.last()) {
            let is_in = quarantine.since <= lease.starts_at
                && quarantine.until.is_none_or(|until| lease.starts_at < until);
            ensure(!is_in, || {
                format!("{} was leased out of quarantine", number.number.as_str())
            })?;
        }
    }
    Ok(())
}

pub fn none_is_lost(world: &World, _: &News) -> Result<(), String> {
    let Some(disk) = world.disk() else {
        return Err("the gateway is down at the end".into());
    };
    let states = disk.live().states(world.wall.clock.now());
    let back = states[&State::Free] + states[&State::Quarantined];
    ensure(back == script::numbers().len(), || {
        format!("at the end they are {states:?}")
    })
}
