//! 1 to 4: what was acknowledged is stored, once, with its one owner, and stays as it was shown.

use ringback::core::id::{OutboundId, RentalId};
use ringback::core::number::Unmatched;
use ringback::core::rental::{MessageRef, Rental, Status};
use ringback::store::{Reads, Store};

use super::{News, ensure, sharing};
use crate::simulation::books::CarrierId;
use crate::simulation::model::{Kept, Listed};
use crate::simulation::process::{COOL_DOWN_MS, GRACE_MS, PHONE, SOURCES};
use crate::simulation::world::World;

/// How far a carrier's clock may be behind ours.
const SKEW_MS: u64 = 5000;
/// How far back a carrier's time is believed.
pub const BACK_MS: u64 = 600_000;
/// A decision and its commit may lie so far apart, with a slow disk.
pub const COMMIT_MS: u64 = 10_000;
/// Messages that a rental lists.
const LISTED_MAX: usize = 64;

/// Looks on the disk itself for all that was acknowledged since the last look; after a start, for all of it.
pub fn acknowledged_is_stored(world: &World, _: &News) -> Result<(), String> {
    let Some(disk) = world.disk() else {
        return Ok(());
    };
    let mut books = world.books();
    let unchecked = std::mem::take(&mut books.unchecked);
    let model = world.model();
    for id in unchecked {
        let by_id = |id: &CarrierId| model.by_carrier_id.get(&(id.0.to_owned(), id.1.clone()));
        let mut twins = books.twins(&id);
        let kept = by_id(&id).or_else(|| twins.find_map(by_id));
        let kept = kept.and_then(|places| model.kept.get(*places.first()?));
        let place = kept.map(|kept| MessageRef {
            id: kept.message.id,
            at: kept.message.received_at,
        });
        let stored = place.map_or(Ok(Vec::new()), |place| disk.messages(&[place]));
        let stored = stored.map_err(|e| e.to_string())?;
        ensure(stored.len() == 1, || {
            format!("{id:?} was acknowledged, and is not on the disk")
        })?;
    }
    for (account, id) in &books.rentals {
        ensure(model.rentals.contains_key(id), || {
            format!("the rental {id} of {account:?} is lost")
        })?;
    }
    for id in &books.cancelled {
        let status = model.rentals.get(id).map(|(rental, _)| rental.status);
        ensure(status == Some(Status::Cancelled), || {
            format!("the end of {id} is lost")
        })?;
    }
    let live = disk.live();
    for known in books.subscribed.iter().filter(|known| known.until_ms.is_none()) {
        ensure(live.subscription(known.id).is_some(), || {
            format!("{} is lost", known.id)
        })?;
    }
    Ok(())
}

pub fn one_message_and_one_event(world: &World, news: &News) -> Result<(), String> {
    let model = world.model();
    for kept in &model.kept[news.kept.clone()] {
        let id = (
            kept.message.source.clone(),
            kept.message.carrier_message_id.clone(),
        );
        ensure(model.by_carrier_id[&id].len() == 1, || {
            format!("{id:?} is stored twice")
        })?;
    }
    for logged in &model.logged[news.logged.clone()] {
        let event = &logged.event;
        ensure(model.by_event[&event.id].len() == 1, || {
            format!("{} was logged twice", event.id)
        })?;
        let of_message = event
            .message
            .map_or(1, |message| model.by_message[&message].len());
        ensure(of_message == 1, || format!("{:?} made two events", event.message))?;
    }
    Ok(())
}

pub fn belongs_to_one(world: &World, news: &News) -> Result<(), String> {
    let model = world.model();
    let kept = &model.kept[news.kept.clone()];
    if world.shares() {
        for kept in kept {
            count_sharing(world, kept);
        }
        return kept.iter().try_for_each(sharing::owner_is_right);
    }
    kept.iter().try_for_each(owner_is_right)
}

fn count_sharing(world: &World, kept: &Kept) {
    let open = kept.holders.iter().filter(|(rental, _)| !rental.closed);
    match kept.message.owner {
        Ok(_) if open.count() > 1 => world.count("a message of one of several"),
        Err(Unmatched::Ambiguous) => world.count("a message that may be any of several's"),
        _ => {}
    }
}

fn owner_is_right(kept: &Kept) -> Result<(), String> {
    let message = &kept.message;
    let said = || format!("{} of {}", message.carrier_message_id, message.received_at);
    let sent_at = message.sent_at.unwrap_or(message.received_at);
    let time = sent_at.clamp(message.received_at.minus_ms(BACK_MS), message.received_at);
    let Ok(owner) = message.owner else {
        let held = kept.holders.iter().find(|(rental, since)| {
            let seen = since.ms + COMMIT_MS < kept.at.ms && since.clock_changes == kept.at.clock_changes;
            seen && rental.created_at <= time && time <= rental.ends_at
        });
        return ensure(held.is_none(), || {
            format!(
                "{} was left to nobody, and was of {:?}",
                said(),
                held.map(|(rental, _)| rental.id)
            )
        });
    };
    let rental = in_its_time(kept, owner)?;
    // Whoever holds the number for so long cannot be robbed of a message by a renter before, whatever the clocks say.
    let is_open = |other: &Rental| other.id != owner && !other.closed && other.account != rental.account;
    let held_ms = COOL_DOWN_MS.max(BACK_MS) + COMMIT_MS;
    let robbed = kept
        .holders
        .iter()
        .find(|(other, since)| is_open(other) && since.ms + held_ms < kept.at.ms);
    ensure(robbed.is_none(), || {
        format!(
            "{} was given to {owner}, and {:?} holds the number",
            said(),
            robbed.map(|(r, _)| r.id)
        )
    })
}

