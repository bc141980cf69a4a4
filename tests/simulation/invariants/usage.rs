//! 13: what was used is what was completed by a code, each rental once and at its price, whatever came between.

use std::collections::BTreeMap;

use ringback::core::id::{RentalId, Seq};
use ringback::core::money::Price;
use ringback::core::rental::Status;
use ringback::store::{Metering, Reads, Store};

use super::{News, ensure};
use crate::simulation::world::World;

/// The disk, read whole, of all accounts.
pub fn each_completion_is_metered_once(world: &World, _: &News) -> Result<(), String> {
    let Some(disk) = world.disk() else {
        return Err("the gateway is down at the end".into());
    };
    let mut used: BTreeMap<RentalId, Vec<Price>> = BTreeMap::new();
    let mut reading = Metering {
        account: None,
        after: None,
        since: Seq(0),
        until: Seq(disk.live().newest_event().0 + 1),
        items_max: 7,
    };
    loop {
        let found = disk.usage(&reading).map_err(|e| e.to_string())?;
        for (_, usage) in found.items {
            used.entry(usage.rental).or_default().push(usage.cost);
        }
        if !found.more {
            break;
        }
        reading.after = found.read_to;
    }
    let model = world.model();
    let completed = model.rentals.values().map(|(rental, _)| rental);
    let completed = completed.filter(|rental| rental.status == Status::Completed);
    let expected: BTreeMap<RentalId, Vec<Price>> =
        completed.map(|rental| (rental.id, vec![rental.cost])).collect();
    ensure(used == expected, || {
        format!("{used:?} was metered, and {expected:?} completed")
    })
}
