//! 5 and 11: polls are answered in time and leave nothing; when the faults stop, everything drains.

use super::{News, ensure};
use crate::simulation::books::Ended;
use crate::simulation::world::World;
use ringback::store::Store;

/// From the commit, or the poll's own time, to its answer, in virtual milliseconds.
const ANSWERED_WITHIN_MS: u64 = 5;

pub fn answered_in_time(world: &World, _: &News) -> Result<(), String> {
    let (books, model, now_ms) = (world.books(), world.model(), world.wall.elapsed_ms());
    for poll in &books.polls {
        let ended_ms = match &poll.ended {
            Some((_, Ended::HungUp | Ended::Lost | Ended::Refused(_))) => continue,
            Some((ended_ms, _)) => *ended_ms,
            None => now_ms,
        };
        let mut latest_ms = poll.began_ms + poll.wait_ms;
        if let Some(settled_ms) = model.settled_ms.get(&poll.rental) {
            latest_ms = latest_ms.min(poll.began_ms.max(*settled_ms));
        }
        ensure(ended_ms <= latest_ms + ANSWERED_WITHIN_MS, || {
            format!(
                "a poll for {} should have ended at {latest_ms} ms: {:?}",
                poll.rental, poll.ended
            )
        })?;
        if let Some((ended_ms, Ended::Pending)) = &poll.ended {
            let early = *ended_ms < poll.began_ms + poll.wait_ms;
            ensure(
                !early || model.settled_ms.is_empty() || world.boot_count() > 0,
                || "too early".into(),
            )?;
        }
    }
    Ok(())
}

/// As many are waiting in the gateway as there are clients who wait.
pub fn nobody_is_left_behind(world: &World, _: &News) -> Result<(), String> {
    let Some(gateway) = world.gateway() else {
        return Ok(());
    };
    let open = world
        .books()
        .polls
        .iter()
        .filter(|poll| poll.ended.is_none())
        .count();
    let held = gateway.waiters().count();
    ensure(held == open, || {
        format!("{held} polls are held for {open} clients")
    })
}

pub fn everything_drained(world: &World, _: &News) -> Result<(), String> {
    let (Some(gateway), Some(disk)) = (world.gateway(), world.disk()) else {
        return Err("the gateway is down at the end".into());
    };
    ensure(gateway.waiters().count() == 0, || {
        "polls are held at the end".into()
    })?;
    let (books, model) = (world.books(), world.model());
    let in_flight = world.network.in_flight();
    ensure(in_flight == 0, || format!("{in_flight} attempts never ended"))?;
    let open: Vec<_> = books
        .messages
        .iter()
        .filter(|(_, sms)| !sms.is_acknowledged)
        .map(|(id, _)| id)
        .collect();
    ensure(open.is_empty(), || format!("never acknowledged: {open:?}"))?;
    let running: Vec<_> = model
        .rentals
        .values()
        .filter(|(rental, _)| !rental.closed)
        .map(|(r, _)| r.id)
        .collect();
    ensure(running.is_empty(), || {
        format!("rentals that never ended: {running:?}")
    })?;
    let far = ringback::core::time::UnixMs(u64::MAX);
    for id in disk.live().owed(far) {
        let is_deleted = model.fares[&id].deleted_ms.is_some();
        ensure(is_deleted, || format!("{id} is still owed something"))?;
    }
    Ok(())
}
