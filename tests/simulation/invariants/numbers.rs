//! 8: a number has one renter at a time, or where it is shared one of each service; it rests between two, and never gets lost.

use std::collections::BTreeSet;

use super::{News, ensure};
use crate::simulation::process::{COOL_DOWN_MS, SAME_SERVICE_MS};
use crate::simulation::script;
use crate::simulation::world::World;
use ringback::core::event::Kind;
use ringback::core::number::{Lease, State};
use ringback::store::Store;

pub fn one_renter(world: &World, _: &News) -> Result<(), String> {
    let Some(disk) = world.disk() else {
        return Ok(());
    };
    let (live, model) = (disk.live(), world.model());
    let (mut held, mut rentals) = (0, 0);
    for number in live.numbers() {
        let open: Vec<_> = number
            .leases
            .iter()
            .filter(|lease| lease.ended.is_none())
            .collect();
        let leased: BTreeSet<_> = open.iter().map(|lease| lease.rental).collect();
        let services: BTreeSet<_> = open.iter().map(|lease| &lease.service).collect();
        (held, rentals) = (held + usize::from(!open.is_empty()), rentals + open.len());
        let of_number = |rental: &&_| {
            let rental: &ringback::core::rental::Rental = rental;
            rental.number == number.number && !rental.closed
        };
        let all = model.rentals.values().map(|(rental, _)| rental);
        let rented: BTreeSet<_> = all.filter(of_number).map(|rental| rental.id).collect();
        let at_most = if world.shares() { services.len() } else { 1 };
        ensure(leased == rented && open.len() <= at_most, || {
            format!(
                "{} is leased to {leased:?} and rented by {rented:?}",
                number.number.as_str()
            )
        })?;
    }
    let states = live.states(world.wall.clock.now());
    let (active, all) = (states[&State::Active], states.values().sum::<usize>());
    ensure(
        active == held && rentals == live.counts().rentals && all == script::numbers_of(world).len(),
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
        let pairs = number.leases.windows(2).filter(|_| !world.shares());
        for pair in pairs {
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
    }
    Ok(())
}

/// By what was known when a rental began: where a number is shared, the end of an older one may bring a quarantine later that reaches
/// back before it.
pub fn none_out_of_quarantine(world: &World, news: &News) -> Result<(), String> {
    let Some(disk) = world.disk() else {
        return Ok(());
    };
    let model = world.model();
    let logged = model.logged[news.logged.clone()].iter();
    let begun = logged.filter(|logged| logged.event.kind == Kind::VerificationCreated);
    let begun: BTreeSet<_> = begun.filter_map(|logged| logged.event.rental).collect();
    for number in disk.live().numbers() {
        let Some(quarantine) = &number.standing.quarantine else {
            continue;
        };
        let is_in = |lease: &Lease| {
            begun.contains(&lease.rental)
                && quarantine.since <= lease.starts_at
                && quarantine.until.is_none_or(|until| lease.starts_at < until)
        };
        ensure(!number.leases.iter().any(is_in), || {
            format!("{} was leased out of quarantine", number.number.as_str())
        })?;
    }
    Ok(())
}

pub fn none_is_lost(world: &World, _: &News) -> Result<(), String> {
    let Some(disk) = world.disk() else {
        return Err("the gateway is down at the end".into());
    };
    let states = disk.live().states(world.wall.clock.now());
    let back = states[&State::Free] + states[&State::Quarantined];
    ensure(back == script::numbers_of(world).len(), || {
        format!("at the end they are {states:?}")
    })
}
