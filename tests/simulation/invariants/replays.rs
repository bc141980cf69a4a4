//! Replays: what was acknowledged comes to its end over every restart, is told once, asked for what it says, and all of that is settled.

use ringback::core::event::Kind;
use ringback::core::id::EventId;

use super::{News, ensure};
use crate::simulation::world::World;

pub fn come_to_their_end(world: &World, _: &News) -> Result<(), String> {
    let gateway = world.gateway().ok_or("the gateway is down at the end")?;
    let (books, model) = (world.books(), world.model());
    for (account, id) in &books.replays {
        let replay = gateway.replay_of(account, *id);
        let replay = replay.map_err(|error| format!("{id} was acknowledged, and is gone: {error}"))?;
        ensure(!replay.is_running(), || {
            format!("{id} never came to its end: {replay:?}")
        })?;
        let told = EventId::derive(&id.0, Kind::ReplayFinished.as_str());
        let times = model.by_event.get(&told).map_or(0, Vec::len);
        ensure(times == usize::from(!replay.dry_run), || {
            format!("the end of {id} was told {times} times")
        })?;
        let asked = model.replayed.get(id).copied().unwrap_or_default();
        let counted = if replay.dry_run {
            0
        } else {
            replay.counts.deliveries
        };
        ensure(asked == counted, || {
            format!("{id} says that it asked for {counted} deliveries, and asked for {asked}")
        })?;
    }
    Ok(())
}

/// Whether or not its subscription wanted it when it happened.
pub fn what_was_asked_for_is_settled(world: &World, _: &News) -> Result<(), String> {
    let model = world.model();
    for ((id, seq), owed) in &model.again {
        let is_there = model.fares.get(id).is_some_and(|fare| fare.deleted_ms.is_none());
        ensure(owed.is_none() || !is_there, || {
            format!("{id} asked for {} again, and is owed it since {owed:?}", seq.0)
        })?;
    }
    Ok(())
}