/// The rental that a message was given to, at a time that is its own.
pub fn in_its_time(kept: &Kept, owner: RentalId) -> Result<&Rental, String> {
    let message = &kept.message;
    let said = || format!("{} of {}", message.carrier_message_id, message.received_at);
    let sent_at = message.sent_at.unwrap_or(message.received_at);
    let rental = kept.was.as_ref().filter(|rental| rental.id == owner);
    let rental = rental.ok_or_else(|| format!("{} belongs to {owner}, which is not there", said()))?;
    let from = rental.created_at.minus_ms(SKEW_MS);
    // A rental that began, or gave its number back, later than now: our clock was stepped back since, and stands still for this number.
    let known = kept
        .given_back_at
        .unwrap_or(rental.created_at)
        .max(rental.created_at);
    let now = message.received_at.max(known);
    let time = sent_at.clamp(now.minus_ms(BACK_MS), now);
    // A code after such a step ends it by the clock as it is, before it began.
    let ends_at = rental.ends_at.max(rental.created_at);
    ensure(from <= time && time <= ends_at.plus_ms(GRACE_MS), || {
        format!(
            "{} was sent at {time} and given to {owner}, which was from {from} to {}",
            said(),
            rental.ends_at
        )
    })?;
    Ok(rental)
}

/// A rental lists its messages in the order of their commits, and never another list than before.
pub fn nothing_is_rewritten(world: &World, news: &News) -> Result<(), String> {
    let model = world.model();
    for listed in &model.listed[news.listed.clone()] {
        let Listed {
            rental,
            before,
            after,
            filed,
        } = listed;
        ensure(after.starts_with(before), || {
            format!("{rental} listed {before:?} and now {after:?}")
        })?;
        let added = &after[before.len()..];
        let foreign = added
            .iter()
            .find(|id| !filed.iter().any(|message| message.id == **id));
        ensure(foreign.is_none(), || {
            format!("{rental} lists {foreign:?}, which is not its own")
        })?;
        // A part may wait for the others; everything else is listed at once.
        let missing = filed
            .iter()
            .find(|message| message.part.is_none() && !after.contains(&message.id));
        ensure(missing.is_none() || after.len() == LISTED_MAX, || {
            format!("{rental} does not list {missing:?}")
        })?;
    }
    for (id, shown) in &world.books().shown {
        let is = model.rentals.get(id).map(|(rental, _)| rental.version);
        ensure(is >= Some(shown.version), || {
            format!("{id} was shown before it was on the disk")
        })?;
    }
    Ok(())
}

/// What became of a message that was sent only ever grows, and no report that was acknowledged is lost.
pub fn reports_only_add(world: &World, _: &News) -> Result<(), String> {
    let (books, model) = (world.books(), world.model());
    ensure(model.taken_back.is_empty(), || {
        format!("a message that was sent went back: {:?}", model.taken_back)
    })?;
    for (id, reported) in &books.outbound {
        let known = OutboundId::derive(SOURCES[PHONE].0, id);
        let is = model.outbound.get(&known).map(|outbound| outbound.state);
        ensure(is >= *reported, || {
            format!("{id} was reported as {reported:?}, and is {is:?}")
        })?;
    }
    Ok(())
}

/// The disk, read whole: each message at one place, each rental as its last commit left it.
pub fn everything_is_as_the_model_says(world: &World, _: &News) -> Result<(), String> {
    let Some(disk) = world.disk() else {
        return Err("the gateway is down at the end".into());
    };
    let model = world.model();
    let strays = disk.unmatched(None, 10_000).map_err(|e| e.to_string())?;
    for message in model.messages.values() {
        let place = MessageRef {
            id: message.id,
            at: message.received_at,
        };
        let stored = disk.messages(&[place]).map_err(|e| e.to_string())?;
        ensure(stored == [message.clone()], || {
            format!("{} is not as it was stored", message.id)
        })?;
        let is_stray = strays.iter().any(|stray| stray.id == message.id);
        ensure(is_stray == model.strays.contains(&message.id), || {
            format!("{} has two places or none", message.id)
        })?;
    }
    for (rental, _) in model.rentals.values() {
        let stored = disk
            .rental(&rental.account, rental.id)
            .map_err(|e| e.to_string())?;
        ensure(stored.as_ref() == Some(rental), || {
            format!("{} is not as it was stored", rental.id)
        })?;
    }
    Ok(())
}
