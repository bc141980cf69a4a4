//! 8: a number has one renter at a time, rests between two, and never gets lost.

use super::{News, ensure};
use crate::simulation::process::COOL_DOWN_MS;
use crate::simulation::script;
use crate::simulation::world::World;
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
    let (counts, total) = (live.counts(), script::numbers().len());
    ensure(counts.numbers_free + counts.rentals == total, || {
        format!(
            "{} free and {} rented are not {total}",
            counts.numbers_free, counts.rentals
        )
    })
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
    }
    Ok(())
}

pub fn none_is_lost(world: &World, _: &News) -> Result<(), String> {
    let Some(disk) = world.disk() else {
        return Err("the gateway is down at the end".into());
    };
    let free = disk
        .live()
        .free_numbers(("US", None), world.wall.clock.now(), 100, |_| true)
        .len();
    ensure(free == script::numbers().len(), || {
        format!("{free} numbers are free again")
    })
}
